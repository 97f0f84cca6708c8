"""Questions about Keras models that are made again and again: what makes one, what trains it, what a pass is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from oakum.facts.tracing import TracingFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.knowledge.tensorflow import canonical
from oakum.semantics.flow import FunctionNode
from oakum.semantics.repetition import Again, Repetition

_SPLITTERS = {"split", "splits"}
_MANY_FOLDS = 10
# What only asks a model.
_ASKING = {
    "predict", "predict_on_batch", "predict_generator", "predict_step", "evaluate", "test_on_batch", "summary", "generate", "input_shape",
    "output_shape", "layers", "inputs", "outputs", "name", "input", "output", "trainable", "count_params", "signatures",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pass:
    """What makes a model anew: a loop, or a function that is called for each trial or request; `call`: by which it is reached.

    `bounded`: a handful of passes, such as folds.
    """

    loop: ast.AST
    call: ast.Call | None
    bounded: bool


class ModelFacts(TracingFacts):
    """Which models are made in each pass, and trained there."""

    def makes_model(self, node: ast.Call) -> bool:
        """Whether a call surely gives a Keras model that didn't exist before: of a class, of Keras, or of a function in sight that makes one."""
        value = [obj for obj in self.value(node) if obj.kind != "none"]
        if not value or any(obj.kind != "keras-model" or obj.site is None for obj in value):
            return False
        if all(obj.site is node for obj in value):
            return True
        made = self.called(node)
        return (
            bool(made)
            and not any(self.keeps_result(function) for function in made)
            and all(
                any(self.inside(obj.site, function) for function in self.reached(made[0]))
                for obj in value
                if obj.site is not None
            )
        ) or (not made and any(obj.kind in ("function", "method") for obj in self.value(node.func)))

    def keeps_result(self, function: FunctionNode) -> bool:
        """Whether a decorator keeps what a function returned."""
        return Repetition(self.evaluator, self.source, self.lifetimes).memoised(function)

    def bound_to(self, node: ast.expr) -> str | None:
        """The name or chain that an assignment of exactly this value binds."""
        match self.parent(node):
            case ast.Assign(targets=[target], value=value) if value is node:
                return self.key(target)
            case ast.AnnAssign(target=target, value=value) if value is node:
                return self.key(target)
            case _:
                return None

    def hands_back(self, node: ast.expr) -> bool:
        """Whether a function gives back what an expression of it makes, so that its callers decide about it."""
        if isinstance(self.parent(node), (ast.Return, ast.Yield)):
            return True
        key, function = self.bound_to(node), self.function(node)
        if key is None or function is None or "." in key:
            return False
        return any(
            isinstance(given, ast.Return)
            and given.value is not None
            and any(
                isinstance(name, ast.Name)
                and name.id == key
                and isinstance(self.parent(name), (ast.Return, ast.Tuple, ast.List, ast.Dict))
                for name in ast.walk(given.value)
            )
            for given in self.nodes_in(function, ast.Return)
        )

    def training_of(self, node: ast.Call) -> ast.Call | None:
        """The call that trains the model which an expression makes, in its function, its class, or a function that is given the model."""
        parent = self.parent(node)
        if isinstance(parent, ast.Attribute) and parent.attr in knowledge.TRAINING:
            grand = self.parent(parent)
            return grand if isinstance(grand, ast.Call) else None
        for function in self.called(node):
            for call in self.calls_in(function, *knowledge.TRAINING):
                if (
                    self.trains_model(call)
                    and isinstance(call.func, ast.Attribute)
                    and any(
                        isinstance(given, ast.Return)
                        and given.value is not None
                        and self.key(given.value) == self.key(call.func.value)
                        for given in self.nodes_in(function, ast.Return)
                    )
                ):
                    return call
        key = self.bound_to(node)
        return next(self.trainings(key, node), None) if key is not None else None

    def trainings(self, key: str, made: ast.expr) -> Iterator[ast.Call]:
        function, cls = self.function(made), self.enclosing_class(made)
        for call in self.calls(*knowledge.TRAINING):
            if not isinstance(call.func, ast.Attribute) or self.key(call.func.value) != key or not self.trains_model(call):
                continue
            if "." in key:
                if self.enclosing_class(call) is cls:
                    yield call
            elif any(definition.value is made for definition in self.definitions(call.func.value)):
                yield call
        for read in self.reads(key, made):
            call = self.parent(read)
            if isinstance(call, ast.Call) and read in call.args and self.function(call) is function:
                for callee in self.called(call):
                    names = [a.arg for a in callee.args.args if a.arg not in ("self", "cls")]
                    position = call.args.index(read)
                    for training in self.calls_in(callee, *knowledge.TRAINING):
                        if isinstance(training.func, ast.Attribute) and position < len(names):
                            if self.key(training.func.value) == names[position]:
                                yield call
            step = self.function(read)
            if (
                step is not function
                and step is not None
                and self.traced_by(step) is not None
                and self.calls_in(step, "apply_gradients", "minimize")
            ):
                yield next(iter(self.calls_in(step, "apply_gradients", "minimize")))

    def trains_model(self, call: ast.Call) -> bool:
        """Whether a call trains a Keras model with a step that is traced."""
        return self.tensorflow_name(call.func) in {f"keras.Model.{name}" for name in knowledge.TRAINING}

    def runs_eagerly(self, node: ast.AST) -> bool:
        """Whether models in the function around a node, or all of the file, are compiled to run step by step, without a trace."""
        options = [k for call in self.calls("compile") for k in call.keywords if k.arg == "run_eagerly"]
        return any(isinstance(option.value, ast.Constant) and option.value.value is True for option in options) or bool(
            self.calls("run_functions_eagerly")
        )

    def clears_session(self, node: ast.AST, found: Pass) -> bool:
        """Whether Keras' global state is cleared in each pass."""
        scopes = [found.loop, self.function(node)]
        return any(
            self.tensorflow_name(call.func) in ("keras.backend.clear_session", "tensorflow.reset_default_graph")
            for scope in scopes
            if scope is not None
            for reached in self.reached(scope)
            for call in self.calls_in(reached, "clear_session", "reset_default_graph")
        )

    def passes(self, node: ast.AST, depth: int = 3, call: ast.Call | None = None) -> Pass | None:
        """What makes a node run again and again: a loop in sight, a search that calls its function, a request."""
        function = self.function(node)
        repetition = Repetition(self.evaluator, self.source, self.lifetimes)
        if repetition.once(node, function) or (function is not None and repetition.memoised(function)):
            return None
        around = [loop for loop in self.source.loops(node) if not repetition.left(node, loop)]
        if around:
            loop = around[0]
            return Pass(loop, call, all(self.is_handful(other, repetition) for other in around))
        if function is None:
            return None
        if self.is_objective(function) or repetition.answers_requests(function):
            return Pass(function, call, False)
        for caller in self.callers(function) if depth else ():
            if self.function(caller) is not function and (found := self.passes(caller, depth - 1, call or caller)) is not None:
                return found
        return None

    def is_handful(self, loop: ast.AST, repetition: Repetition) -> bool:
        """Whether a loop goes through at most ten things that are written down, or through the folds of a splitter."""
        iterable = loop.iter if isinstance(loop, (ast.For, ast.AsyncFor)) else None
        if isinstance(loop, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            iterable = loop.generators[0].iter
        if iterable is None:
            return False
        for part in ast.walk(iterable):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in _SPLITTERS:
                return True
            if isinstance(part, ast.Call) and self.qualified(part.func) == "builtins.range" and part.args:
                last = self.constant(part.args[0] if len(part.args) == 1 else part.args[1])
                return isinstance(last, int) and last <= _MANY_FOLDS
        return repetition.few(loop)

    def is_objective(self, function: FunctionNode) -> bool:
        """Whether a function is handed to a search that calls it for each trial: `study.optimize(objective)`, `fmin(f, ...)`."""
        name = getattr(function, "name", None)
        return name is not None and any(
            (key := self.key(argument)) is not None and key.rpartition(".")[2] == name
            for call in self.calls(*knowledge.SEARCHES)
            for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        )

    def times(self, loop: ast.AST) -> str:
        """What repeats, in words: "in each iteration of the loop in line 12", "in each call of `objective`"."""
        return self.often(Again(loop))

    def loads_model(self, node: ast.Call) -> bool:
        """Whether a model comes from a file or hub, ready made, also by a function in sight."""
        names = {self.tensorflow_name(node.func) or "", *(obj.name for obj in self.value(node) if obj.kind == "keras-model")}
        return any(
            name in knowledge.MODEL_MAKERS
            or name.startswith("keras.applications.")
            or name.endswith(("from_preset", "from_pretrained"))
            for name in names
        )

    def asked_only(self, node: ast.Call) -> bool:
        """Whether a model that is bound here is used in its function alone, and not handed on out of sight."""
        key = self.bound_to(node)
        if key is None or "." in key:
            return False
        return all(isinstance(self.parent(read), ast.Attribute) or self.is_callee(read) for read in self.reads(key, node))

    def is_callee(self, read: ast.expr) -> bool:
        call = self.parent(read)
        return isinstance(call, ast.Call) and call.func is read

    def kept_in_pass(self, node: ast.Call, loop: ast.AST) -> bool:
        """Whether a model that is made in a pass is put into a container that the passes share: then it is meant to stay."""
        key = self.bound_to(node)
        if isinstance(self.parent(node), (ast.ListComp, ast.List, ast.Dict, ast.DictComp)):
            return True
        if key is None:
            return False
        for read in self.reads(key, node):
            parent = self.parent(read)
            if (
                isinstance(parent, ast.Call)
                and isinstance(parent.func, ast.Attribute)
                and parent.func.attr in ("append", "add", "setdefault", "extend")
            ):
                return True
            if isinstance(parent, ast.Assign) and any(isinstance(target, ast.Subscript) for target in parent.targets):
                return True
        return False

    def outlives_pass(self, model: ast.expr, again: Again) -> bool:
        """Whether an expression is one Keras model in all passes: made outside of what repeats, and not one of those that it goes through."""
        if self.key(model) == "self.model" and (cls := self.enclosing_class(model)) is not None:
            if any(canonical(base).startswith("keras.callbacks.") for base in self.bases(cls)[1]):
                return True  # what Keras hands to a callback
        if not self.is_keras_model(model):
            return False
        regions = self.reached(again.loop)
        made = {name for region in regions for call in self.nodes_in(region, ast.Call) if (name := _last(call))}
        for obj in self.value(model):
            if obj.kind == "none":
                continue
            if obj.site is None or any(self.inside(obj.site, region) for region in regions):
                return False
            owner = self.enclosing_class(obj.site) if self.source.piece(obj.site) is not None else None
            if owner is not None and owner.name in made:
                return False  # by an object that is new in each pass
        if isinstance(again.loop, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return True
        call = again.call
        if call is None:
            return not self.varies(model, again.loop)
        owner = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        handed = [given for given in call.args if self.is_keras_model(given)]
        return not any(self.varies(part, again.loop) for part in (*owner, *handed))

    def steady(self, node: ast.expr, loop: ast.AST, depth: int = 3) -> bool:
        """Whether an expression is the same in each pass of a loop or call of a function, also where it comes as a parameter."""
        if self.varies(node, loop):
            return False
        for name in ast.walk(node):
            if not isinstance(name, ast.Name) or not any(d.how == "parameter" for d in self.definitions(name)):
                continue
            function = self.function(name)
            if function is None or name.id in ("self", "cls"):
                continue
            if function is loop or not depth:
                return False
            if loop in self.ancestors(function):
                continue
            for call in self.callers(function):
                given = self.passed(function, call, name.id)
                if given is not None and not self.steady(given, loop, depth - 1):
                    return False
        return True

    def only_asked(self, node: ast.Call) -> bool:
        """Whether a model is asked where it is made, or where the function that makes it is called, and neither trained nor built upon."""
        parent = self.parent(node)
        if isinstance(parent, ast.Attribute):
            return parent.attr in _ASKING
        if isinstance(parent, ast.Call):
            return parent.func is node
        function, key = self.function(node), self.bound_to(node)
        if self.hands_back(node):
            calls = self.callers(function) if function is not None else []
            return bool(calls) and all(self.function(call) is not function and self.only_asked(call) for call in calls)
        if key is None or "." in key:
            return False
        reads = self.reads(key, node)
        return bool(reads) and all(
            self.is_callee(read) or (isinstance(use := self.parent(read), ast.Attribute) and use.attr in _ASKING)
            for read in reads
        )

    def batched_input(self, node: ast.expr) -> str | None:
        """What comes in batches of its own accord, in a word, that a Keras model is fed with: a data set, a sequence, a generator."""
        if self.is_dataset(node):
            return "data set"
        if self.is_loader(node):
            return "loader"
        if self.image_flow(node) is not None:
            return "generator"
        value = [obj for obj in self.value(node) if obj.kind != "none"]
        if value and all(
            any(
                canonical(base).startswith("keras.") and base.endswith((".Sequence", ".PyDataset"))
                for base in self.derives_from(obj)
            )
            for obj in value
        ):
            return "sequence"
        made = self.made_by_call(node)
        functions = self.called(made) if made is not None else []
        if functions and all(any(True for _ in self.nodes_in(function, ast.Yield)) for function in functions):
            return "generator"
        return None

    def made_by_call(self, node: ast.expr) -> ast.Call | None:
        """The one call whose result an expression surely is, through a name."""
        if isinstance(node, ast.Call):
            return node
        found = self.definitions(node)
        value = found[0].value if len(found) == 1 and found[0].how == "assign" and not found[0].path else None
        return value if isinstance(value, ast.Call) else None

    def image_flow(self, node: ast.expr) -> ast.Call | None:
        """The call of `ImageDataGenerator.flow`, or one of its kin, that an expression is made by."""
        made = self.made_by_call(node)
        match made:
            case ast.Call(func=ast.Attribute(value=owner, attr="flow" | "flow_from_directory" | "flow_from_dataframe")):
                maker = self.made_by_call(owner)
            case _:
                return None
        return made if maker is not None and (self.qualified(maker.func) or "").endswith(".ImageDataGenerator") else None

    def keras_name(self) -> str | None:
        """How a file spells the module `keras`."""
        tensorflow = self.module_name("tensorflow")
        return self.module_name("keras") or (f"{tensorflow}.keras" if tensorflow else None)

    def runs_on_other_backend(self) -> bool:
        """Whether a file sets Keras to run on JAX or PyTorch."""
        return any(
            isinstance(node.value, ast.Constant)
            and node.value.value in ("jax", "torch", "openvino")
            and any(
                isinstance(part, ast.Constant) and part.value == "KERAS_BACKEND"
                for target in node.targets
                for part in ast.walk(target)
            )
            for node in self.nodes(ast.Assign)
            if isinstance(node, ast.Assign)
        )

    def builds_network(self, scope: ast.AST) -> ast.Call | None:
        """The first call in a loop or function that makes a variable, placeholder or layer, also in functions in sight that it calls."""
        for region in self.reached(scope):
            for call in self.nodes_in(region, ast.Call):
                assert isinstance(call, ast.Call)
                name = self.tensorflow_name(call.func) or ""
                if name in knowledge.NETWORK or name.startswith(("tensorflow.layers.", "tf_slim.", "tensorflow.contrib.layers.")):
                    return call
        return None


def _last(call: ast.AST) -> str | None:
    """The last name of what a call calls."""
    match call:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
        case _:
            return None
