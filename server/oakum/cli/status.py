"""How commands end, and what they say on standard error."""

from __future__ import annotations

import sys

from oakum.output.terminal import Paint, trouble

NOTHING, FOUND, FAILED = 0, 1, 2

EXITS = """\
exit status:
  0  nothing was found
  1  something was found, and is still there
  2  Oakum could not do its work, or could not read a file that it was given
"""


class Complaints:
    """Standard error: every line once. Knows whether any told of a failure."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.failed = False
        self._quiet = quiet
        self._paint = Paint.of(sys.stderr)
        self._said: set[str] = set()

    def __call__(self, kind: str, message: str) -> None:
        self.failed = self.failed or kind == "error"
        if message not in self._said and (kind == "error" or not self._quiet):
            self._said.add(message)
            print(trouble(kind, message, self._paint), file=sys.stderr, flush=True)


def fail(message: str) -> int:
    Complaints()("error", message)
    return FAILED
