"""Make one iterator and go on with it, instead of a new one in each pass.

## Why
In TensorFlow 1.x an iterator and its `get_next()` are operations: made in each step, they stay in the graph with all data that
their data set was built of. In 2.x nothing stays, but whoever takes a new iterator in each pass starts the data set from its
beginning: every pass sees the first batch again. And `predict` is made for whole data sets: for one sample it costs far more
than the model does.

## Bad
```python
for step in range(1000):
    x, y = next(iter(dataset))
    model.train_on_batch(x, y)
```

## Good
```python
batches = iter(dataset.repeat())
for step in range(1000):
    x, y = next(batches)
    model.train_on_batch(x, y)
```

## Fix
Makes the iterator before the loop. Review it: the passes get different batches now, which is the point, and a data set without
`repeat()` ends. For one sample, calls the model itself; that runs one batch and no callbacks.

## Silent when
The iterator is made before the loop; a `for` goes through the data set; a batch is looked at once; `predict` gets a whole array or
data set once an epoch or model; a pass in 1.x has a graph of its own; the initializer of one iterator is run for each epoch.

## Evidence
Measured in 1.x: an iterator with its `get_next()` a pass keeps 1.07 MB and 11 operations (1 MiB of data, embedded each time); built
once 0.1 KB. In 2.x `model.predict(dataset, steps=1)` in a loop keeps nothing on the current release, with the collector off as well
(releases up to 2.3 leaked, says their tracker), but gives the first batch each time: 112.2, 112.2, 112.2 where one iterator gives
112.2, 112.4, 112.6. Feeding one `get_next()` element to `predict`, as is advised, predicts that one batch again and again.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Again, Facts
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK07",
    smell="Dataset-Iterator Retention",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Training Pipeline",
    subcategory="Iterator management",
    practices=("Efficient Iterator Management",),
    fix=Safety.REVIEW,
    yields_to=("TK08",),
    see_also=("PT26", "PT27", "TK12", "TK01"),
)
_ITERATORS = {
    "tensorflow.data.Dataset.make_one_shot_iterator", "tensorflow.data.Dataset.make_initializable_iterator", "tensorflow.data.make_one_shot_iterator",
    "tensorflow.data.make_initializable_iterator", "tensorflow.data.Iterator.from_structure", "tensorflow.data.Iterator.get_next",
    "tensorflow.data.Iterator.make_initializer", "tensorflow.train.batch", "tensorflow.train.shuffle_batch", "tensorflow.train.string_input_producer",
    "tensorflow.train.slice_input_producer", "tensorflow.train.start_queue_runners",
}  # fmt: skip
_LAST = {name.rpartition(".")[2] for name in _ITERATORS}
_TRAINS = ("apply_gradients", "train_on_batch", "minimize", "train_step")


@RULE.check
def iterator_per_pass(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """In 1.x: an iterator, its next element or an input queue that is built in each pass."""
    last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if last not in _LAST or not facts.may_build_graphs:
        return
    if facts.tensorflow_name(node.func) not in _ITERATORS and not (last == "get_next" and _is_run(node, facts)):
        return
    again = facts.repeated_in_graph(node, in_helpers=True)
    parts = [node.func.value, *node.args] if isinstance(node.func, ast.Attribute) else node.args
    made = [d.value for part in parts for d in facts.definitions(part) if d.value is not None and d.how == "assign"]
    outer = [parent for parent in facts.ancestors(node) if isinstance(parent, ast.Call)]
    if any(facts.tensorflow_name(parent.func) in _ITERATORS for parent in outer):
        return
    if again is None or any(_is_iterator(value, facts) and facts.repeated_in_graph(value, in_helpers=True) for value in made):
        return
    covers = [value for value in made if again.loop in facts.ancestors(value)]
    yield Finding(
        node,
        f"`{facts.short(node, 30)}` is built {facts.often(again)}. "
        "It stays in the graph: build iterator and `get_next()` once before, and run what they give.",
        tuple(_built_before(node, again, facts)),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
        covers=(*covers, *((again.call,) if again.call is not None else ())),
    )


def _is_iterator(value: ast.expr, facts: Facts) -> bool:
    return any(isinstance(part, ast.Call) and facts.tensorflow_name(part.func) in _ITERATORS for part in ast.walk(value))


def _is_run(node: ast.Call, facts: Facts) -> bool:
    """Whether an element of an iterator out of sight is handed to a session."""
    return any(
        isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "run"
        for parent in facts.ancestors(node)
    )


def _built_before(node: ast.Call, again: Again, facts: Facts) -> Iterator[Fix]:
    loop, statement = again.loop, facts.statement(node)
    if not isinstance(loop, (ast.For, ast.While)) or not facts.hoistable(node, loop):
        return
    if isinstance(statement, ast.Expr) and not node.args:
        name = facts.free_name("next_element" if facts.text(node).endswith("get_next()") else "iterator", node)
        yield Fix.of("Build it before the loop", InsertBefore(loop, (f"{name} = {facts.text(node)}",)), Replace(node, name))
    elif isinstance(statement, ast.Assign) and (chain := facts.chain(statement, loop)):
        lines = tuple(facts.text(link) for link in chain)
        yield Fix.of("Build it before the loop", InsertBefore(loop, lines), *(Delete(link) for link in chain))


@RULE.check(level=Level.INFORMATION)
def restarted(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """In 2.x: `next(iter(dataset))` in a step, where each pass gets the first batch again."""
    match node:
        case ast.Call(func=ast.Name(id="next"), args=[ast.Call(func=ast.Name(id="iter"), args=[data]) as iterator, *_]):
            pass
        case _:
            return
    again = facts.again(node)
    if again is None or not facts.is_dataset(data) or facts.builds_graph(node) or facts.made_within(data, again.loop):
        return
    fixes: tuple[Fix, ...] = ()
    if isinstance(again.loop, (ast.For, ast.While)) and again.call is None:
        name = facts.free_name("batches", node)
        fixes = (
            Fix.of(
                "Use one iterator", InsertBefore(again.loop, (f"{name} = iter({facts.text(data)})",)), Replace(iterator, name)
            ),
        )
    what = "fills its shuffle buffer anew" if facts.is_shuffled(data) else "gives its first batch again"
    yield Finding(
        node,
        f"`{facts.short(data, 25)}` starts from its beginning, and {what}. "
        f"This happens {facts.often(again)}: take one iterator before, and go on with it.",
        fixes,
        places((again.loop, "this repeats it")),
    )


@RULE.check(level=Level.INFORMATION)
def first_batches(node: ast.Call | ast.For, facts: Facts) -> Iterator[Finding]:
    """In 2.x: `model.predict(dataset, steps=1)`, or training over `dataset.take(1)`, again and again over one data set."""
    if isinstance(node, ast.Call):
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in ("predict", "evaluate")):
            return
        if (data := facts.argument(node, 0, "x")) is None or facts.argument(node, 9, "steps") is None:
            return
        if facts.tensorflow_name(node.func) not in ("keras.Model.predict", "keras.Model.evaluate"):
            return
        place, told = node, f"`{facts.short(node.func, 30)}`"
    else:
        match node.iter:
            case ast.Call(func=ast.Attribute(value=data, attr="take"), args=[_]):
                pass
            case _:
                return
        if not facts.calls_in(node, *_TRAINS) or not facts.loops(node) or facts.is_epoch_loop(facts.loops(node)[0]):
            return
        place, told = node.iter, "This loop"
    again = facts.again(place)
    if again is None or not facts.is_dataset(data) or facts.is_shuffled(data) or facts.made_within(data, again.loop):
        return
    yield Finding(
        place,
        f"{told} gets the first batches of `{facts.short(data, 25)}` each time. "
        f"The data set starts anew {facts.often(again)}: take one iterator before, and go on with it.",
        (),
        places((again.loop, "this repeats it")),
    )


@RULE.check(level=Level.HINT)
def one_sample(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model.predict` of a single sample in each step."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "predict" or (x := facts.argument(node, 0, "x")) is None:
        return
    if not (facts.is_one_sample(x) or _takes_first(node, facts)):
        return
    if facts.tensorflow_name(node.func) != "keras.Model.predict" or (again := facts.again_in_tensorflow(node)) is None:
        return
    fixes: tuple[Fix, ...] = ()
    if not facts.builds_graph(node) and facts.is_one_sample(x) and facts.is_kind(x, "data"):
        direct = f"{facts.text(node.func.value)}({facts.text(x)}, training=False).numpy()"
        fixes = (Fix.of("Call the model itself", Replace(node, direct)),)
    yield Finding(
        node,
        f"`{facts.short(node.func, 30)}` sets up a data set for one sample, {facts.often(again)}. "
        "Call the model itself, with `training=False`, or predict many samples at once.",
        fixes,
        places((again.loop, "this repeats it")),
    )


def _takes_first(node: ast.Call, facts: Facts) -> bool:
    """Whether only the first row of a prediction is read: `model.predict(state)[0]`."""
    match facts.parent(node):
        case ast.Subscript(slice=ast.Constant(value=0)):
            return True
        case _:
            return False
