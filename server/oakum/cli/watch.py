"""Waiting for files to change. They are looked at a few times a second: that needs no library, and works on every file system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_EVERY = 0.4


def changed_files(find: Callable[[], Sequence[Path]]) -> Iterator[None]:
    """Once at the start, and then whenever a file comes, goes or changes."""
    before: dict[Path, tuple[int, int]] | None = None
    while True:
        now = {path: stamp for path in find() if (stamp := _stamp(path))}
        if now != before:
            before = now
            yield
        time.sleep(_EVERY)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
