"""Give a training loop a way out: a number of steps, a condition that changes, an early stop.

## Why
A loop without any exit ends when somebody kills the process: no last checkpoint, no cleanup, a GPU that is never given back. By itself
it keeps no memory, but whatever leaks a little in it has all the time there is.

## Bad
```python
while True:
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
```

## Good
```python
max_steps, step = 100_000, 0
while step < max_steps:
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
        step += 1
```

## Fix
Takes a limit that has a name in scope (`islice(batches, max_steps)`), counts the step that a condition waits for, or sets `done` after
`env.step` as the newer gym API gives it. Review it: the loop then ends, where it went on.

## Silent when
There is any exit: `break`, `return`, `raise`, `sys.exit`, `yield` (whoever asks for items decides), an exception that is waited for
around the loop, a condition that changes or that calls something; the loop waits for a queue, a socket or a key; it does not train; it
stands in a notebook, where one interrupts it.

## Evidence
Measured with batches of 1 MiB: `while True` over a loader keeps 0.1 KB an iteration, as a bounded nest does; an endless data set, or a
sampler of a million draws, nothing. So endlessness is no leak, which speaks against the practice as such; only `itertools.cycle` keeps
the epoch (1028 KB a batch), and has a rule of its own. What this finds is a run that can't end, and what makes small leaks large.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import AddImport, Finding, Fix, Framework, InsertAfter, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT30",
    smell="Unbounded Loop",
    frameworks={Framework.TORCH},
    level=Level.HINT,
    category="Loop Lifecycle",
    subcategory="Loop lifecycle",
    practices=("Avoid Infinite Loops",),
    fix=Safety.REVIEW,
    yields_to=("PT26",),
    see_also=("PT26", "PT29", "TK01"),
)

_LIMITS = ("max_steps", "num_steps", "total_steps", "num_iters", "max_iters", "n_steps", "n_iters", "num_iterations", "max_iter")
_SETTINGS = {"args", "opt", "opts", "cfg", "config", "conf", "hparams", "hp", "params", "flags", "FLAGS"}
_NO_WAY = "Give it a number of steps, an early stop or another exit."


def _trains(loop: ast.AST, facts: Facts) -> bool:
    """Whether a run through a loop trains: a backward and an optimizer's step, in it or in a function that it calls."""
    regions = facts.reached(loop)
    return any(facts.backward_calls(region) for region in regions) or any(
        isinstance(call.func, ast.Attribute) and facts.is_optimizer(call.func.value)
        for region in regions
        for call in facts.calls_in(region, "step")
    )


def _walks(loop: ast.AST, facts: Facts) -> bool:
    """Whether a run through a loop goes through a loader, or runs a model."""
    return any(
        facts.walks_loader(node.iter) if isinstance(node, ast.For) else isinstance(node, ast.Call) and facts.is_module(node.func)
        for node in facts.nodes_in(loop, ast.For, ast.Call)
    )


def _open_ended(loop: ast.AST, facts: Facts) -> bool:
    """Whether somebody ends the loop from outside: a notebook's user, a signal, the thread that the function was made for."""
    path, function = facts.source.path, facts.function(loop)
    if (path is not None and path.suffix == ".ipynb") or facts.is_test_file() or facts.calls("signal", "setitimer"):
        return True
    name = getattr(function, "name", None)
    return name is not None and any(
        keyword.arg == "target" and (facts.key(keyword.value) or "").rpartition(".")[2] == name
        for call in facts.calls("Thread", "Process")
        for keyword in call.keywords
    )


