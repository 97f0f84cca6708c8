"""Questions about TensorFlow and Keras: what things are called there, and when code runs."""

from __future__ import annotations

import ast

from oakum.facts.tensors import TensorFacts
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


class TensorFlowFacts(TensorFacts):
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

    def inside(self, node: ast.AST, region: ast.AST) -> bool:
        """Whether a node of this file stands inside another, its function bodies included."""
        return node is region or region in self.ancestors(node)

    def module_name(self, module: str) -> str | None:
        """The name under which a file imports a module at its top: `tf` for `tensorflow`, in any dialect."""
        for definitions in self.source.flow.definitions.values():
            for definition in definitions:
                if definition.how == "import" and isinstance(definition.node, ast.alias):
                    value = self.evaluator.definition(definition, self.source.frame)
                    if any(obj.kind == "library" and obj.name == module for obj in value):
                        return definition.key
        return None
