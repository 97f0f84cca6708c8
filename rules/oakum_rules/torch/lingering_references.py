"""Put detached values into a replay memory.

## Why
An entry of a replay memory that carries its graph keeps all activations that made it until the memory is full, which is often never:
capacities of 100,000 and more mean out of memory first.

## Bad
```python
import random


class ReplayMemory:
    def __init__(self, capacity):
        self.capacity = capacity
        self.memory = []

    def push(self, *transition):
        if len(self.memory) >= self.capacity:
            self.memory.pop(0)
        self.memory.append(transition)

    def sample(self, n):
        return random.sample(self.memory, n)


memory = ReplayMemory(100_000)
for x, y in loader:
    memory.push(model(x), y)
```

## Good
```python
import random


class ReplayMemory:
    def __init__(self, capacity):
        self.capacity = capacity
        self.memory = []

    def push(self, *transition):
        if len(self.memory) >= self.capacity:
            self.memory.pop(0)
        self.memory.append(transition)

    def sample(self, n):
        return random.sample(self.memory, n)


memory = ReplayMemory(100_000)
for x, y in loader:
    memory.push(model(x).detach(), y)
```

## Fix
Adds `.detach()`. Review it: nothing can be backpropagated through the entry any more. A recurrent state has to be detached where it is
carried on, not only where it is stored: a bounded memory does not cut a chained graph.

## Silent when
The value carries no graph (observations, rewards, `sample()` of a distribution, `no_grad`); the store is an on-policy list that a
loss reads, or any store that is emptied now and then; nothing shows that entries are sampled later.

## Evidence
Measured: outputs pushed with their graph 5152 KB an entry, detached 1028 KB, detached as NumPy the same 1028 KB: NumPy adds nothing
for large arrays, and is 5 times smaller only for states of a few floats. `deque(maxlen=10)` doesn't grow but holds ten graphs, 75
instead of 35 MB. A recurrent state chained through the loop grows by 1064 KB an iteration even in a deque of 5.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT06",
    smell="Lingering References",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Use NumPy to Prevent Tensor Retention",),
    fix=Safety.REVIEW,
    yields_to=("PT08", "PT17", "PT20", "PT23"),
    see_also=("TK05",),
)

_SAMPLING = {
    "random.sample",
    "random.choices",
    "random.choice",
    "numpy.random.choice",
    "numpy.random.randint",
    "torch.randint",
    "torch.randperm",
}
_DRAWING = ("sample", "draw", "batch")


def _samples_at_random(cls: ast.ClassDef, facts: Facts) -> ast.AST | None:
    """The method of a class that draws entries at random: what makes it a replay memory."""
    for statement in cls.body:
        if isinstance(statement, ast.FunctionDef) and any(word in statement.name for word in _DRAWING):
            calls = [n for n in ast.walk(statement) if isinstance(n, ast.Call)]
            if any(
                facts.qualified(c.func) in _SAMPLING
                or (isinstance(c.func, ast.Attribute) and c.func.attr in ("choice", "sample", "integers"))
                for c in calls
            ):
                return statement
    return None


def _emptied(field: str, facts: Facts) -> bool:
    """Whether a container with this last name is emptied now and then: an on-policy store, which a loss may read first."""
    emptying: list[ast.AST] = [
        call for call in facts.calls("clear") if isinstance(call.func, ast.Attribute) and _last(call.func.value, facts) == field
    ]
    for node in facts.nodes(ast.Assign):
        match node:
            case ast.Assign(targets=[target], value=ast.List(elts=[]) | ast.Dict(keys=[]) | ast.Call()) if _last(
                target, facts
            ) == field and (isinstance(target, ast.Attribute) or facts.loops(node)):
                emptying.append(node)
            case _:
                pass
    for node in facts.nodes(ast.Delete):
        assert isinstance(node, ast.Delete)
        emptying += [t for t in node.targets if isinstance(t, ast.Subscript) and isinstance(t.slice, ast.Slice)
                     and _last(t.value, facts) == field]  # fmt: skip
    return any(_runs_again(node, facts) for node in emptying)


def _runs_again(node: ast.AST, facts: Facts) -> bool:
    """Whether a place runs other than when an object is made."""
    function = facts.function(node)
    if function is None or isinstance(function, ast.Lambda) or facts.method_class(function) is None:
        return True
    makers = [facts.function(call) for call in facts.callers(function)]
    return function.name != "__init__" and any(getattr(maker, "name", "") != "__init__" for maker in makers)


def _last(node: ast.AST, facts: Facts) -> str | None:
    return key.rpartition(".")[2] if (key := facts.key(node)) is not None else None


def _keeps(method: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts) -> dict[str, tuple[ast.AST, str]]:
    """Parameters of a method that it puts into a container of self, undetached, with the place and the container's name."""
    parameters = [a.arg for a in method.args.args[1:]] + ([method.args.vararg.arg] if method.args.vararg else [])
    kept: dict[str, tuple[ast.AST, str]] = {}
    for node in facts.nodes_in(method, ast.Call, ast.Assign):
        stored: ast.expr | None = None
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("append", "appendleft", "add", "put")
            and node.args
        ):
            owner = node.func.value
            stored = node.args[0]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            owner, stored = node.targets[0].value, node.value
        else:
            continue
        key = facts.key(owner) or ""
        if not key.startswith("self."):
            continue
        place = (node, key.rpartition(".")[2])
        for name in _held(stored):
            definitions = facts.definitions(name)
            if name.id in parameters and all(d.how == "parameter" for d in definitions):
                kept[name.id] = place
            for definition in definitions:
                if definition.how == "assign" and definition.value is not None:
                    kept.update({inner.id: place for inner in _held(definition.value) if inner.id in parameters})
    return kept


