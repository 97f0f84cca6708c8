"""Bound what is cached on the GPU by input size, and drop a model before the next one is loaded.

## Why
A table of tensors that a module fills by the size of its input gets an entry for each new size and gives none back. A second model
that is loaded while the first one still has a name needs the memory of both. `torch.cuda.empty_cache()` cures neither: it returns
blocks that nobody uses, and frees no tensor.

## Bad
```python
class Anchors(nn.Module):
    def __init__(self):
        super().__init__()
        self._cache = {}

    def forward(self, x):
        key = tuple(x.shape[-2:])
        if key not in self._cache:
            self._cache[key] = torch.zeros(key[0] * key[1], 4, device=x.device)
        return self._cache[key]
```

## Good
```python
class Anchors(nn.Module):
    def __init__(self):
        super().__init__()
        self._cache = {}

    def forward(self, x):
        key = tuple(x.shape[-2:])
        if key not in self._cache:
            if len(self._cache) >= 32:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = torch.zeros(key[0] * key[1], 4, device=x.device)
        return self._cache[key]
```

## Fix
Caps the table before the store, deletes the first model before the second is made, loads a checkpoint into main memory, or removes an
`empty_cache()` that frees nothing. Review it: nothing else may rely on old entries, or on the first model. No `empty_cache()` is added.

## Silent when
Keys are one of a few (levels, dtypes, devices); the table is capped or cleared; one slot grows to a maximum; models are together on
purpose, both in use; the cache is emptied between phases, or after a `del`; outputs are moved to main memory.

## Evidence
Measured on a CPU: a cache by input size grows by 941 KB an iteration for ever-new sizes, capped at 4 entries by 0.2 KB. Plain inference
with gradients on grows by nothing; its peak of 45 MB falls to 28 MB by `no_grad`, to 35 MB by `del` of the output, and by
`empty_cache()` not at all. That measurement contradicts the practice of releasing memory by `empty_cache()`: it makes room for other
processes only, at the price of new allocations. A big tensor not dropped before the next is made: peak 35 instead of 19 MB. Not
measured: what `empty_cache()` costs on a GPU.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Delete, Finding, Fix, Framework, InsertAfter, InsertBefore, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT11",
    smell="Unreleased GPU Memory",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Improper resource and cache cleanup",
    practices=("Explicit GPU Memory Release",),
    fix=Safety.REVIEW,
    yields_to=("PT08", "PT09", "PT17", "PT20"),
    see_also=("PT14", "PT15", "TK03"),
)


@RULE.check
def cache_by_input(node: ast.Assign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`if x.shape not in self._cache: self._cache[x.shape] = grid`, in a module or a function of tensors."""
    if isinstance(node, ast.Assign) and not any(isinstance(target, ast.Subscript) for target in node.targets):
        return
    found, statement = facts.memo_table(node), facts.statement(node)
    if found is None or statement is None:
        return
    store, shared = found
    function = facts.function(node)
    cls = facts.method_class(function) if function is not None else None
    module = cls is not None and facts.is_module_class(cls)
    if shared.how == "local" or not facts.has_tensor(store.item) or not facts.is_by_input(store.key, passed=module):
        return
    if not module and facts.computed_from(store.item):  # a cache of results, whose rule knows more of it
        return
    name = facts.text(store.container)
    cap = InsertBefore(statement, (f"if len({name}) >= 32:", f"    {name}.pop(next(iter({name})))"))
    yield Finding(
        store.item,
        f"`{facts.short(store.container, 30)}` keeps a tensor for every new `{facts.short(store.key, 20)}`, and gives none back. "
        "Cap it before the store, or clear it; `empty_cache()` doesn't touch what it holds.",
        (Fix.of("Drop the oldest of 32 entries", cap),) if facts.is_kind(store.container, "dict") else (),
        places((shared.made, f"`{name}` is made here"), (store.lookup, "and looked up here")),
    )


def _large_on_gpu(node: ast.expr, facts: Facts) -> bool:
    """Whether an expression loads a pretrained model and puts it on the GPU."""
    loads = facts.calls_in(node, "from_pretrained", "from_single_file", "create_model", "load_model", "build_model")
    return bool(loads) and facts.moves_to_gpu(node)


def _used_alone(name: str, node: ast.AST, facts: Facts) -> bool:
    """Whether an object is called and asked for attributes only: nobody else takes it."""
    for read in facts.reads(name, node):
        match facts.parent(read):
            case ast.Call(func=function) if function is read:
                pass
            case ast.Attribute() | ast.Expr() | ast.Delete():
                pass
            case _:
                return False
    return True


