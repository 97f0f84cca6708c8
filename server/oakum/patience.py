"""How long a piece of work may take: a rule that loops is stopped, and the rest goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


class TooSlow(Exception):
    """A piece of work took longer than any honest one does. Raised in the middle of it, wherever it is."""


@contextmanager
def limited(seconds: float) -> Generator[None, None, None]:
    """After each so many seconds of processor time inside, `TooSlow` is raised there: a busy machine makes nobody slow.

    On the main thread of Unix; elsewhere work is not limited.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"it took more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
