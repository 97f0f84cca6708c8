"""Where autograd records: grad-mode regions, and which values are backpropagated."""

from __future__ import annotations

import ast
import enum
from typing import TYPE_CHECKING

from oakum.knowledge import torch as knowledge
from oakum.semantics.flow import FunctionNode
from oakum.semantics.values import Obj, some

if TYPE_CHECKING:
    from oakum.semantics.evaluate import Evaluator
    from oakum.semantics.program import Frame, Source


class Mode(enum.Enum):
    """Whether operations at a place are recorded. `MIXED`: on some calls of the function, on others not."""

    ON = "on"
    OFF = "off"
    MIXED = "mixed"
    UNKNOWN = "unknown"


BACKWARD_HELPERS = {"backward", "manual_backward"}


class Regions:
    """Grad-mode regions of the files that an evaluator looks at."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.callers_memo: dict[ast.AST, Mode] = {}
        self.busy: set[ast.AST] = set()
        self.switches: dict[Source, list[tuple[ast.Call, Mode]]] = {}
        self.switching: dict[FunctionNode, bool] = {}

    def mode(self, node: ast.AST, frame: Frame) -> Mode:
        """Whether autograd records at a node."""
        source = frame.source
        child = node
        while (parent := source.parent(child)) is not None:
            if isinstance(parent, (ast.With, ast.AsyncWith)) and child in parent.body:
                for item in reversed(parent.items):
                    if (found := self.context(item.context_expr, frame)) is not None:
                        return found
            elif isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and child in parent.body:
                if (found := self.switched(source, parent, node)) is not None:
                    return found
                if (found := self.decorators(parent, frame)) is not None:
                    return found
                if parent is frame.function and isinstance(frame.recording, Mode):
                    return frame.recording
                return self.entered(source, parent)
            elif isinstance(parent, ast.Lambda):
                if isinstance(frame.recording, Mode):
                    return frame.recording
                # Who calls a lambda is out of sight: where it stands is only a hint.
                around = self.mode(parent, self.evaluator.frame_at(source, parent))
                return Mode.ON if around is Mode.ON else Mode.UNKNOWN
            child = parent
        return self.switched(source, None, node) or Mode.ON

    def context(self, node: ast.expr, frame: Frame) -> Mode | None:
        """The mode that `with node:` sets, None if it has nothing to do with autograd."""
        evaluator = self.evaluator
        if isinstance(node, ast.Call):
            name = evaluator.qualified(node.func, frame)
            if name in knowledge.NO_GRAD:
                if name.endswith("inference_mode") and node.args:
                    return self.constant_mode(node.args[0], inverted=True)
                return Mode.OFF
            if name in knowledge.ENABLE_GRAD:
                return Mode.ON
            if name in knowledge.SET_GRAD:
                argument = node.args[0] if node.args else next((k.value for k in node.keywords), None)
                return self.constant_mode(argument)
            function = some(evaluator.value(node.func, frame), "function", "method")
            if (
                function is not None
                and isinstance(function.node, (ast.FunctionDef, ast.AsyncFunctionDef))
                and function.frame is not None
            ):
                return self.inside_context_manager(function.node, function.frame.source)
        value = evaluator.value(node, frame)
        modes = {self.context_object(obj.name) for obj in value if obj.kind == "object"}
        if modes - {None}:
            return Mode.UNKNOWN if len(modes) > 1 or len(value) > 1 else next(iter(modes))
        text = ast.unparse(node).lower()
        called = ast.unparse(node.func if isinstance(node, ast.Call) else node).lower().rpartition(".")[2]
        return Mode.UNKNOWN if "grad" in text or "inference" in text or "eval" in called else None

    def context_object(self, name: str) -> Mode | None:
        if name in knowledge.NO_GRAD:
            return Mode.OFF
        if name in knowledge.ENABLE_GRAD:
            return Mode.ON
        return Mode.UNKNOWN if name in knowledge.SET_GRAD else None

    def inside_context_manager(self, function: ast.AST, source: Source) -> Mode | None:
        """The mode at the `yield` of a generator used as a context manager."""
        for node in ast.walk(function):
            if isinstance(node, ast.Yield):
                child: ast.AST = node
                while (parent := source.parent(child)) is not None and parent is not function:
                    if isinstance(parent, ast.With) and child in parent.body:
                        for item in parent.items:
                            if (
                                found := self.context(item.context_expr, self.evaluator.frame_at(source, item.context_expr))
                            ) is not None:
                                return found
                    child = parent
        return None

    def constant_mode(self, node: ast.expr | None, *, inverted: bool = False) -> Mode:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return Mode.ON if node.value is not inverted else Mode.OFF
        return Mode.UNKNOWN

    def decorators(self, function: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Mode | None:
        source = frame.source
        outer = self.evaluator.frame_at(source, function)
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = self.evaluator.qualified(called, outer)
            if name in knowledge.NO_GRAD:
                if isinstance(decorator, ast.Call) and decorator.args and name.endswith("inference_mode"):
                    return self.constant_mode(decorator.args[0], inverted=True)
                return Mode.OFF
            if name in knowledge.ENABLE_GRAD:
                return Mode.ON
            text = ast.unparse(called).lower()
            if name in knowledge.SET_GRAD or "grad" in text or "inference" in text or "eval" in text.rpartition(".")[2]:
                return Mode.UNKNOWN
            if any(self.switches_inside(obj) for obj in self.evaluator.value(called, outer)):
                return Mode.UNKNOWN
        return None

    def switches_inside(self, obj: Obj) -> bool:
        """Whether a decorator in sight switches recording somewhere in its body: then what it wraps may run without."""
        function = obj.node
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
        if function not in self.switching:
            self.switching[function] = any(
                (node.attr if isinstance(node, ast.Attribute) else node.id) in ("no_grad", "inference_mode", "set_grad_enabled")
                for node in ast.walk(function)
                if isinstance(node, (ast.Attribute, ast.Name))
            )
        return self.switching[function]

    def switched(self, source: Source, function: ast.AST | None, node: ast.AST) -> Mode | None:
        """The last `torch.set_grad_enabled(...)` statement before a node in its function, or anywhere at module level."""
        if source not in self.switches:
            found: list[tuple[ast.Call, Mode]] = []
            for name in ("set_grad_enabled", "_set_grad_enabled"):
                for call in source.calls(name):
                    if isinstance(source.parent(call), ast.Expr):
                        found.append((call, self.constant_mode(call.args[0] if call.args else None)))
            self.switches[source] = found
        switches = self.switches[source]
        if not switches:
            return None
        inside = [(call, mode) for call, mode in switches if source.function(call) is function and function is not None]
        before = [(call, mode) for call, mode in inside if source.locate(call) < source.locate(node)]
        if before:
            return before[-1][1]
        module = [mode for call, mode in switches if source.function(call) is None]
        if module and all(mode is Mode.OFF for mode in module):
            return Mode.OFF
        return Mode.UNKNOWN if module or any(source.function(call) is not function for call, _ in switches) else None

    def entered(self, source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Mode:
        """Whether autograd records when a function is entered, from its callers in sight and the framework that calls it."""
        if function in self.callers_memo:
            return self.callers_memo[function]
        if function in self.busy:
            return Mode.ON
        self.busy.add(function)
        try:
            result = self.called_by_framework(source, function)
            if result is None:
                modes: set[Mode] = set()
                for call, where in self.evaluator.callers(function, source)[:12]:
                    if self.evaluator.touched is not None:
                        self.evaluator.touched(where, call)
                    modes.add(self.mode(call, self.evaluator.frame_at(where, call)))
                outer = source.function(function)
                if not modes and isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    modes.add(Mode.ON)
                if not modes:
                    result = Mode.ON
                elif len(modes) == 1:
                    result = modes.pop()
                else:
                    result = Mode.UNKNOWN if Mode.UNKNOWN in modes and Mode.ON not in modes else Mode.MIXED
        finally:
            self.busy.discard(function)
        self.callers_memo[function] = result
        return result

    def called_by_framework(self, source: Source, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Mode | None:
        cls = source.class_of(function)
        if cls is None:
            return None
        _, libraries, unknown = self.evaluator.ancestry(cls, self.evaluator.frame_at(source, cls))
        if any(name in knowledge.FUNCTION_BASES for name in libraries):
            return Mode.OFF if function.name in ("forward", "backward", "setup_context", "jvp", "vmap") else None
        if any(name in knowledge.METRIC_BASES for name in libraries) and function.name in ("update", "compute"):
            return Mode.OFF
        if function.name in knowledge.LIGHTNING_GRAD_FREE:
            lightning = any(name.startswith("pytorch_lightning.") for name in libraries)
            if lightning:
                return Mode.OFF
            if unknown or any(not name.startswith(("torch.", "builtins.")) for name in libraries):
                return Mode.UNKNOWN
        if function.name in ("prediction_step", "evaluation_loop") and libraries:
            return Mode.UNKNOWN
        return None

    def backward_targets(self, frame: Frame) -> list[ast.expr]:
        """Expressions of a function on which backward is called, whatever the spelling."""
        source, found = frame.source, list[ast.expr]()
        for name in BACKWARD_HELPERS:
            for call in source.calls(name):
                if source.function(call) is frame.function and (target := self.backward_target(call)) is not None:
                    found.append(target)
        return found

    @staticmethod
    def backward_target(call: ast.Call) -> ast.expr | None:
        """What a call such as `loss.backward()`, `scaler.scale(loss).backward()` or `accelerator.backward(loss)` backpropagates."""
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in BACKWARD_HELPERS:
            first = call.args[0] if call.args and not isinstance(call.args[0], ast.Starred) else None
            owner = function.value
            if (
                isinstance(owner, ast.Call)
                and isinstance(owner.func, ast.Attribute)
                and owner.func.attr in ("scale", "scale_loss")
                and owner.args
            ):
                return owner.args[0]
            tail = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if function.attr == "manual_backward" or tail in (
                "accelerator",
                "fabric",
                "autograd",
                "engine",
                "booster",
                "strategy",
            ):
                return first
            if first is not None and isinstance(first, ast.Name) and tail in ("model", "model_engine", "self"):
                return first
            return owner
        return None
