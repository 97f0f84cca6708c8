"""What a terminal needs: colours, widths, and Markdown that can be read there."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from dataclasses import dataclass
from typing import TextIO

_WIDTH = 110  # of a source line that is shown; of a longer one, the part around the finding
_TAB = 4


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
LEVELS = {"warning": "yellow", "information": "cyan", "hint": "green", "off": "dim"}
_KINDS = {"error": "red", "warning": "yellow", "note": "cyan"}


def trouble(kind: str, message: str, paint: Paint) -> str:
    """A line for standard error: an error, a warning or a note."""
    return f"{paint(f'{kind}:', _KINDS[kind], 'bold')} {message}"


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


def clip(text: str, start: int, end: int) -> tuple[str, int, int]:
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
