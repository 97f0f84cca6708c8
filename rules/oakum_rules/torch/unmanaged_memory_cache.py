"""Give a cache a bound: one that is keyed by data grows with every new input.

## Why
A table that is looked up before it is filled keeps a result for each key it ever saw. Keys made from data never end, and tensors hash
by identity: an equal tensor is another key. `lru_cache` on a method has the object among its keys and keeps every model alive.

## Bad
```python
from functools import lru_cache


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(1000, 64)

    @lru_cache(maxsize=None)
    def embed(self, index):
        return self.table(torch.tensor(index))
```

## Good
```python
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(1000, 64)

    def embed(self, index):
        return self.table(torch.tensor(index))
```

## Fix
Bounds `lru_cache`, makes a method's cache anew for each object (a cycle, which the collector frees; it can't be pickled, and a deep
copy shares it), or drops the oldest entry of a table before the store. Review it: results must be recomputable, and nobody may need
old keys. Calls of `empty_cache()` and `gc.collect()` in each step are removed.

## Silent when
The cache is bounded, weak, emptied, or a local of one call; keys are few (`i % k`, types, devices), values are numbers or constants of
a size; a dataset caches by an option of its own; `empty_cache()` stands behind a condition, between phases or in a handler.

## Evidence
Measured with outputs of 1 MiB: a table of values with their graph 5152 KB an iteration; with the study's fix, `.detach().cpu()` and
`empty_cache()`, still 1028 KB, the same without `empty_cache()`; capped at 4 entries 0 KB. `lru_cache(None)` on a function 1028 KB an
iteration, `lru_cache(8)` 0 KB; on a method 2063 KB for each model it was called on, for ever.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import (
    AddImport,
    Append,
    Delete,
    Finding,
    Fix,
    Framework,
    InsertAfter,
    InsertBefore,
    Level,
    Replace,
    Rule,
    Safety,
    Undecorate,
    places,
)

RULE = Rule(
    __name__,
    code="PT15",
    smell="Unmanaged Memory Cache",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Improper resource and cache cleanup",
    practices=("Manual Cache Release",),
    fix=Safety.REVIEW,
    yields_to=("PT08", "PT09", "PT11", "PT14"),
    see_also=("TK03", "TK05"),
)
_LARGE = 100  # a bound that holds more than a few models or tensors
Function = ast.FunctionDef | ast.AsyncFunctionDef


@RULE.check
def table_with_graphs(node: ast.Assign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`if key not in self.cache: self.cache[key] = self.model(x)`: results with the graphs that made them."""
    yield from _table(node, facts, attached=True)


