"""What the objects of TensorFlow and Keras do: their constructors, calls, methods and attributes, in every dialect.

Kinds: session, graph, keras-model, keras-layer, keras-optimizer, keras-tensor (of a model in the making), tf-tensor (also an
operation to be run), tf-variable, dataset, dataset-iterator, tf-optimizer (of 1.x), tape, summary-writer, tf-file, strategy, estimator.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.library_numpy import ARRAY
from oakum.semantics.values import DATA, NEVER, NONE, NUMBER, STRING, UNKNOWN, Grad, Obj, Value, join, only, some

if TYPE_CHECKING:
    from oakum.semantics.evaluate import Evaluator
    from oakum.semantics.program import Frame

Arguments = tuple[list[Value], dict[str, Value], bool]

TENSORS = ("tf-tensor", "tf-variable", "keras-tensor")
KINDS = {
    *TENSORS, "session", "graph", "keras-model", "keras-layer", "keras-optimizer", "dataset", "dataset-iterator", "tf-optimizer", "tape",
    "summary-writer", "tf-file", "strategy", "estimator",
}  # fmt: skip
# Kinds that `with x as y` binds as they are.
ENTERED = ("session", "graph", "summary-writer", "tf-file", "tape")
_MODEL_NOTHING = {
    "compile",
    "save",
    "save_weights",
    "summary",
    "set_weights",
    "load_weights",
    "build",
    "reset_states",
    "export",
    "reset_metrics",
}
_DATA_METHODS = {"numpy", "eval", "get_shape", "as_list", "get_weights", "read_value_numpy"}


class TensorFlow:
    """The meaning of names under `tensorflow` and `keras`. One an evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    # --- classes ---

    def class_kind(self, bases: Iterable[str]) -> str | None:
        """The kind of the instances of a class in sight that derives from these library classes."""
        for name in bases:
            if name in knowledge.MODEL_BASES or self.makes_model(name):
                return "keras-model"
            if name in knowledge.LAYER_BASES or self.is_layer_name(name):
                return "keras-layer"
            if name.startswith("keras.optimizers.") and name.rpartition(".")[0] == "keras.optimizers":
                return "keras-optimizer"
        return None

    def is_layer_name(self, name: str) -> bool:
        head, _, last = name.rpartition(".")
        return (
            head == "keras.layers" and last[:1].isupper() and last not in knowledge.NOT_LAYERS
        ) or name == "tensorflow_hub.KerasLayer"

    def makes_model(self, name: str) -> bool:
        """Whether a name's call gives a Keras model."""
        head, _, last = name.rpartition(".")
        if name in knowledge.MODEL_BASES or name in knowledge.MODEL_MAKERS:
            return True
        if head == "keras.applications":
            return last[:1].isupper()
        owner = head.rpartition(".")[2]
        if name.startswith(("keras_hub.", "keras_nlp.", "keras_cv.")):
            return last == "from_preset" and not owner.endswith(("Tokenizer", "Preprocessor", "Converter"))
        return name.startswith("transformers.") and last in ("from_pretrained", "from_config") and owner.startswith("TF")

    def annotated(self, name: str) -> Value | None:
        """The value of a parameter annotated with a class of TensorFlow or Keras."""
        plain = {
            "tensorflow.Graph": "graph", "tensorflow.Tensor": "tf-tensor", "tensorflow.Variable": "tf-variable", "keras.Variable": "tf-variable",
            "tensorflow.data.Dataset": "dataset", "tensorflow.data.Iterator": "dataset-iterator", "tensorflow.GradientTape": "tape",
            "tensorflow.Operation": "tf-tensor", "keras.KerasTensor": "keras-tensor", "tensorflow.summary.FileWriter": "summary-writer",
            "tensorflow.summary.SummaryWriter": "summary-writer", "tensorflow.train.Optimizer": "tf-optimizer", "keras.layers.Layer": "keras-layer",
        }  # fmt: skip
        if name in plain:
            return (Obj(plain[name], name),)
        made = self.instance(name, None)
        return made if made is not None and not only(made, "unknown") else None

    def instance(self, name: str, node: ast.AST | None) -> Value | None:
        """What the call of a class or maker gives, None if the name isn't one."""
        head, _, last = name.rpartition(".")
        if name in knowledge.SESSIONS:
            return (Obj("session", name, node=node, site=node),)
        if name == "tensorflow.Graph":
            return (Obj("graph", name, node=node, site=node),)
        if self.makes_model(name):
            return (Obj("keras-model", name, node=node, site=node),)
        if self.is_layer_name(name):
            return (Obj("keras-layer", name, node=node, site=node),)
        if head == "keras.optimizers" and (last[:1].isupper() or last == "get"):
            return (Obj("keras-optimizer", name, node=node, site=node),)
        if head == "tensorflow.train" and last.endswith("Optimizer"):
            return (Obj("tf-optimizer", name, node=node, site=node),)
        if name in ("tensorflow.Variable", "tensorflow.get_variable", "keras.Variable", "keras.backend.variable"):
            return (Obj("tf-variable", name, node=node, site=node),)
        if name in knowledge.DATASET_MAKERS or (head == "tensorflow.data.Dataset" and last not in ("options", "element_spec")):
            return (Obj("dataset", name, node=node, site=node),)
        if name in knowledge.ITERATOR_MAKERS or head == "tensorflow.data.Iterator":
            return (Obj("dataset-iterator", name, node=node, site=node),)
        if name in knowledge.TAPES:
            return (Obj("tape", name, node=node, site=node),)
        if name in knowledge.WRITERS:
            return (Obj("summary-writer", name, node=node, site=node),)
        if name in knowledge.FILES:
            return (Obj("tf-file", name, node=node, site=node),)
        if name.startswith("tensorflow.estimator.") and last.endswith(("Estimator", "Classifier", "Regressor")):
            return (Obj("estimator", name, node=node, site=node),)
        if name.startswith(knowledge.STRATEGIES) and last.endswith("Strategy"):
            return (Obj("strategy", name, node=node, site=node),)
        if name == "keras.Input":
            return (Obj("keras-tensor", name, node=node, site=node),)
        return None

    # --- calls ---

    def call(self, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value | None:
        """The result of calling a name; None if it isn't TensorFlow's or Keras'."""
        positional, named, _ = given
        first = positional[0] if positional else None
        if name == knowledge.FUNCTION:
            return self.wrapped(first, node)
        if name in knowledge.SESSION_WRAPPERS and first:
            return first
        if name in ("keras.backend.get_session", "tensorflow.get_default_session"):
            return (Obj("session", name),)  # somebody else's: without a site
        if name in ("tensorflow.get_default_graph", "keras.backend.get_graph"):
            return (Obj("graph", name),)
        if (made := self.instance(name, node)) is not None:
            return self.with_parts(made, positional, named)
        if name == "tensorflow_hub.load" or not name.startswith(knowledge.ROOTS):
            return None
        head, _, last = name.rpartition(".")
        if name in (
            "tensorflow.split",
            "tensorflow.unstack",
            "tensorflow.meshgrid",
            "tensorflow.gradients",
            "keras.backend.gradients",
        ):
            return (Obj("tuple", node=node, element=(self.tensor(node),)),)
        if name in ("tensorflow.nn.top_k", "tensorflow.nn.moments", "tensorflow.unique"):
            return (Obj("tuple", node=node, items=((self.tensor(node),), (self.tensor(node),))),)
        if name in (
            "tensorflow.trainable_variables",
            "tensorflow.global_variables",
            "tensorflow.local_variables",
            "tensorflow.get_collection",
        ):
            return (Obj("list", element=(Obj("tf-variable"),)),)
        if name in knowledge.OPERATIONS and last == "Saver":
            return (Obj("object", name, node=node, site=node),)
        if (head == "keras.losses" and last[:1].isupper()) or (head == "keras.metrics" and last[:1].isupper()):
            return (Obj("object", name, node=node, site=node),)
        if name.startswith("keras.datasets."):
            pair: Value = (Obj("tuple", items=((Obj("data", ARRAY, Grad.DETACHED, node),),) * 2),)
            return (Obj("tuple", node=node, items=(pair, pair)),) if last == "load_data" else DATA
        if head == "keras.utils" and last in ("to_categorical", "pad_sequences", "normalize"):
            return DATA
        if self.adds_operation(name) or head in ("keras.losses", "keras.activations", "keras.backend", "tensorflow.io"):
            return (self.tensor(node, of=(*positional, *named.values())),)
        return None

    def with_parts(self, made: Value, positional: list[Value], named: dict[str, Value]) -> Value:
        """A new object with the parts that its kind needs: what a data set is made of."""
        if made[0].kind == "dataset" and made[0].name == "tensorflow.data.Dataset.zip" and positional:
            return (replace(made[0], element=UNKNOWN),)
        return made

    def adds_operation(self, name: str) -> bool:
        """Whether the call of a name adds operations to the graph where one is built."""
        if name in knowledge.OPERATIONS or name in knowledge.INITIALIZERS:
            return True
        if name in knowledge.NO_OPERATION:
            return False
        head, _, last = name.rpartition(".")
        if head == "tensorflow":
            return not last[:1].isupper() or last in ("Variable", "TensorArray", "SparseTensor")
        if head in ("tensorflow.debugging", "tf_slim"):
            return not last.startswith(("set_", "enable", "disable", "is_", "get_", "arg_scope", "add_arg_scope"))
        return name.startswith(knowledge.OPERATION_PACKAGES) and not last[:1].isupper()

    def wrapped(self, function: Value | None, node: ast.AST) -> Value:
        """`tf.function(f)`: the function itself, marked; without `f`, a decorator."""
        if function is None:
            return (Obj("object", knowledge.FUNCTION, node=node),)
        marked = tuple(
            replace(obj, traced=node)
            if obj.kind in ("function", "method", "keras-model", "keras-layer", "instance")
            else Obj("function", traced=node)
            for obj in function
            if obj.kind != "none"
        )
        return marked or (Obj("object", knowledge.FUNCTION, node=node),)

    def called(self, obj: Obj, given: Arguments, node: ast.AST) -> Value:
        """The result of calling an object that isn't of a kind of its own: `tf.function(...)` without a function, a loss, a metric."""
        if obj.name == knowledge.FUNCTION and given[0] and obj.node is not None:
            return self.wrapped(given[0][0], obj.node)
        if obj.name.startswith(("keras.losses.", "keras.metrics.")):
            return (self.tensor(node, given[0]),)
        return UNKNOWN

    def tensor(self, node: ast.AST, of: Iterable[Value] = ()) -> Obj:
        """The result of an operation: part of a Keras model in the making if an operand is."""
        symbolic = any(some(value, "keras-tensor") or self.holds_keras_tensor(value) for value in of)
        return Obj("keras-tensor" if symbolic else "tf-tensor", node=node)

    def holds_keras_tensor(self, value: Value) -> bool:
        return any(
            some(item, "keras-tensor") is not None for obj in value if obj.kind in ("list", "tuple") for item in obj.items or ()
        )

    def operation(self, operands: Iterable[Value], node: ast.AST) -> Value | None:
        """The result of an operator, None if no operand is a tensor of TensorFlow."""
        values = list(operands)
        if any(some(value, *TENSORS) for value in values):
            return (self.tensor(node, values),)
        return None

    def applied(self, obj: Obj, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The result of calling a model or layer."""
        positional, named, hidden = given
        inside = isinstance(obj.node, ast.ClassDef)
        first = positional[0] if positional else next(iter(named.values()), UNKNOWN)
        if some(first, "keras-tensor") or self.holds_keras_tensor(first):
            return (Obj("keras-tensor", node=node),)
        if inside and (method := self.evaluator.method(obj, "call")) is not None:
            return self.evaluator.invoke(method, (obj,), positional, named, node, frame, hidden)
        return (Obj("tf-tensor", node=node),)

    # --- methods and attributes ---

    def attribute(self, obj: Obj, name: str, node: ast.AST, frame: Frame) -> Value:
        """An attribute of an object of one of the kinds."""
        kind = obj.kind
        parent = frame.source.parent(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        if kind in ("keras-model", "keras-layer") and not called:
            if name in ("trainable_variables", "trainable_weights", "variables", "weights", "non_trainable_variables"):
                return (Obj("list", element=(Obj("tf-variable"),)),)
            if name in ("layers", "_layers"):
                return (Obj("list", element=(Obj("keras-layer"),)),)
            if name == "optimizer":
                return (Obj("keras-optimizer"),)
            if name in ("input", "output"):
                return (Obj("keras-tensor"),)
            if name in ("inputs", "outputs"):
                return (Obj("list", element=(Obj("keras-tensor"),)),)
            if name in ("kernel", "bias", "gamma", "beta"):
                return (Obj("tf-variable"),)
            if name == "name":
                return STRING
        if kind in TENSORS and not called:
            if name in ("shape", "dtype", "name", "device", "ndim", "rank", "op", "graph"):
                return (Obj("graph"),) if name == "graph" else DATA
            if name == "initializer":
                return (Obj("tf-tensor", node=node),)
        if kind == "session" and name == "graph":
            return (Obj("graph"),)
        if kind == "dataset-iterator" and name == "initializer":
            return (Obj("tf-tensor", node=node),)
        if kind == "keras-optimizer" and name in ("learning_rate", "lr", "iterations"):
            return (Obj("tf-variable"),)
        return (Obj("method", name, receiver=(obj,)),)

    def method(self, owner: Obj, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The result of a method of an object of one of the kinds."""
        kind, positional = owner.kind, given[0]
        if kind in TENSORS:
            if name in _DATA_METHODS:
                return DATA
            return (self.tensor(node, ((owner,), *positional)),)
        if kind == "session":
            if name in ("run", "partial_run"):
                return DATA
            return (owner,) if name in ("__enter__", "as_default") else NONE if name == "close" else UNKNOWN
        if kind == "graph":
            if name == "get_tensor_by_name" or name == "get_operation_by_name":
                return (Obj("tf-tensor", "found"),)
            return (owner,) if name == "as_default" else UNKNOWN
        if kind in ("keras-model", "keras-layer"):
            return self.model_method(owner, name, given, node, frame)
        if kind == "dataset":
            if name in ("make_one_shot_iterator", "make_initializable_iterator", "__iter__", "as_numpy_iterator"):
                return (Obj("dataset-iterator", f"tensorflow.data.Dataset.{name}", node=node, site=node, receiver=(owner,)),)
            if name in ("reduce", "cardinality", "get_single_element"):
                return (Obj("tf-tensor", node=node),)
            return (replace(owner, node=node),)
        if kind == "dataset-iterator":
            return (Obj("tf-tensor", node=node),)
        if kind in ("tf-optimizer", "keras-optimizer"):
            if name in ("compute_gradients", "get_gradients"):
                return (Obj("list", node=node, element=(Obj("tuple", items=((Obj("tf-tensor"),), (Obj("tf-variable"),))),)),)
            return (Obj("tf-tensor", node=node),) if name in ("minimize", "apply_gradients") else UNKNOWN
        if kind == "tape":
            if name in ("gradient", "jacobian", "batch_jacobian"):
                return (Obj("tf-tensor", node=node),)
            return (owner,) if name in ("__enter__", "stop_recording") else NONE
        if kind in ("summary-writer", "tf-file"):
            if name in ("as_default", "__enter__"):
                return (owner,)
            return STRING if name in ("read", "readline") else NONE
        if kind == "strategy":
            return (Obj("dataset"),) if name == "experimental_distribute_dataset" else UNKNOWN
        return UNKNOWN

    def model_method(self, owner: Obj, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        if name in ("fit", "fit_generator"):
            return (Obj("object", "keras.callbacks.History", node=node),)
        if name in ("predict", "predict_on_batch", "predict_generator", "get_weights"):
            return DATA
        if name in ("evaluate", "evaluate_generator", "train_on_batch", "test_on_batch"):
            return DATA
        if name in ("call", "__call__"):
            return self.applied(owner, given, node, frame)
        if name == "get_layer":
            return (Obj("keras-layer"),)
        if name in ("count_params",):
            return NUMBER
        if name in ("to_json", "to_yaml"):
            return STRING
        if name in ("add_weight", "add_variable"):
            return (Obj("tf-variable", node=node, site=node),)
        return NONE if name in _MODEL_NOTHING or name == "__init__" else UNKNOWN

    def element(self, obj: Obj) -> Value:
        """What iteration over an object of one of the kinds gives."""
        if obj.kind in ("dataset", "dataset-iterator", *TENSORS):
            if obj.name == "tensorflow.data.Dataset.as_numpy_iterator":
                return DATA
            return (Obj("keras-tensor" if obj.kind == "keras-tensor" else "tf-tensor", node=obj.node),)
        return UNKNOWN if obj.kind != "tf-file" else STRING

    def iterator(self, value: Value, node: ast.AST) -> Value | None:
        """`iter(dataset)`."""
        datasets = tuple(obj for obj in value if obj.kind == "dataset")
        if not datasets:
            return None
        rest = tuple(obj for obj in value if obj.kind not in ("dataset", "none"))
        made = (Obj("dataset-iterator", "builtins.iter", node=node, site=node, receiver=datasets),)
        return join(made, self.evaluator.element(rest) if rest else NEVER)
