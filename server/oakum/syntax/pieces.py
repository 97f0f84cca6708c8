"""Top-level pieces of a file: the unit of parsing, of remembering, and of recomputing.

A piece is one top-level statement (or several that share a line) with the comments that follow it. Its nodes keep the line
numbers they were parsed with; `Piece.first_line` says where the piece stands now, so that lines inserted above change no node.
An edit re-parses the pieces it touches. A piece that does not parse keeps its last good statements.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from oakum.syntax.document import Document

LONGEST_LINE = 100_000  # generated data, not code: parsing it helps nobody


@dataclass(slots=True, eq=False)
class Index:
    """What one walk over a piece finds: nodes by type; names and calls by their last part. It also tells each node its parent."""

    by_type: dict[type[ast.AST], list[ast.AST]] = field(default_factory=dict[type[ast.AST], list[ast.AST]])
    calls: dict[str, list[ast.Call]] = field(default_factory=dict[str, list[ast.Call]])
    named: dict[str, list[ast.Name | ast.Attribute]] = field(default_factory=dict[str, "list[ast.Name | ast.Attribute]"])


@dataclass(slots=True, eq=False)
class Piece:
    """`statements` were parsed from `parsed_text` with lines counted from `parsed_line`; `text` stands at `first_line`, `start`.

    `text` and `parsed_text` differ while the piece is broken. `memo` holds what others derive from the statements alone.
    """

    text: str
    parsed_text: str
    statements: list[ast.stmt]
    parsed_line: int
    first_line: int
    start: int
    broken: bool = False
    memo: dict[str, object] = field(default_factory=dict[str, object])
    _index: Index | None = None

    @property
    def index(self) -> Index:
        if self._index is None:
            self._index = _walk(self.statements)
        return self._index

    @property
    def label(self) -> str:
        """The name of the function or class, or the first words of the statement: for tests and reports."""
        for statement in self.statements:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                return statement.name
        return self.text.strip().partition("\n")[0][:40]


@dataclass(frozen=True, slots=True)
class SyntaxNote:
    """Where the parser gave up (a line from 0, a column in code points) and what it said."""

    line: int
    column: int
    message: str


@dataclass(slots=True, eq=False)
class Pieces:
    """All pieces of one version of a document, in order."""

    document: Document
    pieces: list[Piece]
    notes: list[SyntaxNote] = field(default_factory=list[SyntaxNote])

    def __iter__(self) -> Iterator[Piece]:
        return iter(self.pieces)

    def places(self) -> list[tuple[int, int, str, bool]]:
        """Where the pieces stand, and in what state."""
        return [(piece.first_line, piece.start, piece.text, piece.broken) for piece in self.pieces]

    def put_back(self, places: list[tuple[int, int, str, bool]]) -> None:
        """Where they stood: parsing another version moves, or breaks, the pieces that both have."""
        for piece, place in zip(self.pieces, places, strict=True):
            piece.first_line, piece.start, piece.text, piece.broken = place


def parse(document: Document, previous: Pieces | None = None) -> Pieces:
    """The pieces of `document`; those of `previous` whose text stands unchanged are the same objects."""
    if previous is not None and (updated := _update(document, previous)) is not None:
        return updated
    text = document.text
    try:
        tree = _ast(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _salvage(document, _note(error))
    result = Pieces(document, _cut(document, tree.body, 0, len(document.line_starts), 0))
    if previous is not None:
        _adopt(result, previous)
    return result


def _ast(text: str) -> ast.Module:
    if any(len(line) > LONGEST_LINE for line in text.split("\n")):
        raise ValueError("a line is longer than 100,000 characters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text.removeprefix("\ufeff") if text.startswith("\ufeff") else text)


def _note(error: BaseException, line_offset: int = 0) -> SyntaxNote:
    if isinstance(error, SyntaxError):
        return SyntaxNote(max((error.lineno or 1) - 1, 0) + line_offset, max((error.offset or 1) - 1, 0), error.msg)
    return SyntaxNote(
        line_offset, 0, "too deeply nested to parse" if isinstance(error, (RecursionError, MemoryError)) else str(error)
    )


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _cut(document: Document, body: list[ast.stmt], first_line: int, end_line: int, parsed_line: int) -> list[Piece]:
    """Pieces for statements of the lines `first_line` to `end_line` (from 0); the nodes count lines from `parsed_line` + 1."""
    groups: list[tuple[int, list[ast.stmt]]] = []
    last = -1
    for statement in body:
        line = _first_line(statement) - 1 - parsed_line + first_line
        if groups and line <= last:
            groups[-1][1].append(statement)
        else:
            groups.append((line, [statement]))
        last = (statement.end_lineno or statement.lineno) - 1 - parsed_line + first_line
    pieces: list[Piece] = []
    if not groups or groups[0][0] > first_line:
        until = groups[0][0] if groups else end_line
        pieces.append(_piece(document, [], first_line, until, parsed_line, first_line))
    for number, (line, statements) in enumerate(groups):
        until = groups[number + 1][0] if number + 1 < len(groups) else end_line
        pieces.append(_piece(document, statements, line, until, parsed_line + line - first_line, line))
    return pieces


def _piece(document: Document, statements: list[ast.stmt], line: int, until: int, parsed_line: int, first_line: int) -> Piece:
    starts = document.line_starts
    start = starts[line]
    end = starts[until] if until < len(starts) else len(document.text)
    text = document.text[start:end]
    return Piece(text, text, statements, parsed_line, first_line, start)


def _adopt(result: Pieces, previous: Pieces) -> None:
    """Put known pieces in the place of equal new ones, so that what was remembered for them stays."""
    known: dict[str, list[Piece]] = {}
    for piece in previous:
        known.setdefault(piece.parsed_text, []).append(piece)
    for number, piece in enumerate(result.pieces):
        if not piece.broken and (same := known.get(piece.text)):
            result.pieces[number] = same[0]
            same[0].text, same[0].broken = piece.text, False
            _moved(same.pop(0), piece.first_line, piece.start)


def _moved(piece: Piece, first_line: int, start: int) -> Piece:
    piece.first_line, piece.start = first_line, start
    return piece


def _update(document: Document, previous: Pieces) -> Pieces | None:
    """Re-parse only what changed. None where the whole text has to be parsed."""
    old, new = previous.document.text, document.text
    if not previous.pieces or document.cells != previous.document.cells:
        return None
    if old == new:
        return Pieces(document, previous.pieces, previous.notes)
    head, changed_end, _ = difference(old, new)
    pieces = previous.pieces
    first = max((n for n, piece in enumerate(pieces) if piece.start <= head), default=0)
    last = max((n for n, piece in enumerate(pieces) if piece.start <= changed_end), default=0)
    # An edit at the very start of a piece may belong to the statement before it.
    if first and head == pieces[first].start:
        first -= 1
    start = pieces[first].start
    old_end = pieces[last + 1].start if last + 1 < len(pieces) else len(old)
    end = old_end + len(new) - len(old)
    region = new[start:end]
    if last + 1 < len(pieces) and not region.endswith(("\n", "\r")):
        return None
    shift_lines = len(document.line_starts) - len(previous.document.line_starts)
    line = pieces[first].first_line
    region_lines = (
        (pieces[last + 1].first_line + shift_lines - line) if last + 1 < len(pieces) else len(document.line_starts) - line
    )
    notes: list[SyntaxNote] = []
    try:
        fresh = _cut(document, _ast(region).body, line, line + region_lines, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        try:
            _ast(new)
            return None  # the region needs its neighbours to parse
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
        notes.append(_note(error, line))
        fresh = _keep_last_good(document, pieces[first : last + 1], line, start, end)
    region_now = Pieces(document, fresh)
    _adopt(region_now, Pieces(document, pieces[first : last + 1]))
    result = Pieces(document, [*pieces[:first], *region_now.pieces, *pieces[last + 1 :]])
    for piece in pieces[last + 1 :]:
        _moved(piece, piece.first_line + shift_lines, piece.start + len(new) - len(old))
    moved = [SyntaxNote(n.line + (shift_lines if n.line > line else 0), n.column, n.message) for n in previous.notes]
    if not notes:
        broken = [(p.first_line, p.first_line + p.text.count("\n") + 1) for p in result if p.broken]
        notes = [note for note in moved if any(a <= note.line <= b for a, b in broken)]
    result.notes = notes
    return result


def _keep_last_good(document: Document, pieces: list[Piece], line: int, start: int, end: int) -> list[Piece]:
    """One broken piece over the region, with the last good statements of the pieces that it replaces."""
    text = document.text[start:end]
    if len(pieces) == 1 and pieces[0].statements:
        # The same piece, so that what is remembered of its last good statements stays.
        pieces[0].text, pieces[0].broken = text, True
        return [_moved(pieces[0], line, start)]
    # Statements of several pieces count lines from different starts: keep those of the largest.
    largest = max((piece for piece in pieces if piece.statements), key=lambda piece: len(piece.text), default=None)
    if largest is None:
        return [Piece(text, "", [], line, line, start, broken=True)]
    return [Piece(text, largest.parsed_text, largest.statements, largest.parsed_line, line, start, broken=True)]


def difference(old: str, new: str) -> tuple[int, int, int]:
    """Where two texts differ: the start in both, the end in the old one, the end in the new one."""
    head = _common_prefix(old, new)
    tail = _common_prefix(old[::-1], new[::-1], min(len(old), len(new)) - head)
    return head, len(old) - tail, len(new) - tail


def _common_prefix(a: str, b: str, limit: int | None = None) -> int:
    low, high = 0, min(len(a), len(b)) if limit is None else limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


_STATEMENT_START = re.compile(r"^(?![ \t#)\]}]|else\b|elif\b|except\b|finally\b)\S", re.M)


def _salvage(document: Document, note: SyntaxNote) -> Pieces:
    """The pieces of a text that does not parse as a whole: cut before lines that start at the margin, keep what parses."""
    text = document.text
    starts = document.line_starts
    line_of = {offset: number for number, offset in enumerate(starts)}
    cuts = [found.start() for found in _STATEMENT_START.finditer(text) if found.start() in line_of]
    if not cuts or cuts[0] != 0:
        cuts.insert(0, 0)
    cuts.append(len(text))
    pieces: list[Piece] = []
    number = 0
    while number < len(cuts) - 1:
        for until in range(number + 1, min(number + 12, len(cuts))):  # a decorator or a string may span several cuts
            chunk = text[cuts[number] : cuts[until]]
            line = line_of[cuts[number]]
            end_line = line_of.get(cuts[until], len(starts))
            try:
                body = _ast(chunk).body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            pieces.extend(_cut(document, body, line, end_line, 0))
            number = until
            break
        else:
            start, end = cuts[number], cuts[number + 1]
            line = line_of[start]
            pieces.append(Piece(text[start:end], "", [], line, line, start, broken=True))
            number += 1
    return Pieces(document, pieces, [note])


_NO_CHILDREN = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)  # one object each for the whole process


def parent_of(node: ast.AST) -> ast.AST | None:
    """The node that holds this one, None for a top-level statement. Known once the index of its piece was made."""
    return getattr(node, "parent", None)


def inside_of(scope: ast.AST) -> list[ast.AST]:
    """All nodes inside of one, in order, without those of nested functions and classes. Kept with the node: don't change it."""
    found: list[ast.AST] | None = getattr(scope, "inside", None)
    if found is None:
        found = []
        pending = [*ast.iter_child_nodes(scope)][::-1]
        while pending:
            node = pending.pop()
            found.append(node)
            if not isinstance(node, (ast.Name, ast.Constant, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                pending.extend([*ast.iter_child_nodes(node)][::-1])
        if isinstance(scope, (ast.stmt, ast.Lambda)):
            scope.inside = found  # pyright: ignore[reportAttributeAccessIssue]
    return found


def index_of(*statements: ast.stmt) -> Index:
    """The index of some statements alone."""
    return _walk([*statements])


def _walk(statements: list[ast.stmt]) -> Index:
    index = Index()
    by_type, calls, named = index.by_type, index.calls, index.named
    stack: list[ast.AST] = [*reversed(statements)]
    while stack:
        node = stack.pop()
        kind = type(node)
        found = by_type.get(kind)
        if found is None:
            by_type[kind] = [node]
        else:
            found.append(node)
        if kind is ast.Constant:
            continue
        if isinstance(node, ast.Name):
            named.setdefault(node.id, []).append(node)
            continue
        if isinstance(node, ast.Attribute):
            named.setdefault(node.attr, []).append(node)
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
            calls.setdefault(name, []).append(node)
        children: list[ast.AST] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                children += [item for item in value if isinstance(item, ast.AST)]  # pyright: ignore[reportUnknownVariableType]
            elif isinstance(value, ast.AST):
                children.append(value)
        for child in reversed(children):
            if not isinstance(child, _NO_CHILDREN):
                child.parent = node  # pyright: ignore[reportAttributeAccessIssue]
                stack.append(child)
    return index
