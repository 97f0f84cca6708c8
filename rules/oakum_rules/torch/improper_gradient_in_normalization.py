"""Detach what a running statistic takes in: it is state, not part of the graph.

## Why
A statistic that is updated from itself and from a tensor with a graph hangs one more graph onto itself in every step: it grows for as
long as the module lives, and `copy.deepcopy` of the module raises. A registered buffer changes nothing about that.

## Bad
```python
class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.register_buffer("running_mean", torch.zeros(width))

    def forward(self, x):
        mean = x.mean(0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        return self.weight * (x - mean)
```

## Good
```python
class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.register_buffer("running_mean", torch.zeros(width))

    def forward(self, x):
        mean = x.mean(0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean.detach()
        return self.weight * (x - mean)
```

## Fix
Detaches the value where it enters the statistic, or puts updates in place under `torch.no_grad()`. The value that goes into the output
keeps its graph: detaching it where it is computed would take the normalisation's gradient away, silently. Review it where
the statistic itself is meant to pass gradients on.

## Silent when
Gradients are off; the new value or the sum is detached, a number, or written through `.data`; nothing attached comes in; the state is
an `nn.Parameter`, is handed through another module (recurrence), or is dropped or reset by another method; integer counters.

## Evidence
Measured with 512 features: without a backward 2064 KB an iteration and 9 nodes, as attribute, in place or as a buffer alike; detached 0.
With a backward in each iteration 6.9 KB and 9 nodes. A plain assignment doesn't grow: only the last graph stays. A statistic that is
used in the output raises "backward a second time" at the second step. Detaching the old state only stops the growth, and keeps a graph.
"""

import ast
import re
from collections.abc import Iterator

from oakum.facts import Facts, Update
from oakum.rule import AddImport, Append, Enclose, Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT19",
    smell="Improper Gradient Use in Normalization Layers",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Graph and Gradient Management",
    subcategory="Gradient",
    practices=("Gradient Detachment for Running Stats",),
    fix=Safety.REVIEW,
    yields_to=("PT08",),
    see_also=("PT05", "PT07"),
)

_STATISTIC = re.compile(
    r"(?:^|_)(?:running|moving|ema|avg|average|mean|means|var|std|variance|center|centre|momentum|cov|covar|covariance|cluster|embed|codebook|baseline"
    r"|scale|stats?|mu|sigma|u|v)(?:_|\d|$)"
)
_NO_STATISTIC = re.compile(r"(?:^|_)(?:loss|losses|total|count|num|acc|accuracy|hidden|state|memory|cache|grad)(?:_|es|s|$)")
_RUNNING = re.compile(r"^_?(?:running|moving|ema)_|_ema$")


def _may_update(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts) -> bool:
    """Whether a node looks like an update of a statistic: asked before anything is resolved."""
    match node:
        case ast.Assign(targets=[ast.Attribute() as target], value=ast.BinOp() as value) if facts.key(target) is not None:
            return _plausible(target, facts) or _mentions(value, facts.key(target) or "", facts)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple() as target]):
            inside = (
                [target.value]
                if isinstance(target, ast.Subscript)
                else target.elts
                if isinstance(target, ast.Tuple)
                else [target]
            )
            return any(_plausible(part, facts) for part in inside)
        case ast.AugAssign(target=ast.Attribute() as target) | ast.AugAssign(target=ast.Subscript(value=target)):
            return not isinstance(node.value, ast.Constant) and _plausible(target, facts)
        case ast.Call(func=ast.Name(id="setattr")):
            return True
        case ast.Call(func=function, args=args) if isinstance(facts.parent(node), ast.Expr):
            root: ast.expr = function
            while isinstance(root, (ast.Attribute, ast.Call)) and not _is_own(root):
                root = root.value if isinstance(root, ast.Attribute) else root.func
            in_place = isinstance(function, ast.Attribute) and function.attr.endswith("_") and not function.attr.endswith("__")
            return (in_place and (isinstance(root, ast.Name) or _plausible(root, facts))) or any(
                _is_own(argument) and _plausible(argument, facts) for argument in args
            )
        case _:
            return False


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _plausible(node: ast.expr, facts: Facts) -> bool:
    """Whether an attribute of `self` is called as a statistic is, or registered as a buffer."""
    if not isinstance(node, ast.Attribute) or not _is_own(node):
        return False
    buffers = (call.args[0] for call in facts.calls("register_buffer") if call.args)
    named = _STATISTIC.search(node.attr) and not _NO_STATISTIC.search(node.attr)
    return bool(named) or node.attr == "_buffers" or any(isinstance(b, ast.Constant) and b.value == node.attr for b in buffers)


