"""Questions about the text: nodes, what is around them, arguments of calls."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

from oakum.facts.remembered import remembered
from oakum.semantics.cells import Cells
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import FunctionNode, key_of
from oakum.semantics.lifetimes import Lifetimes
from oakum.semantics.program import COMPREHENSIONS, LOOPS, Source
from oakum.syntax.pieces import inside_of

_CLOCKS = (
    "perf_counter",
    "perf_counter_ns",
    "time",
    "monotonic",
    "process_time",
    "elapsed_time",
    "memory_allocated",
    "memory_info",
)
_CONDITIONS = (ast.If, ast.IfExp, ast.Try, ast.BoolOp, ast.Match, ast.Lambda)


class SyntaxFacts:
    """What stands where."""

    def __init__(self, source: Source, evaluator: Evaluator) -> None:
        self.source = source
        self.evaluator = evaluator
        self.lifetimes = Lifetimes(evaluator, source)
        self.answers: dict[tuple[object, ...], Any] = {}

    def text(self, node: ast.AST) -> str:
        """The source of a node."""
        return self.source.text(node)

    @remembered
    def says(self, *words: str) -> bool:
        """Whether one of these words stands anywhere in the file: a cheap question to begin with."""
        return any(word in self.source.document.text for word in words)

    def short(self, node: ast.AST, most: int = 40) -> str:
        """The source of a node on one line, cut where it is long: for messages."""
        text = " ".join(self.source.text(node).split())
        return text if len(text) <= most else text[: most - 1] + "…"

    def line(self, node: ast.AST) -> int:
        """The line of a node, from 1 (in a notebook: of its cell)."""
        return self.source.document.position(self.source.locate(node)[0]).line

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self.source.parent(node)

    def ancestors(self, node: ast.AST) -> list[ast.AST]:
        """Innermost first."""
        return self.source.ancestors(node)

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds a node (itself, if it is one)."""
        return self.source.statement(node)

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements of the block that a statement stands in, itself among them."""
        parent = self.parent(statement)
        if parent is None:
            return [top for piece in self.source.pieces for top in piece.statements]
        blocks: list[list[ast.stmt]] = [getattr(parent, name, []) for name in ("body", "orelse", "finalbody")]
        return next(block for block in blocks if statement in block)

    def near(self, statement: ast.stmt, distance: int) -> list[ast.stmt]:
        """The statements of a block that stand near one of them, itself among them."""
        block = self.block(statement)
        place = block.index(statement)
        return block[max(place - distance, 0) : place + distance + 1]

    def conditional(self, node: ast.AST, until: ast.AST) -> bool:
        """Whether a node inside a loop or function may be left out in an iteration or call, by a test or an exception."""
        inside = itertools.takewhile(lambda parent: parent is not until, self.ancestors(node))
        return any(isinstance(parent, _CONDITIONS) for parent in inside)

    def measured(self, node: ast.AST) -> bool:
        """Whether a clock or a count of memory is read right before or right after the statement of a node: it is measured there."""
        if (statement := self.statement(node)) is None:
            return False
        block = self.block(statement)
        place = block.index(statement)
        beside = (*block[max(place - 1, 0) : place], *block[place + 1 : place + 2])
        return any(self.calls_in(other, *_CLOCKS) for other in beside)

    def function(self, node: ast.AST) -> FunctionNode | None:
        """The innermost function around a node, None at module level."""
        return self.source.function(node)

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class around a node, also through nested functions."""
        return self.source.enclosing_class(node)

    def method_class(self, function: ast.AST) -> ast.ClassDef | None:
        """The class that a function is a method of."""
        return self.source.class_of(function)

    def loops(self, node: ast.AST) -> list[ast.For | ast.AsyncFor | ast.While]:
        """`for` and `while` loops whose body holds a node, within its function, innermost first."""
        return [loop for loop in self.source.loops(node) if isinstance(loop, LOOPS)]

    def is_innermost(self, loop: ast.AST, node: ast.AST) -> bool:
        """Whether a loop (comprehensions inside it apart), or a comprehension, is the innermost one around a node."""
        around = self.comprehensions(node) if isinstance(loop, COMPREHENSIONS) else self.loops(node)
        return around[:1] == [loop]

    def comprehensions(self, node: ast.AST) -> list[ast.AST]:
        """Comprehensions that evaluate a node once an element, innermost first."""
        return [loop for loop in self.source.loops(node) if isinstance(loop, COMPREHENSIONS)]

    def calls(self, *names: str) -> list[ast.Call]:
        """All calls in the file of something whose last part is one of these names."""
        return [call for name in names for call in self.source.calls(name)]

    def calls_in(self, scope: ast.AST, *names: str) -> list[ast.Call]:
        """Those of `calls` that stand inside a node."""
        return [call for call in self.calls(*names) if call is scope or scope in self.source.ancestors(call)]

    def is_called(self, call: ast.Call, *names: str) -> bool:
        """Whether the last part of what is called is one of these names."""
        function = call.func
        return (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)) in names

    def nodes(self, kind: type[ast.AST]) -> list[ast.AST]:
        """All nodes of a type in the file."""
        return self.source.nodes(kind)

    def mentions(self, name: str) -> list[ast.Name | ast.Attribute]:
        """Everything in the file whose last part is a name: `saved`, `self.saved`, `Cls.saved`; reads and bindings."""
        return self.source.named(name)

    def nodes_in(self, scope: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of these types inside a node, without descending into nested functions and classes."""
        return (node for node in inside_of(scope) if isinstance(node, kinds))

    def is_shown(self, statement: ast.Expr) -> bool:
        """Whether a notebook, or a script with `# %%` marks, shows the value of an expression, so that `Out` keeps it."""
        return Cells(self.source).shows(statement)

    def in_one_cell(self, node: ast.AST, other: ast.AST) -> bool:
        """Whether two nodes stand in one cell."""
        return Cells(self.source).same(node, other)

    def deleted_after(self, name: str, node: ast.AST) -> ast.AST | None:
        """Where a global name is deleted, or bound to None, in a later place."""
        return Cells(self.source).deletion(name, node)

    def is_let_go(self, name: str) -> bool:
        """Whether `%xdel` of a name, or `%reset out`, takes it out of what the notebook keeps."""
        return Cells(self.source).is_let_go(name)

    def reads_out(self) -> bool:
        """Whether a notebook may read what was shown: `Out[3]`, `_3`, `_`."""
        return Cells(self.source).reads_out()

    def argument(self, call: ast.Call, position: int, name: str) -> ast.expr | None:
        """An argument of a call by position or keyword, None where it isn't given (or hidden in `*` or `**`)."""
        for keyword in call.keywords:
            if keyword.arg == name:
                return keyword.value
        if position < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
            return call.args[position]
        return None

    def switched_on(self, call: ast.Call, position: int, *names: str) -> ast.expr | ast.keyword | None:
        """The argument of a call, by position or one of these keywords, that is a literal `True`."""
        for keyword in call.keywords:
            if keyword.arg in names:
                return keyword if isinstance(keyword.value, ast.Constant) and keyword.value.value is True else None
        given = self.argument(call, position, names[0])
        return given if isinstance(given, ast.Constant) and given.value is True else None

    def given(self, call: ast.Call, method: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, ast.expr]]:
        """Arguments of a method's call with the names of the parameters that take them, `*args` among these."""
        names = [a.arg for a in [*method.args.posonlyargs, *method.args.args][1:]]
        rest = method.args.vararg.arg if method.args.vararg else None
        pairs: list[tuple[str, ast.expr]] = []
        for position, argument in enumerate(call.args):
            name = names[position] if position < len(names) else rest
            if isinstance(argument, ast.Starred) or name is None:
                break
            pairs.append((name, argument))
        return pairs + [(k.arg, k.value) for k in call.keywords if k.arg is not None]

    def key(self, node: ast.AST) -> str | None:
        """`name` or `name.attribute...` of an expression that is such a chain."""
        return key_of(node)

    def is_test_file(self) -> bool:
        """Whether the file is a test by its name or folder."""
        path = self.source.path
        if path is None:
            return False
        return (
            path.name.startswith("test_")
            or path.name.endswith("_test.py")
            or path.name == "conftest.py"
            or any(p in ("tests", "test") for p in path.parts[-3:-1])
        )
