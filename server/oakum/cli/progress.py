"""A bar on a terminal, for runs that take long enough to wonder."""

from __future__ import annotations

import time
from typing import TextIO

_PATIENCE = 0.7  # seconds, until a run is long
_EVERY = 0.1
_WIDTH = 24


class Progress:
    """Counts steps, and shows them on a terminal when the work takes long."""

    def __init__(self, total: int, stream: TextIO, *, quiet: bool = False) -> None:
        self._total = total
        self._stream = stream
        self._is_on = stream.isatty() and not quiet
        self._done = 0
        self._begun = self._shown = time.monotonic()
        self._is_visible = False

    def step(self) -> None:
        """One more is done. What others print meanwhile must not stand in the bar's line."""
        self.clear()
        self._done += 1
        now = time.monotonic()
        if self._is_on and now - self._begun > _PATIENCE and now - self._shown > _EVERY:
            filled = self._done * _WIDTH // max(self._total, 1)
            bar = "#" * filled + "." * (_WIDTH - filled)
            self._stream.write(f"\r[{bar}] {self._done}/{self._total} files")
            self._stream.flush()
            self._shown, self._is_visible = now, True

    def clear(self) -> None:
        if self._is_visible:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._is_visible = False
