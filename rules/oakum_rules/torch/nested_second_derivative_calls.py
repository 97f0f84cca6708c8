"""Ask for `create_graph=True` on the derivatives that are differentiated again, not on the last one.

## Why
`create_graph=True` records the computation of a gradient, so that it can be differentiated or be part of a loss. On a last derivative
that is only plotted, printed or turned into numbers, that graph is built for nothing, and where such a result is kept, all of it stays.

## Bad
```python
x = torch.linspace(0, 1, 100).unsqueeze(1).requires_grad_()
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
u = net(x)
u_x = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
print(u_xx.abs().max().item())
```

## Good
```python
x = torch.linspace(0, 1, 100).unsqueeze(1).requires_grad_()
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
u = net(x)
u_x = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
u_xx = torch.autograd.grad(u_x.sum(), x)[0]
print(u_xx.abs().max().item())
```

## Fix
Drops the flag on this call, or writes `retain_graph=True` in its place where the same graph may be used again. Review it: in a loss the
flag is needed, and with `retain_graph=True` there training runs on with a wrong gradient, silently.

## Silent when
The result reaches a loss, a backward or another gradient (physics-informed losses, gradient penalties, forces, meta-learning), or may,
out of sight: returned to unknown callers, stored as an attribute, given to a function elsewhere; the flag is an expression.

## Evidence
Nested calls are how higher derivatives are computed: calling them a leak is folklore, and the remedy told elsewhere, the flag itself, is
what costs. Measured on an MLP of width 256 with 512 points: the flag on the last of two calls has a peak of 31 instead of 19 MB and no
growth; the second derivative kept with its graph 8297 KB an iteration. Values are identical. With `retain_graph=True` in place of
the flag inside a loss the gradient is 0.404 instead of 0.545.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, Level, RemoveArgument, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT23",
    smell="Nested Second Derivative Calls",
    frameworks={Framework.TORCH},
    level=Level.INFORMATION,
    category="Graph and Gradient Management",
    subcategory="Gradient",
    practices=("Avoid Nested grad() Calls",),
    fix=Safety.REVIEW,
    see_also=("PT18", "PT24"),
)

# Where `create_graph` stands among the positional arguments.
_DERIVATIVES = {
    "torch.autograd.grad": 4,
    "torch.autograd.functional.jacobian": 2,
    "torch.autograd.functional.hessian": 2,
    "torch.autograd.functional.vjp": 3,
    "torch.autograd.functional.jvp": 3,
    "torch.autograd.functional.hvp": 3,
    "torch.autograd.functional.vhp": 3,
}


def _flag(call: ast.Call, facts: Facts) -> ast.expr | ast.keyword | None:
    """The `create_graph=True` of a derivative whose result nothing differentiates."""
    if not any(keyword.arg == "create_graph" for keyword in call.keywords) and len(call.args) < 3:
        return None
    position = _DERIVATIVES.get(facts.qualified(call.func) or "")
    if position is None or facts.is_test_file():
        return None
    flag = facts.switched_on(call, position, "create_graph")
    return flag if flag is not None and facts.never_differentiated(call) else None


def _kept(call: ast.Call, facts: Facts) -> tuple[ast.AST, ast.expr] | None:
    """Where a result, or something computed of it, is put into a container that outlives the iteration, and the container."""
    statement = facts.statement(call)
    function = facts.function(call)
    scope: ast.AST | None = function or (facts.loops(call)[-1] if facts.loops(call) else None)
    if scope is None:
        return None
    for node in facts.nodes_in(scope, ast.Call, ast.Assign, ast.AugAssign):
        for container, item in facts.put(node):
            names = [n for n in ast.walk(item) if isinstance(n, ast.Name)]
            of_it = any(n is call for n in ast.walk(item)) or any(
                d.statement is statement for n in names for d in facts.definitions(n)
            )
            if of_it and facts.requires_grad(item) is not None and facts.outlives(container, node) is not None:
                return node, container
    return None


def _fix(call: ast.Call, flag: ast.expr | ast.keyword, facts: Facts) -> Fix:
    around = facts.function(call)
    others = facts.calls("grad", "backward", "hessian", "jacobian", "vjp", "jvp", "hvp", "vhp")
    later = any(c is not call and facts.function(c) is around and facts.line(c) > facts.line(call) for c in others)
    first = facts.argument(call, 0, "outputs")
    older = first is not None and any(
        facts.older_than_iterations(first, loop) for loop in (*facts.loops(call)[:1], *facts.comprehensions(call)[:1])
    )
    retained = any(keyword.arg == "retain_graph" for keyword in call.keywords)
    if (later or older or facts.comprehensions(call)) and not retained and isinstance(flag, ast.keyword):
        return Fix.of("Write `retain_graph=True` in its place", Replace(flag, "retain_graph=True"))
    return Fix.of("Drop `create_graph=True` on this call", RemoveArgument(call, flag))


def _name(call: ast.Call, facts: Facts) -> str:
    """What the result is called: the name that it is bound to, or the call."""
    statement = facts.statement(call)
    return facts.short(statement.targets[0], 25) if isinstance(statement, ast.Assign) else f"{facts.short(call.func, 25)}(…)"


@RULE.check(level=Level.WARNING)
def kept(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A last derivative with `create_graph=True` that outlives its iteration."""
    flag = _flag(node, facts)
    if flag is None or (keeping := _kept(node, facts)) is None:
        return
    place, container = keeping
    yield Finding(
        flag,
        f"`{facts.short(container, 30)}` keeps the graph of each `{_name(node, facts)}`, which nothing differentiates. "
        "Drop `create_graph=True` on this call; the inner derivatives need it.",
        (_fix(node, flag, facts),),
        places((place, "it is kept here")),
        covers=(node, place),
    )


@RULE.check
def needless(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A last derivative with `create_graph=True` that is dropped or turned into numbers."""
    flag = _flag(node, facts)
    if flag is None or _kept(node, facts) is not None:
        return
    yield Finding(
        flag,
        f"Nothing differentiates `{_name(node, facts)}`: `create_graph=True` builds its graph for nothing. "
        "Drop it on this call; the inner derivatives need it, and so does what ends in a loss.",
        (_fix(node, flag, facts),),
        covers=(node,),
    )
