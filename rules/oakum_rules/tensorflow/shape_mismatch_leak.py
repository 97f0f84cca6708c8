"""Give both sides of a loss written by hand the same shape.

## Why
A column of shape (N, 1) and a row of shape (N,) broadcast to (N, N) without an error. A mean of that is taken over all pairs: it is a
wrong number before it is a slow one, and its temporary is N times as large. Nothing leaks.

## Bad
```python
model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(1)])
targets = np.random.rand(512)
loss = tf.reduce_mean(tf.square(targets - model(x_train)))
```

## Good
```python
model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(1)])
targets = np.random.rand(512)
loss = tf.reduce_mean(tf.square(targets - tf.squeeze(model(x_train), axis=-1)))
```

## Fix
Drops the last axis of the column, or adds one to the row. Review it: elsewhere the result may be expected in its old shape. Always
squeeze with an axis: without, a batch of one loses its first axis too. `tf.reshape(a, tf.shape(b))` would hide real errors of size.

## Silent when
Keras' own losses and metrics align the ranks, and so they do for functions given to `compile`; either rank is unknown; the axis is
added on the spot (`[:, None]`), as for pairwise distances; a reduction along an axis follows; both shapes agree.

## Evidence
Measured with N = 2000: a mean absolute error of 0.3359 instead of 0.3440, at a peak of 34 MB instead of 3, and no growth from pass
to pass. `keras.losses.MeanAbsoluteError()` on the same shapes: 0.3440. A reshape where all pairs are wanted is as wrong: 0.6622 for
3.478; so reshaping before every operation, as the practice has it, is no rule to follow blindly.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Append, Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK06",
    smell="Shape Mismatch Leak",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor inefficient operations",
    practices=("Preemptive Tensor Reshaping",),
    fix=Safety.REVIEW,
    see_also=("PT02",),
)

_JOINING = ("subtract", "squared_difference", "multiply", "add", "divide", "equal", "not_equal")
_TOTALS = {"mean", "sum", "reduce_mean", "reduce_sum"}
_ELEMENTWISE = {
    "square", "abs", "pow", "power", "cast", "sqrt", "log", "exp", "multiply", "where", "clip_by_value", "clip", "maximum", "minimum", "astype", "numpy",
    "negative", "log1p", "cosh", "add",
}  # fmt: skip


@RULE.check
def operator(node: ast.BinOp | ast.Compare, facts: Facts) -> Iterator[Finding]:
    """`tf.reduce_mean((y - model(x)) ** 2)`, `np.mean(y == (model.predict(x) > 0.5))`."""
    match node:
        case ast.BinOp(left=one, op=ast.Sub() | ast.Mult() | ast.Add() | ast.Div(), right=other):
            pass
        case ast.Compare(left=one, ops=[ast.Eq() | ast.NotEq()], comparators=[other]):
            pass
        case _:
            return
    if not isinstance(one, ast.Constant) and not isinstance(other, ast.Constant):
        yield from _mismatch(node, one, other, facts)


@RULE.check(calls=_JOINING)
def function(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`tf.reduce_mean(tf.math.squared_difference(y, model(x)))`."""
    if len(node.args) >= 2 and (facts.qualified(node.func) or "").startswith(("tensorflow.", "keras.", "numpy.")):
        yield from _mismatch(node, node.args[0], node.args[1], facts)


def _mismatch(node: ast.expr, one: ast.expr, other: ast.expr, facts: Facts) -> Iterator[Finding]:
    if _is_explicit(one) or _is_explicit(other) or not _is_totalled(node, facts):
        return
    for column, row in ((one, other), (other, one)):
        tall = facts.tensorflow_shape(column)
        if tall is None or len(tall) != 2 or tall[1] != 1 or tall[0] == 1:
            continue
        flat = facts.tensorflow_shape(row)
        if flat is None or len(flat) != 1 or flat[0] in (1, ...) or not (facts.is_predicted(column) or facts.is_predicted(row)):
            continue
        if any(
            d.value is not None and _is_explicit(d.value) and facts.text(row) in facts.text(d.value)
            for d in facts.definitions(column)
        ):
            continue  # the same values, as a column and as a row: all pairs are wanted
        yield Finding(
            node,
            f"`{facts.short(column, 25)}` is a column (N, 1) and `{facts.short(row, 20)}` a row (N,): every pair goes in. "
            "They broadcast to (N, N) without an error, so the number is wrong: squeeze the column's last axis.",
            tuple(_fixes(column, row, facts)),
            places((column, "the column"), (row, "the row")),
        )
        return


def _fixes(column: ast.expr, row: ast.expr, facts: Facts) -> Iterator[Fix]:
    title, other = "Drop the last axis of the column", "Give the row a last axis"
    if not facts.is_symbolic(column):
        if isinstance(column, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) and facts.is_kind(column, "data"):
            yield Fix.of(title, Append(column, ".squeeze(-1)"))
        return
    if (tf := facts.module_name("tensorflow")) is not None:
        yield Fix.of(title, Replace(column, f"{tf}.squeeze({facts.text(column)}, axis=-1)"))
        yield Fix.of(other, Replace(row, f"{tf}.expand_dims({facts.text(row)}, -1)"))


def _is_explicit(node: ast.expr) -> bool:
    """Whether an axis is added on the spot: `a[:, None]`, `a[..., tf.newaxis]`, `tf.expand_dims(a, 1)`."""
    match node:
        case ast.Call(func=ast.Attribute(attr="expand_dims" | "reshape")):
            return True
        case ast.Subscript(slice=index):
            return any(
                (isinstance(n, ast.Constant) and n.value is None) or (isinstance(n, ast.Attribute) and n.attr == "newaxis")
                for n in ast.walk(index)
            )
        case _:
            return False


def _is_totalled(node: ast.expr, facts: Facts, depth: int = 4) -> bool:
    """Whether all of a result becomes one number: by a mean or sum without an axis, on the spot or by its name."""
    current: ast.AST = node
    while depth:
        parent = facts.parent(current)
        match parent:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if current in parent.args:
                if name in _TOTALS:
                    return len(parent.args) == 1 and not parent.keywords and facts.qualified(parent.func) != "builtins.sum"
                if name not in _ELEMENTWISE:
                    return False
                current = parent
            case ast.Attribute(attr=name) if isinstance(call := facts.parent(parent), ast.Call) and call.func is parent:
                if name in _TOTALS:
                    return not call.args and not call.keywords
                if name not in _ELEMENTWISE:
                    return False
                current = call
            case ast.BinOp() | ast.UnaryOp():
                current = parent
            case ast.Assign(targets=[ast.Name(id=name)]):
                reads = [r for r in facts.reads(name, parent) if any(d.statement is parent for d in facts.definitions(r))]
                return bool(reads) and all(_is_totalled(read, facts, depth - 1) for read in reads)
            case _:
                return False
    return False
