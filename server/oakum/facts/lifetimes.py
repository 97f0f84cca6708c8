"""Questions about time: what repeats, and what lives on when it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from oakum.facts.objects import ObjectFacts
from oakum.semantics.flow import FunctionNode, key_of
from oakum.semantics.lifetimes import Lifetime


class LifetimeFacts(ObjectFacts):
    """What repeats, and what outlives that."""

    def outlives(self, container: ast.expr, node: ast.AST) -> Lifetime | None:
        """Proof that a container which `node` fills lives on beyond the iteration (or call) of `node`, without a bound in sight."""
        if isinstance(node, ast.AugAssign) and node.target is container:  # `c += [x]` rebinds what it fills
            return self.lifetimes.accumulates(node)
        return self.lifetimes.outlives(container, node)

    def accumulates(self, statement: ast.AugAssign | ast.Assign) -> Lifetime | None:
        """Proof that `total += x` or `total = total + x` adds to a value of an earlier iteration or call."""
        return self.lifetimes.accumulates(statement)

    def addends(self, value: ast.expr, total: str) -> list[ast.expr]:
        """The terms of `total + x`, `a * total + b * x` or `(total * n + x) / (n + 1)` that don't contain the total."""
        if not any(key_of(node) == total for node in ast.walk(value)):
            return [value]
        if not isinstance(value, ast.BinOp):
            return []
        if isinstance(value.op, (ast.Add, ast.Sub)):
            return [*self.addends(value.left, total), *self.addends(value.right, total)]
        if isinstance(value.op, (ast.Mult, ast.Div)):
            scaled = (side for side in (value.left, value.right) if any(key_of(node) == total for node in ast.walk(side)))
            return [term for side in scaled for term in self.addends(side, total)]
        return []

    def keeps(self, method: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> tuple[ast.AST, ast.expr] | None:
        """The place where a method adds a parameter to a total of its object, or to a list of it, as it is; and that total or list."""

        def plain(value: ast.expr) -> bool:
            names = [n for n in ast.walk(value) if isinstance(n, ast.Name) and n.id == parameter]
            calls = any(isinstance(n, (ast.Call, ast.Attribute, ast.Subscript)) for n in ast.walk(value))
            return bool(names) and not calls and all(d.how == "parameter" for n in names for d in self.definitions(n))

        for node in self.nodes_in(method, ast.AugAssign, ast.Assign, ast.Call):
            target: ast.expr | None = None
            if isinstance(node, ast.Assign):
                total = key_of(node.targets[0])
                if total is not None and isinstance(node.value, ast.BinOp):
                    terms = self.addends(node.value, total)
                    if any(key_of(n) == total for n in ast.walk(node.value)) and any(plain(term) for term in terms):
                        target = node.targets[0]
            elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)) and plain(node.value):
                target = node.target
            elif isinstance(node, ast.Call):
                target = next((container for container, item in self.put(node) if plain(item)), None)
            if target is not None and (self.kept_key(target) or "").startswith("self."):
                return node, target
        return None

    def repeated(self, function: FunctionNode) -> bool:
        """Whether a function is called again and again: from a loop in sight, as a hook, or by a framework."""
        return self.lifetimes.repeated(function)[0]

    def repeats(self, node: ast.AST) -> ast.AST | None:
        """What repeats a node: the innermost loop around it, else its function if that is called again and again."""
        loops = self.loops(node)
        if loops:
            return loops[0]
        function = self.function(node)
        return function if function is not None and self.repeated(function) else None

    def repeating_loops(self, node: ast.AST, depth: int = 3) -> Iterator[ast.For | ast.AsyncFor | ast.While]:
        """Loops in sight that repeat a node: those around it, innermost first, else those around the calls of its function."""
        loops = self.loops(node)
        yield from loops
        function = self.function(node)
        if function is not None and depth and not loops:
            for call in self.callers(function):
                yield from self.repeating_loops(call, depth - 1)

    def reached(self, scope: ast.AST) -> list[ast.AST]:
        """A loop or function, and the functions of this file that a run through it may call, however deep."""
        found = [scope]
        for region in found:
            for call in self.nodes_in(region, ast.Call):
                assert isinstance(call, ast.Call)
                found.extend(function for function in self.called(call) if function not in found)
        return found

    def is_hook(self, function: FunctionNode) -> bool:
        """Whether a function is registered as a hook of a module, tensor or optimizer."""
        return self.lifetimes.is_hook(function)

    def across(self, lifetime: Lifetime) -> str:
        """The loop of a lifetime in words: "the loop in line 12", "calls of `forward`"."""
        if lifetime.implicit:
            return f"calls of `{getattr(lifetime.loop, 'name', 'this function')}`"
        return f"iterations of the loop in line {self.line(lifetime.loop)}"
