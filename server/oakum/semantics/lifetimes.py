"""What outlives an iteration or a call, what is repeated, and what is backpropagated later."""

from __future__ import annotations

import ast
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from oakum.knowledge import torch as knowledge
from oakum.semantics.autograd import Mode
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import ENTRY, Definition, FunctionNode, container_of, in_order, key_of, parameters
from oakum.semantics.program import COMPREHENSIONS, FUNCTIONS, LOOPS, Frame, Source
from oakum.semantics.values import attached_part, some, without_none

_SHRINKING = {"pop", "popleft", "popitem", "clear", "remove", "reset"}
_DETACHING = {"item", "detach", "detach_", "tolist", "numpy", "size", "dim", "numel", "argmax", "argmin"}
_METADATA = {"shape", "device", "dtype", "ndim", "data", "requires_grad", "grad_fn", "is_cuda"}
_SINKS = {
    "print", "len", "float", "int", "str", "bool", "isinstance", "repr", "format", "round", "type", "id", "hasattr", "log", "log_dict", "add_scalar",
    "add_scalars", "add_histogram", "info", "debug", "warning", "error", "write", "set_postfix", "set_description", "set_postfix_str", "add_image", "any",
    "all", "plot", "scatter", "hist", "imshow", "savefig", "save", "dump", "dumps", "writerow", "save_image", "allclose", "log_metrics", "report", "clear",
    "array", "asarray", "mean_squared_error", "is_tensor", "isnan", "isfinite", "isinf", "save_checkpoint", "makedirs", "histogram", "no_grad",
}  # fmt: skip
_STORES = {"append", "extend", "insert", "appendleft", "add", "put", "update", "setdefault", "push"}
_EVALUATION = ("eval", "valid", "test", "val_", "accuracy", "metric")


