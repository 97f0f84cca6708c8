"""Keep values of a forward pass in local variables.

## Why
A value stored on `self` keeps the last forward's graph alive until the next call; `copy.deepcopy` of such a module raises, and
`torch.save` of it writes the tensor as well. A list on `self` that each forward fills grows without end.

## Bad
```python
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(32, 10)
        self.history = []

    def forward(self, x):
        out = self.layer(x)
        self.history.append(out)
        return out
```

## Good
```python
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(32, 10)

    def forward(self, x):
        out = self.layer(x)
        return out
```

## Fix
Stores the value with `.detach()`. Review it: a loss that reads the attribute would stop training the network, silently.

## Silent when
The attribute is read outside of the method (an auxiliary loss, an attention plot), set to None, detached, computed without gradients,
or a parameter or module that is made once.

## Evidence
Measured with an output of 1 MiB: one slot that is overwritten grows by 0 KB an iteration and costs the last graph, 31 instead of 26
MB; `copy.deepcopy` raises RuntimeError; `torch.save(model)` writes 5.26 instead of 4.21 MB. A list grows by 5152 KB an iteration. So
the slot is no leak; the list is.
"""

import ast
from collections.abc import Iterator

from oakum.facts import FILLING, Facts
from oakum.rule import Append, Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT05",
    smell="Forward-Pass Tensor Stored as Class Attribute",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor storage mismanagement",
    practices=("Local Variable Usage",),
    fix=Safety.REVIEW,
    yields_to=("PT08", "PT09", "PT11", "PT24", "PT19", "PT06", "PT07"),
)


def _in_forward(node: ast.AST, facts: Facts) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The `forward` (or a method that it calls) of a module around a node."""
    function = facts.function(node)
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    cls = facts.method_class(function)
    if cls is None or not facts.is_module_class(cls):
        return None
    if function.name == "forward":
        return function
    for call in facts.callers(function):
        caller = facts.function(call)
        if isinstance(caller, ast.FunctionDef) and caller.name == "forward" and facts.method_class(caller) is cls:
            return function
    return None


@RULE.check(calls=FILLING)
def growing_list(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """`self.history.append(out)`, `self.history += [out]` in forward."""
    for container, item in facts.put(node):
        if not (facts.kept_key(container) or "").startswith("self.") or _in_forward(node, facts) is None:
            return
        proof = facts.requires_grad(item)
        if proof is None or proof.scalar:
            continue
        lifetime = facts.outlives(container, node)
        if lifetime is None or not facts.never_backpropagated(container, node):
            continue
        yield Finding(
            item,
            f"`{facts.short(container, 30)}` keeps the graph of every forward pass, for as long as the module lives. "
            "Keep it in a local variable, or store `.detach()` of it and empty the list.",
            () if proof.structure else (Fix.call_method(item, "detach", title="Store it detached"),),
            places((lifetime.made, "the list is made here"), (proof.made, "the graph is built here")),
        )


@RULE.check
def growing_sum(node: ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """`self.total = self.total + out`, `self.total += out` in forward: each pass chains its graph to the last one's."""
    match node:
        case ast.AugAssign(target=ast.Attribute() as target, op=ast.Add() | ast.Sub(), value=item):
            pass
        case ast.Assign(targets=[ast.Attribute() as target], value=ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right)):
            key = facts.key(target)
            if (facts.key(left) == key) == (facts.key(right) == key):
                return
            item = right if facts.key(left) == key else left
        case _:
            return
    if not (facts.key(target) or "").startswith("self.") or _in_forward(node, facts) is None:
        return
    proof = facts.requires_grad(item)
    if proof is None or proof.scalar or proof.structure or isinstance(item, (ast.List, ast.Tuple)):
        return
    lifetime = facts.accumulates(node)
    if lifetime is None or not facts.never_backpropagated(target, node):
        return
    yield Finding(
        item,
        f"`{facts.short(target, 30)}` chains the graph of every forward pass, for as long as the module lives. "
        "Add `.detach()` of the value.",
        (Fix.call_method(item, "detach", title="Add it detached"),),
        places((lifetime.made, "it starts here"), (proof.made, "the graph is built here")),
    )


@RULE.check(level=Level.INFORMATION)
def slot_of_a_copied_module(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`self.x = out` that nobody reads, where the file deep-copies or pickles a module."""
    yield from _slot(node, facts, copied=True)


@RULE.check(level=Level.HINT)
def slot(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`self._x = out` in forward that nobody reads."""
    yield from _slot(node, facts, copied=False)


def _copies(facts: Facts) -> ast.Call | None:
    """A `copy.deepcopy(model)` or `torch.save(model, ...)` in the file."""
    for call in facts.calls("deepcopy", "save"):
        if call.args and facts.is_module(call.args[0]) and facts.qualified(call.func) in ("copy.deepcopy", "torch.save"):
            return call
    return None


def _slot(node: ast.Assign, facts: Facts, *, copied: bool) -> Iterator[Finding]:
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name) as target]):
            pass
        case _:
            return
    function = _in_forward(node, facts)
    if function is None or (not copied and not name.startswith("_")):
        return
    if any(isinstance(n, ast.Attribute) and n.attr == name and n is not target for n in facts.nodes(ast.Attribute)):
        return
    if f'"{name}"' in facts.source.document.text or f"'{name}'" in facts.source.document.text:
        return
    copies = _copies(facts)
    if (copies is not None) is not copied:
        return
    proof = facts.requires_grad(node.value)
    if proof is None or proof.structure:
        return
    yield Finding(
        target,
        f"`self.{name}` keeps the graph of the last forward pass, and nothing reads it. "
        + ("`copy.deepcopy` of this module then raises: use a local variable." if copied else "Use a local variable."),
        (Fix.of("Store it detached", Append(node.value, ".detach()")),),
        places((proof.made, "the graph is built here"), (copies, "the module is copied here")),
    )
