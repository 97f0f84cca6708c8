"""Keep the number or the last result, not every step's tensor or tape.

## Why
In Python a tensor is freed as soon as nothing refers to it, so overwriting a variable is enough: there is no `dispose()` to call. What
does grow is a container that is given each step's output, and a tape that goes on recording: they refer to all of them.

## Bad
```python
outputs = []
for x, y in dataset:
    outputs.append(model(x))
print(outputs[-1])
```

## Good
```python
for x, y in dataset:
    last = model(x)
print(last)
```

## Fix
A list of which only the last entries are read becomes a `deque` with that capacity; a tape kept in an attribute becomes a local name.
Review both. `del`, `gc.collect()` and `.numpy()` free nothing here: the array is as large as the tensor.

## Silent when
The kept value is one number (an eager loss holds no graph); the variable is rebound; the container is bounded, emptied, stacked,
gone through or returned; the tape is opened inside the loop, or differentiated after it.

## Evidence
Measured with tensors of 1 MiB: rebinding 0 KB a pass; a list of them 1028 KB, of their arrays as much; a list of scalar losses 0.6 KB;
a persistent tape in a list 2062 KB and 6 tensors, rebound 0. So the practice, to dispose of a tensor before its name is reused, cures
nothing in Python: `y.dispose()` raises an `AttributeError`.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Execution, Facts
from oakum.rule import AddImport, Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK05",
    smell="Unreleased Tensor Reference",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Manual Tensor Disposal",),
    fix=Safety.REVIEW,
    yields_to=("TK12", "TK07"),
    see_also=("PT07", "PT04", "TK04"),
)


def _kept(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts, *, local: bool) -> Iterator[Finding]:
    """An output of each pass in a container of which no more than single entries are read."""
    for container, item in facts.put(node):
        if not facts.is_network_output(item) or facts.execution(node) in (Execution.GRAPH, Execution.TRACE):
            continue
        lifetime = facts.outlives(container, node)
        if lifetime is None or (lifetime.scope == "local") is not local or (read := facts.entries_read(container)) is None:
            continue
        if _unrolls(item, lifetime.loop, facts):
            continue
        name = facts.short(container, 30)
        fixes: tuple[Fix, ...] = ()
        made = lifetime.made
        if (
            isinstance(made, ast.List)
            and not made.elts
            and isinstance(node, ast.Call)
            and facts.is_called(node, "append")
            and read
            and -8 <= min(read) <= max(read) < 0
            and not any(isinstance(n, ast.Slice) for r in facts.reads(facts.text(container), container) for n in _index(r, facts))
        ):
            deque = Replace(made, f"deque(maxlen={-min(read)})")
            fixes = (Fix.of("Keep the last ones only", deque, AddImport("from collections import deque")),)
        what = "and only single entries are read" if read else "and nothing needs them all"
        yield Finding(
            item,
            f"`{name}` keeps every `{facts.short(item, 25)}`, {what}. "
            "Keep the last one under a name, or the number you need: memory grows with each pass.",
            fixes,
            places((lifetime.made, f"`{name}` is made here"), (lifetime.loop, f"and lives across {facts.across(lifetime)}")),
        )


def _unrolls(item: ast.expr, loop: ast.AST, facts: Facts) -> bool:
    """Whether a loop runs through the layers or time steps of one network: a tape is open around it, or an output is its next input."""
    blocks = [block for block in facts.ancestors(loop) if isinstance(block, ast.With)]
    if any(facts.is_kind(part.context_expr, "tape") for block in blocks for part in block.items):
        return True
    if isinstance(loop, ast.For) and facts.holds_kind(loop.iter, "keras-layer"):
        return True
    for definition in facts.definitions(item):
        statement, value = definition.statement, definition.value
        if isinstance(statement, ast.Assign) and value is not None:
            bound = {n.id for target in statement.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            if bound & {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}:
                return True
    return False


def _index(read: ast.expr, facts: Facts) -> list[ast.expr]:
    parent = facts.parent(read)
    return [parent.slice] if isinstance(parent, ast.Subscript) else []


@RULE.check(calls=("append", "appendleft", "insert", "extend", "update"))
def kept_by_call(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`self.outputs.append(model(x))`: in an object, a global, a closure."""
    yield from _kept(node, facts, local=False)


