"""Shapes of tensors of TensorFlow and Keras: what their constructors, layers, models, data sets and reductions tell."""

from __future__ import annotations

import ast
from types import EllipsisType
from typing import TYPE_CHECKING

from oakum.facts.shapes import Shape, Shapes, last_name
from oakum.semantics.flow import Definition
from oakum.semantics.values import Obj, some

if TYPE_CHECKING:
    from oakum.facts.tensorflow import TensorFlowFacts

_REDUCTIONS = {
    "mean",
    "sum",
    "max",
    "min",
    "prod",
    "any",
    "all",
    "std",
    "var",
    "logsumexp",
    "argmax",
    "argmin",
    "amax",
    "amin",
    "median",
}
_ELEMENTWISE = {
    "cast", "square", "abs", "exp", "log", "sqrt", "sigmoid", "tanh", "relu", "softmax", "log_softmax", "softplus", "identity", "stop_gradient",
    "convert_to_tensor", "convert_to_numpy", "constant", "clip_by_value", "clip", "negative", "sign", "round", "floor", "Variable", "variable", "zeros_like",
    "ones_like", "ensure_shape",
}  # fmt: skip
_JOINING = {"add", "subtract", "multiply", "divide", "squared_difference", "maximum", "minimum", "pow", "equal", "not_equal"}
_SAME_LAYERS = {
    "Activation", "Dropout", "BatchNormalization", "LayerNormalization", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax", "GaussianNoise", "Normalization",
    "ActivityRegularization", "AlphaDropout",
}  # fmt: skip
_FLATTENING = ("Flatten", "Global")
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_SAME_DATASET = {"shuffle", "prefetch", "repeat", "cache", "take", "skip", "with_options"}
# Labels of the built-in data sets: in a column where not in a row.
_COLUMN_LABELS = ("keras.datasets.cifar10", "keras.datasets.cifar100")


