"""Questions about TensorFlow and Keras: what things are called there, and when code runs."""

from __future__ import annotations

import ast

from oakum.facts.training import TrainingFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.execution import Execution
from oakum.semantics.flow import FunctionNode
from oakum.semantics.values import Obj, only

# The class that a method of a kind is named after.
_OWNERS = {
    "session": "tensorflow.Session", "graph": "tensorflow.Graph", "keras-model": "keras.Model", "keras-layer": "keras.layers.Layer",
    "keras-optimizer": "keras.optimizers.Optimizer", "tf-optimizer": "tensorflow.train.Optimizer", "dataset": "tensorflow.data.Dataset",
    "dataset-iterator": "tensorflow.data.Iterator", "tf-variable": "tensorflow.Variable", "tf-tensor": "tensorflow.Tensor",
    "keras-tensor": "keras.KerasTensor", "tape": "tensorflow.GradientTape", "summary-writer": "tensorflow.summary.FileWriter",
    "tf-file": "tensorflow.io.gfile.GFile",
}  # fmt: skip


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

    def adds_operation(self, call: ast.Call) -> bool:
        """Whether a call of TensorFlow's own, or of a method of a tensor or optimizer of it, adds operations where a graph is built."""
        name = self.tensorflow_name(call.func)
        if name is None:
            return False
        owner, _, method = name.rpartition(".")
        if owner in ("tensorflow.Tensor", "tensorflow.Variable"):
            return method not in knowledge.NO_OPERATION_METHODS
        if owner == "tensorflow.train.Optimizer":
            return method in ("minimize", "apply_gradients", "compute_gradients")
        if owner == "tensorflow.data.Iterator":
            return method in ("get_next", "make_initializer")
        if owner == "tensorflow.data.Dataset":
            return True
        return self.evaluator.library.tensorflow.adds_operation(name)

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
            if self.innermost_scope(call) is self.innermost_scope(node)
        )

    def within_header(self, node: ast.AST, block: ast.With | ast.AsyncWith) -> bool:
        """Whether a node is part of what a `with` enters, not of its body."""
        return any(node is item.context_expr or item in self.ancestors(node) for item in block.items)

    def innermost_scope(self, node: ast.AST) -> ast.AST | None:
        return self.function(node)

    def inside(self, node: ast.AST, region: ast.AST) -> bool:
        """Whether a node of this file stands inside another, its function bodies included."""
        return node is region or region in self.ancestors(node)
