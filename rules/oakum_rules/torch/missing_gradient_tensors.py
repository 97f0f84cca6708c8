"""Hand tensors to `ctx.save_for_backward`, and keep plain attributes of `ctx` for everything else.

## Why
A tensor kept as an attribute of `ctx` bypasses autograd's bookkeeping. If it is the output, it points back to the `ctx` that holds
it: a cycle that only the garbage collector frees, with everything saved beside it. If it is an input, a change in place between
forward and backward gives wrong gradients without an error, and it stays in memory after the backward.

## Bad
```python
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.y = y
        return y

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.y
```

## Good
```python
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * y
```

## Fix
Moves the tensors of a forward into one `ctx.save_for_backward(...)` and reads them from `ctx.saved_tensors`. Review it: a saved
tensor that was changed in place makes the backward raise, where an attribute gave a wrong gradient. Not offered where a value may be
something else than a tensor, or is read elsewhere.

## Silent when
The value is a shape, a flag, a number, a module or anything that isn't surely a tensor; it is detached before it is kept; a returned
input (autograd returns a view of it, so nothing points back); `ctx` belongs to another API; the function isn't static.

## Evidence
Measured: an output on `ctx` grows by 266 KB an iteration until the collector happens to run, peak 174 instead of 19 MB, 331
instead of 17 without a backward. A view of the output, saved or on `ctx`, is never freed without a backward: 50 of 50 alive after
`gc.collect()`. An input changed in place: gradient 720 instead of 72 from an attribute, an error from `save_for_backward`.
An intermediate on `ctx` grows by nothing: that is style. The study's own example, removing `.detach()` from a forward, has nothing to
do with `ctx` and is no leak: a detached value is meant to stop gradients.
"""

import ast
from collections.abc import Iterator

from oakum.facts import CustomFunction, Facts, Kept, Role
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT21",
    smell="Missing Gradient Tensors",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Graph and Gradient Management",
    subcategory="Gradient",
    practices=("Proper Tensor Management with ctx.save_for_backward()",),
    fix=Safety.REVIEW,
    yields_to=("PT09",),
    see_also=("PT04",),
)


def _released(kept: Kept, function: CustomFunction, facts: Facts) -> bool:
    """Whether the backward drops the attribute: `del ctx.y`, `ctx.y = None`."""
    backward = function.backward
    if backward is None or not backward.args.args:
        return False
    key = f"{backward.args.args[0].arg}.{kept.attribute}"
    return any(
        d.how == "delete" or (isinstance(d.value, ast.Constant) and d.value.value is None) for d in facts.bindings(backward, key)
    )


