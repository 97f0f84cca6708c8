"""State a batch size once, where the data is batched, and a size that is meant: not one that is ignored, nor all rows at once.

## Why
A data set, `Sequence` or generator already comes in batches. Keras 3 ignores a `batch_size` that is given beside it, Keras 2 raises an
error. The size that the code states isn't the size that is used. A batch of all rows needs the activations of all rows at once, and
makes a single update in each epoch. Neither is a leak: what a step needs comes back after it.

## Bad
```python
train = keras.utils.image_dataset_from_directory("photos", batch_size=64)
model.fit(train, batch_size=1024, epochs=5)
```

## Good
```python
train = keras.utils.image_dataset_from_directory("photos", batch_size=64)
model.fit(train, epochs=5)
```

## Fix
Removes the argument that has no effect. Review it: under Keras 2 this turns an error into a run. For the size of a batch there is no
edit. A smaller one makes more updates in an epoch, and so other results: adapt the learning rate, or use
`gradient_accumulation_steps` of the optimizers of Keras 3.

## Silent when
Data is in arrays with a size of its own, or of unknown type; sizes come from a configuration; what is batched was unbatched before; the
data set is small or not known; the whole set belongs to the method (L-BFGS, graphs); the file is a test.

## Evidence
Measured with Keras 3.15: `fit(dataset, batch_size=1024)` takes 32 steps of 64, as it does with 32. Nothing grows for any size, and
from 8 to 2048 rows the peak of a small network stays between 62 and 67 MB, which contradicts that a smaller batch always saves memory. With
8 epochs the loss is 0.014 with batches of 128, 0.18 with 8 and 0.88 with all 2048.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, Level, RemoveArgument, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK10",
    smell="Minibatch Mismatch",
    frameworks={Framework.KERAS},
    level=Level.INFORMATION,
    category="Training Pipeline",
    subcategory="Adjusting Batch Size",
    practices=("Adjusting Batch Size",),
    fix=Safety.REVIEW,
    see_also=("PT28", "PT03"),
)

_METHODS = ("fit", "evaluate", "predict", "fit_generator", "evaluate_generator", "predict_generator")
_LARGE = 10_000
_BATCHED = {
    "image_dataset_from_directory",
    "text_dataset_from_directory",
    "audio_dataset_from_directory",
    "timeseries_dataset_from_array",
}
_SAME_BATCHES = {"map", "shuffle", "cache", "prefetch", "repeat", "take", "skip", "with_options", "concatenate"}
_COUNTED = {"samples", "n", "num_samples"}
_ALL_AT_ONCE = ("LBFGS", "fmin_l_bfgs_b", "lbfgs_minimize")


def _of_model(node: ast.Call, facts: Facts) -> bool:
    return facts.tensorflow_name(node.func) in {f"keras.Model.{name}" for name in _METHODS}


@RULE.check(calls=_METHODS)
def ignored_size(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`batch_size` beside data that is batched already."""
    for keyword in node.keywords:
        if keyword.arg not in ("batch_size", "validation_batch_size"):
            continue
        if isinstance(keyword.value, ast.Constant) and keyword.value.value is None:
            continue
        data = facts.argument(node, *((0, "x") if keyword.arg == "batch_size" else (7, "validation_data")))
        if data is None or not _of_model(node, facts) or (kind := facts.batched_input(data)) is None or facts.is_test_file():
            continue
        yield Finding(
            keyword.value,
            f"`{keyword.arg}` has no effect: `{facts.short(data, 30)}` is a {kind}, which comes in batches. "
            "Keras 3 ignores it, Keras 2 raises an error: set the size where the data is batched.",
            (Fix.of(f"Remove `{keyword.arg}`: the data is already batched", RemoveArgument(node, keyword)),),
            places((data, "this comes in batches")),
        )


def _rows(data: ast.expr) -> tuple[ast.expr, int | None]:
    """What a literal slice `x[:20000]` is cut from, and how many rows it takes."""
    match data:
        case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=ast.Constant(value=int(rows)), step=None)):
            return inner, rows
        case _:
            return data, None


def _counts(size: ast.expr, facts: Facts) -> ast.expr | None:
    """The data whose rows an expression counts: `len(x)`, `x.shape[0]`, also by way of a name."""
    match size:
        case ast.Call(func=ast.Name(id="len"), args=[data]):
            return data
        case ast.Subscript(value=ast.Attribute(value=data, attr="shape"), slice=ast.Constant(value=0)):
            return data
        case ast.Name():
            found = facts.definitions(size)
            value = found[0].value if len(found) == 1 and found[0].how == "assign" and not found[0].path else None
            return _counts(value, facts) if value is not None and not isinstance(value, ast.Name) else None
        case _:
            return None


def _loaded(data: ast.expr, facts: Facts) -> ast.AST | None:
    """Where a set comes from that is read as a whole and isn't known to be small."""
    return None if facts.calls(*_ALL_AT_ONCE) or facts.is_test_file() else facts.whole_set(data)


