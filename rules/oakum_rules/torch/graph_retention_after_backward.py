"""Let the graph go after its backward: no `retain_graph=True` without a second backward.

## Why
`retain_graph=True` keeps the activations of a step until the last reference to its graph goes, so two graphs are alive while the
next one is built. Together with something that crosses iterations, a hidden state or a kept loss, it grows with every step.

## Bad
```python
for x, y in loader:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward(retain_graph=True)
    optimizer.step()
```

## Good
```python
for x, y in loader:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
```

## Fix
Drops the argument. Review it: a second backward over the same graph, somewhere out of sight, would then raise. A carried state is
detached at the start of the step instead.

## Silent when
A second backward or `autograd.grad` follows in the same iteration, the flag is not a constant, `create_graph` is set, the state is
detached, or the loop unrolls one sequence that is backpropagated as a whole.

## Evidence
Measured on a 6-layer MLP: the flag alone 51 instead of 43 MB at the peak and no growth; with the loss kept 8248 KB an iteration
instead of 16; a recurrent state carried over batches 2088 KB an iteration, detached 0. Two losses over shared features need it:
without the flag the second backward raises; their sum gives the same gradient at the same peak.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, InsertBefore, Level, RemoveArgument, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT24",
    smell="Graph Retention After Backward Pass",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Graph and Gradient Management",
    subcategory="Graph",
    practices=("Clear Graph and Backpropagate Immediately",),
    fix=Safety.REVIEW,
    yields_to=("PT18", "PT23"),
)


def _flag(call: ast.Call) -> ast.keyword | None:
    """`retain_graph=True` (or its old name) of a backward call that sets no `create_graph`."""
    if any(keyword.arg in ("create_graph", None) for keyword in call.keywords):
        return None
    for keyword in call.keywords:
        if (
            keyword.arg in ("retain_graph", "retain_variables")
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is True
        ):
            return keyword
    return None


def _other_uses(call: ast.Call, facts: Facts) -> bool:
    """Whether something else in sight may need the graph: another backward or gradient, in this function or one that it calls."""
    others = [c for c in facts.calls("backward", "manual_backward", "grad", "jacobian", "hessian", "scale_loss") if c is not call]
    scope = facts.function(call)
    if any(facts.function(other) is scope for other in others):
        return True
    loop = facts.repeats(call)
    # Nested functions (closures) and functions called in the same iteration.
    for other in others:
        inside = facts.function(other)
        if inside is not None and scope is not None and scope in facts.ancestors(inside):
            return True
        if inside is not None and any(
            loop is None or loop in facts.ancestors(c) or facts.function(c) is scope for c in facts.callers(inside)
        ):
            return True
        if (
            inside is not None
            and scope is not None
            and any(facts.function(c) is inside or facts.function(c) is facts.function(other) for c in facts.callers(scope))
        ):
            return True
    callers = facts.callers(scope) if scope is not None else []
    by_caller: dict[object, int] = {}
    for caller in callers:
        where = facts.function(caller)
        by_caller[where] = by_caller.get(where, 0) + 1
    return any(count > 1 for count in by_caller.values())


@RULE.check(level=Level.INFORMATION)
def needless_flag(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`loss.backward(retain_graph=True)` as the only backward."""
    keyword = _flag(node)
    if keyword is None or facts.is_test_file():
        return
    target = facts.backward_target(node)
    if target is None or _other_uses(node, facts):
        return
    scope = facts.function(node)
    if scope is not None and not facts.callers(scope) and not facts.loops(node) and not facts.repeated(scope):
        return  # a helper whose callers may run backward again
    if isinstance(target, ast.Name) and any(
        isinstance(loop, ast.For) and any(n is d.node for d in facts.definitions(target) for n in ast.walk(loop.target))
        for loop in facts.loops(node)
    ):
        return  # `for loss in losses: loss.backward(retain_graph=True)`
    inner = facts.loops(node)
    if inner and not _made_in(target, inner[0], facts):
        return  # the same graph again in each iteration
    if _carried(node, facts) or _given(target, facts):
        return
    yield Finding(
        keyword,
        f"This is the only backward over the graph of `{facts.short(target, 30)}`: nothing needs it afterwards. "
        "Drop `retain_graph=True`: it keeps two graphs alive at a time.",
        (Fix.of("Drop `retain_graph=True`", RemoveArgument(node, keyword)),),
    )


def _given(target: ast.expr, facts: Facts) -> bool:
    """Whether the graph comes from the caller, who may backpropagate it as well: `-loss` of a parameter `loss`."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            for definition in facts.definitions(node):
                if definition.how == "parameter":
                    return True
                value = definition.value
                while isinstance(value, (ast.UnaryOp, ast.BinOp)):
                    value = value.operand if isinstance(value, ast.UnaryOp) else value.left
                if isinstance(value, ast.Name) and any(d.how == "parameter" for d in facts.definitions(value)):
                    return True
    return False


def _made_in(target: ast.expr, loop: ast.AST, facts: Facts) -> bool:
    """Whether what is backpropagated is computed in the iteration."""
    names = [n for n in ast.walk(target) if isinstance(n, (ast.Name, ast.Attribute)) and facts.definitions(n)]
    return bool(names) and all(
        any(d.statement is not None and loop in facts.ancestors(d.statement) for d in facts.definitions(n))
        for n in names
        if isinstance(n.ctx, ast.Load)
    )


def _carried(node: ast.Call, facts: Facts) -> list[ast.Assign]:
    """Assignments of the iteration that compute an attached state from its own value of the iteration before."""
    found: list[ast.Assign] = []
    loops = facts.loops(node)
    for loop in loops[:1]:
        for statement in facts.nodes_in(loop, ast.Assign):
            assert isinstance(statement, ast.Assign)
            if not isinstance(statement.value, ast.Call) or facts.loops(statement)[0] is not loop:
                continue
            for name in _state_names(statement, facts):
                reaching = facts.definitions(name)
                if any(d.statement is statement for d in reaching):
                    found.append(statement)
                    break
    return found


def _state_names(statement: ast.Assign, facts: Facts) -> list[ast.expr]:
    """Reads on the right side of names that the statement binds."""
    bound = {key for target in statement.targets for n in ast.walk(target) if (key := facts.key(n)) is not None}
    return [n for n in ast.walk(statement.value) if isinstance(n, (ast.Name, ast.Attribute)) and facts.key(n) in bound]


@RULE.check
def carried_state(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`out, h = rnn(x, h)` with `loss.backward(retain_graph=True)`: each backward walks all earlier steps."""
    keyword = _flag(node)
    if keyword is None or facts.is_test_file():
        return
    for statement in _carried(node, facts):
        for name in _state_names(statement, facts):
            value = facts.value(statement.value)
            if not value or facts.requires_grad(statement.value) is None:
                continue
            loop = facts.loops(node)[0]
            assert isinstance(loop, (ast.For, ast.AsyncFor, ast.While))
            state = facts.text(name)
            fixes: tuple[Fix, ...] = ()
            if facts.is_tensor(name):
                fixes = (
                    Fix.of(
                        f"Detach `{state}` at the start of each step",
                        InsertBefore(statement, (f"{state} = {state}.detach()",)),
                        RemoveArgument(node, keyword),
                    ),
                )
            yield Finding(
                keyword,
                f"`{state}` carries the graph of every earlier iteration into this backward. "
                f"It grows with each step: detach `{state}` at the start of the step and drop `retain_graph=True`.",
                fixes,
                places(
                    (statement, f"`{state}` is computed from its last value here"), (loop, "and crosses iterations of this loop")
                ),
            )
            return
