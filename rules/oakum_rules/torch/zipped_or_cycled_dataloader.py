"""Iterate a loader again for each epoch; `itertools.cycle` stores the whole first epoch.

## Why
`itertools.cycle` keeps every item it has seen to replay it. Over a DataLoader that is every batch of the first epoch: the whole
dataset in memory, and from then on the same order and the same random augmentation for ever.

## Bad
```python
import itertools

batches = itertools.cycle(loader)
for step in range(10000):
    x, y = next(batches)
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
```

## Good
```python
def forever(loader):
    while True:
        yield from loader


batches = forever(loader)
for step in range(10000):
    x, y = next(batches)
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
```

## Fix
Replaces `cycle(loader)` by `itertools.chain.from_iterable(itertools.repeat(loader))`, which asks the loader for a new iterator each
epoch. Review it: batches are shuffled and augmented anew from the second epoch on, which is wanted, but results change.

## Silent when
What is cycled is a list, range or other data in memory; `cycle` is a function of your own; loaders are zipped (`zip` keeps nothing,
it only stops at the shorter one).

## Evidence
Measured with batches of 1 MiB: `cycle` over a loader keeps 1028 KB a batch through the first epoch, then stays at the whole epoch
(peak 54 instead of 16 MB); with workers also one file descriptor a batch. `islice` around it changes nothing. `zip` of two loaders:
0 KB, also with workers, so zipping as such is no leak; it hides that the longer loader is cut short.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import AddImport, Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT26",
    smell="Zipped or Cycled DataLoader",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Training Pipeline",
    subcategory="Training pipeline",
    practices=("Avoiding zipping or cycling the DataLoader",),
    fix=Safety.REVIEW,
    see_also=("TK07",),
)


def _loader_in(node: ast.expr, facts: Facts) -> tuple[ast.expr, bool] | None:
    """The loader whose batches an iterable gives, and whether the iterable can be started again."""
    if facts.is_loader(node):
        return node, True
    if isinstance(node, ast.GeneratorExp) and len(node.generators) == 1:
        batches = node.generators[0]
        given = {name.id for name in ast.walk(batches.target) if isinstance(name, ast.Name)}
        found = _loader_in(batches.iter, facts) if isinstance(node.elt, ast.Name) and node.elt.id in given else None
        return (found[0], False) if found is not None else None
    if isinstance(node, ast.Call) and facts.qualified(node.func) in (
        "builtins.iter",
        "builtins.enumerate",
        "builtins.map",
        "builtins.zip",
        "tqdm.tqdm",
    ):
        for argument in node.args:
            if (found := _loader_in(argument, facts)) is not None:
                return found[0], facts.qualified(node.func) == "tqdm.tqdm"
    return None


@RULE.check(calls=("cycle",))
def cycled(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`itertools.cycle(loader)`."""
    if len(node.args) != 1 or facts.qualified(node.func) != "itertools.cycle":
        return
    found = _loader_in(node.args[0], facts)
    if found is None:
        return
    loader, restarts = found
    made = next((obj.node for obj in facts.value(loader) if obj.node is not None and facts.statement(obj.node) is not None), None)
    text = facts.text(node.args[0])
    fixes: tuple[Fix, ...] = ()
    if restarts:
        again = f"itertools.chain.from_iterable(itertools.repeat({text}))"
        fixes = (Fix.of("Start the loader anew each epoch", Replace(node, again), AddImport("import itertools")),)
    yield Finding(
        node,
        f"`cycle` stores every batch of `{facts.short(loader, 30)}`, the whole first epoch, to replay it. "
        "Iterate the loader again instead: it also shuffles and augments anew.",
        fixes,
        places((made if made is not loader else None, "the loader is made here")),
    )


@RULE.check(level=Level.HINT, calls=("zip",))
def zipped(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`zip` over loaders of different datasets."""
    if len(node.args) < 2 or node.keywords or facts.qualified(node.func) != "builtins.zip":
        return
    makers = [next((obj.node for obj in facts.value(a)), None) for a in node.args if facts.is_loader(a)]
    if len(makers) < 2 or len(makers) != len(node.args):
        return
    lengths = [_rows(maker, facts) for maker in makers]
    if None not in lengths and len(set(lengths)) > 1:
        yield Finding(
            node,
            f"`zip` stops at the shorter loader ({min(n for n in lengths if n is not None)} of "
            f"{max(n for n in lengths if n is not None)} rows). It keeps no memory; restart the shorter loader if you want all batches.",
        )


def _rows(maker: ast.AST | None, facts: Facts) -> int | None:
    """The number of rows of a loader's dataset where literals tell: `TensorDataset(torch.randn(1000, 3))`, `range(10)`."""
    if not isinstance(maker, ast.Call):
        return None
    data = facts.argument(maker, 0, "dataset")
    sources = [data, *(d.value for d in (facts.definitions(data) if data is not None else []))]
    for source in sources:
        for call in ast.walk(source) if source is not None else ():
            if isinstance(call, ast.Call) and facts.qualified(call.func) in _SIZED and call.args:
                sized = call.args[2] if facts.qualified(call.func) == "torch.randint" and len(call.args) > 2 else call.args[0]
                first = sized.elts[0] if isinstance(sized, ast.Tuple) and sized.elts else sized
                found = [obj.constant for obj in facts.value(first)]
                if len(found) == 1 and isinstance(found[0], int):
                    return found[0]
    return None


_SIZED = {"torch.randn", "torch.rand", "torch.zeros", "torch.ones", "torch.empty", "torch.randint"}
