"""What becomes of an object that must be released: is it, by whom, and on every way through the function that made it?"""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass, field

from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import FunctionNode, key_of, parameters
from oakum.semantics.lifetimes import Lifetimes
from oakum.semantics.paths import Paths, head
from oakum.semantics.program import COMPREHENSIONS, FUNCTIONS, Source

_CLOSERS = {"enter_context", "closing", "push", "aclosing"}
_LOOKING = {"len", "enumerate", "zip", "iter", "next", "print", "reversed", "sorted", "bool", "isinstance", "type", "range", "id"}
_BORROWING = (
    "json.",
    "pickle.",
    "numpy.",
    "csv.",
    "shutil.",
    "builtins.print",
    "yaml.",
    "tensorflow.",
    "tf.",
    "keras.",
    "pandas.",
    "torch.",
    "tqdm.",
)
_GIVING = {"set_as_default", "detach", "__enter__"}  # methods that make somebody else hold on to it
_ASKING = (ast.Attribute, ast.If, ast.While, ast.Compare, ast.UnaryOp, ast.Subscript, ast.FormattedValue)
_DEPTH = 3


class End(enum.Enum):
    """What becomes of a resource."""

    RELEASED = "released"  # however the function is left: by a `with`, or in a final block
    CLOSED = "closed"  # on all ways in sight, but not where a line in between fails
    LEFT = "left"  # closed on some ways, and left open on one in sight
    NEVER = "never"  # nobody closes it
    FREED = "freed"  # used in one expression and dropped
    HANDED = "handed"  # to somebody out of sight, who may close it
    KEPT = "kept"  # put into a container


@dataclass(frozen=True, slots=True)
class Owned:
    """How a resource ends.

    `key`: the name it goes by, bound by `binding`. `way`: the jump or statement that leaves it open. `closes`, `uses`: what
    releases it, and the other reads; None if some reads give it to somebody else.
    """

    end: End
    key: str | None = None
    binding: ast.AST | None = None
    way: ast.AST | None = None
    closes: tuple[ast.AST, ...] = ()
    uses: tuple[ast.AST, ...] | None = None


@dataclass(slots=True)
class _Uses:
    closes: list[ast.AST] = field(default_factory=list[ast.AST])
    handed: list[ast.AST] = field(default_factory=list[ast.AST])
    plain: list[ast.AST] = field(default_factory=list[ast.AST])


