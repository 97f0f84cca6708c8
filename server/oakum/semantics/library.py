"""What libraries' objects do: constructors, functions, methods and attributes of PyTorch, Python and a few others.

The facts are in `oakum.knowledge`; here they become values.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from oakum.knowledge import objects
from oakum.knowledge import torch as knowledge
from oakum.knowledge.names import canonical
from oakum.semantics.flow import FunctionNode
from oakum.semantics.library_numpy import ARRAY, KEEPING, array
from oakum.semantics.library_tensorflow import KINDS, TensorFlow
from oakum.semantics.values import (
    DATA,
    NONE,
    NUMBER,
    STRING,
    UNKNOWN,
    Grad,
    Obj,
    Value,
    grads,
    join,
    only,
    some,
    tensor,
    without_none,
)

if TYPE_CHECKING:
    from oakum.semantics.evaluate import Evaluator
    from oakum.semantics.program import Frame, Source

Arguments = tuple[list[Value], dict[str, Value], bool]
_NUMBERS = {
    "len",
    "int",
    "float",
    "bool",
    "round",
    "isinstance",
    "issubclass",
    "hasattr",
    "callable",
    "id",
    "hash",
    "ord",
    "any",
    "all",
    "divmod",
    "pow",
}
_TEXTS = {"str", "repr", "format", "input", "chr", "bin", "hex", "type"}
_NUMPY_DATA = ("numpy.", "math.", "time.", "random.", "os.", "sklearn.metrics.", "datetime.")
_OWN_MODULE = {
    "to",
    "cuda",
    "cpu",
    "train",
    "eval",
    "half",
    "float",
    "double",
    "bfloat16",
    "requires_grad_",
    "apply",
    "type",
    "share_memory",
    "to_empty",
}


class Library:
    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.tensorflow = TensorFlow(evaluator)

    # --- classes ---

    def is_module_name(self, name: str) -> bool:
        """Whether a library's class is a torch Module."""
        if name in knowledge.MODULE_BASES:
            return True
        head, _, last = name.rpartition(".")
        if head == "torch.nn" and last[:1].isupper():
            return last not in knowledge.NOT_MODULES
        if head.startswith(
            (
                "torchvision.models",
                "torchvision.ops",
                "timm.models",
                "timm.layers",
                "torch_geometric.nn",
                "fairseq.models",
                "fairseq.modules",
            )
        ):
            return last[:1].isupper()
        if head.startswith("transformers") and (last.endswith("Model") or ("For" in last and last[:1].isupper())):
            return not last.endswith(("Config", "Output"))
        return False

    def annotated(self, name: str) -> Value | None:
        """The value of a parameter annotated with a library's class."""
        name = canonical(name)
        if name in ("torch.Tensor", "torch.FloatTensor"):
            return tensor(Grad.UNKNOWN)
        if name in ("torch.LongTensor", "torch.BoolTensor", "torch.IntTensor"):
            return tensor(Grad.DETACHED)
        if name in ("builtins.int", "builtins.float", "builtins.bool"):
            return NUMBER
        if name == "builtins.str":
            return STRING
        if self.is_module_name(name):
            return (Obj("module", name),)
        if name.startswith("torch.optim.lr_scheduler."):
            return (Obj("scheduler", name),)
        if name.startswith(knowledge.OPTIMIZER_PACKAGES):
            return (Obj("optimizer", name),)
        if name in knowledge.LOADERS:
            return (Obj("loader", name),)
        if name in knowledge.SCALERS:
            return (Obj("scaler", name),)
        if name in knowledge.ACCELERATORS:
            return (Obj("accelerator", name),)
        return self.tensorflow.annotated(name)

    def hook_parameter(self, function: FunctionNode, name: str, frame: Frame) -> Value | None:
        """Parameters that a framework fills: batches of Lightning's steps."""
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and name in ("batch", "batch_idx"):
            if function.name in ("training_step", "validation_step", "test_step", "predict_step"):
                return DATA
        return None

    # --- modules ---

    def submodule(self, obj: Obj, key: object) -> Value:
        """An element of a ModuleList, Sequential or ModuleDict."""
        if obj.name in ("torch.nn.ModuleList", "torch.nn.Sequential"):
            items = list(obj.items or ())
            if isinstance(key, int) and -len(items) <= key < len(items) and obj.element is None:
                return items[key]
            return join(*items, obj.element or ()) or (Obj("module"),)
        if obj.name == "torch.nn.ModuleDict":
            return join(obj.element or ()) or (Obj("module"),)
        return UNKNOWN

    def frozen(self, obj: Obj, frame: Frame) -> bool:
        """Whether a file may switch off the gradients of a module's parameters: then its call proves nothing."""
        source = frame.source
        cache = self.evaluator.frozen_memo
        if source.asked is not None:
            source.asked.add("requires_grad")
        if source not in cache:
            found = any(
                isinstance(node, ast.Assign)
                and any(isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in node.targets)
                and isinstance(node.value, ast.Constant)
                and node.value.value is False
                for node in source.nodes(ast.Assign)
            ) or any(
                not call.args or (isinstance(call.args[0], ast.Constant) and call.args[0].value is False)
                for call in source.calls("requires_grad_")
                if call.args or call.keywords
            ) or bool(source.calls("freeze")) or bool(source.calls("freeze_parameters"))  # fmt: skip
            cache[source] = found
        if not cache[source]:
            return False
        return self.frozen_here(obj, frame) or not self.optimized(obj, frame)

    def frozen_here(self, obj: Obj, frame: Frame) -> bool:
        """Whether `module.requires_grad_(False)` is said of this very module."""
        for call in frame.source.calls("requires_grad_"):
            if (
                isinstance(call.func, ast.Attribute)
                and call.args
                and isinstance(call.args[0], ast.Constant)
                and call.args[0].value is False
            ):
                value = self.evaluator.value(call.func.value, self.evaluator.frame_at(frame.source, call))
                if obj.site is not None and any(found.site is obj.site for found in value):
                    return True
        return self.frozen_by_loop(obj, frame.source, False) and not self.frozen_by_loop(obj, frame.source, True)

    def frozen_by_loop(self, obj: Obj, source: Source, enabled: bool) -> bool:
        """Whether `for p in module.parameters(): p.requires_grad = enabled` (or `p.requires_grad_(enabled)`) is said of this module."""
        for loop in source.nodes(ast.For):
            match loop:
                case ast.For(
                    target=ast.Name(id=name),
                    iter=ast.Call(func=ast.Attribute(value=owner, attr="parameters")),
                    body=[
                        ast.Assign(
                            targets=[ast.Attribute(value=ast.Name(id=said), attr="requires_grad")],
                            value=ast.Constant(value=switch),
                        )
                        | ast.Expr(
                            value=ast.Call(
                                func=ast.Attribute(value=ast.Name(id=said), attr="requires_grad_"),
                                args=[ast.Constant(value=switch)],
                            )
                        )
                    ],
                ) if said == name and switch is enabled:
                    value = self.evaluator.value(owner, self.evaluator.frame_at(source, loop))
                    if obj.site is not None and any(found.site is obj.site for found in value):
                        return True
                case _:
                    pass
        return False

    def optimized(self, obj: Obj, frame: Frame) -> bool:
        """Whether an optimizer in sight is made of this module's parameters."""
        if obj.site is None:
            return False
        source = frame.source
        for call in source.calls("parameters"):
            if not isinstance(call.func, ast.Attribute):
                continue
            parent = source.parent(call)
            if isinstance(parent, ast.Call):
                maker = self.evaluator.value(parent, self.evaluator.frame_at(source, parent))
                if some(maker, "optimizer"):
                    owner = self.evaluator.value(call.func.value, self.evaluator.frame_at(source, call))
                    if any(found.site is obj.site for found in owner):
                        return True
        return False

    def forward(self, obj: Obj, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The result of calling a module."""
        positional, named, _ = given
        evaluator = self.evaluator
        if isinstance(obj.node, ast.ClassDef):
            method = evaluator.method(obj, "forward")
            if method is not None:
                result = evaluator.invoke(method, (obj,), positional, named, node, frame, given[2])
                if self.frozen(obj, frame):
                    return self.doubt(result)
                return result
            bases = evaluator.ancestry(obj.node, obj.frame or frame)[1]
            if "torch.nn.Sequential" not in bases:
                return (Obj("output", grad=self.made(given, node, frame, obj), node=node),)
        last = obj.name.rpartition(".")[2]
        grad = self.made(given, node, frame, obj)
        if obj.name.startswith("torch.nn."):
            if last in knowledge.RECURRENT:
                state = tensor(grad, node)
                if knowledge.RECURRENT[last] == "pair":
                    state = (Obj("tuple", node=node, items=(state, state)),)
                return (Obj("tuple", node=node, items=(tensor(grad, node), state)),)
            if last in knowledge.CELLS:
                state = tensor(grad, node)
                return (Obj("tuple", node=node, items=(state, state)),) if knowledge.CELLS[last] == "pair" else state
            if last.endswith("Loss") or last in knowledge.PARAMETER_FREE:
                found: set[Grad] = set()
                for value in (*positional, *named.values()):
                    found |= grads(value)
                plain = obj.constant != "none"
                return tensor(evaluator.recorded(found, node, frame), node, scalar=last.endswith("Loss") and plain)
            if (
                last == "Sequential"
                and obj.items
                and (final := obj.items[-1])
                and final[0].kind == "module"
                and isinstance(final[0].node, ast.ClassDef)
            ):
                return (Obj("output", grad=grad, node=node),)
            return tensor(grad, node)
        return (Obj("output", grad=grad, node=node),)

    def made(self, given: Arguments, node: ast.AST, frame: Frame, obj: Obj) -> Grad:
        """The autograd state of the output of a module with parameters."""
        if self.frozen(obj, frame):
            found: set[Grad] = {Grad.UNKNOWN}
            for value in (*given[0], *given[1].values()):
                found |= grads(value) & {Grad.ATTACHED, Grad.LEAF}
            return self.evaluator.recorded(found, node, frame)
        return self.evaluator.recorded({Grad.LEAF}, node, frame)

    def doubt(self, value: Value) -> Value:
        """The same value where nothing is sure of its graph any more."""
        result: list[Obj] = []
        for obj in value:
            if obj.kind in ("tensor", "output") and obj.grad is Grad.ATTACHED:
                obj = replace(obj, grad=Grad.UNKNOWN)
            if obj.items is not None:
                obj = replace(obj, items=tuple(self.doubt(item) for item in obj.items))
            if obj.keys is not None:
                obj = replace(obj, keys=tuple((key, self.doubt(item)) for key, item in obj.keys))
            result.append(obj)
        return tuple(result)

    # --- attributes ---

    def attribute(self, obj: Obj, name: str, node: ast.AST, frame: Frame) -> Value:
        """An attribute of an object of a library."""
        kind = obj.kind
        if kind in KINDS or (kind == "object" and obj.name.startswith(("tensorflow.", "keras."))):
            return self.tensorflow.attribute(obj, name, node, frame)
        if kind in ("tensor", "output"):
            if name == "data":
                return tensor(Grad.DETACHED, node, scalar=obj.scalar, view=True)
            if name == "grad":
                return tensor(Grad.DETACHED, node)
            if name in ("shape", "device", "dtype", "ndim", "requires_grad", "is_leaf", "layout", "is_cuda"):
                return DATA
            if name in ("T", "mT", "H", "real", "imag") and kind == "tensor":
                return (replace(obj, view=True),)
            if kind == "output" and name in ("loss", "logits", "last_hidden_state", "pooler_output", "sample"):
                return tensor(obj.grad, node, scalar=name == "loss")
            parent = frame.source.parent(node)
            if isinstance(parent, ast.Call) and parent.func is node:
                return (Obj("method", name, receiver=(obj,)),)
            return (
                UNKNOWN
                if kind == "tensor"
                else (Obj("output", grad=Grad.UNKNOWN if obj.grad is Grad.ATTACHED else obj.grad, node=obj.node),)
            )
        if kind == "data":
            parent = frame.source.parent(node)
            return (
                (Obj("method", name, receiver=(obj,)),)
                if isinstance(parent, ast.Call) and parent.func is node
                else (obj,)
                if name in KEEPING
                else DATA
            )
        if kind == "module" and name == "module":
            return (obj,)
        if kind == "module" and name in ("weight", "bias"):
            return tensor(Grad.LEAF, node)
        if (kind == "module" and not isinstance(obj.node, ast.ClassDef)) or (kind == "module" and name in _MODULE_METHODS):
            parent = frame.source.parent(node)
            return (
                (Obj("method", name, receiver=(obj,)),)
                if (isinstance(parent, ast.Call) and parent.func is node) or name in _MODULE_METHODS
                else UNKNOWN
            )
        if kind in ("instance", "class", "super"):
            return (Obj("method", name, receiver=(obj,)),) if name in _MODULE_METHODS and kind == "super" else UNKNOWN
        if kind in ("list", "dict", "set", "deque", "tuple", "string", "optimizer", "scheduler", "scaler", "loader", "accelerator", "distribution", "handle",
                    "iterator", "generator", "number", "object"):  # fmt: skip
            return (Obj("method", name, receiver=(obj,)),)
        return UNKNOWN

    # --- calls ---

    def call(self, obj: Obj, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The result of calling a library's function, class or method."""
        if obj.kind == "method" and obj.receiver:
            return self.method(obj.receiver[0], obj.name, given, node, frame)
        if obj.kind == "library":
            return self.function(obj.name, given, node, frame)
        if obj.kind == "object":
            return self.tensorflow.called(obj, given, node)
        return UNKNOWN

    def method(self, owner: Obj, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        evaluator = self.evaluator
        positional = given[0]
        kind = owner.kind
        if kind in KINDS:
            return self.tensorflow.method(owner, name, given, node, frame)
        if kind in ("tensor", "output"):
            return self.tensor_method(owner, name, given, node, frame)
        if kind == "data" and owner.name == ARRAY and name in KEEPING:
            return (owner,)
        if kind == "data":
            return NUMBER if name in ("item", "size", "dim", "numel", "__len__") else DATA
        if kind == "module":
            if name in _OWN_MODULE:
                return (owner,)
            if name == "parameters":
                return (Obj("generator", element=tensor(Grad.LEAF, node)),)
            if name == "named_parameters":
                return (Obj("generator", element=(Obj("tuple", items=(STRING, tensor(Grad.LEAF, node))),)),)
            if name in ("modules", "children"):
                return (Obj("generator", element=(Obj("module"),)),)
            if name in ("named_modules", "named_children"):
                return (Obj("generator", element=(Obj("tuple", items=(STRING, (Obj("module"),))),)),)
            if name in ("state_dict", "named_buffers", "buffers"):
                return (Obj("dict", "state_dict", node=node, element=tensor(Grad.DETACHED, node)),)
            if name in knowledge.HOOK_REGISTRATIONS:
                return (Obj("handle", node=node),)
            if name == "generate":
                return DATA
            if name == "forward":
                return self.forward(owner, given, node, frame)
            if name in ("get_submodule",):
                return (Obj("module"),)
            return NONE if name in _MODULE_METHODS else UNKNOWN
        if kind in ("list", "deque", "set"):
            if name in ("pop", "popleft"):
                return evaluator.element((owner,)) or UNKNOWN
            if name == "copy":
                return (owner,)
            return NUMBER if name in ("index", "count") else NONE
        if kind == "dict":
            values = join(
                *(item for _, item in owner.keys or ()),
                owner.element or (),
                evaluator.contents(owner, None) if owner.node is not None and owner.frame else (),
            )
            if name == "items":
                return (Obj("iterator", element=(Obj("tuple", items=(STRING, values or UNKNOWN)),)),)
            if name == "values":
                return (Obj("iterator", element=values or UNKNOWN),)
            if name == "keys":
                return (Obj("iterator", element=STRING),)
            if name in ("get", "pop", "setdefault"):
                return join(values, *positional[1:]) or UNKNOWN
            if name == "copy":
                return (owner,)
            return NONE if name in ("update", "clear") else UNKNOWN
        if kind == "string":
            return STRING
        if kind == "number":
            return NUMBER
        if kind == "optimizer":
            if name == "step" and positional:
                return UNKNOWN
            return NONE if name in ("step", "zero_grad", "add_param_group", "load_state_dict") else UNKNOWN
        if kind == "scaler":
            return (
                positional[0] if name == "scale" and positional else NONE if name in ("step", "update", "unscale_") else UNKNOWN
            )
        if kind == "accelerator":
            if name == "prepare":
                return positional[0] if len(positional) == 1 else (Obj("tuple", items=tuple(positional)),)
            if name in ("gather", "gather_for_metrics", "reduce", "pad_across_processes", "unwrap_model") and positional:
                return positional[0]
            return UNKNOWN
        if kind == "distribution":
            if name in ("sample", "sample_n"):
                return tensor(Grad.DETACHED, node)
            if name in ("log_prob", "rsample", "entropy"):
                found: set[Grad] = {owner.grad}
                for value in positional:
                    found |= grads(value)
                if Grad.ATTACHED in found or Grad.LEAF in found:
                    return tensor(evaluator.recorded(found, node, frame), node)
                return tensor(Grad.UNKNOWN if Grad.UNKNOWN in found else Grad.DETACHED, node)
            return UNKNOWN
        if kind == "iterator" and name in ("__next__", "next"):
            return owner.element or UNKNOWN
        if kind == "handle":
            return NONE
        return UNKNOWN

    def tensor_method(self, owner: Obj, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        evaluator = self.evaluator
        positional, named, _ = given
        if name in ("detach", "detach_"):
            return (replace(owner, grad=Grad.DETACHED, node=node, view=owner.view),)
        if name in ("item",):
            return NUMBER
        if name in ("tolist", "numpy"):
            return DATA
        if name in (
            "size",
            "dim",
            "numel",
            "nelement",
            "ndimension",
            "data_ptr",
            "stride",
            "element_size",
            "is_contiguous",
            "get_device",
        ):
            return NUMBER
        if name == "backward":
            return NONE
        if name == "requires_grad_":
            return (replace(owner, grad=Grad.LEAF if owner.grad is Grad.DETACHED else owner.grad),)
        if name in ("register_hook", "register_post_accumulate_grad_hook"):
            return (Obj("handle", node=node),)
        if name in knowledge.GRAPH_FREE:
            return tensor(Grad.DETACHED, node, scalar=not positional and not named)
        found = {owner.grad}
        for value in (*positional, *named.values()):
            if some(value, "tensor", "output"):
                found |= grads(value)
        grad = evaluator.recorded(found, node, frame)
        given_dimension = (bool(positional) and not (some(positional[0], "tensor", "output"))) or "dim" in named
        if name in knowledge.VALUES_AND_INDICES and (given_dimension or name in ("topk", "sort", "kthvalue")):
            return (Obj("tuple", node=node, items=(tensor(grad, node), tensor(Grad.DETACHED, node))),)
        if name in ("chunk", "split", "unbind", "tensor_split"):
            return (Obj("tuple", node=node, element=tensor(grad, node, view=True)),)
        if name in (
            "to",
            "cuda",
            "cpu",
            "float",
            "double",
            "half",
            "contiguous",
            "clone",
            "type",
            "bfloat16",
            "type_as",
            "requires_grad",
            "retain_grad",
            "pin_memory",
        ):
            if name == "retain_grad":
                return NONE
            moved = name in ("cuda", "cpu", "to")
            return (
                replace(
                    owner,
                    kind=owner.kind if moved else "tensor",
                    grad=grad,
                    node=node,
                    view=owner.view and name != "clone",
                ),
            )
        if name in ("items", "keys", "values", "get", "pop", "update", "append") and owner.kind == "output":
            return UNKNOWN
        scalar = owner.scalar or (name in knowledge.REDUCTIONS and not given_dimension and not positional)
        if name in knowledge.VIEWS:
            return tensor(grad, node, view=True)
        return tensor(grad, node, scalar=scalar)

    def function(self, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The result of calling a qualified name."""
        evaluator = self.evaluator
        positional, named, _ = given
        first = positional[0] if positional else None
        head, _, last = name.rpartition(".")
        if head == "builtins":
            return self.builtin(last, given, node, frame)
        if (found := self.tensorflow.call(name, given, node, frame)) is not None:
            return found
        if name.startswith("torch"):
            result = self.torch(name, head, last, given, node, frame)
            if result is not None:
                return result
        if (
            name in knowledge.TRANSPARENT_WRAPPERS
            or head == "tqdm"
            or last in ("tqdm", "track", "trange", "progress_bar")
            or name == "rich.progress.track"
        ):
            return (
                first
                if first is not None and last != "trange"
                else (Obj("iterator", element=NUMBER),)
                if last == "trange"
                else UNKNOWN
            )
        if name == "collections.deque":
            bounded = ("maxlen" in named and not only(named["maxlen"], "none")) or len(positional) > 1
            return (
                Obj(
                    "deque",
                    node=node,
                    frame=frame,
                    element=evaluator.element(first) if first else None,
                    constant="bounded" if bounded else None,
                ),
            )
        if name in ("collections.defaultdict", "collections.OrderedDict", "collections.Counter"):
            made = None
            if last == "defaultdict" and first:
                made = join(*(evaluator.apply(obj, ([], {}, False), node, frame) for obj in first))
            return (Obj("dict", node=node, frame=frame, element=made),)
        if name in (
            "itertools.chain",
            "itertools.islice",
            "itertools.cycle",
            "itertools.chain.from_iterable",
            "more_itertools.ncycles",
        ):
            element = evaluator.element(first) if first else UNKNOWN
            return (Obj("iterator", name, node=node, element=evaluator.element(element) if last == "from_iterable" else element),)
        if name in ("itertools.count",):
            return (Obj("iterator", name, node=node, element=NUMBER),)
        if name in ("functools.partial",) and first:
            return first
        if name.startswith("copy.") and first:
            return first
        if name.startswith(_NUMPY_DATA):
            return array(name, given, node) or DATA
        if name in knowledge.LOADERS or last in ("DataLoader", "StatefulDataLoader"):
            return (Obj("loader", name, node=node, site=node),)
        if name in knowledge.ACCELERATORS:
            return (Obj("accelerator", name, node=node),)
        if name.startswith(knowledge.OPTIMIZER_PACKAGES):
            return (Obj("optimizer", name, node=node, site=node),)
        if name.startswith(knowledge.MODEL_MAKERS) or (name.startswith("transformers.") and last == "from_pretrained" and self.is_module_name(head)) or (
            name.startswith("transformers.Auto") and last in ("from_pretrained", "from_config") and "Model" in head
        ) or self.is_module_name(name):  # fmt: skip
            return (Obj("module", name, site=node),)
        if objects.makes_object(name):
            return (Obj("object", name, node=node, frame=frame),)
        return UNKNOWN

    def torch(self, name: str, head: str, last: str, given: Arguments, node: ast.AST, frame: Frame) -> Value | None:
        evaluator = self.evaluator
        positional, named, _ = given
        first = positional[0] if positional else None
        if name in knowledge.TRANSPARENT_WRAPPERS:
            return first if first is not None else UNKNOWN
        if name in knowledge.NO_GRAD | knowledge.ENABLE_GRAD | knowledge.SET_GRAD:
            return (Obj("object", name, node=node),)
        if name in ("torch.nn.Parameter",):
            grad = Grad.DETACHED if _is_false(named.get("requires_grad")) else Grad.LEAF
            return tensor(grad, node)
        if name in ("torch.nn.ParameterList", "torch.nn.ParameterDict"):
            return (Obj("list", node=node, element=tensor(Grad.LEAF, node)),)
        if name in ("torch.nn.ModuleList", "torch.nn.Sequential"):
            items: tuple[Value, ...] = tuple(positional)
            element: Value | None = None
            if last == "ModuleList":
                items = ()
                element = evaluator.element(first) if first else (Obj("module"),)
            elif len(positional) == 1 and only(positional[0], "list", "dict"):
                items = ()
            return (Obj("module", name, items=items, element=element, site=node),)
        if name == "torch.nn.ModuleDict":
            return (Obj("module", name, site=node),)
        if head == "torch.nn" and last[:1].isupper():
            reduction = named.get("reduction", ())
            return (
                Obj("module", name, site=node, constant="none" if any(obj.constant == "none" for obj in reduction) else None),
            )
        if name.startswith("torch.optim.lr_scheduler."):
            return (Obj("scheduler", name, node=node),)
        if name.startswith("torch.optim.") and last[:1].isupper():
            return (Obj("optimizer", name, node=node, site=node),)
        if name in knowledge.LOADERS:
            return (Obj("loader", name, node=node, site=node),)
        if name in knowledge.SCALERS:
            return (Obj("scaler", name, node=node),)
        if name.startswith("torch.distributions.") and last[:1].isupper():
            found: set[Grad] = set()
            for value in (*positional, *named.values()):
                found |= grads(value)
            grad = (
                Grad.ATTACHED if found & {Grad.ATTACHED, Grad.LEAF} else Grad.UNKNOWN if Grad.UNKNOWN in found else Grad.DETACHED
            )
            return (Obj("distribution", name, grad, node),)
        if name.startswith("torchvision.models.") or name == "torch.hub.load" or name == "torch.jit.load":
            return (Obj("module", name, site=node),)
        if name == "torch.load":
            return UNKNOWN
        if name == "torch.autograd.grad":
            live = "create_graph" in named and not _is_false(named["create_graph"])
            return (Obj("tuple", node=node, element=tensor(Grad.ATTACHED if live else Grad.DETACHED, node)),)
        if name == "torch.autograd.Variable" and first is not None:
            return first
        if name.startswith(("torch.cuda.", "torch.backends", "torch.utils.data")):
            return UNKNOWN if name.startswith("torch.utils.data") else NONE
        if name.startswith(("torch.nn.utils.rnn.", "torch.fft.", "torch.linalg.", "torch.special.")):
            return tensor(self.of_arguments(given, node, frame), node)
        if name.startswith("torch.nn.functional."):
            if last in knowledge.GRAPH_FREE:
                return tensor(Grad.DETACHED, node)
            plain = not any(obj.constant == "none" for obj in named.get("reduction", ()))
            return tensor(self.of_arguments(given, node, frame), node, scalar=last in knowledge.LOSS_FUNCTIONS and plain)
        if head == "torch":
            if last in knowledge.CREATION and "requires_grad" in named and not _is_false(named["requires_grad"]):
                return tensor(Grad.LEAF, node)
            if last in ("save", "manual_seed", "set_default_dtype", "is_tensor", "is_grad_enabled", "device", "set_num_threads"):
                return NONE if last != "is_tensor" else NUMBER
            if last in knowledge.GRAPH_FREE:
                return tensor(Grad.DETACHED, node)
            if last[:1].isupper():
                return None
            grad = self.of_arguments(given, node, frame)
            if last in knowledge.VALUES_AND_INDICES and (
                (len(positional) > 1 and not some(positional[1], "tensor", "output")) or "dim" in named
            ):
                return (Obj("tuple", node=node, items=(tensor(grad, node), tensor(Grad.DETACHED, node))),)
            if last in ("split", "chunk", "unbind", "meshgrid", "broadcast_tensors", "tensor_split"):
                return (Obj("tuple", node=node, element=tensor(grad, node, view=True)),)
            reduced = last in knowledge.REDUCTIONS and len(positional) == 1 and not named
            elementwise = first is not None and all(obj.scalar for obj in first)
            return tensor(
                grad, node, scalar=reduced or (elementwise and last not in ("cat", "stack")), view=last in knowledge.VIEWS
            )
        return None

    def of_arguments(self, given: Arguments, node: ast.AST, frame: Frame) -> Grad:
        """The autograd state of a differentiable function's result. An unknown argument can only add a graph."""
        found: set[Grad] = set()
        for value in (*given[0], *given[1].values()):
            found |= grads(value)
            for obj in value:
                if obj.kind in ("list", "deque", "set") and not obj.items:
                    # Filled after it was made; one that nobody in sight fills may be filled by others.
                    found |= grads(self.evaluator.element((obj,))) or {Grad.UNKNOWN}
        if given[2]:
            found.add(Grad.UNKNOWN)
        return self.evaluator.recorded(found, node, frame)

    def builtin(self, name: str, given: Arguments, node: ast.AST, frame: Frame) -> Value:
        evaluator = self.evaluator
        positional, named, _ = given
        first = positional[0] if positional else None
        if name in _NUMBERS:
            return NUMBER
        if name in _TEXTS:
            return STRING
        if name in ("list", "tuple", "set", "sorted", "reversed", "frozenset"):
            kind = {"tuple": "tuple", "set": "set", "frozenset": "set"}.get(name, "list")
            if first is None:
                return (Obj(kind, node=node, frame=frame, items=() if kind != "set" else None),)
            items = first[0].items if kind == "tuple" and len(first) == 1 else None
            return (
                Obj(kind, node=node, frame=frame, items=items, element=None if items is not None else evaluator.element(first)),
            )
        if name == "dict":
            return (Obj("dict", node=node, frame=frame, keys=tuple(named.items())),)
        if name == "enumerate":
            return (
                Obj(
                    "iterator",
                    "enumerate",
                    node=node,
                    element=(Obj("tuple", items=(NUMBER, evaluator.element(first) if first else UNKNOWN)),),
                ),
            )
        if name == "zip":
            return (
                Obj(
                    "iterator",
                    "zip",
                    node=node,
                    element=(Obj("tuple", items=tuple(evaluator.element(value) for value in positional)),),
                ),
            )
        if name == "range":
            return (Obj("iterator", "range", node=node, element=NUMBER),)
        if name in ("iter",) and first:
            return self.tensorflow.iterator(first, node) or (
                Obj("iterator", "iter", node=node, element=evaluator.element(first)),
            )
        if name in ("next",) and first:
            return join(evaluator.element(first), *positional[1:]) or UNKNOWN
        if name == "filter" and len(positional) > 1:
            return (Obj("iterator", element=evaluator.element(positional[1])),)
        if name == "map" and len(positional) > 1:
            element = join(
                *(
                    evaluator.apply(obj, ([evaluator.element(v) for v in positional[1:]], {}, False), node, frame)
                    for obj in without_none(positional[0])
                )
            )
            return (Obj("iterator", "map", node=node, element=element or UNKNOWN),)
        if name == "sum" and first:
            return self.summed(join(evaluator.element(first), *positional[1:]), node, frame)
        if name in ("max", "min") and positional:
            return join(*positional) if len(positional) > 1 else evaluator.element(positional[0]) or UNKNOWN
        if name == "abs" and first:
            return evaluator.operation(node, [first], frame, scalar=all(obj.scalar for obj in first))
        if name == "super":
            cls = frame.source.enclosing_class(node)
            return (
                (Obj("super", cls.name, node=cls, frame=evaluator.frame_at(frame.source, cls)),) if cls is not None else UNKNOWN
            )
        if name == "getattr" and len(positional) > 1 and len(positional[1]) == 1 and isinstance(positional[1][0].constant, str):
            return join(evaluator.member(positional[0], positional[1][0].constant, node, frame), *positional[2:])
        if name in ("print", "setattr", "delattr"):
            return NONE
        if name in ("open", "object"):
            return (Obj("object", f"builtins.{name}", node=node),)
        return UNKNOWN

    def summed(self, element: Value, node: ast.AST, frame: Frame) -> Value:
        found = grads(element)
        if some(element, "tensor", "output"):
            return tensor(
                self.evaluator.recorded(found, node, frame),
                node,
                scalar=all(obj.scalar or obj.kind == "number" for obj in element),
            )
        return NUMBER if only(element, "number") else UNKNOWN


_MODULE_METHODS = {
    "parameters", "named_parameters", "modules", "children", "named_modules", "named_children", "state_dict", "load_state_dict", "zero_grad", "train",
    "eval", "to", "cuda", "cpu", "half", "float", "double", "requires_grad_", "apply", "register_buffer", "register_parameter", "add_module",
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook", "register_backward_hook", "buffers", "named_buffers", "type",
    "get_submodule", "extra_repr", "__init__", "append", "extend", "insert", "log", "log_dict", "save_hyperparameters", "manual_backward", "optimizers",
}  # fmt: skip


def _is_false(value: Value | None) -> bool:
    return bool(value) and all(obj.constant is False for obj in value or ())
