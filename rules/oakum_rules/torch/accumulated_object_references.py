"""Keep tensors of a call with the call, not in a container that outlives every call and object.

## Why
A container on a class, in a module or in a default value lives until the process ends. What methods put into it is never freed:
tensors with their graphs, models, or the objects themselves. Static methods don't change that; what matters is who holds the tensor.

## Bad
```python
class Square(torch.autograd.Function):
    inputs = []

    @staticmethod
    def forward(ctx, x):
        Square.inputs.append(x)
        return x**2

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad * Square.inputs[-1]
```

## Good
```python
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad * ctx.saved_tensors[0]
```

## Fix
In a Function, replaces the store and its only read in `backward` by `ctx.save_for_backward`, which frees the tensor with the graph.
Elsewhere: `None` as the default of a parameter, a list of each object instead of one of the class, a `weakref.WeakSet` for objects
that register themselves; methods of an old-style Function become static. Review it: who else reads the container finds less in it.

## Silent when
Something takes entries out, or the store is behind a question about the container; what is kept is a number, a name, a shape or has
no graph; a slot is overwritten; the container belongs to one object or call, or holds weak references.

## Evidence
Measured with tensors of 1 MiB: a `forward` that also appends its input to a list of the module keeps 1032 KB an iteration, not freed
by the collector nor at the end of the function; without the append 0 KB. With or without `@staticmethod` nothing else is kept, which
contradicts the study's practice: an old-style call `F()(x)` raises in today's PyTorch, it doesn't leak.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise

from oakum.facts import FILLING, Facts
from oakum.rule import (
    AddImport,
    Decorate,
    Delete,
    Finding,
    Fix,
    Framework,
    InsertBefore,
    Level,
    Replace,
    Rule,
    Safety,
    places,
)

RULE = Rule(
    __name__,
    code="PT09",
    smell="Accumulated Object References",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Static Methods to Avoid Object Accumulation",),
    fix=Safety.REVIEW,
    yields_to=("PT08",),
    see_also=("TK01", "TK09"),
)
_CONTEXT = {"save_for_backward", "saved_tensors", "saved_variables", "needs_input_grad", "mark_dirty", "mark_non_differentiable"}
Store = ast.Call | ast.Assign | ast.AugAssign


@RULE.check(calls=FILLING)
def kept_by_function(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """A tensor of a `torch.autograd.Function` in a container that isn't made in the call."""
    for container, item in facts.put_under_any_key(node):
        if facts.is_tensor_of_function(item) and (shared := facts.kept_for_ever(container, node)) is not None:
            yield Finding(
                item,
                f"`{facts.short(container, 30)}` keeps every `{facts.short(item, 25)}`: it {shared.in_words}. "
                "Keep what `backward` needs with `ctx.save_for_backward`, which is freed with the graph.",
                _into_context(node, container, item, shared.name, facts),
                places((shared.made, f"`{facts.short(container)}` is made here")),
            )


def _into_context(node: Store, container: ast.expr, item: ast.expr, name: str, facts: Facts) -> tuple[Fix, ...]:
    """`ctx.save_for_backward` for an append whose only reader is `backward`; no append where nobody reads."""
    statement, forward = facts.statement(node), facts.function(node)
    reads = [read for read in facts.mentions(name) if isinstance(read.ctx, ast.Load) and read is not container]
    if not isinstance(statement, ast.Expr) or not isinstance(forward, ast.FunctionDef):
        return ()
    if not reads:
        return (Fix.of("Keep nothing: nobody reads it", Delete(statement)),)
    backward, read = facts.function(reads[0]), facts.parent(reads[0])
    if len(reads) > 1 or forward.name != "forward" or not isinstance(backward, ast.FunctionDef) or backward.name != "backward":
        return ()
    match item, read:
        case ast.Name(), ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
            if facts.calls_in(forward, "save_for_backward"):
                return ()
            save = f"{forward.args.args[0].arg}.save_for_backward({facts.text(item)})"
            load = f"{backward.args.args[0].arg}.saved_tensors[0]"
            return (Fix.of("Keep it for backward with `save_for_backward`", Replace(node, save), Replace(read, load)),)
        case _:
            return ()


