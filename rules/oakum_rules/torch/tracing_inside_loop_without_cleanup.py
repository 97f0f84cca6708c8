"""Trace a model once and reuse it; what has to be traced again and again belongs in a process of its own.

## Why
TorchScript keeps the class of every traced module, with its graph and its constants, in one table for the whole process. No `del`
and no `gc.collect()` takes anything out of it: a trace in a loop, in `forward` or in a request handler grows for ever.

## Bad
```python
for epoch in range(num_epochs):
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.jit.trace(model, x).save(f"epoch{epoch}.pt")
```

## Good
```python
for epoch in range(num_epochs):
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), f"epoch{epoch}.pt")
torch.jit.trace(model.eval(), x).save("model.pt")
```

## Fix
Moves the trace before the loop where model, example and options are made there, or keeps it on `self`. Review it: a traced module
shares its parameters, so training goes on to show in it, but control flow and the mode of dropout are those of the moment of the
trace. Not offered for exports of checkpoints: save the weights and trace once at the end, or trace in a subprocess.

## Silent when
It is traced once: before the loop, at a first time (`if self.traced is None`, a cache), in an iteration that leaves the loop; each
of a few models is traced once; the file is a test or measures tracing; `torch.trace`, `np.trace` and profilers, which are no tracing.

## Evidence
Measured on a 4-layer MLP: 545 KB for each `torch.jit.trace` of the same model, and all of it stays after `del`, `gc.collect()` and
the end of the function; 1214 KB for other architectures; a constant of 1 MiB in the graph stays with it. The private reset of the
class registry still leaves 73 KB. `torch.jit.script` 2 KB, `torch.export` 13 KB after a collection, `torch._dynamo.reset()` and a new
`torch.compile` 112 KB; `torch.compile` of the same model nothing. Traced in a subprocess: nothing in the parent. Not measured: what
exports to ONNX and graphs for TensorBoard leave, which trace as well.
"""

import ast
import itertools
from collections.abc import Iterator

from oakum.facts import Again, Facts
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT12",
    smell="Tracing Inside Loop Without Cleanup",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Improper resource and cache cleanup",
    practices=("Subprocess-Based Isolation",),
    fix=Safety.REVIEW,
    see_also=("PT25", "TK09"),
)

_TRACES = {"torch.jit.trace", "torch.jit.trace_module", "torch.jit._get_trace_graph"}
_EXPORTS = {
    "torch.onnx.export",
    "torch.onnx.utils.export",
    "torch.onnx.dynamo_export",
    "torch.export.export",
    "torch.export.export_for_training",
}
_SCRIPTS = {"torch.jit.script", "torch.jit.load", "torch._dynamo.reset", "torch.compiler.reset"}
_COMPILES = {"torch.compile", "torch.fx.symbolic_trace", "torch.fx.experimental.proxy_tensor.make_fx"}
_LAST = {name.rpartition(".")[2] for name in _TRACES | _EXPORTS | _SCRIPTS | _COMPILES} | {
    "to_torchscript",
    "to_onnx",
    "add_graph",
}
_CALLED = frozenset({
    "on_train_epoch_end", "on_validation_epoch_end", "on_validation_end", "on_save_checkpoint", "on_epoch_end", "on_evaluate", "on_save",
    "on_step_end", "after_train_epoch", "after_val_epoch", "save_checkpoint", "_save_checkpoint", "predict", "infer", "inference",
    "handle", "do_GET", "do_POST", "__getitem__", "get_action", "evaluate",
})  # fmt: skip


def _name(call: ast.Call, facts: Facts) -> str | None:
    """What a call traces with: a qualified name, through `functools.partial` as well, or the name of a Lightning method."""
    function = call.func
    if isinstance(function, ast.Attribute):
        if function.attr not in _LAST:
            return None
        if function.attr in ("to_torchscript", "to_onnx", "add_graph"):
            return function.attr
    elif not isinstance(function, ast.Name):
        return None
    if (name := facts.qualified(function)) is None and isinstance(function, ast.Name):
        for bound in facts.definitions(function) or facts.bindings(None, function.id):
            match bound.value:
                case ast.Call(func=partial, args=[first, *_]) if facts.qualified(partial) == "functools.partial":
                    return facts.qualified(first)
                case _:
                    pass
    return name


def _one_by_one(loop: ast.AST, node: ast.AST) -> bool:
    """Whether a loop goes through models that are there already, and traces each."""
    if (
        not isinstance(loop, (ast.For, ast.ListComp, ast.DictComp, ast.GeneratorExp))
        or not isinstance(node, ast.Call)
        or not node.args
    ):
        return False
    target = loop.target if isinstance(loop, ast.For) else loop.generators[0].target
    bound = {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}
    first = node.args[0]
    return any(isinstance(part, ast.Name) and part.id in bound for part in ast.walk(first)) and not isinstance(first, ast.Call)


