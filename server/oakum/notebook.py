"""Jupyter notebooks: the code cells as one document, and edits of it carried back into the file's JSON.

A notebook is read as one program, its cells from top to bottom. Lines that are IPython's and not Python's are masked by
text of equal length, so that an offset in the document is an offset in a cell. Edits are made in the raw text of the
JSON, between the quotes of the strings that hold the code: whatever no edit touches stays as it was, byte for byte.
"""

from __future__ import annotations

import ast
import bisect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from oakum.report import TextEdit
from oakum.syntax.document import Cell, Document

# --- from cells to a document ---

_PLAIN_CELL_MAGICS = {"time", "timeit", "capture", "prun"}  # they run the rest of their cell as Python
_CELL_MAGIC = re.compile(r"\s*%%(\w*)")
_LINE_MAGIC = re.compile(r"\s*[%!?]|\s*[\w.%*\[\]'\"]+\?{1,2}\s*$")
_ASSIGNED = re.compile(r"(\s*[\w.*]+(?:\s*,\s*[\w.*]+)*\s*=\s*)[%!]")
_LEXEME = re.compile(r"#.*|'''|\"\"\"|'(?:\\.|[^'\\])*'?|\"(?:\\.|[^\"\\])*\"?|[()\[\]{}]")
_SHELL_LINE = re.compile(r"^(?:!|%(?:set_)?env\b)[^\r\n]*", re.MULTILINE)
_SURROGATE = re.compile("[\ud800-\udfff]")


def join(cells: Iterable[tuple[int, str]], path: Path | None = None, version: int | None = None) -> Document:
    """The document of a notebook's code cells, given as (number of the cell from 1, source)."""
    texts: list[str] = []
    found: list[Cell] = []
    magics: list[tuple[int, str]] = []
    line = start = 0
    for number, source in cells:
        text = mask(source) + "\n"
        texts.append(text)
        magics.extend((start + at.start(), at[0]) for at in _SHELL_LINE.finditer(source) if text[at.start()] == "#")
        start += len(text)
        found.append(Cell(number, line))
        line += len(re.findall(r"\r\n|\r|\n", text))
    return Document("".join(texts), path, version, tuple(found), tuple(magics))


def mask(source: str) -> str:
    """A cell's source with all that is IPython's and not Python's hidden: line by line as long as it was."""
    source = _SURROGATE.sub("\ufffd", source)  # half a character, which JSON can hold and no parser takes
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", source)
    masked: list[str] = []
    state = _Lexer()
    in_head = True
    continued = False
    for line in lines:
        if in_head and (magic := _CELL_MAGIC.match(line)):
            if magic[1] not in _PLAIN_CELL_MAGICS:
                return "".join([*masked, *map(_comment, lines[len(masked) :])])
            masked.append(_comment(line))
            continue
        in_head = in_head and not line.strip()
        if continued or (state.at_statement and _LINE_MAGIC.match(line)):
            # An indented magic may be all that its block holds, and a block needs a statement.
            masked.append(_comment(line) if continued or not line[:1].isspace() else _comment(line, "_#"))
            continued = line.rstrip().endswith("\\")
        elif state.at_statement and (assigned := _ASSIGNED.match(line)):
            head = assigned[1]
            masked.append(head + _comment(line[len(head) :], "_#"))  # `_`: a value of which nothing is known
            continued = line.rstrip().endswith("\\")
        else:
            masked.append(line)
            state.feed(line)
    return "".join(masked)


def _comment(line: str, by: str = "#") -> str:
    """The line with its first characters overwritten by a comment sign, as far as it has any."""
    text = line.strip()
    start = len(line) - len(line.lstrip()) if text else 0
    by = by[: len(text)]
    return line[:start] + by + line[start + len(by) :]


