"""Close what each pass opens: writers, files, iterators and pools; keep none of them past its use.

## Why
A writer or file owns a descriptor and a buffer, an iterator of a dataset owns threads and batches, a pool owns processes. What is kept
from pass to pass keeps all of that; what is never closed gives it back when the garbage collector comes by, and the last records of a
writer may never reach the disk.

## Bad
```python
for shard in range(num_shards):
    writer = tf.io.TFRecordWriter(f"train-{shard}.tfrecord")
    for row in x_train[shard::num_shards]:
        writer.write(encode(row))
```

## Good
```python
for shard in range(num_shards):
    with tf.io.TFRecordWriter(f"train-{shard}.tfrecord") as writer:
        for row in x_train[shard::num_shards]:
            writer.write(encode(row))
```

## Fix
Puts the uses into a `with` (with `contextlib.closing` for summary writers, which are no context managers) where all of them stand in
one block and nothing carries the writer out: then nothing else changes. For an epoch loop around `fit` it passes the epoch:
review that, since schedules then really change. What is kept in a list is explained, not edited.

## Silent when
A `with`, `closing`, `ExitStack` or final block closes it; it is closed on all ways in sight, also by a method of its class or
by a loop over the list that keeps it; it is returned, yielded or handed to code out of sight; it is a reader or plain file that the
next pass rebinds, which frees it; one writer serves the whole run; the loop goes through a few literals; a list has a capacity.

## Evidence
Measured with batches of 1 MiB: an `iter(dataset)` kept in each pass keeps 1983 KB and 4 threads, one that is rebound 0.8 KB. A kept
`open()` keeps one descriptor, rebound none. Calling `fit(epochs=1)` again and again on one model costs 2.9 KB a pass, so that is no
leak, and losses equal those of one `fit`; but a `LearningRateScheduler` sees epoch 0 for ever. The practice's cure, a checkpoint in
each pass with a reset of the session, frees nothing: 4671 against 4666 KB where a model is built in each pass (TK08).
"""

import ast
from collections.abc import Iterator

from oakum.facts import End, Facts, Resource
from oakum.rule import Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK01",
    smell="Unclosed Resources",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Resource lifecycle",
    practices=(
        "Session Reset and Checkpointing",
        "Avoid training inside a loop",
        "Optimized TensorFlow Function Usage",
        "Resource Reuse and Memory Clearing",
        "Loop Exit Condition Enforcement",
    ),
    fix=Safety.SAFE,
    yields_to=("TK02", "TK08"),
    see_also=("TK02", "TK04", "TK07", "TK08", "PT09", "PT29", "PT30"),
)

_OPENING = {
    "TFRecordWriter",
    "create_file_writer",
    "FileWriter",
    "SummaryWriter",
    "File",
    "Pool",
    "ThreadPool",
    "ProcessPoolExecutor",
    "ThreadPoolExecutor",
}
_ENQUEUERS = ("keras.utils.GeneratorEnqueuer", "keras.utils.OrderedEnqueuer", "keras.utils.SequenceEnqueuer")


