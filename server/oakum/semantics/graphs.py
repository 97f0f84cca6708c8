"""What adds operations to a TensorFlow graph of 1.x, and what runs them: expressions, and functions in sight."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.execution import Execution
from oakum.semantics.flow import key_of
from oakum.semantics.program import FUNCTIONS, SCOPES, Frame, Source
from oakum.semantics.values import Obj, only, some

if TYPE_CHECKING:
    from oakum.semantics.evaluate import Evaluator

Expression = ast.Call | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript
EXPRESSIONS = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript)
SYMBOLIC = ("tf-tensor", "tf-variable")
_DEEPEST = 4
# Methods by which something is run, looked for before anything is resolved.
RUNNING = {
    "run", "eval", "get_value", "batch_get_value", "set_value", "batch_set_value", "train_on_batch", "test_on_batch", "predict", "predict_on_batch", "fit",
}  # fmt: skip
_OF_BACKEND = {"get_value", "batch_get_value", "set_value", "batch_set_value"}


@dataclass(frozen=True, slots=True)
class Body:
    """What a call of a function does to the default graph: the first node in it that adds an operation each time, and whether it runs something."""

    adds: ast.AST | None
    source: Source
    runs: bool


def parts(region: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    """Nodes of these types that run as part of a loop's body, a comprehension or a function, not as part of functions defined in it."""
    if isinstance(region, (ast.For, ast.AsyncFor, ast.While)):
        pending: list[ast.AST] = [*region.body[::-1]]
    elif isinstance(region, (ast.FunctionDef, ast.AsyncFunctionDef)):
        pending = [*region.body[::-1]]
    else:
        pending = [*ast.iter_child_nodes(region)][::-1]
    while pending:
        node = pending.pop()
        if isinstance(node, kinds):
            yield node
        if not isinstance(node, SCOPES):
            pending.extend([*ast.iter_child_nodes(node)][::-1])


