"""Whether an expression holds a whole data set, whose size nobody bounds: a proof from the facts of a file."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oakum.facts.shapes import last_name
from oakum.semantics.flow import Definition

if TYPE_CHECKING:
    from oakum.facts.tensors import TensorFacts

LARGE = 10_000  # rows below which nobody minds

_JOINS = {"cat", "concat", "concatenate", "stack", "vstack", "row_stack"}
_SAME_ROWS = {
    "to", "cuda", "cpu", "float", "double", "half", "long", "int", "detach", "clone", "contiguous", "numpy", "astype", "tensor", "as_tensor", "from_numpy",
    "FloatTensor", "Tensor", "LongTensor", "asarray", "array", "normalize", "fit_transform", "transform", "t", "transpose", "view", "reshape", "flatten",
    "div", "mul", "sub", "relu", "permute", "requires_grad_", "type", "unsqueeze", "squeeze", "to_numpy", "Variable", "copy", "square", "pow",
    "to_categorical", "expand_dims", "pad_sequences",
}  # fmt: skip
_READERS = (
    "pandas.read_",
    "numpy.load",
    "numpy.loadtxt",
    "numpy.genfromtxt",
    "sklearn.datasets.fetch_",
    "scipy.io.loadmat",
    "datasets.load_dataset",
    *(f"keras.datasets.{name}." for name in ("mnist", "fashion_mnist", "cifar10", "cifar100", "imdb", "reuters")),
)
_SETS = ("torchvision.datasets.", "datasets.load_dataset")
_EMPTY = {"empty", "zeros", "ones", "randn", "rand", "full"}


class WholeSet:
    """The place where a whole data set comes together, for expressions of one file."""

    def __init__(self, facts: TensorFacts) -> None:
        self.facts = facts
        self.busy: set[ast.AST] = set()

    def of(self, node: ast.AST | None) -> ast.AST | None:
        if node is None or node in self.busy or len(self.busy) > 40:
            return None
        self.busy.add(node)
        try:
            return self.found(node)
        finally:
            self.busy.discard(node)

    def found(self, node: ast.AST) -> ast.AST | None:
        facts = self.facts
        match node:
            case ast.Name(id=name):
                bound = facts.definitions(node) or facts.bindings(None, name)
                places = [self.bound(d, node) for d in bound]
                return places[0] if places and all(places) else None
            case ast.Attribute(value=dataset, attr="data" | "targets" | "train_data" | "test_data" | "tensors"):
                return node if self.is_set(dataset) else self.of(dataset)
            case ast.Attribute(value=inner, attr="values" | "T" | "mT"):
                return self.of(inner)
            case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=None, step=None)):
                return node if self.is_set(inner) else self.of(inner)
            case ast.Subscript(
                value=inner, slice=ast.Tuple(elts=[ast.Slice(lower=None, upper=None, step=None) | ast.Constant(value=None), *_])
            ):
                return self.of(inner)
            case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=ast.Name() as count, step=None)):
                return (
                    self.of(inner)
                    if any(d.how == "augment" and self.over_batches(d.node) for d in facts.definitions(count))
                    else None
                )
            case ast.Subscript(value=inner, slice=ast.Constant(value=str()) | ast.List() | ast.Constant(value=None)):
                return self.of(inner)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() | ast.Sub() | ast.Add(), right=right):
                return self.of(left) or self.of(right)
            case ast.Call():
                return self.called(node)
            case _:
                return None

    def is_set(self, node: ast.expr) -> bool:
        """Whether an expression is a data set of a library that holds everything in memory."""
        facts = self.facts
        if isinstance(node, ast.Call):
            return (facts.qualified(node.func) or "").startswith(_SETS)
        bound = facts.definitions(node) or facts.bindings(None, facts.key(node) or "")
        return bool(bound) and all(isinstance(d.value, ast.Call) and self.is_set(d.value) for d in bound)

    def bound(self, definition: Definition, read: ast.expr) -> ast.AST | None:
        facts, value, path = self.facts, definition.value, definition.path
        if definition.how == "parameter":
            function = facts.function(read)
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return None
            calls = facts.callers(function)
            places = [self.of(facts.passed(function, call, definition.key)) for call in calls[:4]]
            return places[0] if places and all(places) else None
        if value is None or definition.how not in ("assign", "for"):
            return None
        if definition.how == "for":
            return self.full_batch(value)
        match value:
            case ast.Call(func=function, args=arrays) if last_name(function) == "train_test_split":
                index = path[0] if path and isinstance(path[0], int) else 0
                source = arrays[index // 2] if index // 2 < len(arrays) else None
                return value if source is not None and (self.of(source) or self.of_reader(source)) else None
            case ast.Call(func=ast.Name(id="next"), args=[ast.Call(func=ast.Name(id="iter"), args=[loader])]):
                return self.full_batch(loader)
            case ast.Tuple(elts=elements) if len(path) == 1 and isinstance(path[0], int) and path[0] < len(elements):
                return self.of(elements[path[0]])
            case ast.Call(func=function) if last_name(function) in _EMPTY and not path:
                return value if self.is_filled(definition) or self.is_long(value) else None
            case ast.Call() if len(path) == 1 and isinstance(path[0], int):
                return self.returned(value, path[0])
            case _:
                return self.of(value)

    def returned(self, call: ast.Call, part: int | None = None) -> ast.AST | None:
        """Whether a function in sight gives a whole set, as a part of a tuple where one is named."""
        facts = self.facts
        for function in facts.called(call):
            for back in facts.nodes_in(function, ast.Return):
                given = back.value if isinstance(back, ast.Return) else None
                if part is not None:
                    given = given.elts[part] if isinstance(given, ast.Tuple) and part < len(given.elts) else None
                if (place := self.of(given)) is not None:
                    return place
        return None

    def over_batches(self, node: ast.AST) -> bool:
        """Whether a loop around a node goes through the batches of a data set."""
        return any(self.facts.walks_batches(loop) or self.facts.feeds(loop) for loop in self.facts.loops(node))

    def is_long(self, node: ast.expr) -> bool:
        shape = self.facts.shape(node)
        return shape is not None and len(shape) > 1 and isinstance(shape[0], int) and shape[0] >= LARGE

    def is_filled(self, definition: Definition) -> bool:
        """Whether batches of a loader are written into an array: `features[n:n + b] = model(x)`."""
        facts = self.facts
        for store in facts.nodes(ast.Subscript):
            assert isinstance(store, ast.Subscript)
            if (
                isinstance(store.ctx, ast.Store)
                and definition in facts.definitions(store.value)
                and isinstance(store.slice, ast.Slice)
            ):
                if self.over_batches(store):
                    return True
        return False

    def full_batch(self, iterable: ast.expr) -> ast.AST | None:
        """The loader under an iterable, if each batch of it is the whole set."""
        facts = self.facts
        maker = facts.maker(iterable, "loader")
        size = facts.argument(maker, 1, "batch_size") if maker is not None else None
        if maker is None or size is None or facts.source.piece(maker) is None:
            return None
        match size:
            case ast.Call(func=ast.Name(id="len")):
                return maker
            case _:
                return (
                    maker if any(isinstance(obj.constant, int) and obj.constant >= LARGE for obj in facts.value(size)) else None
                )

    def of_reader(self, node: ast.AST) -> ast.AST | None:
        """The call that reads a file into memory, behind attributes and columns."""
        current = node
        while True:
            match current:
                case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                    current = inner
                case ast.Call(func=function):
                    if (self.facts.qualified(function) or "").startswith(_READERS):
                        return current
                    if not isinstance(function, ast.Attribute):
                        return None
                    current = function.value
                case ast.Name(id=name):
                    bound = self.facts.definitions(current) or self.facts.bindings(None, name)
                    found = [d.value for d in bound if d.value is not None]
                    if len(found) != 1 or found[0] in self.busy:
                        return None
                    self.busy.add(found[0])
                    try:
                        return self.of_reader(found[0])
                    finally:
                        self.busy.discard(found[0])
                case _:
                    return None

    def called(self, call: ast.Call) -> ast.AST | None:
        facts, name = self.facts, last_name(call.func)
        if (facts.qualified(call.func) or "").startswith(_READERS):
            return call
        inner = call.func.value if facts.is_method(call) and isinstance(call.func, ast.Attribute) else None
        if name in _JOINS and call.args and inner is None:
            return call if self.of_batches(call.args[0]) else None
        if facts.is_module(call.func) and call.args:
            return self.of(call.args[0])
        if name in _SAME_ROWS:
            receiver = (
                inner if inner is not None and name not in ("fit_transform", "transform") else call.args[0] if call.args else None
            )
            return self.of(receiver)
        if name in ("drop", "dropna", "fillna") and inner is not None:
            return self.of(inner)
        return self.returned(call)

    def of_batches(self, node: ast.expr) -> bool:
        """Whether a list holds something of each batch of a loader."""
        facts = self.facts
        match node:
            case ast.ListComp(generators=[generator]) | ast.GeneratorExp(generators=[generator]):
                return facts.is_loader(generator.iter)
            case ast.Call(func=ast.Name(id="list"), args=[loader]):
                return facts.is_loader(loader)
            case ast.Name(id=name):
                kept = [d for d in facts.definitions(node) if isinstance(d.value, (ast.List, ast.ListComp))]
                if any(isinstance(d.value, ast.ListComp) and self.of_batches(d.value) for d in kept):
                    return True
                for call in facts.calls("append", "extend"):
                    if (
                        isinstance(call.func, ast.Attribute)
                        and facts.key(call.func.value) == name
                        and facts.function(call) is facts.function(node)
                    ):
                        loops = facts.loops(call)
                        if self.over_batches(call) and not any(loop in facts.loops(node) for loop in loops):
                            return True
                return False
            case _:
                return False
