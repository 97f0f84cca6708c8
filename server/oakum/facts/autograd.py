"""Questions about graphs: what carries one, and whether a backward will want it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from oakum.facts.custom_function import CustomFunction
from oakum.facts.holders import Holder, Holders
from oakum.facts.hooks import Hooks
from oakum.facts.lifetimes import LifetimeFacts
from oakum.facts.origin import Origin
from oakum.facts.resets import Resets
from oakum.facts.sight import Sight
from oakum.facts.state import States, Update
from oakum.knowledge import torch as knowledge
from oakum.semantics.autograd import Mode
from oakum.semantics.flow import Definition, FunctionNode, key_of
from oakum.semantics.lifetimes import Fate
from oakum.semantics.values import Grad, Obj, Value, attached_part, grads, known

# Classes of torch.nn that learn nothing but by what they hold.
_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}


def _surely_free(value: Value) -> bool:
    """Whether every alternative is a number, a text, or a tensor without a graph, or a container of known contents that are."""
    return bool(value) and all(
        obj.kind in ("number", "string", "none", "data")
        or (obj.kind == "tensor" and obj.grad is Grad.DETACHED)
        or (obj.kind == "tuple" and bool(obj.items) and all(_surely_free(item) for item in obj.items or ()))
        or (obj.kind in ("list", "dict") and obj.element is not None and not obj.keys and _surely_free(obj.element))
        or (
            obj.kind == "dict"
            and bool(obj.keys)
            and obj.element is None
            and all(_surely_free(item) for _, item in obj.keys or ())
        )
        for obj in value
    )


@dataclass(frozen=True, slots=True)
class Attached:
    """Proof that a value carries an autograd graph: `made` is the node that built it, None if it is out of this file."""

    made: ast.AST | None
    scalar: bool
    view: bool
    structure: bool  # it is inside a list, tuple, dict or the output of a module


class AutogradFacts(LifetimeFacts):
    """What carries a graph, and whether it is wanted."""

    def requires_grad(self, node: ast.AST) -> Attached | None:
        """Proof that a value (or something in it) carries a graph on every path, None alternatives and plain numbers apart."""
        value = self.value(node)
        part = attached_part(value)
        if part is None:
            return None
        if any(obj.kind not in ("number", "none") and Grad.ATTACHED not in grads((obj,)) for obj in value):
            return None
        if any(grads((obj,)) == {Grad.UNKNOWN} for obj in value if obj.kind not in ("number", "none")):
            return None
        made = part.node if part.node is not None and self.source.piece(part.node) is not None else None
        structure = not any(obj is part for obj in value) or part.kind == "output"
        return Attached(made, part.scalar, part.view, structure)

    def is_graph_free(self, node: ast.AST) -> bool:
        """Whether a value surely carries no graph."""
        value = self.value(node)
        return known(value) and not grads(value) & {Grad.ATTACHED, Grad.UNKNOWN, Grad.LEAF}

    def grad_mode(self, node: ast.AST) -> Mode:
        """Whether autograd records at a node: ON, OFF, MIXED (on some calls) or UNKNOWN."""
        return self.evaluator.regions.mode(node, self.frame(node))

    def records(self, node: ast.AST) -> bool:
        """Whether autograd surely records at a node on every call in sight."""
        return self.grad_mode(node) is Mode.ON

    def backward_calls(self, scope: ast.AST) -> list[ast.Call]:
        """Calls inside a node that run backward, whatever the spelling (`loss.backward()`, `scaler.scale(l).backward()`, `accelerator.backward(l)`)."""
        return [call for call in self.calls_in(scope, "backward", "manual_backward") if self.backward_target(call) is not None]

    def wants_gradients(self, scope: ast.AST, depth: int = 2) -> bool:
        """Whether a node, or a function in sight that it calls, may run backward, step an optimizer or ask for gradients."""
        if self.calls_in(scope, *knowledge.NEEDS_GRADIENTS):
            return True
        for node in self.nodes_in(scope, ast.Attribute, ast.Call):
            if isinstance(node, ast.Attribute) and node.attr in ("grad", "requires_grad"):
                return True
            if isinstance(node, ast.Call):
                if any(keyword.arg == "requires_grad" for keyword in node.keywords):
                    return True
                if (
                    isinstance(node.func, ast.Attribute)
                    and node.func.attr == "step"
                    and not self.is_kind(node.func.value, "object")
                ):
                    return True
                if depth and any(self.wants_gradients(function, depth - 1) for function in self.called(node)):
                    return True
        return False

    def recorded_forward(self, scope: ast.AST, *, innermost: bool = False) -> ast.Call | None:
        """The first call of a trainable module inside a node that autograd surely records; `innermost`: in no loop inside that node."""
        for call in self.nodes_in(scope, ast.Call):
            assert isinstance(call, ast.Call)
            if innermost and not self.is_innermost(scope, call):
                continue
            module = self.some(call.func, "module")
            if module is None or not self.is_module(call.func) or not self.records(call) or not self.trainable(module, call):
                continue
            if isinstance(module.node, ast.ClassDef) and self.evaluator.method(module, "__call__") is not None:
                continue  # a call is something else than its forward
            if self.requires_grad(call) is not None:
                return call
        return None

    def kept_by(self, region: ast.AST) -> ast.expr | None:
        """An attached value of an iteration (or of a function's loops) that is kept beyond it."""
        if isinstance(region, (ast.ListComp, ast.GeneratorExp)):
            return region.elt if self.requires_grad(region.elt) is not None else None
        for node in self.nodes_in(region, ast.Assign, ast.AugAssign, ast.Call):
            match node:
                case ast.AugAssign(value=value) | ast.Assign(targets=[ast.Name() | ast.Attribute()], value=value):
                    if self.requires_grad(value) is not None and self.accumulates(node) is not None:
                        return value
                case ast.Assign(targets=[ast.Subscript(value=container, slice=key)], value=value):
                    grows = not isinstance(key, ast.Constant) and self.is_kind(container, "dict")
                    if grows and self.requires_grad(value) is not None and self.outlives(container, node) is not None:
                        return value
                case ast.Call(func=ast.Attribute(value=container, attr="append" | "extend" | "appendleft"), args=[value]):
                    if self.requires_grad(value) is not None and self.outlives(container, node) is not None:
                        return value
                case _:
                    pass
        return None

    def backpropagated_from(self, region: ast.AST) -> bool:
        """Whether what a loop or comprehension binds, stores or returns surely reaches a backward, here or in a caller."""
        statement = self.statement(region)
        nodes = (
            [statement]
            if isinstance(region, ast.expr)
            else self.nodes_in(region, ast.Assign, ast.AugAssign, ast.Call, ast.Return)
        )
        for node in nodes:
            kept: list[ast.expr] = []
            match node:
                case ast.Assign(targets=targets):
                    kept = targets
                case ast.AugAssign(target=target):
                    kept = [target]
                case ast.Call(func=ast.Attribute(value=container, attr="append" | "extend" | "appendleft")):
                    kept = [container]
                case ast.Return() if (function := self.function(node)) is not None:
                    if self.lifetimes.out_of(function, 2) is Fate.LATER:
                        return True
                case _:
                    pass
            for target in kept:
                for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                    while isinstance(part, (ast.Subscript, ast.Starred)):
                        part = part.value
                    if node is not None and self.backpropagated_later(part, node):
                        return True
        return False

    def lent_grad_free(self, function: ast.AST) -> bool:
        """Whether a function is handed to a call that isn't recorded, or to a function that switches recording off."""
        name = getattr(function, "name", None)
        for read in self.source.named(name) if name else ():
            call = self.parent(read)
            if not isinstance(call, ast.Call) or read not in call.args:
                continue
            if not self.records(call) or any(self.calls_in(f, "no_grad", "inference_mode") for f in self.called(call)):
                return True
        return False

    def backward_target(self, call: ast.Call) -> ast.expr | None:
        """What a backward call backpropagates."""
        return self.evaluator.regions.backward_target(call)

    def spent(self, item: ast.expr) -> bool:
        """Whether a value's graph is consumed by a backward in the same iteration."""
        return self.lifetimes.spent(item)

    def useless_to_backward(self, kept: ast.AST, item: ast.expr, node: ast.AST) -> bool:
        """Whether nothing will backpropagate `item` through what is kept under a name or chain.

        Either no path leads from there to a backward, or the item's graph is consumed in this iteration already.
        """
        key = self.kept_key(kept)
        if key is None:
            return False
        fate = self.lifetimes.fate(key, node)
        return fate is Fate.NEVER or (fate is Fate.UNKNOWN and self.lifetimes.spent(item))

    def never_backpropagated(self, kept: ast.AST, node: ast.AST) -> bool:
        """Whether no path leads from what is kept under a name or chain to a backward."""
        key = self.kept_key(kept)
        return key is not None and self.lifetimes.fate(key, node) is Fate.NEVER

    def backpropagated_later(self, kept: ast.AST, node: ast.AST) -> bool:
        """Whether some path surely leads from what is kept under a name or chain to a backward."""
        key = key_of(kept)
        return key is not None and self.lifetimes.fate(key, node) is Fate.LATER

    def closes_over(self, name: str, node: ast.AST) -> bool:
        """Whether a function made at a node that reads a name keeps its tensor: no global, not bound anew to something without a graph."""
        function = self.function(node)
        bound = self.bindings(function, name)
        later = [d for d in bound if d.statement is not None and self.line(d.statement) > self.line(node)]
        return (
            function is not None
            and bool(bound)
            and not any(d.value is None or self.requires_grad(d.value) is None for d in later)
        )

    def run_with_hook_left(self, registration: ast.Call) -> ast.AST | None:
        """The run of a module that a function registers a hook for, if the function leaves it there and its handle to nobody."""
        return Hooks(self).run_after(registration)

    def held_by_hook(self, hook: ast.expr, name: str, registration: ast.Call) -> list[ast.expr]:
        """Where a hook holds what a name means at its registration."""
        return Hooks(self).held(hook, name, registration)

    def steps_uncleared(self, call: ast.Call) -> tuple[ast.expr, ast.Call, ast.AST] | None:
        """The optimizer that a call steps, the backward before it, and what repeats both, if nothing in reach clears gradients."""
        resets = Resets(self)
        optimizer, found = resets.stepped(call), resets.uncleared(call)
        return (optimizer, *found) if optimizer is not None and found is not None else None

    def runs_recorded(self) -> bool:
        """Whether modules run again and again while autograd records, as far as the file shows it (if it runs none, they may)."""
        calls = [call for call in self.nodes(ast.Call) if isinstance(call, ast.Call) and self.is_module(call.func)]
        return not calls or any(
            self.records(call)
            and (self.repeats(call) is not None or bool(self.comprehensions(call)))
            and (module := self.some(call.func, "module")) is not None
            and self.trainable(module, call)
            for call in calls
        )

    def holders(self, name: str, drop: ast.stmt) -> Iterator[Holder]:
        """Who still holds what a name is bound to when a statement (`del name`, `name = None`) drops the name."""
        return Holders(self, name, drop).holders()

    def made_in(self, region: ast.AST, node: ast.expr) -> bool:
        """Whether all of the graph of an expression is made in an iteration of a loop (or a call of a function), from data and parameters."""
        return Origin(self, [region]).made(node)

    def custom_function(self, cls: ast.ClassDef) -> CustomFunction | None:
        """A class as a custom function of autograd, None if it doesn't derive from `torch.autograd.Function`."""
        derives = bool(cls.bases) and any(name in knowledge.FUNCTION_BASES for name in self.bases(cls)[1])
        return CustomFunction(self, cls) if derives else None

    def leaves_sight(self, regions: list[ast.AST], held: Iterable[ast.expr]) -> bool:
        """Whether an iteration (see `reached`) runs code out of sight that may reach the parameters held by these expressions."""
        return Sight(self, regions, held).leaves()

    def never_differentiated(self, value: ast.expr) -> bool:
        """Whether nothing takes a gradient through a value: each path ends in sight, in a number, a print or a detached copy."""
        return self.lifetimes.fate_of(value) is Fate.NEVER

    def state_updates(self, node: ast.Assign | ast.AugAssign | ast.Call) -> list[Update]:
        """Updates of attributes of `self` that take in a graph, if the inputs of the network carry one, and where autograd records."""
        function = self.function(node)
        if function is None or self.grad_mode(node) in (Mode.OFF, Mode.UNKNOWN):
            return []
        return list(States(self, function).updates(node))

    def is_dropped(self, update: Update) -> bool:
        """Whether the state of an update is made anew elsewhere or in each call, cut off from its graph, or a parameter that learns."""
        function = self.function(update.statement)
        return function is None or States(self, function).dropped(update)

    def is_buffer(self, cls: ast.ClassDef, name: str) -> bool:
        """Whether a class, or one in sight that it derives from, registers a buffer under a name."""
        bases = self.bases(cls)[0]
        return any(
            self.enclosing_class(call) in bases
            and bool(call.args)
            and isinstance(call.args[0], ast.Constant)
            and call.args[0].value == name
            for call in self.calls("register_buffer")
        )

    def fed_with_data(self, cls: ast.ClassDef) -> bool:
        """Whether instances of a module class are called in the file, and each time with values that carry no graph."""
        uses = [
            call
            for call in self.nodes(ast.Call)
            if isinstance(call, ast.Call)
            and call.args
            and any(obj.node is cls and obj.kind == "module" for obj in self.value(call.func))
        ]
        return bool(uses) and all(self.is_graph_free(call.args[0]) for call in uses)

    def stands_in_network(self, cls: ast.ClassDef) -> bool:
        """Whether a module class surely is a layer among others: it learns something itself, or is made beside what does."""
        if self._learns(cls, cls):
            return True
        for call in self.calls(cls.name):
            around = self.enclosing_class(call)
            if around is not None and around is not cls and self.is_module_class(around) and self._learns(around, cls):
                return True
            if any(isinstance(outer, ast.Call) and self._learns(outer, cls) for outer in self.ancestors(call)[:3]):
                return True
        return False

    def _learns(self, scope: ast.AST, apart: ast.ClassDef) -> bool:
        """Whether a class, or a call that joins modules, makes parameters or modules that have some, one class and containers apart."""
        if self.calls_in(scope, "Parameter", "register_parameter"):
            return True
        for function in scope.body if isinstance(scope, ast.ClassDef) else [scope]:
            for call in self.nodes_in(function, ast.Call):
                module = self.some(call, "module")
                last = module.name.rpartition(".")[2] if module is not None else ""
                if module is not None and module.node is not apart and last not in knowledge.PARAMETER_FREE | _CONTAINERS:
                    return True
        return False

    def returns_to_training(self, function: FunctionNode) -> bool | None:
        """Whether what a function returns may be backpropagated: False where it carries no graph or no caller in sight does, None if none is."""
        returned = [node.value for node in self.source.flow_in(function).returns if node.value is not None]
        if all(_surely_free(self.value(value)) for value in returned):
            return False
        callers = self.callers(function)
        return None if not callers else not all(self.never_differentiated(call) for call in callers)

    def may_be_overridden(self, function: FunctionNode) -> bool:
        """Whether a function is a method of a class with bases that may call it, and know how: others than `nn.Module`."""
        cls = self.method_class(function)
        if cls is None:
            return False
        classes, libraries, unknown = self.bases(cls)
        return (
            unknown
            or len(classes) > 1
            or any(name not in ("torch.nn.Module", "builtins.object", "abc.ABC") for name in libraries)
        )

    def learns_by_optimizer(self, module: Obj) -> bool:
        """Whether a module's parameters may be in an optimizer: unless every call for parameters in the file asks other modules, or loops."""
        for call in self.calls("parameters", "named_parameters"):
            if not isinstance(call.func, ast.Attribute):
                continue
            outer = self.parent(call)
            looped = isinstance(outer, (ast.For, ast.comprehension))
            if isinstance(outer, ast.Call) and isinstance(outer.func, ast.Name) and outer.func.id == "zip":
                looped = isinstance(self.parent(outer), (ast.For, ast.comprehension))
            owners = self.value(call.func.value)
            if not looped and any(obj.kind != "module" or obj.site is None or obj.site is module.site for obj in owners):
                return True
        return not any(isinstance(call.func, ast.Attribute) for call in self.calls("parameters"))

    def untrained(self, call: ast.Call) -> Obj | None:
        """The module of a call, if its pass is recorded and its parameters are in no optimizer, as far as the file shows every one."""
        module = self.some(call.func, "module")
        if module is None or module.site is None or not self.records(call) or not self.trainable(module, call):
            return None
        return module if self.requires_grad(call) is not None and not self.learns_by_optimizer(module) else None

    def switches_parameters(self, scope: ast.AST | None, *, on: bool) -> list[ast.AST]:
        """Places in a node (or the file) that switch gradients of parameters on or off: `p.requires_grad = False`, `requires_grad_(False)`."""
        found: list[ast.AST] = []
        for node in self.nodes_in(scope, ast.Assign) if scope is not None else self.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            if isinstance(node.value, ast.Constant) and node.value.value is on:
                found += [node for target in node.targets if isinstance(target, ast.Attribute) and target.attr == "requires_grad"]
        for call in self.calls("requires_grad_"):
            given = self.argument(call, 0, "requires_grad")
            literal = given.value if isinstance(given, ast.Constant) else on if given is not None else True
            if literal is on and (scope is None or scope in self.ancestors(call)):
                found.append(call)
        return found

    def hands_on(self, function: ast.AST) -> bool:
        """Whether a function stores an attached value in an attribute of `self`, or gives a tensor to an object there that is no module."""
        for node in self.nodes_in(function, ast.Call, ast.Assign):
            match node:
                case ast.Call(func=ast.Attribute(value=owner)) if (key_of(owner) or "").startswith("self."):
                    given = [*node.args, *(keyword.value for keyword in node.keywords)]
                    stored = isinstance(self.parent(node), ast.Expr) and any(self.is_kind(a, "tensor", "output") for a in given)
                    if not self.is_module(owner) and not self.is_module(node.func):
                        if stored or any(self.requires_grad(argument) is not None for argument in given):
                            return True
                case ast.Assign(targets=[ast.Attribute()], value=value) if self.requires_grad(value) is not None:
                    return True
                case _:
                    pass
            for container, item in self.put(node):
                root = (self.kept_key(container) or "").partition(".")[0]
                if not self.bindings(self.function(node), root) and self.requires_grad(item) is not None:
                    return True
        return False

    def is_given(self, node: ast.expr, depth: int = 4) -> bool:
        """Whether a value carries no graph, as far as the function shows: data, a parameter, what a loop gives, or these moved and shaped."""
        if self.is_graph_free(node):
            return True
        match node:
            case ast.Name() if depth:
                found = self.definitions(node)
                return bool(found) and all(self._gives(definition, depth - 1) for definition in found)
            case ast.Subscript(value=inner):
                return self.is_given(inner, depth)
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in knowledge.VIEWS | {"cuda", "to", "float"}:
                return not self.is_module(owner) and self.is_given(owner, depth)
            case _:
                return False

    def _gives(self, definition: Definition, depth: int) -> bool:
        value = definition.value
        if definition.how in ("for", "parameter"):
            return True
        if definition.how != "assign" or value is None:
            return False
        if isinstance(value, ast.Tuple) and definition.path and isinstance(definition.path[0], int):
            value = value.elts[definition.path[0]]
        return self.is_given(value, depth)

    def loads_weights(self) -> ast.Call | None:
        """A call of the file that loads the weights of a model."""
        found = self.calls("load_state_dict", "from_pretrained", "load_from_checkpoint")
        found += [call for call in self.calls("load") if self.qualified(call.func) in ("torch.jit.load", "torch.hub.load")]
        return next(iter(found), None)

    def trains_anything(self) -> bool:
        """Whether the file trains anything, as far as it shows."""
        steps = (call.func for call in self.calls("step"))
        return bool(self.calls("backward", "manual_backward", "grad", "fit", "train_step", "compile", "Trainer")) or any(
            isinstance(function, ast.Attribute) and self.is_optimizer(function.value) for function in steps
        )

    def ineffective_no_grad(self, scope: ast.AST) -> bool:
        """Whether `torch.no_grad()` stands as a statement in a node, where it does nothing."""
        statements = (node.value for node in self.nodes_in(scope, ast.Expr) if isinstance(node, ast.Expr))
        return any(isinstance(call, ast.Call) and self.qualified(call.func) in knowledge.NO_GRAD for call in statements)

    def forward_by_helper(self, scope: ast.AST) -> ast.Call | None:
        """The first call in a node of a function in sight that runs a module, recorded, and asks for no gradients."""
        for call in self.nodes_in(scope, ast.Call):
            assert isinstance(call, ast.Call)
            functions = self.called(call)
            if any(self.recorded_forward(function) for function in functions) and self.records(call):
                if self.requires_grad(call) is not None and not any(self.wants_gradients(function) for function in functions):
                    return call
        return None

    def left_off(self, statement: ast.Expr) -> FunctionNode | None:
        """The function that a statement such as `torch.set_grad_enabled(False)` leaves without gradients: nothing in the file sets them back."""
        call = statement.value
        if not isinstance(call, ast.Call) or len(call.args) != 1 or self.qualified(call.func) not in knowledge.SET_GRAD:
            return None
        off = isinstance(call.args[0], ast.Constant) and call.args[0].value is False
        others = self.calls("set_grad_enabled", "_set_grad_enabled", "set_grad_mode", "enable_grad")
        return self.function(statement) if off and not any(other is not call for other in others) else None
