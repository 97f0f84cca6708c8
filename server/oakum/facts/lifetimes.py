"""Questions about time: what repeats, and what lives on when it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from oakum.facts.invariance import Invariance
from oakum.facts.objects import ObjectFacts
from oakum.facts.remembered import remembered
from oakum.knowledge import torch as knowledge
from oakum.semantics.cycles import Cycles, Link
from oakum.semantics.endless import Endless
from oakum.semantics.flow import FunctionNode, key_of
from oakum.semantics.lifetimes import Lifetime
from oakum.semantics.memo import Memo, Memoised, Table
from oakum.semantics.repetition import Again, Excuse, Repetition
from oakum.semantics.shared import Shared, Stores

# Packages whose functions give the same for the same arguments, or what is alike (a device, a shape, a rank).
_SAME = {"builtins", "torch", "math", "os", "datetime"}


class LifetimeFacts(ObjectFacts):
    """What repeats, and what outlives that."""

    def outlives(self, container: ast.expr, node: ast.AST) -> Lifetime | None:
        """Proof that a container which `node` fills lives on beyond the iteration (or call) of `node`, without a bound in sight."""
        if isinstance(node, ast.AugAssign) and node.target is container:  # `c += [x]` rebinds what it fills
            return self.lifetimes.accumulates(node)
        return self.lifetimes.outlives(container, node)

    def accumulates(self, statement: ast.AugAssign | ast.Assign) -> Lifetime | None:
        """Proof that `total += x` or `total = total + x` adds to a value of an earlier iteration or call."""
        return self.lifetimes.accumulates(statement)

    def addends(self, value: ast.expr, total: str) -> list[ast.expr]:
        """The terms of `total + x`, `a * total + b * x` or `(total * n + x) / (n + 1)` that don't contain the total."""
        if not any(key_of(node) == total for node in ast.walk(value)):
            return [value]
        if not isinstance(value, ast.BinOp):
            return []
        if isinstance(value.op, (ast.Add, ast.Sub)):
            return [*self.addends(value.left, total), *self.addends(value.right, total)]
        if isinstance(value.op, (ast.Mult, ast.Div)):
            scaled = (side for side in (value.left, value.right) if any(key_of(node) == total for node in ast.walk(side)))
            return [term for side in scaled for term in self.addends(side, total)]
        return []

    def keeps(self, method: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> tuple[ast.AST, ast.expr] | None:
        """The place where a method adds a parameter to a total of its object, or to a list of it, as it is; and that total or list."""

        def plain(value: ast.expr) -> bool:
            names = [n for n in ast.walk(value) if isinstance(n, ast.Name) and n.id == parameter]
            calls = any(isinstance(n, (ast.Call, ast.Attribute, ast.Subscript)) for n in ast.walk(value))
            return bool(names) and not calls and all(d.how == "parameter" for n in names for d in self.definitions(n))

        for node in self.nodes_in(method, ast.AugAssign, ast.Assign, ast.Call):
            target: ast.expr | None = None
            if isinstance(node, ast.Assign):
                total = key_of(node.targets[0])
                if total is not None and isinstance(node.value, ast.BinOp):
                    terms = self.addends(node.value, total)
                    if any(key_of(n) == total for n in ast.walk(node.value)) and any(plain(term) for term in terms):
                        target = node.targets[0]
            elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)) and plain(node.value):
                target = node.target
            elif isinstance(node, ast.Call):
                target = next((container for container, item in self.put(node) if plain(item)), None)
            if target is not None and (self.kept_key(target) or "").startswith("self."):
                return node, target
        return None

    def kept_for_ever(self, container: ast.expr, node: ast.AST) -> Shared | None:
        """Proof that a container which `node` fills outlives every call and object: of a class, a module, a default, a function around.

        Nothing in the file takes entries out, and the store isn't behind a question about the container (`if len(saved) < 10`).
        """
        stores = Stores(self.evaluator, self.source)
        shared = None if stores.capped(container, node) else stores.shared(container)
        return shared if shared is not None and not stores.emptied(shared.name) else None

    def memo_table(self, node: ast.Assign | ast.Call) -> tuple[Table, Shared] | None:
        """Proof that a store fills a table which the same function looks up first, which outlives its calls, and nothing empties."""
        table = Memo(self.evaluator, self.source).table(node)
        if table is None or self.lifetimes.capped(key_of(table.container) or "", node):
            return None
        stores = Stores(self.evaluator, self.source)
        shared = stores.shared(table.container) or stores.of_object(table.container)
        if (
            shared is None
            and (lifetime := self.lifetimes.outlives(table.container, node)) is not None
            and lifetime.scope == "local"
        ):
            shared = Shared("local", key_of(table.container) or "", lifetime.made)
        return (table, shared) if shared is not None and not stores.emptied(shared.name) else None

    def roots(self, node: ast.expr) -> set[str]:
        """Parameters and names of loops that an expression is made of; none where a part of it is one of a few (`i % 4`, `x.dtype`)."""
        return Memo(self.evaluator, self.source).roots(node)

    def is_by_input(self, key: ast.expr, *, passed: bool = False) -> bool:
        """Whether a key of a table is another one for each input of another size, or for each object: a shape, a length, `id(x)`.

        `passed`: a parameter will do, unless its name says that it is one of a few (`level`, `mode`).
        """
        return Memo(self.evaluator, self.source).is_by_input(key, passed=passed)

    def computed_from(self, node: ast.expr) -> str:
        """What makes a value: "model" (a module gives it), "file" (it is read), "weights" (a model that is loaded); "" if not in sight."""
        return Memo(self.evaluator, self.source).computed(node)

    def memoised(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Memoised | None:
        """The decorator that keeps results of a function by its arguments: `lru_cache`, `cache`, or one in sight that does the same."""
        return Memo(self.evaluator, self.source).memoised(function)

    def is_tensor_parameter(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
        """Whether a parameter is a tensor: by its annotation, by the calls in sight, or as it is given to a module."""
        return Memo(self.evaluator, self.source).is_tensor_parameter(function, name)

    @remembered
    def circles(self, cls: ast.ClassDef) -> list[Link]:
        """Stores in the methods of a class by which its objects reach themselves over strong references that nothing breaks."""
        cycles = Cycles(self.evaluator, self.source)
        return [
            link
            for link in cycles.links(cls)
            for back in (link.back.targets[0] if link.back is not None else link.place,)
            if not any(isinstance(p, ast.Attribute) and cycles.broken(p.attr) for p in (link.place, back))
        ]

    def remade(self, cls: ast.ClassDef) -> tuple[ast.Call, Again] | None:
        """The call that makes an object of a class (or of one that derives from it), again and again, for a name that drops the last."""
        derived = [c for c in self.nodes(ast.ClassDef) if isinstance(c, ast.ClassDef) and cls in self.bases(c)[0]]
        for call in self.calls(*(each.name for each in derived)):
            statement, function = self.statement(call), self.function(call)
            if getattr(function, "name", "") == "__init__" or not isinstance(statement, ast.Assign):
                continue
            if not isinstance(statement.targets[0], ast.Name) or self.comprehensions(call):
                continue
            again = self.again(call)
            if again is None and function is not None and (handed := self.handed_on(function)) is not None:
                again = Again(function, handed)
            kept = [c for c in self.calls("append", "add", "put") if any(self.key(a) == statement.targets[0].id for a in c.args)]
            if again is not None and not any(self.function(c) is function for c in kept):
                return call, again
        return None

    def handed_on(self, function: FunctionNode) -> ast.Call | None:
        """The call of a search that calls a function for each trial: `study.optimize(objective)`, `wandb.agent(sweep, train)`."""
        name = getattr(function, "name", None)
        for call in self.calls(*knowledge.SEARCHES):
            if any(isinstance(a, ast.Name) and a.id == name for a in (*call.args, *(k.value for k in call.keywords))):
                return call
        return None

    def releases(self, statement: ast.AST | None) -> bool:
        """Whether a statement is `torch.cuda.empty_cache()`, or that of another device, or `gc.collect()`."""
        match statement:
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(attr="empty_cache" | "collect") | ast.Name(id="empty_cache") as called)
            ):
                name = self.qualified(called) or ""
                return name == "gc.collect" or (name.startswith("torch.") and name.endswith(".empty_cache"))
            case _:
                return False

    def each_step(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """The block in which a statement stands, if that surely runs in each step: a loop with a backward or over a loader, or a method
        that is called with each batch. A `with`, or `if torch.cuda.is_available()`, may be in between."""
        outer = self.parent(statement)
        while isinstance(outer, ast.With) or (
            isinstance(outer, ast.If) and "is_available" in self.text(outer.test) and not outer.orelse
        ):
            outer = self.parent(outer)
        function = self.function(statement)
        if isinstance(outer, (ast.For, ast.While)):
            steps = self.calls_in(outer, "backward", "manual_backward", "training_step")
            if not any(self.is_innermost(outer, call) for call in steps):
                if not isinstance(outer, ast.For) or not self.walks_loader(outer.iter):
                    return None
        elif (
            outer is not function
            or getattr(function, "name", "") not in knowledge.BATCH_METHODS
            or function is None
            or self.method_class(function) is None
        ):
            return None
        block: list[ast.stmt] = getattr(self.parent(statement), "body", [])
        return block if statement in block else None

    @remembered
    def repeated(self, function: FunctionNode) -> bool:
        """Whether a function is called again and again: from a loop in sight, as a hook, or by a framework."""
        return self.lifetimes.repeated(function)[0]

    def repeats(self, node: ast.AST) -> ast.AST | None:
        """What repeats a node: the innermost loop around it, else its function if that is called again and again."""
        loops = self.loops(node)
        if loops:
            return loops[0]
        function = self.function(node)
        return function if function is not None and self.repeated(function) else None

    def again(
        self, node: ast.AST, excuse: Excuse = lambda loop, node: False, called: frozenset[str] = frozenset()
    ) -> Again | None:
        """Proof that a node runs again and again in one process: no memo, no test for the first time, no short literal to go through.

        `excuse(loop, node)` tells of a loop around a node, or around a call that leads to it, that it doesn't count. `called`: methods
        that somebody calls again and again, besides those that train.
        """
        return Repetition(self.evaluator, self.source, self.lifetimes).again(node, excuse, called)

    def guarded(self, node: ast.AST) -> bool:
        """Whether a memo or a test for the first time keeps a node from running in each call of its function."""
        repetition, function = Repetition(self.evaluator, self.source, self.lifetimes), self.function(node)
        return (function is not None and repetition.memoised(function)) or repetition.once(node, function) > 1

    def varies(self, node: ast.AST, loop: ast.AST) -> bool:
        """Whether an expression may give another thing in each iteration of a loop: by names bound there, or calls out of sight."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and part is not node:
                if (self.qualified(part.func) or "").partition(".")[0] not in _SAME:
                    return True
            elif isinstance(part, ast.Name):
                for definition in self.definitions(part):
                    place = definition.statement
                    if place is loop or (place is not None and loop in self.ancestors(place)):
                        if place is loop or definition.how != "assign" or definition.value is None:
                            return True
                        if definition.value is not node and self.varies(definition.value, loop):
                            return True
        return False

    def frees(self, statement: ast.stmt) -> bool:
        """Whether a statement collects garbage or empties a cache of the device, itself or in a function that it calls."""
        inside = [*self.calls_in(statement, "empty_cache"), *self.calls_in(statement, "collect", "malloc_trim")]
        if any(
            (isinstance(call.func, ast.Attribute) and call.func.attr != "collect") or self.qualified(call.func) == "gc.collect"
            for call in inside
        ):
            return True
        call = statement.value if isinstance(statement, ast.Expr) else None
        return isinstance(call, ast.Call) and any(self.calls_in(function, "empty_cache") for function in self.called(call))

    def dropped_beside(self, name: str, statement: ast.stmt) -> bool:
        """Whether a name is deleted, or bound to None, next to a statement."""
        for beside in self.near(statement, 4):
            for part in ast.walk(beside):
                match part:
                    case ast.Delete(targets=targets) if any(key_of(n) == name for target in targets for n in ast.walk(target)):
                        return True
                    case ast.Assign(targets=targets, value=ast.Constant(value=None)) if any(key_of(t) == name for t in targets):
                        return True
                    case ast.Call(func=ast.Attribute(value=owner, attr="clear")) if key_of(owner) == name:
                        return True
                    case _:
                        pass
        return False

    def leaves(self, loop: ast.AST) -> bool:
        """Whether something in a loop may leave it, or waits there for somebody else: `break`, an exception that ends it, a queue."""
        return Endless(self.evaluator, self.source).leaves(loop)

    def unending(self, iterable: ast.expr) -> ast.AST | None:
        """Proof that an iterable never ends, the node that makes it so: `count()`, a generator in sight, a loader of such a data set."""
        return Endless(self.evaluator, self.source).unending(iterable)

    def bound_in(self, node: ast.AST, loop: ast.AST) -> bool:
        """Whether an expression reads a name that a loop binds, in its head or body."""
        read = (name for name in ast.walk(node) if isinstance(name, ast.Name))
        places = (definition.statement for name in read for definition in self.definitions(name))
        return any(place is loop or (place is not None and loop in self.ancestors(place)) for place in places)

    def movable(self, node: ast.AST, loop: ast.AST) -> bool:
        """Whether an expression in a loop may stand before it: it surely runs in each iteration, on what is bound before the loop."""
        if self.conditional(node, loop) or self.varies(node, loop):
            return False
        bound = [d.statement for name in ast.walk(node) if isinstance(name, ast.Name) for d in self.definitions(name)]
        return not any(place is loop or loop in self.ancestors(place) for place in bound if place is not None)

    def often(self, again: Again) -> str:
        """What repeats, in words: "in each iteration of the loop in line 12", "in each call of `forward`"."""
        if isinstance(again.loop, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return f"in each call of `{again.loop.name}`"
        return f"in each iteration of the loop in line {self.line(again.loop)}"

    def may_repeat(self, node: ast.AST) -> bool:
        """Whether a loop in sight repeats a node: a cheap question to begin with."""
        return next(self.repeating_loops(node), None) is not None

    def repeating_loops(self, node: ast.AST, depth: int = 3) -> Iterator[ast.For | ast.AsyncFor | ast.While]:
        """Loops in sight that repeat a node: those around it, innermost first, else those around the calls of its function."""
        loops = self.loops(node)
        yield from loops
        function = self.function(node)
        if function is not None and depth and not loops:
            yield from self._loops_around_calls(function, depth - 1)

    @remembered
    def _loops_around_calls(self, function: FunctionNode, depth: int) -> list[ast.For | ast.AsyncFor | ast.While]:
        return [loop for call in self.callers(function) for loop in self.repeating_loops(call, depth)]

    @remembered
    def reached(self, scope: ast.AST) -> list[ast.AST]:
        """A loop or function, and the functions of this file that a run through it may call, however deep."""
        found = [scope]
        for region in found:
            for call in self.nodes_in(region, ast.Call):
                assert isinstance(call, ast.Call)
                found.extend(function for function in self.called(call) if function not in found)
        return found

    def unchanged(self, node: ast.expr, loop: ast.AST) -> bool:
        """Whether an expression is made of the same things in each iteration of a loop, where it stands in or is called from.

        Of a call of a library's name, such as a constructor, this is said of the arguments.
        """
        return Invariance(self, loop).unchanged(node)

    def each_iteration(self, node: ast.AST, loop: ast.AST, depth: int = 3) -> bool:
        """Whether each iteration of a loop comes by a node, in its body or in a function that it calls: not under an `if`, nor in a handler."""
        child = node
        while (parent := self.parent(child)) is not None and child is not loop:
            if isinstance(parent, (ast.If, ast.IfExp)) and child is not parent.test:
                return False
            if isinstance(parent, (ast.ExceptHandler, ast.Match, ast.Lambda)):
                return False
            if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and parent is not loop:
                return depth > 0 and any(self.each_iteration(call, loop, depth - 1) for call in self.callers(parent))
            child = parent
        return child is loop

    def is_hook(self, function: FunctionNode) -> bool:
        """Whether a function is registered as a hook of a module, tensor or optimizer."""
        return self.lifetimes.is_hook(function)

    def across(self, lifetime: Lifetime) -> str:
        """The loop of a lifetime in words: "the loop in line 12", "calls of `forward`"."""
        if lifetime.implicit:
            return f"calls of `{getattr(lifetime.loop, 'name', 'this function')}`"
        return f"iterations of the loop in line {self.line(lifetime.loop)}"
