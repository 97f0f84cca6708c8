"""Fixes are tried before they are offered: each is made in memory, once, when somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from oakum.analysis import Cancelled
from oakum.lsp.editor import Editor
from oakum.lsp.opened import Opened
from oakum.lsp.worker import Worker
from oakum.report import Diagnostic, Report
from oakum.verification import verified


class Trials:
    """Which fixes of open documents hold. What was found out is kept with the document, until it changes."""

    def __init__(self, worker: Worker, editor: Editor) -> None:
        self._worker = worker
        self._editor = editor

    async def held(self, opened: Opened, report: Report, of: Sequence[Diagnostic]) -> Report | None:
        """The report with only those fixes of some findings that hold. None if it is overtaken."""
        todo = [item for item in of if item.mends and id(item) not in opened.held]
        if todo and opened.settings is not None:
            await asyncio.shield(self._try(opened, report, todo))  # who asks may give up, and ask again
        if any(item.mends and id(item) not in opened.held for item in of):
            return None
        return replace(report, diagnostics=tuple(opened.held.get(id(item), item) for item in report.diagnostics))

    async def _try(self, opened: Opened, report: Report, todo: Sequence[Diagnostic]) -> None:
        revision = opened.revision
        work = partial(
            verified,
            report,
            opened.settings,
            memory=opened.memory,
            of=todo,
            cancelled=lambda: opened.revision != revision,
        )
        try:
            checked = await self._worker.run(work)
        except Cancelled:
            return
        except Exception as error:
            self._editor.log(f"fixes of {opened.uri} could not be tried: {type(error).__name__}: {error}")
            checked = replace(report, diagnostics=tuple(replace(item, mends=()) for item in report.diagnostics))
        if opened.revision == revision:
            wanted = {id(item) for item in todo}
            pairs = zip(report.diagnostics, checked.diagnostics, strict=True)
            opened.held.update({id(item): held for item, held in pairs if id(item) in wanted})
