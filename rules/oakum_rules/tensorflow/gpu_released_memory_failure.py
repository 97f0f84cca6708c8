"""Let go of a model before you clean up; what TensorFlow took from a GPU goes back when the process ends.

## Why
`del`, `gc.collect()` and `clear_session()` can't free a model that somebody still holds, and `fit` returns a `History` whose `.model`
is the model. TensorFlow's own GPU memory isn't given back to the driver by any of them: that is by design. Calls of other libraries
that reset the device take the ground from under TensorFlow.

## Bad
```python
import gc

histories = []
for seed in range(20):
    net = keras.models.clone_model(model)
    net.compile("adam", loss_fn, run_eagerly=True)
    histories.append(net.fit(x_train, y_train, verbose=0))
    del net
    gc.collect()
```

## Good
```python
import gc

histories = []
for seed in range(20):
    net = keras.models.clone_model(model)
    net.compile("adam", loss_fn, run_eagerly=True)
    histories.append(net.fit(x_train, y_train, verbose=0).history)
    del net
    gc.collect()
```

## Fix
Keeps `.history`, a dict of numbers, and reads it without `.history` later. Review it: `.epoch`, `.params` and `.model` are gone then.
A reset of the device under TensorFlow is removed; review whether another program waits for the memory: then train in a process of its
own. No fix adds `gc.collect()` or `clear_session()`.

## Silent when
Only numbers are kept; nothing in the loop means to release; kept models are used after the loop; each training runs in a process of its
own; the loop goes through a few literals; memory growth is set before the first use of a device.

## Evidence
Measured on the CPU's heap with a model of 1 MiB, a new one built and trained in each pass: 4847 KB a pass without cleanup, 4670 with
`del`, `gc.collect()` and `clear_session()` together, 4665 with any one of them: after `fit` they free next to nothing, since traced
training steps stay registered (TK08). Kept `History` objects cost 1.6 MB a pass more. For loops that only build, predict or evaluate,
`clear_session()` does help (142 against 1 KB). What a GPU does was not measured.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Append, Delete, Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK03",
    smell="GPU Released Memory Failure",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.INFORMATION,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Explicit GPU Memory Cleanup",),
    fix=Safety.REVIEW,
    see_also=("TK02", "TK08", "PT11"),
)

_RELEASING = {"gc.collect", "keras.backend.clear_session", "tensorflow.reset_default_graph"}
_SETTING = ("set_memory_growth", "set_logical_device_configuration", "set_virtual_device_configuration", "set_visible_devices")


def _release(region: ast.AST, facts: Facts) -> ast.AST | None:
    """What in a loop or function is there to release a model."""
    for call in facts.calls_in(region, "clear_session", "collect", "reset_default_graph"):
        if facts.qualified(call.func) in _RELEASING:
            return call
    for node in facts.nodes_in(region, ast.Delete):
        names = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
        bound = [definition.value for name in names for definition in facts.bindings(facts.function(node), name)]
        if any(value is not None and facts.is_keras_model(value) for value in bound):
            return node
    return None


@RULE.check
def held_while_released(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """A history, checkpoint or model that each pass keeps, in a loop that means to release the model."""
    for container, item in facts.put(node):
        parts = item.elts if isinstance(item, ast.Tuple) else item.values if isinstance(item, ast.Dict) else [item]
        for part in parts:
            holder = _holder(part, container, facts)
            if holder is None or (again := facts.opened_again(node)) is None or (release := _release(again.loop, facts)) is None:
                continue
            if (lifetime := facts.outlives(container, node)) is None:
                continue
            name = facts.short(container, 24)
            history = holder == "a `History`"
            yield Finding(
                part,
                f"`{name}` keeps {holder} of each pass, and that holds its model: it can't be released. "
                + (
                    "Keep its `.history`, the numbers." if history else "Keep what you need of it, such as its weights or a file."
                ),
                _numbers(part, container, facts) if history else (),
                places((release, "this is to release it"), (lifetime.made, f"`{name}` is made here")),
            )


def _holder(part: ast.expr, container: ast.expr, facts: Facts) -> str | None:
    """What is kept that holds a model, in words."""
    value = facts.value(part)
    if len(value) != 1:
        return None
    if value[0].name == "keras.callbacks.History":
        return "a `History`"
    if value[0].name in ("tensorflow.train.Checkpoint", "tensorflow.train.CheckpointManager"):
        return f"a `{value[0].name.rpartition('.')[2]}`" if any(obj.kind == "keras-model" for obj in facts.parts(part)) else None
    unread = value[0].kind == "keras-model" and facts.only_filled(container)
    return "the model" if unread else None


def _numbers(part: ast.expr, container: ast.expr, facts: Facts) -> tuple[Fix, ...]:
    """`.history` of what is kept, and of nothing that is read of it later."""
    reads = facts.elements_read(container)
    if any(read.attr != "history" for read in reads):
        return ()
    rewritten = (Replace(read, facts.text(read.value)) for read in reads)
    return (Fix.of("Keep the numbers, not the model", Append(part, ".history"), *rewritten),)


@RULE.check
def reset_under_tensorflow(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """The device reset by numba where TensorFlow goes on using it."""
    if not facts.is_called(node, "close", "reset") or not isinstance(node.func, ast.Attribute):
        return
    owner = facts.value(node.func.value)
    device = len(owner) == 1 and owner[0].name == "numba.cuda.get_current_device"
    if facts.qualified(node.func) != "numba.cuda.close" and not (device and node.func.attr == "reset"):
        return
    again = facts.opened_again(node)
    if again is None and not facts.tensorflow_used_after(node):
        return
    statement = facts.statement(node)
    removed = isinstance(statement, ast.Expr) and statement.value is node
    yield Finding(
        node,
        "This ends the CUDA context that TensorFlow works in: what it does next on the GPU fails. "
        "The memory goes back when the process ends, so train in a process of its own if another program needs it.",
        (Fix.of("Leave the device to TensorFlow", Delete(statement)),) if removed and statement is not None else (),
        places((again.loop if again else None, "TensorFlow goes on in the next pass")),
    )


@RULE.check
def configured_too_late(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """Memory growth, or devices, set when the devices are in use."""
    if not facts.is_called(node, *_SETTING) or not (facts.qualified(node.func) or "").startswith("tensorflow.config."):
        return
    if (used := facts.device_used_before(node, by_listing=False)) is not None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else facts.short(node.func)
        yield Finding(
            node,
            f"`{name}` raises a `RuntimeError` here: the devices are in use since line {facts.line(used)}. "
            "Set it right behind the import, before anything runs on a device.",
            (),
            places((used, "TensorFlow takes the devices here")),
        )


@RULE.check(level=Level.HINT)
def cache_of_another_library(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.cuda.empty_cache()` in a program of TensorFlow."""
    if facts.is_called(node, "empty_cache") and facts.qualified(node.func) == "torch.cuda.empty_cache":
        if next(_of_torch(facts), None) is None:
            yield Finding(
                node,
                "`empty_cache` gives back what PyTorch has cached, and TensorFlow's memory is not in there. "
                "TensorFlow's goes back when the process ends.",
            )


def _of_torch(facts: Facts) -> Iterator[ast.Call]:
    """Calls of PyTorch's other than of `torch.cuda`."""
    for node in facts.nodes(ast.Call):
        if isinstance(node, ast.Call) and (name := facts.qualified(node.func) or "").startswith("torch."):
            if not name.startswith("torch.cuda."):
                yield node
