"""How findings are shown: to people in full or in a line each, to programs as JSON."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, TextIO

from oakum import catalogue
from oakum.files import show
from oakum.report import Diagnostic, Mend, Report
from oakum.rule import Level, Rule, Safety
from oakum.syntax.document import Document

_WIDTH = 110  # of a source line that is shown; of a longer one, the part around the finding
_TAB = 4
_SENTENCE = re.compile(r"((?:`[^`]*`|[^`])*?[.!?]) +(?=[A-Z`])")


@dataclass(frozen=True, slots=True)
class Paint:
    """Writes in colour, or does not."""

    on: bool = False

    @staticmethod
    def of(stream: TextIO) -> Paint:
        """Colour on a terminal, unless the environment says otherwise (https://no-color.org, https://force-color.org)."""
        if os.environ.get("NO_COLOR"):
            return Paint(False)
        if os.environ.get("FORCE_COLOR"):
            return Paint(True)
        on = stream.isatty() and os.environ.get("TERM") != "dumb"
        if on and sys.platform == "win32":
            os.system("")  # the console heeds colours only after a shell has asked it to
        return Paint(on)

    def __call__(self, text: str, *styles: str) -> str:
        if not self.on or not text:
            return text
        return f"\033[{';'.join(_STYLES[style] for style in styles)}m{text}\033[0m"


_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_LEVELS = {Level.WARNING: "yellow", Level.INFORMATION: "cyan", Level.HINT: "green", Level.OFF: "dim"}
_KINDS = {"error": "red", "warning": "yellow", "note": "cyan"}


def full(item: Diagnostic, document: Document, paint: Paint) -> str:
    """A finding with its source line, its proof and its fix: several lines, the last without its end."""
    colour = _LEVELS[item.level]
    found = _SENTENCE.match(item.message)
    message, advice = (found[1], item.message[found.end() :]) if found else (item.message, "")
    line, column = document.line_column(item.start)
    last, end = document.line_column(_end(document, item.start, item.end))
    text = document.line_text(line)
    source, before, width = _clip(text, column, end if last == line else len(text.rstrip()))
    place = document.position(item.start)
    number = str(place.line)
    gutter = " " * len(number)
    bar = paint("|", "blue", "bold")
    carets = paint("^" * max(width, 1), colour, "bold")
    if last > line:
        carets += paint(f" down to line {place.line + last - line}", colour)
    lines = [
        f"{paint(f'{item.level.value}[{item.rule.code}]', colour, 'bold')}{paint(f': {message}', 'bold')}",
        f"{gutter}{paint('-->', 'blue', 'bold')} {where(document, item.start)}",
        f"{gutter} {bar}",
        f"{paint(number, 'blue', 'bold')} {bar} {source}".rstrip(),
        f"{gutter} {bar} {' ' * before}{carets}",
    ]
    sign = f"{gutter} {paint('=', 'blue', 'bold')}"
    if advice:
        lines.append(f"{sign} {paint('help:', 'bold')} {advice}")
    if item.related:
        lines.append(f"{sign} {paint('because:', 'bold')}")
        lines += [
            f"{gutter}     {paint(f'{_at_line(near.document, near.start)}:', 'cyan')} {near.message}" for near in item.related
        ]
    if item.mends:
        mend = item.mends[0]
        command = "oakum fix" if mend.safety is Safety.SAFE else "oakum fix --unsafe, then review"
        lines.append(f"{sign} {paint('fix:', 'green', 'bold')} {mend.title} {paint(f'({command})', 'dim')}")
    return "\n".join(lines)


def concise(item: Diagnostic, document: Document, paint: Paint) -> str:
    """A finding in one line, for editors and `grep`."""
    level = paint(f"{item.level.value}[{item.rule.code}]", _LEVELS[item.level], "bold")
    return f"{paint(where(document, item.start), 'bold')}: {level} {' '.join(item.message.split())}"


def row(item: Diagnostic, document: Document) -> dict[str, Any]:
    """A finding as JSON."""
    return {
        "path": show(document.path),
        **_span(document, item.start, item.end),
        "code": item.rule.code,
        "name": item.rule.name,
        "smell": item.rule.smell,
        "level": item.level.value,
        "message": item.message,
        "url": catalogue.url(item.rule),
        "related": [
            {"path": show(near.document.path), **_start(near.document, near.start), "message": near.message}
            for near in item.related
        ],
        "fix": _fix(item.mends[0], document) if item.mends else None,
    }


def notes(report: Report) -> Iterator[str]:
    """What there is to say about a file besides findings, each with its place."""
    for note in report.notes:
        yield f"{where(report.document, note.start)}: {note.message}"


def trouble(kind: str, message: str, paint: Paint) -> str:
    """A line for standard error: an error, a warning or a note."""
    return f"{paint(f'{kind}:', _KINDS[kind], 'bold')} {message}"


def diff(before: str, after: str, name: str, paint: Paint) -> str:
    """The change as a unified diff that `patch -p0` takes."""
    import difflib

    lines: list[str] = []
    for line in difflib.unified_diff(_lines(before), _lines(after), name, name):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
        text = line.rstrip("\r\n")
        style = ("bold",) if line.startswith(("+++", "---")) and len(lines) < 2 else (colour,) if colour else ()
        lines.append((paint(text, *style) if style else text) + (line[len(text) :] or "\n\\ No newline at end of file\n"))
    return "".join(lines)


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is to sum up. Of the findings that are left (`found`), `safe` and `review` can be fixed."""

    files: int = 0  # that were read
    leaking: int = 0  # in which something is left
    mended: int = 0  # in which something was fixed
    found: int = 0
    safe: int = 0
    review: int = 0
    fixed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def summary(counts: Counts, *, diff: bool = False) -> str:
    """The last line of `oakum check` and `oakum fix`."""
    ways = [
        f"{number} {'fixable ' if first else ''}with `{command}`"
        for number, command, first in ((counts.safe, "oakum fix", True), (counts.review, "oakum fix --unsafe", not counts.safe))
        if number
    ]
    rest = f" ({', '.join(ways)})" if ways else ""
    if counts.fixed:
        done = f"{'Would fix' if diff else 'Fixed'} {_count(counts.fixed, 'leak')} in {_count(counts.mended, 'file')}"
        return f"{done}, {counts.found or 'none'} left{rest}."
    if counts.found:
        return f"Found {_count(counts.found, 'leak')} in {_count(counts.leaking, 'file')}{rest}."
    return f"No leaks found in {_count(counts.files, 'file')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rule_line(rule: Rule, paint: Paint) -> str:
    """A rule in the list of all."""
    fix = {None: "", Safety.SAFE: "safe", Safety.REVIEW: "review"}[rule.fix]
    level = paint(f"{rule.level.value:<11}", _LEVELS[rule.level])
    return f"{paint(rule.code, 'bold')}  {level}  {paint(f'{fix:<6}', 'dim')}  {rule.name}"


def rule_row(rule: Rule) -> dict[str, Any]:
    """A rule as JSON."""
    return {
        "code": rule.code,
        "name": rule.name,
        "smell": rule.smell,
        "frameworks": sorted(framework.name.lower() for framework in rule.frameworks),
        "category": rule.category,
        "subcategory": rule.subcategory,
        "level": rule.level.value,
        "fix": rule.fix and rule.fix.value,
        "practices": list(rule.practices),
        "page": rule.page,
        "url": catalogue.url(rule),
    }


def markdown(text: str, paint: Paint) -> str:
    """Markdown for a terminal: headings and code stand out, the text itself stays as it is."""
    if not paint.on:
        return text
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
            lines.append(paint(line, "dim"))
        elif in_code:
            lines.append(paint(line, "cyan"))
        elif line.startswith("#"):
            lines.append(paint(line, "bold"))
        else:
            lines.append(re.sub(r"`[^`]+`", lambda code: paint(code[0], "cyan"), line))
    return "\n".join(lines) + "\n"


def where(document: Document, offset: int) -> str:
    """`train.py:3:5`, in a notebook `train.ipynb:cell 2:3:5`."""
    return f"{_at_line(document, offset)}:{document.position(offset).column}"


def _at_line(document: Document, offset: int) -> str:
    place = document.position(offset)
    cell = f":cell {place.cell}" if place.cell else ""
    return f"{show(document.path)}{cell}:{place.line}"


def _fix(mend: Mend, document: Document) -> dict[str, Any]:
    edits = [{**_span(document, edit.start, edit.end), "text": edit.text} for edit in mend.edits]
    return {"title": mend.title, "safety": mend.safety.value, "edits": edits}


def _start(document: Document, offset: int) -> dict[str, int]:
    place = document.position(offset)
    return {**({"cell": place.cell} if place.cell else {}), "line": place.line, "column": place.column}


def _span(document: Document, start: int, end: int) -> dict[str, int]:
    place = document.position(_end(document, start, end))
    return {**_start(document, start), "end_line": place.line, "end_column": place.column}


def _end(document: Document, start: int, end: int) -> int:
    """The end of a span, drawn back into the cell that it starts in: the line end between two cells belongs to none."""
    cell = document.position(start).cell
    while end > start and document.position(end).cell != cell:
        end -= 1
    return end


def _clip(text: str, start: int, end: int) -> tuple[str, int, int]:
    """A line as it is shown, and in columns of the terminal where the marked part starts and how wide it is."""
    shown = [_shown(character) for character in text]
    first, last = 0, len(text)
    if sum(map(_columns, shown)) > _WIDTH:
        first = max(min(start - _WIDTH // 4, len(text) - _WIDTH), 0)
        last = min(first + _WIDTH, len(text))
    before = "".join(shown[first:start])
    marked = "".join(shown[start : min(end, last)])
    left, right = "..." if first else "", "..." if last < len(text) else ""
    return left + "".join(shown[first:last]) + right, len(left) + _columns(before), _columns(marked)


def _shown(character: str) -> str:
    if character == "\t":
        return " " * _TAB
    return character if character.isprintable() or unicodedata.combining(character) else "\ufffd"


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
