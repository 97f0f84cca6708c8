"""Feed a data set in batches of a few hundred rows, not as a whole.

## Why
The memory of a step is proportional to its input. Where the input is the whole set, memory grows with the data until it doesn't fit.
It is no leak: it comes back after each step. Below some size a smaller batch saves nothing and only runs slower.

## Bad
```python
everything = DataLoader(dataset, batch_size=len(dataset))
for x, y in everything:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
```

## Good
```python
batches = DataLoader(dataset, batch_size=256, shuffle=True)
for x, y in batches:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
```

## Fix
In evaluation under `no_grad`, `model(X)` becomes `torch.cat([model(part) for part in X.split(1024)])`. Review it: values are the same
unless the model looks across the batch. In training there is no edit: a smaller batch changes noise, batch norm and learning rate;
accumulate gradients over chunks, with the loss divided by their number, to get the same step.

## Silent when
The set is small or of unknown size, full batches belong to the method (L-BFGS, graphs), sizes come from a configuration, data is split
already, or no code of the file goes in mini-batches otherwise. A batch that is tried again while an out-of-memory error is handled is
told as PT11: there the error holds what the first try allocated.

## Evidence
A 4-layer network, 4096 samples: peak 103 MB with batches of 16, 64 and 256, 111 with 1024, 138 with 4096; 843, 292, 130 to 212, 119
and 125 to 179 ms. Accumulation over 4 x 256 instead of 1024: 105 MB and the same step. Autocast to bfloat16 on a CPU saves no
memory but 2.2 times the time; checkpointing saved nothing here. Nothing grew at any size.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT28",
    smell="Oversized Batch Handling",
    frameworks={Framework.TORCH},
    level=Level.HINT,
    category="Training Pipeline",
    subcategory="Training pipeline",
    practices=("Batch adjustment and Sequence Optimization",),
    fix=Safety.REVIEW,
    yields_to=("PT01", "PT03", "PT07", "PT17"),
    see_also=("TK10", "PT03", "PT11"),
)

_HUGE = 4096
_IMAGES = ("torchvision.datasets.", "datasets.load_dataset")


@RULE.check(level=Level.INFORMATION)
def batch_of_the_whole_set(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`DataLoader(dataset, batch_size=len(dataset))`."""
    dataset, size = facts.argument(node, 0, "dataset"), facts.argument(node, 1, "batch_size")
    match size:
        case ast.Call(func=ast.Name(id="len"), args=[counted]) if dataset is not None and facts.key(counted) == facts.key(
            dataset
        ):
            pass
        case _:
            return
    if facts.maker(node, "loader") is not node or facts.key(dataset) is None or _is_small(dataset, facts) or facts.calls("LBFGS"):
        return
    yield Finding(
        node,
        f"One batch of this loader is all of `{facts.short(dataset, 30)}`. "
        "Memory of a step grows with the data: take a few hundred rows a batch, and accumulate gradients if you need the full step.",
        (),
        places((size, "as many rows as there are")),
    )


def _is_small(dataset: ast.expr, facts: Facts) -> bool:
    """Whether a data set's tensors are known to have few rows."""
    for definition in facts.definitions(dataset):
        if isinstance(definition.value, ast.Call):
            for tensor in definition.value.args:
                shape = facts.shape(tensor)
                if shape and isinstance(shape[0], int) and shape[0] < 10_000:
                    return True
    return False


@RULE.check
def huge_batch(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`DataLoader(images, batch_size=50000)`."""
    size = facts.argument(node, 1, "batch_size")
    if size is None or isinstance(size, ast.Call) or facts.maker(node, "loader") is not node:
        return
    rows = [obj.constant for obj in facts.value(size)]
    data = facts.argument(node, 0, "dataset")
    if data is None or len(rows) != 1 or not isinstance(rows[0], int) or rows[0] < _HUGE:
        return
    makers = [data] if isinstance(data, ast.Call) else [d.value for d in facts.definitions(data)]
    if makers and all(isinstance(m, ast.Call) and (facts.qualified(m.func) or "").startswith(_IMAGES) for m in makers):
        yield Finding(
            node,
            f"{rows[0]} items of `{facts.short(data, 30)}` in a batch need the activations of all of them at once. "
            "A few hundred are as fast and fit; accumulate gradients if you need the large step.",
        )


@RULE.check(level=Level.INFORMATION)
def whole_set_in_training(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model(X_train)` of the whole set in a step that is backpropagated, where other code goes in mini-batches."""
    if not (found := _whole(node, facts)) or not facts.records(node) or facts.calls("LBFGS"):
        return
    data, place = found
    loop = next((loop for loop in facts.repeating_loops(node) if facts.is_training_loop(loop)), None)
    if loop is not None and facts.trains(loop)[0]:
        yield Finding(
            node,
            f"Each step runs all of `{facts.short(data, 30)}`, and keeps its activations until backward. "
            "Go in mini-batches, or accumulate gradients over chunks to get the same step.",
            (),
            places((place, "the whole set"), (loop, "in each of these")),
        )


@RULE.check
def whole_set_in_evaluation(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model(X_test)` of the whole set after a training in mini-batches."""
    if not (found := _whole(node, facts)) or facts.records(node):
        return
    data, place = found
    fixes: tuple[Fix, ...] = ()
    if isinstance(data, ast.Name) and len(node.args) == 1 and not node.keywords:
        text = f"torch.cat([{facts.text(node.func)}(part) for part in {data.id}.split(1024)])"
        fixes = (Fix.of("Evaluate it in chunks", Replace(node, text)),)
    yield Finding(
        node,
        f"All of `{facts.short(data, 30)}` goes through `{facts.short(node.func, 25)}` in one call. "
        "Evaluate it in chunks of a thousand rows: the result is the same, the activations of the rest are not there.",
        fixes,
        places((place, "the whole set")),
    )


def _whole(node: ast.Call, facts: Facts) -> tuple[ast.expr, ast.AST] | None:
    """The whole set that a module with weights is called on, where the file trains in mini-batches."""
    if (
        not node.args
        or not facts.trains_in_minibatches()
        or (module := facts.some(node.func, "module")) is None
        or not facts.has_weights(module)
    ):
        return None
    place = facts.whole_set(node.args[0])
    return (node.args[0], place) if place is not None else None


@RULE.check
def all_pairs(node: ast.BinOp | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`X @ X.T` or `torch.cdist(X, X)` of a whole set, kept as a matrix."""
    if (both := facts.pairs(node)) is None:
        return
    one, other = (facts.whole_set(side) for side in both)
    if one is not None and other is not None and not facts.reduced_at_once(node):
        yield Finding(
            node,
            f"`{facts.short(node, 40)}` holds all pairs of rows: it grows with the square of the data. "
            "Take the rows in chunks, and keep of each what you need.",
            (),
            places((one, "the whole set")),
        )