class _Lexer:
    """Knows after each line whether the next one starts a statement: outside of brackets and of strings."""

    def __init__(self) -> None:
        self._depth = 0
        self._quotes = ""
        self._continued = False

    @property
    def at_statement(self) -> bool:
        return not (self._depth or self._quotes or self._continued)

    def feed(self, line: str) -> None:
        position = 0
        while True:
            if self._quotes:
                end = re.compile(rf"(?:\\.|(?!{self._quotes})[^\\])*{self._quotes}", re.S).match(line, position)
                if not end:
                    break
                self._quotes, position = "", end.end()
            found = _LEXEME.search(line.rstrip("\r\n"), position)
            if not found:
                break
            position = found.end()
            if found[0] in ("'''", '"""'):
                self._quotes = found[0]
            elif found[0] in "([{":
                self._depth += 1
            elif found[0] in ")]}":
                self._depth = max(self._depth - 1, 0)
        self._continued = not self._quotes and line.rstrip("\r\n").endswith("\\")


# --- from JSON to cells, and back ---


class NotebookError(ValueError):
    """Why a notebook can't be read, with the line and column of its JSON where there is one."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class OtherLanguage(NotebookError):
    """The notebook is fine, but its language is not Python."""


@dataclass(frozen=True, slots=True)
class _Source:
    """The source of a code cell, and where each of its JSON strings stands in the raw text, without the quotes."""

    number: int
    text: str
    spans: tuple[tuple[int, int], ...]
    separator: str | None  # what stands between two strings of a list; None where the source is one string
    starts: tuple[int, ...]  # offset in `text` of the first character of each string


@dataclass(frozen=True)
class Notebook:
    """A notebook as read. Immutable: `replace` answers the raw text of the next one."""

    raw: str
    document: Document
    _sources: tuple[_Source, ...] = field(default=(), repr=False)

    def replace(self, edits: Sequence[TextEdit]) -> str:
        """The raw text with these edits of the document made: sorted ones that don't overlap, each within a cell."""
        raw: list[str] = []
        position = 0
        for edit in edits:
            start, end, text = self._in_raw(edit)
            raw += (self.raw[position:start], text)
            position = end
        return "".join([*raw, self.raw[position:]])

    def allows(self, edits: Sequence[TextEdit]) -> bool:
        """Whether edits leave each cell a program of its own, as it was before: a `with` can't reach into the next cell."""
        for index, source in enumerate(self._sources):
            start = self._start(index)
            end = start + len(source.text)
            inside = [edit for edit in edits if start <= edit.start <= end]
            if any(edit.end > end + 1 for edit in inside):
                return False
            if inside and parses(self.document.text[start:end]):
                text = self.document.text[start : end + 1]
                for edit in reversed(inside):
                    text = text[: edit.start - start] + edit.text + text[edit.end - start :]
                if not parses(text):
                    return False
        return True

    def _start(self, index: int) -> int:
        return self.document.line_starts[self.document.cells[index].first_line]

    def _in_raw(self, edit: TextEdit) -> tuple[int, int, str]:
        """An edit of the document as an edit of the raw text: start, end, and what to write in JSON."""
        line = self.document.line_of(edit.start)
        index = bisect.bisect_right([cell.first_line for cell in self.document.cells], line) - 1
        source = self._sources[index]
        size = len(source.text)
        start, end, text = edit.start - self._start(index), edit.end - self._start(index), edit.text
        if end > size + 1:
            raise ValueError("an edit reaches from one cell into the next")
        if end > size:  # it takes the line end that joins the cell to the next one, which no cell holds
            end = size
            if text.endswith("\n"):
                text = text[:-1]
            elif not text and start and source.text[start - 1] == "\n":
                start -= 2 if source.text[:start].endswith("\r\n") else 1
        start = min(start, size)
        written = json.dumps(text, ensure_ascii=self.raw.isascii() or bool(_SURROGATE.search(text)))[1:-1]
        if source.separator is not None:
            written = written.replace("\\n", "\\n" + source.separator)  # in a list each line is a string of its own
            if end == size:
                written = written.removesuffix(source.separator)
                if not text and start in source.starts[1:]:  # the last strings go, with what separates them from those before
                    return source.spans[source.starts.index(start) - 1][1], source.spans[-1][1], written
        return self._raw_offset(source, start), self._raw_offset(source, end), written

    def _raw_offset(self, source: _Source, offset: int) -> int:
        """Where in the raw text a character of a cell stands."""
        if offset == len(source.text):
            return source.spans[-1][1]
        which = bisect.bisect_right(source.starts, offset) - 1
        position = source.spans[which][0]
        for _ in range(offset - source.starts[which]):
            position = _end_of_character(self.raw, position)
        return position


