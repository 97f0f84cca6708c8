"""Questions about TensorFlow and Keras: what things are called there, and when code runs."""

from __future__ import annotations

import ast

from oakum.facts.shapes import Shape, last_name
from oakum.facts.shapes_tensorflow import TensorFlowShapes
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
# Operations whose result is as large as their first argument.
_AS_LARGE = {
    "softmax", "log_softmax", "sigmoid", "tanh", "relu", "cast", "identity", "stop_gradient", "square", "abs", "exp", "clip_by_value", "convert_to_tensor",
    "constant", "array", "asarray", "convert_to_numpy", "reshape", "transpose", "nn.softmax", "numpy", "astype", "copy",
}  # fmt: skip
_REDUCING = {"mean", "sum", "max", "min", "reduce_mean", "reduce_sum", "reduce_max", "reduce_min", "float", "item"}


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

    def is_shuffled(self, node: ast.expr, depth: int = 4) -> bool:
        """Whether a data set is shuffled, as far as its making is in sight: by a call of `shuffle` in its chain, or of what it is made of."""
        if any(isinstance(part, ast.Attribute) and part.attr == "shuffle" for part in ast.walk(node)):
            return True
        makers = [obj.node for obj in self.value(node) if obj.kind == "dataset" and obj.node is not None]
        makers += [
            d.value for part in ast.walk(node) for d in self.definitions(part) if d.value is not None and d.value is not node
        ]
        return depth > 0 and any(
            self.is_shuffled(made, depth - 1)
            for made in makers
            if isinstance(made, ast.expr) and self.source.piece(made) is not None and made is not node
        )

    def is_one_sample(self, node: ast.expr) -> bool:
        """Whether an expression surely is a batch of one: `x[None]`, `x[i:i + 1]`, `np.expand_dims(x, 0)`, `x.reshape(1, -1)`, `np.array([x])`."""
        match node:
            case (
                ast.Subscript(slice=ast.Constant(value=None))
                | ast.Subscript(slice=ast.Tuple(elts=[ast.Constant(value=None), *_]))
            ):
                return True
            case (
                ast.Subscript(slice=ast.Attribute(attr="newaxis"))
                | ast.Subscript(slice=ast.Tuple(elts=[ast.Attribute(attr="newaxis"), *_]))
            ):
                return True
            case ast.Subscript(
                slice=ast.Slice(lower=lower, upper=ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=1)))
            ):
                return lower is not None and ast.dump(lower) == ast.dump(left)
            case ast.Call(func=ast.Attribute(attr="expand_dims")):
                axis = self.argument(node, 1, "axis")
                return isinstance(axis, ast.Constant) and axis.value == 0
            case ast.Call(func=ast.Attribute(attr="reshape"), args=[*shape]):
                first = (
                    shape[1] if len(shape) > 1 and self.qualified(node.func) == "numpy.reshape" else shape[0] if shape else None
                )
                first = first.elts[0] if isinstance(first, (ast.Tuple, ast.List)) and first.elts else first
                return isinstance(first, ast.Constant) and first.value == 1
            case ast.Call(func=ast.Attribute(attr="array" | "asarray" | "stack"), args=[ast.List(elts=[_])]):
                return True
            case ast.Call(func=ast.Attribute(value=inner, attr="astype")):
                return self.is_one_sample(inner)
            case ast.Name():
                found = self.definitions(node)
                return bool(found) and all(
                    d.how == "assign" and d.value is not None and self.is_one_sample(d.value) for d in found
                )
            case _:
                return False

    def is_epoch_loop(self, loop: ast.AST) -> bool:
        """Whether a loop counts epochs, by the name of its variable or bound."""
        if not isinstance(loop, ast.For):
            return False
        names = [n.id for part in (loop.target, loop.iter) for n in ast.walk(part) if isinstance(n, ast.Name)]
        return any("epoch" in name.lower() or name == "ep" for name in names)

    def tensorflow_shape(self, node: ast.AST) -> Shape | None:
        """Like `shape`, of what TensorFlow, Keras and NumPy make: models, layers, reductions by axis, batches of a data set."""
        return TensorFlowShapes(self).of(node)

    def is_predicted(self, node: ast.AST, depth: int = 5) -> bool:
        """Whether a Keras model or layer, or a matrix product, has part in a value, as far as bindings in sight tell."""
        if depth == 0:
            return False
        for part in ast.walk(node):
            match part:
                case ast.BinOp(op=ast.MatMult()):
                    return True
                case ast.Call(func=ast.Attribute(value=inner, attr="predict" | "predict_on_batch")) if self.is_keras_model(inner):
                    return True
                case ast.Call(func=function) if last_name(function) == "matmul" or only(
                    self.value(function), "keras-model", "keras-layer"
                ):
                    return True
                case ast.Name() | ast.Attribute() if any(
                    d.how == "assign" and d.value is not None and self.is_predicted(d.value, depth - 1)
                    for d in self.definitions(part)
                ):
                    return True
                case _:
                    pass
        return False

    def is_network_output(self, node: ast.AST, depth: int = 6) -> bool:
        """Whether an expression surely is what a Keras model or layer gives for a batch, or as large as that; not a number made of it.

        Also as an array, and through a function in sight that returns it.
        """
        if depth == 0:
            return False
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="predict" | "predict_on_batch")):
                return only(self.value(inner), "keras-model")
            case ast.Call(func=ast.Attribute(value=inner, attr="numpy" | "astype" | "copy"), args=[*_]):
                return self.is_network_output(inner, depth - 1)
            case ast.Call(func=function, args=[first, *_]) if last_name(function) in _AS_LARGE and self.qualified(function):
                return self.is_network_output(first, depth - 1)
            case ast.BinOp(left=left, right=right):
                return self.is_network_output(left, depth - 1) or self.is_network_output(right, depth - 1)
            case ast.Call(func=function) if only(self.value(function), "keras-model", "keras-layer"):
                return only(self.value(node), "tf-tensor")
            case ast.Call() | ast.Name() | ast.Attribute():
                value = [obj for obj in self.value(node) if obj.kind != "none"]
                made = {obj.node for obj in value if obj.kind == "tf-tensor" and obj.node is not None}
                if made and len(value) == len({obj.node for obj in value}) == len(made):
                    return all(
                        m is not node and self.source.piece(m) is not None and self.is_network_output(m, depth - 1) for m in made
                    )
                found = self.definitions(node)
                return bool(found) and all(
                    d.how == "assign" and d.value is not None and not d.path and self.is_network_output(d.value, depth - 1)
                    for d in found
                )
            case _:
                return False

    def entries_read(self, container: ast.expr) -> list[int] | None:
        """The constant indices at which a list or dict is read, where nothing else is done with it than to fill and count it; else None.

        A part such as `outputs[-8:]` counts as its first index. Comprehensions that make a number of each entry count as none.
        """
        if (key := self.key(container)) is None:
            return None
        found: list[int] = []
        for read in self.reads(key, container):
            parent = self.parent(read)
            match parent:
                case ast.Attribute(attr="append" | "appendleft" | "insert" | "extend" | "update") if isinstance(
                    self.parent(parent), ast.Call
                ):
                    pass
                case ast.Subscript(slice=index, ctx=ast.Load()) if parent.value is read:
                    start = self.constant(index.lower) if isinstance(index, ast.Slice) and index.lower else self.constant(index)
                    if not isinstance(start, int) or (isinstance(index, ast.Slice) and start >= 0):
                        return None
                    found.append(start)
                case ast.Subscript(ctx=ast.Store()) if parent.value is read:
                    pass
                case ast.Call(func=ast.Name(id="len")):
                    pass
                case ast.comprehension(target=ast.Name(id=each)) if isinstance(
                    outer := self.parent(parent), (ast.ListComp, ast.GeneratorExp)
                ):
                    if not self.makes_number(outer.elt, each):
                        return None
                case _:
                    return None
        return found

    def makes_number(self, node: ast.expr, name: str) -> bool:
        """Whether an expression reduces what a name stands for to one number: `float(tf.reduce_mean(y))`."""
        match node:
            case ast.Call(func=ast.Name(id="float"), args=[inner]):
                return self.makes_number(inner, name) or isinstance(inner, ast.Name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=reduction), args=[], keywords=[]) if owner == name:
                return reduction in _REDUCING
            case ast.Call(func=function, args=[ast.Name(id=given)], keywords=[]) if given == name:
                return last_name(function) in _REDUCING
            case ast.Call(func=ast.Attribute(value=inner, attr="numpy"), args=[]):
                return self.makes_number(inner, name)
            case _:
                return False