@RULE.check(calls=FILLING)
def kept_by_everyone(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """A tensor with its graph, a model or an optimizer in a container of a class, in a default, or (from a method) of a module."""
    for container, item in facts.put_under_any_key(node):
        function = facts.function(node)
        if function is None or getattr(function, "name", "") == "__init__":
            return
        shared = facts.kept_for_ever(container, node)
        if shared is None or shared.how == "closure" or (shared.how == "module" and facts.method_class(function) is None):
            continue
        if shared.how == "default" and any(facts.passed(function, call, shared.name) for call in facts.callers(function)):
            continue
        if not (facts.repeated(function) if shared.how == "default" else facts.repeats(node)):
            continue
        graph = facts.requires_grad(item)
        if graph is None and not facts.is_kind(item, "module", "optimizer"):
            continue
        fixes = _made_in_call(shared.name, shared.made, function, facts) or _made_in_object(shared.name, shared.made, facts)
        if graph is not None and not graph.structure:
            fixes = (*fixes, Fix.call_method(item, "detach", title="Keep the value with `.detach()`"))
        yield Finding(
            item,
            f"`{facts.short(container, 30)}` keeps {'the graph of ' if graph else ''}every `{facts.short(item, 20)}`: "
            f"it {shared.in_words}. Hold it in the object or the call that needs it, and empty it there.",
            fixes,
            places((shared.made, f"`{facts.short(container)}` is made here")),
        )


def _made_in_call(name: str, default: ast.AST | None, function: ast.AST, facts: Facts) -> tuple[Fix, ...]:
    """`x=None`, and a list made in each call."""
    if not isinstance(default, ast.expr) or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return ()
    first = function.body[1 if ast.get_docstring(function) is not None and len(function.body) > 1 else 0]
    lines = (f"if {name} is None:", f"    {name} = {facts.text(default)}")
    return (Fix.of("Make it anew in each call", Replace(default, "None"), InsertBefore(first, lines)),)


def _made_in_object(name: str, made: ast.AST | None, facts: Facts) -> tuple[Fix, ...]:
    """A container made in `__init__` for one of the class, where all reach it through `self`."""
    cls = facts.parent(made) if isinstance(made, ast.Assign) else None
    if not isinstance(made, ast.Assign) or not isinstance(cls, ast.ClassDef):
        return ()
    uses = [use for use in facts.mentions(name) if use is not made.targets[0]]
    body = next((m.body for m in cls.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
    if not body or not all(facts.key(use) == f"self.{name}" and facts.enclosing_class(use) is cls for use in uses):
        return ()
    place = next((after for before, after in pairwise(body) if "super()" in facts.text(before)), body[0])
    line = f"self.{name} = {facts.text(made.value)}"
    return (Fix.of("Give each object its own", Delete(made), InsertBefore(place, (line,))),)


def _registry(node: ast.Call | ast.Assign, facts: Facts, *, in_sight: bool) -> Iterator[Finding]:
    """`_all.append(self)`, `Cls.registry[id(self)] = self`, `listeners.append(self.on_step)` in a constructor."""
    for container, item in facts.put_under_any_key(node):
        init, owner = facts.function(node), item.value if isinstance(item, ast.Attribute) else item
        cls = facts.method_class(init) if init is not None else None
        if cls is None or getattr(init, "name", "") not in ("__init__", "__post_init__") or facts.key(owner) != "self":
            return
        if owner is not item and not facts.is_kind(item, "method"):
            return
        calls = facts.calls(cls.name)
        again = next((call for call in calls if facts.repeats(call) or facts.comprehensions(call)), None)
        if (again is not None) != in_sight or (calls and again is None):
            return
        shared = facts.kept_for_ever(container, node)
        if shared is None or shared.how not in ("class", "module") or not facts.holds_tensors(cls):
            return
        yield Finding(
            item,
            f"`{facts.short(container, 30)}` keeps every `{cls.name}` with its tensors, even when nobody uses it. "
            "Register it weakly (`weakref.WeakSet`), or take it out when it is done.",
            _weakly(node, shared.made, shared.name, facts),
            places((shared.made, f"`{facts.short(container)}` is made here"), (again, "made again and again here")),
        )


@RULE.check(calls=FILLING)
def registry(node: ast.Call | ast.Assign, facts: Facts) -> Iterator[Finding]:
    """Objects made in a loop that register themselves for ever."""
    yield from _registry(node, facts, in_sight=True)


@RULE.check(level=Level.INFORMATION, calls=FILLING)
def registry_for_others(node: ast.Call | ast.Assign, facts: Facts) -> Iterator[Finding]:
    """Objects that register themselves for ever, made out of sight."""
    yield from _registry(node, facts, in_sight=False)


def _weakly(node: ast.Call | ast.Assign, made: ast.AST | None, name: str, facts: Facts) -> tuple[Fix, ...]:
    """`weakref.WeakSet()` for a list of objects that is only gone through or counted elsewhere."""
    value = made.value if isinstance(made, ast.Assign) else made
    match node, value:
        case ast.Call(func=ast.Attribute(value=container) as add, args=[ast.Name()]), ast.List(elts=[]):
            others = [facts.parent(use) for use in facts.mentions(name) if use is not container and isinstance(use.ctx, ast.Load)]
            if all(isinstance(o, ast.For) or (isinstance(o, ast.Call) and facts.key(o.func) == "len") for o in others):
                replaced = Replace(value, "weakref.WeakSet()"), Replace(add, f"{facts.text(container)}.add")
                return (Fix.of("Register it weakly", *replaced, AddImport("import weakref")),)
            return ()
        case _:
            return ()


@RULE.check(level=Level.INFORMATION)
def legacy_function(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`forward(self, x)` of a Function, which keeps state in an object: an old style that PyTorch rejects."""
    methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
    forward = next((m for m in methods if m.name == "forward"), None)
    if forward is None or forward.decorator_list or not forward.args.args or not node.bases or not facts.is_function_class(node):
        return
    own = forward.args.args[0].arg
    names = [n for m in methods for n in facts.nodes_in(m, ast.Name) if isinstance(n, ast.Name) and n.id == own]
    used = {getattr(facts.parent(name), "attr", "") for name in names}
    made = [call for call in facts.calls(node.name) if isinstance(outer := facts.parent(call), ast.Call) and outer.func is call]
    applied = any(isinstance(c.func, ast.Attribute) and facts.key(c.func.value) == node.name for c in facts.calls("apply"))
    if not made and (applied or own != "self" or not used & _CONTEXT):
        return
    fixes: tuple[Fix, ...] = ()
    plain = {m.name for m in methods} <= {"forward", "backward"} and not any(m.decorator_list for m in methods)
    if plain and used <= _CONTEXT and len(facts.calls(node.name)) == len(made) and not any(c.args or c.keywords for c in made):
        renamed = [Replace(name, "ctx") for name in (*names, *(m.args.args[0] for m in methods))]
        applies = [Replace(call, f"{node.name}.apply") for call in made]
        fixes = (Fix.of("Make it a static Function", *(Decorate(m, "staticmethod") for m in methods), *renamed, *applies),)
    yield Finding(
        forward,
        f"`{node.name}` keeps its tensors in an object, an old style that PyTorch raises on when it is called. "
        "Make `forward` and `backward` static, take `ctx`, and call `apply`.",
        fixes,
        places((made[0] if made else None, "it is called here")),
    )
