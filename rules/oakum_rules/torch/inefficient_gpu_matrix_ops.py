"""Multiply where the matrices are, and only as much as is needed at once.

## Why
A matrix product on the GPU leaks nothing. Taking its operands to the CPU and the result back costs two copies over the bus, a wait for
the device and a slower product; moving an operand that stays the same costs a copy in each iteration; and a matrix of all pairs that is
reduced at once needs the square of the data for a moment.

## Bad
```python
for x, y in loader:
    weights = torch.randn(32, 32, device="cuda")
    scores = torch.mm(x.cuda().cpu(), weights.cpu()).cuda()
    print(scores.max().item())
```

## Good
```python
for x, y in loader:
    weights = torch.randn(32, 32, device="cuda")
    scores = torch.mm(x.cuda(), weights)
    print(scores.max().item())
```

## Fix
Drops the `.cpu()` of the operands and the way back of the result, or moves an operand that stays the same before the loop. Review both:
the operands have to be on one device, and a product in half precision differs between CPU and GPU. The study's advice, to offload
products to the CPU, is never offered.

## Silent when
The result stays on the CPU (logging, plotting, numpy); the precision is raised on the way; operands are batches of a loader on their
first way to the GPU; offloading is done by a framework, or after an out-of-memory error; nothing of the file is on a GPU.

## Evidence
Products of 1024x1024 in a loop: growth 0 KB an iteration, with a graph too; what grows is a list in which results are kept, 8.2 MB each.
In 8 chunks of rows the peak is 6 instead of 14 MB, for the same value. Measured on a CPU; the copies that a GPU would add were not.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT03",
    smell="Inefficient GPU Matrix Ops",
    frameworks={Framework.TORCH},
    level=Level.HINT,
    category="Resource Management",
    subcategory="Tensor inefficient operations",
    practices=("Offload Non-Critical Operations to CPU",),
    fix=Safety.REVIEW,
    yields_to=("PT04", "PT06", "PT07", "PT17"),
    see_also=("PT28",),
)

_PRODUCTS = {
    "mm", "matmul", "bmm", "addmm", "baddbmm", "addbmm", "mv", "dot", "einsum", "tensordot", "chain_matmul", "multi_dot", "linear", "cdist", "outer",
    "kron", "inner", "__matmul__",
}  # fmt: skip


def _operands(node: ast.AST | None, facts: Facts) -> list[ast.expr]:
    """The operands of a matrix product; none, if it is something else."""
    match node:
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            return [left, right]
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args) if name in _PRODUCTS:
            library = (facts.qualified(node.func) or "").startswith("torch.")
            if not library and not facts.is_method(node):
                return []
            return list(args) if library else [owner, *args]
        case ast.Call(func=ast.Name(), args=args) if (facts.qualified(node.func) or "").rpartition(".")[2] in _PRODUCTS:
            return list(args) if (facts.qualified(node.func) or "").startswith("torch.") else []
        case _:
            return []


def _bound(node: ast.expr, facts: Facts) -> ast.expr:
    """What a name was given in the one place that binds it."""
    if isinstance(node, ast.Name):
        found = facts.definitions(node)
        if len(found) == 1 and found[0].how == "assign" and not found[0].path and found[0].value is not None:
            return found[0].value
    return node


def _to_cpu(node: ast.expr, facts: Facts) -> ast.Call | None:
    """`x.cpu()`, `x.to("cpu")`, also `x.detach().cpu()` behind a name; not where the precision is raised."""
    node = _bound(node, facts)
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        if name in ("double", "numpy") or any("64" in facts.text(a) for a in (*node.args, *(k.value for k in node.keywords))):
            return None
        if name == "cpu" or (name == "to" and node.args and facts.device(node.args[0]) == "cpu"):
            return node if "double" not in facts.text(node.func.value) else None
        if name not in ("t", "float", "half", "detach", "contiguous", "transpose"):
            return None
        node = node.func.value
    return None


@RULE.check
def round_trip(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.mm(a.cpu(), b.cpu()).cuda()` in a loop or in `forward`."""
    match node:
        case ast.Call(func=ast.Attribute(value=product, attr="cuda")):
            pass
        case ast.Call(func=ast.Attribute(value=product, attr="to"), args=[device, *_]) if facts.device(device) != "cpu":
            if not facts.names_device(device):
                return
        case _:
            return
    made = _bound(product, facts)
    moved = [(operand, call) for operand in _operands(made, facts) if (call := _to_cpu(operand, facts)) is not None]
    if not moved or facts.repeats(node) is None or any(isinstance(a, ast.ExceptHandler) for a in facts.ancestors(node)):
        return
    fixes: tuple[Fix, ...] = ()
    if made is product and all(operand is call for operand, call in moved) and not facts.text(node.func).endswith("\n"):
        inner = {call: facts.text(call.func.value) for _, call in moved if isinstance(call.func, ast.Attribute)}
        text = facts.text(product)
        for call, without in inner.items():
            text = text.replace(facts.text(call), without, 1)
        fixes = (Fix.of("Multiply on the GPU", Replace(node, text)),)
    yield Finding(
        node,
        f"`{facts.short(made, 40)}` goes to the CPU for one product, and its result back. "
        "Multiply where the matrices are: the way costs two copies and a wait, and frees nothing that stays.",
        fixes,
        places(*((call, "goes to the CPU") for _, call in moved)),
    )


