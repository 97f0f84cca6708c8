"""A class derived from `torch.autograd.Function`: what its forward keeps on `ctx`, and what these values are to it."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oakum.semantics.flow import key_of

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

Method = ast.FunctionDef | ast.AsyncFunctionDef
_ALIASING = {"view", "view_as", "reshape", "t", "transpose", "permute", "squeeze", "unsqueeze", "expand", "expand_as", "narrow", "select", "flatten",
             "unflatten", "diagonal", "chunk", "split", "unbind", "swapaxes", "movedim", "as_strided"}  # fmt: skip
# What is asked of tensors alone, in a forward.
_OF_TENSORS = {"shape", "device", "is_cuda", "ndim", "size", "dim", "numel", "contiguous", "detach", "clone", "new_zeros", "new_empty", "new", "requires_grad",
               "exp", "log", "clamp", "mm", "matmul", "bmm", "sum", "mean", "abs", "sign", "sqrt", "pow", "mul", "add", "norm", "cpu", "cuda", "data",
               "is_contiguous", "gather", "scatter_", "data_ptr", "stride", "dtype", "round", "floor", "tanh", "sigmoid"} | _ALIASING  # fmt: skip


class Role(enum.Enum):
    """What a kept value is to the forward that keeps it."""

    OUTPUT = "output"
    VIEW = "view of an output"
    INPUT = "input"
    INTERMEDIATE = "intermediate"


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that a forward keeps: under an attribute of `ctx`, or (no attribute) by `save_for_backward`."""

    attribute: str | None
    value: ast.expr
    place: ast.Assign | ast.Call
    role: Role
    bare: bool  # the attribute is the value itself, not a container of it


