"""Build modules and optimizers once, before the training loop.

## Why
A module that is built again in each iteration forgets what it learned, and an optimizer from before the loop goes on to update the
parameters of a module that nobody uses. It leaks only if something keeps the modules; but the loss doesn't fall, each iteration
pays for the construction, and no error tells.

## Bad
```python
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(num_epochs):
    for x, y in loader:
        encoder = nn.Linear(32, 32)
        optimizer.zero_grad()
        loss = criterion(model(encoder(x)), y)
        loss.backward()
        optimizer.step()
```

## Good
```python
encoder = nn.Linear(32, 32)
optimizer = torch.optim.Adam([*encoder.parameters(), *model.parameters()])
for epoch in range(num_epochs):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(encoder(x)), y)
        loss.backward()
        optimizer.step()
```

## Fix
Moves the constructor before the loops, together with an optimizer that is made of its parameters there; or moves a layer from
`forward` to `__init__`. Review it: random state is used in another order, and an optimizer that was made before has to be told.

## Silent when
Folds, seeds, trials, tasks, clients and ensemble members train a new model each: model and optimizer are both made in the body
and a loop inside trains them. Lazy or cached construction, modules without parameters, arguments that differ between iterations,
weights that are loaded or copied into the new module, modules built in `__init__` or collected in a list.

## Evidence
Modules rebuilt in each step, optimizer made before: loss 8.1, 6.3, 8.5 after 1, 2 and 30 steps instead of 7.4, 4.7 and 0.006; memory
doesn't grow, so the leak that the study describes isn't there. Kept in a list it does: 8.2 MB an iteration; with `add_param_group` each
time 4.1 MB. Don't hoist out of cross-validation: one model for all folds scores 0.98 on random labels, fresh ones 0.48.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Delete, Finding, Fix, Framework, InsertAfter, InsertBefore, Level, Replace, Rule, Safety, places

Loop = ast.For | ast.AsyncFor | ast.While

RULE = Rule(
    __name__,
    code="PT25",
    smell="Encoder-Decoder Inside Training Loop",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Training Pipeline",
    subcategory="Training pipeline",
    practices=("Avoid Reinitializing Encoder and Decoder Inside Training Loop",),
    fix=Safety.REVIEW,
    yields_to=("PT09", "PT10"),
    see_also=("TK09", "PT12", "PT27"),
)


_WRAPPERS = {"torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel", "torch.nn.parallel.DataParallel",
             "torch.nn.SyncBatchNorm.convert_sync_batchnorm"}  # fmt: skip


def _hoist(node: ast.Call, loop: Loop, facts: Facts) -> tuple[Fix, ...]:
    """The constructor, and an optimizer that is made of it in the same body, before the loops."""
    statement = facts.statement(node)
    if not isinstance(statement, ast.Assign) or statement not in loop.body or not isinstance(statement.targets[0], ast.Name):
        return ()
    kinds = [(each, facts.some(each.value, "module", "optimizer")) for each in loop.body if isinstance(each, ast.Assign)]
    name = statement.targets[0].id
    of_it = [each for each, made in kinds if made is not None and made.kind == "optimizer" and _reads(each, name)]
    moved = [each for each, made in kinds if each is statement or each in of_it or (
        made is not None and made.kind == "module" and any(_reads(optimizer, facts.key(each.targets[0])) for optimizer in of_it))]  # fmt: skip
    if (first := facts.before_loops(moved, loop)) is None:
        return ()
    return (Fix.of("Build it once, before the loop", InsertBefore(first, tuple(map(facts.text, moved))), *map(Delete, moved)),)


def _reads(statement: ast.Assign, name: str | None) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(statement.value))


@RULE.check
def trained_anew(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A module that is built in each iteration of a training, so that it learns nothing."""
    if (found := facts.builds_module(node)) is None or facts.is_pretrained(node):
        return
    maker, name = found
    loop = facts.same_each_time(node) or next((loop for loop in facts.loops(node) if facts.each_iteration(node, loop)), None)
    if loop is None:
        return
    optimizer = facts.stale_optimizer(name, loop)
    trains, wholly = facts.trains(loop)
    if optimizer is None:
        if not trains or facts.same_each_time(node) is None or (wholly and not facts.is_epoch_loop(loop)):
            return
        if any(
            isinstance(c.func, ast.Attribute) and facts.key(c.func.value) == name for c in facts.calls_in(loop, "load_state_dict")
        ):
            return
    what = "and what it learns is lost" if optimizer is None else "but the optimizer still holds the first one"
    yield Finding(
        node,
        f"`{name}` is built again in each iteration, {what}. Build it once before the loop, with the optimizer made of it.",
        _hoist(node, loop, facts),
        places(
            (loop, "once for each of these"),
            (optimizer, "the optimizer is made here"),
            (maker if maker is not node else None, "built here"),
        ),
    )


