"""What becomes of a hook and of its handle: proofs from the facts of a file."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oakum.semantics.flow import FunctionNode

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

_REMOVALS = (
    "remove",
    "remove_hooks",
    "remove_handles",
    "clear_hooks",
    "close",
    "release",
    "ExitStack",
    "enter_context",
    "callback",
)
# What finds a layer of a model; anything else may make a new one.
_FINDS = {
    "modules", "named_modules", "children", "named_children", "get_submodule", "dict", "list", "enumerate", "reversed", "zip", "getattr", "items", "values",
    "get", "reduce", "unwrap_model", "filter", "iter", "tuple", "next", "sorted",
}  # fmt: skip


class Hooks:
    """Follows a handle through its function, a module to where it comes from, a hook to what it holds."""

    def __init__(self, facts: AutogradFacts) -> None:
        self.facts = facts

    def run_after(self, registration: ast.Call) -> ast.AST | None:
        """The run of the module that a hook was registered for, by a function that drops its handle afterwards."""
        facts, function = self.facts, self.facts.function(registration)
        receiver = registration.func.value if isinstance(registration.func, ast.Attribute) else None
        if receiver is None or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or function.name == "__init__":
            return None
        if self.guarded(registration) or facts.calls_in(function, *_REMOVALS):
            return None
        sources = self.reached_from(receiver)
        if not any(self.from_outside(source) for source in sources):
            return None
        if not self.dropped(registration, function):
            return self.dropped_by_caller(registration, function)
        keys = {key for source in sources if (key := facts.key(source)) is not None}
        for node in facts.nodes_in(function, ast.Call, ast.Yield):
            if facts.line(node) <= facts.line(registration):
                continue
            if isinstance(node, ast.Yield):
                if any(facts.text(d).rpartition(".")[2] == "contextmanager" for d in function.decorator_list):
                    return node
            elif isinstance(node, ast.Call) and self.runs(node, keys):
                return node
        return None

    def dropped_by_caller(self, registration: ast.Call, function: FunctionNode) -> ast.AST | None:
        """The call of a function in sight that gets the handles which this one returns, and drops them."""
        facts = self.facts
        returned = {
            facts.key(back.value) for back in facts.nodes_in(function, ast.Return) if isinstance(back, ast.Return) and back.value
        }
        if len(returned) != 1 or (name := returned.pop()) is None:
            return None
        holder = facts.parent(registration)
        kept = isinstance(holder, ast.Call) and isinstance(holder.func, ast.Attribute) and facts.key(holder.func.value) == name
        if not kept and not (isinstance(holder, ast.Assign) and facts.key(holder.targets[0]) == name):
            return None
        calls = facts.callers(function)
        for call in calls:
            caller = facts.function(call)
            if caller is None or facts.calls_in(caller, *_REMOVALS) or not self.dropped(call, caller):
                return None
        return calls[0] if calls else None

    def runs(self, call: ast.Call, keys: set[str]) -> bool:
        """Whether a call runs one of these: `model(x)`, `self.model.forward(x)`."""
        name = self.facts.key(call.func) or ""
        if name.endswith((".forward", ".__call__")):
            name = name.rpartition(".")[0]
        return name in keys

    def reached_from(self, node: ast.expr, depth: int = 6) -> list[ast.expr]:
        """The expressions of modules on the way to a layer: `model`, and `model.blocks`, of `model.blocks[0].attn`."""
        facts = self.facts
        if not depth:
            return []
        match node:
            case ast.Name():
                found: list[ast.expr] = [node]
                for definition in facts.definitions(node):
                    if definition.value is not None and definition.how != "augment":
                        found += self.reached_from(definition.value, depth - 1)
                return found
            case ast.Attribute(value=inner):
                return [node, *self.reached_from(inner, depth - 1)]
            case ast.Subscript(value=inner) | ast.Starred(value=inner):
                return self.reached_from(inner, depth - 1)
            case ast.Call(func=called) if getattr(called, "attr", getattr(called, "id", "")) in _FINDS:
                inner = [called.value] if isinstance(called, ast.Attribute) else []
                return [found for one in (*inner, *node.args) for found in self.reached_from(one, depth - 1)]
            case ast.ListComp(generators=[generator]):
                return self.reached_from(generator.iter, depth - 1)
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name.startswith(("get_", "find_")):
                return [node.func, *(found for one in (inner, *node.args) for found in self.reached_from(one, depth - 1))]
            case _:
                return []

    def from_outside(self, node: ast.expr) -> bool:
        """Whether an expression is what the function was given: a parameter, or an attribute of `self`."""
        facts = self.facts
        if isinstance(node, ast.Name):
            found = facts.definitions(node)
            return node.id != "self" and bool(found) and all(d.how == "parameter" for d in found)
        key = facts.key(node) or ""
        return key.startswith("self.") and not facts.definitions(node)

    def dropped(self, made: ast.expr, function: FunctionNode) -> bool:
        """Whether a handle, or the list of handles, stays in a function: nobody else can remove the hook."""
        facts, parent = self.facts, self.facts.parent(made)
        match parent:
            case ast.Expr():
                return True
            case ast.List() | ast.Tuple() | ast.ListComp():
                return self.dropped(parent, function)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                return all(self.stays(read, function) for read in facts.reads(name, made))
            case ast.Call(func=ast.Attribute(value=ast.Name() as holder, attr="append")):
                return self.local(holder) and all(self.stays(read, function) for read in facts.reads(holder.id, made))
            case ast.AugAssign(target=ast.Name(id=name)):
                return all(self.stays(read, function) for read in facts.reads(name, made))
            case _:
                return False

    def local(self, holder: ast.Name) -> bool:
        """Whether a container is a list that the function made."""
        found = self.facts.definitions(holder)
        return bool(found) and all(isinstance(d.value, ast.List) for d in found)

    def stays(self, read: ast.expr, function: FunctionNode) -> bool:
        """Whether a read of a handle, or of a list of them, gives it to nobody."""
        facts = self.facts
        if facts.function(read) is not function:
            return False
        match facts.parent(read):
            case ast.For(iter=walked, target=ast.Name(id=name)) as loop if walked is read:
                return not any(loop in facts.ancestors(other) for other in facts.reads(name, read))
            case ast.Attribute(attr="append") | ast.Expr() | ast.Compare():
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name) as holder, attr="append")) if holder is not read:
                return self.local(holder) and all(self.stays(r, function) for r in facts.reads(name, read) if r is not holder)
            case ast.Call(func=ast.Name(id="len" | "print")):
                return True
            case _:
                return False

    def guarded(self, registration: ast.Call) -> bool:
        """Whether a test of what was done before may keep a hook from being registered again."""
        tests = [parent.test for parent in self.facts.ancestors(registration) if isinstance(parent, ast.If)]
        return any(
            isinstance(inner, (ast.Not, ast.Is)) or (isinstance(inner, ast.Name) and inner.id == "hasattr")
            for test in tests
            for inner in ast.walk(test)
        )

    def held(self, hook: ast.expr, name: str, registration: ast.Call) -> list[ast.expr]:
        """Where a hook holds what a name means at its registration: in its body, its defaults, or a `partial`."""
        facts = self.facts
        if isinstance(hook, ast.Call) and facts.qualified(hook.func) == "functools.partial":
            given = (*hook.args[1:], *(keyword.value for keyword in hook.keywords))
            return [argument for argument in given if facts.key(argument) == name]
        body: ast.AST | None = hook
        if isinstance(hook, ast.Name):
            body = next(
                (d.node for d in facts.definitions(hook) if isinstance(d.node, (ast.FunctionDef, ast.AsyncFunctionDef))), None
            )
        if not isinstance(body, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
            return []
        defaults = [d for d in (*body.args.defaults, *body.args.kw_defaults) if isinstance(d, ast.Name) and d.id == name]
        own = name in {a.arg for a in body.args.args} or any(d.how != "parameter" for d in facts.bindings(body, name))
        if defaults or own or not facts.closes_over(name, registration):
            return [*defaults]
        parts = body.body if isinstance(body.body, list) else [body.body]
        names = (inner for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Name))
        return [inner for inner in names if inner.id == name and isinstance(inner.ctx, ast.Load)]
