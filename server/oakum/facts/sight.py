"""Whether an iteration runs code out of sight that may reach the parameters of a model, and so their gradients."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

_BASES = ("builtins.", "abc.", "typing.", "torch.nn.")
_LIBRARIES = {
    "builtins", "torch", "torchvision", "torchaudio", "numpy", "scipy", "sklearn", "pandas", "matplotlib", "tqdm", "wandb", "os", "sys", "math",
    "time", "random", "itertools", "functools", "collections", "copy", "logging", "pathlib", "json", "re", "contextlib", "gc", "warnings",
    "datetime", "PIL", "cv2",
}  # fmt: skip
_CALLERS = {"builtins.map", "builtins.filter", "builtins.exec", "builtins.eval", "functools.partial", "functools.reduce"}
# Kinds of objects that hold no parameters, or are known to leave their gradients alone.
_HARMLESS_KINDS = {
    "none", "number", "string", "data", "tensor", "output", "optimizer", "scheduler", "scaler", "loader", "accelerator", "distribution", "list",
    "tuple", "dict", "set", "deque", "iterator",
}  # fmt: skip
# Methods that are called so of data, modules, loggers and progress bars, and never clear gradients.
_HARMLESS_METHODS = {
    "to", "cuda", "cpu", "float", "long", "half", "item", "detach", "numpy", "tolist", "size", "view", "mean", "sum", "append", "extend", "items",
    "keys", "values", "get", "pop", "format", "join", "write", "flush", "log", "info", "debug", "warning", "add_scalar", "add_scalars",
    "set_description", "set_postfix", "train", "eval", "parameters", "named_parameters", "state_dict", "load_state_dict",
    "modules", "requires_grad_",
}  # fmt: skip


class Sight:
    """What an iteration runs: `regions` are its loop (or function) and the functions in sight that it calls, see `Facts.reached`.

    `held`: expressions through which the parameters can be reached, such as an optimizer and what it was given.
    """

    def __init__(self, facts: AutogradFacts, regions: list[ast.AST], held: Iterable[ast.expr]) -> None:
        self.facts = facts
        self.regions = regions
        found = {key for node in held for part in ast.walk(node) if (key := facts.key(part)) is not None} | {"self"}
        found |= {key.removesuffix(".parameters") for key in found}
        self.holders = found
        self.spread(found, self.holds)

    def leaves(self) -> bool:
        """Whether some code of the iteration isn't in sight and may clear or use the gradients."""
        return any(self.out_of_sight(region) for region in self.regions)

    def out_of_sight(self, region: ast.AST) -> bool:
        """Whether a loop or function of the iteration runs code that isn't in sight and may clear gradients."""
        cls = self.facts.enclosing_class(region)
        if cls is not None:
            _, libraries, unknown = self.facts.bases(cls)
            if unknown or not all(name.startswith(_BASES) for name in libraries):
                return True
        if isinstance(region, (ast.FunctionDef, ast.AsyncFunctionDef)) and not all(
            self.library(decorator) for decorator in region.decorator_list
        ):
            return True
        if isinstance(region, (ast.For, ast.AsyncFor)) and self.holds(region.iter):
            return True  # a generator that is given them
        inside = region.body if isinstance(region, (ast.For, ast.AsyncFor)) else [region]
        return any(
            self.may_clear(call) for part in inside for call in self.facts.nodes_in(part, ast.Call) if isinstance(call, ast.Call)
        )

    def library(self, node: ast.expr) -> bool:
        """Whether an expression names something of a library that is known to leave gradients alone."""
        name = self.facts.qualified(node.func if isinstance(node, ast.Call) else node) or ""
        return name.partition(".")[0] in _LIBRARIES and name not in _CALLERS

    def may_clear(self, call: ast.Call) -> bool:
        """Whether a call runs code out of sight that may hold the parameters."""
        function = call.func
        if self.facts.called(call) or self.facts.is_module(function) or self.library(function) or self.elsewhere(call):
            return False
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(function, ast.Attribute):
            receiver = function.value
            if function.attr in _HARMLESS_METHODS or (function.attr == "backward" and not call.args):
                return False
            value = self.facts.value(receiver)
            if value and all(
                obj.kind in _HARMLESS_KINDS or (obj.kind == "object" and obj.name.partition(".")[0] in _LIBRARIES)
                for obj in value
            ):
                return False
            own = isinstance(receiver, ast.Name) and receiver.id == "self"
            if not own and not self.made_here(receiver):
                return True
        if (key := self.facts.key(function)) in self.holders:
            return key not in self.models()
        # What is called for its result, with data alone, is a criterion or a metric.
        return not arguments or isinstance(self.facts.parent(call), ast.Expr) or any(self.holds(a) for a in arguments)

    def elsewhere(self, call: ast.Call) -> bool:
        """Whether a call reaches functions of other files in sight alone, which read no gradients and call libraries and models only."""
        evaluator = self.facts.evaluator
        reached = self.facts.value(call.func)
        for obj in reached:
            if obj.kind != "function" or obj.frame is None or not isinstance(obj.node, (ast.FunctionDef, ast.Lambda)):
                return False
            frame = evaluator.open_frame(obj.frame.source, obj.node)
            given = {argument.arg for argument in obj.node.args.args}
            for node in ast.walk(obj.node):
                if isinstance(node, ast.Attribute) and node.attr in ("grad", "zero_grad"):
                    return False
                if isinstance(node, ast.Call):
                    name = evaluator.qualified(node.func, frame) or ""
                    model = isinstance(node.func, ast.Name) and node.func.id in given
                    plain = isinstance(node.func, ast.Attribute) and node.func.attr in _HARMLESS_METHODS
                    if not model and not plain and (name.partition(".")[0] not in _LIBRARIES or name in _CALLERS):
                        return False
        return bool(reached)

    def made_here(self, node: ast.expr) -> bool:
        """Whether an object is made by a call of this iteration, or is an element of what the loop goes through."""
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        if not isinstance(node, ast.Name):
            return isinstance(node, (ast.Call, ast.BinOp, ast.Constant, ast.JoinedStr))
        reaching = self.facts.definitions(node)
        return bool(reaching) and all(
            d.statement is self.regions[0]
            or (
                isinstance(d.value, (ast.Call, ast.BinOp, ast.Subscript))
                and any(r in self.facts.ancestors(d.value) for r in self.regions)
            )
            for d in reaching
        )

    def models(self) -> set[str]:
        """Names and chains of what is asked for its parameters: to call it is a forward pass."""
        asked = self.facts.calls("parameters", "named_parameters")
        found = {
            key for call in asked if isinstance(call.func, ast.Attribute) and (key := self.facts.key(call.func.value)) is not None
        }
        return self.spread(found, lambda value: self.facts.key(value) in found)

    def spread(self, found: set[str], passes: Callable[[ast.expr], bool]) -> set[str]:
        """Add the names that assignments give such values to, and theirs in turn."""
        before = -1
        while len(found) != before:
            before = len(found)
            for assign in self.facts.nodes(ast.Assign):
                assert isinstance(assign, ast.Assign)
                for target in assign.targets:
                    found |= {
                        key for name, value in self.pairs(target, assign.value) if (key := self.facts.key(name)) and passes(value)
                    }
        return found

    def pairs(self, target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
        """`a, b = x, y` as `a = x` and `b = y`; `a, b = f()` as both of the call."""
        if not isinstance(target, (ast.Tuple, ast.List)):
            return [(target, value)]
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            return list(zip(target.elts, value.elts, strict=True))
        match value:  # accelerate gives back what it is given, in the same order
            case ast.Call(func=ast.Attribute(attr="prepare"), args=given) if len(given) == len(target.elts):
                return list(zip(target.elts, given, strict=True))
            case _:
                pass
        return [(element, value) for element in target.elts]

    def holds(self, node: ast.expr) -> bool:
        """Whether the parameters may be reached through an argument."""
        match node:
            case ast.Name() | ast.Attribute():
                key = self.facts.key(node) or ""
                kind = self.facts.some(node, "module", "optimizer", "instance", "generator", "function", "method")
                return (
                    kind is not None
                    or key in self.holders
                    or key.startswith(tuple(f"{holder}." for holder in self.holders - {"self"}))
                )
            case ast.Call(func=ast.Attribute(attr="parameters" | "named_parameters" | "modules" | "children")) | ast.Lambda():
                return True
            case ast.Call(args=args, keywords=keywords):
                # A library's result of them is a number, a norm or a copy, unless it holds what it was given.
                name = self.facts.qualified(node.func) or ""
                plain = name.partition(".")[0] in _LIBRARIES - {"builtins", "functools", "itertools", "torch"}
                return not plain and any(self.holds(a) for a in (*args, *(k.value for k in keywords)))
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements) | ast.Dict(values=elements):
                return any(self.holds(element) for element in elements)
            case ast.Starred(value=value) | ast.Subscript(value=value):
                return self.holds(value)
            case _:
                return False
