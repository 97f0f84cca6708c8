"""Whether a graph is made within one iteration: a proof from the facts of a file, long enough to stand apart from the questions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oakum.semantics.flow import Definition
from oakum.semantics.values import Grad, Obj, Value

if TYPE_CHECKING:
    from oakum.facts.autograd import AutogradFacts

_ROOTS = {Grad.LEAF, Grad.DETACHED}
_PURE = {"torch", "builtins", "math", "numpy"}
_PLAIN = ("none", "number", "string", "data")
_CUTS = {"detach", "item", "tolist", "numpy", "argmax", "size", "dim"}
_SYNTAX = (ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


def _plain(value: Value) -> bool:
    """Whether a value is a tensor without a past, or nothing that has one."""
    return bool(value) and all(obj.kind in _PLAIN or (obj.kind == "tensor" and obj.grad in _ROOTS) for obj in value)


def _is_cut(node: ast.AST | None) -> bool:
    """Whether an expression leaves the past of its value behind: `h.detach()`, `tuple(s.detach() for s in state)`."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _CUTS
        case ast.Call(func=ast.Name(id="tuple" | "list"), args=[inner]):
            return _is_cut(inner)
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            return _is_cut(element)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return all(map(_is_cut, elements))
        case ast.Attribute(attr="data") | ast.Constant():
            return True
        case _:
            return False


class Origin:
    """Whether all of a graph is made in the iteration: from data, parameters and modules in sight that keep nothing."""

    def __init__(self, facts: AutogradFacts, regions: list[ast.AST]) -> None:
        self.facts = facts
        self.regions = regions  # the loop, and functions whose arguments are proved
        self.seen: set[ast.AST] = set()

    def made(self, node: ast.AST) -> bool:
        facts = self.facts
        if node in self.seen or isinstance(node, _SYNTAX):
            return True
        self.seen.add(node)
        match node:
            case ast.Name() | ast.Attribute():
                reaching = facts.definitions(node)
                if not reaching or facts.may_be_from_outside(node):
                    return _plain(facts.value(node)) or (
                        not reaching and isinstance(node, ast.Attribute) and self.made(node.value)
                    )
                before = [d for d in reaching if not self.inside(d)]
                if not all(d.value is not None and _plain(facts.value(d.value)) for d in before):
                    return False
                # What comes from before the loop as well comes from the last iteration, too.
                return all(_is_cut(d.value) if before else self.bound(d, node) for d in reaching if d not in before)
            case ast.Call() if _is_cut(node):
                return True
            case ast.Call(func=function):
                arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
                return all(map(self.made, arguments)) and self.called(node, function)
            case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
                return self.made(element)
            case ast.Lambda() | ast.Await() | ast.Yield() | ast.NamedExpr():
                return False
            case _:
                return all(map(self.made, ast.iter_child_nodes(node)))

    def inside(self, definition: Definition) -> bool:
        """Whether a binding is of the iteration."""
        place = definition.statement or definition.node
        return place in self.regions or any(region in self.facts.ancestors(place) for region in self.regions)

    def bound(self, definition: Definition, read: ast.AST) -> bool:
        """Whether a binding of the iteration gives such a value."""
        if definition.how == "parameter":
            return self.facts.function(read) in self.regions[1:] or _plain(self.facts.value(read))
        if definition.statement is self.regions[0]:  # an element of what the loop goes through
            return self.facts.requires_grad(read) is None
        before = definition.how != "augment" or self.made(definition.node)
        return before and definition.value is not None and self.made(definition.value)

    def called(self, call: ast.Call, function: ast.expr) -> bool:
        facts = self.facts
        if facts.is_module(function):
            return all(self.keeps_nothing(obj) for obj in facts.value(function))
        if self.library(function):
            return True
        if functions := facts.called(call):
            self.regions.extend(functions)
            returns = [r.value for f in functions for r in facts.nodes_in(f, ast.Return) if isinstance(r, ast.Return) and r.value]
            return bool(returns) and all(map(self.made, returns))
        return isinstance(function, ast.Attribute) and (facts.is_kind(function.value, "scaler") or self.made(function.value))

    def library(self, function: ast.expr) -> bool:
        """Whether a function of a library computes from its arguments alone."""
        return (self.facts.qualified(function) or "").partition(".")[0] in _PURE

    def keeps_nothing(self, module: Obj) -> bool:
        """Whether a module is in sight with all that it calls, and stores no graph in itself."""
        facts, cls = self.facts, module.node
        if not isinstance(cls, ast.ClassDef):  # of the library: what it is made of
            parts = [*cls.args, *(k.value for k in cls.keywords)] if isinstance(cls, ast.Call) else []
            inner = [obj for part in parts for obj in facts.value(part) if obj.kind in ("module", "unknown")]
            return module.name.startswith("torch.nn.") and all(obj.kind == "module" and self.keeps_nothing(obj) for obj in inner)
        if cls in self.seen:
            return True
        self.seen.add(cls)
        classes, libraries, unknown = facts.bases(cls)
        if unknown or not all(name.startswith("torch.nn.") for name in libraries):
            return False
        methods = [m for each in classes for m in each.body if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for method in methods:
            for store in facts.nodes_in(method, ast.Assign, ast.AugAssign, ast.AnnAssign):
                targets = store.targets if isinstance(store, ast.Assign) else [getattr(store, "target", None)]
                value = getattr(store, "value", None)
                if value is None or not any((facts.kept_key(t) or "").startswith("self.") for t in targets if t):
                    continue
                if facts.requires_grad(value) or (method.name != "__init__" and not facts.is_graph_free(value)):
                    return False
            for call in facts.nodes_in(method, ast.Call) if method.name != "__init__" else ():
                assert isinstance(call, ast.Call)
                known = facts.called(call) or self.library(call.func)
                if facts.is_module(call.func):
                    known = all(self.keeps_nothing(obj) for obj in facts.value(call.func))
                elif isinstance(call.func, ast.Attribute) and not known:
                    known = not (facts.kept_key(call.func.value) or "").startswith("self.")
                if not known:
                    return False
        return True