@RULE.check(level=Level.INFORMATION)
def table(node: ast.Assign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """The same of results without a graph, of what is loaded, and of states of a language model."""
    yield from _table(node, facts, attached=False)


def _table(node: ast.Assign | ast.Call, facts: Facts, *, attached: bool) -> Iterator[Finding]:
    found = facts.memo_table(node)
    if found is None or not facts.roots(found[0].key):
        return
    (store, shared), statement = found, facts.statement(node)
    graph = facts.requires_grad(store.item)
    if (graph is not None) != attached or statement is None:
        return
    if shared.how == "local" and (graph is None or not facts.useless_to_backward(store.container, store.item, node)):
        return
    if not attached and not _is_large(store.item, node, facts):
        return
    name = facts.text(store.container)
    cap = InsertBefore(statement, (f"if len({name}) >= 128:", f"    {name}.pop(next(iter({name})))"))
    detach = (Append(store.item, ".detach()"),) if graph is not None and not graph.structure else ()
    fixes = (Fix.of("Drop the oldest of 128 entries", cap, *detach),) if facts.is_kind(store.container, "dict") else ()
    yield Finding(
        store.item,
        f"`{facts.short(store.container, 25)}` gets an entry for every new `{facts.short(store.key, 20)}`: it {shared.in_words}. "
        f"Cap it before the store, or clear it when it is of no use any more{'; detach what it keeps' if attached else ''}.",
        fixes,
        places((shared.made, f"`{name}` is made here"), (store.lookup, "and looked up here")),
    )


def _is_large(item: ast.expr, node: ast.AST, facts: Facts) -> bool:
    """Whether what is kept comes out of a model or a file; in a dataset's `__getitem__`: anything, unless an option asks for it."""
    function = facts.function(node)
    made = facts.computed_from(item)
    cls = facts.method_class(function) if function is not None else None
    if cls is not None and getattr(function, "name", "") == "__getitem__":
        options = [
            n for n in facts.ancestors(node) if isinstance(n, ast.If) for n in ast.walk(n.test) if isinstance(n, ast.Attribute)
        ]
        flagged = any(not isinstance(facts.parent(n), (ast.Compare, ast.Attribute, ast.Subscript)) for n in options)
        dataset = any(base.rpartition(".")[2].endswith("Dataset") for base in facts.bases(cls)[1])
        return dataset and not flagged and not facts.is_kind(item, "number", "string", "none") and made != "weights"
    return made == "file" or (made == "model" and not facts.is_kind(item, "number", "string"))


@RULE.check(level=Level.HINT)
def table_of_models(node: ast.Assign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`self.models[name] = AutoModel.from_pretrained(name)` of a service that never unloads one."""
    found = facts.memo_table(node)
    if found and found[1].how != "local" and facts.roots(found[0].key) and facts.computed_from(found[0].item) == "weights":
        yield Finding(
            found[0].item,
            f"`{facts.short(found[0].container, 25)}` keeps a model for every `{facts.short(found[0].key, 25)}` that was asked for. "
            "Unload the one that was not used for the longest time.",
            (),
            places((found[1].made, f"`{facts.text(found[0].container)}` is made here")),
        )


def _on_method(node: Function, facts: Facts, *, alone: bool) -> Iterator[Finding]:
    cls = facts.method_class(node) if node.decorator_list and node.args.args else None
    if cls is None or any(facts.key(d) in ("staticmethod", "classmethod") for d in node.decorator_list):
        return
    memo = facts.memoised(node)
    if memo is None or (memo.bound is not None and memo.bound < _LARGE) or not facts.holds_tensors(cls):
        return
    decorator = memo.decorator
    made = facts.calls(cls.name)
    if (len(made) == 1 and facts.function(made[0]) is None and not facts.loops(made[0])) != alone:
        return
    init = next((m for m in cls.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
    fixes: tuple[Fix, ...] = ()
    known = facts.qualified(decorator.func if isinstance(decorator, ast.Call) else decorator) in (
        "functools.lru_cache",
        "functools.cache",
    )
    if init is not None and known and len(node.decorator_list) == 1:
        line = f"self.{node.name} = functools.lru_cache(maxsize=128)(self.{node.name})"
        own = (Undecorate(node, decorator), InsertAfter(init.body[-1], (line,)), AddImport("import functools"))
        fixes = (Fix.of("Give each object a cache of its own", *own),)
    yield Finding(
        decorator,
        f"`{facts.short(decorator, 25)}` keeps every `{cls.name}` that `{node.name}` is called on, even after its `del`. "
        "Cache a function of its arguments instead, or make a cache of each object in `__init__`.",
        fixes,
        places((node, "`self` is among the keys of the cache")),
    )


@RULE.check
def cached_method(node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts) -> Iterator[Finding]:
    """`@lru_cache` on a method of a module, or of an object that holds one."""
    yield from _on_method(node, facts, alone=False)


@RULE.check(level=Level.HINT)
def cached_method_of_one(node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts) -> Iterator[Finding]:
    """The same of the only object of its class."""
    yield from _on_method(node, facts, alone=True)


def _on_function(node: Function, facts: Facts, *, attached: bool) -> Iterator[Finding]:
    parameters = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    if not node.decorator_list or not parameters or facts.method_class(node) is not None:
        return
    memo = facts.memoised(node)
    if memo is None or (memo.bound is not None and memo.bound < 10 * _LARGE):
        return
    returned = [r.value for r in facts.nodes_in(node, ast.Return) if isinstance(r, ast.Return) and r.value is not None]
    if any(facts.requires_grad(value) is not None for value in returned) != attached:
        return
    tensor = next((name for name in parameters if facts.is_tensor_parameter(node, name)), None)
    if tensor is None and not any(facts.roots(value) and facts.computed_from(value) in ("model", "file") for value in returned):
        return
    why = f"`{tensor}` is another key in each" if tensor else "each input is another key"
    given = [k.value for k in memo.decorator.keywords if k.arg == "maxsize"] if isinstance(memo.decorator, ast.Call) else []
    fixes: tuple[Fix, ...] = ()
    if given:
        fixes = (Fix.of("Bound the cache", Replace(given[0], "128")),)
    elif facts.qualified(memo.decorator) == "functools.cache":
        fixes = (
            Fix.of("Bound the cache", Replace(memo.decorator, "functools.lru_cache(maxsize=128)"), AddImport("import functools")),
        )
    yield Finding(
        memo.decorator,
        f"`{facts.short(memo.decorator, 25)}` keeps what every call of `{node.name}` gave: {why}. "
        "Bound it, or cache by something that tells inputs apart and comes again.",
        fixes,
        places((node, "its results are kept")),
    )


@RULE.check
def cached_function_with_graphs(node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts) -> Iterator[Finding]:
    """`@lru_cache(maxsize=None)` on a function whose results carry a graph."""
    yield from _on_function(node, facts, attached=True)


@RULE.check(level=Level.INFORMATION)
def cached_function(node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts) -> Iterator[Finding]:
    """The same of a function of tensors, or of what a model or a file gives for its input."""
    yield from _on_function(node, facts, attached=False)


@RULE.check(level=Level.HINT)
def emptied_each_step(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.cuda.empty_cache()` or `gc.collect()` in each step."""
    statement = facts.parent(node)
    if not isinstance(statement, ast.Expr) or not facts.releases(statement):
        return
    block = facts.each_step(statement)
    index = block.index(statement) if block else 0
    if not block or (index and facts.releases(block[index - 1])):
        return
    last = next((n for n in range(index, len(block)) if not facts.releases(block[n])), len(block))
    yield Finding(
        node,
        f"`{facts.short(node, 35)}` in each step makes it slower and frees nothing that is still held. "
        "Remove it, or call it between phases.",
        (Fix.of("Remove it", *map(Delete, block[index:last])),),
    )
