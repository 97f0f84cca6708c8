"""Oakum in python-lsp-server, for editors that run that one already. Oakum's own server does more, and faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oakum.api import Entry, OakumError, check_text
from oakum.syntax.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable

    def hookimpl(function: Callable[..., Any]) -> Callable[..., Any]: ...
else:
    from pylsp import hookimpl

_SEVERITIES = {"warning": 2, "information": 3, "hint": 4}


@hookimpl
def pylsp_settings() -> dict[str, Any]:
    return {"plugins": {"oakum": {"enabled": True}}}


@hookimpl
def pylsp_lint(document: Any) -> list[dict[str, Any]]:
    try:
        found = check_text(document.source, document.path or None)
    except OakumError:  # of a configuration that is wrong; `oakum check` says what
        return []
    text = Document(document.source)
    return [_diagnostic(each, text) for each in found]


def _diagnostic(found: Entry, text: Document) -> dict[str, Any]:
    span = found.span
    return {
        "source": "oakum",
        "code": found.code,
        "codeDescription": {"href": found.url},
        "message": found.message,
        "severity": _SEVERITIES[found.level],
        "range": {
            "start": _position(text, span.line, span.column),
            "end": _position(text, span.end_line, span.end_column),
        },
    }


def _position(text: Document, line: int, column: int) -> dict[str, int]:
    """A place as people count it, as editors do."""
    line, character = text.line_column(text.offset(line - 1, column - 1), "utf-16")
    return {"line": line, "character": character}
