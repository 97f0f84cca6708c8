"""Shapes of tensors, as far as constructors, layers and reductions tell: enough to see that two of them broadcast by accident."""

from __future__ import annotations

import ast
from types import EllipsisType
from typing import TYPE_CHECKING

from oakum.knowledge import torch as knowledge
from oakum.semantics.flow import Definition
from oakum.semantics.values import Obj

if TYPE_CHECKING:
    from oakum.facts.tensors import TensorFacts

# Lengths of the dimensions, None where unknown; `...` in front stands for any number of further dimensions.
Shape = tuple[int | EllipsisType | None, ...]

_SIZED = {"zeros", "ones", "rand", "randn", "empty"}
_RANGES = {"arange", "linspace", "randperm"}
_SAME_SHAPE = {
    "float", "double", "half", "bfloat16", "long", "int", "bool", "to", "cuda", "cpu", "detach", "clone", "contiguous", "requires_grad_", "type", "numpy",
    "sigmoid", "relu", "exp", "log", "log1p", "sqrt", "rsqrt", "abs", "tanh", "clamp", "clip", "clamp_min", "clamp_max", "pow", "square", "neg", "round",
    "floor", "sign", "softmax", "log_softmax", "softplus", "logsigmoid", "dropout", "leaky_relu", "gelu", "elu", "normalize", "zeros_like", "ones_like",
    "rand_like", "randn_like", "as_tensor", "from_numpy", "asarray", "array", "astype", "nan_to_num", "fit_transform", "transform", "copy", "Variable",
    "FloatTensor", "LongTensor", "float32", "float64",
}  # fmt: skip
REDUCTIONS = {
    "max", "min", "sum", "mean", "median", "mode", "norm", "std", "var", "logsumexp", "argmax", "argmin", "any", "all", "prod", "amax", "amin", "nanmean",
    "nansum", "kthvalue", "quantile", "nanmedian", "vector_norm", "count_nonzero",
}  # fmt: skip
_PAIRS = {"max", "min", "median", "mode", "kthvalue", "nanmedian", "topk", "sort"}
_CLASSIFYING = {"cross_entropy", "nll_loss", "CrossEntropyLoss", "NLLLoss"}
_KEPT_LAYERS = knowledge.PARAMETER_FREE - {"Flatten", "Unflatten", "Fold", "Unfold", "CosineSimilarity", "PairwiseDistance"}


def last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


