"""Use `del` where it drops the last reference; another name, list or optimizer that holds the object keeps the memory.

## Why
`del` removes a name. Memory goes when the last reference does: while a list, a view, an optimizer or the graph of a later value still
holds the object, `del` with `gc.collect()` and `torch.cuda.empty_cache()` behind it frees nothing, and the code reads as if it did.

## Bad
```python
import gc

for lr in (0.1, 0.01, 0.001):
    net = nn.Linear(4096, 4096).to(device)
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for x, y in loader:
        opt.zero_grad()
        net(x).mean().backward()
        opt.step()
    del net
    gc.collect()
    torch.cuda.empty_cache()
```

## Good
```python
import gc

for lr in (0.1, 0.01, 0.001):
    net = nn.Linear(4096, 4096).to(device)
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for x, y in loader:
        opt.zero_grad()
        net(x).mean().backward()
        opt.step()
    del net, opt
    gc.collect()
    torch.cuda.empty_cache()
```

## Fix
Deletes the optimizer, wrapper or alias as well, or empties the cache behind the `del` instead of before it. Review it: what is deleted
as well must not be wanted later. Nothing is detached for you (before a backward that stops gradients), no `empty_cache()` is added, and
a harmless `del` stays.

## Silent when
Nobody else is known to hold the object; the other name is deleted, rebound or not used again; `del` claims nothing (no collection and
no emptied cache near it); entries of dicts, attributes, modules, arrays of numpy.

## Evidence
Measured with `y` of 1 MiB and `z = y.mean()` alive: `del y` frees all of it where the graph doesn't need its value (`x * 2`) or none is
recorded, nothing where the graph saved it (`exp`, `relu`, `y @ W`) or a view lives. `y = y.detach(); del y` frees nothing, and neither
does `empty_cache()` after it. The practice's own example, detaching before backward, raises. A `del` of the last reference before the
next allocation works: peak 19 instead of 35 MB.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts, Holder
from oakum.rule import Delete, Finding, Fix, Framework, InsertAfter, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT14",
    smell="Using del Without Freeing Memory",
    frameworks={Framework.TORCH},
    level=Level.INFORMATION,
    category="Resource Management",
    subcategory="Improper resource and cache cleanup",
    practices=("Proper Memory Release",),
    fix=Safety.SAFE,
    see_also=("PT11", "PT13"),
)

_WHY = {
    "container": "`{who}` still holds it. Keep a copy in main memory there (`.detach().cpu()`), or drop it from there too.",
    "alias": "`{who}` is the same object and used later. Delete both when both are done.",
    "view": "`{who}` is a view of its memory and used later. Keep a copy of what you need (`.clone()`).",
    "owner": "`{who}` still refers to it. Delete `{who}` as well, before the cache is emptied.",
    "caller": "whoever called `{who}` still holds it. Let the caller drop its name before the cache is emptied.",
    "graph": "the graph of `{who}`, used later, needs its value. Keep `{who}` as a number or detached, if nothing backpropagates it.",
    "list": "`{who}` still holds each item. Take the items out of it (`items.pop()`), or make them as they are needed.",
    "accelerator": "`{who}` refers to all that it prepared. Call `{who}.free_memory()` before the cache is emptied.",
}
_DEAD = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def _dropped(node: ast.Delete | ast.Assign, facts: Facts) -> list[ast.Name]:
    """Names that a statement drops by `del`, and those of modules by None: other things are merely emptied so."""
    if isinstance(node, ast.Assign):
        empty = isinstance(node.value, ast.Constant) and node.value.value is None
        names = [target for target in node.targets if isinstance(target, ast.Name)] if empty else []
        return [name for name in names if any(d.value and facts.is_module(d.value) for d in facts.binding_at(name.id, node))]
    parts = (p for target in node.targets for p in (target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]))
    return [part for part in parts if isinstance(part, ast.Name)]


def _meant_to_free(node: ast.stmt, facts: Facts) -> bool:
    """Whether garbage is collected, or the cache emptied, near a statement (or the loop that does nothing else)."""
    around = facts.parent(node)
    if isinstance(around, ast.For) and around.body == [node]:
        node = around
    return any(facts.frees(beside) for beside in facts.near(node, 4) if beside is not node)


def _goes_on(node: ast.stmt, facts: Facts) -> bool:
    """Whether the function does something else while its names live: in the next iteration, or below."""
    if facts.loops(node):
        return True
    block = facts.block(node)
    later = [statement for statement in block[block.index(node) + 1 :] if not facts.frees(statement)]
    calls = [call for statement in later for call in facts.nodes_in(statement, ast.Call) if isinstance(call, ast.Call)]
    return any(facts.qualified(call.func) not in ("builtins.print", "builtins.len") for call in calls)


@RULE.check
def still_held(node: ast.Delete | ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`del y`, or `y = None`, beside an emptied cache, while a list, a view, an optimizer, a caller or a graph holds it."""
    names = _dropped(node, facts)
    if not names or not _meant_to_free(node, facts):
        return
    for name in names:
        for holder in facts.holders(name.id, node):
            if holder.way in ("owner", "accelerator") and not _goes_on(node, facts):
                continue
            verb = "del " if isinstance(node, ast.Delete) else "dropping "
            why = _WHY[holder.way].format(who=holder.name)
            yield Finding(
                name,
                f"`{verb}{name.id}` frees nothing: {why}" if verb == "del " else f"Dropping `{name.id}` frees nothing: {why}",
                tuple(_fixes(holder, node, facts)),
                places((holder.made, "it is held from here on"), (holder.read, "and used here")),
            )
            break


def _fixes(holder: Holder, node: ast.stmt, facts: Facts) -> Iterator[Fix]:
    if holder.way == "view" and holder.value is not None:
        yield Fix.of("Keep a copy, not a view", Replace(holder.value, f"{facts.text(holder.value)}.clone()"))
    elif holder.way == "owner" and holder.read is None:
        yield Fix.of(f"Delete `{holder.name}` too", InsertAfter(node, (f"del {holder.name}",)))


@RULE.check(level=Level.HINT)
def emptied_too_early(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """`torch.cuda.empty_cache()` right before the `del` whose memory it should give back."""
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "empty_cache":
        return
    block = facts.block(node)
    place = block.index(node)
    drop = block[place + 1] if place + 1 < len(block) else None
    if not isinstance(drop, ast.Delete) or not _dropped(drop, facts):
        return
    before, later = block[max(place - 3, 0) : place], block[place + 2 : place + 5]
    if any(map(facts.frees, later)) or any(isinstance(statement, ast.Delete) for statement in before):
        return
    swap = Replace(node, facts.text(drop)), Replace(drop, facts.text(node))
    yield Finding(
        node,
        f"The cache is emptied before `{facts.short(drop)}`, so what that frees stays cached. Empty it afterwards, if at all.",
        (Fix.of("Empty the cache after the `del`", *swap, safety=Safety.SAFE),),
        places((drop, "this frees it")),
    )


@RULE.check
def never_reached(node: ast.Delete, facts: Facts) -> Iterator[Finding]:
    """`del x` behind a `return`."""
    block = facts.block(node)
    place = block.index(node)
    if place and isinstance(block[place - 1], _DEAD) and _dropped(node, facts):
        fix = Fix.of("Remove the `del`", Delete(node), safety=Safety.SAFE)
        yield Finding(
            node,
            f"`{facts.short(node)}` is never reached: the line above leaves. What a function names goes when it returns.",
            (fix,),
            places((block[place - 1], "this leaves")),
        )
