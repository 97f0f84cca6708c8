"""The text of one file: lines, cells, and the only arithmetic on columns.

Inside Oakum a position is an *offset* in code points from the start of the text. Editors speak of lines and UTF-16 or
UTF-8 columns, `ast` of lines and UTF-8 columns; both are translated here and nowhere else.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

# `str.splitlines` also splits at form feeds and Unicode separators, which neither Python nor LSP take for line ends.
_LINE_END = re.compile(r"\r\n|\r|\n")
# Where a cell starts in a script: as Jupytext, VS Code and Spyder mark it, or Databricks.
_CELL_MARK = re.compile(r"^# ?%%|^# COMMAND -{5,}", re.M)

PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell of a notebook: its number (from 1, counting all cells) and its first line in the joined text (from 0)."""

    number: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Position:
    """A place as people count it: `line` and `column` from 1, columns in code points; `cell` from 1 in a notebook."""

    line: int
    column: int
    cell: int | None = None


@dataclass(frozen=True)
class Document:
    """An immutable version of a file.

    `text` is what the parser sees: for a notebook the code cells joined by line ends, with magics masked by comments of
    equal length, so that every offset means the same in the source. `magics` are those lines as they were, each with the offset
    where it starts. `language`: `PYTHON`, or the kind of a script (see `scripts`).
    """

    text: str
    path: Path | None = None
    version: int | None = None
    cells: tuple[Cell, ...] = field(default=())
    magics: tuple[tuple[int, str], ...] = field(default=())
    language: str = PYTHON

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line."""
        return [0, *(found.end() for found in _LINE_END.finditer(self.text))]

    @cached_property
    def cell_starts(self) -> list[int]:
        """The first line of each cell (from 0), also of a script with marks such as `# %%`. Empty where there are none."""
        if self.cells:
            return [cell.first_line for cell in self.cells]
        if "%%" not in self.text and "# COMMAND -" not in self.text:
            return []
        return [self.line_of(found.start()) for found in _CELL_MARK.finditer(self.text)]

    def line_text(self, line: int) -> str:
        """The text of a line (from 0) without its end."""
        starts = self.line_starts
        end = starts[line + 1] if line + 1 < len(starts) else len(self.text)
        return self.text[starts[line] : end].rstrip("\r\n")

    def line_of(self, offset: int) -> int:
        """The line (from 0) that holds an offset."""
        return bisect.bisect_right(self.line_starts, offset) - 1

    def offset(self, line: int, column: int, encoding: str = "utf-32") -> int:
        """The offset of a line (from 0) and a column in units of `encoding` (utf-8, utf-16 or utf-32), clamped to the text."""
        starts = self.line_starts
        if line < 0:
            return 0
        if line >= len(starts):
            return len(self.text)
        text = self.line_text(line)
        return starts[line] + _code_points(text, max(column, 0), encoding)

    def line_column(self, offset: int, encoding: str = "utf-32") -> tuple[int, int]:
        """Line (from 0) and column in units of `encoding` of an offset."""
        offset = min(max(offset, 0), len(self.text))
        line = self.line_of(offset)
        before = self.text[self.line_starts[line] : offset]
        return line, _units(before, encoding)

    def position(self, offset: int) -> Position:
        """The place of an offset as people count it."""
        line, column = self.line_column(offset)
        if not self.cells:
            return Position(line + 1, column + 1)
        index = max(bisect.bisect_right([cell.first_line for cell in self.cells], line) - 1, 0)
        cell = self.cells[index]
        return Position(line - cell.first_line + 1, column + 1, cell.number)


def _units(text: str, encoding: str) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    return (
        len(text.encode("utf-8", "surrogatepass")) if encoding == "utf-8" else len(text.encode("utf-16-le", "surrogatepass")) // 2
    )


def _code_points(text: str, column: int, encoding: str) -> int:
    """How many characters of `text` make up `column` units; a column inside a character rounds down."""
    if encoding == "utf-32" or text.isascii():
        return min(column, len(text))
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))
    return len(text.encode("utf-16-le", "surrogatepass")[: column * 2].decode("utf-16-le", "ignore"))