class Shapes:
    """Shapes of the expressions of one file. Asked anew for each question: it keeps nothing but what is being asked."""

    def __init__(self, facts: TensorFacts) -> None:
        self.facts = facts
        self.busy: set[ast.AST] = set()

    def of(self, node: ast.AST | None) -> Shape | None:
        if node is None or node in self.busy or len(self.busy) > 40:
            return None
        self.busy.add(node)
        try:
            return self.found(node)
        finally:
            self.busy.discard(node)

    def found(self, node: ast.AST) -> Shape | None:
        match node:
            case ast.Name(id=name):
                bound = self.facts.definitions(node) or self.facts.bindings(None, name)
                shape = self.agreed([self.bound(d, node) for d in bound])
                return (None,) if shape is None and self.scored(node, 1) else shape
            case ast.Attribute(value=pair, attr="values" | "indices") if isinstance(pair, ast.Call):
                return self.reduced(pair)
            case ast.Attribute(value=inner, attr="T" | "mT"):
                shape = self.of(inner)
                return (*shape[:-2], shape[-1], shape[-2]) if shape and len(shape) >= 2 and shape[-2] is not ... else None
            case ast.Attribute(value=inner, attr="data"):
                return self.of(inner)
            case ast.Attribute(value=ast.Subscript(slice=column), attr="values"):
                return self.of_column(column)
            case ast.Attribute() if not self.facts.may_be_from_outside(node):
                return self.agreed([self.bound(d, node) for d in self.facts.definitions(node)])
            case ast.Constant(value=int() | float()):
                return ()
            case ast.UnaryOp(operand=operand):
                return self.of(operand)
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return self.product(self.of(left), self.of(right))
            case ast.BinOp(left=left, right=right):
                one, other = self.side(left), self.side(right)
                if one is None and other is not None and len(other) == 1 and self.of_samples(left):
                    return other
                if other is None and one is not None and len(one) == 1 and self.of_samples(right):
                    return one
                return self.broadcast(one, other)
            case ast.Subscript(value=inner, slice=index):
                return self.indexed(inner, index)
            case ast.Call():
                return self.called(node)
            case _:
                return None

    def agreed(self, shapes: list[Shape | None]) -> Shape | None:
        first = shapes[0] if shapes else None
        return first if first is not None and all(shape == first for shape in shapes) else None

    def side(self, node: ast.expr) -> Shape | None:
        return () if self.facts.is_kind(node, "number") else self.of(node)

    def bound(self, definition: Definition, read: ast.expr) -> Shape | None:
        """The shape that one binding gives."""
        facts, value = self.facts, definition.value
        path = definition.path
        if definition.how == "augment":
            return self.of(definition.node)
        if definition.how == "parameter":
            function = facts.function(read)
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return None
            calls = facts.callers(function)
            return (
                self.agreed([self.of(facts.passed(function, call, definition.key)) for call in calls]) if len(calls) < 4 else None
            )
        if value is None or definition.how not in ("assign", "for"):
            return None
        if definition.how == "for":
            return self.batch(value, path)
        if not path:
            return self.of(value)
        if isinstance(value, ast.Tuple) and len(path) == 1 and isinstance(path[0], int) and path[0] < len(value.elts):
            return self.of(value.elts[path[0]])
        match value:
            case ast.Call(func=function) if last_name(function) in _PAIRS and len(path) == 1:
                return self.reduced(value)
            case ast.Call(func=function, args=arrays) if last_name(function) == "train_test_split" and len(path) == 1:
                index = path[0] if isinstance(path[0], int) else 0
                shape = self.of(arrays[index // 2]) if index // 2 < len(arrays) else None
                return (None, *shape[1:]) if shape else None
            case ast.Call(func=function) if len(path) == 1 and last_name(function).startswith(
                ("make_regression", "make_friedman", "load_", "fetch_")
            ):
                if last_name(function).startswith("make") or any(k.arg == "return_X_y" for k in value.keywords):
                    return (None, None) if path[0] == 0 else (None,)
                return None
            case ast.Call(func=ast.Name(id="next"), args=[ast.Call(func=ast.Name(id="iter"), args=[loader])]):
                return self.batch(loader, path)
            case _:
                return None

    def batch(self, iterable: ast.expr, path: tuple[int | str, ...]) -> Shape | None:
        """The shape of one part of a loader's batch, where its dataset is made of tensors in sight."""
        facts = self.facts
        while isinstance(iterable, ast.Call) and not facts.maker(iterable, "loader") and iterable.args:
            if last_name(iterable.func) == "enumerate":
                if path[:1] != (1,):
                    return None
                path = path[1:]
            iterable = iterable.args[0]
        maker = facts.maker(iterable, "loader")
        if maker is None or facts.source.piece(maker) is None or len(path) != 1 or not isinstance(path[0], int):
            return None
        if any(k.arg in ("collate_fn", "batch_sampler") for k in maker.keywords):
            return None
        dataset = facts.argument(maker, 0, "dataset")
        made = [dataset] if isinstance(dataset, ast.Call) else [d.value for d in facts.definitions(dataset)] if dataset else []
        match made:
            case [ast.Call(func=function, args=tensors)] if last_name(function) == "TensorDataset" and path[0] < len(tensors):
                shape = self.of(tensors[path[0]])
                return (None, *shape[1:]) if shape else None
            case _:
                return None

    def of_column(self, column: ast.expr) -> Shape | None:
        """`df["price"].values`, `df[["a", "b"]].values`."""
        match column:
            case ast.Constant(value=str()):
                return (None,)
            case ast.List(elts=names):
                return (None, len(names))
            case _:
                return None

    def called(self, call: ast.Call) -> Shape | None:
        facts, name = self.facts, last_name(call.func)
        inner = call.func.value if isinstance(call.func, ast.Attribute) else None
        qualified = facts.qualified(call.func)
        method = qualified is None and inner is not None
        tensor = inner if method else call.args[0] if call.args else None
        rest = call.args if method else call.args[1:]
        if (module := facts.some(call.func, "module")) is not None:
            return self.through(module, self.of(call.args[0]) if call.args else None, call)
        if not method and (qualified is None or not qualified.startswith(("torch.", "numpy.", "builtins."))):
            return None
        if not method and name in _SIZED:
            return self.sizes(call.args)
        if not method and name == "randint":
            return self.sizes([size for size in [facts.argument(call, 2, "size") or (call.args[1:2] or [None])[0]] if size])
        if not method and name in _RANGES:
            return (None,)
        if not method and name in ("tensor", "FloatTensor", "LongTensor", "array", "as_tensor"):
            return self.literal(tensor) if tensor is not None else None
        if method and name == "to_numpy" and isinstance(inner, ast.Subscript):
            return self.of_column(inner.slice)
        if name in REDUCTIONS:
            return None if name in _PAIRS and facts.argument(call, 0 if method else 1, "dim") is not None else self.reduced(call)
        shape = self.of(tensor)
        if name in _SAME_SHAPE:
            return shape
        if name in ("view", "reshape"):
            return self.sizes(rest)
        if name in ("view_as", "reshape_as", "expand_as") and rest:
            return self.of(rest[0])
        if name == "gather":
            return self.of(rest[1]) if len(rest) > 1 else None
        if name == "flatten":
            return (None,) if not rest and not call.keywords else None
        if name == "unsqueeze":
            return self.unsqueezed(shape, self.integer(facts.argument(call, 0 if method else 1, "dim")))
        if name == "squeeze":
            return self.squeezed(shape, facts.argument(call, 0 if method else 1, "dim"))
        if name == "t" and shape is not None and len(shape) == 2:
            return shape[::-1]
        if name in ("mm", "matmul") and rest:
            return self.product(shape, self.of(rest[0]))
        return None

    def literal(self, node: ast.expr) -> Shape | None:
        """The shape of a list in `torch.tensor(...)`, else of the array that is given."""
        match node:
            case ast.List(elts=elements) if elements:
                inner = [self.literal(element) for element in elements]
                return (len(elements), *inner[0]) if inner[0] is not None and all(i == inner[0] for i in inner) else None
            case ast.ListComp(elt=element):
                inner = self.literal(element)
                return (None, *inner) if inner is not None else None
            case _:
                return () if self.facts.is_kind(node, "number") else self.of(node)

    def integer(self, node: ast.AST | None) -> int | None:
        match node:
            case ast.Constant(value=int() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return -value
            case _:
                return None

    def sizes(self, given: list[ast.expr]) -> Shape | None:
        if len(given) == 1 and isinstance(given[0], (ast.Tuple, ast.List)):
            given = given[0].elts
        if not given or any(isinstance(size, ast.Starred) for size in given):
            return None
        if len(given) == 1 and not self.facts.is_kind(given[0], "number"):
            return None  # a shape in a variable
        found = [self.size(size) for size in given]
        return tuple(None if size is not None and size < 0 else size for size in found)

    def size(self, node: ast.expr) -> int | None:
        constants = {obj.constant for obj in self.facts.value(node)}
        only = next(iter(constants)) if len(constants) == 1 else None
        return self.integer(node) if self.integer(node) is not None else only if isinstance(only, int) else None

    def reduced(self, call: ast.Call) -> Shape | None:
        """The result of a reduction (of each part of it, where it gives values and indices)."""
        facts = self.facts
        method = facts.qualified(call.func) is None and isinstance(call.func, ast.Attribute)
        tensor = call.func.value if method and isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
        shape = self.of(tensor)
        dimension = facts.argument(call, 0 if method else 1, "dim")
        if dimension is None:
            return () if not call.keywords and len(call.args) == (0 if method else 1) else None
        where, keeps = self.integer(dimension), facts.keeps_dimension(call)
        if where is None or keeps is None:
            return None
        linear = shape is not None and len(shape) == 2 and shape[0] is ...  # what a linear layer gives of batches
        if where == 1 and (linear or (shape is None and tensor is not None and self.scored(tensor, 0))):
            return (None, 1) if keeps else (None,)
        if shape is None or ... in shape:
            return (..., 1) if where == -1 and keeps else None
        if not -len(shape) <= where < len(shape):
            return None
        where %= len(shape)
        return (*shape[:where], *([1] if keeps else []), *shape[where + 1 :])

    def of_samples(self, node: ast.expr) -> bool:
        """Whether an expression has a row for each sample: of tensors made of `zip(*batch)`. Against (N,) these are scalars, else it raises."""
        facts = self.facts
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and facts.qualified(n) is None]
        bound = [d.value for name in names for d in facts.definitions(name)]
        calls = [
            value
            for value in bound
            if isinstance(value, ast.Call) and last_name(value.func) in ("tensor", "FloatTensor", "as_tensor")
        ]
        columns = [d.value for call in calls for argument in call.args[:1] for d in facts.definitions(argument)]
        return bool(columns) and len(calls) == len(bound) and all(
            isinstance(zipped, ast.Call) and last_name(zipped.func) == "zip" and isinstance(zipped.args[0], ast.Starred) for zipped in columns
        )  # fmt: skip

    def scored(self, node: ast.AST, position: int) -> bool:
        """Whether a value is what a cross entropy takes: scores of classes (0), whose dimension 1 they are, or their numbers (1)."""
        facts = self.facts
        bound = facts.definitions(node)
        for call in facts.calls("cross_entropy", "nll_loss", "criterion", "loss_fn", "loss_func", "crit", "loss_function"):
            if len(call.args) > position and set(facts.definitions(call.args[position])) & set(bound):
                made = facts.some(call.func, "module")
                if (facts.qualified(call.func) or (made.name if made else "")).rpartition(".")[2] in _CLASSIFYING:
                    return True
        return False

    def unsqueezed(self, shape: Shape | None, where: int | None) -> Shape | None:
        if where == -1:
            return (*shape, 1) if shape is not None else (..., 1)
        if where is None or shape is None or ... in shape or not -len(shape) - 1 <= where <= len(shape):
            return None
        where %= len(shape) + 1
        return (*shape[:where], 1, *shape[where:])

    def squeezed(self, shape: Shape | None, dimension: ast.expr | None) -> Shape | None:
        if shape is None or ... in shape:
            return None
        if dimension is None:
            return tuple(size for size in shape if size != 1) if None not in shape[1:] else None
        where = self.integer(dimension)
        if where is None or not -len(shape) <= where < len(shape) or shape[where] is None:
            return None
        return shape if shape[where] != 1 else (*shape[: where % len(shape)], *shape[where % len(shape) + 1 :])

    def indexed(self, inner: ast.expr, index: ast.expr) -> Shape | None:
        if isinstance(inner, ast.Call) and last_name(inner.func) in _PAIRS and self.integer(index) in (0, 1):
            return self.reduced(inner)
        shape = self.of(inner)
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        if isinstance(parts[0], ast.Constant) and parts[0].value is ...:
            match parts[1:]:
                case [ast.Constant(value=None)]:
                    return self.unsqueezed(shape, -1)
                case [single] if (
                    self.integer(single) is not None and shape is not None and len(shape) > 1 and shape[-1] is not ...
                ):
                    return shape[:-1]
                case _:
                    return None
        if shape is None or ... in shape:
            return None
        result: list[int | EllipsisType | None] = []
        left = list(shape)
        for part in parts:
            if isinstance(part, ast.Constant) and part.value is None:
                result.append(1)
            elif not left:
                return None
            elif isinstance(part, ast.Slice):
                whole = part.lower is None and part.upper is None and part.step is None
                size = left.pop(0)
                result.append(size if whole else None)
            elif self.integer(part) is not None:
                left.pop(0)
            else:
                return None
        return (*result, *left)

    def broadcast(self, one: Shape | None, other: Shape | None) -> Shape | None:
        if one is None or other is None:
            return None
        if other == () or one == other:
            return one
        if one == ():
            return other
        return None

    def product(self, one: Shape | None, other: Shape | None) -> Shape | None:
        if one is None or other is None or len(one) != 2 or len(other) not in (1, 2) or ... in (one[0], other[0]):
            return None
        return (one[0], *other[1:])

    def through(self, module: Obj, shape: Shape | None, call: ast.Call) -> Shape | None:
        """The output of a module."""
        facts = self.facts
        if isinstance(module.node, ast.ClassDef) and module.frame is not None:
            if facts.source.piece(module.node) is None:
                return None
            forward = next((m for m in module.node.body if isinstance(m, ast.FunctionDef) and m.name == "forward"), None)
            returns = [r.value for r in facts.nodes_in(forward, ast.Return) if isinstance(r, ast.Return)] if forward else []
            return self.agreed([self.of(value) for value in returns])
        last = module.name.rpartition(".")[2]
        if last == "Linear" and isinstance(module.site, ast.Call) and facts.source.piece(module.site) is not None:
            given = facts.argument(module.site, 1, "out_features")
            width = self.size(given) if given is not None else None
            return (*(shape[:-1] if shape else (...,)), width)
        if last == "Sequential":
            layers = [item[0] for item in module.items or () if len(item) == 1]
            if len(layers) != len(module.items or ()) or not layers:
                return None
            for layer in layers:
                shape = self.through(layer, shape, call) if layer.kind == "module" else None
            return shape
        return shape if last in _KEPT_LAYERS and module.name.startswith("torch.nn.") else None