class Fate(enum.Enum):
    """Whether a value reaches backward."""

    NEVER = "never"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Why something lives longer than the iteration that fills it.

    `loop`: the loop, or the function that is called again and again. `implicit`: the latter. `made`: where the container or the
    first value is made (None: out of sight). `scope`: local, attribute, global, closure or parameter. `caller`: the call in a
    loop that repeats the function, if it is in sight.
    """

    container: str
    loop: ast.AST
    implicit: bool
    made: ast.AST | None
    scope: str
    caller: ast.AST | None = None


class Lifetimes:
    def __init__(self, evaluator: Evaluator, source: Source) -> None:
        self.evaluator = evaluator
        self.source = source
        self.repeated_memo: dict[ast.AST, tuple[bool, ast.AST | None]] = {}
        self.strict = False  # whether callers out of sight are unknown, rather than told by a function's name

    # --- repetition ---

    def repeated(self, function: FunctionNode, depth: int = 3) -> tuple[bool, ast.AST | None]:
        """Whether a function is called again and again, and the call in a loop that shows it."""
        if function in self.repeated_memo:
            return self.repeated_memo[function]
        self.repeated_memo[function] = (False, None)
        source = self.source
        result: tuple[bool, ast.AST | None] = (False, None)
        name = getattr(function, "name", "")
        cls = source.class_of(function)
        if (cls is not None and (name in knowledge.REPEATED_METHODS or self.is_callback(cls, name))) or self.is_hook(function):
            result = (True, None)
        else:
            for call, _ in self.evaluator.callers(function, source):
                if source.loops(call):
                    result = (True, call)
                    break
                outer = source.function(call)
                if depth and outer is not None and outer is not function:
                    again, where = self.repeated(outer, depth - 1)
                    if again:
                        result = (True, where or call)
                        break
        self.repeated_memo[function] = result
        return result

    def is_callback(self, cls: ast.ClassDef, name: str) -> bool:
        """Whether Keras calls a method in each epoch or batch."""
        if not name.startswith(("on_epoch_", "on_batch_", "on_train_batch_", "on_test_batch_", "on_predict_batch_")):
            return False
        _, libraries, _ = self.evaluator.ancestry(cls, self.evaluator.frame_at(self.source, cls))
        return any(library.startswith("keras.callbacks.") for library in libraries)

    def is_hook(self, function: FunctionNode) -> bool:
        """Whether a function is registered as a hook, or is returned to a registration (`register_forward_hook(self._hook(name))`)."""
        source = self.source
        name = getattr(function, "name", None)
        for registration in knowledge.HOOK_REGISTRATIONS:
            for call in source.calls(registration):
                for argument in call.args:
                    if argument is function:
                        return True
                    for node in ast.walk(argument):
                        if name is not None and (
                            (isinstance(node, ast.Name) and node.id == name)
                            or (isinstance(node, ast.Attribute) and node.attr == name)
                        ):
                            return True
                        if isinstance(node, ast.Call):
                            for obj in self.evaluator.value(node, self.evaluator.frame_at(source, call)):
                                if obj.kind == "function" and obj.node is function:
                                    return True
        return False

    # --- containers ---

    def outlives(self, container: ast.expr, node: ast.AST) -> Lifetime | None:
        """The lifetime of a container that `node` fills, if it grows beyond the iteration (or call) that `node` is in."""
        base = container_of(container)
        key = key_of(base)
        if not isinstance(base, ast.expr) or key is None or self.bounded(key, base) or self.capped(key, node):
            return None
        source = self.source
        function = source.function(node)
        flow = source.flow_in(function)
        text = source.text(container)
        root = key.partition(".")[0]
        loops = [loop for loop in source.loops(node) if isinstance(loop, LOOPS)]
        scope, made = self.scope(key, base, function)
        local = root in flow.definitions and root not in flow.globals | flow.nonlocals
        name: ast.AST = base
        while isinstance(name, ast.Attribute):
            name = name.value
        reaching = flow.uses.get(base, frozenset[Definition]())
        if local:
            for loop in loops:
                inside = [d for d in flow.definitions.get(key, ()) if d.statement is not None and self.within(d.statement, loop)]
                rebound = [
                    d
                    for d in flow.definitions.get(root, ())
                    if d.statement is not None and (self.within(d.statement, loop) or d.statement is loop)
                ]
                if inside or ("." in key and rebound):
                    continue
                return Lifetime(text, loop, False, made, scope)
            own = (
                function is not None
                and bool(parameters(function.args))
                and parameters(function.args)[0].arg == root
                and source.class_of(function) is not None
            )
            if "." in key and own:
                if reaching and ENTRY not in reaching:
                    return None
                return self.attribute_lifetime(key, text, function, made, loops)
            passed = flow.uses.get(name, frozenset[Definition]())
            if (
                function is not None
                and passed
                and all(d.how == "parameter" for d in passed)
                and (not reaching or reaching == passed or ENTRY in reaching)
            ):
                again, where = self.repeated(function)
                if again and where is not None and not any(isinstance(d.value, ast.AST) for d in passed):
                    return Lifetime(text, function, True, made, "parameter", where)
            return None
        # Global or closure: nobody else may empty it.
        if self.reset_elsewhere(key, function):
            return None
        for loop in loops:
            return Lifetime(text, loop, False, made, scope)
        if function is not None:
            again, where = self.repeated(function)
            if again:
                return Lifetime(text, function, True, made, scope, where)
        return None

    def attribute_lifetime(
        self, key: str, text: str, function: FunctionNode | None, made: ast.AST | None, loops: Sequence[ast.AST]
    ) -> Lifetime | None:
        assert function is not None
        cls = self.source.class_of(function)
        if cls is None or self.field_reset(cls, key.partition(".")[2].partition(".")[0], function):
            return None
        if loops:
            return Lifetime(text, loops[0], False, made, "attribute")
        if getattr(function, "name", "") in (
            "__init__",
            "setup",
            "configure_optimizers",
            "reset",
            "build",
            "__enter__",
            "__exit__",
        ):
            return None
        again, where = self.repeated(function)
        return Lifetime(text, function, True, made, "attribute", where) if again else None

    def field_reset(self, cls: ast.ClassDef, name: str, function: FunctionNode) -> bool:
        """Whether some method other than the constructor makes `self.name` anew, empties it, or a user of the object does."""
        source = self.source
        where = self.evaluator.frame_at(source, cls)
        for current, frame in self.evaluator.ancestry(cls, where)[0]:
            for definition, method in self.evaluator.field_definitions(current, name, frame.source):
                if getattr(method, "name", "") in ("__init__", "__new__"):
                    continue
                if definition.how == "augment":
                    continue
                statement = definition.statement
                if method is function and isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                    if any(key_of(n) is not None and key_of(n) == definition.key for n in ast.walk(statement.value)):
                        continue  # self.total = self.total + x
                return True
        for method_name in _SHRINKING:
            for call in source.calls(method_name):
                if (
                    isinstance(call.func, ast.Attribute)
                    and isinstance(call.func.value, ast.Attribute)
                    and call.func.value.attr == name
                ):
                    return True
        for node in source.named(name):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                holder = source.enclosing_class(node)
                if holder is None:
                    return True  # agent.losses = []
        return False

    def reset_elsewhere(self, key: str, function: FunctionNode | None) -> bool:
        source = self.source
        for method_name in _SHRINKING:
            for call in source.calls(method_name):
                if isinstance(call.func, ast.Attribute) and key_of(call.func.value) == key:
                    return True
        for declaration in source.nodes(ast.Global):
            if (
                isinstance(declaration, ast.Global)
                and key in declaration.names
                and (other := source.function(declaration)) is not None
            ):
                for definition in source.flow_in(other).definitions.get(key, ()):
                    if definition.how == "assign":
                        return True
        bound = [d for d in source.flow.definitions.get(key, ()) if d.how in ("assign", "reset") and d.statement is not None]
        return any(any(isinstance(loop, LOOPS) for loop in source.loops(d.statement)) for d in bound if d.statement is not None)

    def bounded(self, key: str, base: ast.expr) -> bool:
        """Whether a container has a capacity: `deque(maxlen=)`, or something takes entries out of it in the same function or class."""
        source, evaluator = self.source, self.evaluator
        value = evaluator.value(base, evaluator.frame_at(source, base))
        if any(obj.kind == "deque" and obj.constant == "bounded" for obj in value):
            return True
        if any(obj.kind in ("module", "tensor", "number", "string", "loader", "optimizer") for obj in value):
            return True
        if any((obj.kind == "object" and "Weak" in obj.name) or obj.kind == "library" for obj in value):
            return True
        tail = key.rpartition(".")[2]
        function = source.function(base)
        cls = source.enclosing_class(base)
        for name in ("pop", "popleft", "popitem", "remove"):
            for call in source.calls(name):
                if (
                    isinstance(call.func, ast.Attribute)
                    and (found := key_of(call.func.value)) is not None
                    and found.rpartition(".")[2] == tail
                ):
                    if source.function(call) is function or (cls is not None and source.enclosing_class(call) is cls):
                        return True
        for node in source.nodes(ast.Delete):
            for target in node.targets if isinstance(node, ast.Delete) else ():
                if isinstance(target, ast.Subscript) and key_of(target.value) == key:
                    return True
        return False

    def capped(self, key: str, node: ast.AST) -> bool:
        """Whether a store stands behind a question about the size of the container: `if len(samples) < 10`."""
        return any(
            isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "len" and key_of(argument) == key
            for outer in self.source.ancestors(node)
            if isinstance(outer, (ast.If, ast.While))
            for part in ast.walk(outer.test)
            for argument in getattr(part, "args", ())
        )

    def scope(self, key: str, base: ast.expr, function: FunctionNode | None) -> tuple[str, ast.AST | None]:
        """Where a container lives, and the node that makes it."""
        source, evaluator = self.source, self.evaluator
        flow = source.flow_in(function)
        root = key.partition(".")[0]
        value = evaluator.value(base, evaluator.frame_at(source, base))
        made = next((obj.node for obj in value if obj.kind in ("list", "dict", "deque", "set") and obj.node is not None), None)
        if made is None:
            bound = in_order(d for d in flow.uses.get(base, ()) if d is not ENTRY and d.how == "assign")
            made = bound[0].node if bound else None
        if made is not None and source.piece(made) is None:
            made = None
        if function is None:
            return "local", made
        if root in flow.definitions and root not in flow.globals | flow.nonlocals:
            if "." in key:
                return "attribute", made
            parameter = any(d.how == "parameter" for d in flow.uses.get(base, ()))
            return ("parameter" if parameter else "local"), made
        outer = source.function(function)
        while outer is not None:
            if root in source.flow_in(outer).definitions:
                return "closure", made
            outer = source.function(outer)
        return "global", made

    def within(self, node: ast.AST, loop: ast.AST) -> bool:
        """Whether a node stands in the body of a loop."""
        return any(found is loop for found in self.source.loops(node))

    # --- totals ---

    def accumulates(self, statement: ast.AugAssign | ast.Assign) -> Lifetime | None:
        """The lifetime of a total that a statement adds to itself, if the old value comes from an earlier iteration or call."""
        source = self.source
        target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
        key = key_of(target)
        if key is None:
            return self.outlives(target, statement) if isinstance(target, ast.Subscript) else None
        function = source.function(statement)
        flow = source.flow_in(function)
        root = key.partition(".")[0]
        reads = [target] if isinstance(statement, ast.AugAssign) else [n for n in ast.walk(statement.value) if key_of(n) == key]
        if not reads:
            return None
        local = root in flow.definitions and root not in flow.globals | flow.nonlocals
        loops = [loop for loop in source.loops(statement) if isinstance(loop, LOOPS)]
        reaching: set[Definition] = set()
        for read in reads:
            reaching |= flow.uses.get(read, frozenset())
        own = [d for d in reaching if d.statement is statement]
        made = next((d.node for d in in_order(reaching - set(own)) if d is not ENTRY), None)
        if own and loops and (local or function is None):
            for loop in loops:
                if not any(
                    d.statement is not statement
                    and d.how in ("assign", "reset", "for")
                    and d.statement is not None
                    and self.within(d.statement, loop)
                    for d in reaching
                ):
                    others = [d for d in flow.definitions.get(key, ()) if d.statement is not statement and d.how == "assign"]
                    if any(d.statement is not None and self.within(d.statement, loop) and not self.reads(d, key) for d in others):
                        return None  # started anew every so often
                    return Lifetime(source.text(target), loop, False, made, "attribute" if "." in key else "local")
            return None
        if function is None:
            return None
        if "." in key and local:
            cls = source.class_of(function)
            listed = parameters(function.args)
            if cls is None or not listed or listed[0].arg != root or ENTRY not in reaching:
                return None
            if self.field_reset(cls, key.partition(".")[2].partition(".")[0], function):
                return None
            again, where = self.repeated(function)
            if loops:
                return Lifetime(source.text(target), loops[0], False, None, "attribute")
            return Lifetime(source.text(target), function, True, None, "attribute", where) if again else None
        if root in flow.globals | flow.nonlocals:
            again, where = self.repeated(function)
            if loops:
                return Lifetime(source.text(target), loops[0], False, None, "global")
            return (
                Lifetime(source.text(target), function, True, None, "global", where)
                if again and not self.reset_elsewhere(key, function)
                else None
            )
        return None

    def reads(self, definition: Definition, key: str) -> bool:
        return definition.value is not None and any(key_of(node) == key for node in ast.walk(definition.value))

    # --- backward ---

    def spent(self, item: ast.expr) -> bool:
        """Whether a value's graph was consumed by a backward in the same iteration: whatever keeps it can't backpropagate it again."""
        source = self.source
        frame = self.evaluator.frame_at(source, item)
        flow = source.flow_in(frame.function)
        consumed = self.consumed(frame)
        names = [n for n in ast.walk(item) if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Load)]
        for name in names:
            if attached_part(self.evaluator.value(name, frame)) is None:
                continue  # a backward goes through the model, too, but consumes only what it made
            reaching = [d for d in flow.uses.get(name, ()) if d is not ENTRY]
            if reaching and any(d in consumed for d in reaching):
                return True
            for d in reaching:
                if d.value is not None and d.how == "assign" and isinstance(d.value, ast.Call) and self.call_spends(d.value):
                    return True
        return any(isinstance(n, ast.Call) and self.call_spends(n) for n in ast.walk(item))

    def consumed(self, frame: Frame) -> set[Definition]:
        """Bindings that a backward of the same function goes through, without `retain_graph`."""
        evaluator, source = self.evaluator, frame.source
        flow = source.flow_in(frame.function)
        direct = set(evaluator.backpropagated_definitions(frame))
        seen: set[Definition] = set()
        pending = list(direct)
        for target in evaluator.regions.backward_targets(frame):
            for node in ast.walk(target):
                pending.extend(d for d in flow.uses.get(node, ()) if d is not ENTRY)
        while pending:
            definition = pending.pop()
            if definition in seen or definition.how not in ("assign", "augment", "with"):
                continue
            seen.add(definition)
            if definition.value is not None:
                for node in ast.walk(definition.value):
                    pending.extend(d for d in flow.uses.get(node, ()) if d is not ENTRY)
        return seen | direct

    def call_spends(self, call: ast.Call) -> bool:
        """Whether a function in sight backpropagates what it returns before it returns it."""
        source = self.source
        value = self.evaluator.value(call.func, self.evaluator.frame_at(source, call))
        for obj in without_none(value):
            if (
                obj.kind in ("function", "method")
                and isinstance(obj.node, (ast.FunctionDef, ast.AsyncFunctionDef))
                and obj.frame is not None
            ):
                inner = self.evaluator.open_frame(obj.frame.source, obj.node)
                flow = inner.source.flow_in(obj.node)
                consumed = (
                    self.consumed(inner) if inner.source is source else set(self.evaluator.backpropagated_definitions(inner))
                )
                for returned in flow.returns:
                    if returned.value is not None:
                        for node in ast.walk(returned.value):
                            if any(d in consumed for d in flow.uses.get(node, ())):
                                return True
        return False

    def fate(self, key: str, node: ast.AST, depth: int = 2) -> Fate:
        """Whether what is kept under `key` (a name, or a chain such as `self.losses`) is backpropagated later.

        Follows every read in the function (class for an attribute of self, file for a global). `UNKNOWN` where it leaves sight.
        """
        source = self.source
        function = source.function(node)
        tainted = {key}
        pending = [key]
        verdict = Fate.NEVER
        while pending:
            current = pending.pop()
            for read in self.reads_of(current, function):
                fate, spread = self.follow(read, function, depth)
                if fate is Fate.LATER:
                    return Fate.LATER
                if fate is Fate.UNKNOWN:
                    verdict = Fate.UNKNOWN
                for found in spread:
                    if found not in tainted:
                        tainted.add(found)
                        pending.append(found)
        return verdict

    def reads_of(self, key: str, function: FunctionNode | None) -> list[ast.expr]:
        """Loads of a name or chain: in the function and those nested in it, in the class for `self.x`, in the file for a global."""
        source = self.source
        own_flow = source.flow_in(function)
        cls = source.class_of(function) if function is not None else None
        name_root = key.partition(".")[0]
        found: list[ast.expr] = []
        if "." in key:
            tail = key.partition(".")[2]
            instance = (
                cls is not None
                and function is not None
                and parameters(function.args)
                and parameters(function.args)[0].arg == name_root
            )
            for node in source.named(key.rpartition(".")[2]):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and (other := key_of(node)) is not None:
                    if (other == key and (source.enclosing_class(node) is cls or not instance)) or (
                        instance and other.partition(".")[2] == tail and source.enclosing_class(node) is not cls
                    ):
                        found.append(node)
            return found
        local = function is not None and key in own_flow.definitions and key not in own_flow.globals
        for node in source.named(key):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                inside = source.function(node)
                if (
                    not local
                    or inside is function
                    or (inside is not None and any(a is function for a in source.ancestors(inside)))
                ):
                    found.append(node)
        return found

    def fate_of(self, value: ast.expr, depth: int = 2) -> Fate:
        """Whether an expression's value reaches a backward, or another gradient. Guesses nothing about callers out of sight."""
        self.strict = True
        try:
            verdict, spread = self.follow(value, self.source.function(value), depth)
            for key in sorted(spread):
                if verdict is Fate.LATER:
                    break
                found = self.fate(key, value, depth)
                verdict = found if found is not Fate.NEVER else verdict
        finally:
            self.strict = False
        return verdict

    def unrecorded(self, node: ast.AST) -> bool:
        return self.evaluator.regions.mode(node, self.evaluator.frame_at(self.source, node)) is Mode.OFF

    def follow(self, read: ast.expr, function: FunctionNode | None, depth: int) -> tuple[Fate, set[str]]:
        """Where one read of a value leads: to backward, nowhere, out of sight, or into other names."""
        source = self.source
        node: ast.AST = read
        while (parent := source.parent(node)) is not None:
            if isinstance(parent, ast.Attribute):
                if parent.attr in _METADATA or parent.attr in _DETACHING or parent.attr in _SHRINKING | {"zero_grad"}:
                    return Fate.NEVER, set()
                if parent.attr in _STORES:
                    return Fate.NEVER, set()
                if parent.attr == "backward":
                    return Fate.LATER, set()
                node = parent
                continue
            if isinstance(parent, ast.Call):
                if node is parent.func:
                    node = parent
                    continue
                return self.into_call(parent, node, function, depth)
            if isinstance(parent, ast.keyword):
                call = source.parent(parent)
                if isinstance(call, ast.Call):
                    return self.into_call(call, parent, function, depth)
                return Fate.UNKNOWN, set()
            if isinstance(
                parent,
                (
                    ast.Compare,
                    ast.FormattedValue,
                    ast.JoinedStr,
                    ast.Expr,
                    ast.Assert,
                    ast.If,
                    ast.While,
                    ast.Delete,
                    ast.Raise,
                    ast.UnaryOp,
                ),
            ):
                if isinstance(parent, ast.UnaryOp) and not isinstance(parent.op, ast.Not):
                    node = parent
                    continue
                return Fate.NEVER, set()
            if isinstance(parent, ast.Subscript):
                if node is parent.slice:
                    return Fate.NEVER, set()
                if not isinstance(parent.ctx, ast.Load):
                    return Fate.NEVER, set()
                node = parent
                continue
            if isinstance(parent, ast.IfExp) and node is parent.test:
                return Fate.NEVER, set()
            if isinstance(parent, (ast.Return, ast.Yield, ast.YieldFrom)):
                return self.out_of(source.function(parent), depth), set()
            if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
                targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
                found: set[str] = set()
                for target in targets:
                    for element in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                        base: ast.AST = element
                        while isinstance(base, (ast.Subscript, ast.Starred)):
                            base = base.value
                        key = key_of(base)
                        if self.strict and isinstance(base, ast.Attribute):
                            if base.attr == "data":
                                continue
                            return Fate.UNKNOWN, set()  # who reads an attribute may be out of sight
                        if key is None:
                            return Fate.UNKNOWN, set()
                        found.add(key)
                return Fate.NEVER, found
            if isinstance(parent, (ast.BinOp, ast.AugAssign)) and self.unrecorded(parent):
                return Fate.NEVER, set()
            if isinstance(parent, ast.AugAssign):
                base = parent.target
                if isinstance(base, ast.Attribute) and base.attr == "data":
                    return Fate.NEVER, set()
                while isinstance(base, ast.Subscript):
                    base = base.value
                key = key_of(base)
                return (Fate.NEVER, {key}) if key is not None else (Fate.UNKNOWN, set())
            if isinstance(parent, (ast.For, ast.AsyncFor)):
                keys = {key for n in ast.walk(parent.target) if isinstance(n, ast.Name) and (key := key_of(n))}
                return Fate.NEVER, keys
            if isinstance(parent, ast.comprehension):
                owner = source.parent(parent)
                if node is parent.iter and isinstance(owner, COMPREHENSIONS):
                    names = {n.id for n in ast.walk(parent.target) if isinstance(n, ast.Name)}
                    elements = [owner.key, owner.value] if isinstance(owner, ast.DictComp) else [owner.elt]
                    for element in elements:
                        for n in ast.walk(element):
                            if isinstance(n, ast.Name) and n.id in names and not self.detached_here(n, element):
                                fate, spread = self.follow(owner, function, depth)
                                return fate, spread
                    return Fate.NEVER, set()
                return Fate.NEVER, set()
            if isinstance(parent, FUNCTIONS):
                return Fate.UNKNOWN, set()
            node = parent
        return Fate.NEVER, set()

    def detached_here(self, name: ast.AST, until: ast.AST) -> bool:
        """Whether a name's value loses its graph between the name and the expression that holds it."""
        node = name
        while node is not until and (parent := self.source.parent(node)) is not None:
            if isinstance(parent, ast.Attribute) and parent.attr in _DETACHING | _METADATA:
                return True
            if (
                isinstance(parent, ast.Call)
                and isinstance(parent.func, ast.Name)
                and parent.func.id in ("float", "int", "str", "len")
                and node is not parent.func
            ):
                return True
            node = parent
        return False

    def into_call(self, call: ast.Call, argument: ast.AST, function: FunctionNode | None, depth: int) -> tuple[Fate, set[str]]:
        source, evaluator = self.source, self.evaluator
        callee = call.func
        last = callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""
        if last in ("backward", "manual_backward", "scale", "grad"):
            return Fate.LATER, set()
        if last in _SINKS:
            return Fate.NEVER, set()
        if last in _STORES and isinstance(callee, ast.Attribute):
            base: ast.AST = callee.value
            while isinstance(base, (ast.Subscript, ast.Call)):
                base = base.value if isinstance(base, ast.Subscript) else base.func
            key = key_of(base)
            return (Fate.NEVER, {key}) if key is not None else (Fate.UNKNOWN, set())
        frame = evaluator.frame_at(source, call)
        value = evaluator.value(callee, frame)
        if some(value, "library") and len(value) == 1:
            name = value[0].name
            if name.startswith(
                (
                    "numpy.",
                    "matplotlib.",
                    "wandb.",
                    "sklearn.",
                    "logging.",
                    "json.",
                    "math.",
                    "scipy.",
                    "pandas.",
                    "torch.save",
                    "pickle.",
                    "torchvision.utils.",
                )
            ):
                return Fate.NEVER, set()
            if name.startswith(("torch.distributed.",)):
                return Fate.NEVER, set()
            if name.startswith(("torch.", "builtins.", "itertools.", "functools.", "copy.", "tqdm.", "einops.")):
                return self.follow(call, function, depth)
        if len(value) == 1 and value[0].kind in ("module",):
            return self.follow(call, function, depth)
        if len(value) == 1 and value[0].kind == "method" and value[0].receiver and value[0].node is None:
            return self.follow(call, function, depth)
        if (
            depth
            and len(value) == 1
            and value[0].kind in ("function", "method")
            and isinstance(value[0].node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ):
            inner = value[0].node
            if value[0].frame is not None and value[0].frame.source is source:
                listed = parameters(inner.args)
                skip = 1 if value[0].kind == "method" else 0
                name = None
                if isinstance(argument, ast.keyword):
                    name = argument.arg
                else:
                    index = next((n for n, given in enumerate(call.args) if given is argument), len(listed))
                    name = listed[index + skip].arg if index + skip < len(listed) else None
                if name is not None and inner.body:
                    fate = self.fate(name, inner.body[0], depth - 1)
                    if fate is not Fate.NEVER:
                        return fate, set()
                    return self.follow(call, function, depth - 1) if source.flow_in(inner).returns else (Fate.NEVER, set())
        return Fate.UNKNOWN, set()

    def out_of(self, function: FunctionNode | None, depth: int) -> Fate:
        """The fate of what a function returns."""
        if function is None or isinstance(function, ast.Lambda):
            return Fate.UNKNOWN
        source = self.source
        name = function.name
        if name in ("forward", "training_step", "compute_loss", "loss", "__call__", "closure"):
            return Fate.LATER
        callers = self.evaluator.callers(function, source)
        if callers and depth:
            verdict = Fate.NEVER
            for call, _ in callers[:6]:
                fate, spread = self.follow(call, source.function(call), depth - 1)
                if fate is Fate.NEVER:
                    for key in spread:
                        found = self.fate(key, call, depth - 1)
                        fate = found if found is not Fate.NEVER else fate
                if fate is Fate.LATER:
                    return Fate.LATER
                if fate is Fate.UNKNOWN:
                    verdict = Fate.UNKNOWN
            return verdict
        if self.strict:
            return Fate.UNKNOWN
        frame = self.evaluator.open_frame(source, function)
        trains = bool(self.evaluator.regions.backward_targets(frame)) or any(
            source.function(call) is function and isinstance(call.func, ast.Attribute) for call in source.calls("step")
        )
        cls = source.class_of(function)
        if cls is not None and self.evaluator.is_module_class(cls, self.evaluator.frame_at(source, cls)) and not trains:
            return Fate.UNKNOWN
        if trains or name.lower().lstrip("_").startswith(_EVALUATION):
            return Fate.NEVER  # its own backward is done, or it never does one
        return Fate.UNKNOWN
