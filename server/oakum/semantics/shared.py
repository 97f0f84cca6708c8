"""Containers that outlive every call and every object: made with a class, a module, a default value, or around a function."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import FunctionNode, container_of, key_of
from oakum.semantics.program import SCOPES, Source

_TAKING = ("pop", "popleft", "popitem", "clear", "remove", "discard", "difference_update", "cache_clear")

_LIVES = {
    "class": "lives as long as its class",
    "module": "lives until the process ends",
    "default": "is made once for all calls",
    "closure": "outlives every call",
    "object": "lives as long as its object",
    "local": "lives across the loop",
}
_CONSTRUCTORS = ("__init__", "__post_init__", "__new__")


@dataclass(frozen=True, slots=True)
class Shared:
    """A container that outlives its users.

    `how`: class (in its body), module (a global), default (of a parameter), closure (of a function around), object (a field that the
    constructor makes), local (a loop fills it). `name`: what it is called there. `made`: the statement or default that makes it, None
    where that is in another file.
    """

    how: str
    name: str
    made: ast.AST | None

    @property
    def in_words(self) -> str:
        """How long it lives, after "it"."""
        return _LIVES[self.how]


class Stores:
    def __init__(self, evaluator: Evaluator, source: Source) -> None:
        self.evaluator = evaluator
        self.source = source

    def shared(self, container: ast.expr) -> Shared | None:
        """What makes a container outlive every call and object, if it surely does: `Cls.saved`, `cls.saved`, `self.saved` that no
        method binds, a global, the default of a parameter, a local of the function around."""
        base = container_of(container)
        if isinstance(base, ast.Attribute):
            return self.of_class(base) or self.of_module(base)
        return self.of_name(base) if isinstance(base, ast.Name) else None

    def of_class(self, node: ast.Attribute) -> Shared | None:
        cls, through_self = self.owner(node.value)
        if cls is None:
            return None
        for current, frame in self.evaluator.ancestry(cls, self.evaluator.frame_at(self.source, cls))[0]:
            if through_self and self.evaluator.field_definitions(current, node.attr, frame.source):
                return None
            if self.evaluator.touched is not None:
                self.evaluator.touched(frame.source, current)
            for statement in current.body:
                match statement:
                    case (
                        ast.Assign(targets=[ast.Name(id=name)], value=value)
                        | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                    ) if name == node.attr:
                        if not is_container(value):
                            return None
                        return Shared("class", node.attr, statement if frame.source is self.source else None)
                    case _:
                        pass
        return None

    def owner(self, node: ast.expr) -> tuple[ast.ClassDef | None, bool]:
        """The class that an expression names or is an object of, and whether it is the latter."""
        source = self.source
        match node:
            case (
                ast.Call(func=ast.Name(id="type"), args=[ast.Name() as name])
                | ast.Attribute(value=ast.Name() as name, attr="__class__")
            ):
                return self.owner(name)[0], False
            case ast.Name():
                for obj in self.evaluator.value(node, self.evaluator.frame_at(source, node)):
                    if obj.kind in ("class", "module", "instance") and isinstance(obj.node, ast.ClassDef):
                        return (obj.node, obj.kind != "class") if source.piece(obj.node) is not None else (None, False)
                function = source.function(node)
                cls = source.class_of(function) if function is not None else None
                if function is not None and cls is not None and function.args.args and function.args.args[0].arg == node.id:
                    static = any(
                        isinstance(d, ast.Name) and d.id == "staticmethod" for d in getattr(function, "decorator_list", ())
                    )
                    return (cls, node.id not in ("cls", "mcs", "klass")) if not static else (None, False)
            case _:
                pass
        return None, False

    def of_object(self, container: ast.expr) -> Shared | None:
        """`self.cache` that the constructor alone makes."""
        base, source = container_of(container), self.source
        function = source.function(container)
        cls = source.class_of(function) if function is not None else None
        if cls is None or not isinstance(base, ast.Attribute) or key_of(base) != f"self.{base.attr}":
            return None
        if getattr(function, "name", "") in _CONSTRUCTORS:
            return None
        for current, frame in self.evaluator.ancestry(cls, self.evaluator.frame_at(source, cls))[0]:
            fields = self.evaluator.field_definitions(current, base.attr, frame.source)
            if any(getattr(method, "name", "") not in _CONSTRUCTORS for _, method in fields):
                return None
            for definition, _ in fields:
                if definition.value is not None and is_container(definition.value):
                    return Shared("object", base.attr, definition.statement if frame.source is source else None)
        return None

    def of_module(self, node: ast.Attribute) -> Shared | None:
        """`store.TENSORS` of an imported file."""
        value = self.evaluator.value(node.value, self.evaluator.frame_at(self.source, node))
        if len(value) == 1 and value[0].kind == "namespace":
            return Shared("module", node.attr, None)
        return None

    def of_name(self, node: ast.Name) -> Shared | None:
        source = self.source
        function = source.function(node)
        while function is not None:
            flow = source.flow_in(function)
            if node.id in flow.definitions and node.id not in flow.globals | flow.nonlocals:
                definitions = flow.definitions[node.id]
                if all(d.how == "parameter" for d in definitions):
                    default = default_of(function, node.id)
                    if default is not None and is_container(default) and source.function(node) is function:
                        return Shared("default", node.id, default)
                    return None
                made = next((d.statement for d in definitions if d.value is not None and is_container(d.value)), None)
                if made is None or source.function(node) is function or len(definitions) != 1:
                    return None
                return Shared("closure", node.id, made)
            function = source.function(function)
        if source.function(node) is None:
            return None
        bound = source.flow.definitions.get(node.id, ())
        if len(bound) != 1:
            return None
        value = self.evaluator.value(node, self.evaluator.frame_at(source, node))
        if bound[0].value is not None and is_container(bound[0].value):
            return Shared("module", node.id, bound[0].statement)
        if bound[0].how == "import":
            if value and all(obj.kind in ("list", "dict", "set", "deque") and obj.constant != "bounded" for obj in value):
                return Shared("module", node.id, None)
        return None

    def emptied(self, name: str) -> bool:
        """Whether something in the file may take entries out of a container of this name, or put another in its place."""
        source = self.source
        source.note(name)  # who binds it later changes the answer
        names = {name}
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            for target in node.targets:
                base = target.value if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice) else target
                for part in base.elts if isinstance(base, (ast.Tuple, ast.List)) else [base]:
                    if last_name(part) != name:
                        continue
                    outer = source.parent(node)
                    while isinstance(outer, (ast.If, ast.Try, ast.With)):
                        outer = source.parent(outer)
                    if outer is not None and not isinstance(outer, ast.ClassDef):
                        function = source.function(node)
                        local = (
                            isinstance(part, ast.Name) and function is not None and name not in source.flow_in(function).globals
                        )
                        born = last_name(part) != key_of(part) and getattr(function, "name", "") in _CONSTRUCTORS
                        if not local and not born:
                            return True
            if last_name(node.value) == name:
                names.update(found for target in node.targets if (found := last_name(target)) is not None)
        for method in _TAKING:
            for call in source.calls(method):
                if isinstance(call.func, ast.Attribute) and last_name(call.func.value) in names:
                    return True
        for node in source.nodes(ast.Delete):
            assert isinstance(node, ast.Delete)
            for target in node.targets:
                if last_name(target.value if isinstance(target, ast.Subscript) else target) in names:
                    return True
        return False

    def capped(self, container: ast.expr, node: ast.AST) -> bool:
        """Whether a store stands behind a question about the container: `if len(saved) < 10`, `if key not in cache`, `if debug`."""
        name = last_name(container_of(container))
        for outer in self.source.ancestors(node):
            if isinstance(outer, SCOPES):
                return False
            if isinstance(outer, (ast.If, ast.While)) and any(last_name(n) == name for n in ast.walk(outer.test)):
                return True
        return False


def is_container(value: ast.expr) -> bool:
    """Whether an expression makes a container without a bound that holds what is put into it."""
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(func=function, keywords=keywords):
            made = last_name(function)
            if made == "deque":
                return len(value.args) < 2 and not any(k.arg == "maxlen" for k in keywords)
            return made in ("list", "dict", "set", "defaultdict", "OrderedDict", "ddict")
        case _:
            return False


def last_name(node: ast.AST | None) -> str | None:
    """`saved` of `saved`, `Cls.saved` and `type(self).saved`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def default_of(function: FunctionNode, name: str) -> ast.expr | None:
    """The default value of a parameter."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(plain), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return next((default for argument, default in pairs if argument.arg == name), None)