def _held(value: ast.expr) -> Iterator[ast.Name]:
    """Names whose value goes into a store as it is: itself, in a tuple, list or dict, or as an argument of a plain record."""
    if isinstance(value, ast.Name):
        yield value
    elif isinstance(value, (ast.Tuple, ast.List)):
        for element in value.elts:
            yield from _held(element.value if isinstance(element, ast.Starred) else element)
    elif isinstance(value, ast.Dict):
        for element in value.values:
            yield from _held(element)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id[:1].isupper():
        for argument in [*value.args, *(k.value for k in value.keywords)]:
            yield from _held(argument.value if isinstance(argument, ast.Starred) else argument)


def _finding(item: ast.expr, store: ast.expr, sampler: ast.AST | None, kept: ast.AST | None, facts: Facts) -> Finding:
    proof = facts.requires_grad(item)
    structure = proof is None or proof.structure
    return Finding(
        item,
        f"`{facts.short(store, 30)}` keeps the graph of `{facts.short(item, 25)}` in every entry. "
        "Store `.detach()` of it: entries are sampled later and not backpropagated.",
        () if structure else (Fix.call_method(item, "detach", title="Store it detached"),),
        places(
            (kept, "it is kept here"),
            (sampler, "and drawn at random here"),
            (proof.made if proof else None, "the graph is built here"),
        ),
    )


@RULE.check
def pushed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`memory.push(state, log_prob)` of a class in sight that samples at random."""
    function = node.func
    if not isinstance(function, ast.Attribute) or not (node.args or node.keywords):
        return
    called = facts.called(node)
    if len(called) != 1 or (method := facts.some(function, "method")) is None or method.node is not called[0]:
        return
    cls = facts.method_class(called[0])
    if cls is None or (sampler := _samples_at_random(cls, facts)) is None or facts.repeats(node) is None:
        return
    kept = _keeps(called[0], facts)
    for name, argument in facts.given(node, called[0]):
        if name in kept and facts.requires_grad(argument) is not None:
            place, field = kept[name]
            if facts.spent(argument) or not _emptied(field, facts):
                yield _finding(argument, function.value, sampler, place, facts)
            return  # one root cause: the call


@RULE.check(calls=("append", "appendleft"))
def appended(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`self.memory.append((state, value))` to a list or deque that `random.sample` reads."""
    match node:
        case ast.Call(func=ast.Attribute(value=store, attr="append" | "appendleft"), args=[item]):
            pass
        case _:
            return
    key = facts.key(store)
    if key is None or facts.repeats(node) is None:
        return
    if isinstance(item, ast.Name) and any(d.how == "parameter" for d in facts.definitions(item)):
        return  # what a caller pushes is said at the call
    tail = key.rpartition(".")[2]
    for call in facts.calls("sample", "choices", "choice"):
        if (
            call.args
            and (other := facts.key(call.args[0])) is not None
            and other.rpartition(".")[2] == tail
            and facts.qualified(call.func) in _SAMPLING
        ):
            if facts.requires_grad(item) is not None and (facts.spent(item) or not _emptied(tail, facts)):
                yield _finding(item, store, call, None, facts)
            return