@RULE.check
def output_on_ctx(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`ctx.y = y` where the forward returns `y`, alone or in a container, or a view of it."""
    yield from _attributes(node, facts, {Role.OUTPUT, Role.VIEW}, released=False)


@RULE.check(level=Level.HINT)
def output_dropped_by_backward(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`ctx.y = y` with `del ctx.y` in the backward: a cycle where no backward runs."""
    yield from _attributes(node, facts, {Role.OUTPUT, Role.VIEW}, released=True)


@RULE.check(level=Level.INFORMATION)
def input_on_ctx(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`ctx.x = x` where `x` is an input."""
    yield from _attributes(node, facts, {Role.INPUT}, released=False)


@RULE.check(level=Level.HINT)
def intermediate_on_ctx(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`ctx.mask = x > 0`: made in the forward, neither input nor output."""
    yield from _attributes(node, facts, {Role.INTERMEDIATE}, released=False)


def _attributes(node: ast.ClassDef, facts: Facts, roles: set[Role], *, released: bool) -> Iterator[Finding]:
    if (function := facts.custom_function(node)) is None:
        return
    everything = list(function.kept())
    for kept in everything:
        if (
            kept.attribute is None
            or kept.role not in roles
            or (kept.role in (Role.OUTPUT, Role.VIEW) and _released(kept, function, facts) is not released)
        ):
            continue
        name = f"{function.context}.{kept.attribute}"
        yield Finding(
            kept.place,
            _message(name, kept, function, facts, released=released),
            _move(function, everything, facts),
            places((function.backward, "the backward that reads it") if function.backward is not None else (None, "")),
        )


def _message(name: str, kept: Kept, function: CustomFunction, facts: Facts, *, released: bool) -> str:
    value, context = facts.short(kept.value, 25), function.context
    save = f"Pass it to `{context}.save_for_backward`"
    match kept.role:
        case Role.VIEW:
            return f"`{name}` is a view of an output: where no backward runs, it is never freed. Save the output, and take the view in the backward."
        case Role.OUTPUT if released:
            return f"`{name}` holds the output `{value}` in a cycle until a backward runs. {save}, which knows outputs."
        case Role.OUTPUT:
            return f"`{name}` and its output hold each other: only the garbage collector frees them. {save}."
        case Role.INPUT:
            return f"`{name}` keeps the input `{value}` past autograd: changes in place go unnoticed. {save}, which frees it after the backward."
        case Role.INTERMEDIATE:
            return f"`{name}` keeps a tensor past autograd's bookkeeping. {save}, which frees it after the backward."


@RULE.check
def saved_view_of_an_output(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`ctx.save_for_backward(y.view(-1))` where `y` is returned."""
    if (function := facts.custom_function(node)) is None:
        return
    for kept in function.kept():
        if kept.attribute is None and kept.role is Role.VIEW:
            yield Finding(
                kept.value,
                f"`{facts.short(kept.value, 30)}` is a view of an output: saved, it is never freed where no backward runs. "
                "Save the output itself, and take the view in the backward.",
            )


@RULE.check
def saved_twice(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """A second `save_for_backward` after the first in one block: it replaces what the first one saved."""
    function = facts.custom_function(node)
    if function is None or function.keeper is None or function.context is None:
        return
    saving: dict[int, ast.AST] = {}
    for call in facts.calls_in(function.keeper, "save_for_backward"):
        statement = facts.statement(call)
        block = facts.parent(statement) if statement is not None else None
        if statement is None or not isinstance(facts.parent(call), ast.Expr) or facts.function(call) is not function.keeper:
            continue
        if isinstance(block, ast.If) and statement in block.orelse:
            continue
        if (first := saving.setdefault(id(block), call)) is not call:
            yield Finding(
                call,
                f"This `save_for_backward` replaces what the one in line {facts.line(first)} saved. Save all tensors in one call.",
                (),
                places((first, "saved here first")),
            )


def _move(function: CustomFunction, everything: list[Kept], facts: Facts) -> tuple[Fix, ...]:
    """One fix for all outputs and inputs of a forward that are kept by name: they are saved in one call, and unpacked in the backward."""
    moved = [k for k in everything if k.attribute is not None and k.role is not Role.INTERMEDIATE]
    backward, context = function.backward, function.context
    if (
        not moved
        or backward is None
        or not backward.args.args
        or any(k.attribute is None for k in everything)
        or facts.calls_in(function.cls, "save_for_backward")
    ):
        return ()
    names = [k.attribute for k in moved if k.attribute is not None]
    if len(set(names)) != len(names) or any(role.role is Role.VIEW for role in moved):
        return ()
    statements: list[ast.Assign] = []
    for kept in moved:
        if (
            not kept.bare
            or not isinstance(kept.place, ast.Assign)
            or len(kept.place.targets) != 1
            or isinstance(kept.place.targets[0], ast.Tuple)
        ):
            return ()
        if not isinstance(kept.value, ast.Name) or facts.parent(kept.place) is not function.keeper:
            return ()
        statements.append(kept.place)
    taken = backward.args.args[0].arg
    reads: list[ast.Attribute] = []
    for node in facts.nodes(ast.Attribute):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in names
            and isinstance(node.value, ast.Name)
            and node.value.id in (taken, context)
        ):
            if facts.enclosing_class(node) is not function.cls:
                continue
            if isinstance(node.ctx, ast.Load) and facts.function(node) is backward:
                reads.append(node)
            elif not any(node in statement.targets for statement in statements):
                return ()  # read in the forward, or bound anew in the backward
    local = {n.id for n in ast.walk(backward) if isinstance(n, ast.Name)} | {a.arg for a in backward.args.args}
    if local & set(names):
        return ()
    first = next((s for s in backward.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))), None)
    if first is None:
        return ()
    together = ", ".join(facts.text(kept.value) for kept in moved)
    operations = [Replace(statements[-1], f"{context}.save_for_backward({together})"), *(Delete(s) for s in statements[:-1])]
    unpacked = f"({names[0]},)" if len(names) == 1 else ", ".join(names)
    return (
        Fix.of(
            "Save the tensors with `save_for_backward`",
            *operations,
            InsertBefore(first, (f"{unpacked} = {taken}.saved_tensors",)),
            *(Replace(read, read.attr) for read in reads),
        ),
    )
