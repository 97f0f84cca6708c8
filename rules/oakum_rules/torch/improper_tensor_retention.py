"""Detach what you keep of a model's outputs.

## Why
An output that is put into a container keeps the graph that made it: every activation of its forward pass, until the container dies.

## Bad
```python
outputs = []
for x, y in loader:
    out = model(x)
    optimizer.zero_grad()
    criterion(out, y).backward()
    optimizer.step()
    outputs.append(out)
print(len(outputs))
```

## Good
```python
outputs = []
for x, y in loader:
    out = model(x)
    optimizer.zero_grad()
    criterion(out, y).backward()
    optimizer.step()
    outputs.append(out.detach())
print(len(outputs))
```

## Fix
Adds `.detach()`, or `.detach().cpu()` to free the device as well, or `.detach().clone()` for a part of a larger tensor. Review it: no
gradient flows through the kept value any more. `.cpu()` or `.clone()` alone keep the graph.

## Silent when
The container is backpropagated later, or may be out of sight; it is made anew in the iteration, bounded or emptied; the value has no
graph; nothing proves that the container outlives the iteration.

## Evidence
Measured with a 4-layer MLP: outputs appended with their graph 5152 KB an iteration, detached 1028 KB (the output itself); appended
after their own backward 1036 KB. A detached slice `[:, :1]` still keeps its base, 1028 KB; with `.clone()` 2.4 KB. Detaching before
a loss over the kept outputs raises, and if only some are detached their gradient is lost silently (0.78 to 0.38).
"""

import ast
from collections.abc import Iterator

from oakum.facts import Attached, Facts
from oakum.rule import Append, Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT04",
    smell="Improper Tensor Retention",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor storage mismanagement",
    practices=("Store Intermediate Tensors Explicitly During Backward Pass",),
    fix=Safety.REVIEW,
    yields_to=("PT08", "PT09", "PT15", "PT11", "PT06", "PT07", "PT05", "PT17", "PT20", "PT21"),
)


def _fixes(item: ast.expr, proof: Attached) -> tuple[Fix, ...]:
    if proof.structure:
        return ()
    detach = Fix.call_method(item, "detach", title="Keep the value with `.detach()`")
    if proof.view:
        return (Fix.of("Keep a copy with `.detach().clone()`", Append(item, ".detach().clone()")), detach)
    return (detach, Fix.of("Keep it on the CPU with `.detach().cpu()`", Append(item, ".detach().cpu()")))


def _finding(item: ast.expr, container: ast.expr, node: ast.AST, facts: Facts) -> Iterator[Finding]:
    proof = facts.requires_grad(item)
    if proof is None or proof.scalar:
        return
    lifetime = facts.outlives(container, node)
    if lifetime is None or not facts.useless_to_backward(container, item, node):
        return
    yield Finding(
        item,
        f"`{facts.short(container, 30)}` keeps the graph of every `{facts.short(item, 20)}` put into it. "
        "Keep `.detach()` of it; `.cpu()` or `.clone()` alone keep the graph.",
        _fixes(item, proof),
        places(
            (lifetime.made, f"`{facts.text(container)}` is made here"),
            (lifetime.loop, f"and lives across {facts.across(lifetime)}"),
            (proof.made, "the graph is built here"),
        ),
    )


@RULE.check
def growing_container(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`outputs.append(out)`, `d.setdefault(k, []).append(out)`."""
    match node:
        case ast.Call(func=ast.Attribute(value=container, attr="append" | "appendleft" | "add" | "extend"), args=[item]):
            yield from _finding(item, container, node, facts)
        case ast.Call(func=ast.Attribute(value=container, attr="insert"), args=[_, item]):
            yield from _finding(item, container, node, facts)
        case _:
            pass


@RULE.check
def growing_dictionary(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`outputs[step] = out` under a key that is new in each iteration."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=container, slice=key)], value=item):
            pass
        case _:
            return
    loops = facts.loops(node)
    if not loops or isinstance(key, (ast.Constant, ast.Slice)) or not facts.is_kind(container, "dict"):
        return
    loop = loops[0]
    if not isinstance(loop, (ast.For, ast.AsyncFor)):
        return
    fresh = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    if any(isinstance(n, ast.Name) and n.id in fresh for n in ast.walk(key)):
        yield from _finding(item, container, node, facts)


@RULE.check
def listed(node: ast.ListComp, facts: Facts) -> Iterator[Finding]:
    """`outs = [model(x) for x in loader]`."""
    parent = facts.parent(node)
    if not isinstance(parent, ast.Assign) or len(parent.targets) != 1 or not facts.is_loader(node.generators[0].iter):
        return
    proof = facts.requires_grad(node.elt)
    if proof is None or proof.scalar or not facts.never_backpropagated(parent.targets[0], node):
        return
    yield Finding(
        node.elt,
        f"`{facts.short(parent.targets[0], 30)}` keeps the graph of `{facts.short(node.elt, 20)}` for every batch. "
        "Keep `.detach()` of it, or compute it under `torch.no_grad()`.",
        _fixes(node.elt, proof),
        places((node.generators[0].iter, "for each batch of this loader"), (proof.made, "the graph is built here")),
    )
