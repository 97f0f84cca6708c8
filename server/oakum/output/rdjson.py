"""The format of reviewdog, with suggestions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from oakum.entry import Entry, Near, Span
from oakum.output.places import posix

_SEVERITIES = {"warning": "WARNING", "information": "INFO", "hint": "INFO"}


def write(found: Sequence[Entry]) -> str:
    source = {"name": "oakum", "url": "https://oakum.readthedocs.io"}
    report = {"source": source, "severity": "WARNING", "diagnostics": [_diagnostic(each) for each in found]}
    return json.dumps(report, indent=2) + "\n"


def _diagnostic(found: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "message": found.message,
        "location": _location(found),
        "severity": _SEVERITIES[found.level],
        "code": {"value": found.code, "url": found.url},
    }
    if found.related:
        shown["relatedLocations"] = [{"message": near.message, "location": _location(near)} for near in found.related]
    if found.remedy and not found.span.cell:
        shown["suggestions"] = [{"range": _range(span), "text": text} for span, text in found.remedy.edits]
    return shown


def _location(place: Entry | Near) -> dict[str, Any]:
    path = {"path": posix(place.path)}
    return path if place.span.cell else {**path, "range": _range(place.span)}  # lines of a cell are not lines of the file


def _range(span: Span) -> dict[str, Any]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }
