"""When TensorFlow code runs: at once, as part of a graph of 1.x, or while a `tf.function` is traced."""

from __future__ import annotations

import ast
import enum
from typing import TYPE_CHECKING

from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.flow import FunctionNode, key_of
from oakum.semantics.values import Obj, some

if TYPE_CHECKING:
    from oakum.semantics.evaluate import Evaluator
    from oakum.semantics.program import Frame, Source


class Execution(enum.Enum):
    """What a call of an operation does at a place.

    `GRAPH`: it adds to the default graph, or to one that is entered. `EAGER`: it computes. `TRACE`: it is part of a function that
    TensorFlow traces. `UNKNOWN`: nothing in sight tells, or it depends.
    """

    GRAPH = "graph"
    EAGER = "eager"
    TRACE = "trace"
    UNKNOWN = "unknown"


# Names looked for in a file before anything is resolved, by what they show.
_TO_GRAPHS = {name.rpartition(".")[2] for name in knowledge.TO_GRAPHS}
_TO_EAGER = {name.rpartition(".")[2] for name in knowledge.TO_EAGER}
_GRAPH_ONLY = {name.rpartition(".")[2] for name in knowledge.GRAPH_ONLY}
_FIRST_EDITION = {name.rpartition(".")[2] for name in knowledge.FIRST_EDITION}
_TRACED_BY = {"map", "filter", "flat_map", "interleave", "reduce", "scan", "group_by_window", "take_while", "map_fn", "while_loop", "cond", "vectorized_map",
              "from_generator", "experimental_run_v2", "run", "cond_v2", "switch_case", "case", "custom_gradient", "foldl", "foldr"}  # fmt: skip
_EAGERLY = {"py_function", "py_func", "numpy_function"}