class Graphs:
    """Growth of graphs, in the files that an evaluator looks at."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.bodies: dict[ast.AST, Body | None] = {}
        self.running: dict[ast.AST, bool] = {}

    # --- expressions ---

    def adds(self, node: ast.AST, frame: Frame) -> bool:
        """Whether an expression of itself (not by its parts) adds an operation, where a graph is being built."""
        evaluator = self.evaluator
        match node:
            case ast.Call():
                return self.call_adds(node, frame)
            case ast.BinOp(left=left, right=right):
                return any(only(evaluator.value(side, frame), *SYMBOLIC) for side in (left, right))
            case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
                return only(evaluator.value(operand, frame), *SYMBOLIC)
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()], comparators=[right]):
                return any(only(evaluator.value(side, frame), *SYMBOLIC) for side in (left, right))
            case ast.Subscript(value=owner, ctx=ast.Load()):
                return only(evaluator.value(owner, frame), *SYMBOLIC)
            case _:
                return False

    def call_adds(self, call: ast.Call, frame: Frame) -> bool:
        evaluator = self.evaluator
        value = [obj for obj in evaluator.value(call.func, frame) if obj.kind != "none"]
        return bool(value) and all(self.callee_adds(obj, call, frame) for obj in value)

    def callee_adds(self, callee: Obj, call: ast.Call, frame: Frame) -> bool:
        tensorflow = self.evaluator.library.tensorflow
        if callee.kind == "library":
            return callee.name.startswith(knowledge.ROOTS) and tensorflow.adds_operation(callee.name)
        if callee.kind in ("keras-layer", "keras-model") and not isinstance(callee.node, ast.ClassDef):
            arguments = [self.evaluator.value(argument, frame) for argument in call.args]
            return any(some(value, *SYMBOLIC) for value in arguments)
        if callee.kind == "method" and callee.node is None and callee.receiver:
            owner = callee.receiver[0]
            if owner.kind in SYMBOLIC:
                return callee.name not in knowledge.NO_OPERATION_METHODS
            if owner.kind == "tf-optimizer":
                return callee.name in ("minimize", "apply_gradients", "compute_gradients")
            if owner.kind == "dataset-iterator":
                return callee.name in ("get_next", "make_initializer")
            return owner.kind == "dataset"
        return False

    def runs(self, call: ast.Call, frame: Frame) -> bool:
        """Whether a call runs operations: `sess.run(...)`, `tensor.eval()`, `op.run()`, `K.get_value(x)`, `model.train_on_batch(...)`."""
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in RUNNING:
            return False
        owner = self.evaluator.value(function.value, frame)
        if function.attr in _OF_BACKEND:
            return any(obj.kind == "library" and obj.name == "keras.backend" for obj in owner)
        if function.attr in ("run", "eval"):
            if some(owner, "session", *SYMBOLIC):
                return True
            key = key_of(function.value) or ""
            given = any(keyword.arg in ("feed_dict", "session") for keyword in call.keywords)
            return given or "sess" in key.rpartition(".")[2].lower()
        return some(owner, "keras-model") is not None

    # --- functions ---

    def region_runs(self, region: ast.AST, source: Source, depth: int = _DEEPEST) -> bool:
        """Whether a run through a loop or function runs operations, also in functions in sight that it calls."""
        if region in self.running:
            return self.running[region]
        self.running[region] = False
        for call in parts(region, ast.Call):
            assert isinstance(call, ast.Call)
            frame = self.evaluator.frame_at(source, call)
            if self.runs(call, frame):
                self.running[region] = True
                return True
            if depth:
                for obj in self.evaluator.value(call.func, frame):
                    if obj.kind in ("function", "method") and isinstance(obj.node, FUNCTIONS) and obj.frame is not None:
                        if self.region_runs(obj.node, obj.frame.source, depth - 1):
                            self.running[region] = True
                            return True
        return False

    def body(self, function: ast.AST, source: Source, depth: int = _DEEPEST) -> Body | None:
        """What a call of a function does to the graph that is the default one then; None if nothing, or not each time."""
        if function in self.bodies:
            return self.bodies[function]
        self.bodies[function] = None
        adds: ast.AST | None = None
        runs = self.region_runs(function, source)
        if not depth or self.memoised(function):
            return None
        for node in parts(function, *EXPRESSIONS):
            frame = self.evaluator.frame_at(source, node)
            if self.adds(node, frame) or (
                (inner := self.calls_builder(node, frame, depth - 1)) is not None and inner.adds is not None
            ):
                if self.unconditional(node, function, source):
                    adds = node
                    break
        found = self.bodies[function] = Body(adds, source, runs) if adds is not None or runs else None
        return found

    def calls_builder(self, node: ast.AST, frame: Frame, depth: int = _DEEPEST) -> Body | None:
        """What the functions in sight that a call reaches add to the graph."""
        if not isinstance(node, ast.Call) or not depth:
            return None
        value = self.evaluator.value(node.func, frame)
        for obj in value:
            function, where = obj.node, obj.frame
            if obj.kind in ("keras-layer", "keras-model", "instance") and isinstance(obj.node, ast.ClassDef):
                method = self.evaluator.method(obj, "call") or self.evaluator.method(obj, "__call__")
                function, where = (method.node, method.frame) if method is not None else (None, None)
            elif obj.kind not in ("function", "method"):
                continue
            if len(value) == 1 and obj.traced is None and isinstance(function, FUNCTIONS) and where is not None:
                if self.evaluator.executions.as_argument(function, where.source) is None:
                    return self.body(function, where.source, depth)
        return None

    def unconditional(self, node: ast.AST, function: ast.AST, source: Source) -> bool:
        """Whether a node adds to the graph that its function finds: under no test, in no graph that the function itself enters."""
        executions, child = self.evaluator.executions, node
        while (parent := source.parent(child)) is not None and child is not function:
            if isinstance(parent, (ast.If, ast.IfExp)) and child is not parent.test:
                return False
            if isinstance(parent, (ast.ExceptHandler, ast.Match, ast.BoolOp)):
                return False
            if isinstance(parent, (ast.With, ast.AsyncWith)) and child in parent.body:
                if any(executions.context(item.context_expr, source) is Execution.GRAPH for item in parent.items):
                    return False
            child = parent
        return True

    def memoised(self, function: ast.AST) -> bool:
        return any(
            "cache" in ast.unparse(d).lower() or "property" in ast.unparse(d) for d in getattr(function, "decorator_list", ())
        )
