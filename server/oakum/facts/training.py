"""Questions about training: which loops are one, what is built in them, and which optimizer knows it."""

from __future__ import annotations

import ast
import re

from oakum.facts.autograd import AutogradFacts
from oakum.facts.remembered import remembered
from oakum.semantics.program import COMPREHENSIONS

Loop = ast.For | ast.AsyncFor | ast.While

# Methods of a module that run for each batch.
_STEPS = {"forward", "training_step", "validation_step", "test_step", "shared_step", "_shared_step", "_step", "compute_loss"}
_COLLECTIONS = (ast.List, ast.Tuple, ast.Dict, ast.Set, *COMPREHENSIONS)


class TrainingFacts(AutogradFacts):
    """What is built, stepped and trained, and how often."""

    @remembered
    def is_training_loop(self, loop: ast.AST) -> bool:
        """Whether the iterations of a loop are the batches, steps or epochs of one run, not folds, seeds or trials."""
        return self.walks_batches(loop) or self.feeds(loop) or _counts_steps(loop) or self.trains_in_epochs(loop)

    @remembered
    def trains_in_minibatches(self) -> bool:
        """Whether some loop of the file goes through the batches of a loader and backpropagates."""
        return any(self.walks_batches(loop) and self.trains(loop)[0] for loop in self.nodes(ast.For))

    def trains_in_epochs(self, loop: ast.AST) -> bool:
        """Whether a `for` inside a loop over epochs makes one step with each of what it binds: these are batches, whatever gives them."""
        if not isinstance(loop, (ast.For, ast.AsyncFor)) or not (outer := self.loops(loop)) or not self.is_epoch_loop(outer[0]):
            return False
        if any(isinstance(n, ast.Name) and _RUNS.search(n.id) for n in ast.walk(loop.target)):
            return False
        return self.trains(loop) == (True, False)

    def feeds(self, loop: ast.AST) -> bool:
        """Whether a `for` gives what it binds to a module, as it is: `for x, y in pairs: model(x)`."""
        if not isinstance(loop, (ast.For, ast.AsyncFor)):
            return False
        bound = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
        return any(
            isinstance(call, ast.Call)
            and any(_moved(a) in bound for a in call.args)
            and self.is_innermost(loop, call)
            and self.is_module(call.func)
            for call in self.nodes_in(loop, ast.Call)
        )

    @remembered
    def walks_batches(self, loop: ast.AST) -> bool:
        """Whether a `for` goes through the batches of a loader, also wrapped by `enumerate` and `tqdm`."""
        if not isinstance(loop, (ast.For, ast.AsyncFor)):
            return False
        iterable = loop.iter
        while isinstance(iterable, ast.Call) and iterable.args and not self.is_loader(iterable):
            if (self.qualified(iterable.func) or "").rpartition(".")[2] not in ("enumerate", "tqdm", "iter", "zip"):
                return False
            iterable = iterable.args[0]
        return self.is_loader(iterable)

    def is_epoch_loop(self, loop: ast.AST) -> bool:
        """Whether a loop counts epochs, by the names of its counter: of these not each is a training of its own."""
        header = loop.test if isinstance(loop, ast.While) else getattr(loop, "target", None)
        return header is not None and any(re.search(r"(?:^|_)ep(?:och)?s?(?:$|_)", _last_name(n), re.I) for n in ast.walk(header))

    @remembered
    def trains(self, loop: ast.AST) -> tuple[bool, bool]:
        """Whether an iteration of a loop backpropagates, and whether it does so in a loop of its own: a whole training."""
        calls = [call for region in self.reached(loop) for call in self.backward_calls(region)]
        return bool(calls), any((loops := self.loops(call)) and loops[0] is not loop for call in calls)

    @remembered
    def same_each_time(self, call: ast.Call) -> Loop | None:
        """The innermost loop that repeats a call with the same arguments, if its iterations are batches, steps or epochs of one training."""
        loop = next(self.repeating_loops(call), None)
        if loop is None or not self.is_training_loop(loop) or not self.each_iteration(call, loop):
            return None
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return loop if all(self.is_size(part) or self.unchanged(part, loop) for part in given) else None

    def makes_anew(self, call: ast.Call, *kinds: str) -> ast.Call | None:
        """The constructor that runs each time when a call gives an object of a kind: the call itself, or one in a helper that caches nothing."""
        maker = self.maker(call, *kinds)
        if maker is None or maker is call:
            return maker
        for obj in self.value(call.func):
            function = obj.node
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or any(map(_caches, function.decorator_list)):
                return None
            if self.source.piece(function) is None:  # of another file: whether it makes one under an `if` is seen from above
                sure = [n for statement in function.body if not isinstance(statement, ast.If) for n in ast.walk(statement)]
                return maker if maker in sure else None
            inner = self.function(maker)
            if inner is None or inner not in self.reached(function) or not self.each_iteration(maker, inner):
                return None
        return maker

    @remembered
    def builds_module(self, node: ast.Call) -> tuple[ast.Call, str] | None:
        """The constructor of a module with weights that a call runs, and the name the module gets; not of a part, or for a collection."""
        if not self.may_repeat(node):
            return None
        function = self.function(node)
        makers = [function, *(self.function(call) for call in self.callers(function))] if function is not None else []
        if any(getattr(each, "name", "") == "__init__" for each in makers):
            return None
        for above in self.ancestors(node):
            if any(item is node for _, item in self.put(above)):
                return None
            if isinstance(above, ast.stmt):
                break
            if isinstance(above, _COLLECTIONS):
                return None  # an ensemble, or layers
            if (
                isinstance(above, ast.Call)
                and not any(n is node for n in ast.walk(above.func))
                and self.maker(above, "module") is above
            ):
                return None  # a part of that module
        statement = self.statement(node)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        name = (self.key(target) or self.short(target, 30)) if target is not None else ""
        if name and any(item is read for read in self.reads(name, node) for _, item in self.put(self.parent(read) or read)):
            return None
        maker = self.makes_anew(node, "module")
        if maker is not None:
            if maker is node and self.returned(node):
                return None  # its callers know how often they ask
            found = self.some(node, "module")
            return (maker, name or self.short(node.func, 30)) if found is None or self.has_weights(found) else None
        if self.loops(node) and name and _last_name(node.func)[:1].isupper() and self.maker(node, "module") is None:
            # Of a class out of sight, that is used as a module.
            if any(found.kind == "module" and not found.name for read in self.reads(name, node) for found in self.value(read)):
                return node, name
        return None

    def stale_optimizer(self, name: str, loop: ast.AST) -> ast.Call | None:
        """The constructor of an optimizer from before a loop that steps in it, made of what a name meant then."""
        reached = self.reached(loop)
        for region in reached:
            for step in self.calls_in(region, "step"):
                maker = self.maker(step.func.value, "optimizer") if isinstance(step.func, ast.Attribute) else None
                if maker is None or self.source.piece(maker) is None or loop in self.ancestors(maker):
                    continue
                if self.function(maker) not in reached:  # there it would be made in each iteration, and names are others
                    if any(self.key(n) == name for n in ast.walk(maker)):
                        return maker
        return None

    @remembered
    def step_method(self, function: ast.AST | None, depth: int = 2) -> ast.FunctionDef | None:
        """The `forward` or step of a module that a function is, or is called by."""
        if not isinstance(function, ast.FunctionDef):
            return None
        cls = self.method_class(function)
        if cls is not None and function.name in _STEPS and self.is_module_class(cls):
            return function
        outer = [self.function(call) for call in self.callers(function)] if depth else []
        return next((found for each in outer if (found := self.step_method(each, depth - 1)) is not None), None)

    def before_loops(self, statements: list[ast.Assign], loop: Loop) -> Loop | None:
        """The outermost loop of one training before which assignments in the body of its innermost may stand, if they may."""
        while (outer := self.loops(loop)[:1]) and self.is_training_loop(outer[0]) and loop in outer[0].body:
            loop = outer[0]
        own = {key for each in statements for key in map(self.key, each.targets)}
        if any(not isinstance(each.targets[0], ast.Name) or "\n" in self.text(each) for each in statements):
            return None
        if any(len(self.bindings(self.function(loop), key)) > 1 for key in own if key):
            return None
        for each in statements:
            for definition in (d for read in ast.walk(each.value) for d in self.definitions(read)):
                if definition.key not in own and (definition.statement is loop or loop in self.ancestors(definition.node)):
                    return None
        return loop