@RULE.check
def kept(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """An open file, writer, pool or iterator that each pass puts into a list or dict, and nobody closes."""
    for container, item in facts.put(node):
        for part in item.elts if isinstance(item, ast.Tuple) else [item]:
            resource = facts.resource(part)
            source = facts.iterated(part) if resource is None else None
            if (resource is None and source is None) or (resource is not None and resource.kind in ("image", "gfile")):
                continue
            again, lifetime = facts.opened_again(node), facts.outlives(container, node)
            if again is None or lifetime is None:
                continue
            if resource is not None and facts.closes_contents(container, resource):
                continue
            if source is not None and not facts.unchanged(source, again.loop):
                continue
            what = resource.what if resource is not None else "iterator, with threads and batches,"
            yield Finding(
                part,
                f"`{facts.short(container, 30)}` keeps one open {what} for each pass, and nobody closes it. "
                "Close it in the pass that opens it and keep the result, or let the next pass rebind it.",
                (),
                places(
                    (lifetime.made, f"`{facts.short(container, 30)}` is made here"),
                    (again.loop, "a new one is opened in each pass of this"),
                ),
            )


def _opened(node: ast.Call, facts: Facts) -> Resource | None:
    """The writer or pool that a call opens."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _OPENING and not (facts.loops(node) and isinstance(facts.parent(node), ast.Assign)):
        return None
    resource = facts.resource(node)
    if resource is not None and resource.what == "HDF5 file":
        mode = facts.argument(node, 1, "mode")
        return resource if mode is not None and facts.constant(mode) in ("w", "a", "r+", "w-", "x") else None
    return resource if resource is not None and resource.kind in ("writer", "pool") else None


@RULE.check
def never_closed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A writer or pool opened in each pass, or each call, that nobody ever closes."""
    resource = _opened(node, facts)
    if resource is None or (owned := facts.owned(node, resource)).end is not End.NEVER:
        return
    if (again := facts.opened_again(node)) is None:
        return
    lost = "its last records may be lost" if resource.kind == "writer" else "its workers go on waiting"
    cure = "close it where it is opened, best by a `with`"
    if owned.key and "." in owned.key:
        cure = "close it in a method of the class, and call that in the same pass"
    yield Finding(
        node,
        f"`{owned.key}` is opened {facts.often(again)} and never closed. "
        f"It holds its {resource.what} until it is collected, and {lost}: {cure}.",
        facts.enclosed(node, owned, resource),
        places((again.loop, "a new one is opened in each pass of this"), (again.call, "called here")),
    )


@RULE.check(level=Level.INFORMATION)
def left_open_on_a_way(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A writer or pool that is closed, but not where the function is left early, or only the last one of a loop."""
    resource = _opened(node, facts)
    if resource is None or (owned := facts.owned(node, resource)).end is not End.LEFT or owned.way is None:
        return
    jump = isinstance(owned.way, (ast.Return, ast.Continue, ast.Break))
    by = f"by the `{type(owned.way).__name__.lower()}` in line {facts.line(owned.way)}"
    yield Finding(
        node,
        f"`{owned.key}` is left open {by if jump else 'on some ways'}. "
        f"It holds its {resource.what} until it is collected: close it there too, or use a `with`.",
        facts.enclosed(node, owned, resource),
        places((owned.way, "it is left open behind this"), *((close, "it is closed here") for close in owned.closes)),
    )


@RULE.check(level=Level.OFF)
def open_where_a_line_fails(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A writer or pool that is closed, but not if a line before that fails."""
    resource = _opened(node, facts)
    if resource is None or (owned := facts.owned(node, resource)).end is not End.CLOSED:
        return
    yield Finding(
        node,
        f"`{owned.key}` stays open if a line before its release fails. Use a `with`, or release it in a `finally`.",
        facts.enclosed(node, owned, resource),
        places(*((close, "it is closed here") for close in owned.closes)),
    )


@RULE.check(level=Level.INFORMATION)
def one_epoch_at_a_time(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`fit` for one epoch in a loop, with callbacks that count epochs."""
    match node.func, next(iter(facts.loops(node)), None):
        case (
            ast.Attribute(value=model, attr="fit" | "fit_generator"),
            ast.For(target=ast.Name(id=counter), iter=ast.Call(func=ast.Name(id="range"), args=[_])) as loop,
        ):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
        case _:
            return
    epochs, callbacks = given.get("epochs"), given.get("callbacks")
    if callbacks is None or "initial_epoch" in given or None in given or (epochs and facts.constant(epochs) != 1):
        return
    data = [*node.args, *(value for name, value in given.items() if name not in ("callbacks", "epochs", "verbose"))]
    others = facts.calls_in(loop, "fit", "fit_generator", "train_on_batch", "compile", "set_weights")
    unfreezes = any(getattr(part, "attr", "") == "trainable" for part in facts.nodes_in(loop, ast.Attribute))
    if unfreezes or len(others) > 1 or any(facts.bound_in(value, loop) for value in data):
        return
    if not facts.is_keras_model(model) or not facts.older_than_iterations(model, loop):
        return
    for obj in facts.parts(callbacks):
        name = obj.name.removeprefix("keras.callbacks.")
        if name not in _COUNTING or (name == "ModelCheckpoint" and "{epoch" not in ast.unparse(obj.node or node)):
            continue
        what, cure = _COUNTING[name]
        text = f"{counter} + 1, initial_epoch={counter}"
        last = node.keywords[-1].value
        edit = Replace(epochs, text) if epochs is not None else Replace(last, f"{facts.text(last)}, epochs={text}")
        yield Finding(
            node,
            f"`{name}` {what} in each pass, as each `fit` trains anew. {cure} for all epochs.",
            (Fix.of("Pass the epoch", edit),) if "initial_epoch" in cure else (),
            places((loop, "in each pass of this"), (obj.node, "made here")),
        )
        return


_COUNTING = {
    "LearningRateScheduler": ("sees epoch 0", "Pass `initial_epoch`, or call `fit` once"),
    "ModelCheckpoint": ("writes the first epoch's file", "Pass `initial_epoch`, or call `fit` once"),
    "EarlyStopping": ("loses count of its patience", "Call `fit` once"),
    "ReduceLROnPlateau": ("loses count of its patience", "Call `fit` once"),
}


@RULE.check(level=Level.INFORMATION)
def enqueuer_never_stopped(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A Keras enqueuer that is started and never stopped."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="start")) if not facts.calls("stop", "join_end_of_epoch"):
            if any(obj.name in _ENQUEUERS for obj in facts.value(owner)):
                yield Finding(
                    node,
                    f"`{facts.short(owner)}` starts workers and a queue, and nothing stops them. Call `stop()` in a `finally`.",
                )
        case _:
            pass
