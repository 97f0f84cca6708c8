"""Don't show what you want to be rid of: the notebook keeps every value that it displayed.

## Why
IPython puts the value of a cell's last expression into `Out` and `_N`. What lies there lives until the kernel ends: the tensor with
its graph, the old model after the cell has built a new one. `del` removes your name, not the notebook's.

## Bad
```python
# %%
scores = model(x)
scores

# %%
del scores
torch.cuda.empty_cache()
```

## Good
```python
# %%
scores = model(x)
scores.shape

# %%
del scores
torch.cuda.empty_cache()
```

## Fix
Ends the line of a call that is made for its effect with `;`, which only keeps the value from being shown; shows the shape of a tensor,
or the number, instead of the tensor; prints a model. `%xdel name` in a cell of its own deletes a name and what was shown of it.

## Silent when
The file has no cells; the line ends with `;`, or is no expression; the value is a number, a text, a shape or without tensors; `%xdel`
or `%reset -f out` follows, or `cache_size` is 0; a tensor without a graph is small, or its size isn't in sight and nobody deletes it.

## Evidence
Measured in IPython with a tensor of 1 MiB a round: shown and then deleted 1029 KB a round stay; with `%xdel` 0.9 KB, with `;` 0.4 KB,
printed 0.6 KB, never shown and deleted 0.5 KB. So `del` is enough for a variable that was never shown, which contradicts the study's
practice. `%reset -f out` cures it, `cache_size = 10` doesn't.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Append, Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT13",
    smell="Unreleased Shell References",
    frameworks={Framework.TORCH},
    level=Level.INFORMATION,
    category="Resource Management",
    subcategory="Improper resource and cache cleanup",
    practices=("Interactive Resource Cleanup (`%xdel`)",),
    fix=Safety.SAFE,
)
_FOR_EFFECT = {
    "to",
    "cuda",
    "cpu",
    "half",
    "float",
    "double",
    "bfloat16",
    "eval",
    "train",
    "apply",
    "requires_grad_",
    "zero_grad",
}
_MEBIBYTE = 2**18  # numbers of four bytes
_MAKERS = {f"torch.{name}" for name in ("randn", "rand", "zeros", "ones", "empty")}


def _names(node: ast.expr) -> list[ast.expr]:
    """The names and chains that a cell shows: `x`, `x, y`, `[h, net.weight]`."""
    match node:
        case ast.Name() | ast.Attribute():
            return [node]
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [name for element in elements for name in _names(element)]
        case ast.Subscript(value=owner):
            return _names(owner)
        case _:
            return []


def _holds(node: ast.expr, facts: Facts) -> bool:
    """Whether an expression is or holds tensors, a module or an optimizer."""
    if facts.is_kind(node, "tensor", "output", "module", "optimizer"):
        return True
    return facts.is_kind(node, "list", "tuple", "dict") and facts.holds_kind(node, "tensor", "output", "module")


@RULE.check
def shown_and_deleted(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """A tensor or model that a cell shows and a later one deletes."""
    if not isinstance(node.value, (ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Subscript)) or not facts.is_shown(node):
        return
    for shown in _names(node.value):
        name = (facts.key(shown) or "").partition(".")[0]
        gone = facts.deleted_after(name, node) if name else None
        if gone is None or facts.is_let_go(name) or not _holds(shown, facts):
            continue
        with_graph = "with its graph " if facts.requires_grad(shown) is not None else ""
        yield Finding(
            node.value,
            f"`{facts.short(shown, 25)}` stays in `Out` {with_graph}after it is deleted, as the cell shows it. "
            f"End the line with `;`, show its shape, or delete it with `%xdel {name}`.",
            _instead(node, facts),
            places((gone, f"`{name}` is deleted here")),
        )
        return


def _instead(node: ast.Expr, facts: Facts) -> tuple[Fix, ...]:
    """What to show instead."""
    value = node.value
    proof = facts.requires_grad(value)
    if facts.is_kind(value, "module", "optimizer"):
        return (Fix.of("Print it", Replace(value, f"print({facts.text(value)})")),)
    if proof is not None and proof.scalar and not proof.structure:
        return (Fix.of("Show the number", Append(value, ".item()")),)
    if facts.is_tensor(value):
        return (Fix.of("Show the shape", Append(value, ".shape")),)
    return ()


@RULE.check(level=Level.HINT)
def shown_for_its_effect(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """`model.to(device)`, `model.eval()` at the end of a cell: they give the model, and the notebook keeps it."""
    match node.value:
        case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in _FOR_EFFECT:
            if not facts.is_kind(owner, "module") or not facts.is_kind(node.value, "module") or not facts.is_shown(node):
                return
            name = facts.key(owner)
            if name is not None and facts.is_let_go(name):
                return
            safety = Safety.REVIEW if facts.reads_out() else Safety.SAFE
            yield Finding(
                node.value,
                f"`{facts.short(node.value, 40)}` is shown, so `Out` keeps this model when there is another. "
                "End the line with `;`.",
                (Fix("End the line with `;`", (Replace(node, f"{facts.text(node)};"),), safety),),
            )
        case _:
            return


@RULE.check(level=Level.HINT)
def shown_model(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """A model or optimizer shown in the cell that builds it, or of which another is built: the old one stays in `Out`."""
    name = node.value
    if not isinstance(name, ast.Name) or not facts.is_kind(name, "module", "optimizer") or not facts.is_shown(node):
        return
    built = [d for d in facts.bindings(None, name.id) if d.statement is not None and d.how == "assign"]
    here = any(facts.in_one_cell(d.statement, node) for d in built if d.statement is not None)
    if not (here or len(built) > 1) or facts.is_let_go(name.id) or facts.deleted_after(name.id, node) is not None:
        return
    yield Finding(
        name,
        f"`{name.id}` is shown, so `Out` keeps this one when the cell builds another. Print it instead.",
        _instead(node, facts),
        places((built[-1].statement, "it is built here")),
    )


@RULE.check(level=Level.HINT)
def shown_tensors(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """A value with a graph, a batch, a whole loader, a state dict, or a large tensor, that a cell shows."""
    value = node.value
    if isinstance(value, (ast.Constant, ast.JoinedStr, ast.Await, ast.Yield)) or facts.function(node) is not None:
        return
    if not facts.is_shown(node):
        return
    names = [(facts.key(name) or "").partition(".")[0] for name in _names(value)]
    if any(facts.is_let_go(name) or (facts.deleted_after(name, node) and _holds(value, facts)) for name in names):
        return
    what = _what(value, facts)
    if what is None:
        return
    yield Finding(
        value,
        f"`{facts.short(value, 35)}` is shown, so `Out` keeps {what} until the kernel ends. "
        "End the line with `;`, or show a shape or a number.",
        _instead(node, facts),
    )


def _what(value: ast.expr, facts: Facts) -> str | None:
    """What of an expression is worth a word."""
    match value:
        case ast.Call(func=ast.Name(id="next"), args=[ast.Call(func=ast.Name(id="iter"), args=[loader])]):
            return "the batch" if facts.is_loader(loader) else None
        case ast.Call(func=ast.Name(id="list"), args=[loader]) if facts.is_loader(loader):
            return "every batch of the loader"
        case ast.Call(func=ast.Attribute(value=owner, attr="state_dict"), args=[]) if facts.is_kind(owner, "module", "optimizer"):
            return "all weights"
        case ast.Call(func=function) if facts.qualified(function) == "torch.load":
            return "all that was loaded"
        case _:
            pass
    if facts.requires_grad(value) is not None:
        return "it with the graph behind it"
    return "the tensor" if facts.is_tensor(value) and _numbers(value, facts) >= _MEBIBYTE else None


def _numbers(node: ast.expr, facts: Facts) -> int:
    """How many numbers a tensor has that is made with its sizes written out, else 0."""
    if isinstance(node, ast.Name):
        made = [d.value for d in facts.definitions(node) if d.value is not None]
        return _numbers(made[0], facts) if len(made) == 1 and not isinstance(made[0], ast.Name) else 0
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="to" | "cuda" | "cpu" | "float" | "clone")) if facts.is_tensor(owner):
            return _numbers(owner, facts)
        case ast.Call(func=function, args=args) if facts.qualified(function) in _MAKERS:
            sizes = args[0].elts if len(args) == 1 and isinstance(args[0], (ast.Tuple, ast.List)) else args
            total = 1
            for size in sizes:
                number = facts.constant(size)
                if not isinstance(number, int):
                    return 0
                total *= number
            return total if sizes else 0
        case _:
            return 0
