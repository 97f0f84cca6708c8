"""Questions about graphs of TensorFlow 1.x: what adds to them, what runs, and whether that goes on and on."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cached_property

from oakum.facts.tensorflow import TensorFlowFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.graphs import EXPRESSIONS, Body
from oakum.semantics.library_numpy import ARRAY, FROM_FILES
from oakum.semantics.program import LOOPS
from oakum.semantics.repetition import Again
from oakum.semantics.values import only

# Calls one of which a file that builds a graph has, by their last part.
_SIGNS = (
    "run", "eval", "as_default", "Session", "InteractiveSession", "placeholder", "disable_eager_execution", "disable_v2_behavior", "get_value", "gradients",
)  # fmt: skip

_LARGE = 10_000  # numbers in an array that count as many


class GraphFacts(TensorFlowFacts):
    """What grows a graph."""

    def adds_operation(self, node: ast.AST) -> bool:
        """Whether an expression adds operations where a graph is built: a call of TensorFlow's own, an operator, a layer that is called."""
        return self.evaluator.graphs.adds(node, self.frame(node))

    def builder(self, call: ast.Call) -> Body | None:
        """What a function in sight that a call reaches adds to the graph each time, if it adds."""
        found = self.evaluator.graphs.calls_builder(call, self.frame(call))
        return found if found is not None and found.adds is not None else None

    def runs_operations(self, region: ast.AST) -> bool:
        """Whether a run through a loop or function runs operations in a session, also in functions in sight that it calls."""
        return self.evaluator.graphs.region_runs(region, self.source)

    @cached_property
    def may_build_graphs(self) -> bool:
        """Whether anything in the file looks like a graph of 1.x: to be asked before anything is resolved."""
        return bool(self.calls(*_SIGNS))

    def growth(self, node: ast.AST) -> Again | None:
        """Proof that an expression adds operations to a graph of 1.x again and again, and that the graph lives on.

        By itself, or by a function in sight that builds for it (one that also runs what it builds is told of inside it). A loop
        counts if its iterations run something: one that only builds, such as a loop over layers, is no repetition. A method that
        somebody calls for each batch or request counts if it runs something itself.
        """
        if not self.adds_operation(node):
            builder = self.builder(node) if isinstance(node, ast.Call) else None
            if builder is None or (builder.runs and builder.source is self.source):
                return None
        return self.repeated_in_graph(node)

    def repeated_in_graph(self, node: ast.AST, *, in_helpers: bool = False) -> Again | None:
        """Proof that a node runs again and again while one graph, which lives on, is the default one.

        In a function that a loop calls this is said only if the function runs something itself: else its call is what to look at.
        `in_helpers`: also where it only builds.
        """
        if not self.builds_graph(node) or self.calls("finalize"):
            return None

        def excuse(loop: ast.AST, inner: ast.AST) -> bool:
            return not self.runs_operations(loop) or self.fresh_graph(inner, loop)

        again = self.again(node, excuse, frozenset(knowledge.REPEATED_METHODS))
        function = self.function(node)
        called = again is not None and isinstance(again.loop, (ast.FunctionDef, ast.AsyncFunctionDef))
        if again is None or (again.loop in self.ancestors(node) and not called):
            return again
        if function is None or self.fresh_graph(node, function):
            return None
        if not self.runs_operations(function) and not (in_helpers and again.loop is not function):
            return None
        if getattr(again.loop, "name", "") in ("__call__", "forward"):
            return None  # in 1.x these build
        # What builds before a loop of its own is the whole of a training rather than a step of one.
        if again.loop is function and any(self.runs_operations(loop) for loop in self.nodes_in(function, *LOOPS)):
            return None
        return again

    def largest_growth(self, node: ast.AST) -> bool:
        """Whether no expression around a node, in its statement, adds operations itself."""
        for parent in self.ancestors(node):
            if isinstance(parent, (ast.stmt, ast.Lambda)):
                break
            if isinstance(parent, EXPRESSIONS) and (
                self.adds_operation(parent) or (isinstance(parent, ast.Call) and self.builder(parent))
            ):
                return False
        return True

    def hoistable(self, node: ast.expr, loop: ast.AST, moved: Collection[str] = ()) -> bool:
        """Whether an expression that builds operations may as well stand before a loop: nothing in it is bound in the loop.

        `moved`: names that are bound in the loop, but move along.
        """
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and not self.adds_operation(part):
                return False
            if isinstance(part, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda)):
                return False
            if (
                isinstance(part, (ast.Name, ast.Attribute))
                and isinstance(part.ctx, ast.Load)
                and (key := self.key(part)) is not None
                and key.partition(".")[0] not in moved
            ):
                function = self.function(node)
                bound = [d for k in (key, key.partition(".")[0]) for d in self.bindings(function, k)]
                if any(d.statement is loop or (d.statement is not None and loop in self.ancestors(d.statement)) for d in bound):
                    return False
        return loop in self.ancestors(node) and not self.comprehensions(node)

    def fresh_graph(self, node: ast.AST, region: ast.AST) -> bool:
        """Whether each iteration of a loop (or call of a function) makes the graph that operations at a node go to.

        By `with tf.Graph().as_default():` inside it, around the node, or by a reset of the default graph in it.
        """
        executions = self.evaluator.executions
        for parent in self.ancestors(node):
            if parent is region:
                break
            if isinstance(parent, (ast.With, ast.AsyncWith)):
                for item in reversed(self.entered_before(node, parent)):
                    if (graph := executions.entered_graph(item.context_expr, self.frame(parent))) is not None:
                        return graph.site is not None and self.inside(graph.site, region)
        return any(
            self.tensorflow_name(call.func) in ("tensorflow.reset_default_graph", "keras.backend.clear_session")
            for call in self.calls_in(region, "reset_default_graph", "clear_session")
            if self.function(call) is self.function(node)
        )

    def entered_before(self, node: ast.AST, block: ast.With | ast.AsyncWith) -> list[ast.withitem]:
        """What a `with` around a node has entered by then: all of it in its body, what stands before the node in its head."""
        around = [node, *self.ancestors(node)]
        place = next((number for number, item in enumerate(block.items) if item in around), len(block.items))
        return block.items[:place]

    def is_array(self, node: ast.AST) -> bool:
        """Whether an expression surely is an array of NumPy, neither a number nor a handful of them."""
        return only(self.value(node), "data") and all(obj.name == ARRAY for obj in self.value(node) if obj.kind == "data")

    def array_made(self, node: ast.AST) -> ast.AST | None:
        """Where an array is made, if that is in this file."""
        found = (obj.node for obj in self.value(node) if obj.name == ARRAY and obj.node is not None)
        return next((made for made in found if self.source.piece(made) is not None), None)

    def is_large_array(self, node: ast.AST) -> bool:
        """Whether an array is known to be large: read from a file or of a data set, or of a shape that says so."""
        if not self.is_array(node):
            return False
        makers = [obj.node for obj in self.value(node) if obj.name == ARRAY]
        return bool(makers) and all(isinstance(made, ast.Call) and self.makes_large(made) for made in makers)

    def makes_large(self, made: ast.Call) -> bool:
        frame = self.evaluator.frame_at(self.source, made) if self.source.piece(made) is not None else None
        if frame is None:
            return False
        name = self.evaluator.qualified(made.func, frame) or ""
        if name.rpartition(".")[2] in FROM_FILES or name.startswith("keras.datasets."):
            return True
        size = 1
        for argument in made.args:
            for part in argument.elts if isinstance(argument, (ast.Tuple, ast.List)) else [argument]:
                number = self.constant(part)
                size *= number if isinstance(number, int) and not isinstance(number, bool) else 1
        return size >= _LARGE

    def embedded_array(self, node: ast.AST) -> ast.expr | None:
        """The array whose content an operation puts into a graph: `tf.constant(table)`, `x @ table`, `v.assign(table)`."""
        match node:
            case ast.Call() if self.adds_operation(node):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                return next((argument for argument in given if self.is_array(argument)), None)
            case ast.BinOp(left=left, right=right) if self.adds_operation(node):
                return next((side for side in (left, right) if self.is_array(side)), None)
            case _:
                return None

    def chain(self, first: ast.Assign, loop: ast.AST) -> list[ast.Assign]:
        """An assignment in a loop that builds operations, with those behind it that build on it, if all of them may stand before the loop."""
        block = self.block(first)
        found: list[ast.Assign] = []
        moved: set[str] = set()
        for statement in block[block.index(first) :]:
            reads = {name.id for name in ast.walk(statement) if isinstance(name, ast.Name)}
            grows = any(self.growth(part) is not None for part in ast.walk(statement))
            if statement is not first and not (reads & moved and grows):
                continue
            if not isinstance(statement, ast.Assign) or not grows or not self.hoistable(statement.value, loop, moved):
                return []
            bound = {name.id for target in statement.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            if any(len(self.bindings(self.function(first), name)) != 1 for name in bound) or not bound:
                return []
            found.append(statement)
            moved |= bound
        return found

    def made_within(self, node: ast.expr, loop: ast.AST) -> bool:
        """Whether an expression, or something that it is made of, is bound anew in a loop (or in the function that is repeated)."""
        if isinstance(loop, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return any(d.how == "assign" for part in ast.walk(node) for d in self.definitions(part))
        return any(
            definition.statement is loop or (definition.statement is not None and loop in self.ancestors(definition.statement))
            for part in ast.walk(node)
            if isinstance(part, (ast.Name, ast.Attribute))
            for definition in self.definitions(part)
        ) or any(isinstance(part, ast.Call) and isinstance(part.func, ast.Name) for part in ast.walk(node))

    def is_pure_operation(self, node: ast.expr) -> bool:
        """Whether an expression only computes from tensors: no variables, nothing random, nothing that depends on what is built by then."""
        return all(
            (self.tensorflow_name(call.func) or "").partition(".")[0] == "tensorflow"
            and (name := self.tensorflow_name(call.func) or "").rpartition(".")[0]
            in ("tensorflow", "tensorflow.nn", "tensorflow.Tensor")
            and name not in knowledge.DEPEND_ON_GRAPH
            for call in ast.walk(node)
            if isinstance(call, ast.Call)
        )

    def assigned_in_session(self, node: ast.expr) -> tuple[ast.Expr, ast.expr, ast.expr, ast.expr] | None:
        """Of `sess.run(v.assign(x))` or `sess.run(tf.assign(v, x))`, a statement: itself, and its variable, value and session."""
        match node:
            case ast.Call(func=ast.Attribute(value=variable, attr="assign"), args=[value], keywords=[]) if self.is_kind(
                variable, "tf-variable"
            ):
                pass
            case ast.Call(args=[variable, value], keywords=[]) if self.tensorflow_name(node.func) == "tensorflow.assign":
                pass
            case _:
                return None
        run = self.parent(node)
        statement = self.parent(run) if run is not None else None
        match run:
            case ast.Call(func=ast.Attribute(value=session, attr="run"), args=[ran], keywords=[]) if ran is node and isinstance(
                statement, ast.Expr
            ):
                symbolic = any(obj.kind in ("tf-tensor", "tf-variable", "unknown") for obj in self.value(value))
                return None if symbolic or not self.is_kind(variable, "tf-variable") else (statement, variable, value, session)
            case _:
                return None

    def free_name(self, wanted: str, node: ast.AST) -> str:
        """A name like the wanted one that nothing in the file goes by."""
        taken = {name.id for name in self.nodes(ast.Name) if isinstance(name, ast.Name)}
        return next(name for name in (wanted, *(f"{wanted}_{number}" for number in range(2, 99))) if name not in taken)
