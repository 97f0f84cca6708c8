"""Squeeze a kept dimension of size 1 before it meets a tensor without it.

## Why
A dimension of size 1 has no bytes, so keeping it costs no memory. It costs when a column of shape (N, 1) meets a row of shape (N,):
they broadcast to (N, N), and a loss of that is a wrong number, without an error.

## Bad
```python
regressor = nn.Linear(32, 1)
inputs, targets = torch.randn(64, 32), torch.randn(64)
loss = F.mse_loss(regressor(inputs), targets)
```

## Good
```python
regressor = nn.Linear(32, 1)
inputs, targets = torch.randn(64, 32), torch.randn(64)
loss = F.mse_loss(regressor(inputs).squeeze(-1), targets)
```

## Fix
Adds `.squeeze(-1)` to the column; review it. `keepdim=True` that the same expression squeezes away again is dropped with its
`squeeze`, which means the same and is safe; where the next step reshapes, only the argument goes.

## Silent when
The kept dimension is used: to normalise or centre the tensor it came from, for `gather`, `scatter_` or `view_as`; both sides have
it; shapes are unknown; the broadcast is written out with `None`, `unsqueeze` or `view(-1, 1)` on the spot.
A bare `keepdim=True` is never reported.

## Evidence
`X.mean(0)` of 2000x512 takes 2048 bytes with and without `keepdim=True`, and the same time. A column against a row, N = 2000: 7.6 ms
and 36 MB instead of 0.25 ms and 5 MB, and a mean of 0.8106 instead of 0.8103. Dropping a `keepdim` that is wanted is worse: row means
of a square matrix go from 2.6e-8 to 0.14 after centring, without an error.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Append, Finding, Fix, Framework, Level, RemoveArgument, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT02",
    smell="Unnecessary Dim Retention",
    frameworks={Framework.TORCH},
    level=Level.INFORMATION,
    category="Resource Management",
    subcategory="Tensor inefficient operations",
    practices=("Dimension Squeezing",),
    fix=Safety.SAFE,
    see_also=("TK06",),
)

_LOSSES = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"}
_SCALARS = {"mean", "sum", "item", "tolist"}


def _mismatch(one: ast.expr, other: ast.expr, facts: Facts) -> tuple[ast.expr, ast.expr] | None:
    """The column and the row, where one of two expressions is (N, 1) and the other (N,)."""
    shapes = facts.shape(one), facts.shape(other)
    for column, row, (tall, flat) in ((one, other, shapes), (other, one, shapes[::-1])):
        if tall is None or flat is None or len(flat) != 1 or flat[0] in (1, ...):
            continue
        if len(tall) == 2 and tall[1] == 1 and tall[0] != 1:
            return column, row
    return None


def _said(column: ast.expr, row: ast.expr, what: str, facts: Facts) -> Finding:
    return Finding(
        column,
        f"`{facts.short(column, 30)}` is a column (N, 1) and `{facts.short(row, 25)}` a row (N,): {what}. "
        "They broadcast to (N, N) without an error, so the number is wrong: add `.squeeze(-1)` to the column.",
        (Fix.of("Squeeze the last dimension", Append(column, ".squeeze(-1)")),),
        places((row, "the row")),
    )


@RULE.check
def loss_of_column_and_row(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`F.mse_loss(prediction, target)` of (N, 1) and (N,)."""
    if len(node.args) < 2 or not facts.says(*_LOSSES):
        return
    made = facts.some(node.func, "module")
    name = facts.qualified(node.func) or (made.name if made is not None else "")
    if name.rpartition(".")[2] in _LOSSES and (found := _mismatch(node.args[0], node.args[1], facts)) is not None:
        yield _said(*found, "each meets each", facts)


@RULE.check
def difference_of_column_and_row(node: ast.BinOp, facts: Facts) -> Iterator[Finding]:
    """`((model(x) - y) ** 2).mean()`, a loss written by hand, of (N, 1) and (N,)."""
    if not isinstance(node.op, ast.Sub) or _is_explicit(node.left) or _is_explicit(node.right):
        return
    if not (facts.requires_grad(node.left) or facts.requires_grad(node.right)) or not _is_averaged(node, facts):
        return
    if (found := _mismatch(node.left, node.right, facts)) is not None:
        yield _said(*found, "each is taken from each", facts)


