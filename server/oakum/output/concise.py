"""A finding in one line, for editors and `grep`."""

from __future__ import annotations

from oakum.entry import Entry
from oakum.output.places import where
from oakum.output.terminal import LEVELS, Paint


def write(found: Entry, paint: Paint) -> str:
    level = paint(f"{found.level}[{found.code}]", LEVELS[found.level], "bold")
    return f"{paint(where(found.path, found.span), 'bold')}: {level} {' '.join(found.message.split())}\n"
