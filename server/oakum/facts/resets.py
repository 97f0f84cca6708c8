"""Whether gradients that an optimizer steps with are cleared by anything in reach of the step: a proof from the text of a file."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from oakum.facts.sight import Sight

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

_CLEARS = {
    "zero_grad", "zero_grads", "zero_grad_", "_foreach_zero_", "clear_grad", "clear_grads", "reset_grad", "first_step", "second_step",
    "step_and_update_lr", "optimize",
}  # fmt: skip
_HIDDEN = ("map", "filter", "exec", "eval", "partial", "reduce", "setattr", "functional_call", "apply")
# Who registers one of these, or shares a model between processes, may clear gradients anywhere.
_ANYWHERE = (
    "register_step_pre_hook", "register_step_post_hook", "register_optimizer_step_pre_hook", "register_optimizer_step_post_hook",
    "register_post_accumulate_grad_hook", "share_memory",
)  # fmt: skip
_WRITES = {"zero_", "data", "detach_", "fill_", "copy_", "mul_"}
_OPTIMIZER = re.compile(r"(?:^|_)(?:opt|optim|optimi[sz]ers?)(?:_|\d|$)", re.IGNORECASE)
# Code out of sight with such a word in its name may clear gradients.
_MAY_CLEAR = {
    "zero", "clear", "optimize", "optimise", "backward", "prepare", "before", "after", "begin", "start", "end",
}  # fmt: skip
_CLOCK = re.compile(r"sched|scaler|bar|meter|metric|logger|writer|tqdm|progress|profiler|loader|sampler|dataset", re.IGNORECASE)
_PLAIN = (
    "save",
    "append",
    "extend",
    "add",
    "log",
    "write",
    "info",
    "debug",
    "warn",
    "print",
    "train",
    "eval",
    "update",
    "polyak",
    "soft_update",
)
_CRITERION = re.compile(r"loss|criteri", re.IGNORECASE)
_KEEPS = {"clip", "scale", "unscale", "norm", "sync", "reduce"}
_BACKWARD = ("backward", "manual_backward")


class Resets:
    """The step of an optimizer, what repeats it, and who clears gradients there."""

    def __init__(self, facts: AutogradFacts) -> None:
        self.facts = facts

    def stepped(self, call: ast.Call) -> ast.expr | None:
        """The optimizer of `optimizer.step()`, `scaler.step(optimizer)`, `xm.optimizer_step(optimizer)`, by what it is or is called."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("step", "optimizer_step"):
            return None
        given = call.args[0] if len(call.args) == 1 and not call.keywords else None
        if given is None:
            return call.func.value if not call.args and not call.keywords and self.is_optimizer(call.func.value) else None
        return given if self.is_optimizer(given) and not self.is_optimizer(call.func.value) else None

    def is_optimizer(self, node: ast.expr) -> bool:
        """Whether an expression is an optimizer of PyTorch, or is of unknown make and called one."""
        facts = self.facts
        if (known := facts.some(node, "optimizer")) is not None:
            return known.name.startswith("torch.optim.")
        if any(isinstance(made.value, ast.Call) for made in facts.definitions(node)):
            return False  # made by code out of sight: it may be a wrapper
        last = (facts.key(node) or "").rpartition(".")[2]
        return all(obj.kind in ("unknown", "none") for obj in facts.value(node)) and bool(_OPTIMIZER.search(last))

    def uncleared(self, call: ast.Call) -> tuple[ast.Call, ast.AST] | None:
        """The backward before a step and what repeats both, if the loop, and all that is known to run in it, clears nothing."""
        facts, optimizer, function = self.facts, self.stepped(call), self.facts.function(call)
        if optimizer is None or isinstance(function, ast.Lambda) or facts.calls(*_ANYWHERE):
            return None
        loops = facts.loops(call)
        callers = facts.callers(function) if function is not None else []
        if not loops and not any(facts.loops(caller) for caller in callers):
            return None
        region = loops[-1] if loops else function
        if region is None or (loops and _once(loops[0])):
            return None
        if self.made_within(optimizer, region) or (
            function is not None and region is function and self.made_within(optimizer, function)
        ):
            return None
        backwards = (one for one in facts.calls_in(region, *_BACKWARD) if facts.function(one) is function)
        backward = next((one for one in backwards if facts.line(one) < facts.line(call)), None)
        if backward is None or any(_once(loop) for loop in facts.loops(backward)):
            return None
        regions = facts.reached(region)
        around = [function] if function is not None else []
        for one in around:  # who calls a step may clear before or after it
            around += [each for c in facts.callers(one) if (each := facts.function(c)) is not None and each not in around]
        outside = [one for one in around if one is not function or region is function]
        if any(self.clears(scope) for scope in (*regions, *outside)) or self.cleared_by_class(optimizer, call):
            return None
        sight = Sight(facts, regions, [optimizer])
        if any(self.may_clear_around(scope, sight) for scope in (*regions, *around[:1])):
            return None
        inside = (inner for scope in regions for inner in facts.nodes_in(scope, ast.Call) if isinstance(inner, ast.Call))
        if any(self.may_clear(inner, sight) for inner in inside):
            return None
        return backward, loops[0] if loops else facts.loops(next(c for c in callers if facts.loops(c)))[0]

    def made_within(self, optimizer: ast.expr, region: ast.AST) -> bool:
        """Whether an optimizer is made anew where it steps."""
        return any(
            region in self.facts.ancestors(made.node) and made.how != "parameter" for made in self.facts.definitions(optimizer)
        )

    def clears(self, scope: ast.AST) -> bool:
        """Whether a loop or function, or what is nested in it, clears or writes gradients, or gets hold of them or of what clears them."""
        for node in ast.walk(scope):
            if isinstance(node, ast.Attribute) and node.attr == "grad" and not self.facts.qualified(node):
                parent = self.facts.parent(node)
                looked_at = isinstance(parent, ast.Compare) or (isinstance(parent, ast.Attribute) and parent.attr not in _WRITES)
                if not isinstance(node.ctx, ast.Load) or not looked_at:
                    return True
            if isinstance(node, (ast.Attribute, ast.Name)) and getattr(node, "attr", getattr(node, "id", "")) in _CLEARS:
                return True
        return False

    def may_clear_around(self, scope: ast.AST, sight: Sight) -> bool:
        """Whether a decorator, or a generator that is given parameters, may clear them: what it runs isn't in sight."""
        if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return not all(sight.library(decorator) for decorator in scope.decorator_list)
        return isinstance(scope, (ast.For, ast.AsyncFor)) and sight.holds(scope.iter)

    def cleared_by_class(self, optimizer: ast.expr, call: ast.Call) -> bool:
        """Whether another method clears the gradients of an optimizer kept on `self`, or of the model."""
        facts, cls, key = self.facts, self.facts.enclosing_class(call), self.facts.key(optimizer) or ""
        if cls is None or not key.startswith("self."):
            return False
        for reset in facts.calls_in(cls, "zero_grad"):
            cleared = (facts.key(reset.func.value) or "") if isinstance(reset.func, ast.Attribute) else ""
            if cleared == key or not _OPTIMIZER.search(cleared.rpartition(".")[2]):
                return True
        return False

    def may_clear(self, call: ast.Call, sight: Sight) -> bool:
        """Whether a call of code out of sight is of a name that may clear, or hands parameters to what works by its effect."""
        facts, name = self.facts, self.name(call)
        if name in (*_BACKWARD, "step", "optimizer_step", "clip_grad_norm_", "unscale_") or facts.called(call):
            return False
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if name in _HIDDEN:
            return name == "setattr" or any(sight.holds(one) for one in given)
        if sight.library(call.func) or facts.is_module(call.func) or self.is_scheduler(call) or sight.elsewhere(call):
            return False
        words = set(name.lower().split("_"))
        if words & _MAY_CLEAR:
            return True
        if words & _KEEPS and "reset" not in words:
            return False
        by_effect = isinstance(facts.parent(call), (ast.Expr, ast.withitem)) and not name.startswith(_PLAIN)
        if by_effect and (any(sight.holds(one) for one in given) or (not given and isinstance(call.func, ast.Name))):
            return True
        return any(
            isinstance(made.value, ast.Call) and any(sight.holds(one) for one in made.value.args)
            for made in facts.definitions(call.func)
            if not _CRITERION.search(made.key) and made.key not in sight.models()
        ) or (not given and facts.key(call.func) in sight.holders)

    def is_scheduler(self, call: ast.Call) -> bool:
        """Whether a call is of a clock of learning rates, a bar or a meter: none of them holds parameters."""
        return isinstance(call.func, ast.Attribute) and bool(_CLOCK.search(self.facts.key(call.func.value) or ""))

    def name(self, call: ast.Call) -> str:
        return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _once(loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether a loop has one iteration at most: `range(1)`, or a body that ends by leaving."""
    single = isinstance(loop, ast.For) and ast.unparse(loop.iter) == "range(1)"
    return single or isinstance(loop.body[-1], (ast.Break, ast.Return, ast.Raise))
