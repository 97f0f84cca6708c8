"""Remove hooks when you are done, and keep nothing attached in them.

## Why
A hook that stays registered runs at each forward. Registered again and again it stacks up; what it appends stays; and a tensor hook
that closes over its own tensor makes a cycle through C++ that nothing ever frees.

## Bad
```python
features = []


def keep(module, inputs, output):
    features.append(output)


model[0].register_forward_hook(keep)
for x, y in loader:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
print(len(features))
```

## Good
```python
sizes = {}


def keep(module, inputs, output):
    sizes[module] = output.detach().abs().mean().item()


handle = model[0].register_forward_hook(keep)
for x, y in loader:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
handle.remove()
print(len(sizes))
```

## Fix
Stores the value detached. Review it: nothing can be backpropagated through it any more. Repeated registration is explained, not
edited: where the handle is to be removed depends on what the hook is for.

## Silent when
The handle is removed somewhere, returned, or is a context manager; the hook is registered once and stores nothing, or overwrites a
slot; the module is made in the same iteration; what it keeps is emptied or bounded; the file runs modules once only, or unrecorded.

## Evidence
Measured: a hook registered once and never removed 0 KB an iteration, so that as such is no leak. One that appends outputs 2058 KB
an iteration, detached 1028 KB, overwriting a slot 0 KB. A `g * 0.5` gradient hook registered in each iteration gives gradients 1.77,
0.89 ... 3e-18 after 60. A tensor hook that holds its own tensor loses 5.2 MB an iteration, not freed by `gc.collect()`.
"""

import ast
from collections.abc import Iterator

from oakum.facts import FILLING, Facts
from oakum.rule import Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT08",
    smell="Unreleased Hook Memory",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Unregister Hooks and Avoid Self-References",),
    fix=Safety.REVIEW,
)

_MODULE_HOOKS = {
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook", "register_full_backward_pre_hook", "register_backward_hook",
}  # fmt: skip
_GLOBAL_HOOKS = {"register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook"}
_REMOVALS = ("remove", "remove_hooks", "remove_handles", "clear_hooks", "close", "release", "ExitStack", "enter_context")


