"""Files of the workspace that nobody has open, for users who want to see what leaks anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lsprotocol import types
from pygls import uris

from oakum import files
from oakum.analysis import Cancelled, Memory, analyse, concerns
from oakum.files import FileError
from oakum.lsp import convert
from oakum.lsp.client import Client
from oakum.lsp.editor import Progress
from oakum.lsp.places import Part, Source
from oakum.lsp.projects import Projects
from oakum.lsp.worker import Worker
from oakum.report import Report
from oakum.semantics.program import Workspace
from oakum.settings import Settings
from oakum.syntax.scripts import kind_of


@dataclass(frozen=True, slots=True)
class Known:
    """What was found in a file, and the other files that the findings rest on."""

    uri: str
    items: tuple[types.Diagnostic, ...]
    result_id: str
    rests_on: frozenset[Path]


class Closed:
    """What is known of the closed files. One pass at a time; what changes meanwhile is looked at in the next."""

    def __init__(self, workspace: Workspace, projects: Projects, worker: Worker, log: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._projects = projects
        self._worker = worker
        self._log = log
        self.known: dict[Path, Known] = {}
        self.news = asyncio.Condition()  # notified when `known` has changed

    async def look(
        self, client: Client, progress: Progress, is_open: Callable[[Path], bool], changed: frozenset[Path] | None
    ) -> list[Known]:
        """Look at all files, or at those that `changed` and those that rest on them; answers what is new.

        A file that is gone, or has been opened, comes as one without findings.
        """
        loop = asyncio.get_running_loop()
        if changed is None:
            roots = [str(root) for root in self._projects.roots]
            found = await loop.run_in_executor(None, partial(files.find, roots, lambda kind, message: None))
            todo = [path for path in found if _is_read(path)]
            gone = set(self.known) - set(todo)
        else:
            resting = {path for path, known in self.known.items() if known.rests_on & changed}
            todo = sorted(path for path in changed | resting if _is_read(path) and self._is_ours(path))
            gone = changed - set(todo)
        news: list[Known] = []
        for number, path in enumerate([*sorted(gone), *todo]):
            if progress.is_cancelled:
                break
            progress.report(number, len(todo))
            before = self.known.get(path)
            now = None if path in gone or is_open(path) else await self._look_at(path, client)
            if now is None and before is not None:
                del self.known[path]
                news.append(Known(before.uri, (), convert.result_id(()), frozenset()))
            elif now is not None:
                self.known[path] = now
                if (before.result_id if before else convert.result_id(())) != now.result_id:
                    news.append(now)
        async with self.news:
            self.news.notify_all()
        return news

    async def forget(self) -> list[Known]:
        """Nobody wants to see closed files any more."""
        gone = [Known(known.uri, (), convert.result_id(()), frozenset()) for known in self.known.values()]
        self.known.clear()
        async with self.news:
            self.news.notify_all()
        return gone

    def reports(self, previous: Iterable[types.PreviousResultId]) -> Iterator[types.WorkspaceDocumentDiagnosticReport]:
        """What an editor that knows `previous` results is to hear, those it knows already included."""
        results = {each.uri: each.value for each in previous}
        for known in self.known.values():
            if results.pop(known.uri, None) == known.result_id:
                yield types.WorkspaceUnchangedDocumentDiagnosticReport(known.uri, known.result_id)
            else:
                yield types.WorkspaceFullDocumentDiagnosticReport(known.uri, known.items, result_id=known.result_id)
        nothing = convert.result_id(())
        for uri, value in results.items():  # gone, or open now
            if value != nothing:
                yield types.WorkspaceFullDocumentDiagnosticReport(uri, (), result_id=nothing)
            else:
                yield types.WorkspaceUnchangedDocumentDiagnosticReport(uri, nothing)

    def _is_ours(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._projects.roots)

    async def _look_at(self, path: Path, client: Client) -> Known | None:
        """What is in a file; None where there is nothing to be said of it."""
        settings = self._projects.settings_of(path)
        if settings is None:
            return None
        while True:
            work = partial(_analysed, path, settings, self._workspace, lambda: self._worker.urgent > 0)
            try:
                found = await self._worker.run(work, urgent=False)
            except Cancelled:  # somebody waits for something else
                await asyncio.sleep(0.01)
            except Exception as error:
                self._log(f"{path} could not be analysed: {type(error).__name__}: {error}")
                return None
            else:
                uri = uris.from_fs_path(str(path))
                if found is None or uri is None:
                    return None
                report, others = found
                source = Source(report.document, (Part(uri, None),), client.encoding)
                ((_, items),) = convert.diagnostics(source, self._projects.shown(report), client).items()
                return Known(uri, tuple(items), convert.result_id(items), others)


def _is_read(path: Path) -> bool:
    return path.suffix == ".py" or kind_of(path.name) is not None


def _analysed(
    path: Path, settings: Settings, workspace: Workspace, cancelled: Callable[[], bool]
) -> tuple[Report, frozenset[Path]] | None:
    """What is found in a file, and which others that rests on."""
    try:
        document = files.read(path).document
    except FileError:
        return None
    if not concerns(document):
        return None
    memory = Memory(workspace)
    return analyse(document, settings, memory=memory, cancelled=cancelled), rests_on(memory)


def rests_on(memory: Memory) -> frozenset[Path]:
    """The other files that an analysis looked into."""
    return frozenset(path for remembered in memory.findings.values() for path, _ in remembered.files)