@RULE.check(level=Level.HINT, calls=("append", "appendleft", "insert", "extend", "update"))
def kept_locally(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`fakes.append(fake)` in a loop that is followed by `fakes[-1]`."""
    yield from _kept(node, facts, local=True)


@RULE.check
def kept_under_key(node: ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """`self.cache[step] = model(x)`, `outputs += [model(x)]`."""
    match node:
        case ast.Assign(targets=[ast.Subscript()]) | ast.AugAssign(op=ast.Add(), value=ast.List()):
            yield from _kept(node, facts, local=False)
        case _:
            pass


@RULE.check(calls=("append", "appendleft", "insert"))
def tapes_listed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`tapes.append(tape)`: each holds all it recorded."""
    for container, item in facts.put(node):
        if facts.is_kind(item, "tape") and (lifetime := facts.outlives(container, node)) is not None:
            name = facts.short(container, 30)
            yield Finding(
                item,
                f"`{name}` keeps every tape, and with each all that it recorded. "
                "Take the gradients in the same pass and keep what you need of them.",
                (),
                places((lifetime.made, f"`{name}` is made here"), (lifetime.loop, f"and lives across {facts.across(lifetime)}")),
            )


@RULE.check(calls=("GradientTape",))
def tape_in_attribute(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`self.tape = tf.GradientTape(persistent=True)`: a step's activations live on until the next."""
    if facts.switched_on(node, 0, "persistent") is None or facts.tensorflow_name(node.func) != "tensorflow.GradientTape":
        return
    parent, function = facts.parent(node), facts.function(node)
    match parent:
        case ast.Assign(targets=[ast.Attribute() as target]) | ast.withitem(optional_vars=ast.Attribute() as target):
            pass
        case _:
            return
    mentions = [n for n in facts.mentions(target.attr) if isinstance(n, ast.Attribute) and facts.key(n) == facts.key(target)]
    dropped = any(isinstance(n.ctx, ast.Del) or _is_none(facts.parent(n)) for n in mentions)
    if function is None or getattr(function, "name", "") == "__init__" or facts.key(target) is None or dropped:
        return
    fixes: tuple[Fix, ...] = ()
    if all(facts.function(n) is function for n in mentions) and not facts.bindings(function, target.attr):
        fixes = (Fix.of("Keep the tape in a local name", *(Replace(n, target.attr) for n in mentions)),)
    yield Finding(
        node,
        f"`{facts.text(target)}` keeps all that the tape recorded until the next one takes its place. "
        "Use a local name: the tape is freed when the function returns.",
        fixes,
    )


def _is_none(parent: ast.AST | None) -> bool:
    return isinstance(parent, ast.Assign) and isinstance(parent.value, ast.Constant) and parent.value.value is None


@RULE.check(calls=("GradientTape",))
def tape_around_loop(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A persistent tape opened before the training loop: it records all passes, and their gradients."""
    item = facts.parent(node)
    block = facts.parent(item) if isinstance(item, ast.withitem) else None
    if (
        not isinstance(item, ast.withitem)
        or not isinstance(block, ast.With)
        or not isinstance(item.optional_vars, ast.Name)
        or facts.switched_on(node, 0, "persistent") is None
        or facts.tensorflow_name(node.func) != "tensorflow.GradientTape"
    ):
        return
    for call in facts.calls_in(block, "gradient"):
        if not isinstance(call.func, ast.Attribute) or facts.key(call.func.value) != item.optional_vars.id:
            continue
        loops = [loop for loop in facts.loops(call) if block in facts.ancestors(loop)]
        if not loops or not facts.calls_in(loops[-1], "apply_gradients", "apply") or facts.calls_in(loops[-1], "reset"):
            continue
        yield Finding(
            node,
            f"`{item.optional_vars.id}` records all passes of the loop inside its `with`, and frees none before that ends. "
            "Open the tape in the loop, once for each step.",
            (),
            places((loops[-1], "all that this computes is recorded")),
        )
        return


@RULE.check(level=Level.INFORMATION, calls=("gradient",))
def gradient_while_recording(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`tape.gradient` inside the `with` of a persistent tape: the backward pass is recorded too, and nobody differentiates it."""
    statement = facts.statement(node)
    if not isinstance(node.func, ast.Attribute) or len(node.args) < 2 or not isinstance(statement, ast.Assign):
        return
    if not isinstance(statement.targets[0], ast.Name) or statement.value is not node:
        return
    tape = facts.key(node.func.value)
    blocks = [block for block in facts.ancestors(node) if isinstance(block, ast.With)]
    opened = [(block, item) for block in blocks for item in block.items if item.optional_vars is not None]
    taped = [(b, i) for b, i in opened if facts.key(i.optional_vars or node) == tape and isinstance(i.context_expr, ast.Call)]
    if len(taped) != 1 or len([i for _, i in opened if facts.is_kind(i.context_expr, "tape")]) != 1:
        return
    block, item = taped[0]
    if not isinstance(item.context_expr, ast.Call) or facts.switched_on(item.context_expr, 0, "persistent") is None:
        return
    if any(block in facts.ancestors(loop) for loop in facts.loops(node)):
        return  # `tape_around_loop` tells of that
    name = statement.targets[0].id
    reads = [r for r in facts.reads(name, node) if any(d.value is node for d in facts.definitions(r))]
    if reads and all(
        any(isinstance(a, ast.Call) and facts.is_called(a, "apply_gradients") for a in facts.ancestors(r)) for r in reads
    ):
        yield Finding(
            node,
            f"`{tape}` is still recording, so it keeps the backward pass as well. "
            "Take gradients after the `with`, unless you differentiate them again.",
        )