@RULE.check(calls=FILLING)
def growing_store(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A hook that appends its output to a container that nobody empties."""
    match node:
        case ast.Call(func=ast.Attribute(value=container, attr="append" | "extend" | "add"), args=[item]):
            pass
        case _:
            return
    function = facts.function(node)
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or not facts.is_hook(function):
        return
    names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")][1:]
    value: ast.expr = item
    while isinstance(value, ast.Subscript):
        value = value.value
    if not (isinstance(value, ast.Name) and value.id in names and all(d.how == "parameter" for d in facts.definitions(value))):
        if facts.requires_grad(item) is None:
            return
    lifetime = facts.outlives(container, node)
    if lifetime is None or _removed(facts) or not facts.records(node) or not facts.never_backpropagated(container, node):
        return
    registrations = facts.hook_registrations(function)
    if lifetime.scope not in ("global", "attribute", "closure") or any(
        isinstance(facts.parent(r), ast.withitem) for r in registrations
    ):
        return
    outer = facts.function(function)
    if lifetime.scope == "closure" and outer is not None and facts.repeated(outer):
        return  # a new container at each call: what stacks up are the hooks
    if not facts.runs_recorded():
        return
    gradient = bool(registrations) and all("backward" in _name(r) for r in registrations)
    what, rather = (
        ("a gradient", "a number such as its norm") if gradient else ("a tensor with its graph", "a detached value or a number")
    )
    yield Finding(
        item,
        f"`{facts.short(container)}` gets {what} each time this hook runs. "
        f"Nothing takes it out: keep {rather}, and remove the hook when you are done.",
        () if gradient else (Fix.call_method(item, "detach", title="Store it with `.detach()`"),),
        places((lifetime.made, f"`{facts.text(container)}` is made here"), (function, "this hook runs at each pass")),
    )


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _removed(facts: Facts) -> bool:
    """Whether some line of the file removes hooks."""
    return any(
        isinstance(call.func, ast.Attribute) and not call.args
        for call in facts.calls("remove", "remove_hooks", "remove_handles", "clear_hooks")
    )


@RULE.check
def stacked(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A hook registered again and again on a module that lives on, its handle dropped."""
    function, name = node.func, _name(node)
    parameter_hook = name == "register_hook" and isinstance(function, ast.Attribute) and facts.is_module_parameter(function.value)
    if not isinstance(function, ast.Attribute) or (name not in _MODULE_HOOKS | _GLOBAL_HOOKS and not parameter_hook):
        return
    if not _dropped(node, facts) or facts.calls(*_REMOVALS) or facts.is_test_file():
        return
    guarded = any(isinstance(a, ast.If) for a in facts.ancestors(node))
    if guarded and not any(isinstance(a, ast.If) and "isinstance" in facts.text(a.test) for a in facts.ancestors(node)):
        return
    named = {n.id for n in ast.walk(function.value) if isinstance(n, ast.Name)}
    for loop in facts.loops(node):
        targets = ast.walk(loop.target) if isinstance(loop, (ast.For, ast.AsyncFor)) else ()
        if any(isinstance(n, ast.Name) and n.id in named for n in targets):
            continue  # another module in each iteration
        if (parameter_hook or facts.is_kind(function.value, "module")) and facts.older_than_iterations(function.value, loop):
            yield _stacks(node, function, loop, None, facts)
            return
    scope = facts.function(node)
    if not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    cls = facts.method_class(scope)
    own = (facts.key(function.value) or "").startswith("self.") and facts.is_kind(function.value, "module")
    if own and scope.name in ("forward", "training_step") and cls is not None and facts.is_module_class(cls):
        if not facts.definitions(function.value):  # made elsewhere
            yield _stacks(node, function, scope, None, facts)
            return
    parameter = facts.parameter_root(function.value)
    if parameter is None:
        return
    for call in facts.callers(scope):
        around = facts.loops(call)
        passed = facts.passed(scope, call, parameter)
        if (
            around
            and passed is not None
            and isinstance(passed, (ast.Name, ast.Attribute))
            and facts.older_than_iterations(passed, around[0])
        ):
            yield _stacks(node, function, around[0], call, facts)
            return


def _dropped(registration: ast.Call, facts: Facts) -> bool:
    """Whether nobody can remove a hook any more: its handle is dropped, or put where nothing reads it."""
    match facts.parent(registration):
        case ast.Expr():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return not facts.reads(name, registration)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")):
            return len(facts.reads(name, registration)) == 1
        case _:
            return False


def _stacks(node: ast.Call, function: ast.Attribute, loop: ast.AST, call: ast.Call | None, facts: Facts) -> Finding:
    again = "iteration" if isinstance(loop, (ast.For, ast.AsyncFor, ast.While)) else "call"
    return Finding(
        node,
        f"A hook is added to `{facts.short(function.value, 30)}` in each {again}, and none is removed. "
        "All of them run at each pass: keep the handle and call `remove()`, or register once before the loop.",
        (),
        places((call, "called here"), (loop, f"in each {again} of this")),
    )


@RULE.check(level=Level.INFORMATION)
def left_behind(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A hook that a function puts on a module it was given, runs the module for, and leaves there."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _MODULE_HOOKS or facts.is_test_file():
        return
    run = facts.run_with_hook_left(node)
    if run is None or next(stacked(node, facts), None) is not None:
        return
    function = facts.function(node)
    yield Finding(
        node,
        f"The hook on `{facts.short(node.func.value, 30)}` stays when `{getattr(function, 'name', 'this')}` is done, one more for each call. "
        "Keep its handle and call `remove()` in a `finally`, or register it in a `with`.",
        (),
        places((run, "it is registered for this run")),
    )


@RULE.check
def closes_over_its_tensor(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`t.register_hook(lambda g: g * t)`: a cycle that is never freed."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name) as owner, attr="register_hook"), args=[hook]):
            pass
        case _:
            return
    held = facts.held_by_hook(hook, name, node)
    if not held or facts.requires_grad(owner) is None or _handle_removed(node, facts):
        return
    yield Finding(
        node,
        f"This hook closes over `{name}`, the tensor it is registered on: neither is ever freed. "
        "Use the hook's argument, a detached copy, or `weakref.ref` of the tensor.",
        (),
        places((held[0], f"`{name}` is held here")),
    )


def _handle_removed(registration: ast.Call, facts: Facts) -> bool:
    match facts.parent(registration):
        case ast.Assign(targets=[target]):
            return any(
                isinstance(c.func, ast.Attribute) and facts.key(c.func.value) == facts.key(target) for c in facts.calls("remove")
            )
        case ast.Expr():
            return False
        case _:
            return True  # handed on: somebody may remove it