@RULE.check(level=Level.INFORMATION)
def built_again(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A module that is built again in each iteration or call without being trained: a metric's network, a tokenizer."""
    function = facts.function(node)
    if not facts.may_repeat(node) and getattr(function, "name", "") != "__getitem__" and facts.step_method(function) is None:
        return
    pretrained = facts.is_pretrained(node)
    found = (node, facts.short(node.func, 30)) if pretrained and not facts.returned(node) else facts.builds_module(node)
    if found is None:
        return
    _, name = found
    where: ast.AST | None = facts.same_each_time(node)
    if where is not None and not pretrained and facts.trains(where)[0]:
        return
    if where is None and pretrained:
        called = function if getattr(function, "name", "") == "__getitem__" else facts.step_method(function)
        where = called if function is not None and facts.each_iteration(node, function) else None
    if where is None:
        return
    yield Finding(
        node,
        f"`{name}` is built again {_when(where, facts)}, the same each time. "
        "Build it once and keep it: construction, and loading of weights, costs far more than a call.",
        _hoist(node, where, facts) if isinstance(where, Loop) else (),
        places((where, "once for each of these")),
    )


def _when(where: ast.AST, facts: Facts) -> str:
    if isinstance(where, Loop):
        return f"in each iteration of the loop in line {facts.line(where)}"
    return f"in each call of `{getattr(where, 'name', 'this')}`"


@RULE.check
def made_in_forward(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`nn.Linear(...)(x)` in `forward`: random weights at each call, which no optimizer knows."""
    if (function := facts.function(node)) is None or (step := facts.step_method(function)) is None:
        return
    if facts.maker(node, "module") is not node or facts.is_pretrained(node):
        return
    made = facts.some(node, "module")
    if made is None or "Norm" in made.name or not facts.has_weights(made) or not facts.each_iteration(node, function):
        return
    parent, statement = facts.parent(node), facts.statement(node)
    reads: list[ast.expr] = [node]
    inline = isinstance(parent, ast.Call) and parent.func is node
    if not inline and isinstance(statement, ast.Assign) and (key := facts.key(statement.targets[0])) is not None:
        reads = [
            n
            for n in ast.walk(function)
            if isinstance(n, (ast.Name, ast.Attribute)) and facts.key(n) == key and isinstance(n.ctx, ast.Load)
        ]
    if not reads or not all(isinstance(call := facts.parent(read), ast.Call) and call.func is read for read in reads):
        return  # its weights are looked at or set
    yield Finding(
        node,
        f"`{facts.short(node.func, 30)}` gets new random weights in each call of `{step.name}`, and no optimizer knows them. "
        "Make it in `__init__` as an attribute of the module, and call that.",
        _to_init(node, function, reads, facts),
        places((step, "called for each batch")),
    )


def _to_init(node: ast.Call, function: ast.AST, reads: list[ast.expr], facts: Facts) -> tuple[Fix, ...]:
    """The layer as an attribute that `__init__` makes, where its arguments are constants or attributes."""
    cls, statement = facts.method_class(function), facts.statement(node)
    first = next((m for m in cls.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None) if cls else None
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    names = [n.id for part in given for n in ast.walk(part) if isinstance(n, ast.Name) and facts.qualified(n) is None]
    if first is None or any(name != "self" for name in names) or "\n" in facts.text(node):
        return ()
    if reads == [node]:
        attribute = (facts.key(node.func) or "layer").rpartition(".")[2].lower()
        rest = [Replace(node, f"self.{attribute}")]
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and statement.value is node:
        attribute = statement.targets[0].id
        rest = [Delete(statement), *(Replace(read, f"self.{attribute}") for read in reads)]
    else:
        return ()
    if any(facts.key(n) == f"self.{attribute}" for n in ast.walk(cls or node)):
        return ()
    made = InsertAfter(first.body[-1], (f"self.{attribute} = {facts.text(node)}",))
    return (Fix.of("Make the layer in `__init__`", made, *rest),)


@RULE.check(level=Level.INFORMATION)
def optimizer_anew(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """An optimizer that is made again in each iteration for the same parameters: its moments are lost."""
    if not facts.may_repeat(node) or facts.maker(node, "optimizer") is not node or (loop := facts.same_each_time(node)) is None:
        return
    if not any(facts.calls_in(region, "step") for region in facts.reached(loop)) or facts.returned(node):
        return
    if facts.trains(loop)[1] and not facts.is_epoch_loop(loop):
        return
    yield Finding(
        node,
        f"`{facts.short(node.func, 30)}` is made again in each iteration of the loop in line {facts.line(loop)}. "
        "Its moments and step counts are lost each time: make it once before the loop.",
        _hoist(node, loop, facts),
        places((loop, "once for each of these")),
    )


@RULE.check(level=Level.INFORMATION, calls=("prepare", *(name.rpartition(".")[2] for name in _WRAPPERS)))
def wrapped_again(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`DataParallel(model)` or `accelerator.prepare(model)` in each iteration."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    wraps = facts.qualified(node.func) in _WRAPPERS or (owner is not None and facts.is_kind(owner, "accelerator"))
    if not node.args or not wraps or (loop := facts.same_each_time(node)) is None:
        return
    yield Finding(
        node,
        f"`{facts.short(node.func, 30)}` wraps `{facts.short(node.args[0], 20)}` again in each iteration of the loop in line {facts.line(loop)}. "
        "Wrap it once before the loop.",
        (),
        places((loop, "once for each of these")),
    )


@RULE.check(level=Level.INFORMATION, calls=("load_state_dict",))
def loaded_again(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model.load_state_dict(torch.load(path))` of the same file for each batch."""
    match node:
        case ast.Call(func=ast.Attribute(value=model, attr="load_state_dict"), args=[ast.Call(args=[path, *_]) as load]):
            pass
        case _:
            return
    loop = facts.same_each_time(load) if facts.qualified(load.func) == "torch.load" else None
    if loop is not None and not facts.trains(loop)[0]:
        yield Finding(
            node,
            f"`{facts.short(path, 30)}` is loaded again in each iteration of the loop in line {facts.line(loop)}. "
            f"Load it into `{facts.short(model, 20)}` once before the loop.",
            (),
            places((loop, "once for each of these")),
        )
