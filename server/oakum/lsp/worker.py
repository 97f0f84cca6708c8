"""The thread that analyses, and the watch over it: a rule that loops is stopped, and the rest goes on."""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from oakum.patience import TooSlow

T = TypeVar("T")


class Worker:
    """One thread, one piece of work after the other. `urgent` counts those that somebody waits for."""

    def __init__(self, limit: float) -> None:
        self.urgent = 0
        self._limit = limit
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analysis")
        self._lock = threading.Lock()
        self._busy: int | None = None  # the thread, while it works
        self._begun = 0.0  # of its processor time

    async def run(self, work: Callable[[], T], *, urgent: bool = True) -> T:
        """The result of some work. After each `limit` seconds of it, `TooSlow` is raised inside of it."""
        loop = asyncio.get_running_loop()
        self.urgent += urgent
        watch: list[asyncio.TimerHandle] = []

        def look() -> None:
            self._interrupt()
            watch[0] = loop.call_later(self._limit, look)

        def start() -> None:
            watch.append(loop.call_later(self._limit, look))

        def watched() -> T:
            loop.call_soon_threadsafe(start)
            with self._lock:
                self._busy, self._begun = threading.get_ident(), time.thread_time()
            try:
                return work()
            finally:
                with self._lock:
                    self._busy = None

        try:
            return await loop.run_in_executor(self._pool, watched)
        finally:
            self.urgent -= urgent
            for handle in watch:
                handle.cancel()

    def warm_up(self, work: Callable[[], object]) -> None:
        """Do something while there is nothing else to do."""
        self._pool.submit(work)

    def end(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _interrupt(self) -> None:
        with self._lock:
            if self._busy is not None and self._spent(self._busy) >= self._limit * 0.8:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._busy), ctypes.py_object(TooSlow))

    def _spent(self, thread: int) -> float:
        """The processor time that a thread has spent on its piece of work: a busy machine makes no rule slow."""
        if not hasattr(time, "pthread_getcpuclockid"):
            return self._limit
        return time.clock_gettime(time.pthread_getcpuclockid(thread)) - self._begun
