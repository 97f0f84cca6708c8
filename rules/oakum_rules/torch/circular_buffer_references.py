"""Let a child refer to its parent weakly, or give it what it needs.

## Why
Objects that reach themselves are freed by the garbage collector alone, and it counts objects, not megabytes: models that are dropped
one after the other can fill the memory before it runs. A parent that is a registered module of its own child breaks `train()`.

## Bad
```python
class Classifier(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Linear(32, width)
        self.run = lambda x: self.body(x).relu()


for width in range(16, 4096, 16):
    net = Classifier(width)
    print(net.run(torch.ones(1, 32)).sum().item())
```

## Good
```python
class Classifier(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Linear(32, width)

    def run(self, x):
        return self.body(x).relu()


for width in range(16, 4096, 16):
    net = Classifier(width)
    print(net.run(torch.ones(1, 32)).sum().item())
```

## Fix
Keeps the parent as `weakref.ref(parent)` and calls it where it is read, or drops the model and collects at the end of each trial.
Review it: a weak reference can't be pickled, a deep copy still points at the old parent, and it must not be the only reference.

## Silent when
The model is made once: then nothing is dropped. The way back is weak, or something breaks it; what is stored is a plain function, or
parts without a way back; the collector is called in the same loop; objects hold no tensors.

## Evidence
Measured with buffers of 1 MiB: modules in a circle, dropped in each iteration, keep 92 KB an iteration on average and peak at 61 MB,
with a weak reference 6 MB; after `gc.collect()` nothing stays, so it is a delay and no leak, unless the collector is off: 1028 KB an
iteration. One long-lived module in a circle: 0 KB. The study's example, a weak reference to a buffer of no other owner, fails at once.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Again, Facts, Link
from oakum.rule import AddImport, Append, Finding, Fix, Framework, InsertAfter, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT10",
    smell="Circular Buffer References",
    frameworks={Framework.TORCH},
    level=Level.INFORMATION,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Breaking Reference Cycles",),
    fix=Safety.REVIEW,
    yields_to=("PT08", "PT09", "PT21"),
)


@RULE.check(level=Level.WARNING)
def registered_parent(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """`self.child.parent = self`, `self.child = Child(self)` of modules: the parent is a module of its own child."""
    for link in facts.circles(node):
        if link.registered:
            name = facts.text(link.back.targets[0] if link.back else link.place)
            yield Finding(
                link.kept,
                f"`{_cut(name)}` makes `{node.name}` a module of its own child: `train()` recurses without end. "
                "Keep `weakref.ref` of it, or pass on what the child needs.",
                tuple(_weakly(link, facts)),
                places((link.back, "the child keeps it here")),
            )


@RULE.check(level=Level.WARNING)
def registered_outside(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`model.encoder.parent = model` of modules."""
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Attribute() as child)], value=ast.Name(id=name) as parent):
            if name != "self" and (facts.key(child) or "").startswith(f"{name}.") and facts.is_module(parent):
                if facts.is_module(child):
                    yield Finding(
                        parent,
                        f"`{_cut(facts.text(node.targets[0]))}` makes `{name}` a module of its own child: `train()` recurses without "
                        "end. Keep `weakref.ref` of it, or pass on what the child needs.",
                        (Fix.of("Hold the parent weakly", Replace(parent, f"weakref.ref({name})"), AddImport("import weakref")),)
                        if len(facts.mentions(getattr(node.targets[0], "attr", ""))) == 1
                        else (),
                    )
        case _:
            pass


def _circle(node: ast.ClassDef, facts: Facts, *, dropped: bool) -> Iterator[Finding]:
    found: tuple[ast.Call, Again] | None = None
    off = False
    for number, link in enumerate(facts.circles(node)):
        if not number:
            if not facts.holds_tensors(node):
                return
            off = any(facts.qualified(call.func) == "gc.disable" for call in facts.calls("disable"))
            found = facts.remade(node)
            if found is not None and _collects(*found, facts):
                return
        if link.registered or (found is not None or off) != dropped:
            continue
        waits = (
            f"no `{node.name}` is freed while the collector is off"
            if off
            else f"each dropped `{node.name}` waits for the collector"
        )
        yield Finding(
            link.kept,
            f"`{_cut(facts.text(link.place))}` closes a circle: {waits}. "
            "Use a method in its place, or hold the way back with `weakref.ref`.",
            (*_weakly(link, facts), *(_collect(*found, facts) if found else ())),
            places((link.back, "the way back is kept here"), (found[0] if found else None, "made again and again here")),
        )


@RULE.check
def circle_dropped(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """A circle in objects that hold tensors and are made and dropped again and again, or while the collector is off."""
    yield from _circle(node, facts, dropped=True)


@RULE.check(level=Level.OFF)
def circle(node: ast.ClassDef, facts: Facts) -> Iterator[Finding]:
    """A circle in an object that is made once: it costs nothing."""
    yield from _circle(node, facts, dropped=False)


@RULE.check
def tensor_of_itself(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`out.source = out` in a loop: its graph waits for the collector."""
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name)) as place], value=ast.Name() as value):
            if name == value.id and name != "self" and facts.requires_grad(value) is not None and facts.repeats(node) is not None:
                yield Finding(
                    value,
                    f"`{_cut(facts.text(place))}` closes a circle: each `{name}` waits for the collector, with its graph. "
                    "Keep `.detach()` of it, or `weakref.ref`.",
                    (Fix.call_method(value, "detach", title="Keep the value with `.detach()`"),),
                )
        case _:
            pass


def _collects(made: ast.Call, again: Again, facts: Facts) -> bool:
    """Whether the collector is called as often as objects are dropped."""
    for call in facts.calls("collect"):
        if facts.qualified(call.func) == "gc.collect":
            if (
                again.loop in (*facts.loops(call), facts.function(call))
                or facts.function(call) is facts.function(made) is not None
            ):
                return True
    return False


def _collect(made: ast.Call, again: Again, facts: Facts) -> Iterator[Fix]:
    """`del net` and `gc.collect()` at the end of a trial; not of a batch."""
    loop, statement = again.loop, facts.statement(made)
    if not isinstance(loop, (ast.For, ast.While)) or not isinstance(statement, ast.Assign) or statement not in loop.body:
        return
    if any(facts.is_innermost(loop, call) for call in facts.backward_calls(loop)):
        return
    name, last = facts.text(statement.targets[0]), loop.body[-1]
    deleted = any(facts.key(t) == name for n in facts.nodes_in(loop, ast.Delete) for t in getattr(n, "targets", ()))
    lines = ("gc.collect()",) if deleted else (f"del {name}", "gc.collect()")
    yield Fix.of("Collect after each trial", InsertAfter(last, lines), AddImport("import gc"))


def _weakly(link: Link, facts: Facts) -> Iterator[Fix]:
    """`weakref.ref(parent)`, called wherever it is read."""
    place = link.back.targets[0] if link.back is not None else link.place
    value = link.back.value if link.back is not None else link.kept
    if not isinstance(place, ast.Attribute) or not isinstance(value, ast.Name) or facts.parent(place) is not facts.parent(value):
        return
    reads = [read for read in facts.mentions(place.attr) if isinstance(read, ast.Attribute) and read is not place]
    if all(isinstance(read.ctx, ast.Load) and facts.key(read) == f"self.{place.attr}" for read in reads):
        called = [Append(read, "()") for read in reads]
        weak = Replace(value, f"weakref.ref({value.id})")
        yield Fix.of("Hold the parent weakly", weak, *called, AddImport("import weakref"))


def _cut(text: str) -> str:
    return text if len(text) <= 25 else text[:24] + "…"