@RULE.check(level=Level.INFORMATION)
def two_models(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """A pretrained model on the GPU that isn't used any more when the next one is loaded."""
    if len(node.targets) != 1 or not isinstance(target := node.targets[0], ast.Name) or not isinstance(node.value, ast.Call):
        return
    if not _large_on_gpu(node.value, facts) or not _used_alone(target.id, node, facts):
        return
    loops = facts.loops(node)
    if loops and facts.block(node) is loops[0].body:
        last = loops[0].body[-1]
        if any(facts.dropped_beside(target.id, statement) for statement in loops[0].body) or facts.leaves(loops[0]):
            return
        yield Finding(
            node,
            f"The `{target.id}` of the last iteration is still on the GPU while the next one is loaded. "
            f"Drop it at the end of the iteration (`del {target.id}`), or the peak is that of both.",
            (Fix.of(f"Drop `{target.id}` in each iteration", InsertAfter(last, (f"del {target.id}",))),),
            places((loops[0], "this repeats it")),
        )
        return
    block = facts.block(node)
    for earlier in block[: block.index(node)]:
        match earlier:
            case ast.Assign(targets=[ast.Name(id=first)], value=ast.Call() as value) if first != target.id and _large_on_gpu(
                value, facts
            ):
                pass
            case _:
                continue
        between = block[block.index(earlier) : block.index(node) + 1]
        gone = any(facts.dropped_beside(first, statement) for statement in between) or facts.used_after(first, node) is not None
        if gone or not _used_alone(first, node, facts) or not any(d.statement is earlier for d in facts.binding_at(first, node)):
            continue
        yield Finding(
            node,
            f"`{first}` is still on the GPU while `{target.id}` is loaded, and isn't used any more. "
            f"Drop it first (`del {first}`), or the peak is that of both.",
            (Fix.of(f"Drop `{first}` first", InsertBefore(node, (f"del {first}",))),),
            places((earlier, f"`{first}` is loaded here")),
        )
        return


@RULE.check(level=Level.INFORMATION)
def retry_in_handler(node: ast.ExceptHandler, facts: Facts) -> Iterator[Finding]:
    """`except torch.cuda.OutOfMemoryError as e:` that runs the model again inside the handler."""
    parent = facts.parent(node)
    if node.type is None or not isinstance(parent, ast.Try):
        return
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    names = {(facts.key(kind) or "").rpartition(".")[2] for kind in kinds}
    if "OutOfMemoryError" not in names and not ("RuntimeError" in names and "out of memory" in facts.text(node)):
        return
    if facts.calls_in(node, "cpu") or any("cpu" in facts.text(move) for move in facts.calls_in(node, "to")):
        return
    tried = {
        facts.text(call.func)
        for statement in parent.body
        for call in facts.nodes_in(statement, ast.Call)
        if isinstance(call, ast.Call) and _runs(call, facts)
    }
    for call in facts.nodes_in(node, ast.Call):
        if isinstance(call, ast.Call) and facts.text(call.func) in tried:
            yield Finding(
                call,
                f"The handled error still holds what `{facts.short(call.func, 30)}` had allocated when it is tried again. "
                "Set a flag in the handler, and try again after it, where the error and its frames are gone.",
                (),
                places((parent, "this ran out of memory"), (node, "and this holds its frames")),
            )
            return


def _runs(call: ast.Call, facts: Facts) -> bool:
    """Whether a call runs a model, or a function in sight that is given something to work on."""
    return facts.is_module(call.func) or (bool(facts.called(call)) and bool(call.args))


@RULE.check(level=Level.HINT)
def outputs_on_the_gpu(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`outputs.append(model(x))` over a whole loader, without `.cpu()`, of a model on the GPU."""
    loops = facts.loops(node)
    if not loops or not isinstance(loops[0], ast.For) or not facts.walks_loader(loops[0].iter) or not facts.calls("cuda", "to"):
        return
    for container, item in facts.put(node):
        if facts.computed_from(item) == "" and not isinstance(item, ast.Name):
            continue
        if not facts.is_kind(item, "output", "tensor") or facts.requires_grad(item) is not None or not _made_on_gpu(item, facts):
            continue
        if facts.outlives(container, node) is not None:
            yield Finding(
                item,
                f"`{facts.short(container, 30)}` keeps `{facts.short(item, 25)}` of the whole loader on the GPU. "
                "Keep `.cpu()` of each, or only the numbers that you need.",
                (),
                places((loops[0], "for each of these")),
            )
            return


def _made_on_gpu(item: ast.expr, facts: Facts) -> bool:
    """Whether a value is what a module on the GPU gave, as it is."""
    values = (
        [item] if isinstance(item, ast.Call) else [d.value for d in facts.definitions(item) if d.value is not None and not d.path]
    )
    return bool(values) and all(
        isinstance(v, ast.Call) and facts.is_module(v.func) and any(map(facts.moves_to_gpu, v.args)) for v in values
    )


@RULE.check(level=Level.HINT)
def emptied_beside_work(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """`out = model(x)`, `torch.cuda.empty_cache()`, and `out` is used afterwards: nothing was freed."""
    if not facts.releases(node) or facts.loops(node) or "empty_cache" not in facts.text(node):
        return
    block = facts.block(node)
    place = block.index(node)
    match block[place - 1] if place else None:
        case ast.Assign(targets=[ast.Name(id=name) as target], value=ast.Call(func=function)) if facts.is_module(function):
            pass
        case _:
            return
    if facts.used_after(name, node) is not None and not any(isinstance(s, ast.Delete) for s in block[max(place - 4, 0) : place]):
        yield Finding(
            node,
            f"This frees nothing of `{name}`, which is used later. "
            "Remove it: PyTorch uses freed memory again by itself, emptying the cache only gives it to other processes.",
            (Fix.of("Remove `empty_cache()`", Delete(node)),),
            places((target, f"`{name}` holds its memory")),
        )
