"""Why a node runs again and again in one process, and what keeps it from doing so: a memo, a test for the first time, a way out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oakum.knowledge import torch as knowledge
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import FunctionNode, container_of, key_of
from oakum.semantics.lifetimes import Lifetimes
from oakum.semantics.program import LOOPS, SCOPES, Source

_FEW = 4
_BY_LOOP, _IN_A_CALL, _FOR_GOOD = -1, 1, 2  # how long a test for the first time holds; by a counter: see `counted_in`
_MEMOISING = ("cache", "memo", "once", "fixture", "property_once", "singleton")
_MISSES = {"KeyError", "AttributeError", "LookupError", "NameError", "TypeError"}


@dataclass(frozen=True, slots=True)
class Again:
    """Proof that a node runs again and again.

    `loop`: the loop or comprehension, or the function that a framework calls for each batch, epoch or request. `call`: the call in
    this file through which the loop reaches the node, None if the node stands in the loop itself.
    """

    loop: ast.AST
    call: ast.Call | None = None


Excuse = Callable[[ast.AST, ast.AST], bool]


class Repetition:
    def __init__(self, evaluator: Evaluator, source: Source, lifetimes: Lifetimes) -> None:
        self.evaluator = evaluator
        self.source = source
        self.lifetimes = lifetimes

    def again(self, node: ast.AST, excuse: Excuse, called: frozenset[str], depth: int = 3) -> Again | None:
        """Why a node runs more than a few times. `excuse(loop, node)`: that a loop doesn't count; `called`: more methods of frameworks."""
        source = self.source
        function = source.function(node)
        if function is not None and self.memoised(function):
            return None
        once = self.once(node, function)
        if once == _FOR_GOOD:
            return None
        loops = source.loops(node) if once != _IN_A_CALL else []
        if (counting := self.counted_in(node)) in loops:
            loops = loops[loops.index(counting) + 1 :]  # pyright: ignore[reportArgumentType]
        for loop in loops:
            if not self.few(loop) and not self.left(node, loop) and not excuse(loop, node):
                return Again(loop)
        if function is None:
            return None
        name = getattr(function, "name", "")
        framework = source.class_of(function) is not None and name in knowledge.REPEATED_METHODS | called
        if framework or self.answers_requests(function) or self.lifetimes.is_hook(function):
            return Again(function)
        if not depth:
            return None
        for call, _ in self.evaluator.callers(function, source):
            if self.evaluator.touched is not None:
                self.evaluator.touched(source, call)
            if source.function(call) is not function and (found := self.again(call, excuse, called, depth - 1)) is not None:
                return Again(found.loop, found.call or call)
        return None

    def memoised(self, function: FunctionNode) -> bool:
        """Whether a decorator keeps what a function returned: `lru_cache`, `cached_property`, `st.cache_resource`."""
        return any(any(word in ast.unparse(d).lower() for word in _MEMOISING) for d in getattr(function, "decorator_list", ()))

    def answers_requests(self, function: FunctionNode) -> bool:
        """Whether a web framework calls a function for each request."""
        for decorator in getattr(function, "decorator_list", ()):
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(target, ast.Attribute) and target.attr in knowledge.REQUEST_DECORATORS and decorator is not target:
                return True
        return False

    def few(self, loop: ast.AST) -> bool:
        """Whether a loop goes through a handful of things that are written down: a literal, `range(3)`, `zip` and `enumerate` of such."""
        if isinstance(loop, ast.While):
            return False
        iterable = loop.iter if isinstance(loop, (ast.For, ast.AsyncFor)) else loop.generators[0].iter  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
        return self.short(iterable)  # pyright: ignore[reportUnknownArgumentType]

    def short(self, iterable: ast.expr, depth: int = 3) -> bool:
        match iterable:
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return True
            case ast.IfExp(body=body, orelse=orelse):  # `paths if isinstance(paths, list) else [paths]`
                return self.short(body, depth) or self.short(orelse, depth)
            case ast.Call(func=ast.Name(id="range"), args=[*_, ast.Constant(value=int(last))]) if len(iterable.args) < 3:
                return last <= _FEW
            case ast.Call(func=ast.Name(id="enumerate" | "reversed" | "sorted" | "list" | "tqdm" | "zip"), args=arguments):
                return any(self.short(argument, depth) for argument in arguments)
            case ast.Call(func=ast.Attribute(value=owner, attr="items" | "keys" | "values"), args=[]):
                return self.short(owner, depth)
            case ast.Name() | ast.Attribute() if depth:
                function = self.source.function(iterable)
                key = key_of(iterable)
                found = self.source.flow_in(function).uses.get(iterable) or ()
                if not found and key is not None:
                    found = self.source.flow.definitions.get(key, ())
                values = [d.value for d in found if d.how == "assign" and not d.path]
                literal = (ast.List, ast.Tuple, ast.Set, ast.Dict)
                return bool(values) and all(isinstance(v, literal) and len(_elements(v)) > 0 for v in values)
            case _:
                return False

    def left(self, node: ast.AST, loop: ast.AST) -> bool:
        """Whether a loop is left for good in the iteration in which the node runs: `break` or `return` behind it, on the same way."""
        child = node
        inner = False  # inside another loop, whose `break` isn't one of `loop`
        for parent in self.source.ancestors(node):
            if isinstance(child, (ast.Return, ast.Raise)):
                return True
            for block in _blocks(parent):
                if child in block:
                    later = block[block.index(child) + 1 :]  # pyright: ignore[reportArgumentType]
                    leaving = (ast.Return, ast.Raise) if inner else (ast.Return, ast.Raise, ast.Break)
                    if any(isinstance(statement, leaving) for statement in later):
                        return True
            if parent is loop:
                return False
            inner = inner or isinstance(parent, LOOPS)
            child = parent
        return False

    def once(self, node: ast.AST, function: FunctionNode | None) -> int:
        """Whether a test keeps a node from running twice: `if self.group is None:`, `if key not in cache:`, `if step == 0:`.

        `_FOR_GOOD`, or `_IN_A_CALL` where what is tested is a local of the function: each call starts anew.
        """
        child = node
        found = 0
        for parent in self.source.ancestors(node):
            if parent is function:
                break
            match parent:
                case ast.If(test=test, body=body, orelse=orelse) if child is not test:
                    taken = child in body
                    found = max(found, self.first_time(test, body if taken else orelse, positive=taken))
                case ast.IfExp(test=test, body=body) if child is not test:
                    statement = self.source.statement(parent)
                    if statement is not None:
                        found = max(found, self.first_time(test, [statement], positive=child is body))
                case ast.BoolOp(op=ast.Or(), values=values) if child in values[1:]:  # `self.group or new_group()`
                    statement = self.source.statement(parent)
                    if statement is not None:
                        found = max(found, self.binds([statement], values[0]))
                case ast.ExceptHandler(type=ast.Name(id=name)) if name in _MISSES:
                    return _FOR_GOOD
                case _:
                    pass
            found = max(found, self.returned_before(parent, child))
            child = parent
        return max(found, self.returned_before(function, child)) if function is not None else found

    def returned_before(self, parent: ast.AST, child: ast.AST) -> int:
        """Whether `if cached is not None: return cached` (or `continue`) stands above a statement that fills what it tests."""
        for block in _blocks(parent):
            if child not in block:
                continue
            place = block.index(child)  # pyright: ignore[reportArgumentType]
            for earlier in block[:place]:
                if isinstance(earlier, ast.If) and isinstance(earlier.body[-1], (ast.Return, ast.Continue, ast.Raise)):
                    if found := self.first_time(earlier.test, block[place:], positive=False):
                        return found
        return 0

    def first_time(self, test: ast.expr, block: list[ast.stmt], *, positive: bool) -> int:
        """Whether a test (or, not `positive`, its failure) holds until a block has run: the block fills what the test asks for."""
        match test:
            case ast.BoolOp(values=values):
                return max(self.first_time(value, block, positive=positive) for value in values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.first_time(operand, block, positive=not positive)
            case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None | False)]):
                return max(self.binds(block, left), self.counted(left)) if positive else 0
            case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
                return 0 if positive else self.binds(block, left)
            case ast.Compare(ops=[ast.NotIn()], comparators=[container]):
                return self.binds(block, container) if positive else 0
            case ast.Compare(ops=[ast.In()], comparators=[container]):
                return 0 if positive else self.binds(block, container)
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                if isinstance(left, ast.Name) and isinstance(right, ast.Constant) and isinstance(right.value, int):
                    if not self.counted(left):
                        return _FOR_GOOD if positive and "rank" not in left.id else 0  # a counter that is passed
                return max(self.counted(left), self.counted(right)) if positive else 0
            case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=str(name))]):
                return 0 if positive else self.binds(block, ast.Attribute(owner, name, ast.Load()))
            case ast.Call(func=ast.Attribute(value=owner, attr="get" | "is_initialized"), args=[*_]):
                return 0 if positive else self.binds(block, owner)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self.binds(block, test, constant=positive)
            case _:
                return 0

    def binds(self, block: list[ast.stmt], asked: ast.expr, *, constant: bool = False) -> int:
        """Whether a block binds a name or chain, or puts into the container of that name; `constant`: to False or None."""
        match asked:
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                key = f"{key_of(owner)}.{name}"
            case _:
                key = key_of(container_of(asked))
        if key is None:
            return 0
        # `cached = getattr(self, "cached", None)`, `group = cache.get(key)`: what is tested is read from what is filled.
        keys = {key}
        if isinstance(asked, ast.Name):
            for definition in self.source.flow_in(self.source.function(asked)).uses.get(asked, ()):
                match definition.value:
                    case ast.Call(func=ast.Attribute(value=owner, attr="get")) | ast.Subscript(value=owner):
                        keys.add(key_of(owner) or key)
                    case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                        keys.add(f"{key_of(owner)}.{name}")
                    case (ast.Attribute() | ast.Name()) as other:
                        keys.add(key_of(other) or key)
                    case _:
                        pass
        found = 0
        for statement in block:
            for node in ast.walk(statement):
                match node:
                    case ast.Assign(targets=targets, value=value):
                        pairs = [(target, value) for target in targets]
                    case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                        pairs = [(target, value)]
                    case ast.Call(func=ast.Name(id="setattr"), args=[owner, ast.Constant(value=str(name)), value]):
                        pairs = [(ast.Attribute(owner, name, ast.Store()), value)]
                    case ast.Call(func=ast.Attribute(value=owner, attr="append" | "add" | "setdefault" | "update")):
                        pairs = [(owner, node)]
                    case _:
                        continue
                for target, value in pairs:
                    for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                        if key_of(container_of(part)) in keys:
                            if not constant or (isinstance(value, ast.Constant) and not value.value):
                                found = max(found, self.lasting(part, asked))
        return found

    def lasting(self, part: ast.expr, asked: ast.expr) -> int:
        """Whether what is bound is there in the next call, too: no plain local of the function, nor in a container that is one."""
        function, base = self.source.function(asked), container_of(part)
        if function is None or not isinstance(base, ast.Name):
            return _FOR_GOOD
        flow = self.source.flow_in(function)
        if base.id in flow.globals | flow.nonlocals or base.id not in flow.definitions:
            return _FOR_GOOD
        passed = isinstance(part, ast.Subscript) and flow.definitions[base.id][0].how == "parameter"
        return _FOR_GOOD if passed else _IN_A_CALL

    def counted_in(self, node: ast.AST) -> ast.AST | None:
        """The loop in one iteration of which a test lets a node run: `for step in ...: if step == 0:`."""
        child = node
        for parent in self.source.ancestors(node):
            if isinstance(parent, SCOPES):
                return None
            if isinstance(parent, ast.If) and child in parent.body:
                tests = parent.test.values if isinstance(parent.test, ast.BoolOp) else [parent.test]
                for test in tests:
                    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and not _divides(test):
                        uses = self.source.flow_in(self.source.function(test)).uses
                        names = [n for n in ast.walk(test) if isinstance(n, ast.Name)]
                        for definition in (d for name in names for d in uses.get(name, ()) if d.how == "for"):
                            return definition.statement
            child = parent
        return None

    def counted(self, node: ast.expr) -> int:
        """Whether an expression is a counter of a loop as it is, not what is left of it by a division."""
        if _divides(node):
            return 0
        uses = self.source.flow_in(self.source.function(node)).uses
        names = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))]
        found = [definition for name in names for definition in uses.get(name, ())]
        if any(definition.how == "augment" for definition in found):
            return _IN_A_CALL
        return _BY_LOOP if any(definition.how == "for" for definition in found) else 0


def _divides(node: ast.AST) -> bool:
    return any(isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Mod, ast.FloorDiv, ast.BitAnd)) for n in ast.walk(node))


def _elements(node: ast.expr) -> list[ast.expr]:
    return [k for k in node.keys if k] if isinstance(node, ast.Dict) else list(getattr(node, "elts", ()))


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block  # pyright: ignore[reportUnknownVariableType]
