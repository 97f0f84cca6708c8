"""Ways through a function, statement by statement: is something done on each of them?

A compound statement stands for its head (the test of an `if`, the iterable of a `for`, the items of a `with`). Exceptions are
followed into the handlers of a `try` in sight, and nowhere else: that any line may fail is a question of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import cast

END: ast.AST = ast.Pass()  # the end of the function, or of the module


_TRIES = (ast.Try, getattr(ast, "TryStar", ast.Try))
_JUMPS = (ast.Return, ast.Continue, ast.Break)


class Paths:
    """The statements of one function (or module body), and which may come after each."""

    def __init__(self, body: Sequence[ast.stmt]) -> None:
        self.after: dict[ast.AST, list[ast.AST]] = {}
        self.failing: dict[ast.AST, list[ast.AST]] = {}
        # Where `return`, and `break` and `continue` of the innermost loop, lead to.
        self._jumps: list[tuple[ast.AST, ast.AST | None, ast.AST | None]] = [(END, None, None)]
        self.start = self._block(body, END)

    def open_end(self, start: ast.AST, stops: Callable[[ast.AST], bool]) -> ast.AST | None:
        """Where a way that starts behind `start` ends, or comes back to it, without passing a statement that `stops` it.

        That is its last `return`, `continue` or `break`, or its last statement.
        """
        seen: set[ast.AST] = {start}
        pending: list[tuple[ast.AST, ast.AST, ast.AST | None]] = [(start, node, None) for node in self.after.get(start, ())]
        while pending:
            before, node, jump = pending.pop()
            if node is END or node is start:
                return jump or before
            if node in seen or stops(node):
                continue
            seen.add(node)
            jump = node if isinstance(node, _JUMPS) else jump
            following = (*self.after.get(node, ()), *self.failing.get(node, ()))
            pending.extend((node, then, jump) for then in following)
        return None

    def _block(self, body: Iterable[ast.stmt], follow: ast.AST) -> ast.AST:
        """Link a block whose end leads to `follow`; answers where it starts."""
        for statement in reversed(list(body)):
            self.after[statement] = self._following(statement, follow)
            follow = statement
        return follow

    def _following(self, node: ast.stmt, follow: ast.AST) -> list[ast.AST]:
        out, broken, continued = self._jumps[-1]
        match node:
            case ast.If():
                return [self._block(node.body, follow), self._block(node.orelse, follow)]
            case ast.For() | ast.AsyncFor() | ast.While():
                self._jumps.append((out, follow, node))
                body = self._block(node.body, node)
                self._jumps.pop()
                endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
                return [body] if endless else [body, self._block(node.orelse, follow)]
            case ast.With() | ast.AsyncWith():
                return [self._block(node.body, follow)]
            case ast.Match():
                return [*(self._block(case.body, follow) for case in node.cases), follow]
            case ast.Return():
                return [out]
            case ast.Break():
                return [broken] if broken else []
            case ast.Continue():
                return [continued] if continued else []
            case ast.Raise():
                return []
            case _ if isinstance(node, _TRIES):
                return [self._try(cast(ast.Try, node), follow)]
            case _:
                return [follow]

    def _try(self, node: ast.Try, follow: ast.AST) -> ast.AST:
        saved = self._jumps[-1]
        if node.finalbody:
            # What leaves early comes through the final block as well, and then goes on to where it wanted.
            left = ast.Pass()
            inside = [part for statement in (*node.body, *node.orelse, *node.handlers) for part in ast.walk(statement)]
            targets = zip(_JUMPS, (saved[0], saved[2], saved[1]), strict=True)
            early = [to for kind, to in targets if to is not None and any(isinstance(part, kind) for part in inside)]
            self.after[left] = [follow, *early]
            follow = self._block(node.finalbody, left)
            self._jumps[-1] = (follow, follow if saved[1] else None, follow if saved[2] else None)
        handlers = [self._block(handler.body, follow) for handler in node.handlers]
        start = self._block(node.body, self._block(node.orelse, follow))
        for statement in node.body:
            self.failing[statement] = handlers
        self._jumps[-1] = saved
        return start


def head(node: ast.AST) -> list[ast.AST]:
    """What a statement evaluates itself, its blocks apart."""
    match node:
        case ast.If() | ast.While():
            return [node.test]
        case ast.For() | ast.AsyncFor():
            return [node.iter, node.target]
        case ast.With() | ast.AsyncWith():
            return [part for item in node.items for part in (item.context_expr, item.optional_vars) if part is not None]
        case ast.Match():
            return [node.subject]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return []
        case _:
            return [] if isinstance(node, _TRIES) else [node]