def _fixes(call: ast.Call, facts: Facts) -> Iterator[Fix]:
    statement, function = facts.statement(call), facts.function(call)
    match statement:
        case ast.Assign(targets=[ast.Name() as target]) if statement.value is call:
            pass
        case _:
            return
    movable = list(itertools.takewhile(lambda loop: facts.movable(call, loop), facts.loops(call)))
    if movable and statement in movable[0].body and not facts.calls_in(movable[-1], "train", "eval"):
        title = f"Trace `{target.id}` once, before the loop"
        yield Fix.of(title, Delete(statement), InsertBefore(movable[-1], (facts.text(statement),)))
        return
    cls = facts.method_class(function) if function is not None else None
    text, model = facts.text(call), facts.key(call.args[0]) if call.args else None
    kept = f"_{target.id.lstrip('_')}"
    if cls is None or facts.is_module_class(cls) or facts.loops(call) or "\n" in text or not (model or "").startswith("self."):
        return
    lines = (f'if getattr(self, "{kept}", None) is None:', f"    self.{kept} = {text}")
    yield Fix.of("Trace once and keep it on `self`", InsertBefore(statement, lines), Replace(call, f"self.{kept}"))


@RULE.check(calls=_LAST)
def traced(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.jit.trace(...)` in a loop, or in a function that runs again and again."""
    name = _name(node, facts)
    if name == "to_torchscript":
        method = facts.argument(node, 1, "method")
        if not isinstance(method, ast.Constant) or method.value != "trace":
            return
    elif name not in _TRACES:
        return
    again = facts.again(node, _one_by_one, _CALLED)
    if again is None or facts.is_test_file() or facts.measured(node):
        return
    model = node.args[0] if node.args else None
    made = [d.statement for d in facts.definitions(model)] if model is not None else []
    yield Finding(
        node,
        f"`{facts.short(node.func, 25)}` adds a graph {facts.often(again)} that stays for good. "
        "Neither `del` nor `gc.collect()` frees it: trace once and reuse it, or do each trace in a subprocess.",
        tuple(_fixes(node, facts)),
        places((again.loop, "this repeats it"), (again.call, "through this call")),
        tuple(place for place in made if place is not None and again.loop in facts.ancestors(place)),
    )


@RULE.check
def traced_elsewhere(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A call in a loop of a function of another file that traces."""
    for _, calls, other in facts.elsewhere(node, _LAST):
        for call in calls:
            if _name(call, other) not in _TRACES or other.guarded(call) or other.measured(call):
                continue
            again = facts.again(node, _one_by_one, _CALLED)
            if again is not None and not facts.is_test_file():
                yield Finding(
                    node,
                    f"`{facts.short(node.func, 25)}` traces a model {facts.often(again)}, and each trace stays for good. "
                    "Neither `del` nor `gc.collect()` frees it: trace once and reuse it, or do each trace in a subprocess.",
                    (),
                    places((again.loop, "this repeats it"), (again.call, "through this call")),
                )
            return


@RULE.check(level=Level.INFORMATION, calls=_LAST)
def exported(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.onnx.export`, `torch.export.export`, `writer.add_graph`, `model.to_onnx` again and again."""
    name = _name(node, facts)
    if name in ("to_onnx", "add_graph"):
        assert isinstance(node.func, ast.Attribute)
        model = node.func.value if name == "to_onnx" else facts.argument(node, 0, "model")
        if model is None or not facts.is_module(model):
            return
    elif name not in _EXPORTS:
        return
    again = facts.again(node, _one_by_one, _CALLED)
    if again is not None and not facts.is_test_file() and not facts.measured(node):
        yield Finding(
            node,
            f"`{facts.short(node.func, 25)}` traces the model {facts.often(again)}. "
            "Save the weights there, and export once at the end or in a subprocess.",
            (),
            places((again.loop, "this repeats it"), (again.call, "through this call")),
        )


@RULE.check(level=Level.INFORMATION, calls=_LAST)
def scripted(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.jit.script(model)`, `torch.jit.load(path)` of the same thing again and again; `torch._dynamo.reset()` in training."""
    name = _name(node, facts)
    if name not in _SCRIPTS or (again := _same_again(node, facts)) is None:
        return
    if not node.args and not facts.backward_calls(again.loop):
        return
    what = "makes the same module" if node.args else "makes the compiler start over"
    yield Finding(
        node,
        f"`{facts.short(node.func, 25)}` {what} {facts.often(again)}. Do it once, before, and reuse the result.",
        tuple(_fixes(node, facts)),
        places((again.loop, "this repeats it")),
    )


@RULE.check(level=Level.HINT, calls=_LAST)
def compiled(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.compile(model)` of the same model again and again."""
    if _name(node, facts) in _COMPILES and (again := _same_again(node, facts)) is not None:
        yield Finding(
            node,
            f"`{facts.short(node.func, 25)}` wraps the same model {facts.often(again)}. "
            "Do it once, before, and call the result: it keeps little, but may compile again.",
            tuple(_fixes(node, facts)),
            places((again.loop, "this repeats it")),
        )


@RULE.check(level=Level.INFORMATION)
def decorated(node: ast.FunctionDef, facts: Facts) -> Iterator[Finding]:
    """`@torch.jit.script` or `@torch.compile` on a function that is defined again and again."""
    for decorator in node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (facts.loops(node) or facts.function(node) is not None) and facts.qualified(function) in _SCRIPTS | _COMPILES:
            again = facts.again(node, called=_CALLED)
            if again is not None and not facts.is_test_file():
                yield Finding(
                    decorator,
                    f"`{node.name}` is defined and compiled anew {facts.often(again)}. Define it once, outside.",
                    (),
                    places((again.loop, "this repeats it")),
                )


def _same_again(node: ast.Call, facts: Facts) -> Again | None:
    """What repeats a call with the same arguments."""
    again = facts.again(node, lambda loop, at: facts.varies(at, loop), _CALLED)
    around = again is not None and again.call is None and not facts.is_test_file() and not facts.measured(node)
    return again if around else None