def _updates(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts, *, sure: bool) -> Iterator[Update]:
    """Updates of a statistic that take in a graph, again and again. `sure`: as far as the file shows, the input carries one."""
    if not _may_update(node, facts):
        return
    function = facts.function(node)
    cls = facts.method_class(function) if function is not None else None
    if function is None or cls is None or not facts.repeated(function):
        return
    for update in facts.state_updates(node):
        name = update.key.partition(".")[2]
        statistic = bool(_STATISTIC.search(name)) and not _NO_STATISTIC.search(name)
        statistic = statistic or (facts.is_buffer(cls, name) and facts.is_module_class(cls))
        proven = any(facts.requires_grad(value) is not None for value in update.incoming)
        if not statistic and not (update.blended and proven):
            continue
        if not proven:
            if facts.is_hook(function):
                proven = facts.runs_recorded()
            elif not facts.is_module_class(cls) or facts.fed_with_data(cls):
                continue
            else:
                proven = facts.stands_in_network(cls)
        if proven is sure and not facts.is_dropped(update):
            yield update


def _mentions(value: ast.AST | None, key: str, facts: Facts) -> bool:
    return value is not None and any(facts.key(part) == key for part in ast.walk(value))


def _fixes(update: Update, facts: Facts) -> tuple[Fix, ...]:
    """Detach what comes in, or run updates in place under `no_grad`."""
    whole = (
        len(update.incoming) == 1 and isinstance(update.statement, ast.Assign) and update.statement.value is update.incoming[0]
    )
    if whole and update.carried:
        return ()  # made by a helper from old and new alike
    detach = Fix.of("Take it in detached", *(Append(value, ".detach()") for value in update.incoming))
    if not update.in_place or isinstance(update.statement, ast.AugAssign):
        return (detach,)
    block = next((body for body in _blocks(facts.parent(update.statement)) if update.statement in body), [update.statement])
    first = last = block.index(update.statement)
    while first and _in_place(block[first - 1], facts):
        first -= 1
    while last + 1 < len(block) and _in_place(block[last + 1], facts):
        last += 1
    torch = () if facts.bindings(None, "torch") else (AddImport("import torch"),)
    return (
        Fix.of("Update it under `torch.no_grad()`", Enclose(block[first], block[last], "with torch.no_grad():"), *torch),
        detach,
    )


def _blocks(node: ast.AST | None) -> list[list[ast.stmt]]:
    return [block for name in ("body", "orelse", "finalbody") if (block := getattr(node, name, None)) and isinstance(block, list)]


def _in_place(statement: ast.stmt, facts: Facts) -> bool:
    node = statement.value if isinstance(statement, ast.Expr) else statement
    return isinstance(node, (ast.Call, ast.Assign)) and any(update.in_place for update in facts.state_updates(node))


@RULE.check
def recurrent(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """`self.running_mean = 0.9 * self.running_mean + 0.1 * mean`, also in place, through a helper, in a trainer."""
    yield from _recurrent(node, facts, sure=True)


@RULE.check(level=Level.HINT)
def recurrent_if_fed_with_a_graph(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """The same in a module that learns nothing itself, and whose place in a network is out of sight."""
    yield from _recurrent(node, facts, sure=False)


def _recurrent(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts, *, sure: bool) -> Iterator[Finding]:
    for update in _updates(node, facts, sure=sure):
        if not update.carried:
            continue
        first = update.incoming[0]
        called = isinstance(first, ast.Call)
        taken = facts.short(first.func if called else first, 25) + ("(…)" if called else "")
        yield Finding(
            update.statement,
            f"`{update.key}` takes in `{taken}` with its graph, step after step{'' if sure else ', behind another layer'}. "
            "Detach what comes in; what goes into the output stays attached. A buffer doesn't do this for you.",
            _fixes(update, facts),
            places((first, "this carries a graph")),
            covers=(update.statement,),
        )
        return


@RULE.check(level=Level.INFORMATION)
def overwritten(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`self.running_mean = mean`: the last graph stays."""
    for update in _updates(node, facts, sure=True):
        if update.carried or not _RUNNING.search(update.key.partition(".")[2]) or _also_carried(update, facts):
            continue
        yield Finding(
            update.statement,
            f"`{update.key}` keeps the graph of the last step, for as long as the module lives. "
            "Store it detached; what goes into the output stays attached.",
            (Fix.of("Store it detached", *(Append(value, ".detach()") for value in update.incoming)),),
            places((update.incoming[0], "this carries a graph")),
            covers=(update.statement,),
        )
        return


def _also_carried(update: Update, facts: Facts) -> bool:
    """Whether another statement of the function updates the state from itself: that is reported."""
    function = facts.function(update.statement)
    return function is not None and any(
        facts.key(target) == update.key and _mentions(other.value, update.key, facts)
        for other in facts.nodes_in(function, ast.Assign)
        if isinstance(other, ast.Assign)
        for target in other.targets
    )
