"""Where a finding is, as text and as data."""

from __future__ import annotations

import os
from pathlib import Path

from oakum.entry import Span
from oakum.files import show


def where(path: str | None, span: Span) -> str:
    """`train.py:3:5`, in a notebook `train.ipynb:cell 2:3:5`."""
    return f"{at_line(path, span)}:{span.column}"


def at_line(path: str | None, span: Span) -> str:
    cell = f":cell {span.cell}" if span.cell else ""
    return f"{shown(path)}{cell}:{span.line}"


def shown(path: str | None) -> str:
    return show(Path(path) if path else None)


def posix(path: str | None) -> str:
    """A path for services, which count from the root of the repository and know one separator."""
    return shown(path).replace(os.sep, "/")


def start(span: Span) -> dict[str, int]:
    return {**({"cell": span.cell} if span.cell else {}), "line": span.line, "column": span.column}


def whole(span: Span) -> dict[str, int]:
    return {**start(span), "end_line": span.end_line, "end_column": span.end_column}
