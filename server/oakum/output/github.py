"""Commands that a GitHub workflow turns into annotations."""

from __future__ import annotations

from oakum.entry import Entry
from oakum.output.places import posix
from oakum.output.terminal import Paint

_COMMANDS = {"warning": "warning", "information": "notice", "hint": "notice"}


def write(found: Entry, paint: Paint) -> str:
    span = found.span
    where = {"file": posix(found.path), "title": f"{found.code} {found.smell}"}
    if not span.cell:  # lines of a cell are not lines of the file
        where |= {"line": str(span.line), "endLine": str(span.end_line)}
        if span.line == span.end_line:
            where |= {"col": str(span.column), "endColumn": str(span.end_column)}
    properties = ",".join(f"{key}={_escape(value, is_property=True)}" for key, value in where.items())
    return f"::{_COMMANDS[found.level]} {properties}::{_escape(found.message)}\n"


def _escape(text: str, *, is_property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text
