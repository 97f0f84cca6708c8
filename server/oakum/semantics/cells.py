"""Cells of a notebook, or of a script with `# %%` marks: what IPython shows of them, and keeps in `Out` because it did."""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Iterator

from oakum.semantics.program import LAYOUT, Source

# Magics are comments here: masked in a notebook, written so in a script.
_MAGIC = re.compile(r"^[ \t]*_?#[ \t]*%?(xdel|reset|reset_selective|config)\b[ \t]*(.*)$", re.M)
_MASKED = re.compile(r"^[ \t]*_?#(?![ \t#%]|\r?$)", re.M)
_SIZE_ZERO = re.compile(r"\bcache_size\s*=\s*0\b")
_SHOW_ALL = re.compile(r"\bast_node_interactivity\s*=\s*['\"]all")
_OUT = re.compile(r"\b(?:Out\[|_oh\b|_\d+\b|___?\b(?!\())|(?<![\w.(,\[])_(?![\w]|\s*[=,#)]|\s+in\b)")


class Cells:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.document = source.document

    def span(self, node: ast.AST) -> tuple[int, int]:
        """First line of a node's cell, and of the next one (from 0)."""
        starts = self.document.cell_starts
        line = self.document.line_of(self.source.locate(node)[0])
        index = bisect.bisect_right(starts, line)
        return starts[index - 1] if index else 0, starts[index] if index < len(starts) else len(self.document.line_starts)

    def same(self, node: ast.AST, other: ast.AST) -> bool:
        """Whether two nodes stand in one cell."""
        return self.span(node) == self.span(other)

    def shows(self, statement: ast.Expr) -> bool:
        """Whether the notebook shows the value of an expression: the last statement of its cell, without a semicolon."""
        source, document = self.source, self.document
        if not document.cell_starts or source.parent(statement) is not None:
            return False
        source.note(LAYOUT)
        end = source.locate(statement)[1]
        line = document.line_of(end)
        if document.line_text(line)[end - document.line_starts[line] :].strip().startswith(";"):
            return False
        if _SIZE_ZERO.search(document.text):
            return False
        if _SHOW_ALL.search(document.text):
            return True
        _, until = self.span(statement)
        rest = document.text[end : document.line_starts[until] if until < len(document.line_starts) else len(document.text)]
        if document.cells and _MASKED.search(rest):
            return False  # a magic or a command comes last, if it isn't a comment without a blank
        return not any(line and not line.startswith(("#", "_#")) for line in map(str.strip, rest.splitlines()))

    def deletion(self, name: str, after: ast.AST) -> ast.AST | None:
        """Where a name is deleted, or bound to None, at the top level of a later place."""
        source = self.source
        source.note(name)
        start = source.locate(after)[1]
        for node in (*source.nodes(ast.Delete), *source.nodes(ast.Assign)):
            if source.function(node) is None and source.locate(node)[0] > start:
                match node:
                    case ast.Delete(targets=targets) if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                        return node
                    case ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=None)) if found == name:
                        return node
                    case _:
                        pass
        return None

    def magics(self) -> Iterator[tuple[str, str]]:
        """Magics that have to do with what is kept, with their arguments."""
        for found in _MAGIC.finditer(self.document.text):
            yield found[1], found[2]

    def is_let_go(self, name: str) -> bool:
        """Whether a magic takes a name, or all that was shown, out of `Out`."""
        for magic, arguments in self.magics():
            words = arguments.split()
            if (magic == "xdel" and name in words) or (magic == "reset" and "out" in words):
                return True
        return False

    def reads_out(self) -> bool:
        """Whether the notebook may read what was shown: `Out[3]`, `_3`, `_`."""
        return _OUT.search(self.document.text) is not None