@RULE.check
def comparison_of_column_and_row(node: ast.Compare | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`(output.argmax(1, keepdim=True) == target).sum()`: an accuracy above 1."""
    match node:
        case ast.Compare(left=one, ops=[ast.Eq() | ast.NotEq()], comparators=[other]):
            pass
        case ast.Call(func=ast.Attribute(value=one, attr="eq" | "ne"), args=[other]):
            pass
        case _:
            return
    if isinstance(other, ast.Constant) or _is_explicit(one) or _is_explicit(other) or not _is_averaged(node, facts):
        return
    if (found := _mismatch(one, other, facts)) is not None:
        yield _said(*found, "each is compared with each", facts)


def _is_explicit(node: ast.expr) -> bool:
    """Whether a broadcast is written out: `a[:, None]`, `a.unsqueeze(1)`, `a.view(-1, 1)`."""
    match node:
        case ast.Call(func=ast.Attribute(attr="unsqueeze" | "view" | "reshape")):
            return True
        case ast.Subscript(slice=index):
            return any(isinstance(n, ast.Constant) and n.value is None for n in ast.walk(index))
        case _:
            return False


def _is_averaged(node: ast.expr, facts: Facts) -> bool:
    """Whether all of a result becomes one number: `.mean()`, `.sum().item()`, on the spot or by its name."""
    current = node
    while True:
        parent = facts.parent(current)
        if isinstance(parent, ast.Call) and current is not parent.func:
            return facts.qualified(parent.func) in ("torch.mean", "torch.sum") and len(parent.args) == 1
        if isinstance(parent, ast.Attribute) and parent.attr in _SCALARS:
            call = facts.parent(parent)
            return isinstance(call, ast.Call) and not call.args and not call.keywords
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            reads = [r for r in facts.reads(parent.targets[0].id, node) if any(d.value is current for d in facts.definitions(r))]
            return len(reads) == 1 and _is_averaged(reads[0], facts)
        if not isinstance(parent, (ast.Attribute, ast.Call, ast.BinOp)):
            return False
        current = parent


@RULE.check(level=Level.HINT)
def undone(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`x.sum(1, keepdim=True).squeeze(1)`: a dimension that is kept and dropped at once."""
    if (given := facts.keepdim(node)) is None or not facts.keeps_dimension(node):
        return
    dimension = facts.argument(node, 0 if facts.is_method(node) else 1, "dim")
    if dimension is None:
        return
    use, spot = _only_use(node, facts)
    match facts.parent(use) if use is not None else None:
        case ast.Attribute(attr=name) as method if isinstance(call := facts.parent(method), ast.Call) and call.func is method:
            pass
        case ast.Subscript(slice=ast.Tuple(elts=[ast.Constant(value=dots), ast.Constant(value=0)])) if dots is ...:
            yield _undone(node, "[..., 0]", (), facts)
            return
        case _:
            return
    drops = call.args[0] if call.args else None
    same = drops is not None and ast.dump(drops) == ast.dump(dimension)
    removal = RemoveArgument(node, given)
    fix: tuple[Fix, ...]
    if name == "squeeze" and same and spot:
        fix = (Fix.of("Drop `keepdim` and `squeeze`", Replace(call, _without(node, given, use, facts)), safety=Safety.SAFE),)
    elif (name == "squeeze" and drops is None and not call.keywords) or name == "item":
        fix = (Fix.of("Drop `keepdim`", removal),)
    elif name == "squeeze" and same:
        fix = ()
    elif name in ("view", "reshape", "flatten") and not any(isinstance(a, ast.Constant) and a.value == 1 for a in call.args):
        fix = (Fix.of("Drop `keepdim`", removal),)
    else:
        return
    yield _undone(node, f".{name}({', '.join(map(facts.text, call.args))})", fix, facts)


def _undone(node: ast.Call, by: str, fixes: tuple[Fix, ...], facts: Facts) -> Finding:
    return Finding(
        node,
        f"The dimension that `{facts.short(node, 45)}` keeps is dropped by `{by[:25]}`. "
        "Leave out `keepdim`, and the step that undoes it: it costs no memory, only a reader's time.",
        fixes,
    )


def _only_use(node: ast.Call, facts: Facts) -> tuple[ast.expr | None, bool]:
    """The one place that a reduction's result is used, and whether that is on the spot; through `[0]` and `.values`."""
    result: ast.expr = node
    match facts.parent(node):
        case ast.Subscript(value=value, slice=ast.Constant(value=0 | 1)) as part if value is node:
            result = part
        case ast.Attribute(attr="values" | "indices") as part:
            result = part
        case _:
            pass
    match facts.parent(result):
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is result:
            reads = [r for r in facts.reads(name, node) if any(d.value is result for d in facts.definitions(r))]
            certain = len(reads) == 1 and len(facts.definitions(reads[0])) == 1
            return (reads[0] if certain else None), False
        case _:
            return result, True


def _without(node: ast.Call, given: ast.expr | ast.keyword, use: ast.expr | None, facts: Facts) -> str:
    """The reduction without its argument, with the `[0]` behind it."""
    kept = [facts.text(a) for a in node.args if a is not given]
    kept += [facts.text(k) for k in node.keywords if k is not given]
    text = f"{facts.text(node.func)}({', '.join(kept)})"
    behind = facts.text(use)[len(facts.text(node)) :] if use is not None and use is not node else ""
    return text + behind