class TensorFlowShapes(Shapes):
    """Shapes in one file that uses TensorFlow or Keras."""

    def __init__(self, facts: TensorFlowFacts) -> None:
        super().__init__(facts)
        self.tensorflow = facts

    def bound(self, definition: Definition, read: ast.expr) -> Shape | None:
        value, path = definition.value, definition.path
        if definition.how == "assign" and isinstance(value, ast.Call) and len(path) == 2 and last_name(value.func) == "load_data":
            name = (self.tensorflow.tensorflow_name(value.func) or "").rpartition(".")[0]
            if name.startswith("keras.datasets.") and path[1] == 1:
                return (None, 1) if name in _COLUMN_LABELS else (None,)
            return None
        return super().bound(definition, read)

    def batch(self, iterable: ast.expr, path: tuple[int | str, ...]) -> Shape | None:
        """One part of a batch, where the data set is sliced from arrays in sight and batched once."""
        while isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and iterable.args:
            if iterable.func.id == "enumerate":
                if path[:1] != (1,):
                    return None
                path = path[1:]
            iterable = iterable.args[0]
        batched = 0
        for _ in range(12):
            match iterable:
                case ast.Name() | ast.Attribute():
                    found = self.facts.definitions(iterable) or self.facts.bindings(None, self.facts.key(iterable) or "")
                    if len(found) != 1 or found[0].path or not isinstance(found[0].value, ast.expr) or found[0].value is iterable:
                        return None
                    iterable = found[0].value
                case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in _SAME_DATASET:
                    iterable = inner
                case ast.Call(func=ast.Attribute(value=inner, attr="batch")):
                    iterable, batched = inner, batched + 1
                case ast.Call(func=ast.Attribute(attr="from_tensor_slices"), args=[arrays]) if batched == 1:
                    if (
                        isinstance(arrays, ast.Tuple)
                        and len(path) == 1
                        and isinstance(path[0], int)
                        and path[0] < len(arrays.elts)
                    ):
                        shape = self.of(arrays.elts[path[0]])
                    else:
                        shape = self.of(arrays) if not path else None
                    return (None, *shape[1:]) if shape and shape[0] is not ... else None
                case _:
                    return None
        return None

    def called(self, call: ast.Call) -> Shape | None:
        facts, name = self.tensorflow, last_name(call.func)
        value = facts.value(call.func)
        if (network := some(value, "keras-model", "keras-layer")) is not None and len(value) == 1:
            return self.through_network(network, self.of(call.args[0]) if call.args else None)
        if isinstance(call.func, ast.Attribute) and name in ("predict", "predict_on_batch"):
            owner = facts.value(call.func.value)
            if len(owner) == 1 and owner[0].kind == "keras-model":
                return self.through_network(owner[0], self.of(call.args[0]) if call.args else None)
        qualified = facts.tensorflow_name(call.func) or facts.qualified(call.func) or ""
        function = qualified.startswith(("tensorflow.", "keras.", "numpy."))
        method = not function and isinstance(call.func, ast.Attribute)
        plain = name.removeprefix("reduce_")
        if plain in _REDUCTIONS and (function or method):
            return self.reduced(call)
        if name in ("squeeze", "expand_dims") and (function or method):
            inner = call.func.value if method and isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
            axis = facts.argument(call, 0 if method else 1, "axis")
            if name == "squeeze":
                return self.squeezed(self.of(inner), axis)
            return self.unsqueezed(self.of(inner), self.integer(axis))
        if name in ("flatten", "ravel") and method:
            return (None,)
        if (
            qualified.startswith(("numpy.random.", "tensorflow.random."))
            and (size := facts.argument(call, 99, "size")) is not None
        ):
            return self.sizes([size])
        if not qualified.startswith(("tensorflow.", "keras.")):
            return super().called(call)
        first = call.args[0] if call.args else None
        if name in ("zeros", "ones", "fill", "normal", "uniform", "truncated_normal"):
            shape = facts.argument(call, 0, "shape")
            return self.sizes([shape]) if shape is not None else None
        if qualified == "keras.Input":
            shape = facts.argument(call, 0, "shape")
            found = self.sizes([shape]) if isinstance(shape, (ast.Tuple, ast.List)) else None
            return (None, *found) if found is not None else None
        if name == "reshape" and len(call.args) > 1:
            return self.sizes(call.args[1:2])
        if name in _ELEMENTWISE and first is not None:
            return self.literal(first)
        if name in _JOINING and len(call.args) > 1:
            return self.broadcast(self.side(call.args[0]), self.side(call.args[1]))
        if name in ("matmul", "dot") and len(call.args) > 1:
            return self.product(self.of(first), self.of(call.args[1]))
        if name == "one_hot" and first is not None and (depth := facts.argument(call, 1, "depth")) is not None:
            shape = self.of(first)
            return (*(shape if shape is not None else (...,)), self.size(depth))
        return None

    def reduced(self, call: ast.Call) -> Shape | None:
        facts = self.facts
        qualified = facts.qualified(call.func)
        method = qualified is None and isinstance(call.func, ast.Attribute)
        inner = call.func.value if method and isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
        axis = facts.argument(call, 0 if method else 1, "axis")
        kept = next((k.value for k in call.keywords if k.arg in ("keepdims", "keep_dims")), None)
        keeps = isinstance(kept, ast.Constant) and kept.value is True
        if kept is not None and not isinstance(kept, ast.Constant):
            return None
        if axis is None:
            if last_name(call.func) in ("argmax", "argmin") and not (qualified or "numpy").startswith("numpy"):
                return None  # axis 0 there
            return () if not keeps and not any(k.arg is None for k in call.keywords) else None
        shape, where = self.of(inner), self.integer(axis)
        if where is None or shape is None:
            return None
        if shape[:1] == (...,):
            linear = len(shape) == 2  # what a dense layer gives: rank 2, or unknown where it isn't the last axis
            return ((None, 1) if keeps else (None,)) if linear and where == 1 else None
        if not -len(shape) <= where < len(shape):
            return None
        where %= len(shape)
        return (*shape[:where], *([1] if keeps else []), *shape[where + 1 :])

    def indexed(self, inner: ast.expr, index: ast.expr) -> Shape | None:
        def plain(part: ast.expr) -> ast.expr:
            return ast.Constant(None) if isinstance(part, ast.Attribute) and part.attr == "newaxis" else part

        if isinstance(index, ast.Tuple):
            parts = [plain(part) for part in index.elts]
            shape = self.of(inner)
            if shape and shape[0] is ... and len(shape) == 2 and len(parts) == 2 and self.integer(parts[1]) is not None:
                return (None,) if isinstance(parts[0], ast.Slice) else None  # `model(x)[:, 0]`
            return super().indexed(inner, ast.Tuple(parts, ast.Load()))
        return super().indexed(inner, plain(index))

    def broadcast(self, one: Shape | None, other: Shape | None) -> Shape | None:
        if one is None or other is None:
            return None
        if other in ((), (1,)) or one == other:
            return one
        if one in ((), (1,)):
            return other
        for known, open_ in ((one, other), (other, one)):
            if ... not in known and open_[0] is ... and len(known) == 2 and known[-1] == open_[-1]:
                return known
        if len(one) != len(other) or ... in one or ... in other:
            return None
        joined: list[int | EllipsisType | None] = []
        for a, b in zip(one, other, strict=True):
            joined.append(b if a == 1 else a if b == 1 or a == b else None)
        return tuple(joined)

    def through_network(self, network: Obj, shape: Shape | None) -> Shape | None:
        """What a model or layer gives for an input."""
        facts, site = self.tensorflow, network.site
        if isinstance(network.node, ast.ClassDef):
            if facts.source.piece(network.node) is None:
                return None
            call = next((m for m in network.node.body if isinstance(m, ast.FunctionDef) and m.name == "call"), None)
            returns = [r.value for r in facts.nodes_in(call, ast.Return) if isinstance(r, ast.Return)] if call else []
            return self.agreed([self.of(value) for value in returns])
        if not isinstance(site, ast.Call) or facts.source.piece(site) is None or site in self.busy:
            return None
        self.busy.add(site)
        try:
            if network.kind == "keras-model":
                return self.through_model(network.name, site, shape)
            return self.through_layer(network.name.rpartition(".")[2], site, shape)
        finally:
            self.busy.discard(site)

    def through_model(self, name: str, site: ast.Call, shape: Shape | None) -> Shape | None:
        facts = self.tensorflow
        if name == "keras.Model":
            outputs = facts.argument(site, 1, "outputs")
            return self.of(outputs)
        if name != "keras.Sequential":
            return None
        given = facts.argument(site, 0, "layers")
        layers = list(given.elts) if isinstance(given, (ast.List, ast.Tuple)) else []
        if given is not None and not layers:
            return None
        for call in facts.calls("add"):
            owner = facts.value(call.func.value) if isinstance(call.func, ast.Attribute) and call.args else ()
            if any(obj.site is site for obj in owner):
                layers.append(call.args[0])
        for layer in layers:
            found = facts.value(layer)
            if isinstance(layer, ast.Call) and facts.tensorflow_name(layer.func) == "keras.Input":
                shape = self.called(layer)
            elif len(found) == 1 and found[0].kind in ("keras-layer", "keras-model"):
                shape = self.through_network(found[0], shape)
            else:
                shape = None
        return shape if layers else None

    def through_layer(self, name: str, site: ast.Call, shape: Shape | None) -> Shape | None:
        facts = self.tensorflow
        if shape is None and (given := facts.argument(site, 99, "input_shape") or facts.argument(site, 99, "shape")) is not None:
            found = self.sizes([given]) if isinstance(given, (ast.Tuple, ast.List)) else None
            shape = (None, *found) if found is not None else None
        if shape is None and facts.argument(site, 99, "input_dim") is not None and name == "Dense":
            shape = (None, None)
        if name == "InputLayer":
            return shape
        if name == "Dense":
            units = facts.argument(site, 0, "units")
            return (*(shape[:-1] if shape else (...,)), self.size(units) if units is not None else None)
        if name.startswith(_FLATTENING) and not facts.argument(site, 99, "keepdims"):
            return (None, None)
        if (
            name in _RECURRENT
            and not facts.argument(site, 99, "return_sequences")
            and not facts.argument(site, 99, "return_state")
        ):
            return (None, None)
        return shape if name in _SAME_LAYERS else None
