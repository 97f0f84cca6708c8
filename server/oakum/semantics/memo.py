"""Memo tables: containers that are looked up before they are filled, and functions whose results a decorator keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from oakum.knowledge import torch as knowledge
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import ENTRY, Definition, FunctionNode, in_order, key_of
from oakum.semantics.program import FUNCTIONS, Source

_UNBOUNDED = None
# Decorators that keep results: how many, unless an argument says so.
_DECORATORS: dict[str, int | None] = {
    "functools.lru_cache": 128,
    "functools.cache": _UNBOUNDED,
    "cachetools.func.lru_cache": 128,
    "cachetools.cached": _UNBOUNDED,
    "async_lru.alru_cache": 128,
    "cache_decorator.cache": _UNBOUNDED,
}
_LOADING = {"open", "load", "imread", "read_image", "decode_image", "decode_jpeg", "imdecode", "load_image", "read_video"}
_MODEL_LOADING = {"from_pretrained", "from_checkpoint", "load_from_checkpoint", "create_model", "load_model"}


_SIZES = {"shape", "size", "numel", "data_ptr", "nelement"}
_IDENTITIES = {"id", "hash", "len"}
_ONE_OF_A_FEW = (
    "level",
    "scale",
    "stage",
    "layer",
    "index",
    "name",
    "mode",
    "type",
    "device",
    "task",
    "head",
    "block",
    "kind",
    "stride",
    "rank",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A store in a table that is looked up first. `lookup`: where, the store itself for `setdefault`."""

    container: ast.expr
    key: ast.expr
    item: ast.expr
    lookup: ast.AST


@dataclass(frozen=True, slots=True)
class Memoised:
    """A decorator that keeps results of a function by its arguments; `bound`: how many, None for all."""

    decorator: ast.expr
    bound: int | None


