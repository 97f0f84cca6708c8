"""What the server says to its editor on its own account: questions, warnings, a log, and how far its work has come."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar, cast
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from oakum import __version__
from oakum.report import Report

T = TypeVar("T")


class Editor:
    """The other end of the line."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, request: Coroutine[Any, Any, T]) -> T | None:
        """The editor's answer, None if it has none: that is no reason to stop."""
        try:
            return await request
        except JsonRpcException as error:
            self.log(f"the editor refused a request: {error}")
            return None

    def warn(self, problems: Iterable[str]) -> None:
        """Tell the user what is wrong, each thing once."""
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                self.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"Oakum: {problem}"))

    def forget(self) -> None:
        """What was told may be told again: things have changed since."""
        self._told.clear()

    def log(self, message: str, level: types.MessageType = types.MessageType.Warning) -> None:
        self.server.window_log_message(types.LogMessageParams(level, message))

    def trace(self, message: str) -> None:
        """Something for those who have set `$/setTrace`."""
        if self.server.protocol.trace != types.TraceValue.Off:
            self.server.log_trace(types.LogTraceParams(message))

    def tell_failures(self, uri: str, report: Report) -> None:
        """A rule that failed is told to the user once; the log has what belongs into a report of the bug."""
        for note in report.notes:
            if note.trace and note.message not in self._told:
                self._told.add(note.message)
                line = report.document.position(note.start).line
                self.log(
                    f"{note.message}\nOakum {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"
                    f"in {uri}, near line {line}\n{note.trace}",
                    types.MessageType.Error,
                )
                told = (
                    f"Oakum: {note.message}. The other rules go on. The log of Oakum has what belongs into a report of the bug."
                )
                self.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, told))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something meanwhile."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def progress(self, title: str, token: types.ProgressToken | None, *, can_create: bool) -> Progress:
        """A bar that shows how far some work has come: the one that the editor gave a token for, or one of our own."""
        if token is None and can_create:
            token = str(uuid4())
            create = types.WorkDoneProgressCreateParams(token)
            try:
                await self.server.window_work_done_progress_create_async(create)
            except JsonRpcException:
                token = None
        bar = Progress(self.server, token)
        bar.begin(title)
        return bar


class Progress:
    """Work that takes a while. The editor may ask for its end: then `is_cancelled`."""

    def __init__(self, server: LanguageServer, token: types.ProgressToken | None) -> None:
        self._server = server
        self._token = token
        self._percentage = -1

    @property
    def is_cancelled(self) -> bool:
        future = None if self._token is None else self._futures.get(self._token)
        return future is not None and future.cancelled()

    def begin(self, title: str) -> None:
        if self._token is not None:
            self._server.work_done_progress.begin(self._token, types.WorkDoneProgressBegin(title, cancellable=True, percentage=0))

    def report(self, done: int, of: int) -> None:
        percentage = done * 100 // of if of else 100
        if self._token is not None and percentage != self._percentage:
            self._percentage = percentage
            message = types.WorkDoneProgressReport(message=f"{done}/{of} files", percentage=percentage)
            self._server.work_done_progress.report(self._token, message)

    def end(self) -> None:
        if self._token is not None:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
            self._futures.pop(self._token, None)

    @property
    def _futures(self) -> dict[types.ProgressToken, Future[Any]]:
        """Pygls cancels what is on file here for a token when the editor says so."""
        return cast("dict[types.ProgressToken, Future[Any]]", self._server.work_done_progress.tokens)  # pyright: ignore[reportUnknownMemberType]