@RULE.check
def moved_again(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`x @ basis.to(device)` in a loop that doesn't change `basis`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name() as operand, attr="cuda")):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Name() as operand, attr="to"), args=[device, *_]) if facts.names_device(
            device
        ):
            if facts.device(device) == "cpu":
                return
        case _:
            return
    loops = facts.loops(node)
    if (
        not loops
        or not facts.each_iteration(node, loops[0])
        or facts.placed(operand) != "cpu"
        or not facts.unchanged(operand, loops[0])
    ):
        return
    parent = facts.parent(node)
    used = [node]
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        if parent.targets[0].id == operand.id:
            return
        used = [r for r in facts.reads(parent.targets[0].id, node) if isinstance(r, ast.Name)]
    if not any(use in _operands(_around(use, facts), facts) for use in used):
        return
    moved, fixes = f"{operand.id}_on_device", tuple[Fix, ...]()
    if not facts.bindings(facts.function(node), moved):
        fixes = (
            Fix.of("Move it before the loop", InsertBefore(loops[0], (f"{moved} = {facts.text(node)}",)), Replace(node, moved)),
        )
    yield Finding(
        node,
        f"`{operand.id}` is copied to the GPU in each iteration of the loop in line {facts.line(loops[0])}, and stays the same. "
        "Move it once before the loop.",
        fixes,
        places((loops[0], "once for each of these")),
    )


def _around(node: ast.expr, facts: Facts) -> ast.AST | None:
    """The expression around an operand, past its transpose."""
    parent = facts.parent(node)
    while isinstance(parent, ast.Attribute) and parent.attr in ("T", "mT", "t", "transpose"):
        node, parent = parent, facts.parent(parent)
    return parent


@RULE.check
def reduced_pairs(node: ast.BinOp | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`(queries @ gallery.T).topk(5)` of two whole sets."""
    if (both := facts.pairs(node)) is None:
        return
    one, other = (facts.whole_set(side) for side in both)
    if one is not None and other is not None and facts.reduced_at_once(node):
        yield Finding(
            node,
            f"`{facts.short(node, 45)}` holds all pairs of two whole sets, to keep only a reduction of them. "
            "Go through the rows in chunks (`for rows in x.split(4096)`), and reduce each chunk.",
            (),
            places((one, "a whole set"), (other, "a whole set")),
        )


@RULE.check(level=Level.OFF)
def product_for_logging(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`torch.mm(a, b)` on the GPU in a loop, recorded, and only printed: the form the study names, which leaks nothing."""
    if not facts.loops(node) or len(operands := _operands(node, facts)) != 2 or not facts.records(node):
        return
    if all(facts.placed(operand) == "cuda" for operand in operands) and facts.only_logged(node):
        yield Finding(node, "This product on the GPU is only logged. It leaks nothing; `no_grad` around it saves its graph.")
