"""Whether an expression gives the same in every iteration: a proof from the facts of a file, long enough to stand apart."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oakum.knowledge.torch import PART_ACCESSORS
from oakum.semantics.flow import ENTRY, Definition, FunctionNode, key_of
from oakum.semantics.program import FUNCTIONS

if TYPE_CHECKING:
    from oakum.facts.lifetimes import LifetimeFacts

# What only computes from its arguments, or makes the same object of them again.
_PURE = ("torch.utils.data.TensorDataset", "torch.utils.data.ConcatDataset", "torchvision.datasets.", "torchvision.transforms.",
         "torch.device", "os.path.", "pathlib.")  # fmt: skip
_PURE_BUILTINS = {
    "len", "int", "str", "float", "bool", "min", "max", "sum", "abs", "round", "range", "list", "tuple", "dict", "sorted", "set", "getattr", "isinstance",
    "type", "enumerate", "zip", "hasattr",
}  # fmt: skip
_PURE_OS = {"os.cpu_count", "multiprocessing.cpu_count", "torch.cuda.is_available", "torch.cuda.device_count", "copy.copy"}
# Methods that change what they are called on, also where their result is used.
_CHANGING = {"pop", "popleft", "popitem", "setdefault", "fit_transform", "step"}
_READING = {"print", "len", "info", "debug", "warning", "log", "isinstance", "assert_"}
# Training changes their weights and state, not what they are.
_KEPT = ("module", "loader", "optimizer", "class", "function")
_FIXED = ("number", "string", "none")


class Invariance:
    """Whether nothing that an expression reads is bound or changed from one iteration of a loop to the next.

    The expression may stand in a function that the loop calls: what the calls in the loop pass is followed.
    """

    def __init__(self, facts: LifetimeFacts, loop: ast.AST) -> None:
        self.facts = facts
        self.loop = loop
        self.reached = facts.reached(loop)
        self.busy: set[ast.AST] = set()

    def unchanged(self, node: ast.expr) -> bool:
        facts = self.facts
        bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound |= {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
        pending: list[ast.AST] = [node]
        while pending:
            part = pending.pop()
            if isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
                return False
            if isinstance(part, ast.Call) and part is not node and not self.pure(part):
                return False
            if isinstance(part, (ast.Name, ast.Attribute)) and (key := key_of(part)) is not None:
                if key.partition(".")[0] not in bound and not self.read(part, key):
                    return False
                continue
            pending.extend(ast.iter_child_nodes(part))
        return not isinstance(node, ast.Call) or facts.qualified(node.func) is not None or self.pure(node)

    def equal(self, node: ast.expr) -> bool:
        """Whether an expression not only is made of the same things but is the same."""
        return self.unchanged(node) and (not isinstance(node, ast.Call) or self.pure(node))

    def pure(self, call: ast.Call) -> bool:
        """Whether a call gives the same for the same arguments."""
        facts = self.facts
        name = facts.qualified(call.func)
        if name is not None:
            return name.startswith(_PURE) or name in _PURE_OS or name.removeprefix("builtins.") in _PURE_BUILTINS
        if isinstance(call.func, ast.Attribute) and call.func.attr in PART_ACCESSORS:
            return True
        # A data set of one's own over paths and settings; over other objects it may copy what they are now.
        made = facts.some(call.func, "class")
        arguments = [*call.args, *(k.value for k in call.keywords)]
        return made is not None and all(self.fixed(argument) for argument in arguments)

    def fixed(self, node: ast.expr) -> bool:
        facts = self.facts
        if isinstance(node, ast.Call):
            return self.pure(node)
        return facts.is_kind(node, *_FIXED) or self.unchanged(node)

    def read(self, node: ast.AST, key: str) -> bool:
        """Whether a name or chain is the same in each iteration when it is read here."""
        if node in self.busy:
            return False
        self.busy.add(node)
        try:
            return self.same(node, key)
        finally:
            self.busy.discard(node)

    def same(self, node: ast.AST, key: str) -> bool:
        facts, source = self.facts, self.facts.source
        function = facts.function(node)
        within = self.loop in facts.ancestors(node)
        flow = source.flow_in(function)
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        reaching = [d for d in flow.uses.get(node, ()) if d is not ENTRY]
        owner = [d for d in flow.uses.get(root, ()) if d is not ENTRY] if root is not node else []
        if not all(self.bound(d, within, function) for d in (*reaching, *owner)):
            return False
        if within and any(self.inside(d) and d not in reaching and d not in owner for d in self.prefixes(key, function)):
            return False  # bound further down in the loop: the next iteration sees it
        if not reaching and not owner and root is node and self.rebound_global(key, function):
            return False
        if facts.qualified(node) is not None or facts.is_kind(node, *_FIXED, *_KEPT):
            return True
        return not any(self.changes(region, key, function) for region in self.regions(key, function, within))

    def inside(self, definition: Definition) -> bool:
        place = definition.statement or definition.node
        return place is self.loop or self.loop in self.facts.ancestors(place)

    def prefixes(self, key: str, function: FunctionNode | None) -> list[Definition]:
        """Bindings of a chain and of what it hangs on."""
        parts = key.split(".")
        return [d for n in range(len(parts)) for d in self.facts.bindings(function, ".".join(parts[: n + 1]))]

    def bound(self, definition: Definition, within: bool, function: FunctionNode | None) -> bool:
        """Whether one binding gives the same each time."""
        facts = self.facts
        if definition.how in ("import", "function", "class"):
            return True
        if definition.how == "parameter":
            if function is None or isinstance(function, ast.Lambda):
                return within
            arguments = function.args.args
            if arguments and definition.key == arguments[0].arg and facts.method_class(function) is not None:
                return True  # self
            if within:
                return self.loop is not function
            calls = [c for c in facts.callers(function) if self.loop in facts.ancestors(c) or facts.function(c) in self.reached]
            for call in calls:
                passed = facts.passed(function, call, definition.key)
                if passed is not None and not self.equal(passed):
                    return False
            return bool(calls)
        if within and not self.inside(definition):
            return True
        if definition.value is None or definition.statement is self.loop:
            return False
        # A loop inside, over the same things, goes through them again.
        plain = (definition.how == "assign" and not definition.path) or definition.how == "for"
        return plain and (isinstance(definition.value, ast.Constant) or self.equal(definition.value))

    def rebound_global(self, key: str, function: FunctionNode | None) -> bool:
        """Whether a name of an enclosing function or the module is bound in the loop, or by a function that says `global`."""
        facts = self.facts
        outer = facts.function(function) if function is not None else None
        places = [*facts.bindings(outer, key), *facts.bindings(None, key)]
        return any(self.inside(d) for d in places) or any(
            key in declaration.names for declaration in facts.nodes(ast.Global) if isinstance(declaration, ast.Global)
        )

    def regions(self, key: str, function: FunctionNode | None, within: bool) -> list[ast.AST]:
        """Where a change of the object would come between two iterations."""
        facts = self.facts
        if key.startswith("self.") or function is None:
            cls = facts.method_class(function) if function is not None else None
            methods = [m for m in cls.body if isinstance(m, FUNCTIONS) and facts.repeated(m)] if cls is not None else []
            return [*self.reached, *(m for m in methods if m not in self.reached)]
        return [self.loop if within else function]

    def changes(self, region: ast.AST, key: str, function: FunctionNode | None) -> bool:
        """Whether a region may change the object under a key, as far as it shows."""
        facts = self.facts

        def names(node: ast.AST | None) -> bool:
            while isinstance(node, ast.Subscript):
                node = node.value
            found = key_of(node) if node is not None else None
            return found is not None and (found == key or found.startswith(key + "."))

        for node in facts.nodes_in(region, ast.Call, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete):
            match node:
                case ast.Call(func=ast.Attribute(value=owner, attr=name)) if names(owner):
                    if name in _CHANGING or isinstance(facts.parent(node), ast.Expr):
                        return True
                case ast.Call(func=called) if isinstance(facts.parent(node), ast.Expr):
                    last = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
                    if last not in _READING and not facts.called(node):
                        if any(names(a) for a in (*node.args, *(k.value for k in node.keywords))):
                            return True
                case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                    if any(isinstance(t, (ast.Attribute, ast.Subscript)) and names(t) for t in targets):
                        return True
                case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                    if names(target):
                        return True
                case _:
                    pass
        return False