def _all_rows(node: ast.Call, size: ast.expr, facts: Facts) -> tuple[ast.expr, ast.AST] | None:
    """The data, and where it was read, if the size of a batch is the number of its rows."""
    arrays = [a for a in (facts.argument(node, 0, "x"), facts.argument(node, 1, "y")) if a is not None]
    if (counted := _counts(size, facts)) is not None:
        for data in arrays:
            if facts.key(data) is not None and facts.key(data) == facts.key(counted) and (place := _loaded(data, facts)):
                return arrays[0], place
        return None
    number = facts.constant(size)
    if not isinstance(number, int) or number < _LARGE:
        return None
    for data in arrays:
        inner, rows = _rows(data)
        if rows is not None and rows <= number and (place := _loaded(inner, facts)):
            return arrays[0], place
    return None


@RULE.check(level=Level.HINT, calls=("fit", "evaluate", "predict"))
def whole_set_as_batch(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`batch_size=len(x_train)`."""
    size = next((keyword.value for keyword in node.keywords if keyword.arg == "batch_size"), None)
    if size is None or not _of_model(node, facts) or (found := _all_rows(node, size, facts)) is None:
        return
    data, place = found
    fitted = isinstance(node.func, ast.Attribute) and node.func.attr == "fit"
    cost = "activations of every row, and an epoch is one update" if fitted else "activations of every row"
    yield Finding(
        size,
        f"One batch is all of `{facts.short(data, 40)}`. A step holds the {cost}: take a few hundred rows a batch.",
        (),
        places((place, "the whole set")),
    )


@RULE.check(level=Level.OFF, calls=("fit",))
def large_batch(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A literal `batch_size` of ten thousand rows or more."""
    size = next((keyword.value for keyword in node.keywords if keyword.arg == "batch_size"), None)
    number = facts.constant(size) if size is not None else None
    if size is None or not isinstance(number, int) or number < _LARGE or not _of_model(node, facts):
        return
    if _all_rows(node, size, facts) is None:
        yield Finding(size, f"{number} rows in a batch need the activations of all of them at once. A few hundred do as well.")


@RULE.check(level=Level.HINT, calls=("train_on_batch",))
def whole_set_as_step(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model.train_on_batch(x_train, y_train)` of a whole split."""
    data = facts.argument(node, 0, "x")
    if data is None or facts.tensorflow_name(node.func) != "keras.Model.train_on_batch" or not (place := _loaded(data, facts)):
        return
    yield Finding(
        node,
        f"One step takes all of `{facts.short(data, 30)}`. Use `fit` with a `batch_size`, or go through it in batches.",
        (),
        places((place, "the whole set")),
    )


@RULE.check(calls=("batch",))
def batched_twice(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`.batch(32)` on a data set that a reader of Keras gives in batches."""
    if not isinstance(node.func, ast.Attribute) or not facts.is_dataset(node.func.value):
        return
    reader = _reader(node.func.value, facts)
    if reader is None or facts.is_test_file():
        return
    yield Finding(
        node,
        f"`{facts.short(reader.func, 45)}` gives batches already: this makes batches of batches. "
        "Set `batch_size` there, or call `unbatch()` first.",
        (),
        places((reader, "it is batched here")),
    )


def _reader(data: ast.expr, facts: Facts, depth: int = 6) -> ast.Call | None:
    """The reader that a data set comes from in batches, through what leaves them as they are."""
    match data:
        case ast.Call(func=called) if (facts.tensorflow_name(called) or "").rpartition(".")[2] in _BATCHED:
            size = facts.argument(data, 99, "batch_size")
            return None if isinstance(size, ast.Constant) and size.value is None else data
        case ast.Call(func=ast.Attribute(value=inner, attr=name)):
            return _reader(inner, facts, depth - 1) if depth and name in _SAME_BATCHES else None
        case ast.Name() | ast.Attribute() if depth:
            found = facts.definitions(data)
            value = found[0].value if len(found) == 1 and found[0].how == "assign" and not found[0].path else None
            return _reader(value, facts, depth - 1) if value is not None else None
        case _:
            return None


@RULE.check(calls=("fit", "fit_generator"))
def steps_of_other_size(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`steps_per_epoch=len(x) // 64` beside batches of 32."""
    steps, data = facts.argument(node, 99, "steps_per_epoch"), facts.argument(node, 0, "x")
    data = data or facts.argument(node, 99, "generator")
    match steps:
        case ast.BinOp(left=rows, op=ast.FloorDiv() | ast.Div(), right=divisor):
            pass
        case ast.Call(args=[ast.BinOp(left=rows, op=ast.FloorDiv() | ast.Div(), right=divisor)]):
            pass
        case _:
            return
    counts = _counts(rows, facts) is not None or (isinstance(rows, ast.Attribute) and rows.attr in _COUNTED)
    flow = facts.image_flow(data) if data is not None and counts else None
    size = facts.argument(flow, 99, "batch_size") if flow is not None else None
    if flow is None or size is None or not _of_model(node, facts):
        return
    stated, used = facts.constant(divisor), facts.constant(size)
    if isinstance(stated, int) and isinstance(used, int) and stated != used and stated > 0 and not facts.is_test_file():
        yield Finding(
            divisor,
            f"The steps are counted for batches of {stated}, but the data comes in batches of {used}. "
            f"An epoch goes through {'a part of the data' if used < stated else 'the data more than once'}: use one size.",
            (),
            places((flow, "it is batched here")),
        )