class Ownership:
    def __init__(self, evaluator: Evaluator, source: Source, lifetimes: Lifetimes) -> None:
        self.evaluator = evaluator
        self.source = source
        self.lifetimes = lifetimes
        self._paths: dict[FunctionNode | None, Paths] = {}

    def owned(self, made: ast.expr, releases: frozenset[str]) -> Owned:
        """What becomes of what an expression makes."""
        source = self.source
        node: ast.AST = made
        while isinstance(parent := source.parent(node), (ast.IfExp, ast.NamedExpr, ast.Await)):
            if isinstance(parent, ast.NamedExpr):
                return self._local(parent.target, parent, releases)
            node = parent
        match parent:
            case ast.withitem():
                return Owned(End.RELEASED)
            case (
                ast.Expr() | ast.Attribute() | ast.For() | ast.AsyncFor() | ast.comprehension() | ast.Compare() | ast.Subscript()
            ):
                return Owned(End.FREED)
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) if isinstance(target, ast.Name):
                return self._local(target, parent, releases)
            case ast.Assign(targets=[ast.Attribute() as target]) | ast.AnnAssign(target=ast.Attribute() as target):
                return self._attribute(target, parent, releases)
            case ast.Assign(targets=[ast.Subscript() as target]):
                return Owned(End.KEPT, key_of(target.value), parent)
            case ast.List() | ast.Tuple() | ast.Dict() | ast.Set():
                return Owned(End.KEPT)
            case _ if isinstance(parent, COMPREHENSIONS):
                return Owned(End.KEPT)
            case ast.Call(func=ast.Attribute(value=container, attr="append" | "add" | "appendleft")):
                return Owned(End.KEPT, key_of(container), parent)
            case ast.Call(func=function) if _last(function) in _CLOSERS:
                return Owned(End.RELEASED)
            case _:
                return Owned(End.HANDED)

    # --- a name of a function ---

    def _local(self, target: ast.Name, binding: ast.AST, releases: frozenset[str]) -> Owned:
        source, key = self.source, target.id
        function = source.function(target)
        flow = source.flow_in(function)
        if key in flow.globals | flow.nonlocals:
            return Owned(End.HANDED, key, binding)
        uses = _Uses()
        for read in self.lifetimes.reads_of(key, function):
            reaching = flow.uses.get(read)
            if source.function(read) is not function or (reaching is not None and not any(d.node is target for d in reaching)):
                if source.function(read) is not function:
                    uses.handed.append(read)  # a function that is made here may do anything with it, at any time
                continue
            self._use(read, releases, uses, _DEPTH)
        closes, handed = set(map(self._step, uses.closes)), set(map(self._step, uses.handed))
        plain = None if handed else tuple(uses.plain)
        statement = source.statement(binding)
        if not closes:
            end = End.HANDED if handed else End.NEVER
            return Owned(end, key, binding, uses=plain)
        if any(source.function(read) is not function for read in uses.handed) or statement is None:
            return Owned(End.HANDED, key, binding)
        way = self._way_out(function, statement, key, closes | handed)
        if way is not None:
            return Owned(End.LEFT, key, binding, way, tuple(uses.closes), plain)
        sure = handed or any(self._is_sure(close) for close in uses.closes)
        return Owned(End.RELEASED if sure else End.CLOSED, key, binding, None, tuple(uses.closes), plain)

    def _way_out(
        self, function: FunctionNode | None, statement: ast.stmt, key: str, stops: set[ast.AST | None]
    ) -> ast.AST | None:
        """The end of a way from a statement out of its function, or round a loop, that passes none of these statements."""
        source = self.source
        if function not in self._paths:
            body = [s for piece in source.pieces for s in piece.statements] if function is None else function.body
            self._paths[function] = Paths(body if isinstance(body, list) else [])

        def stops_it(node: ast.AST) -> bool:
            """Also a test around a release (`if f is not None: f.close()`): it is taken to hold where there is something to close."""
            return node in stops or (isinstance(node, ast.If) and self._guards(node, statement, stops))

        return self._paths[function].open_end(statement, stops_it)

    def _guards(self, test: ast.If, statement: ast.stmt, stops: set[ast.AST | None]) -> bool:
        inside = set(ast.walk(test))
        return statement not in inside and not inside.isdisjoint(stops)

    def _use(self, read: ast.AST, releases: frozenset[str], uses: _Uses, depth: int) -> None:
        """Sort one read of a resource into what it means for it."""
        source = self.source
        parent = source.parent(read)
        match parent:
            case ast.Attribute(attr=name):
                call = source.parent(parent)
                called = isinstance(call, ast.Call) and call.func is parent
                if name in releases:
                    uses.closes.append(call if called and call is not None else parent)
                elif (called and name not in _GIVING) or isinstance(call, _ASKING):
                    uses.plain.append(read)
                else:
                    uses.handed.append(read)
            case ast.withitem():
                uses.closes.append(parent.context_expr)
            case ast.Call(func=function) if read is not function:
                self._passed(parent, read, releases, uses, depth)
            case ast.keyword():
                call = source.parent(parent)
                if isinstance(call, ast.Call):
                    self._passed(call, parent, releases, uses, depth)
            case ast.IfExp() if read is not parent.test:
                uses.handed.append(read)
            case ast.IfExp() | ast.Delete() | ast.Expr() | ast.BoolOp() | ast.For() | ast.comprehension():
                uses.plain.append(read)
            case _ if isinstance(parent, _ASKING):
                uses.plain.append(read)
            case _:
                uses.handed.append(read)

    def _passed(self, call: ast.Call, argument: ast.AST, releases: frozenset[str], uses: _Uses, depth: int) -> None:
        source, evaluator = self.source, self.evaluator
        if _last(call.func) in _CLOSERS:
            uses.closes.append(call)
            return
        value = evaluator.value(call.func, evaluator.frame_at(source, call))
        if len(value) != 1:
            uses.handed.append(argument)
            return
        obj = value[0]
        if obj.kind == "library" and (obj.name.startswith(_BORROWING) or obj.name.rpartition(".")[2] in _LOOKING):
            (uses.handed if obj.name.rpartition(".")[2][:1].isupper() else uses.plain).append(argument)
            return
        if depth and obj.kind in ("function", "method") and isinstance(obj.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if obj.frame is not None and obj.frame.source is source and not isinstance(obj.node, ast.Lambda):
                listed = [p.arg for p in parameters(obj.node.args)][1 if obj.kind == "method" else 0 :]
                place = next((n for n, given in enumerate(call.args) if given is argument), -1)
                name = argument.arg if isinstance(argument, ast.keyword) else listed[place] if 0 <= place < len(listed) else None
                if name in listed:
                    inner = _Uses()
                    for read in self.lifetimes.reads_of(name, obj.node):
                        self._use(read, releases, inner, depth - 1)
                    if inner.handed or any(
                        isinstance(a, FUNCTIONS) and a is not obj.node for r in inner.plain for a in self._within(r, obj.node)
                    ):
                        uses.handed.append(argument)
                    elif inner.closes:
                        uses.closes.append(call)
                    else:
                        uses.plain.append(argument)
                    return
        uses.handed.append(argument)

    def _within(self, node: ast.AST, until: ast.AST) -> list[ast.AST]:
        found: list[ast.AST] = []
        for ancestor in self.source.ancestors(node):
            if ancestor is until:
                break
            found.append(ancestor)
        return found

    def _step(self, node: ast.AST) -> ast.AST | None:
        """The statement whose head holds a node: of a compound one the node is in the test, the iterable, or the items."""
        statement = self.source.statement(node)
        while statement is not None:
            if any(node is part or part in self.source.ancestors(node) for part in head(statement)):
                return statement
            parent = self.source.parent(statement)
            statement = self.source.statement(parent) if parent is not None else None
        return None

    def _is_sure(self, close: ast.AST) -> bool:
        """Whether a release happens also where a line before it fails: it is a `with`, or in a final block."""
        child = close
        for ancestor in self.source.ancestors(close):
            if isinstance(ancestor, ast.withitem) or (isinstance(ancestor, ast.Try) and child in ancestor.finalbody):
                return True
            if isinstance(ancestor, FUNCTIONS):
                return False
            child = ancestor
        return False

    # --- an attribute of an object ---

    def _attribute(self, target: ast.Attribute, binding: ast.AST, releases: frozenset[str]) -> Owned:
        """A resource that an object holds is its own; it ends where any line of the file ends it."""
        source, name, key = self.source, target.attr, key_of(target)
        cls = source.enclosing_class(target)
        if cls is None or key is None or key.partition(".")[0] != "self":
            return Owned(End.HANDED, key, binding)
        _, _, unknown = self.evaluator.ancestry(cls, self.evaluator.frame_at(source, cls))
        uses = _Uses()
        for node in source.named(name):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self._use(node, releases, uses, 1)
        if uses.closes:
            return Owned(End.RELEASED, key, binding, closes=tuple(uses.closes))
        return Owned(End.HANDED if uses.handed or unknown else End.NEVER, key, binding)

    # --- a container ---

    def contents_released(self, key: str, node: ast.AST, releases: frozenset[str]) -> bool:
        """Whether what a container holds may be released: somebody closes an element, or is handed one, or the whole."""
        source = self.source
        if self.elements_released(key, releases):
            return True
        return any(self._hands_on(read, releases) for read in self.lifetimes.reads_of(key, source.function(node)))

    def elements_released(self, key: str, releases: frozenset[str]) -> bool:
        """Whether somebody closes an element of what goes by a key."""
        calls = (call for method in releases for call in self.source.calls(method))
        tail = key.rpartition(".")[2]
        return any(isinstance(call.func, ast.Attribute) and self.comes_from(call.func.value, tail) for call in calls)

    def _hands_on(self, read: ast.AST, releases: frozenset[str]) -> bool:
        """Whether a read of a container gives it, or what it holds, to somebody."""
        source = self.source
        parent = source.parent(read)
        match parent:
            case ast.Attribute(attr="items" | "values" | "copy" | "pop" | "popleft" | "get"):
                call = source.parent(parent)
                return call is not None and self._hands_on(call, releases)
            case ast.Subscript(value=value, ctx=ast.Load()) if value is read:
                return not isinstance(source.parent(parent), (ast.Attribute, ast.Delete)) and self._hands_on(parent, releases)
            case ast.Call(func=function) if read is not function:
                if _last(function) in ("enumerate", "zip", "iter", "list", "reversed", "tuple"):
                    return self._hands_on(parent, releases)
                return _last(function) not in _LOOKING
            case ast.For(target=target, iter=iterable) | ast.comprehension(target=target, iter=iterable) if iterable is read:
                uses = _Uses()
                flow = source.flow_in(source.function(read))
                bound = {name for name in ast.walk(target) if isinstance(name, ast.Name)}
                for name in bound:
                    for use in self.lifetimes.reads_of(name.id, source.function(read)):
                        if any(definition.node in bound for definition in flow.uses.get(use, ())):
                            self._use(use, releases, uses, 2)
                return bool(uses.handed or uses.closes)
            case (
                ast.Attribute()
                | ast.Compare()
                | ast.Subscript()
                | ast.If()
                | ast.While()
                | ast.UnaryOp()
                | ast.Expr()
                | ast.Delete()
            ):
                return False
            case _:
                return True

    def comes_from(self, element: ast.AST, tail: str, depth: int = 3) -> bool:
        """Whether an expression is an element of what goes by a name: `xs[0]`, or bound by a loop over `xs`."""
        source = self.source
        for node in ast.walk(element):
            if (isinstance(node, ast.Name) and node.id == tail) or (isinstance(node, ast.Attribute) and node.attr == tail):
                return True
            if depth and isinstance(node, ast.Name):
                for definition in source.flow_in(source.function(node)).uses.get(node, ()):
                    if definition.value is not None and definition.value is not element:
                        if self.comes_from(definition.value, tail, depth - 1):
                            return True
        return False


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