class Executions:
    """Execution in the files that an evaluator looks at."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.files: dict[Source, Execution] = {}
        self.callers_memo: dict[ast.AST, Execution] = {}
        self.handed: dict[Source, dict[str, list[ast.Call]]] = {}

    # --- places ---

    def at(self, node: ast.AST, frame: Frame, depth: int = 3) -> Execution:
        """What a call of an operation does at a node."""
        source = frame.source
        child = node
        while (parent := source.parent(child)) is not None:
            if isinstance(parent, (ast.With, ast.AsyncWith)) and child in parent.body:
                for item in reversed(parent.items):
                    if (found := self.context(item.context_expr, source)) is not None:
                        return found
            elif isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and child in parent.body:
                if (found := self.of_function(parent, source, depth)) is not None:
                    return found
            elif isinstance(parent, ast.Lambda) and child is parent.body:
                if (found := self.as_argument(parent, source)) is not None:
                    return found
            child = parent
        return self.of_file(source)

    def context(self, context: ast.expr, source: Source) -> Execution | None:
        """What `with context:` makes of the code inside; None if it has nothing to do with it."""
        evaluator = self.evaluator
        frame = evaluator.frame_at(source, context)
        if self.entered_graph(context, frame) is not None:
            return Execution.GRAPH
        if isinstance(context, ast.Call) and isinstance(context.func, (ast.Attribute, ast.Name)):
            name = context.func.attr if isinstance(context.func, ast.Attribute) else context.func.id
            if name in ("init_scope", "eager_mode", "graph_mode"):
                return {"eager_mode": Execution.EAGER, "graph_mode": Execution.GRAPH}.get(name, Execution.UNKNOWN)
            if name.endswith(("Session", "session")) and some(evaluator.value(context, frame), "session"):
                return Execution.GRAPH
        return None

    def entered_graph(self, context: ast.expr, frame: Frame) -> Obj | None:
        """The graph that `with graph.as_default():` makes the default one."""
        match context:
            case ast.Call(func=ast.Attribute(value=owner, attr="as_default")):
                return some(self.evaluator.value(owner, frame), "graph")
            case _:
                return None

    def of_function(self, function: ast.FunctionDef | ast.AsyncFunctionDef, source: Source, depth: int) -> Execution | None:
        """What code of a function does by the way the function is called; None if the file tells."""
        evaluator = self.evaluator
        if evaluator.tracing(function, evaluator.frame_at(source, function)) is not None:
            return Execution.TRACE
        if (found := self.as_argument(function, source)) is not None:
            return found
        cls = source.class_of(function)
        if cls is not None:
            kind = evaluator.library.tensorflow.class_kind(evaluator.ancestry(cls, evaluator.frame_at(source, cls))[1])
            if kind in ("keras-model", "keras-layer") and function.name in (
                "call",
                "build",
                "train_step",
                "test_step",
                "predict_step",
            ):
                return Execution.TRACE
        return self.by_callers(function, source, depth)

    def by_callers(self, function: ast.FunctionDef | ast.AsyncFunctionDef, source: Source, depth: int) -> Execution | None:
        """Traced where every caller in sight is; a graph where every caller builds one."""
        if function in self.callers_memo:
            found = self.callers_memo[function]
            return None if found is Execution.UNKNOWN else found
        self.callers_memo[function] = Execution.UNKNOWN
        if not depth:
            return None
        seen = {
            self.at(call, self.evaluator.frame_at(where, call), depth - 1)
            for call, where in self.evaluator.callers(function, source)[:8]
        }
        found = seen.pop() if len(seen) == 1 else Execution.UNKNOWN
        self.callers_memo[function] = found
        return None if found is Execution.UNKNOWN else found

    def as_argument(self, function: FunctionNode, source: Source) -> Execution | None:
        """What code of a function does by what the function is handed to: `dataset.map(f)`, `tf.function(f)`, `tf.py_function(f, ...)`."""
        name = getattr(function, "name", None)
        for call in self.calls_with(source).get(name or "", ()) if name is not None else self.holders(function, source):
            last = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if last in _EAGERLY:
                return Execution.EAGER
            frame = self.evaluator.frame_at(source, call)
            if last in ("function", "defun", "make_template") or self.evaluator.qualified(call.func, frame) == knowledge.FUNCTION:
                return Execution.TRACE
            if last in _TRACED_BY:
                owner = self.evaluator.value(call.func.value, frame) if isinstance(call.func, ast.Attribute) else ()
                if some(owner, "dataset", "strategy") or any(
                    obj.kind == "library" and obj.name.startswith("tensorflow") for obj in owner
                ):
                    return Execution.TRACE
        return None

    def holders(self, function: ast.AST, source: Source) -> list[ast.Call]:
        parent = source.parent(function)
        parent = source.parent(parent) if isinstance(parent, ast.keyword) else parent
        return [parent] if isinstance(parent, ast.Call) and parent.func is not function else []

    def calls_with(self, source: Source) -> dict[str, list[ast.Call]]:
        """Calls of a file by the last part of the names that are arguments of them."""
        if source not in self.handed:
            table: dict[str, list[ast.Call]] = {}
            for last in (*_TRACED_BY, *_EAGERLY, "function", "defun", "make_template"):
                for call in source.calls(last):
                    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
                        if (key := key_of(argument)) is not None:
                            table.setdefault(key.rpartition(".")[2], []).append(call)
            self.handed[source] = table
        return self.handed[source]

    # --- files ---

    def of_file(self, source: Source) -> Execution:
        """What code of a file does that nothing closer decides."""
        if source not in self.files:
            self.files[source] = Execution.UNKNOWN
            self.files[source] = self.judge(source)
        return self.files[source]

    def judge(self, source: Source) -> Execution:
        if any(self.named(source, _TO_GRAPHS, knowledge.TO_GRAPHS)):
            return Execution.GRAPH
        if any(self.named(source, _TO_EAGER, knowledge.TO_EAGER)):
            return Execution.EAGER
        eager = any(self.named(source, {"GradientTape"}, knowledge.EAGER_ONLY)) or any(
            self.evaluator.tracing(function, self.evaluator.frame_at(source, function)) is not None
            for function in source.nodes(ast.FunctionDef)
        )
        graph = any(self.outside(call, source) for call in self.named(source, _GRAPH_ONLY, knowledge.GRAPH_ONLY))
        first = graph or any(self.outside(call, source) for call in self.named(source, _FIRST_EDITION, knowledge.FIRST_EDITION))
        if first and eager:
            return Execution.UNKNOWN
        if graph or (first and self.runs_session(source)):
            return Execution.GRAPH
        if first:
            return Execution.UNKNOWN
        return Execution.EAGER

    def outside(self, node: ast.AST, source: Source) -> bool:
        """Whether a node stands in no graph that is entered for it alone: only then it tells of the whole file."""
        return not any(
            isinstance(parent, ast.With)
            and any(self.entered_graph(item.context_expr, self.evaluator.frame_at(source, parent)) for item in parent.items)
            for parent in source.ancestors(node)
        )

    def named(self, source: Source, parts: set[str], names: set[str]) -> list[ast.Call]:
        """Calls of these names, looked for by their last part first."""
        return [
            call
            for part in sorted(parts)
            for call in source.calls(part)
            if self.evaluator.qualified(call.func, self.evaluator.frame_at(source, call)) in names
        ]

    def runs_session(self, source: Source) -> bool:
        """Whether a file runs something in a session, by `sess.run(...)`, or by a parameter or attribute that is called so."""
        return any(
            isinstance(call.func, ast.Attribute)
            and (key := key_of(call.func.value)) is not None
            and "sess" in key.rpartition(".")[2].lower()
            for call in source.calls("run")
        )