def _moved(node: ast.expr) -> str:
    """The name under `x`, `x.to(device)`, `x.cuda()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("to", "cuda", "float"):
        node = node.func.value
    return node.id if isinstance(node, ast.Name) else ""


def _caches(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "cache" in _last_name(called)


# What people call the counters of one training, and the bounds they run to; whole words between underscores.
_COUNTER = re.compile(
    r"(?:^|_)(?:epochs?|ep|steps?|iters?|iterations?|it|batch(?:es)?|updates?|minibatch)(?:$|_|\d)", re.IGNORECASE
)

_RUNS = re.compile(r"(?:^|_)(?:runs?|trials?|seeds?|folds?|splits?|repeats?|reps?|restarts?|experiments?|models?|members?|clients?|tasks?|rounds?)(?:$|_|\d)",
                   re.IGNORECASE)  # fmt: skip


def _counts_steps(loop: ast.AST) -> bool:
    """Whether a loop counts epochs or steps by the names of its counter or bound: `for epoch in range(n)`, `while step < last`."""
    match loop:
        case ast.For(target=ast.Name(id=name), iter=ast.Call() as numbers):
            last = numbers.func.attr if isinstance(numbers.func, ast.Attribute) else getattr(numbers.func, "id", "")
            if last in ("tqdm", "enumerate") and numbers.args and isinstance(numbers.args[0], ast.Call):
                numbers = numbers.args[0]
            ranged = isinstance(numbers.func, ast.Name) and numbers.func.id in ("range", "trange")
            counted = isinstance(numbers.func, ast.Attribute) and numbers.func.attr in ("count", "trange")
            bounds = [_last_name(n) for a in numbers.args[-2:] for n in ast.walk(a)]
            names = (name, *bounds)
            return (ranged or counted) and any(map(_COUNTER.search, names)) and not any(map(_RUNS.search, names))
        case ast.While(test=ast.Compare(left=left, comparators=[bound])):
            return any(_COUNTER.search(_last_name(side)) for side in (left, bound))
        case _:
            return False


def _last_name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
