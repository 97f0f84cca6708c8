"""Who else holds an object when a name of it is dropped: a proof from the facts of a file, long enough to stand apart from the questions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from oakum.knowledge import torch as knowledge
from oakum.semantics.flow import Definition
from oakum.semantics.values import Grad, grads

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

Way = Literal["container", "alias", "view", "owner", "caller", "graph", "list", "accelerator"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who still refers to an object: `way` says how, `name` who, `made` where it began, `read` where it is used later.

    `value`: for a view, the expression that gives it.
    """

    way: Way
    name: str
    made: ast.AST | None
    read: ast.AST | None = None
    value: ast.expr | None = None


class Holders:
    """Holders of what a name is bound to at a statement that drops the name."""

    def __init__(self, facts: AutogradFacts, name: str, drop: ast.stmt) -> None:
        self.facts = facts
        self.name = name
        self.drop = drop
        self.function = facts.function(drop)
        self.seen = facts.binding_at(name, drop)

    def holders(self) -> Iterator[Holder]:
        facts = self.facts
        yield from self.callers()
        yield from self.loops()
        if not self.seen or any(d.statement is None for d in self.seen):
            return
        yield from self.accelerators()
        for node in self.since():
            if isinstance(node, (ast.Call, ast.Assign, ast.AugAssign)):
                yield from self.containers(node)
            match node:
                case ast.Assign(targets=[ast.Name(id=other)], value=value) if other != self.name and self.current(other, node):
                    yield from self.names(other, node, value)
                case ast.Assign(targets=[ast.Tuple(elts=parts)], value=ast.Call() as value):  # `a, b = y.chunk(2)`
                    found = (p.id for p in parts if isinstance(p, ast.Name) and p.id != self.name and self.current(p.id, node))
                    for other in found if facts.same_storage(value, self.name) else ():
                        if (read := facts.used_after(other, self.drop)) is not None:
                            yield Holder("view", other, node, read)
                case _:
                    pass

    def since(self) -> Iterator[ast.AST]:
        """Calls and assignments of the function from the binding of the name to its drop."""
        facts = self.facts
        begin, end = min(facts.line(d.node) for d in self.seen), facts.line(self.drop)
        for kind in (ast.Assign, ast.AugAssign, ast.Call):
            for node in facts.nodes(kind):
                if begin <= facts.line(node) < end and facts.function(node) is self.function:
                    yield node

    def current(self, other: str, statement: ast.AST) -> bool:
        """Whether a name still is what a statement bound it to when the drop comes, and isn't dropped beside it."""
        bound = self.facts.binding_at(other, self.drop)
        return any(d.statement is statement for d in bound) and not self.facts.dropped_beside(other, self.drop)

    def containers(self, node: ast.AST) -> Iterator[Holder]:
        facts = self.facts
        for container, item in facts.put(node):
            kept = facts.kept_key(container)
            if kept is None or not facts.is_kind(container, "list", "dict", "set", "deque"):
                continue
            if not facts.same_storage(item, self.name) or facts.dropped_beside(kept, self.drop):
                continue
            read = facts.used_after(kept, self.drop)
            if "." in kept or read is not None or facts.outlives(container, node) is not None:
                yield Holder("container", facts.short(container, 30), node, read)

    def names(self, other: str, statement: ast.Assign, value: ast.expr) -> Iterator[Holder]:
        """Another name of the object, a view of it, an optimizer or wrapper made from it, a value whose graph saved it."""
        facts = self.facts
        read = facts.used_after(other, self.drop)
        if facts.same_storage(value, self.name) and not isinstance(value, (ast.List, ast.Tuple, ast.Dict, ast.Set)):
            if read is not None:
                yield Holder("alias" if isinstance(value, ast.Name) else "view", other, statement, read, value)
            return
        reads = [n for n in ast.walk(value) if isinstance(n, ast.Name) and n.id == self.name and self.same(n)]
        if not reads:
            return
        if isinstance(value, ast.Call) and self.takes(value, statement.targets[0]):
            yield Holder("owner", other, statement, read)
        elif read is not None and any(self.saved(n) for n in reads) and facts.requires_grad(value) is not None:
            if not any(facts.line(statement) < facts.line(call) < facts.line(self.drop) for call in facts.calls("backward")):
                yield Holder("graph", other, statement, read)

    def same(self, read: ast.Name) -> bool:
        return any(d in self.seen for d in self.facts.definitions(read))

    def takes(self, call: ast.Call, target: ast.expr) -> bool:
        """Whether what a call makes keeps the object: an optimizer, a wrapper of a model, a trainer."""
        last = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        return last in knowledge.HOLDS_MODEL or self.facts.is_optimizer(target)

    def saved(self, read: ast.Name) -> bool:
        """Whether a graph that a value goes into keeps it: a leaf that requires grad, or the value that an operation saves."""
        facts = self.facts
        value = facts.value(read)
        made_here = all(isinstance(d.value, ast.Call) for d in self.seen)  # what is somebody's parameter stays with them anyway
        if value and all(obj.kind == "tensor" and obj.grad is Grad.LEAF for obj in value):
            return made_here
        parent = facts.parent(read)
        match parent:
            case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                return bool(grads(facts.value(right if left is read else left)) & {Grad.LEAF, Grad.ATTACHED})
            case ast.Call(func=function) if read in parent.args and facts.is_module(function):
                return True
            case _ if facts.requires_grad(read) is None:
                return False
            case (
                ast.BinOp(op=ast.Pow())
                | ast.Attribute(attr="abs" | "log" | "sin" | "cos" | "pow" | "square" | "norm" | "std" | "var")
            ):
                return True
            case _:
                # The operation that made it saved what came out.
                made = [d.value for d in self.seen]
                return bool(made) and all(
                    isinstance(v, ast.Call) and isinstance(v.func, ast.Attribute) and v.func.attr in knowledge.SAVES_RESULT
                    for v in made
                )

    def callers(self) -> Iterator[Holder]:
        """Whoever passed the object, if the name is a parameter (or runs over one) and each call in sight passes a name."""
        facts, function = self.facts, self.function
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        bound = [d for d in facts.bindings(function, self.name) if d.how != "delete"]
        given: list[Definition] = []
        for definition in bound:
            if definition.how == "for" and isinstance(definition.value, ast.Name) and not definition.path:
                # `for each in objects: del each` of `*objects`
                given += [d if d.node is function.args.vararg else definition for d in facts.definitions(definition.value)]
            else:
                given.append(definition)
        if not given or any(d.how != "parameter" for d in given):
            return
        calls = facts.callers(function)
        rest = given[0].node is function.args.vararg
        passed = [call.args[-1] if rest and call.args else facts.passed(function, call, given[0].key) for call in calls]
        named = [argument for argument in passed if argument is not None and facts.key(argument) is not None]
        if len(named) == len(calls) and (calls or self.only_frees(function)):
            yield Holder("caller", function.name, calls[0] if calls else None)

    def only_frees(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Whether a function does nothing but drop names, collect and empty the cache."""
        for statement in function.body:
            match statement:
                case ast.Delete() | ast.Pass() | ast.Expr(value=ast.Constant()) | ast.For(body=[ast.Delete()]):
                    pass
                case _ if not self.facts.frees(statement):
                    return False
                case _:
                    pass
        return True

    def loops(self) -> Iterator[Holder]:
        """The list that a loop takes the object from."""
        loop = next(iter(self.facts.loops(self.drop)), None)
        bound = [d for d in self.facts.bindings(self.function, self.name) if d.how != "delete"]
        if (
            isinstance(loop, ast.For)
            and isinstance(loop.iter, ast.Name)
            and [d.statement for d in bound] == [loop]
            and not bound[0].path
        ):
            for obj in self.facts.value(loop.iter):
                if obj.kind not in ("list", "tuple", "deque") or not any(item.kind == "tensor" for item in obj.element or ()):
                    return
            yield Holder("list", loop.iter.id, loop.iter)

    def accelerators(self) -> Iterator[Holder]:
        if self.facts.calls("free_memory", "clear", "release_memory"):
            return
        for bound in self.seen:
            match bound.value:
                case ast.Call(func=ast.Attribute(value=owner, attr="prepare")) if self.facts.is_kind(owner, "accelerator"):
                    yield Holder("accelerator", self.facts.short(owner, 30), bound.statement)
                case _:
                    pass
