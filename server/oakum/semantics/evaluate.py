"""The abstract interpreter: what an expression may evaluate to, asked on demand.

`Evaluator.value(node, frame)` follows definitions, calls, fields and imports as far as it has to. It answers `UNKNOWN` rather than
guess, and gives up quietly on recursion, depth and budget.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import replace

from oakum.knowledge import objects, tensorflow
from oakum.knowledge.names import canonical
from oakum.semantics.autograd import Mode, Regions
from oakum.semantics.execution import Executions
from oakum.semantics.flow import ENTRY, Definition, FunctionNode, in_order, key_of, parameters
from oakum.semantics.graphs import Graphs
from oakum.semantics.library import Library
from oakum.semantics.library_numpy import ARRAY
from oakum.semantics.library_tensorflow import ENTERED, KINDS
from oakum.semantics.program import LIBRARIES, Frame, Source, Workspace
from oakum.semantics.values import (
    DATA,
    INSTANCES,
    NEVER,
    NONE,
    NUMBER,
    STRING,
    UNKNOWN,
    Grad,
    Obj,
    Value,
    constant,
    grads,
    join,
    known,
    only,
    some,
    tensor,
    without_none,
)

_DEEPEST = 6  # calls within calls
_NESTING = 60  # expressions within expressions, which bounds Python's own stack
_BUDGET = 20_000  # evaluations for one question of a rule
_NO_CUT = 1 << 30


class Evaluator:
    """Everything that is known of one version of a file, its workspace included. Throw it away with the version."""

    def __init__(self, workspace: Workspace | None = None) -> None:
        self.workspace = workspace or Workspace()
        self.memo: dict[tuple[ast.AST, Frame], Value] = {}
        self.busy: dict[tuple[object, ...], int] = {}  # what is being asked, with its place on the stack of questions
        self.cut = _NO_CUT  # the outermost question on the stack that an answer in the making ran into
        self.provisional: dict[tuple[ast.AST, Frame], tuple[Value, tuple[object, ...]]] = {}
        self.frames: dict[tuple[object, ...], Frame] = {}
        self.open_frames: dict[ast.AST, Frame] = {}
        self.fields: dict[tuple[ast.ClassDef, str], Value | None] = {}
        self.ancestries: dict[ast.ClassDef, tuple[list[tuple[ast.ClassDef, Frame]], list[str], bool]] = {}
        self.used: dict[tuple[FunctionNode | None, Source], dict[Definition, frozenset[str]]] = {}
        self.backpropagated: dict[tuple[FunctionNode | None, Source], set[Definition]] = {}
        self.field_memo: dict[ast.ClassDef, dict[str, list[tuple[Definition, FunctionNode]]]] = {}
        self.frozen_memo: dict[Source, bool] = {}
        self.caller_memo: dict[ast.AST, list[tuple[ast.Call, Source]]] = {}
        self.scout: Evaluator | None = None  # asked which calls reach a function, where that isn't to be written down
        self.depth = 0
        self.spent = 0
        self.touched: Callable[[Source, ast.AST], None] | None = None
        self.regions = Regions(self)
        self.library = Library(self)
        self.executions = Executions(self)
        self.graphs = Graphs(self)

    # --- frames ---

    def open_frame(self, source: Source, function: FunctionNode | None) -> Frame:
        """The frame of a function that anybody may have called."""
        if function is None:
            return source.frame
        frame = self.open_frames.get(function)
        if frame is None:
            outer = self.open_frame(source, source.function(function))
            frame = self.open_frames[function] = Frame(source, function, outer=outer)
        return frame

    def frame_at(self, source: Source, node: ast.AST) -> Frame:
        """The open frame of the function around a node."""
        return self.open_frame(source, source.function(node))

    def call_frame(self, function: Obj, arguments: dict[str, Value], recording: Mode, depth: int) -> Frame | None:
        assert function.frame is not None
        if depth > _DEEPEST:
            return None
        key = (function.node, function.frame, tuple(sorted(arguments.items(), key=lambda pair: pair[0])), recording)
        frame = self.frames.get(key)
        if frame is None:
            node = function.node
            assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            frame = self.frames[key] = Frame(function.frame.source, node, arguments, recording, function.frame, depth)
        return frame

    # --- expressions ---

    def value(self, node: ast.AST | None, frame: Frame) -> Value:
        """What `node` may evaluate to in `frame`."""
        if node is None:
            return NONE
        key = (node, frame)
        found = self.memo.get(key)
        if found is not None:
            return found
        if self.asking(key):
            return NEVER  # a loop through itself adds nothing
        if key in self.provisional:
            found, cause = self.provisional[key]
            if self.asking(cause):
                return found
            del self.provisional[key]
        self.spent += 1
        if self.depth > _NESTING or self.spent > _BUDGET:
            return UNKNOWN
        position = self.busy[key] = len(self.busy)
        before, self.cut = self.cut, _NO_CUT
        self.depth += 1
        try:
            found = self.evaluate(node, frame)
        finally:
            del self.busy[key]
            self.depth -= 1
            cut = self.cut
            self.cut = min(before, cut if cut < position else _NO_CUT)
        if cut >= position:
            self.memo[key] = found
        else:
            # True as long as the question that it ran into is open: asked again within it, the answer is the same.
            cause = next(question for question, place in self.busy.items() if place == cut)
            self.provisional[key] = found, cause
        return found

    def asking(self, key: tuple[object, ...]) -> bool:
        """Whether a question is open already; the answer in the making then depends on it."""
        position = self.busy.get(key)
        if position is None:
            return False
        self.cut = min(self.cut, position)
        return True

    def evaluate(self, node: ast.AST, frame: Frame) -> Value:
        if isinstance(node, ast.Constant):
            return constant(node.value)
        if isinstance(node, ast.Name):
            return self.name(node, frame)
        if isinstance(node, ast.Attribute):
            return self.attribute(node, frame)
        if isinstance(node, ast.Call):
            return self.call(node, frame)
        if isinstance(node, ast.BinOp):
            return self.binary(node, self.value(node.left, frame), self.value(node.right, frame), frame, node.op)
        if isinstance(node, ast.UnaryOp):
            operand = self.value(node.operand, frame)
            if isinstance(node.op, ast.Not):
                return NUMBER
            if isinstance(node.op, ast.USub) and len(operand) == 1 and isinstance(operand[0].constant, (int, float)):
                return constant(-operand[0].constant)
            return self.operation(node, [operand], frame, scalar=all(obj.scalar or obj.kind == "number" for obj in operand))
        if isinstance(node, ast.BoolOp):
            return join(*(self.value(value, frame) for value in node.values))
        if isinstance(node, ast.Compare):
            parts = [self.value(part, frame) for part in (node.left, *node.comparators)]
            if not isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.In, ast.NotIn)) and (
                symbolic := self.library.tensorflow.operation(parts, node)
            ):
                return symbolic
            if (mask := next((part for part in parts if any(obj.name == ARRAY for obj in part)), None)) is not None:
                return mask
            return tensor(Grad.DETACHED, node) if any(some(part, "tensor", "output") for part in parts) else NUMBER
        if isinstance(node, ast.IfExp):
            return join(self.value(node.body, frame), self.value(node.orelse, frame))
        if isinstance(node, (ast.Tuple, ast.List)):
            kind = "tuple" if isinstance(node, ast.Tuple) else "list"
            if any(isinstance(element, ast.Starred) for element in node.elts):
                parts = [
                    self.element(self.value(e.value, frame)) if isinstance(e, ast.Starred) else self.value(e, frame)
                    for e in node.elts
                ]
                return (Obj(kind, node=node, frame=frame, element=join(*parts)),)
            return (Obj(kind, node=node, frame=frame, items=tuple(self.value(element, frame) for element in node.elts)),)
        if isinstance(node, ast.Set):
            return (Obj("set", node=node, frame=frame, element=join(*(self.value(element, frame) for element in node.elts))),)
        if isinstance(node, ast.Dict):
            return self.dictionary(node, frame)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            kind = {ast.ListComp: "list", ast.SetComp: "set", ast.GeneratorExp: "generator"}[type(node)]
            return (Obj(kind, node=node, frame=frame, element=self.value(node.elt, frame)),)
        if isinstance(node, ast.DictComp):
            return (Obj("dict", node=node, frame=frame, element=self.value(node.value, frame)),)
        if isinstance(node, ast.Subscript):
            return self.subscript(node, self.value(node.value, frame), frame)
        if isinstance(node, ast.NamedExpr):
            return self.value(node.value, frame)
        if isinstance(node, ast.Lambda):
            return (Obj("function", node=node, frame=frame),)
        if isinstance(node, ast.JoinedStr):
            return STRING
        if isinstance(node, (ast.Await, ast.Starred)):
            return self.value(node.value, frame)
        return UNKNOWN

    def dictionary(self, node: ast.Dict, frame: Frame) -> Value:
        keys: list[tuple[object, Value]] = []
        rest: list[Value] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                keys.append((key.value, self.value(value, frame)))
            elif key is None:
                for obj in self.value(value, frame):
                    keys.extend(obj.keys or ())
                    rest.append(
                        obj.element
                        if obj.kind == "dict" and obj.element is not None
                        else NEVER
                        if obj.kind == "dict"
                        else UNKNOWN
                    )
            else:
                rest.append(self.value(value, frame))
        return (Obj("dict", node=node, frame=frame, keys=tuple(keys), element=join(*rest) or None),)

    def binary(self, node: ast.AST, left: Value, right: Value, frame: Frame, operator: ast.operator) -> Value:
        if only(left, "list", "tuple") and only(right, "list", "tuple") and isinstance(operator, ast.Add):
            kind = left[0].kind
            return (Obj(kind, node=node, frame=frame, element=join(self.element(left), self.element(right))),)
        if only(left, "list") and isinstance(operator, ast.Mult):
            return (Obj("list", node=node, frame=frame, element=self.element(left)),)
        if isinstance(operator, ast.Mod) and only(left, "string"):
            return STRING
        scalar = all(obj.scalar or obj.kind == "number" for obj in (*left, *right))
        return self.operation(node, [left, right], frame, scalar=scalar)

    def operation(self, node: ast.AST, operands: Iterable[Value], frame: Frame, *, scalar: bool = False) -> Value:
        """The result of a differentiable operation."""
        values = [without_none(value) for value in operands]
        values = [value for value in values if value]
        if not values:
            return NEVER
        if all(only(value, "number") for value in values):
            return NUMBER
        if (symbolic := self.library.tensorflow.operation(values, node)) is not None:
            return symbolic
        if any(some(value, "string") for value in values):
            return STRING
        found: set[Grad] = set()
        for value in values:
            found |= grads(value)
        if any(some(value, "tensor", "output") for value in values) or found & {Grad.ATTACHED, Grad.LEAF}:
            # A number may stand for "nothing yet" (`total = 0`): what is certain is that a tensor comes out once there is one.
            return tensor(self.recorded(found, node, frame), node, scalar=scalar)
        if all(only(value, "data", "number") for value in values):
            return next((value for value in values if any(obj.name == ARRAY for obj in value)), DATA)
        return UNKNOWN

    def recorded(self, found: set[Grad], node: ast.AST, frame: Frame) -> Grad:
        """The autograd state of a result whose operands have these."""
        if found & {Grad.ATTACHED, Grad.LEAF}:
            mode = self.regions.mode(node, frame)
            if mode is Mode.OFF:
                return Grad.DETACHED
            return Grad.UNKNOWN if mode is Mode.UNKNOWN else Grad.ATTACHED
        if Grad.UNKNOWN in found:
            return Grad.DETACHED if self.regions.mode(node, frame) is Mode.OFF else Grad.UNKNOWN
        return Grad.DETACHED

    # --- names ---

    def name(self, node: ast.Name, frame: Frame) -> Value:
        flow = frame.source.flow_in(frame.function)
        if node.id not in flow.globals and node.id not in flow.nonlocals:
            reaching = flow.uses.get(node)
            if reaching:
                return self.definitions(reaching, frame)
            if node.id in flow.definitions:
                return self.definitions(flow.definitions[node.id], frame)
        return self.free(node.id, frame.outer, frame.source, skip=node.id in flow.globals)

    def free(self, name: str, frame: Frame | None, source: Source, *, skip: bool = False) -> Value:
        """A name that the function itself doesn't bind: from an enclosing function, the module, or Python's builtins."""
        while frame is not None and frame.function is not None and not skip:
            flow = frame.source.flow_in(frame.function)
            if name in flow.definitions and name not in flow.globals | flow.nonlocals:
                return self.definitions(flow.definitions[name], frame)
            frame = frame.outer
        return self.module_name(name, source)

    def module_name(self, name: str, source: Source) -> Value:
        """What a module binds a name to once it is loaded."""
        key = ("global", name, source)
        if source.asked is not None:
            source.asked.add(name)
        if self.asking(key):
            return NEVER
        self.busy[key] = len(self.busy)
        try:
            values: list[Value] = []
            if (bound := source.flow.final.get(name) or source.flow.definitions.get(name)) is not None:
                values.append(self.definitions(bound, source.frame))
            for declaration in source.nodes(ast.Global):
                if (
                    isinstance(declaration, ast.Global)
                    and name in declaration.names
                    and (function := source.function(declaration))
                ):
                    inner = source.flow_in(function).definitions.get(name, ())
                    values.append(self.definitions(inner, self.open_frame(source, function)))
            if values:
                return join(*values) or UNKNOWN
        finally:
            del self.busy[key]
        star = self.starred(name, source)
        if star is not None:
            return star
        return (Obj("library", f"builtins.{name}"),) if name in _BUILTINS else UNKNOWN

    def starred(self, name: str, source: Source) -> Value | None:
        """A name brought by `from x import *`: of a file in sight, or of the one library that is imported so."""
        out_of_sight: list[str] = []
        for definition in source.flow.definitions.get("*", ()):
            statement = definition.statement
            if isinstance(statement, ast.ImportFrom):
                path = self.workspace.find(statement.module or "", statement.level, source.path)
                if path is not None and (other := self.workspace.load(path)) is not None and other is not source:
                    if name in other.flow.definitions:
                        return self.module_name(name, other)
                elif path is None:
                    out_of_sight.append("" if statement.level else statement.module or "")
        if len(out_of_sight) == 1 and out_of_sight[0].partition(".")[0] in LIBRARIES and name not in _BUILTINS:
            return (Obj("library", canonical(f"{out_of_sight[0]}.{name}")),)
        return None

    def definitions(self, definitions: Iterable[Definition], frame: Frame) -> Value:
        return join(*(self.definition(definition, frame) for definition in in_order(definitions)))

    def definition(self, definition: Definition, frame: Frame) -> Value:
        """The value that one binding gives, with what the body proves of it added."""
        key = (definition, frame)
        if self.asking(key):
            return NEVER
        self.busy[key] = len(self.busy)
        if self.touched is not None:
            self.touched(frame.source, definition.node)
        try:
            found = self.bound(definition, frame)
        finally:
            del self.busy[key]
        if not known(found) and definition.how not in ("import", "function", "class"):
            evidence = self.evidence(definition, frame)
            if evidence is not None:
                return join(tuple(obj for obj in found if obj.kind != "unknown"), evidence)
        elif some(found, "tensor", "output") and definition in self.backpropagated_definitions(frame):
            # Only a scalar can be backpropagated as it is, and only a tensor with a graph.
            return tuple(
                replace(obj, kind="tensor", scalar=True, grad=Grad.ATTACHED if obj.grad is Grad.UNKNOWN else obj.grad)
                if obj.kind in ("tensor", "output")
                else obj
                for obj in found
            )
        return found

    def bound(self, definition: Definition, frame: Frame) -> Value:
        how, value = definition.how, definition.value
        if how == "assign":
            return self.unpack(self.value(value, frame), definition.path)
        if how == "augment":
            statement = definition.statement
            assert isinstance(statement, ast.AugAssign)
            before = self.value(statement.target, frame)
            added = self.value(value, frame)
            if only(before, "list"):
                return before
            return self.binary(statement, before, added, frame, statement.op)
        if how in ("for", "comprehension"):
            return self.unpack(self.element(self.value(value, frame)), definition.path)
        if how == "parameter":
            return self.parameter(definition, frame)
        if how == "import":
            return self.imported(definition, frame)
        if how == "function":
            return self.decorated(definition.node, frame)
        if how == "class":
            return (Obj("class", getattr(definition.node, "name", ""), node=definition.node, frame=frame),)
        if how == "with":
            return self.unpack(self.entered(value, frame), definition.path)
        if how == "delete":
            return NEVER
        if how == "reset":
            flow = frame.source.flow_in(frame.function)
            others = [other for other in flow.definitions.get(definition.key, ()) if other.how != "reset"]
            if others:
                return self.definitions(others, frame)
            node = definition.node
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                return self.held(node.func.value, frame)
        return UNKNOWN

    def held(self, node: ast.expr, frame: Frame) -> Value:
        """The value of an attribute chain as the object holds it, whatever this function did to it."""
        if isinstance(node, ast.Attribute):
            return self.member(self.value(node.value, frame), node.attr, node, frame)
        return UNKNOWN

    def decorated(self, node: ast.AST, frame: Frame) -> Value:
        return (Obj("function", getattr(node, "name", ""), node=node, frame=frame, traced=self.tracing(node, frame)),)

    def tracing(self, function: ast.AST, frame: Frame) -> ast.expr | None:
        """The decorator that makes a function one of `tf.function`."""
        for decorator in getattr(function, "decorator_list", ()):
            named = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = self.qualified(named, frame)
            if name == "functools.partial" and isinstance(decorator, ast.Call) and decorator.args:
                name = self.qualified(decorator.args[0], frame)
            if name == tensorflow.FUNCTION:
                return decorator
        return None

    def entered(self, context: ast.expr | None, frame: Frame) -> Value:
        """What `with context as x` binds."""
        value = self.value(context, frame)
        results: list[Value] = []
        for obj in value:
            if obj.kind == "generator":
                results.append(obj.element or UNKNOWN)
            elif (
                obj.kind in INSTANCES
                and isinstance(obj.node, ast.ClassDef)
                and (method := self.method(obj, "__enter__")) is not None
            ):
                results.append(self.invoke(method, (obj,), [], {}, context or ast.Pass(), frame))
            elif (
                obj.kind == "object" and (obj.name in ("tqdm.tqdm", "joblib.Parallel") or obj.name in objects.RESOURCES)
            ) or obj.kind in ("iterator", "loader", "handle", *ENTERED):
                results.append((obj,))
            else:
                results.append(UNKNOWN)
        return join(*results) or UNKNOWN

    # --- parameters ---

    def parameter(self, definition: Definition, frame: Frame) -> Value:
        name = definition.key
        if frame.arguments is not None:
            return frame.arguments.get(name, UNKNOWN)
        function = frame.function
        assert function is not None
        cls = frame.source.class_of(function) if not isinstance(function, ast.Lambda) else None
        listed = parameters(function.args)
        if cls is not None and listed and listed[0].arg == name and not _decorated(function, "staticmethod"):
            class_frame = self.frame_at(frame.source, cls)
            if _decorated(function, "classmethod"):
                return (Obj("class", cls.name, node=cls, frame=class_frame),)
            return (self.instance(cls, class_frame, None),)
        argument = next(a for a in listed if a.arg == name)
        if argument.annotation is not None:
            annotated = self.annotation(argument.annotation, frame)
            if annotated is not None:
                return annotated
        passed = self.passed(function, name, frame)
        if passed is not None:
            return passed
        if function.args.vararg is argument:
            return (Obj("tuple", element=UNKNOWN),)
        if function.args.kwarg is argument:
            return (Obj("dict", element=UNKNOWN),)
        special = self.library.hook_parameter(function, name, frame)
        return special if special is not None else self.default_kind(function, name)

    def default_kind(self, function: FunctionNode, name: str) -> Value:
        """The kind of a parameter by its default, where that is a number or a text: `steps=4`."""
        arguments = function.args
        plain = [*arguments.posonlyargs, *arguments.args]
        pairs = [
            *zip(reversed(plain), reversed(arguments.defaults), strict=False),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            if argument.arg == name and isinstance(default, ast.Constant):
                if isinstance(default.value, (int, float)):
                    return NUMBER
                if isinstance(default.value, str):
                    return STRING
        return UNKNOWN

    def passed(self, function: FunctionNode, name: str, frame: Frame) -> Value | None:
        """What callers in sight pass for a parameter; None if there are none."""
        key = ("passed", function, name)
        if self.asking(key):
            return NEVER
        callers = self.callers(function, frame.source)
        if not callers:
            return None
        if len(callers) > 6:
            return UNKNOWN
        self.busy[key] = len(self.busy)
        try:
            values: list[Value] = []
            for call, source in callers:
                if self.touched is not None:
                    self.touched(source, call)
                outer = self.frame_at(source, call)
                method = not isinstance(function, ast.Lambda) and frame.source.class_of(function) is not None
                bound = self.bind(
                    function, self.arguments(call, outer), frame, 1 if method and not _decorated(function, "staticmethod") else 0
                )
                values.append(bound.get(name, UNKNOWN))
            return join(*values) or None
        finally:
            del self.busy[key]

    def callers(self, function: ast.AST, source: Source) -> list[tuple[ast.Call, Source]]:
        """Calls in the same file that surely or very likely reach this function."""
        if function in self.caller_memo:
            return self.caller_memo[function]
        self.caller_memo[function] = []  # a question within the question sees no callers
        found: list[tuple[ast.Call, Source]] = []
        name = getattr(function, "name", None)
        if self.scout is not None:
            # Calls that don't reach the function are no ground of an answer: only their names are (`Source.asked`).
            asked, source.asked = source.asked, None
            try:
                found = self.scout.callers(function, source)
            finally:
                source.asked = asked
            if asked is not None and name is not None:
                cls = source.class_of(function)
                asked.add(cls.name if cls is not None and name == "__init__" else name)
        elif name is not None:
            cls = source.class_of(function)
            if cls is not None and name == "__init__":
                found = [(call, source) for call in source.calls(cls.name)]
            elif cls is not None and name == "__call__":
                found = []
            else:
                for call in source.calls(name):
                    if (cls is not None) == isinstance(call.func, ast.Attribute) and self.reaches(call, function, cls, source):
                        found.append((call, source))
        self.caller_memo[function] = found
        return found

    def reaches(self, call: ast.Call, function: ast.AST, cls: ast.ClassDef | None, source: Source) -> bool:
        if cls is None:
            return source.function(call) is not function
        assert isinstance(call.func, ast.Attribute)
        receiver = call.func.value
        if isinstance(receiver, ast.Name) and receiver.id in ("self", "cls"):
            holder = source.enclosing_class(call)
            return holder is cls or (holder is not None and cls in self.lineage(holder, source))
        if isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Name) and receiver.func.id == "super":
            holder = source.enclosing_class(call)
            return holder is not None and holder is not cls and cls in self.lineage(holder, source)
        value = self.value(receiver, self.frame_at(source, call))
        return any(
            obj.node is cls or (isinstance(obj.node, ast.ClassDef) and cls in self.lineage(obj.node, source)) for obj in value
        )

    def lineage(self, cls: ast.ClassDef, source: Source) -> list[ast.ClassDef]:
        """A class and its bases in sight, nearest first."""
        return [node for node, _ in self.ancestry(cls, self.frame_at(source, cls))[0]]

    def ancestry(self, cls: ast.ClassDef, frame: Frame) -> tuple[list[tuple[ast.ClassDef, Frame]], list[str], bool]:
        """Classes in sight (with their frames), qualified names of library bases, and whether a base is unknown."""
        if cls in self.ancestries:
            return self.ancestries[cls]
        before, self.cut = self.cut, _NO_CUT
        found = self.find_ancestry(cls, frame)
        if self.cut == _NO_CUT:
            self.ancestries[cls] = found
        self.cut = min(before, self.cut)
        return found

    def find_ancestry(self, cls: ast.ClassDef, frame: Frame) -> tuple[list[tuple[ast.ClassDef, Frame]], list[str], bool]:
        classes: list[tuple[ast.ClassDef, Frame]] = []
        libraries: list[str] = []
        unknown = False
        pending = [(cls, frame)]
        while pending:
            current, where = pending.pop(0)
            if any(current is seen for seen, _ in classes):
                continue
            classes.append((current, where))
            for base in current.bases:
                value = self.value(base.value if isinstance(base, ast.Subscript) else base, where)
                for obj in value:
                    if obj.kind == "class" and isinstance(obj.node, ast.ClassDef) and obj.frame is not None:
                        pending.append((obj.node, obj.frame))
                    elif obj.kind == "library":
                        libraries.append(obj.name)
                    else:
                        unknown = True
                unknown = unknown or not value
        return classes, libraries, unknown

    def instance(self, cls: ast.ClassDef, frame: Frame, site: ast.AST | None) -> Obj:
        kind = "module" if self.is_module_class(cls, frame) else self.library.tensorflow.class_kind(self.ancestry(cls, frame)[1])
        return Obj(kind or "instance", cls.name, node=cls, frame=frame, site=site)

    def is_module_class(self, cls: ast.ClassDef, frame: Frame) -> bool:
        _, libraries, _ = self.ancestry(cls, frame)
        return any(self.library.is_module_name(name) for name in libraries)

    def annotation(self, node: ast.expr, frame: Frame) -> Value | None:
        """The value that an annotation promises, None where it says nothing that helps."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
            if not isinstance(node, ast.Name):
                return None
            value = self.module_name(node.id, frame.source)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = [
                self.annotation(side, frame)
                for side in (node.left, node.right)
                if not (isinstance(side, ast.Constant) and side.value is None)
            ]
            return join(*(side for side in sides if side)) if sides and all(sides) else None
        elif isinstance(node, ast.Subscript):
            head = self.value(node.value, self.frame_at(frame.source, node))
            name = head[0].name if head and head[0].kind in ("library",) else ""
            if name == "typing.Optional":
                return self.annotation(node.slice, frame)
            if name in ("typing.List", "builtins.list", "typing.Sequence", "typing.Iterable", "typing.Iterator"):
                inner = self.annotation(node.slice, frame)
                return (Obj("list", element=inner),) if inner is not None else None
            return self.library.annotated(name)
        else:
            value = self.value(node, frame.outer or frame)
        results: list[Value] = []
        for obj in value:
            if obj.kind == "class" and isinstance(obj.node, ast.ClassDef) and obj.frame is not None:
                results.append((self.instance(obj.node, obj.frame, None),))
            elif obj.kind == "library" and (promised := self.library.annotated(obj.name)) is not None:
                results.append(promised)
            else:
                return None
        return join(*results) or None

    def evidence(self, definition: Definition, frame: Frame) -> Value | None:
        """What the function does with a binding that proves its kind: `.backward()`, `.parameters()`, `.zero_grad()`."""
        if definition in self.backpropagated_definitions(frame):
            return tensor(Grad.ATTACHED, definition.node, scalar=True)
        attributes = self.attributes_used(frame).get(definition, frozenset())
        if "step" in attributes and "zero_grad" in attributes:
            return (Obj("optimizer"),)
        if attributes & {"eval", "train", "zero_grad", "load_state_dict", "register_forward_hook", "modules", "named_modules"} and attributes & {
            "parameters", "eval", "train", "named_parameters", "named_modules", "register_forward_hook", "forward", "zero_grad", "modules",
        } and "step" not in attributes:  # fmt: skip
            return (Obj("module"),)
        if attributes & {"parameters", "named_parameters"}:
            return (Obj("module"),)
        return None

    def attributes_used(self, frame: Frame) -> dict[Definition, frozenset[str]]:
        """Names of the methods that a function calls on each binding."""
        place = (frame.function, frame.source)
        if place not in self.used:
            found: dict[Definition, set[str]] = {}
            for node, reaching in frame.source.flow_in(frame.function).uses.items():
                parent = frame.source.parent(node)
                if isinstance(parent, ast.Attribute) and isinstance(frame.source.parent(parent), ast.Call):
                    for definition in reaching:
                        found.setdefault(definition, set()).add(parent.attr)
            self.used[place] = {definition: frozenset(names) for definition, names in found.items()}
        return self.used[place]

    def backpropagated_definitions(self, frame: Frame) -> set[Definition]:
        """Bindings on whose value the function calls backward."""
        place = (frame.function, frame.source)
        if place not in self.backpropagated:
            flow = frame.source.flow_in(frame.function)
            found: set[Definition] = set()
            for target in self.regions.backward_targets(frame):
                node: ast.AST = target
                while isinstance(node, ast.BinOp):  # (loss / steps).backward()
                    node = node.left if not isinstance(node.left, ast.Constant) else node.right
                found |= {d for d in flow.uses.get(node, ()) if d is not ENTRY}
            self.backpropagated[place] = found
        return self.backpropagated[place]

    # --- imports ---

    def imported(self, definition: Definition, frame: Frame) -> Value:
        alias, statement = definition.node, definition.statement
        assert isinstance(alias, ast.alias)
        source = frame.source
        if isinstance(statement, ast.Import):
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            path = self.workspace.find(whole, 0, source.path)
            if path is not None and path != source.path and (other := self.workspace.load(path)) is not None:
                return (Obj("namespace", whole, frame=other.frame),)
            return (Obj("library", canonical(whole)),)
        assert isinstance(statement, ast.ImportFrom)
        module = statement.module or ""
        path = self.workspace.find(module, statement.level, source.path)
        if path is not None and path != source.path:
            other = self.workspace.load(path)
            if other is not None and alias.name in other.flow.definitions:
                return self.module_name(alias.name, other)
            inner = self.workspace.find(f"{module}.{alias.name}" if module else alias.name, statement.level, source.path)
            if inner is not None and inner != source.path and (sub := self.workspace.load(inner)) is not None:
                return (Obj("namespace", alias.name, frame=sub.frame),)
            if other is not None and (star := self.starred(alias.name, other)) is not None:
                return star
            if statement.level:
                return UNKNOWN
        if statement.level:
            return UNKNOWN
        return (Obj("library", canonical(f"{module}.{alias.name}")),)

    # --- attributes ---

    def attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        key = key_of(node)
        if key is not None:
            reaching = frame.source.flow_in(frame.function).uses.get(node)
            if reaching and ENTRY not in reaching:
                return self.definitions(reaching, frame) or UNKNOWN
            if reaching and len(reaching) > 1:
                local = self.definitions([d for d in reaching if d is not ENTRY], frame)
                return join(local, self.member(self.value(node.value, frame), node.attr, node, frame))
        return self.member(self.value(node.value, frame), node.attr, node, frame)

    def member(self, owner: Value, name: str, node: ast.AST, frame: Frame) -> Value:
        """`owner.name`."""
        results: list[Value] = []
        for obj in without_none(owner):
            if obj.kind == "library":
                results.append((Obj("library", canonical(f"{obj.name}.{name}")),))
            elif obj.kind == "namespace" and obj.frame is not None:
                results.append(self.module_name(name, obj.frame.source))
            elif obj.kind in (*INSTANCES, "class", "super") and isinstance(obj.node, ast.ClassDef):
                results.append(self.field(obj, name, node, frame))
            else:
                results.append(self.library.attribute(obj, name, node, frame))
        return join(*results) or UNKNOWN

    def field(self, obj: Obj, name: str, node: ast.AST, frame: Frame) -> Value:
        """An attribute of an instance of a class in sight, or of the class itself."""
        cls = obj.node
        assert isinstance(cls, ast.ClassDef)
        assert obj.frame is not None
        method = self.method(obj, name)
        if method is not None:
            function = method.node
            assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
            if _decorated(function, "property") or _decorated(function, "cached_property"):
                return self.invoke(method, (obj,), [], {}, node, frame)
            assert method.frame is not None
            tracing = self.tracing(function, method.frame)
            return (Obj("method", name, node=function, frame=method.frame, receiver=(obj,), traced=tracing),)
        found = self.stored(cls, name, obj.frame)
        if found is not None:
            return found
        return self.library.attribute(obj, name, node, frame)

    def method(self, obj: Obj, name: str) -> Obj | None:
        """The function that a class in sight has under a name."""
        assert isinstance(obj.node, ast.ClassDef)
        assert obj.frame is not None
        classes = self.ancestry(obj.node, obj.frame)[0]
        for cls, where in classes[1:] if obj.kind == "super" else classes:
            for statement in _class_body(cls):
                if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name == name:
                    return Obj("function", name, node=statement, frame=where)
        return None

    def stored(self, cls: ast.ClassDef, name: str, frame: Frame) -> Value | None:
        """Everything that methods of a class (and its bases in sight) store under `self.name`; None if nothing does."""
        key = (cls, name)
        if key in self.fields:
            return self.fields[key]
        guard = ("field", cls, name)
        if self.asking(guard):
            return NEVER
        self.busy[guard] = len(self.busy)
        before, self.cut = self.cut, _NO_CUT
        try:
            values: list[Value] = []
            classes, _, _ = self.ancestry(cls, frame)
            for current, where in classes:
                for definition, function in self.field_definitions(current, name, where.source):
                    if definition.how not in ("delete", "reset"):
                        values.append(self.definition(definition, self.open_frame(where.source, function)))
                for statement in _class_body(current):
                    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                            if statement.value is not None:
                                values.append(self.value(statement.value, where))
                            elif promised := self.annotation(statement.annotation, where):
                                values.append(promised)
                for call in where.source.calls("register_buffer"):
                    if where.source.enclosing_class(call) is current and call.args and _is_text(call.args[0], name):
                        values.append(tensor(Grad.DETACHED, call))
                for call in where.source.calls("register_parameter"):
                    if where.source.enclosing_class(call) is current and call.args and _is_text(call.args[0], name):
                        values.append(tensor(Grad.LEAF, call))
        finally:
            del self.busy[guard]
        result = join(*values) if values else None
        if self.cut >= len(self.busy):
            self.fields[key] = result
        self.cut = min(before, self.cut if self.cut < len(self.busy) else _NO_CUT)
        return result

    def field_definitions(self, cls: ast.ClassDef, name: str, source: Source) -> list[tuple[Definition, FunctionNode]]:
        """Bindings of `self.name` in the methods of a class, with their methods."""
        memo = self.field_memo
        if cls not in memo:
            table: dict[str, list[tuple[Definition, FunctionNode]]] = {}
            if self.touched is not None:
                self.touched(source, cls)
            for statement in _class_body(cls):
                if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    continue
                listed = parameters(statement.args)
                if not listed:
                    continue
                prefix = listed[0].arg + "."
                for key, definitions in source.flow_in(statement).definitions.items():
                    if key.startswith(prefix) and "." not in key[len(prefix) :]:
                        table.setdefault(key[len(prefix) :], []).extend((definition, statement) for definition in definitions)
            memo[cls] = table
        return memo[cls].get(name, [])

    # --- contents ---

    def unpack(self, value: Value, path: tuple[int | str, ...]) -> Value:
        for step in path:
            value = self.element(value) if step == "*" else self.item(value, step)
            if step == "*":
                value = (Obj("list", element=value),)
        return value

    def item(self, value: Value, key: object) -> Value:
        """`value[key]` for a constant key."""
        results: list[Value] = []
        for obj in without_none(value):
            if obj.kind in ("tuple", "list") and obj.items is not None and isinstance(key, int):
                mutable = obj.kind == "list"
                if -len(obj.items) <= key < len(obj.items) and not (mutable and not obj.items):
                    results.append(obj.items[key])
                else:
                    results.append(self.element((obj,)))
            elif obj.kind == "dict":
                matching = [item for name, item in obj.keys or () if name == key]
                results.extend(matching)
                if not matching:
                    results.append(self.contents(obj, key))
            elif obj.kind == "data":
                results.append(DATA)
            elif obj.kind == "output":
                # One part of a structure: it may be anything, a number as well.
                results.append((replace(obj, grad=Grad.UNKNOWN if obj.grad is Grad.ATTACHED else obj.grad),))
            elif obj.kind == "tensor":
                results.append((replace(obj, view=True, scalar=False),))
            elif obj.kind == "module":
                results.append(self.library.submodule(obj, key))
            elif obj.kind == "string":
                results.append(STRING)
            elif obj.kind != "number":
                results.append(self.element((obj,)))
        return join(*results) or UNKNOWN

    def element(self, value: Value) -> Value:
        """What iteration over a value gives."""
        results: list[Value] = []
        for obj in without_none(value):
            if obj.kind in ("list", "tuple", "set", "deque", "iterator", "generator"):
                parts = [*(obj.items or ())]
                if obj.element is not None:
                    parts.append(obj.element)
                if obj.kind in ("list", "deque", "set") and obj.node is not None and obj.frame is not None:
                    parts.append(self.contents(obj, None))
                results.append(join(*parts) or NEVER)
            elif obj.kind == "loader" or obj.kind == "data":
                results.append(DATA)
            elif obj.kind == "tensor":
                results.append((replace(obj, view=True, scalar=False),))
            elif obj.kind == "dict":
                results.append(STRING)
            elif obj.kind == "number":
                pass  # can't be iterated or indexed: not the alternative that runs
            elif obj.kind == "string":
                results.append(STRING)
            elif obj.kind == "module":
                results.append(self.library.submodule(obj, None))
            elif obj.kind == "instance":
                results.append(self.iterated(obj))
            elif obj.kind in KINDS:
                results.append(self.library.tensorflow.element(obj))
            else:
                results.append(UNKNOWN)
        return join(*results)

    def iterated(self, obj: Obj) -> Value:
        """What iteration over an instance of a class in sight gives, by its `__iter__`, or `__next__` where that returns itself."""
        method = self.method(obj, "__iter__")
        if method is None or obj.frame is None:
            return UNKNOWN
        given = self.invoke(method, (obj,), [], {}, ast.Pass(), obj.frame)
        if any(other.kind == "instance" for other in given):
            following = self.method(obj, "__next__")
            return self.invoke(following, (obj,), [], {}, ast.Pass(), obj.frame) if following is not None else UNKNOWN
        return self.element(given)

    def contents(self, obj: Obj, key: object) -> Value:
        """What is put into a container after it was made, by `append` and its like and by subscript stores.

        Looked for under the name (or attribute chain) that the container's display is assigned to, in the same function, or in the
        same class for an attribute of self.
        """
        if obj.node is None or obj.frame is None:
            return obj.element or UNKNOWN
        guard = ("contents", obj.node, obj.frame)
        if self.asking(guard):
            return NEVER
        source = obj.frame.source
        statement = source.statement(obj.node)
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign) and statement.value is obj.node:
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is obj.node:
            targets = [statement.target]
        elif (
            isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Tuple)
            and isinstance(statement.targets[0], ast.Tuple)
        ):
            for target, value in zip(statement.targets[0].elts, statement.value.elts, strict=False):
                if value is obj.node:
                    targets = [target]
        keys = {found for target in targets if (found := key_of(target)) is not None}
        self.busy[guard] = len(self.busy)
        try:
            values: list[Value] = [obj.element] if obj.element is not None else []
            if obj.kind == "dict":
                values.extend(item for name, item in obj.keys or () if key is None or name == key)
            function = source.function(obj.node)
            cls = source.class_of(function) if function is not None else None
            if source.asked is not None:
                source.asked.update(keys)
            for name in keys:
                chain = "." in name
                for method in ("append", "extend", "insert", "add", "appendleft", "update", "setdefault", "push"):
                    for call in source.calls(method):
                        if not isinstance(call.func, ast.Attribute) or key_of(call.func.value) != name:
                            continue
                        if chain and cls is not None:
                            if source.enclosing_class(call) is not cls:
                                continue
                        elif not chain and function is not None and source.function(call) is not function:
                            continue
                        where = self.frame_at(source, call) if source.function(call) is not obj.frame.function else obj.frame
                        if not call.args:
                            continue
                        added = self.value(call.args[-1], where)
                        values.append(self.element(added) if method in ("extend", "update") else added)
                for grown in source.nodes(ast.AugAssign):
                    assert isinstance(grown, ast.AugAssign)
                    if key_of(grown.target) != name:
                        continue
                    if (
                        (source.enclosing_class(grown) is cls)
                        if chain and cls is not None
                        else source.function(grown) is function
                    ):
                        values.append(self.element(self.value(grown.value, self.frame_at(source, grown))))
                for subscript in source.nodes(ast.Subscript):
                    assert isinstance(subscript, ast.Subscript)
                    if not isinstance(subscript.ctx, ast.Store) or key_of(subscript.value) != name:
                        continue
                    if chain and cls is not None:
                        if source.enclosing_class(subscript) is not cls:
                            continue
                    elif not chain and function is not None and source.function(subscript) is not function:
                        continue
                    if key is not None and isinstance(subscript.slice, ast.Constant) and subscript.slice.value != key:
                        continue
                    holder = source.statement(subscript)
                    if isinstance(holder, ast.Assign) and subscript in holder.targets:
                        where = (
                            self.frame_at(source, subscript)
                            if source.function(subscript) is not obj.frame.function
                            else obj.frame
                        )
                        values.append(self.value(holder.value, where))
                    else:
                        values.append(UNKNOWN)
            if not keys and not values and obj.items == ():
                return UNKNOWN
            return join(*values)
        finally:
            del self.busy[guard]

    def subscript(self, node: ast.Subscript, value: Value, frame: Frame) -> Value:
        index = node.slice
        if isinstance(index, ast.Constant):
            return self.item(value, index.value)
        if isinstance(index, ast.UnaryOp) and isinstance(index.operand, ast.Constant) and isinstance(index.operand.value, int):
            return self.item(value, -index.operand.value)
        results: list[Value] = []
        for obj in without_none(value):
            if obj.kind in ("list", "tuple") and isinstance(index, ast.Slice):
                results.append((replace(obj, items=None, element=self.element((obj,))),))
            elif obj.name == ARRAY and isinstance(index, ast.Slice):
                results.append((obj,))
            elif obj.kind == "dict":
                parts = [item for _, item in obj.keys or ()]
                results.append(join(*parts, self.contents(obj, None)) or UNKNOWN)
            elif obj.kind in ("tensor", "output"):
                results.append((replace(obj, view=True, scalar=False),))
            elif obj.kind == "number":
                pass  # can't be indexed: not the alternative that runs
            else:
                results.append(self.item((obj,), None))
        return join(*results) or UNKNOWN

    # --- calls ---

    def arguments(self, call: ast.Call, frame: Frame) -> tuple[list[Value], dict[str, Value], bool]:
        """Positional and named arguments of a call, and whether others may be hidden in `*` or `**`."""
        positional: list[Value] = []
        hidden = False
        for argument in call.args:
            if isinstance(argument, ast.Starred):
                value = self.value(argument.value, frame)
                obj = some(value, "tuple", "list")
                if len(value) == 1 and obj is not None and obj.items and obj.kind == "tuple":
                    positional.extend(obj.items)
                else:
                    hidden = True
                    break
            else:
                positional.append(self.value(argument, frame))
        named: dict[str, Value] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                hidden = True
            else:
                named[keyword.arg] = self.value(keyword.value, frame)
        return positional, named, hidden

    def bind(
        self, function: FunctionNode, given: tuple[list[Value], dict[str, Value], bool], frame: Frame, skip: int = 0
    ) -> dict[str, Value]:
        """The values of a function's parameters for these arguments; the first `skip` parameters are bound already."""
        positional, named, hidden = given
        arguments = function.args
        plain = [*arguments.posonlyargs, *arguments.args]
        result: dict[str, Value] = {}
        for argument, value in zip(plain[skip:], positional, strict=False):
            result[argument.arg] = value
        if arguments.vararg:
            rest = tuple(positional[len(plain) - skip :])
            result[arguments.vararg.arg] = (
                Obj("tuple", items=rest) if not hidden else Obj("tuple", element=join(UNKNOWN, *rest)),
            )
        extra: list[tuple[object, Value]] = []
        names = {argument.arg for argument in [*plain, *arguments.kwonlyargs]}
        for name, value in named.items():
            if name in names:
                result[name] = value
            else:
                extra.append((name, value))
        if arguments.kwarg:
            result[arguments.kwarg.arg] = (Obj("dict", keys=tuple(extra), element=UNKNOWN if hidden else None),)
        defaults = dict(zip([a.arg for a in plain[len(plain) - len(arguments.defaults) :]], arguments.defaults, strict=True))
        defaults.update({a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None})
        outer = frame.outer or frame.source.frame
        for argument in [*plain[skip:], *arguments.kwonlyargs]:
            if argument.arg not in result:
                default = defaults.get(argument.arg)
                result[argument.arg] = UNKNOWN if hidden or default is None else self.value(default, outer)
        return result

    def call(self, node: ast.Call, frame: Frame) -> Value:
        callee = self.value(node.func, frame)
        if not callee:
            return NEVER
        given = self.arguments(node, frame)
        results = [self.apply(obj, given, node, frame) for obj in without_none(callee)]
        return join(*results) or UNKNOWN

    def apply(self, obj: Obj, given: tuple[list[Value], dict[str, Value], bool], node: ast.AST, frame: Frame) -> Value:
        """The result of calling one object."""
        positional, named, hidden = given
        if obj.kind == "function" and obj.node is not None:
            return self.invoke(obj, None, positional, named, node, frame, hidden)
        if obj.kind == "method" and obj.node is not None and obj.receiver:
            function = Obj("function", obj.name, node=obj.node, frame=obj.frame)
            assert isinstance(obj.node, (ast.FunctionDef, ast.AsyncFunctionDef))
            receiver = (
                None
                if _decorated(obj.node, "staticmethod")
                or (obj.receiver[0].kind == "class" and not _decorated(obj.node, "classmethod"))
                else obj.receiver
            )
            if receiver and receiver[0].kind == "super":
                receiver = (
                    replace(
                        receiver[0],
                        kind=self.instance(receiver[0].node, receiver[0].frame, None).kind
                        if isinstance(receiver[0].node, ast.ClassDef) and receiver[0].frame
                        else "instance",
                    ),
                )
            return self.invoke(function, receiver, positional, named, node, frame, hidden)
        if obj.kind == "class" and isinstance(obj.node, ast.ClassDef) and obj.frame is not None:
            return (self.instance(obj.node, obj.frame, node),)
        if obj.kind == "module":
            return self.library.forward(obj, given, node, frame)
        if obj.kind in ("keras-model", "keras-layer"):
            return self.library.tensorflow.applied(obj, given, node, frame)
        if obj.kind == "instance" and isinstance(obj.node, ast.ClassDef):
            method = self.method(obj, "__call__")
            return self.invoke(method, (obj,), positional, named, node, frame, hidden) if method else UNKNOWN
        return self.library.call(obj, given, node, frame)

    def invoke(
        self,
        function: Obj,
        receiver: Value | None,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.AST,
        frame: Frame,
        hidden: bool = False,
    ) -> Value:
        """The result of a function in sight."""
        definition = function.node
        if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or function.frame is None:
            return UNKNOWN
        if self.touched is not None:
            self.touched(function.frame.source, definition)
        outer = Frame(function.frame.source, definition, outer=function.frame)
        arguments = self.bind(definition, (positional, named, hidden), outer, 1 if receiver is not None else 0)
        if receiver is not None:
            listed = parameters(definition.args)
            if listed:
                arguments[listed[0].arg] = receiver
        inner = self.call_frame(function, arguments, self.regions.mode(node, frame), frame.depth + 1)
        if inner is None:
            return UNKNOWN
        return self.returned(definition, inner)

    def returned(self, function: FunctionNode, frame: Frame) -> Value:
        """What a function returns in a frame."""
        if isinstance(function, ast.Lambda):
            return self.value(function.body, frame)
        key = ("returned", function, frame)
        if self.asking(key):
            return NEVER
        self.busy[key] = len(self.busy)
        try:
            flow = frame.source.flow_in(function)
            if flow.yields:
                given = [
                    self.element(self.value(y.value, frame)) if isinstance(y, ast.YieldFrom) else self.value(y.value, frame)
                    for y in flow.yields
                ]
                return (Obj("generator", node=function, element=join(*given)),)
            if isinstance(function, ast.AsyncFunctionDef) and not flow.returns:
                return NONE
            if not flow.returns:
                return NONE if not any(isinstance(statement, ast.Raise) for statement in function.body) else UNKNOWN
            return join(*(self.value(node.value, frame) for node in flow.returns))
        finally:
            del self.busy[key]

    # --- names of libraries ---

    def qualified(self, node: ast.AST, frame: Frame) -> str | None:
        """The qualified name of a library's object that an expression names, through imports and aliases."""
        if not self.may_name_library(node, frame):
            return None
        value = self.value(node, frame)
        if len(value) == 1 and value[0].kind == "library":
            return value[0].name
        return None

    def may_name_library(self, node: ast.AST | None, frame: Frame, depth: int = 4) -> bool:
        """Whether bindings lead from a chain of names to an import at all: most calls are of the program's own objects."""
        chain: list[str] = []
        while isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        if isinstance(node, ast.IfExp):
            return self.may_name_library(node.body, frame) or self.may_name_library(node.orelse, frame)
        if isinstance(node, ast.Call):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            return last in ("getattr", "import_module", "__import__", "partial", "LazyLoader")
        if not isinstance(node, ast.Name) or not depth:
            return not isinstance(node, ast.expr) or not depth
        name, where = node.id, frame
        flow = where.source.flow_in(where.function)
        bound: Iterable[Definition] | None = flow.uses.get(node) or flow.definitions.get(name)
        while not bound or name in flow.globals | flow.nonlocals:
            if where.function is None or where.outer is None:
                break
            where = where.outer
            flow = where.source.flow_in(where.function)
            bound = flow.definitions.get(name)
        if where.source.asked is not None:
            where.source.asked.add(name)
        if not bound:
            return name in _BUILTINS or "*" in where.source.flow.definitions
        return any(self._may_bind_library(definition, chain, where, depth) for definition in bound)

    def _may_bind_library(self, definition: Definition, chain: list[str], frame: Frame, depth: int) -> bool:
        if definition is ENTRY or definition.how in ("import", "reset"):
            return True
        if definition.how == "assign":
            return self.may_name_library(definition.value, frame, depth - 1)
        if definition.how != "parameter":
            return False
        function = frame.function
        if not chain or function is None or isinstance(function, ast.Lambda):
            return True  # `def run(loss_fn): loss_fn(x)`: the callers know
        cls = frame.source.class_of(function)
        if cls is None or definition.key not in ("self", "cls"):
            return False
        where = self.frame_at(frame.source, cls)
        return any(
            stored.how in ("import", "reset")
            or (stored.how == "assign" and self.may_name_library(stored.value, within, depth - 1))
            for base, base_frame in self.ancestry(cls, where)[0]
            for stored, method in self.field_definitions(base, chain[-1], base_frame.source)
            for within in (self.open_frame(base_frame.source, method),)
        ) or any(
            isinstance(statement, (ast.Assign, ast.AnnAssign))
            and statement.value is not None
            and self.may_name_library(statement.value, where, depth - 1)
            for base, _ in self.ancestry(cls, where)[0]
            for statement in _class_body(base)
            if any(
                isinstance(t, ast.Name) and t.id == chain[-1]
                for t in getattr(statement, "targets", [getattr(statement, "target", None)])
            )
        )


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _class_body(cls: ast.ClassDef) -> list[ast.stmt]:
    """Statements of a class body, those under `if` and `try` as well. Kept with the node."""
    kept: list[ast.stmt] | None = getattr(cls, "statements", None)
    if kept is not None:
        return kept
    found: list[ast.stmt] = []
    pending = list(cls.body)
    while pending:
        statement = pending.pop(0)
        found.append(statement)
        if isinstance(statement, (ast.If, ast.Try)):
            pending = [*statement.body, *statement.orelse, *pending]
    cls.statements = found  # pyright: ignore[reportAttributeAccessIssue]
    return found


def _decorated(function: ast.AST, name: str) -> bool:
    for decorator in getattr(function, "decorator_list", ()):
        last = decorator.attr if isinstance(decorator, ast.Attribute) else decorator.id if isinstance(decorator, ast.Name) else ""
        if last == name:
            return True
    return False


_BUILTINS = frozenset(dir(__import__("builtins")))
