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

from oakum.facts import FILLING, Attached, Facts
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
    yields_to=("PT08", "PT09", "PT15", "PT11", "PT06", "PT07", "PT05", "PT17", "PT20", "PT21", "PT23"),
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


@RULE.check(calls=FILLING)
def growing_container(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """`outputs.append(out)`, `outputs += [out]`, `d.setdefault(k, []).append(out)`, `outputs[step] = out` under a new key."""
    for container, item in facts.put(node):
        yield from _finding(item, container, node, facts)


@RULE.check
def joined(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`outputs = torch.cat([outputs, out])`."""
    match node:
        case ast.Assign(
            targets=[target], value=ast.Call(func=called, args=[ast.List(elts=parts) | ast.Tuple(elts=parts), *_])
        ) if facts.joins(called):
            pass
        case _:
            return
    total = facts.key(target)
    pieces = [part for part in parts if facts.key(part) != total]
    if total is None or len(pieces) == len(parts) or (lifetime := facts.accumulates(node)) is None:
        return
    for piece in pieces:
        proof = facts.requires_grad(piece)
        if proof is not None and not proof.structure and facts.useless_to_backward(target, piece, node):
            yield Finding(
                piece,
                f"`{facts.short(target, 30)}` keeps the graph of every `{facts.short(piece, 20)}` joined to it. "
                "Collect `.detach()` of it in a list, and join the list once.",
                (Fix.call_method(piece, "detach", title="Keep the value with `.detach()`"),),
                places((lifetime.made, f"`{facts.text(target)}` starts here"), (proof.made, "the graph is built here")),
            )


@RULE.check
def listed(node: ast.ListComp | ast.DictComp, facts: Facts) -> Iterator[Finding]:
    """`outs = [model(x) for x in loader]`."""
    parent = facts.parent(node)
    item = node.value if isinstance(node, ast.DictComp) else node.elt
    if not isinstance(parent, ast.Assign) or len(parent.targets) != 1 or not facts.walks_loader(node.generators[0].iter):
        return
    proof = facts.requires_grad(item)
    if proof is None or proof.scalar or not facts.never_backpropagated(parent.targets[0], node):
        return
    yield Finding(
        item,
        f"`{facts.short(parent.targets[0], 30)}` keeps the graph of `{facts.short(item, 20)}` for every batch. "
        "Keep `.detach()` of it, or compute it under `torch.no_grad()`.",
        _fixes(item, proof),
        places((node.generators[0].iter, "for each batch of this loader"), (proof.made, "the graph is built here")),
    )
