"""One editor's session: what is open, what is known of it, and the answers to questions about it.

All of it lives on the event loop; only `analyse` runs elsewhere. An analysis belongs to one version of one document: as soon
as a newer one arrives it is told to stop, and what it finds is dropped.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from oakum import catalogue
from oakum.analysis import Cancelled, analyse, concerns
from oakum.lsp import actions, convert
from oakum.lsp.client import Client
from oakum.lsp.closed import Closed, rests_on
from oakum.lsp.editor import Editor
from oakum.lsp.hover import hover
from oakum.lsp.opened import Opened, Text
from oakum.lsp.places import Source, path_of
from oakum.lsp.projects import Projects
from oakum.lsp.trials import Trials
from oakum.lsp.worker import Worker
from oakum.patience import TooSlow
from oakum.provisional import provisional
from oakum.report import Diagnostic, Report
from oakum.semantics.program import Workspace

TYPING_PAUSE = 0.03
# After an edit inside of a function, that function is answered for at once, and all that rests on it when nobody types.
SETTLING_PAUSE = 0.35
SAVING_WITHIN = 0.2  # who saves is not to wait longer for a fix
STORM_PAUSE = 0.2  # changes on disk come by the thousand when a branch is checked out: they are one
NEIGHBOUR_PAUSE = 0.3  # after typing in one file, until those that import it are looked at again
TOO_LONG = 5.0  # for any piece of work on one file
_ALIVE_EVERY = 2.0
# An editor is asked for its settings before anything is shown; one that doesn't answer gets to see its files anyway.
_SETTINGS_WITHIN = 1.0
_WATCHED = (
    "**/*.{py,ipynb,sh,env}",
    "**/{Dockerfile,.env,environment}*",
    "**/{pyproject,oakum}.toml",
    "**/{.gitignore,*baseline*.json}",
)
_SETTING_FILES = frozenset({"pyproject.toml", "oakum.toml", ".gitignore"})


class Session:
    """One editor's session, from `initialize` to the end."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.editor = Editor(server)
        self.client = Client()
        self.client_name = ""
        self.projects = Projects(self.editor.warn)
        self.timings: deque[float] = deque(maxlen=200)  # of analyses, in seconds
        self.workspace = Workspace()
        self.worker = Worker(TOO_LONG)
        self._trials = Trials(self.worker, self.editor)
        self.opened: dict[str, Opened] = {}  # by the uri of a file, a notebook or one of its cells
        self.closed = Closed(self.workspace, self.projects, self.worker, self.editor.log)
        self._initial: Any = None
        self._preferred: tuple[Any, dict[Path, Any]] = None, {}
        self._ready = asyncio.Event()
        self._changed: set[Path] = set()  # on disk
        self._storm: asyncio.TimerHandle | None = None
        self._passing: asyncio.Task[None] | None = None

    # --- beginning and end ---

    def begin(self, params: types.InitializeParams) -> None:
        encoding = str(getattr(self.server.workspace.position_encoding, "value", self.server.workspace.position_encoding))
        self.client = Client.of(params.capabilities, encoding)
        self.client_name = f"{params.client_info.name} {params.client_info.version or ''}".strip() if params.client_info else ""
        folders = [folder.uri for folder in params.workspace_folders or ()]
        self._set_roots(folders or [uri for uri in (params.root_uri,) if uri])
        self._initial = params.initialization_options
        self._preferred = self._initial, {}
        self.projects.prefer(self._initial)
        asyncio.get_running_loop().call_later(_SETTINGS_WITHIN, self._ready.set)
        # A process that can't be seen from the start, as from inside of a container, tells nothing by its absence.
        if params.process_id is not None and os.name == "posix" and _is_alive(params.process_id):
            self.editor.spawn(self._end_with(params.process_id))

    async def settle(self) -> None:
        """The editor is ready: ask to be told of what concerns us, and what its user prefers."""
        self.worker.warm_up(catalogue.rules)  # loaded while the editor opens its first file
        if self.client.configuration:
            await self.prefer(None)
        self._ready.set()
        registrations: list[types.Registration] = []
        if self.client.registers_configuration:
            section = types.DidChangeConfigurationRegistrationOptions(section="oakum")
            registrations.append(types.Registration("configuration", types.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
        if self.client.registers_watchers:
            watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(glob) for glob in _WATCHED])
            registrations.append(types.Registration("projects", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watched))
        if registrations:
            await self.editor.ask(self.server.client_register_capability_async(types.RegistrationParams(registrations)))
        if not self.client.configuration:
            self.survey()

    def end(self) -> None:
        for opened in set(self.opened.values()):
            opened.outdate()
        self.opened.clear()
        if self._passing:
            self._passing.cancel()
        self.worker.end()

    async def _end_with(self, process: int) -> None:
        """Pipes usually end with the editor. Where another process holds them open, its end is seen here."""
        while _is_alive(process):
            await asyncio.sleep(_ALIVE_EVERY)
        os._exit(1)  # the thread that reads would wait for ever

    # --- settings and folders ---

    async def prefer(self, sent: Any) -> None:
        """The user's settings have changed: as they were sent, or else as the editor tells them when it is asked."""
        scoped: dict[Path, Any] = {}
        if self.client.configuration:
            roots = self.projects.roots if len(self.projects.roots) > 1 else ()
            items = [types.ConfigurationItem(section="oakum")]
            items += [types.ConfigurationItem(scope_uri=root.as_uri(), section="oakum") for root in roots]
            answer = await self.editor.ask(self.server.workspace_configuration_async(types.ConfigurationParams(items)))
            sent, *of_folders = answer or [None]
            scoped = {root: each for root, each in zip(roots, of_folders, strict=False) if each is not None}
        if (preferred := (self._initial if sent is None else sent, scoped)) != self._preferred:
            self._preferred = preferred
            self.editor.forget()
            self.projects.prefer(*preferred)
        self.reread()

    async def change_folders(self, added: Iterable[str], removed: Iterable[str]) -> None:
        gone = {path_of(uri) for uri in removed}
        self._set_roots([*(root.as_uri() for root in self.projects.roots if root not in gone), *added])
        await self.prefer(self._initial)

    def reread(self) -> None:
        """Settings are not what they were: all is looked at again."""
        self.projects.forget()
        self._look_again(set(self.opened.values()), 0)
        self.survey()

    def _set_roots(self, folders: Iterable[str]) -> None:
        self.projects.roots = tuple(dict.fromkeys(path for uri in folders if (path := path_of(uri))))
        self.workspace.roots = self.projects.roots

    # --- files ---

    def open(self, item: types.TextDocumentItem) -> None:
        if known := self.opened.pop(item.uri, None):
            known.outdate()
        opened = Opened(item.uri, [Text.of(item)], self.workspace, is_notebook=False, encoding=self.client.encoding)
        self.opened[item.uri] = opened
        if opened.path:
            self.closed.known.pop(opened.path, None)
        self._touch(opened, 0)

    def change(
        self, item: types.VersionedTextDocumentIdentifier, changes: Sequence[types.TextDocumentContentChangeEvent]
    ) -> None:
        if (opened := self.opened.get(item.uri)) and self._change(opened, item, changes):
            self._touch(opened, TYPING_PAUSE)

    def save(self, uri: str) -> None:
        """Nothing waits for a pause in typing any more. Some editors can't watch files, so projects are read again."""
        self.projects.forget()
        if (opened := self.opened.get(uri)) and opened.timer:
            self._touch(opened, 0)

    def close(self, uri: str) -> None:
        if opened := self.opened.pop(uri, None):
            opened.outdate()
            self._clear(text.uri for text in opened.texts)
            if opened.path:
                self.workspace.open_documents.pop(opened.path, None)
                self._touch_neighbours(opened.path)
                self.survey(frozenset({opened.path}))

    def changed_on_disk(self, names: Iterable[str]) -> None:
        """Files have come, gone or changed. A storm of such news is one: it is waited for its end."""
        self._changed.update(path for uri in names if (path := path_of(uri)))
        if self._storm:
            self._storm.cancel()
        self._storm = asyncio.get_running_loop().call_later(STORM_PAUSE, self._after_the_storm)

    def _after_the_storm(self) -> None:
        changed, self._changed, self._storm = frozenset(self._changed), set(), None
        if any(path.name in _SETTING_FILES for path in changed) or changed & self.projects.files:
            self.editor.forget()
            self.reread()
            return
        names = {path.parent.name if path.stem == "__init__" else path.stem for path in changed}
        concerned: set[Opened] = set()
        for opened in set(self.opened.values()):
            if opened.rests_on & changed:
                concerned.add(opened)
            elif opened.words & names and opened.path not in changed:
                opened.forget()  # a file that is new may be what an import looked for in vain
                concerned.add(opened)
        self._look_again(concerned, 0)
        self.survey(changed)

    def _change(
        self,
        opened: Opened,
        item: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> bool:
        for text in opened.texts:
            if text.uri == item.uri:
                text.text = convert.changed(text.text, changes, self.client.encoding)
                text.version = item.version
                return True
        return False

    # --- notebooks ---

    def open_notebook(self, book: types.NotebookDocument, items: Iterable[types.TextDocumentItem]) -> None:
        self.close_notebook(book.uri)
        given = {item.uri: Text.of(item) for item in items}
        texts = [given.get(cell.document) or Text.untold(cell.document) for cell in book.cells]
        opened = Opened(book.uri, texts, self.workspace, is_notebook=True, encoding=self.client.encoding)
        opened.version = book.version
        self.opened.update(dict.fromkeys((book.uri, *(text.uri for text in texts)), opened))
        self._touch(opened, 0)

    def change_notebook(self, book: types.VersionedNotebookDocumentIdentifier, change: types.NotebookDocumentChangeEvent) -> None:
        opened = self.opened.get(book.uri)
        if not opened or not opened.is_notebook or not change.cells:
            return
        opened.version = book.version
        if structure := change.cells.structure:
            self._restructure(opened, structure)
        for content in change.cells.text_content or ():
            self._change(opened, content.document, content.changes)
        self._touch(opened, TYPING_PAUSE)

    def close_notebook(self, uri: str) -> None:
        if opened := self.opened.get(uri):
            for name in (uri, *(text.uri for text in opened.texts)):
                self.opened.pop(name, None)
            opened.outdate()
            self._clear(text.uri for text in opened.texts)

    def _restructure(self, opened: Opened, structure: types.NotebookDocumentCellChangeStructure) -> None:
        """Cells come, go and move: the editor names a stretch of cells, and what stands in its place."""
        known = {text.uri: text for text in opened.texts} | {item.uri: Text.of(item) for item in structure.did_open or ()}
        array = structure.array
        start = min(array.start, len(opened.texts))
        new = [known.get(cell.document) or Text.untold(cell.document) for cell in array.cells or ()]
        opened.texts[start : start + array.delete_count] = new
        present = {text.uri for text in opened.texts}
        for uri in (gone := set(known) - present):
            self.opened.pop(uri, None)
        self.opened.update(dict.fromkeys(present, opened))
        self._clear(gone)

    # --- answers ---

    async def diagnostic(self, uri: str, previous: str | None) -> types.DocumentDiagnosticReport:
        items: list[types.Diagnostic] = []
        opened = self.opened.get(uri)
        known = await self._glance(opened) if opened and self.client.refreshes else None
        if opened and known:
            self._settle_later(opened, known)
        if known := known or await self.report(uri):
            items = next((new for part, new in convert.diagnostics(*known, self.client).items() if part.uri == uri), items)
        name = convert.result_id(items)
        if name == previous:
            return types.RelatedUnchangedDocumentDiagnosticReport(result_id=name)
        return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=name)

    async def workspace_diagnostic(self, params: types.WorkspaceDiagnosticParams) -> types.WorkspaceDiagnosticReport:
        """What leaks in closed files. Where all is known to the editor, the answer waits until there is news."""
        await self._ready.wait()
        if not self.projects.preferences.whole_workspace:  # what is known from before is to be taken back
            return types.WorkspaceDiagnosticReport(list(self.closed.reports(params.previous_result_ids)))
        if self._passing is None:
            self.survey(token=params.work_done_token)
        if self._passing:
            await asyncio.shield(self._passing)
        while True:
            reports = list(self.closed.reports(params.previous_result_ids))
            is_news = any(isinstance(each, types.WorkspaceFullDocumentDiagnosticReport) for each in reports)
            if is_news or not params.previous_result_ids:
                return types.WorkspaceDiagnosticReport(reports)
            async with self.closed.news:
                await self.closed.news.wait()

    async def hover(self, uri: str, position: types.Position) -> types.Hover | None:
        known = await self.report(uri)
        return hover(*known, self.client, uri, position) if known else None

    async def code_actions(self, uri: str, where: types.Range, context: types.CodeActionContext) -> list[types.CodeAction]:
        """What can be done, with fixes that hold. Who saves gets what is known within a moment, and nothing else."""
        within = SAVING_WITHIN if actions.is_about_saving(context.only) else None
        with suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(self._code_actions(uri, where, context.only), within)
        return []

    async def _code_actions(self, uri: str, where: types.Range, only: Sequence[str] | None) -> list[types.CodeAction]:
        if (known := await self.report(uri)) is None:
            return []
        source, report = known
        touching = list(actions.touching(source, report, uri, where))
        held = await self.held(uri, report, touching if self.client.resolves else report.diagnostics)
        return actions.code_actions(source, held, self.client, uri, where, only) if held else []

    async def resolve(self, action: types.CodeAction) -> types.CodeAction:
        """The action with its edit; without one if the text has moved on since it was offered, or it takes too long to save."""
        within = SAVING_WITHIN if action.kind == actions.FIX_ALL else None
        with suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(self._resolve(action), within)
        return action

    async def _resolve(self, action: types.CodeAction) -> types.CodeAction:
        given: Any = action.data
        data = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        uri: Any = data.get("uri")
        if isinstance(uri, str) and not action.edit and (known := await self.report(uri)):
            source, report = known
            versions = {part.uri: part.version for part in source.parts}
            if versions.get(uri) == data.get("version") and (held := await self.held(uri, report, report.diagnostics)):
                return actions.resolve(source, held, self.client, action)
        return action

    async def held(self, uri: str, report: Report, of: Sequence[Diagnostic]) -> Report | None:
        """The report with only those fixes of some findings that hold. None if it is overtaken."""
        opened = self.opened.get(uri)
        return await self._trials.held(opened, report, of) if opened else None

    # --- analysis ---

    async def report(self, uri: str) -> tuple[Source, Report] | None:
        """The newest version of what is open and all that is known of it. Typing meanwhile makes it wait for the newer one."""
        while opened := self.opened.get(uri):
            source = opened.source
            report = await asyncio.shield(self._analysis(opened))
            if report and opened.source is source:
                return source, report
        return None

    def _analysis(self, opened: Opened) -> asyncio.Task[Report | None]:
        if opened.analysis is None:
            opened.analysis = asyncio.get_running_loop().create_task(self._analyse(opened, opened.revision))
        return opened.analysis

    async def _analyse(self, opened: Opened, revision: int) -> Report | None:
        """A report of the present version, None if it is overtaken."""
        await self._ready.wait()
        if opened.revision != revision:
            return None
        document = opened.source.document
        if opened.path:
            self.workspace.open_documents[opened.path] = document
        settings = self.projects.settings_of(opened.path)
        if not opened.is_read or settings is None or not concerns(document):
            return Report(document)
        if settings != opened.settings:
            opened.settings = settings
            opened.forget()
        memory = opened.memory
        work = partial(analyse, document, settings, memory=memory, cancelled=lambda: opened.revision != revision)

        def measured() -> Report:
            start = time.perf_counter()
            report = work()
            self.timings.append(time.perf_counter() - start)
            opened.rests_on = rests_on(memory)
            return report

        try:
            report = await self.worker.run(measured)
        except Cancelled:
            return None
        except Exception as error:
            opened.forget()
            what = f"took more than {TOO_LONG:g} s" if isinstance(error, TooSlow) else f"{type(error).__name__}: {error}"
            self.editor.log(f"{opened.uri} could not be analysed: {what}")
            return Report(document)
        opened.said = report
        self.editor.tell_failures(opened.uri, report)
        report = self.projects.shown(report)
        self.editor.trace(f"{opened.uri}: {len(report.diagnostics)} found, computed {', '.join(report.recomputed) or 'nothing'}")
        return report

    def _touch(self, opened: Opened, pause: float) -> None:
        """The document is another one now, and so are those that import it."""
        self._schedule(opened, pause)
        if opened.path and not opened.is_notebook:
            self.workspace.open_documents[opened.path] = opened.source.document
            self._touch_neighbours(opened.path)

    def _touch_neighbours(self, path: Path) -> None:
        neighbours = {each for each in self.opened.values() if path in each.rests_on and each.path != path}
        self._look_again(neighbours, NEIGHBOUR_PAUSE)

    def _look_again(self, some: Iterable[Opened], pause: float) -> None:
        """What is known of documents is out of date for another reason than their text."""
        some = list(some)
        for opened in some:
            opened.said = None  # more than a function may be another now
            self._schedule(opened, pause)
        if some and self.client.pulls and self.client.refreshes:
            self.editor.spawn(self._refresh())

    async def _refresh(self) -> None:
        await self.editor.ask(self.server.workspace_diagnostic_refresh_async(None))

    def _schedule(self, opened: Opened, pause: float) -> None:
        """An editor that pulls will ask; to others it is told after a pause."""
        opened.outdate()
        if not self.client.pulls:
            loop = asyncio.get_running_loop()
            opened.timer = loop.call_later(pause, lambda: self.editor.spawn(self._publish(opened)))

    async def _publish(self, opened: Opened) -> None:
        opened.timer = None
        if known := await self._glance(opened):
            self._tell(opened, *known)
            self._settle_later(opened, known)
            return
        source = opened.source
        if report := await self._analysis(opened):
            self._tell(opened, source, report)

    def _tell(self, opened: Opened, source: Source, report: Report) -> None:
        if opened.source is source and self.opened.get(opened.uri) is opened:
            for part, items in convert.diagnostics(source, report, self.client).items():
                self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(part.uri, items, part.version))

    async def _glance(self, opened: Opened) -> tuple[Source, Report] | None:
        """What can be said at once after an edit inside of a function; None if the whole answer is known, or has to be waited for."""
        before, settings, source, revision = opened.said, opened.settings, opened.source, opened.revision
        if opened.analysis is not None or before is None or before.document.text == source.document.text:
            return None
        if not self._ready.is_set() or settings != self.projects.settings_of(opened.path):
            return None

        def work() -> Report | None:
            return provisional(source.document, before, settings, memory=opened.memory) if opened.revision == revision else None

        try:
            report = await self.worker.run(work)
        except Exception:
            return None  # the analysis that follows tells of it
        if report is None or opened.source is not source:
            return None
        opened.said = report
        return source, self.projects.shown(report)

    def _settle_later(self, opened: Opened, known: tuple[Source, Report]) -> None:
        if opened.timer:
            opened.timer.cancel()
        loop = asyncio.get_running_loop()
        opened.timer = loop.call_later(SETTLING_PAUSE, lambda: self.editor.spawn(self._settle(opened, *known)))

    async def _settle(self, opened: Opened, source: Source, said: Report) -> None:
        """Nobody types: what rests on the last edit is looked at, and told of if it isn't what was said."""
        opened.timer = None
        if opened.source is not source:
            return
        report = await self._analysis(opened)
        if report is None or opened.source is not source:
            return
        told = convert.diagnostics(source, said, self.client)
        if convert.diagnostics(source, report, self.client) == told:
            return
        if self.client.pulls:
            await self._refresh()
        else:
            self._tell(opened, source, report)

    def _clear(self, names: Iterable[str]) -> None:
        if not self.client.pulls:
            for uri in names:
                self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    # --- closed files ---

    def survey(self, changed: frozenset[Path] | None = None, token: types.ProgressToken | None = None) -> None:
        """Look at the closed files, at those that changed or at all, after the pass that is under way."""
        if self.projects.preferences.whole_workspace or self.closed.known:
            before = self._passing
            self._passing = asyncio.get_running_loop().create_task(self._survey(before, changed, token))

    async def _survey(
        self, before: asyncio.Task[None] | None, changed: frozenset[Path] | None, token: types.ProgressToken | None
    ) -> None:
        if before:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(before)
        if not self.projects.preferences.whole_workspace:
            news = await self.closed.forget()
        else:
            bar = await self.editor.progress(
                "Oakum: looking for leaks", token, can_create=self.client.progress and changed is None
            )
            try:
                paths = {opened.path for opened in self.opened.values()}
                news = await self.closed.look(self.client, bar, paths.__contains__, changed)
            finally:
                bar.end()
        if self.client.pulls:
            return
        for each in news:
            if not any(opened.path == path_of(each.uri) for opened in self.opened.values()):
                self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(each.uri, each.items))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
