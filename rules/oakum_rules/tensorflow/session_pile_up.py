"""Train one model again, or each in a process of its own: what TensorFlow keeps of a trained model stays until the process ends.

## Why
Every trace of a training step of Keras registers with TensorFlow for good, with the traced graph and the weights. A loop that
builds and trains a model in each pass keeps one of these for each, whatever is deleted or cleared. Models that are only built leave
their names and functions in Keras' global state; a network of 1.x stays in the default graph, one for each session.

## Bad
```python
def evaluate(width):
    net = keras.Sequential([keras.layers.Dense(width), keras.layers.Dense(10)])
    net.compile("adam", "mse")
    net.fit(x_train, y_train)
    return net.evaluate(x_train, y_train)


scores = [evaluate(width) for width in range(8, 256)]
```

## Good
```python
from multiprocessing import Process


def evaluate(width):
    net = keras.Sequential([keras.layers.Dense(width), keras.layers.Dense(10)])
    net.compile("adam", "mse")
    net.fit(x_train, y_train)
    print(width, net.evaluate(x_train, y_train))


for width in range(8, 256):
    process = Process(target=evaluate, args=(width,))
    process.start()
    process.join()
```

## Fix
Where models are only built or asked, clears Keras' global state before each: review it, for it also resets a precision policy, and
models from outside of the pass don't survive it. For models that are trained no edit helps: neither `clear_session()` nor `del`
frees what stays. Train each in its own process, or one model whose weights and optimizer are put back to their start in each pass.
Never move a model out of a loop over folds without that: it would be tested on what it was trained on.

## Silent when
The pass runs in another process; the model is made once and kept; a pass of 1.x has a graph of its own; the step isn't traced
(`run_eagerly=True`); Keras runs on another backend; what is only built is cleared away.

## Evidence
Measured on 2.21 with Keras 3.15: build and `fit` 6.6 MB a pass, 6.1 MB with `clear_session()` and a collection after each, which
contradicts the advice to clear; without a traced step (`run_eagerly=True`) 4 KB, one model put back in place 3 KB. Build only: 142 KB,
with `clear_session()` 1 KB: there the advice holds. 1.x: 53 KB, with `reset_default_graph()` 1 KB. What stays is one entry for each
trace of a Keras optimizer in the process-wide registry of gradients. One model kept over the folds of random labels rose to an
accuracy of 1; fresh models stayed at chance.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts, Pass
from oakum.rule import Finding, Fix, Framework, InsertBefore, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK08",
    smell="Session Pile-Up",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Training Pipeline",
    subcategory="Model recreation",
    practices=("Avoid Model Recreation in Loops",),
    fix=Safety.REVIEW,
    yields_to=("TK09",),
    see_also=("PT25", "TK09", "TK02", "TK12"),
)


def _made_in_pass(node: ast.Call, facts: Facts) -> Pass | None:
    """What makes a model again and again, where its maker is to be told of here and not at a caller."""
    if not facts.is_keras_model(node) or not facts.makes_model(node) or facts.hands_back(node) or facts.runs_on_other_backend():
        return None
    return facts.passes(node)


def _trained(node: ast.Call, facts: Facts, *, bounded: bool, cleared: bool) -> Iterator[Finding]:
    found = _made_in_pass(node, facts)
    if found is None or found.bounded is not bounded or (training := facts.training_of(node)) is None or facts.runs_eagerly(node):
        return
    if facts.clears_session(node, found) is not cleared or facts.kept_in_pass(node, found.loop):
        return
    name = facts.bound_to(node) or facts.short(node, 25)
    told = "`clear_session()` doesn't free that: train" if cleared else "Train"
    yield Finding(
        node,
        f"`{name}` is built and trained anew {facts.times(found.loop)}. TensorFlow keeps each traced training step. "
        f"{told} one model that you put back to its start, or each in a process of its own.",
        (),
        places((found.loop, "this repeats it"), (found.call, "by way of this call"), (training, "it is trained here")),
    )


@RULE.check
def trained_in_loop(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A model that is built and trained in each pass of a loop, trial or request."""
    yield from _trained(node, facts, bounded=False, cleared=False)


@RULE.check(level=Level.INFORMATION)
def trained_per_fold(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A model that is built and trained for each of a handful of folds or settings."""
    yield from _trained(node, facts, bounded=True, cleared=False)


@RULE.check(level=Level.HINT)
def trained_and_cleared(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """The same where Keras' state is cleared in each pass: what stays isn't there."""
    yield from _trained(node, facts, bounded=False, cleared=True)


def _stacked(node: ast.Call, facts: Facts) -> bool:
    """Whether a model is one block of a network: `x = block(x)`."""
    name, loops = facts.bound_to(node), facts.loops(node)
    for each in facts.nodes_in(loops[0], ast.Assign) if loops else ():
        match each:
            case ast.Assign(
                targets=[ast.Name(id=result)], value=ast.Call(func=ast.Name(id=called), args=[ast.Name(id=given), *_])
            ):
                if called == name and given == result:
                    return True
            case _:
                pass
    return False


@RULE.check(level=Level.INFORMATION)
def built_in_loop(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A model that is built in each pass and not trained, while nothing clears Keras' state."""
    if (
        (found := _made_in_pass(node, facts)) is None
        or found.bounded
        or facts.loads_model(node)
        or facts.training_of(node) is not None
    ):
        return
    if (
        _stacked(node, facts)
        or facts.clears_session(node, found)
        or facts.kept_in_pass(node, found.loop)
        or not facts.asked_only(node)
    ):
        return
    fixes: tuple[Fix, ...] = ()
    keras = facts.keras_name()
    if keras is not None and isinstance(found.loop, (ast.For, ast.While)):
        title = "Clear Keras' global state before each build"
        fixes = (Fix.of(title, InsertBefore(found.loop.body[0], (f"{keras}.backend.clear_session()",))),)
    yield Finding(
        node,
        f"`{facts.bound_to(node) or facts.short(node, 25)}` is built anew {facts.times(found.loop)}. "
        "Keras keeps what it knows of each: build it once before, or clear its state first.",
        fixes,
        places((found.loop, "this repeats it"), (found.call, "by way of this call")),
    )


@RULE.check
def network_per_session(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """In 1.x: a session in each pass, and a network that is built for it in the one default graph."""
    if not facts.may_build_graphs or not facts.is_session(node) or facts.tensorflow_name(node.func) is None:
        return
    if facts.argument(node, 1, "graph") is not None or (again := facts.repeated_in_graph(node, in_helpers=True)) is None:
        return
    scope = facts.function(node) if again.loop not in facts.ancestors(node) else again.loop
    built = facts.builds_network(scope) if scope is not None else None
    if built is None:
        return
    yield Finding(
        node,
        f"A session {facts.often(again)}, and a network for each in the one default graph. "
        "Build the network once, or give each pass a graph by `with tf.Graph().as_default():`.",
        (),
        places((built, "the network is built here"), (again.loop, "this repeats it")),
        covers=(scope,) if scope is not None else (),
    )