class Memo:
    def __init__(self, evaluator: Evaluator, source: Source) -> None:
        self.evaluator = evaluator
        self.source = source

    # --- tables ---

    def table(self, node: ast.Assign | ast.Call) -> Table | None:
        """What a store puts into a table under a key by which the same function looks it up: `if k in c`, `c.get(k)`, `except KeyError`."""
        match node:
            case ast.Call(func=ast.Attribute(value=container, attr="setdefault"), args=[key, ast.Call() as item]):
                return Table(container, key, item, node)
            case ast.Assign(targets=targets, value=item):
                for target in targets:
                    if isinstance(target, ast.Subscript) and not isinstance(target.slice, (ast.Slice, ast.Constant)):
                        lookup = self.lookup(target.value, target.slice, node)
                        if lookup is not None:
                            return Table(target.value, target.slice, item, lookup)
                return None
            case _:
                return None

    def lookup(self, container: ast.expr, key: ast.expr, store: ast.AST) -> ast.AST | None:
        source = self.source
        function = source.function(store)
        name, text = source.text(container), ast.unparse(key)  # `c[h, w]` is `c[(h, w)]`

        def same(found: ast.expr, as_key: ast.expr) -> bool:
            return source.text(found) == name and ast.unparse(as_key) == text

        for node in self.inside(function, store):
            match node:
                case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[found]):
                    if isinstance(found, ast.Call) and isinstance(found.func, ast.Attribute) and found.func.attr == "keys":
                        found = found.func.value
                    if same(found, left):
                        return node
                case ast.Call(func=ast.Attribute(value=found, attr="get"), args=[asked, *_]) if same(found, asked):
                    return node
                case ast.Try(body=body, handlers=handlers) if any("KeyError" in source.text(h.type) for h in handlers if h.type):
                    for statement in body:
                        for part in ast.walk(statement):
                            if (
                                isinstance(part, ast.Subscript)
                                and isinstance(part.ctx, ast.Load)
                                and same(part.value, part.slice)
                            ):
                                return part
                case _:
                    pass
        return None

    def inside(self, function: FunctionNode | None, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes of a function; at the top of a file, those of the statement there that holds the node."""
        scope: ast.AST | None = function
        if scope is None:
            around = [node, *self.source.ancestors(node)]
            scope = next((outer for outer in reversed(around) if isinstance(outer, ast.stmt)), None)
        pending: list[ast.AST] = [scope] if scope is not None else []
        while pending:
            current = pending.pop()
            yield current
            if current is scope or not isinstance(current, FUNCTIONS):
                pending.extend(ast.iter_child_nodes(current))

    # --- what is kept ---

    def roots(self, node: ast.expr, depth: int = 4) -> set[str]:
        """Parameters and names of loops that an expression is made of. Empty where a part is one of a few: `i % 4`, `x.dtype`."""
        found: set[str] = set()
        for part in ast.walk(node):
            if (
                isinstance(part, ast.BinOp)
                and isinstance(part.op, ast.Mod)
                and not isinstance(part.left, (ast.Constant, ast.JoinedStr))
            ):
                return set()
            if isinstance(part, ast.Attribute) and part.attr in ("dtype", "device", "ndim", "type", "layout"):
                return set()
            if not isinstance(part, ast.Name) or not isinstance(part.ctx, ast.Load):
                continue
            for definition in in_order(d for d in self.flow_uses(part) if d is not ENTRY):
                if definition.how in ("parameter", "for") and definition.key not in ("self", "cls"):
                    found.add(definition.key)
                elif definition.how in ("assign", "with") and definition.value is not None and depth:
                    found |= self.roots(definition.value, depth - 1)
        return found

    def is_by_input(self, key: ast.expr, *, passed: bool) -> bool:
        """Whether a part of a key is a size or an identity of what a function is given.

        `passed`: or a parameter as it is, unless it is one of a few by its name (`level`, `mode`).
        """
        return any(self.is_open_ended(part, passed) for part in self.parts(key))

    def parts(self, key: ast.expr, depth: int = 4) -> Iterator[ast.expr]:
        """What a key is put together from: elements of a tuple, values in a text, what a name is bound to."""
        match key:
            case ast.Tuple(elts=elements):
                inner = elements
            case ast.JoinedStr(values=values):
                inner = [value.value for value in values if isinstance(value, ast.FormattedValue)]
            case ast.Call(func=ast.Name(id="str" | "tuple" | "repr" | "int"), args=[only]):
                inner = [only]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                inner = [left, right]
            case ast.Name():
                bound = [
                    d for d in in_order(d for d in self.flow_uses(key) if d is not ENTRY) if d.how == "assign" and not d.path
                ]
                inner = [d.value for d in bound if d.value is not None]
            case _:
                inner = []
        if not inner or not depth:
            yield key
        for part in inner if depth else ():
            yield from self.parts(part, depth - 1)

    def is_open_ended(self, part: ast.expr, passed: bool, depth: int = 3) -> bool:
        if not self.roots(part):
            return False
        for node in ast.walk(part):
            if isinstance(node, ast.Attribute) and node.attr in _SIZES:
                return True
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _IDENTITIES:
                return True
            for definition in self.flow_uses(node) if isinstance(node, ast.Name) else ():
                if definition.how == "parameter" and node is part:
                    return passed and not any(word in definition.key.lower() for word in _ONE_OF_A_FEW)
                if depth and definition.how == "assign" and definition.value is not None:
                    if self.is_open_ended(definition.value, passed, depth - 1):
                        return True
        return False

    def flow_uses(self, node: ast.Name) -> frozenset[Definition]:
        return self.source.flow_in(self.source.function(node)).uses.get(node, frozenset())

    def computed(self, node: ast.expr, depth: int = 4) -> str:
        """Out of what a value is made: "model" (what a module gives), "file" (it is loaded), "weights" (a model that is loaded), or ""."""
        evaluator, source = self.evaluator, self.source
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                callee = part.func
                last = callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""
                if last in _MODEL_LOADING:
                    return "weights"
                value = evaluator.value(callee, evaluator.frame_at(source, callee))
                if value and all(obj.kind == "module" for obj in value):
                    return "model"
                if last in _LOADING and evaluator.qualified(callee, evaluator.frame_at(source, callee)) is not None:
                    return "file"
                for obj in value if depth > 0 else ():
                    if obj.kind in ("function", "method") and isinstance(obj.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        if source.piece(obj.node) is not None:
                            for returned in source.flow_in(obj.node).returns:
                                if returned.value is not None and (made := self.computed(returned.value, depth - 2)):
                                    return made
            elif isinstance(part, ast.Attribute) and part.attr == "past_key_values":
                return "model"
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and depth > 0:
                for definition in self.flow_uses(part):
                    value = getattr(definition, "value", None)
                    if (
                        getattr(definition, "how", "") == "assign"
                        and value is not None
                        and (made := self.computed(value, depth - 1))
                    ):
                        return made
        return ""

    # --- decorators ---

    def memoised(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Memoised | None:
        """The decorator that keeps a function's results: of the standard library, or one in sight that fills a table of its own."""
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            frame = self.evaluator.frame_at(self.source, decorator)
            name = self.evaluator.qualified(called, frame)
            if name in _DECORATORS:
                bound = self.bound(decorator, _DECORATORS[name]) if isinstance(decorator, ast.Call) else _DECORATORS[name]
                return Memoised(decorator, bound)
            if not isinstance(decorator, ast.Call):
                for obj in self.evaluator.value(called, frame):
                    if isinstance(obj.node, ast.FunctionDef) and obj.kind == "function" and self.is_memoiser(obj.node):
                        return Memoised(decorator, None)
        return None

    def bound(self, decorator: ast.Call, default: int | None) -> int | None:
        given = next((k.value for k in decorator.keywords if k.arg in ("maxsize", "cache")), None)
        given = given if given is not None else decorator.args[0] if decorator.args else None
        match given:
            case None:
                return default
            case ast.Constant(value=bool()):
                return default
            case ast.Constant(value=int(size)):
                return size
            case ast.Constant(value=None) | ast.Dict():
                return None
            case ast.Call(func=ast.Name(id="dict"), args=[]):
                return None
            case _:
                return 0  # a bound that isn't in sight, or a cache with one

    def is_memoiser(self, decorator: ast.FunctionDef) -> bool:
        """Whether a decorator keeps results of what it decorates in a table around the function that it returns."""
        if self.source.piece(decorator) is None or not decorator.args.args:
            return False
        wrapped = decorator.args.args[0].arg
        for node in ast.walk(decorator):
            if not isinstance(node, ast.Assign) or (table := self.table(node)) is None:
                continue
            calls = any(
                isinstance(n, ast.Call) and key_of(n.func) == wrapped for n in self.inside(self.source.function(node), node)
            )
            name = key_of(table.container)
            own = name is not None and name in self.source.flow_in(decorator).definitions
            if (
                calls
                and own
                and not any(isinstance(n, ast.Attribute) and n.attr in ("pop", "popitem", "clear") for n in ast.walk(decorator))
            ):
                return True
        return False

    def is_tensor_parameter(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
        """Whether a parameter is a tensor: by its annotation, by a call in sight, or as it is given to a module."""
        evaluator, source = self.evaluator, self.source
        for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
            if argument.arg == name and argument.annotation is not None:
                return source.text(argument.annotation).rpartition(".")[2].strip("'\"") in knowledge.TENSOR_TYPES
        for node in self.inside(function, function):
            if isinstance(node, ast.Call) and any(isinstance(a, ast.Name) and a.id == name for a in node.args):
                value = evaluator.value(node.func, evaluator.frame_at(source, node))
                if value and all(obj.kind == "module" for obj in value):
                    return True
        frame = evaluator.open_frame(source, function)
        passed = evaluator.passed(function, name, frame)
        return passed is not None and bool(passed) and all(obj.kind in ("tensor", "output") for obj in passed)
