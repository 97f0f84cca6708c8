"""State of an object that is updated from itself: what comes in, and whether that brings a graph along."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oakum.semantics.autograd import Mode
from oakum.semantics.flow import FunctionNode, key_of, parameters
from oakum.semantics.program import Frame
from oakum.semantics.values import Grad, Obj, Value, grads, tensor

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

_CUTS = {"detach", "detach_", "item", "tolist", "numpy", "size", "dim", "numel", "argmax", "argmin"}
_METADATA = {"data", "shape", "device", "dtype", "ndim"}
# Methods that write into the tensor they are called on, and take it in.
_IN_PLACE = {"add_", "sub_", "mul_", "div_", "lerp_", "copy_", "addcmul_", "addcdiv_", "index_add_", "index_copy_", "scatter_add_", "scatter_", "addmm_",
             "addmv_", "addr_", "masked_scatter_", "index_put_"}  # fmt: skip
# Methods that give state its first value.
_SETTING_UP = re.compile(
    r"^(?:__init__|__new__|_?reset_(?:parameters|running_stats|stats|buffers)|_?init\w*|_?build|setup|configure_\w+)$"
)


@dataclass(frozen=True, slots=True)
class Update:
    """One update of `state` (`self.running_mean`): `incoming` are the values whose graph it takes in.

    `carried`: the old value goes into the new one. `in_place`: the tensor is written into, rather than bound anew. `blended`: old and new
    value are weighted, as in a moving average.
    """

    state: ast.expr
    key: str
    statement: ast.stmt
    incoming: tuple[ast.expr, ...]
    carried: bool
    in_place: bool
    blended: bool


class States:
    """The updates that a statement makes to attributes of `self`."""

    def __init__(self, facts: AutogradFacts, function: FunctionNode) -> None:
        self.facts = facts
        self.function = function
        self.frame = self.given_frame(function)

    # --- graphs, if the inputs of the network carry one ---

    def given_frame(self, function: FunctionNode, depth: int = 3) -> Frame | None:
        """An activation of a function in which the inputs of `forward` (what a hook sees) carry a graph, and so what its callers in sight make of them."""
        facts, evaluator = self.facts, self.facts.evaluator
        cls = facts.method_class(function)
        listed = parameters(function.args)
        if cls is None or not listed or isinstance(function, ast.Lambda):
            return None
        outer = facts.frame(cls)
        open_frame = evaluator.open_frame(facts.source, function)
        arguments: dict[str, Value] = {listed[0].arg: (evaluator.instance(cls, outer, None),)}
        callers = [call for call in facts.callers(function) if facts.function(call) is not None] if depth else []
        entry = (function.name in ("forward", "__call__") and facts.is_module_class(cls)) or facts.is_hook(function)
        flow = facts.source.flow_in(function)
        for argument in listed[1:]:
            value: Value | None = None
            if callers and not entry:
                given = [self.given(call, function, argument.arg, depth - 1) for call in callers[:4]]
                value = next((v for v in given if v is not None and Grad.ATTACHED in grads(v)), given[0])
            if value is None:
                definition = next(d for d in flow.definitions[argument.arg] if d.how == "parameter")
                value = evaluator.definition(definition, open_frame)
                if entry and all(obj.kind in ("unknown", "tensor", "output") for obj in value) and grads(value) == {Grad.UNKNOWN}:
                    value = tensor(Grad.ATTACHED, argument)
            arguments[argument.arg] = value
        made = Obj("function", function.name, node=function, frame=outer)
        return evaluator.call_frame(made, arguments, Mode.ON, 1)

    def given(self, call: ast.Call, function: FunctionNode, name: str, depth: int) -> Value | None:
        """What a caller passes for a parameter, if the inputs of the caller's network carry a graph."""
        passed = self.facts.passed(function, call, name)
        around = self.facts.function(call)
        if passed is None or around is None:
            return None
        if self.facts.grad_mode(call) is Mode.OFF:
            return tensor(Grad.DETACHED, passed)
        frame = self.given_frame(around, depth)
        return self.facts.evaluator.value(passed, frame) if frame is not None else self.facts.value(passed)

    def attached(self, node: ast.expr) -> bool:
        """Whether a value carries or starts a graph, if the inputs of the network carry one."""
        frame = self.frame
        value = self.facts.evaluator.value(node, frame) if frame is not None else self.facts.value(node)
        return bool(grads(value) & {Grad.ATTACHED, Grad.LEAF}) and all(
            obj.kind in ("tensor", "output", "number", "none") for obj in value
        )

    # --- updates ---

    def updates(self, node: ast.Assign | ast.AugAssign | ast.Call) -> Iterator[Update]:
        """The updates of attributes of `self` by a statement (or by a call that is one) which take in graphs."""
        facts = self.facts
        statement = facts.statement(node)
        if statement is None:
            return
        match node:
            case ast.Assign(targets=[target], value=value):
                yield from self.bound(target, value, statement)
            case ast.AugAssign(target=target, value=value):
                state = self.state(target.value if isinstance(target, ast.Subscript) else target)
                incoming = self.incoming(value, "")
                if state is not None and incoming:
                    yield Update(target, state, statement, incoming, True, True, False)
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id="self"), ast.Constant(value=str() as name), value]):
                yield from self.rebound(node.args[1], f"self.{name}", value, statement)
            case ast.Call() if isinstance(facts.parent(node), ast.Expr):
                yield from self.written(node, statement)
            case _:
                pass

    def bound(self, target: ast.expr, value: ast.expr, statement: ast.stmt) -> Iterator[Update]:
        match target:
            case ast.Tuple(elts=targets):
                for index, element in enumerate(targets):
                    key = self.state(element) if isinstance(element, ast.Attribute) else None
                    if key is None:
                        continue
                    if isinstance(value, ast.Tuple) and len(value.elts) == len(targets):
                        yield from self.rebound(element, key, value.elts[index], statement)
                    elif isinstance(value, ast.Call) and self.facts.called(value) and self.carries(value, key):
                        part = self.facts.evaluator.item(
                            self.facts.evaluator.value(value, self.frame or self.facts.frame(value)), index
                        )
                        if Grad.ATTACHED in grads(part):
                            yield Update(element, key, statement, (value,), True, False, False)
            case ast.Attribute() if (key := self.state(target)) is not None:
                yield from self.rebound(target, key, value, statement)
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id="self"), attr="_buffers"), slice=ast.Constant(value=str() as name)
            ):
                yield from self.rebound(target, f"self.{name}", value, statement)
            case ast.Subscript(value=owner) if (key := self.state(owner)) is not None and self.facts.is_tensor(owner):
                incoming = self.incoming(value, "")
                if incoming:
                    yield Update(owner, key, statement, incoming, True, True, False)
            case _:
                pass

    def rebound(self, target: ast.expr, key: str, value: ast.expr, statement: ast.stmt) -> Iterator[Update]:
        carried = self.carries(value, key)
        incoming = self.incoming(value, key)
        if incoming:
            yield Update(target, key, statement, incoming, carried, False, self.blends(value, key))

    def written(self, call: ast.Call, statement: ast.stmt) -> Iterator[Update]:
        """`self.x.mul_(d).add_(v)`, or a helper in sight that does it to an argument."""
        chain: list[ast.Call] = []
        node: ast.expr = call
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            chain.append(node)
            node = node.func.value
        if chain and all(isinstance(c.func, ast.Attribute) and c.func.attr in _IN_PLACE for c in chain):
            key = self.state(node)
            given = [a for c in chain for a in (*c.args, *(k.value for k in c.keywords))]
            incoming = tuple(found for argument in given for found in self.incoming(argument, key or ""))
            if key is not None and incoming:
                yield Update(node, key, statement, incoming, True, True, len(chain) > 1)
            return
        for function in self.facts.called(call):
            for index, argument in enumerate(call.args):
                key = self.state(argument)
                names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
                if key is None or index >= len(names):
                    continue
                taken = self.taken_in(function, names[index])
                incoming = tuple(
                    found
                    for name in names
                    if name in taken and (passed := self.facts.passed(function, call, name)) is not None
                    for found in self.incoming(passed, key)
                )
                if incoming and self.facts.grad_mode(function.body[0]) is not Mode.OFF:
                    yield Update(argument, key, statement, incoming, True, True, True)

    def taken_in(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> set[str]:
        """Names of parameters that a function writes into another of its parameters, in place and as they are."""
        found: set[str] = set()
        for node in self.facts.nodes_in(function, ast.Expr):
            call = node.value if isinstance(node, ast.Expr) else None
            given: list[ast.expr] = []
            while isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _IN_PLACE:
                given += [*call.args, *(k.value for k in call.keywords)]
                call = call.func.value
            if isinstance(call, ast.Name) and call.id == name:
                cut = any(isinstance(n, ast.Attribute) and n.attr in _CUTS | _METADATA for g in given for n in ast.walk(g))
                if not cut and self.facts.grad_mode(node) is not Mode.OFF:
                    found |= {n.id for g in given for n in ast.walk(g) if isinstance(n, ast.Name)}
        return found

    def state(self, node: ast.AST) -> str | None:
        """The attribute of `self` that an expression is, also by a local name for it."""
        key = key_of(node)
        if key is None:
            return None
        if key.startswith("self.") and key.count(".") == 1:
            return key
        if isinstance(node, ast.Name):
            found = self.facts.definitions(node)
            if len(found) == 1 and found[0].how == "assign" and isinstance(found[0].value, ast.Attribute) and not found[0].path:
                return self.state(found[0].value)
        return None

    def carries(self, node: ast.expr | None, key: str, depth: int = 4) -> bool:
        """Whether a value is computed from what the state was, its graph included."""
        facts = self.facts
        match node:
            case ast.Attribute() if key_of(node) == key:
                return True
            case ast.Attribute(value=owner, attr=attribute):
                return attribute not in _METADATA and self.carries(owner, key, depth)
            case ast.Name():
                return depth > 0 and any(
                    d.how == "assign" and self.carries(d.value, key, depth - 1)
                    for d in facts.definitions(node)
                    if d.value is not None
                )
            case ast.Call(func=function, args=args, keywords=keywords):
                if facts.is_module(function) or (isinstance(function, ast.Attribute) and function.attr in _CUTS):
                    return False
                if isinstance(function, ast.Attribute) and self.carries(function.value, key, depth):
                    return True
                return any(self.carries(a, key, depth) for a in (*args, *(k.value for k in keywords)))
            case ast.BinOp(left=left, right=right):
                return self.carries(left, key, depth) or self.carries(right, key, depth)
            case ast.UnaryOp(operand=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
                return self.carries(inner, key, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return self.carries(body, key, depth) or self.carries(orelse, key, depth)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return any(self.carries(part, key, depth) for part in parts)
            case _:
                return False

    def blends(self, node: ast.expr | None, key: str) -> bool:
        """Whether the old value goes in with a weight: `a * self.x + b * v`, `lerp`."""
        match node:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                weighted = [
                    side for side in (left, right) if isinstance(side, ast.BinOp) and isinstance(side.op, (ast.Mult, ast.Div))
                ]
                return any(self.carries(side, key) for side in weighted)
            case ast.Call(func=ast.Attribute(attr="lerp")):
                return True
            case ast.Name():
                return any(d.how == "assign" and self.blends(d.value, key) for d in self.facts.definitions(node))
            case _:
                return False

    def incoming(self, node: ast.expr, key: str, depth: int = 7) -> tuple[ast.expr, ...]:
        """The smallest parts of a value that carry a graph, the state itself apart."""
        if depth == 0 or not self.attached(node):
            return ()
        parts: list[ast.expr] = []
        carries = bool(key) and self.carries(node, key)
        match node:
            case ast.BinOp(left=left, right=right):
                parts = [left, right]
            case ast.UnaryOp(operand=inner):
                parts = [inner]
            case ast.Call(func=function, args=args, keywords=keywords) if carries:
                receiver = (
                    [function.value] if isinstance(function, ast.Attribute) and self.facts.qualified(function) is None else []
                )
                parts = [*receiver, *args, *(k.value for k in keywords)]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                parts = elements
            case ast.Name() if carries:
                parts = [d.value for d in self.facts.definitions(node) if d.how == "assign" and d.value is not None]
            case ast.Attribute() if carries:
                return ()
            case _:
                return (node,)
        inner = [found for part in parts for found in self.lists(part, key, depth)]
        return tuple(inner) or ((node,) if not carries else ())

    def lists(self, part: ast.expr, key: str, depth: int) -> tuple[ast.expr, ...]:
        if isinstance(part, (ast.Tuple, ast.List)):
            return tuple(found for element in part.elts for found in self.incoming(element, key, depth - 1))
        return self.incoming(part, key, depth - 1)

    def dropped(self, update: Update) -> bool:
        """Whether a state is made anew outside of what sets it up, or in each call, or cut off, or is a parameter that learns."""
        facts, key = self.facts, update.key
        cls = facts.method_class(self.function)
        for node in facts.mentions(key.rpartition(".")[2]):
            if not isinstance(node, ast.Attribute) or key_of(node) != key or facts.enclosing_class(node) is not cls:
                continue
            outer, statement = facts.parent(node), facts.statement(node)
            if isinstance(outer, ast.Attribute) and outer.attr == "detach_":
                return True
            written = isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement is not update.statement
            if isinstance(node.ctx, ast.Load) or not written:
                continue
            assert isinstance(statement, (ast.Assign, ast.AnnAssign))
            value, around = statement.value, facts.function(node)
            made = value.func if isinstance(value, ast.Call) else None
            if isinstance(made, ast.Attribute) and made.attr == "detach" and key_of(made.value) == key:
                return True
            if made is not None and (facts.qualified(made) or "").endswith(".Parameter"):
                return True
            if value is not None and any(key_of(part) == key for part in ast.walk(value)):
                continue
            if around is self.function:  # a first value, under a condition, is none of this
                if facts.parent(statement) is around:
                    return True
            elif not _SETTING_UP.match(getattr(around, "name", "")):
                return True
        return False
