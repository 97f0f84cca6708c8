"""Questions about TensorFlow and Keras: what things are called there, and when code runs."""

from __future__ import annotations

import ast

from oakum.facts.training import TrainingFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.execution import Execution
from oakum.semantics.flow import FunctionNode
from oakum.semantics.graphs import EXPRESSIONS, Body
from oakum.semantics.repetition import Again
from oakum.semantics.values import Obj, only

# The class that a method of a kind is named after.
_OWNERS = {
    "session": "tensorflow.Session", "graph": "tensorflow.Graph", "keras-model": "keras.Model", "keras-layer": "keras.layers.Layer",
    "keras-optimizer": "keras.optimizers.Optimizer", "tf-optimizer": "tensorflow.train.Optimizer", "dataset": "tensorflow.data.Dataset",
    "dataset-iterator": "tensorflow.data.Iterator", "tf-variable": "tensorflow.Variable", "tf-tensor": "tensorflow.Tensor",
    "keras-tensor": "keras.KerasTensor", "tape": "tensorflow.GradientTape", "summary-writer": "tensorflow.summary.FileWriter",
    "tf-file": "tensorflow.io.gfile.GFile",
}  # fmt: skip
# Calls one of which a file that builds a graph has, by their last part.
_SIGNS = ("run", "eval", "as_default", "Session", "placeholder", "disable_eager_execution", "disable_v2_behavior", "get_value", "gradients", "InteractiveSession")


class TensorFlowFacts(TrainingFacts):
    """What TensorFlow code is, and when it runs."""

    def tensorflow_name(self, node: ast.AST) -> str | None:
        """The one name, over all dialects, of what an expression names: `tensorflow.Session`, `keras.Model.fit` for `self.net.fit`.

        A method has it where its owner surely is of one kind; one that a class in sight defines itself has none.
        """
        value = [obj for obj in self.value(node) if obj.kind != "none"]
        names = {obj.name if obj.kind == "library" else self.method_name(obj) for obj in value}
        name = names.pop() if len(names) == 1 else None
        return name if name is not None and name.startswith(knowledge.ROOTS) else None

    def method_name(self, method: Obj) -> str | None:
        if method.kind != "method" or method.node is not None or not method.receiver:
            return None
        owner = method.receiver[0]
        base = _OWNERS.get(owner.kind) or (owner.name if owner.kind == "object" else None)
        return f"{base}.{method.name}" if base else None

    def is_session(self, node: ast.AST) -> bool:
        return only(self.value(node), "session")

    def is_keras_model(self, node: ast.AST) -> bool:
        """A Keras model: built by Keras, of a subclass, loaded, or returned by a function in sight."""
        return only(self.value(node), "keras-model")

    def is_symbolic(self, node: ast.AST) -> bool:
        """Whether an expression surely is a tensor, variable or operation of TensorFlow."""
        return only(self.value(node), "tf-tensor", "tf-variable")

    def is_dataset(self, node: ast.AST) -> bool:
        return only(self.value(node), "dataset")

    def traced(self, node: ast.AST) -> Obj | None:
        """The function that an expression names, if `tf.function` wraps it: its `traced` is the decorator or the call that does."""
        found = [obj for obj in self.value(node) if obj.kind != "none"]
        return found[0] if len(found) == 1 and found[0].traced is not None else None

    def traced_by(self, function: FunctionNode) -> ast.expr | None:
        """The decorator by which `tf.function` wraps a function."""
        return self.evaluator.tracing(function, self.frame(function))

    def execution(self, node: ast.AST) -> Execution:
        """What the call of an operation does at a node: it adds to a graph (GRAPH, TRACE) or computes (EAGER)."""
        return self.evaluator.executions.at(node, self.frame(node))

    def builds_graph(self, node: ast.AST) -> bool:
        """Whether operations called at a node surely are added to a graph of 1.x."""
        return self.execution(node) is Execution.GRAPH

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

    def repeated_in_graph(self, node: ast.AST) -> Again | None:
        """Proof that a node runs again and again while one graph, which lives on, is the default one."""
        if not self.builds_graph(node) or self.calls("finalize"):
            return None

        def excuse(loop: ast.AST, inner: ast.AST) -> bool:
            return not self.runs_operations(loop) or self.fresh_graph(inner, loop)

        again = self.again(node, excuse, frozenset(knowledge.REPEATED_METHODS))
        function = self.function(node)
        if again is None or again.loop in self.ancestors(node) and again.loop is not function:
            return again
        if function is None or not self.runs_operations(function) or self.fresh_graph(node, function):
            return None
        return again

    def largest_growth(self, node: ast.AST) -> bool:
        """Whether no expression around a node, in its statement, adds operations itself."""
        for parent in self.ancestors(node):
            if isinstance(parent, (ast.stmt, ast.Lambda)):
                break
            if isinstance(parent, EXPRESSIONS) and (self.adds_operation(parent) or (isinstance(parent, ast.Call) and self.builder(parent))):
                return False
        return True

    def hoistable(self, node: ast.expr, loop: ast.AST) -> bool:
        """Whether an expression that builds operations may as well stand before a loop: nothing in it is bound in the loop."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and not self.adds_operation(part):
                return False
            if isinstance(part, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda)):
                return False
            if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Load) and (key := self.key(part)) is not None:
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
            if isinstance(parent, (ast.With, ast.AsyncWith)) and not self.within_header(node, parent):
                for item in parent.items:
                    if (graph := executions.entered_graph(item.context_expr, self.frame(parent))) is not None:
                        return graph.site is not None and self.inside(graph.site, region)
        return any(
            self.tensorflow_name(call.func) in ("tensorflow.reset_default_graph", "keras.backend.clear_session")
            for call in self.calls_in(region, "reset_default_graph", "clear_session")
            if self.function(call) is self.function(node)
        )

    def within_header(self, node: ast.AST, block: ast.With | ast.AsyncWith) -> bool:
        """Whether a node is part of what a `with` enters, not of its body."""
        return any(node is item.context_expr or item in self.ancestors(node) for item in block.items)

    def inside(self, node: ast.AST, region: ast.AST) -> bool:
        """Whether a node of this file stands inside another, its function bodies included."""
        return node is region or region in self.ancestors(node)