class CustomFunction:
    """One such class. `keeper` is the method that is given `ctx`: `forward`, or `setup_context`."""

    def __init__(self, facts: AutogradFacts, cls: ast.ClassDef) -> None:
        self.facts = facts
        self.cls = cls
        methods = {node.name: node for node in cls.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        self.forward = methods.get("forward")
        self.setup = methods.get("setup_context")
        self.backward = methods.get("backward") or methods.get("vjp")
        self.keeper = self.setup or self.forward

    @property
    def context(self) -> str | None:
        """The name of `ctx` in the keeper, None for a function of the old kind, whose methods take `self`."""
        keeper = self.keeper
        if keeper is None or not keeper.args.args:
            return None
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in keeper.decorator_list)
        return keeper.args.args[0].arg if static else None

    def kept(self) -> Iterator[Kept]:
        """The values kept on `ctx`, as attributes or through `save_for_backward`, those that surely are tensors or outputs."""
        context, keeper = self.context, self.keeper
        if context is None or keeper is None:
            return
        for node in self.facts.nodes_in(keeper, ast.Assign, ast.Call):
            assert isinstance(node, (ast.Assign, ast.Call))
            for attribute, stored in self.stores(node, context):
                for value in self.contents(stored):
                    role = self.role(value)
                    if role is not None:
                        yield Kept(attribute, value, node, role, value is stored)

    def stores(self, node: ast.Assign | ast.Call, context: str) -> Iterator[tuple[str | None, ast.expr]]:
        """What a statement puts on `ctx`: names of attributes and values."""
        match node:
            case ast.Assign():
                for target in node.targets:
                    yield from self.assigned(target, node.value, context)
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), ast.Constant(value=str() as attribute), value]):
                if name == context:
                    yield attribute, value
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="save_for_backward")) if name == context:
                yield from ((None, value) for value in node.args)
            case ast.Call(func=ast.Attribute(value=container, attr="append" | "extend" | "add"), args=[value]):
                key = key_of(container) or ""
                if key.startswith(context + "."):
                    yield key.partition(".")[2], value
            case _:
                pass

    def assigned(self, target: ast.expr, value: ast.expr, context: str) -> Iterator[tuple[str, ast.expr]]:
        match target:
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(targets):
                    for one, given in zip(targets, value.elts, strict=True):
                        yield from self.assigned(one, given, context)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == context:
                yield attribute, value
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=name), attr="__dict__"), slice=ast.Constant(value=str() as attribute)
            ):
                if name == context:
                    yield attribute, value
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr=attribute)) if name == context:
                yield attribute, value
            case _:
                pass

    def contents(self, value: ast.expr) -> Iterator[ast.expr]:
        """A value, or the values in a display that holds it."""
        match value:
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
                for part in parts:
                    yield from self.contents(part)
            case ast.Starred(value=inner):
                yield inner
            case ast.Call(func=ast.Name(id="list" | "tuple" | "dict"), args=args, keywords=keywords):
                for part in [*args, *(keyword.value for keyword in keywords)]:
                    yield from self.contents(part)
            case _:
                yield value

    # --- what a value is ---

    def origins(self, value: ast.expr, depth: int = 6) -> set[tuple[ast.AST, tuple[int | str, ...]]]:
        """The nodes that make the object under an expression (with the place in what they give): equal for aliases, never for copies."""
        facts = self.facts
        match value:
            case ast.Name() | ast.Attribute() if depth and key_of(value) is not None:
                found: set[tuple[ast.AST, tuple[int | str, ...]]] = set()
                for definition in facts.definitions(value):
                    if definition.how == "augment" and isinstance(definition.node, ast.expr):
                        found |= self.origins(definition.node, depth - 1)
                    elif definition.how == "assign" and definition.value is not None:
                        if definition.path:
                            found.add((definition.value, definition.path))
                        else:
                            found |= self.origins(definition.value, depth - 1)
                    else:
                        found.add((definition.node, definition.path))
                return found or {(value, ())}
            case ast.IfExp(body=body, orelse=orelse) if depth:
                return self.origins(body, depth - 1) | self.origins(orelse, depth - 1)
            case ast.NamedExpr(value=inner) if depth:
                return self.origins(inner, depth - 1)
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if (
                depth and method.endswith("_") and not method.endswith("__")
            ):
                return self.origins(owner, depth - 1)
            case _:
                return {(value, ())}

    def returned(self) -> set[tuple[ast.AST, tuple[int | str, ...]]]:
        """Origins of what the forward returns. A returned input is none: autograd gives out a view of it, unless it is marked dirty."""
        keeper = self.forward
        if keeper is None or self.setup is not None:
            return set()
        found: set[tuple[ast.AST, tuple[int | str, ...]]] = set()
        for node in self.facts.nodes_in(keeper, ast.Return):
            value = getattr(node, "value", None)
            if value is not None:
                for part in self.contents(value):
                    found |= self.origins(part)
        dirty: set[tuple[ast.AST, tuple[int | str, ...]]] = set()
        for call in self.facts.calls_in(keeper, "mark_dirty"):
            for argument in call.args:
                dirty |= self.origins(argument)
        return {origin for origin in found if not isinstance(origin[0], ast.arg) or origin in dirty}

    def role(self, value: ast.expr) -> Role | None:
        """What a value is to the forward, None where it isn't surely a tensor (or a view that may be one)."""
        facts = self.facts
        if isinstance(value, ast.Constant) or facts.is_kind(
            value, "number", "string", "none", "module", "class", "function", "library"
        ):
            return None
        if self.is_output(value):
            return Role.OUTPUT
        base = self.viewed(value)
        if base is not None and self.is_output(base):
            return Role.VIEW
        parameter = self.parameter(value)
        if parameter is not None:
            return Role.INPUT if self.takes_tensor(*parameter) else None
        return Role.INTERMEDIATE if self.is_computed(value) else None

    def is_computed(self, value: ast.expr) -> bool:
        """Whether a value surely is a tensor that the forward computes from an input: `x > 0`, `x * w`, `torch.sign(x)`."""
        operands: list[ast.expr] = []
        for node, path in self.origins(value):
            match node:
                case ast.BinOp(left=left, right=right) if not path:
                    operands += [left, right]
                case ast.Compare(
                    left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() | ast.Eq() | ast.NotEq()], comparators=[right]
                ) if not path:
                    operands += [left, right]
                case ast.Call(func=function, args=[first, *_]) if (self.facts.qualified(function) or "").startswith("torch."):
                    operands.append(first)
                case _:
                    return False
        found = [self.parameter(operand) for operand in operands if isinstance(operand, ast.Name)]
        return any(parameter is not None and self.takes_tensor(*parameter) for parameter in found)

    def is_output(self, value: ast.expr) -> bool:
        if self.setup is None:
            return bool(self.origins(value) & self.returned())
        given = self.setup.args.args
        if len(given) < 3:
            return False
        for node, _ in self.origins(value):
            base = node.value if isinstance(node, ast.Subscript) else node
            if base is given[2] or (isinstance(base, ast.Name) and any(origin is given[2] for origin, _ in self.origins(base))):
                return True
        return False

    def viewed(self, value: ast.expr, depth: int = 4) -> ast.expr | None:
        """What a value is a view of, as it stands or by its name's only binding."""
        match value:
            case ast.Subscript(value=base, slice=index) if self.basic(index):
                return base
            case ast.Call(func=ast.Attribute(value=base, attr=method)) if method in _ALIASING:
                return base
            case ast.Name() if depth:
                found = self.facts.definitions(value)
                if len(found) == 1 and found[0].how == "assign" and found[0].value is not None and not found[0].path:
                    return self.viewed(found[0].value, depth - 1)
                return None
            case _:
                return None

    def basic(self, index: ast.expr) -> bool:
        """Whether an index selects by slices and numbers alone: such a selection is a view."""
        if isinstance(index, ast.Tuple):
            return all(self.basic(part) for part in index.elts)
        if isinstance(index, ast.UnaryOp):
            return self.basic(index.operand)
        return isinstance(index, ast.Slice) or (isinstance(index, ast.Constant) and not isinstance(index.value, bool))

    def parameter(self, value: ast.expr) -> tuple[ast.arg, int] | None:
        """The parameter of the forward that a value is, with its place among the inputs."""
        forward = self.forward
        origins = self.origins(value)
        if forward is None or len(origins) != 1:
            return None
        node, path = next(iter(origins))
        inputs = forward.args.args if self.setup is not None else forward.args.args[1:]
        if self.setup is None:
            return (node, inputs.index(node)) if isinstance(node, ast.arg) and node in inputs else None
        given = self.setup.args.args
        index = path[0] if path else None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            node, index = node.value, node.slice.value
        if len(given) < 2 or not isinstance(node, ast.Name) or not any(origin is given[1] for origin, _ in self.origins(node)):
            return None
        return (inputs[index], index) if isinstance(index, int) and 0 <= index < len(inputs) else None

    def takes_tensor(self, parameter: ast.arg, index: int) -> bool:
        """Whether a parameter of the forward surely is a tensor: by its annotation, its gradient, what is asked of it, or what is passed."""
        facts, forward = self.facts, self.forward
        if parameter.annotation is not None:
            written = facts.text(parameter.annotation)
            return "Tensor" in written and "Size" not in written
        if self.has_gradient(index):
            return True
        if forward is None:
            return False
        for node in facts.nodes_in(forward, ast.Attribute):
            if isinstance(node, ast.Attribute) and node.attr in _OF_TENSORS and isinstance(node.value, ast.Name):
                if node.value.id == parameter.arg and all(d.node is parameter for d in facts.definitions(node.value)):
                    return True
        passed = [
            call.args[index]
            for call in facts.calls("apply")
            if isinstance(call.func, ast.Attribute) and key_of(call.func.value) == self.cls.name and len(call.args) > index
        ]
        return bool(passed) and all(facts.is_tensor(argument) for argument in passed)

    def has_gradient(self, index: int) -> bool:
        """Whether the backward returns something else than None for an input: only tensors have gradients."""
        if self.backward is None or self.forward is None:
            return False
        inputs = self.forward.args.args if self.setup is not None else self.forward.args.args[1:]
        for node in self.facts.nodes_in(self.backward, ast.Return):
            value = getattr(node, "value", None)
            if isinstance(value, ast.Tuple):
                if index < len(value.elts) and not any(isinstance(part, ast.Starred) for part in value.elts):
                    part = value.elts[index]
                    if not (isinstance(part, ast.Constant) and part.value is None):
                        return True
            elif value is not None and len(inputs) == 1 and not self.forward.args.vararg and not isinstance(value, ast.Constant):
                return True
        return False
