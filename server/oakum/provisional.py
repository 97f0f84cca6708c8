"""A first answer to an edit inside of one function, while the user types: what is found in that function now, and what was found elsewhere.

What other functions rest on may have changed with the edit; the analysis that follows when typing pauses settles that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from oakum.analysis import Memory, look_into
from oakum.report import Diagnostic, Note, Report, TextEdit
from oakum.semantics.program import Source
from oakum.settings import Settings
from oakum.syntax.document import PYTHON, Document
from oakum.syntax.pieces import Piece, difference, parse


def provisional(
    document: Document,
    before: Report,
    settings: Settings | None = None,
    *,
    memory: Memory,
) -> Report | None:
    """The report of an earlier version, brought up to date where the edit is; None if the edit isn't inside of one function.

    `memory` belongs to the document, and knows its pieces of any earlier version. A text that does not parse keeps what was said.
    """
    if memory.pieces is None or document.cells or document.language != PYTHON:
        return None
    start, old_end, new_end = difference(before.document.text, document.text)
    pieces = memory.pieces = parse(document, memory.pieces)
    piece = next((each for each in pieces if each.start <= start and new_end <= each.start + len(each.text)), None)
    if piece is None or not piece.statements:
        return None
    notes = tuple(Note(document.offset(note.line, note.column), note.message) for note in pieces.notes)
    shift = _Shift(document, start, old_end, new_end - old_end)
    if piece.broken:
        said, silent = shift.diagnostics(before.diagnostics), shift.diagnostics(before.suppressed)
        return replace(before, document=document, diagnostics=said, suppressed=silent, notes=notes, recomputed=())
    source = Source(pieces, document.path)
    function = _around(piece, source, start, new_end)
    if function is None:
        return None
    first, last = source.locate(function)
    last -= new_end - old_end
    outside = [item for item in (*before.diagnostics, *before.suppressed) if not (first <= item.start and item.end <= last)]
    report = look_into(function, piece, source, settings or Settings(), memory, shift.diagnostics(outside))
    return replace(report, notes=notes, recomputed=(function.name,))


def _around(piece: Piece, source: Source, start: int, end: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function of the module or of a class whose body, but not whose head, holds all of a stretch of text."""
    pending = list(piece.statements)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.ClassDef):
            pending.extend(statement.body)
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if source.locate(statement.body[0])[0] <= start and end <= source.locate(statement)[1]:
                return statement
    return None


class _Shift:
    """Moves what was said of a text to where it stands after an edit."""

    def __init__(self, document: Document, start: int, old_end: int, by: int) -> None:
        self.document, self.start, self.old_end, self.by = document, start, old_end, by

    def offset(self, offset: int) -> int | None:
        if offset <= self.start:
            return offset
        return offset + self.by if offset >= self.old_end else None

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        moved = self.offset(start), self.offset(end)
        return (moved[0], moved[1]) if moved[0] is not None and moved[1] is not None else None

    def diagnostics(self, items: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        return tuple(moved for item in items if (moved := self.diagnostic(item)) is not None)

    def diagnostic(self, item: Diagnostic) -> Diagnostic | None:
        """None where the edit is in the place itself. A fix or a related place that the edit is in is left out."""
        span = self.span(item.start, item.end)
        if span is None:
            return None
        mends = [replace(mend, edits=edits) for mend in item.mends if (edits := self._edits(mend.edits)) is not None]
        related = [
            replace(place, document=self.document, start=where[0], end=where[1])
            for place in item.related
            if (where := self.span(place.start, place.end)) is not None
        ]
        return replace(item, start=span[0], end=span[1], mends=tuple(mends), related=tuple(related))

    def _edits(self, edits: tuple[TextEdit, ...]) -> tuple[TextEdit, ...] | None:
        moved = [(self.span(edit.start, edit.end), edit.text) for edit in edits]
        if any(span is None for span, _ in moved):
            return None
        return tuple(TextEdit(span[0], span[1], text) for span, text in moved if span is not None)
