"""Create a process group once and reuse it, or destroy it when its members change.

## Why
`torch.distributed` keeps every group in a registry of its own, with the sockets, threads and buffers that belong to it. A group that
is made in each iteration, or in each call of a helper, is never given back: the name that it was bound to does not own it.

## Bad
```python
import torch.distributed as dist

for epoch in range(num_epochs):
    group = dist.new_group(backend="gloo")
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    seen = torch.ones(1)
    dist.all_reduce(seen, group=group)
```

## Good
```python
import torch.distributed as dist

group = dist.new_group(backend="gloo")
for epoch in range(num_epochs):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    seen = torch.ones(1)
    dist.all_reduce(seen, group=group)
```

## Fix
Makes the group before the loop, or in a function that `functools.lru_cache` lets run once; where the members change, destroys the
group in a `finally`. Review it: every rank has to create and destroy the group, all in the same order, and with NCCL work that is
still running on the group must be waited for first. Not offered under a condition, where some ranks may not come along.

## Silent when
The loop makes different groups once, in set-up code; the group is memoised (`if group is None`, a cache, `lru_cache`) or passed to
`destroy_process_group`; the loop goes through a short literal; the file is a test.

## Evidence
Measured with gloo and one rank: each `new_group` costs 4 file descriptors, 3 threads and 8 KB, 44 KB once it was used. `del group`
and `gc.collect()` change nothing; `destroy_process_group(group)` gives back all descriptors and threads (0.3 KB stay). Made once,
before the loop: nothing. `new_subgroups` costs the same. A device mesh over one rank made no group, so it is a hint only.
"""

import ast
import itertools
from collections.abc import Iterator

from oakum.facts import Again, Facts
from oakum.rule import (
    AddImport,
    Delete,
    Enclose,
    Finding,
    Fix,
    Framework,
    InsertAfter,
    InsertBefore,
    Level,
    Replace,
    Rule,
    Safety,
    places,
)

RULE = Rule(
    __name__,
    code="PT29",
    smell="Repeated Group Creation Inside Loop",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Loop Lifecycle",
    subcategory="Loop lifecycle",
    practices=("Initialize Groups Outside the Loop and Reuse Them",),
    fix=Safety.REVIEW,
    see_also=("PT30", "TK01"),
)

_GROUPS = {
    "torch.distributed.new_group", "torch.distributed.new_subgroups", "torch.distributed.new_subgroups_by_enumeration",
    "torch.distributed.split_group", "torch.distributed._new_process_group_helper", "torch.distributed.new_group_with_tag",
    "deepspeed.comm.new_group", "deepspeed.comm.comm.new_group", "horovod.torch.add_process_set", "horovod.add_process_set",
    "ray.util.collective.init_collective_group", "ray.util.collective.create_collective_group",
}  # fmt: skip
_MESHES = {"torch.distributed.init_device_mesh", "torch.distributed.DeviceMesh"}
_LAST = {name.rpartition(".")[2] for name in _GROUPS | _MESHES}
_DESTROYING = ("destroy_process_group", "destroy_collective_group", "remove_process_set")
_WORK = (
    "backward", "step", "all_reduce", "all_gather", "all_gather_object", "all_gather_into_tensor", "broadcast", "broadcast_object_list", "reduce",
    "reduce_scatter", "gather", "gather_object", "scatter", "all_to_all", "monitored_barrier", "barrier", "state_dict",
)  # fmt: skip
_CALLED = frozenset(
    {"compute", "__getitem__", "on_save_checkpoint", "on_train_epoch_end", "on_validation_epoch_end", "save_checkpoint"}
)


def _group(call: ast.Call, facts: Facts, names: set[str]) -> bool:
    """Whether a call makes a group, by one of these names."""
    last = call.func.attr if isinstance(call.func, ast.Attribute) else None
    return (last is None or last in _LAST) and facts.qualified(call.func) in names


def _bound(call: ast.AST, facts: Facts) -> tuple[ast.expr | None, ast.stmt | None]:
    """What the group is bound to, and the statement that does it."""
    statement = facts.statement(call)
    match statement:
        case ast.Assign(targets=[target], value=value) if value is call:
            return target, statement
        case ast.AnnAssign(target=target, value=value) if value is call:
            return target, statement
        case _:
            return None, None


def _set_up(loop: ast.AST, node: ast.AST, facts: Facts) -> bool:
    """Whether a loop makes groups for later: nothing trains or communicates in it, and each group is kept or is another one."""
    if any(facts.calls_in(region, *_WORK) for region in facts.reached(loop)):
        return False
    target = _bound(node, facts)[0]
    if isinstance(target, ast.Name):
        reads = [read for read in facts.reads(target.id, node) if loop in facts.ancestors(read)]
        for read in reads:
            match facts.parent(read):
                case ast.Call(func=ast.Attribute(attr="append" | "add")):
                    pass
                case ast.Call() | ast.keyword():
                    return False
                case _:
                    pass
        kept = bool(reads)
    else:
        kept = target is not None or not isinstance(facts.parent(node), ast.Expr)
    return kept or facts.varies(node, loop)


