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
detached, or the loop unrolls one sequence that is backpropagated as a whole. The flag counts as needless only where all of the graph
is seen to be made in the iteration: a model out of sight may carry a state, a tensor from before the loop may carry a graph.

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
    region = facts.repeats(node)
    if region is None or _handed_on(node, target, region, facts):
        return
    if not facts.made_in(region, target):
        return
    yield Finding(
        keyword,
        f"This is the only backward over the graph of `{facts.short(target, 30)}`: nothing needs it afterwards. "
        "Drop `retain_graph=True`: it keeps two graphs alive at a time.",
        (Fix.of("Drop `retain_graph=True`", RemoveArgument(node, keyword)),),
    )


def _handed_on(node: ast.Call, target: ast.expr, region: ast.AST, facts: Facts) -> bool:
    """Whether what is backpropagated is returned, or given to code out of sight, that may run backward again."""
    names = {facts.key(n) for n in ast.walk(target)} - {None, "self"}
    for use in facts.nodes_in(facts.function(node) or region, ast.Return, ast.Yield, ast.Call):
        if use is node or node in facts.ancestors(use) or (isinstance(use, ast.Call) and _known(use, facts)):
            continue
        parts = [*use.args, *(k.value for k in use.keywords)] if isinstance(use, ast.Call) else [getattr(use, "value", None)]
        for part in parts:
            for inner in ast.walk(part) if part is not None else ():
                held = isinstance(inner, (ast.Name, ast.Attribute)) and (facts.key(inner) in names or facts.requires_grad(inner))
                if held and part is not None and not any(facts.is_graph_free(around) for around in _between(inner, part, facts)):
                    return True
    return False


def _known(call: ast.Call, facts: Facts) -> bool:
    """Whether a call is of a library, a module, a function in sight, or a method of a tensor."""
    if facts.is_module(call.func) or facts.called(call):
        return True
    if isinstance(call.func, ast.Attribute) and facts.is_kind(
        call.func.value, "tensor", "output", "optimizer", "scheduler", "scaler"
    ):
        return True
    return (facts.qualified(call.func) or "").partition(".")[0] in ("torch", "builtins", "math", "numpy", "tqdm", "wandb")


def _between(inner: ast.AST, outer: ast.AST, facts: Facts) -> list[ast.AST]:
    """Expressions around a node, up to one of them."""
    found = [inner]
    while found[-1] is not outer and (parent := facts.parent(found[-1])) is not None:
        found.append(parent)
    return [node for node in found if isinstance(node, ast.expr)]


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


def _detached(name: ast.expr, statement: ast.Assign, loop: ast.AST, facts: Facts) -> bool:
    """Whether a state is cut off: where it is read, or by another statement of the loop, on every iteration or now and then."""
    if any(facts.is_graph_free(node) for node in _between(name, statement.value, facts)) or facts.calls_in(loop, "detach_"):
        return True
    key = facts.key(name)
    return any(
        d.statement is not statement and loop in facts.ancestors(d.node) for d in facts.bindings(facts.function(name), key or "")
    )


@RULE.check
def carried_state(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`out, h = rnn(x, h)` with `loss.backward(retain_graph=True)`: each backward walks all earlier steps."""
    keyword = _flag(node)
    if keyword is None or facts.is_test_file():
        return
    for statement in _carried(node, facts):
        for name in _state_names(statement, facts):
            loop = facts.loops(node)[0]
            if facts.requires_grad(statement.value) is None or _detached(name, statement, loop, facts):
                continue
            assert isinstance(loop, (ast.For, ast.AsyncFor, ast.While))
            state = facts.text(name)
            fixes: tuple[Fix, ...] = ()
            if facts.is_tensor(name) and not _other_uses(node, facts):
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