def read(path: Path | None, raw_text: str) -> Notebook:
    """The notebook in a file's text. Raises `NotebookError` where it is none, or is none of Python."""
    try:
        content = json.loads(raw_text)
    except json.JSONDecodeError as error:
        raise NotebookError(f"not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise NotebookError("not a notebook: its JSON is nested too deep") from None
    if not isinstance(content, dict) or not isinstance(cast("dict[str, Any]", content).get("cells"), list):
        raise NotebookError("not a notebook of format 4: there is no list `cells`")
    language = _language(cast("dict[str, Any]", content))
    if language not in ("", "python", "ipython", "python3"):
        raise OtherLanguage(f"the notebook's language is {language}, not Python")
    sources = tuple(_sources(raw_text))
    return Notebook(raw_text, join([(source.number, source.text) for source in sources], path), sources)


def _language(notebook: dict[str, Any]) -> str:
    metadata = _dict(notebook.get("metadata"))
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        if isinstance(name := _dict(metadata.get(section)).get(key), str) and name:
            return name.lower()
    return ""


def _sources(raw: str) -> Iterator[_Source]:
    """The code cells. The JSON is known to be valid, so that a scanner that only skips is enough."""
    cells = _members(raw, 0)["cells"]
    for number, (start, _) in enumerate(_items(raw, cells[0]), 1):
        if raw[start] != "{":
            raise NotebookError(f"not a notebook: cell {number} is no object")
        cell = _members(raw, start)
        kind, source = _value(raw, cell, "cell_type"), cell.get("source")
        if kind != "code" or source is None or not _in_python(_value(raw, cell, "metadata")):
            continue
        if raw[source[0]] == "[":
            spans = [(first + 1, last - 1) for first, last in _items(raw, source[0])]
            separator = _separator(raw, source[0], spans)
        else:
            spans = [(source[0] + 1, source[1] - 1)]
            separator = None
        if any(raw[first - 1] != '"' for first, _ in spans):
            raise NotebookError(f"not a notebook: the source of cell {number} is not text")
        strings: list[str] = [_decode(raw, first - 1)[0] for first, _ in spans]
        if strings:
            starts = tuple(accumulate(map(len, strings[:-1]), initial=0))
            yield _Source(number, "".join(strings), tuple(spans), separator, starts)


def _separator(raw: str, start: int, spans: Sequence[tuple[int, int]]) -> str:
    """What stands between the texts of two strings in the list at `start`: quotes, a comma, and white space as is usual here."""
    if len(spans) > 1:
        return raw[spans[0][1] : spans[1][0]]
    return f'",{raw[start + 1 : spans[0][0] - 1] or " "}"' if spans else '", "'


_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")
_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|.", re.S)


def _members(raw: str, start: int) -> dict[str, tuple[int, int]]:
    """Where the values of the object at `start` begin and end."""
    found: dict[str, tuple[int, int]] = {}
    position = _skip(raw, _skip(raw, start) + 1)
    while raw[position] != "}":
        key, position = _decode(raw, position)
        begin = _skip(raw, _skip(raw, position) + 1)
        _, end = _decode(raw, begin)
        found[key] = begin, end
        position = _skip(raw, end)
        if raw[position] == ",":
            position = _skip(raw, position + 1)
    return found


def _items(raw: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the values of the list at `start` begin and end."""
    position = _skip(raw, start + 1)
    while raw[position] != "]":
        _, end = _decode(raw, position)
        yield position, end
        position = _skip(raw, end)
        if raw[position] == ",":
            position = _skip(raw, position + 1)


def _skip(raw: str, position: int) -> int:
    found = _SPACE.match(raw, position)
    return found.end() if found else position


def _end_of_character(raw: str, position: int) -> int:
    found = _CHARACTER.match(raw, position)
    return found.end() if found else position


def _value(raw: str, members: dict[str, tuple[int, int]], key: str) -> Any:
    return _decode(raw, members[key][0])[0] if key in members else None


def _in_python(metadata: Any) -> bool:
    """Whether a cell is in the notebook's language: editors let a cell have another one."""
    return _dict(_dict(metadata).get("vscode")).get("languageId", "python") == "python"


def _dict(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def parses(text: str) -> bool:
    """Whether a text is a program."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