def _destroyed(call: ast.Call, again: ast.AST, facts: Facts) -> bool:
    """Whether the group is given back: in what repeats, by the function or class that made it, or in a loop over a list of them."""
    regions = facts.reached(again)
    function, cls = facts.function(call), facts.enclosing_class(call)
    for end in facts.calls(*_DESTROYING):
        here = set(facts.ancestors(end))
        named = bool(end.args or end.keywords)
        if here.intersection(regions) or (named and not here.isdisjoint({cls, function} - {None})):
            return True
        if named and facts.loops(end) and facts.function(end) is function:
            return True
    return False


def _again(node: ast.Call, facts: Facts) -> Again | None:
    """What repeats a call that makes a group which is not given back."""
    again = facts.again(node, lambda loop, at: _set_up(loop, at, facts), _CALLED)
    return again if again is not None and not _destroyed(node, again.loop, facts) else None


def _fixes(call: ast.Call, facts: Facts) -> Iterator[Fix]:
    target, statement = _bound(call, facts)
    function = facts.function(call)
    if statement is None or not isinstance(target, ast.Name):
        return
    around = facts.loops(call)
    if movable := list(itertools.takewhile(lambda loop: facts.movable(call, loop), around)):
        title = f"Make `{target.id}` once, before the loop"
        yield Fix.of(title, Delete(statement), InsertBefore(movable[-1], (facts.text(statement),)))
        return
    if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and not around:
        constant = not any(facts.definitions(n) for n in ast.walk(call) if isinstance(n, ast.Name))
        if constant and not facts.conditional(call, function):
            outer: ast.stmt = facts.method_class(function) or function
            lines = ("@functools.lru_cache(maxsize=None)", f"def _{target.id}():", f"    return {facts.text(call)}", "", "")
            title = f"Make `{target.id}` in a function that runs once"
            if facts.parent(outer) is None:
                yield Fix.of(title, InsertBefore(outer, lines), Replace(call, f"_{target.id}()"), AddImport("import functools"))
                return
    yield from _destroying(call, target, statement, facts)


def _destroying(call: ast.Call, target: ast.Name, statement: ast.stmt, facts: Facts) -> Iterator[Fix]:
    """`try: ... finally: dist.destroy_process_group(group)` around the statements that follow, where nothing keeps the group."""
    block = facts.block(statement)
    following = block[block.index(statement) + 1 :]
    if not following or not isinstance(call.func, ast.Attribute):
        return
    reads = [read for read in facts.reads(target.id, statement) if read is not target]
    if any(not isinstance(facts.parent(read), (ast.keyword, ast.Call)) for read in reads):
        return
    text = f"{facts.text(call.func.value)}.destroy_process_group({target.id})"
    used = [s for s in following if any(read is n for n in ast.walk(s) for read in reads)]
    if not used:
        return
    title = f"Destroy `{target.id}` after its use"
    yield Fix.of(title, Enclose(following[0], used[-1], "try:"), InsertAfter(used[-1], ("finally:", f"    {text}")))


@RULE.check(calls=_LAST)
def group(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`dist.new_group(...)` in a loop, or in a function that is called from one."""
    if not _group(node, facts, _GROUPS) or facts.is_test_file():
        return
    again = _again(node, facts)
    if again is None:
        return
    yield Finding(
        node,
        f"`{facts.short(node.func, 30)}` makes another group {facts.often(again)}. "
        "torch.distributed keeps each one, with its sockets and threads, until it is destroyed: make it once and reuse it.",
        tuple(_fixes(node, facts)),
        places((again.loop, "this repeats it"), (again.call, "through this call")),
    )


@RULE.check
def group_made_elsewhere(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A call in a loop of a function of another file that makes a group."""
    for function, calls, other in facts.elsewhere(node, _LAST):
        made = next((call for call in calls if _group(call, other, _GROUPS)), None)
        if made is None or other.guarded(made) or _destroyed(made, function, other):
            continue
        again = _again(node, facts)
        if again is None:
            continue
        yield Finding(
            node,
            f"`{facts.short(node.func, 30)}` makes another process group {facts.often(again)}. "
            "torch.distributed keeps each one, with its sockets and threads, until it is destroyed: make it once and pass it on.",
            (),
            places((again.loop, "this repeats it"), (again.call, "through this call")),
        )
        return


@RULE.check(level=Level.HINT, calls=_LAST)
def mesh(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`init_device_mesh(...)` in a loop."""
    if not _group(node, facts, _MESHES) or facts.is_test_file():
        return
    again = _again(node, facts)
    if again is not None:
        yield Finding(
            node,
            f"A device mesh is made {facts.often(again)}. Make it once: over several ranks it creates process groups, which stay.",
            (),
            places((again.loop, "this repeats it")),
        )
