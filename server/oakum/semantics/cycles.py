"""Objects that can be reached from themselves: by a way back to a parent, a bound method, or a function made around `self`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import key_of, parameters
from oakum.semantics.program import Frame, Source

_NO_METHOD = {"staticmethod", "property", "cached_property", "classmethod"}
_PUTTING = ("append", "add", "appendleft", "insert")


@dataclass(frozen=True, slots=True)
class Link:
    """A store that lets an object reach itself over strong references.

    `kept`: the expression that is stored. `place`: where it is stored, `self.child` or `self.child.parent`. `back`: the store of
    the way back, where that is another one (in the constructor of the child), with `owner`, the class that it is in. `registered`:
    both are modules, and the way back makes the parent a module of its child.
    """

    kept: ast.expr
    place: ast.expr
    registered: bool = False
    back: ast.Assign | None = None
    owner: ast.ClassDef | None = None


class Cycles:
    def __init__(self, evaluator: Evaluator, source: Source) -> None:
        self.evaluator = evaluator
        self.source = source

    def links(self, cls: ast.ClassDef) -> Iterator[Link]:
        """Stores in the methods of a class that close a circle through its objects."""
        for method in cls.body:
            if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) or not (listed := parameters(method.args)):
                continue
            if any(isinstance(d, ast.Name) and d.id in ("staticmethod", "classmethod") for d in method.decorator_list):
                continue
            own = listed[0].arg
            for node in ast.walk(method):
                match node:
                    case ast.Assign():
                        for place, value in _pairs(node):
                            if isinstance(place, ast.Attribute):
                                yield from self.stored(cls, own, place, value)
                    case ast.Call(func=ast.Attribute(value=container, attr=name), args=[*_, item]) if name in _PUTTING:
                        if (key_of(container) or "").startswith(f"{own}."):
                            yield from self.stored(cls, own, container, item)
                    case _:
                        pass

    def stored(self, cls: ast.ClassDef, own: str, place: ast.expr, value: ast.expr) -> Iterator[Link]:
        key = key_of(place) or ""
        mine = key.startswith(f"{own}.")
        if isinstance(value, ast.Name) and value.id == own:
            child = place.value if isinstance(place, ast.Attribute) else place
            if mine or self.is_part(child, own):
                registered = (
                    isinstance(place, ast.Attribute)
                    and isinstance(self.source.parent(place), ast.Assign)
                    and self.is_module(value)
                    and self.is_module(child)
                )
                yield Link(value, place, registered)
        elif mine and self.closes_over(cls, own, value):
            yield Link(value, place)
        elif mine:
            if isinstance(value, ast.Name):  # `child = Child(self)`, then `self.child = child`
                uses = self.source.flow_in(self.source.function(value)).uses.get(value, ())
                made = [d.value for d in uses if d.how == "assign" and not d.path]
                value = made[0] if len(made) == 1 and made[0] is not None else value
            for call in ast.walk(value):
                if isinstance(call, ast.Call) and not isinstance(value, ast.Lambda):
                    yield from self.handed(own, place, call, value)

    def closes_over(self, cls: ast.ClassDef, own: str, value: ast.expr) -> bool:
        """Whether a value is a function made around `self`, or a bound method of it, also in a `partial`."""
        source = self.source
        match value:
            case ast.Lambda(body=body, args=arguments):
                return all(a.arg != own for a in parameters(arguments)) and _mentions(body, own)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == own:
                return self.is_method(cls, attribute)
            case ast.Call(func=function, args=[first, *_]):
                name = self.evaluator.qualified(function, self.evaluator.frame_at(source, function))
                return name in ("functools.partial", "types.MethodType") and self.closes_over(cls, own, first)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute), args=[]) if name == own:
                methods = self.methods(cls, attribute)
                return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for method in methods for n in ast.walk(method))
            case ast.Name():
                uses = source.flow_in(source.function(value)).uses.get(value, ())
                found = [d.statement for d in uses if d.how == "function"]
                return bool(found) and all(s is not None and _mentions(s, own) for s in found)
            case _:
                return False

    def methods(self, cls: ast.ClassDef, name: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        classes = self.evaluator.ancestry(cls, self.evaluator.frame_at(self.source, cls))[0]
        return [
            statement
            for current, _ in classes
            for statement in current.body
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name == name
        ]

    def is_method(self, cls: ast.ClassDef, name: str) -> bool:
        """Whether `self.name` is a bound method: not a property, a static or a class method."""
        methods = self.methods(cls, name)
        decorators = [d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "") for m in methods for d in m.decorator_list]
        return bool(methods) and _NO_METHOD.isdisjoint(decorators)

    def handed(self, own: str, place: ast.expr, call: ast.Call, whole: ast.expr) -> Iterator[Link]:
        """`self.child = Child(self)`, where the constructor keeps what it is given."""
        given = [*enumerate(call.args), *((k.arg or "", k.value) for k in call.keywords)]
        for where, argument in given:
            if not (isinstance(argument, ast.Name) and argument.id == own):
                continue
            for obj in self.evaluator.value(call.func, self.evaluator.frame_at(self.source, call)):
                if obj.kind != "class" or not isinstance(obj.node, ast.ClassDef) or obj.frame is None:
                    continue
                for back, registered in self.keeps(obj.node, where):
                    here = obj.frame.source is self.source
                    crash = registered and self.is_module(argument) and self.evaluator.is_module_class(obj.node, obj.frame)
                    plain = whole is call or isinstance(whole, ast.Call)
                    yield Link(call, place, crash and plain, back if here else None, obj.node if here else None)

    def keeps(self, cls: ast.ClassDef, where: int | str) -> Iterator[tuple[ast.Assign | None, bool]]:
        """Stores in a constructor that keep an argument as it is, and whether they are plain attributes."""
        init = next((m for m in cls.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
        if init is None:
            return
        names = [a.arg for a in (*init.args.posonlyargs, *init.args.args)][1:]
        name = where if isinstance(where, str) else names[where] if where < len(names) else None
        own = init.args.args[0].arg if init.args.args else "self"
        for node in ast.walk(init):
            match node:
                case ast.Assign(targets=[ast.Tuple()]):
                    for place, value in _pairs(node):
                        if key_of(value) == name and (key_of(place) or "").startswith(f"{own}."):
                            yield None, True
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=target))], value=ast.Name(id=value)):
                    if target == own and value == name:
                        yield node, True
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id=target))],
                    value=ast.List(elts=[ast.Name(id=value)]) | ast.Tuple(elts=[ast.Name(id=value)]),
                ):
                    if target == own and value == name:
                        yield None, False
                case ast.Assign(targets=[ast.Subscript(value=ast.Attribute(attr="__dict__"))], value=ast.Name(id=value)):
                    if value == name:
                        yield None, False
                case ast.Call(func=ast.Attribute(attr="__setattr__"), args=[ast.Name(), _, ast.Name(id=value)]) if value == name:
                    yield None, False
                case _:
                    pass

    def is_part(self, child: ast.expr, own: str) -> bool:
        """Whether a local of a method is stored in `self`, or comes from there: `for layer in self.layers`."""
        source = self.source
        if not isinstance(child, ast.Name):
            return False
        flow = source.flow_in(source.function(child))
        for definition in flow.uses.get(child, ()):
            if definition.how == "for" and definition.value is not None and _mentions(definition.value, own):
                return True
        function = source.function(child)
        for node in ast.walk(function) if function is not None else ():
            match node:
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name))], value=ast.Name(id=stored)):
                    if name == own and stored == child.id:
                        return True
                case ast.Call(func=ast.Attribute(value=container, attr=put), args=[ast.Name(id=stored)]) if put in _PUTTING:
                    if stored == child.id and (key_of(container) or "").startswith(f"{own}."):
                        return True
                case _:
                    pass
        return False

    def is_module(self, node: ast.expr) -> bool:
        frame: Frame = self.evaluator.frame_at(self.source, node)
        value = self.evaluator.value(node, frame)
        return bool(value) and all(obj.kind == "module" for obj in value)

    def broken(self, name: str) -> bool:
        """Whether something may take an attribute away again: `self.parent = None`, `del child.parent`."""
        source = self.source
        source.note(name)
        for node in (*source.nodes(ast.Assign), *source.nodes(ast.Delete)):
            match node:
                case ast.Assign(targets=targets, value=ast.Constant(value=None)) | ast.Delete(targets=targets):
                    function = source.function(node)
                    if getattr(function, "name", "") != "__init__" and any(
                        isinstance(target, ast.Attribute) and target.attr == name for target in targets
                    ):
                        return True
                case _:
                    pass
        return False


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What an assignment binds to what, through `a, b = x, y`."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=places)], value=ast.Tuple(elts=values)) if len(places) == len(values):
            yield from zip(places, values, strict=True)
        case ast.Assign(targets=targets, value=value):
            yield from ((place, value) for place in targets)


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