def _is_true(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


@RULE.check(level=Level.INFORMATION)
def endless_training(node: ast.While | ast.For, facts: Facts) -> Iterator[Finding]:
    """`while True:`, `for step in itertools.count():`, `for batch in forever(loader):` that train and have no exit."""
    proof: ast.AST | None = None
    if isinstance(node, ast.While):
        if not _is_true(node.test):
            return
    elif isinstance(node.iter, (ast.Name, ast.Call)):
        if not facts.calls_in(node, "backward", "step") and not any(
            facts.called(c) for c in facts.nodes_in(node, ast.Call) if isinstance(c, ast.Call)
        ):
            return
        if (proof := facts.unending(node.iter)) is None:
            return
    else:
        return
    if not _trains(node, facts) or facts.leaves(node) or _open_ended(node, facts):
        return
    what = (
        f"`{facts.short(node.iter, 30)}` never ends, and neither does the loop"
        if isinstance(node, ast.For)
        else "This loop has no way out"
    )
    yield Finding(
        node.iter if isinstance(node, ast.For) else node.test,
        f"{what}: the training ends when it is killed. {_NO_WAY} An endless loop keeps no memory itself, only what you keep in it does.",
        tuple(_limits(node, facts)) if isinstance(node, ast.For) else (),
        places((proof, "this has no end")),
    )


@RULE.check
def endless_pass(node: ast.While, facts: Facts) -> Iterator[Finding]:
    """`while True:` over a loader or a model that doesn't train."""
    if (
        _is_true(node.test)
        and _walks(node, facts)
        and not (_trains(node, facts) or facts.leaves(node) or _open_ended(node, facts))
    ):
        yield Finding(node.test, f"This loop has no way out. {_NO_WAY} It keeps no memory itself, only what you keep in it does.")


@RULE.check(level=Level.INFORMATION)
def condition_that_never_changes(node: ast.While, facts: Facts) -> Iterator[Finding]:
    """`while not done:` or `while step < n:` where nothing in the loop changes what is tested."""
    if isinstance(node.test, ast.Constant) or (waits := _waits_for(node, facts)) is None:
        return
    steps = [call for call in facts.calls_in(node, "step") if isinstance(facts.parent(call), ast.Assign)]
    if not (steps or _trains(node, facts)) or facts.leaves(node) or _open_ended(node, facts):
        return
    yield Finding(
        node.test,
        f"Nothing in this loop changes `{waits.id}`, so it never ends once it is entered. Set it in the loop, or leave the loop by `break`.",
        tuple(_changes(node, waits, steps, facts)),
        places(*((d.statement, f"`{waits.id}` is set here only") for d in facts.definitions(waits))),
    )


def _waits_for(loop: ast.While, facts: Facts) -> ast.Name | None:
    """The name of a flag or counter in a loop's condition, if nothing may change the condition while the loop runs."""
    flag: ast.Name | None = None
    for part in ast.walk(loop.test):
        if isinstance(part, ast.Attribute):
            if not (isinstance(part.value, ast.Name) and part.value.id in _SETTINGS):
                return None
        elif isinstance(part, ast.Name):
            found = facts.definitions(part)
            if any(loop in facts.ancestors(d.statement) for d in found if d.statement is not None) or part.id in _shared(facts):
                return None
            if found and all(d.how == "assign" and isinstance(d.value, ast.Constant) for d in found):
                flag = flag or part
            elif part.id not in _SETTINGS and not (facts.is_kind(part, "number") or _is_limit(part, facts)):
                return None
        elif not isinstance(
            part, (ast.Compare, ast.UnaryOp, ast.BoolOp, ast.Constant, ast.cmpop, ast.boolop, ast.unaryop, ast.expr_context)
        ):
            return None
    return flag


def _is_limit(name: ast.Name, facts: Facts) -> bool:
    """Whether a name is passed, or compared by order: what else may change by itself isn't."""
    compare = facts.parent(name)
    by_order = isinstance(compare, ast.Compare) and all(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for op in compare.ops)
    found = facts.definitions(name)
    return all(d.how == "parameter" for d in found) or (by_order and all(d.how == "assign" for d in found))


def _shared(facts: Facts) -> set[str]:
    """Names that some function declares `global` or `nonlocal`: it may change them at any time."""
    return {name for kind in (ast.Global, ast.Nonlocal) for node in facts.nodes(kind) for name in getattr(node, "names", ())}


def _limits(loop: ast.For, facts: Facts) -> Iterator[Fix]:
    """`itertools.islice(batches, max_steps)`, if such a limit has a name here."""
    function = facts.function(loop)
    for name in _LIMITS:
        bound = facts.bindings(function, name) or facts.bindings(None, name)
        if bound and facts.line(bound[0].node) < facts.line(loop):
            text = f"itertools.islice({facts.text(loop.iter)}, {name})"
            yield Fix.of(f"Stop after `{name}`", Replace(loop.iter, text), AddImport("import itertools"))
            return


def _changes(loop: ast.While, waits: ast.Name, steps: list[ast.Call], facts: Facts) -> Iterator[Fix]:
    """`step += 1` at the end of the loop; `done = terminated or truncated` after `env.step`."""
    match loop.test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Lt() | ast.LtE()]) if name == waits.id:
            if all(read in ast.walk(loop.test) for read in facts.reads(name, loop)):
                yield Fix.of(f"Count `{name}`", InsertAfter(loop.body[-1], (f"{name} += 1",)))
            return
        case _:
            pass
    for call in steps:
        match facts.parent(call):
            case ast.Assign(targets=[ast.Tuple(elts=[_, _, ast.Name(id=ended), ast.Name(id=cut), _])]) as statement:
                yield Fix.of(f"Set `{waits.id}` after the step", InsertAfter(statement, (f"{waits.id} = {ended} or {cut}",)))
                return
            case _:
                pass


@RULE.check(calls=("Trainer",))
def trainer_without_end(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """Lightning's `Trainer(max_epochs=-1)` with no other limit."""
    limits = {keyword.arg for keyword in node.keywords} & {"max_steps", "max_time", "callbacks", None}
    for keyword in node.keywords if not limits else ():
        if keyword.arg == "max_epochs" and ast.unparse(keyword.value) == "-1":
            if (facts.qualified(node.func) or "").startswith("pytorch_lightning."):
                yield Finding(
                    keyword, "This trainer has no limit: `fit` ends when it is killed. Give it `max_steps`, `max_time` or epochs."
                )
