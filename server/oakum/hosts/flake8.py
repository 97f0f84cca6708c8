"""Oakum in flake8.

Flake8 wants codes to start with the plugin's own letters, so that `PT07` is `OAK107` there, `TK07` is `OAK207`, and Oakum's own `OK01` is
`OAK001`; the message starts with the code that Oakum knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from oakum import __version__
from oakum.api import OakumError, check_text

_FAMILIES = {"OK": 0, "PT": 1, "TK": 2}
_OTHER = 9  # rules of packs


class Plugin:
    """What flake8 makes for each file."""

    name = "oakum"
    version = __version__

    def __init__(self, tree: object, lines: list[str], filename: str) -> None:
        self._text = "".join(lines)
        self._path = None if filename in ("-", "stdin") else filename

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Line from 1, column from 0, text."""
        try:
            found = check_text(self._text, self._path)
        except OakumError as error:
            yield 1, 0, f"OAK999 {error}", type(self)
            return
        for each in found:
            yield each.span.line, each.span.column - 1, f"{_code(each.code)} [{each.code}] {each.message}", type(self)


def _code(code: str) -> str:
    letters, digits = re.fullmatch(r"([A-Z]+)(\d+)", code).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return f"OAK{_FAMILIES.get(letters, _OTHER)}{int(digits) % 100:02}"
