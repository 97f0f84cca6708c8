"""Questions about Keras models that are wired from symbolic tensors: what is one, and what raw TensorFlow does to it."""

from __future__ import annotations

import ast
from functools import cached_property

from oakum.facts.environment import EnvironmentFacts
from oakum.facts.models import ModelFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.flow import FunctionNode
from oakum.semantics.values import Obj, only, without_none

# Through these the result of an inner operation is an operand of the outer one.
_PASSES_ON = (ast.List, ast.Tuple, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.keyword, ast.Starred)


class FunctionalFacts(EnvironmentFacts, ModelFacts):
    """What a functional model is wired of."""

    @cached_property
    def wires_models(self) -> bool:
        """Whether a file may hold symbolic tensors of Keras at all: to be asked before anything is resolved."""
        return bool(self.calls("Input", "Model")) or bool(self.mentions("output")) or bool(self.mentions("outputs"))

    @cached_property
    def keras_edition(self) -> int | None:
        """3 where a file surely runs with Keras 3, 2 where it surely runs with an older one, None where it may be either."""
        settings = {setting.name: setting.value for setting in self.environment()}
        imported: set[str] = set()
        for node in (*self.nodes(ast.Import), *self.nodes(ast.ImportFrom)):
            if isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.update(f"{node.module}.{alias.name}" for alias in node.names)
        if "TF_USE_LEGACY_KERAS" in settings or any(
            name.startswith(("tf_keras", "tensorflow.python.keras", "tensorflow.compat.v1", "tensorflow.contrib", "keras.engine"))
            for name in imported
        ):
            return 2
        if "KERAS_BACKEND" in settings and any(name.split(".")[0] == "keras" for name in imported):
            return 3
        names = {knowledge.canonical(name) for name in imported}
        if any(name == new or name.startswith(new + ".") for name in names for new in knowledge.THIRD_EDITION):
            return 3
        mentioned = (node for new in knowledge.THIRD_EDITION for node in self.mentions(new.rpartition(".")[2]))
        new = any(isinstance(n, ast.Attribute) and self.tensorflow_name(n) in knowledge.THIRD_EDITION for n in mentioned)
        return 3 if new else None

    @cached_property
    def leaves_tensorflow(self) -> bool:
        """Whether a file sets Keras to run on JAX or PyTorch: `runs_on_other_backend`, asked once."""
        return bool(self.mentions("environ")) and self.runs_on_other_backend()

    def raw_operation(self, call: ast.Call) -> str | None:
        """The name of an operation of TensorFlow itself, not of Keras, that a call applies."""
        name = self.tensorflow_name(call.func)
        if name is None or not name.startswith("tensorflow.") or name in knowledge.TAKES_KERAS_TENSOR:
            return None
        apart = ("tensorflow.debugging.", "tensorflow.data.", "tensorflow.io.", "tensorflow.layers.", "tensorflow.contrib.")
        return name if self.evaluator.library.tensorflow.adds_operation(name) and not name.startswith(apart) else None

    def keras_operand(self, call: ast.Call) -> ast.expr | None:
        """The argument of a call that is a symbolic tensor of Keras, or a list with one in it."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return next((argument for argument in given if self.is_keras_tensor(argument)), None)

    def is_keras_tensor(self, node: ast.expr, depth: int = 8) -> bool:
        """Whether an expression surely is symbolic: what `Input` gives, and what layers and operations make of it.

        A function of a file that wires models may take its tensor from a caller elsewhere: a layer that is made and applied in one
        breath tells that it wires, too.
        """
        if isinstance(node, (ast.List, ast.Tuple)):
            return any(self.is_keras_tensor(element, depth) for element in node.elts)
        if isinstance(node, ast.Constant):
            return False
        value = without_none(self.value(node))
        if only(value, "keras-tensor"):
            return True
        if only(value, "list", "tuple"):
            return any(only(item, "keras-tensor") for obj in value for item in (*(obj.items or ()), obj.element or ()))
        return depth > 0 and only(value, "tf-tensor") and all(self._wired(obj, depth) for obj in value)

    def _wired(self, tensor: Obj, depth: int) -> bool:
        made = tensor.node
        if made is None or self.source.piece(made) is None:
            return False
        if isinstance(made, ast.BinOp):
            return any(self.is_keras_tensor(side, depth - 1) for side in (made.left, made.right))
        if not isinstance(made, ast.Call) or self.in_layer_code(made):
            return False
        if isinstance(made.func, ast.Call):
            first = made.args[0] if made.args else None
            layer = only(self.value(made.func), "keras-layer")
            if not layer or first is None or self.function(made) is None or not self.calls("Input", "Model"):
                return False
            unknown = any(obj.kind == "unknown" for obj in self.value(first))
            return unknown or self.is_keras_tensor(first, depth - 1)
        return self.raw_operation(made) is not None and any(self.is_keras_tensor(given, depth - 1) for given in made.args)

    def outer_operation(self, call: ast.Call) -> ast.Call | None:
        """The operation of TensorFlow that takes the result of a call within the same expression."""
        for parent in self.ancestors(call):
            if isinstance(parent, ast.Call):
                return parent if self.raw_operation(parent) is not None else None
            if not isinstance(parent, _PASSES_ON):
                return None
        return None

    def in_layer_code(self, node: ast.AST) -> bool:
        """Whether a node runs inside a layer: in `call` and its like, in a function for a `Lambda` layer, in any `lambda`."""
        for parent in self.ancestors(node):
            if isinstance(parent, ast.Lambda):
                return True
            if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)):
                cls = self.method_class(parent)
                if cls is not None and parent.name in knowledge.LAYER_CODE:
                    _, libraries, unknown = self.bases(cls)
                    if libraries or unknown:
                        return True
                if any(self._is_handed_to_layer(read) for read in self.mentions(parent.name)):
                    return True
        return False

    def _is_handed_to_layer(self, read: ast.expr) -> bool:
        parent = self.parent(read)
        return isinstance(parent, ast.Call) and read in parent.args and self.is_called(parent, "Lambda")

    def raw_operands(self, call: ast.Call) -> list[ast.Call]:
        """Operations of TensorFlow on symbolic tensors that are operands of one, itself the first."""
        found = [call]
        for part in (inner for inner in ast.walk(call) if isinstance(inner, ast.Call) and inner is not call):
            if self.outer_operation(part) in found and self.raw_operation(part) and self.keras_operand(part) is not None:
                found.append(part)
        return found

    def in_keras_ops(self, call: ast.Call) -> list[tuple[ast.AST, str]] | None:
        """What to put in the place of which node, so that `keras.ops` does what an operation does; None where it has no equal."""
        name = knowledge.KERAS_OPS.get(self.raw_operation(call) or "")
        keras = self.keras_name()
        ops = self.module_name("keras.ops") or (f"{keras}.ops" if keras else None)
        if name is None or ops is None or len(call.args) > 3:
            return None
        edits: list[tuple[ast.AST, str]] = [(call.func, f"{ops}.{name}")]
        for keyword in call.keywords:
            if (known := knowledge.KERAS_OPS_KEYWORDS.get(keyword.arg or "")) is None:
                return None
            edits.append((keyword, f"{known}={self.text(keyword.value)}"))
        return edits

    def as_layer(self, call: ast.Call) -> str | None:
        """The layer, made and applied, that does what an operation does in all editions of Keras."""
        name, layers = self.raw_operation(call), self.layers_name()
        if layers is None or any(isinstance(argument, ast.Starred) for argument in call.args):
            return None
        if name == "tensorflow.concat":
            values, axis = self.argument(call, 0, "values"), self.argument(call, 1, "axis")
            if len(call.args) + len(call.keywords) == 2 and values is not None and axis is not None:
                return f"{layers}.Concatenate(axis={self.text(axis)})({self.text(values)})"
            return None
        layer = knowledge.KERAS_LAYERS.get(name or "")
        if layer is None or len(call.args) != 1 or call.keywords:
            return None
        return f"{layers}.{layer}({self.text(call.args[0])})"

    def lambda_function(self, call: ast.Call) -> FunctionNode | None:
        """The function of this file that a `Lambda` layer of Keras is made of."""
        given = self.argument(call, 0, "function")
        if given is None or self.tensorflow_name(call.func) != "keras.layers.Lambda":
            return None
        if isinstance(given, ast.Lambda):
            return given
        found = without_none(self.value(given))
        node = found[0].node if len(found) == 1 and found[0].kind == "function" else None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and self.source.piece(node) is not None:
            return node
        return None

    def untracked_state(self, function: FunctionNode, depth: int = 2) -> ast.expr | None:
        """What a `Lambda` layer's function uses that has weights, though nothing else tells a model of it: a variable, a layer, a model.

        A variable or layer that is made within, or one from around it that is used nowhere else and isn't frozen.
        """
        for node in (part for top in _body(function) for part in ast.walk(top)):
            if isinstance(node, ast.Call):
                name = self.tensorflow_name(node.func) or ""
                if name in knowledge.NETWORK and "placeholder" not in name and not self._is_frozen(node):
                    return node
                if isinstance(node.func, ast.Call) and self._is_weighted(node.func):
                    return node.func
                if depth and any(self.untracked_state(inner, depth - 1) is not None for inner in self.called(node)):
                    return node.func
            elif (
                isinstance(node, (ast.Name, ast.Attribute))
                and isinstance(node.ctx, ast.Load)
                and self._is_own_state(node, function)
            ):
                return node
        return None

    def _is_own_state(self, node: ast.Name | ast.Attribute, function: FunctionNode) -> bool:
        """Whether a name holds weights and is read within a function only."""
        key, parent = self.key(node), self.parent(node)
        if key is None or (isinstance(node, ast.Attribute) and (not key.startswith("self.") or key.count(".") > 1)):
            return False
        if isinstance(node, ast.Name) and self.bindings(function, key):
            return False
        made = self.maker(node, "tf-variable", "keras-layer", "keras-model")
        if made is None or self._is_frozen(made) or self.inside(made, function):
            return False
        if not only(self.value(node), "tf-variable"):
            if not isinstance(parent, ast.Call) or parent.func is not node:
                return False
            if only(self.value(node), "keras-layer") and not self._is_weighted(made):
                return False
            if only(self.value(node), "keras-model") and self.tensorflow_name(made.func) not in knowledge.MODEL_BASES:
                return False
        if isinstance(node, ast.Attribute):
            cls = self.enclosing_class(node)
            if cls is None or self.bases(cls)[1] or self.bases(cls)[2]:
                return False
        around = self.function(function)
        local = isinstance(node, ast.Name) and bool(self.bindings(around, key))
        others = self.reads(key, function) if local else self.mentions(key.rpartition(".")[2])
        return not any(isinstance(getattr(other, "ctx", None), ast.Load) and not self.in_layer_code(other) for other in others)

    def _is_frozen(self, made: ast.Call) -> bool:
        return any(
            keyword.arg == "trainable" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            for keyword in made.keywords
        )

    def _is_weighted(self, made: ast.Call) -> bool:
        name = self.tensorflow_name(made.func) or ""
        return name.startswith("keras.layers.") and name.rpartition(".")[2].startswith(knowledge.WEIGHTED_LAYERS)

    def operations(self, function: FunctionNode) -> int:
        """How many operators and calls of TensorFlow's or Keras' functions a function is written with; 0 if it draws numbers."""
        parts = [part for top in _body(function) for part in ast.walk(top)]
        names = [self.tensorflow_name(part.func) or "" for part in parts if isinstance(part, ast.Call)]
        if any("random" in name for name in names):
            return 0
        return sum(isinstance(part, ast.BinOp) for part in parts) + sum(bool(name) for name in names)

    @cached_property
    def saves_whole_model(self) -> ast.Call | None:
        """Where a file saves a Keras model with its architecture, to be loaded back safely; None where it loads unsafely."""
        if any(k.arg == "safe_mode" for call in self.calls("load_model") for k in call.keywords):
            return None
        if self.calls("enable_unsafe_deserialization"):
            return None
        for call in self.calls("save", "save_model", "ModelCheckpoint"):
            name = self.tensorflow_name(call.func)
            if name in ("keras.Model.save", "keras.models.save_model", "keras.saving.save_model"):
                return call
            if name == "keras.callbacks.ModelCheckpoint" and not any(k.arg == "save_weights_only" for k in call.keywords):
                return call
        return None

    def layers_name(self) -> str | None:
        """How a file spells the module `keras.layers`."""
        keras = self.keras_name()
        return self.module_name("keras.layers") or (f"{keras}.layers" if keras else None)


def _body(function: FunctionNode) -> list[ast.AST]:
    return [function.body] if isinstance(function, ast.Lambda) else list[ast.AST](function.body)
