"""What the editor has open, and what is known of it: texts, versions, settings, and analyses in a thread of their own.

All of it lives on the event loop; only `analyse` runs elsewhere. An analysis belongs to one version of one document: as soon
as a newer one arrives it is told to stop, and what it finds is dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from oakum import catalogue, configuration, notebook
from oakum.analysis import Cancelled, Memory, analyse, mentions_framework
from oakum.configuration import Configuration, ConfigurationError
from oakum.lsp import convert
from oakum.lsp.convert import Client, Part, Source
from oakum.lsp.preferences import Preferences
from oakum.report import Report
from oakum.settings import Settings
from oakum.syntax.document import Document

TYPING_PAUSE = 0.03
_PYTHON = frozenset({"python", "ipython", ""})
_ALIVE_EVERY = 2.0
# An editor is asked for its settings before anything is shown; one that doesn't answer gets to see its files anyway.
_SETTINGS_WITHIN = 1.0

T = TypeVar("T")


@dataclass(slots=True)
class Text:
    """A text that the editor has open."""

    uri: str
    language: str
    version: int | None
    text: str

    @staticmethod
    def of(item: types.TextDocumentItem) -> Text:
        return Text(item.uri, str(getattr(item.language_id, "value", item.language_id)).lower(), item.version, item.text)

    @staticmethod
    def untold(uri: str) -> Text:
        """A cell that the editor counts and doesn't show, such as one of Markdown."""
        return Text(uri, "unknown", None, "")

    @property
    def is_python(self) -> bool:
        return self.language in _PYTHON


class Opened:
    """A file or a notebook that is open. `revision` counts whatever makes an analysis out of date."""

    def __init__(self, uri: str, texts: list[Text], *, is_notebook: bool, encoding: str) -> None:
        self.uri = uri
        self.path = convert.path_of(uri)
        self.texts = texts
        self.version: int | None = None
        self.is_notebook = is_notebook
        self.revision = 0
        self.memory = Memory()
        self.settings: Settings | None = None  # those that the memory was made with
        self.analysis: asyncio.Task[Report | None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._encoding = encoding
        self._source: Source | None = None

    @property
    def is_python(self) -> bool:
        return self.is_notebook or self.texts[0].is_python

    @property
    def source(self) -> Source:
        """The newest version, made when it is first asked for: an editor may send many changes in a row."""
        if self._source is None:
            if self.is_notebook:
                cells = [(number, text) for number, text in enumerate(self.texts, 1) if text.is_python]
                document = notebook.join([(number, text.text) for number, text in cells], self.path, self.version)
                parts = [
                    Part(text.uri, text.version, cell.first_line) for (_, text), cell in zip(cells, document.cells, strict=True)
                ]
            else:
                text = self.texts[0]
                document = Document(text.text, self.path, text.version)
                parts = [Part(text.uri, text.version)]
            self._source = Source(document, tuple(parts), self._encoding)
        return self._source

    def outdate(self) -> None:
        """What is known, or is being found out, is of the past."""
        self.revision += 1
        self.analysis = None
        self._source = None
        if self.timer:
            self.timer.cancel()
            self.timer = None


class Session:
    """One editor's session, from `initialize` to the end."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.client = Client()
        self._opened: dict[str, Opened] = {}  # by the uri of a file, a notebook or one of its cells
        self._initial: Any = None
        self._preferences = Preferences()
        self._projects: dict[Path, Configuration] = {}
        self._told: set[str] = set()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analysis")
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()

    # --- beginning and end ---

    def begin(self, params: types.InitializeParams) -> None:
        encoding = str(getattr(self.server.workspace.position_encoding, "value", self.server.workspace.position_encoding))
        self.client = Client.of(params.capabilities, encoding)
        self._initial = params.initialization_options
        self._prefer(self._initial)
        asyncio.get_running_loop().call_later(_SETTINGS_WITHIN, self._ready.set)
        # A process that can't be seen from the start, as from inside of a container, tells nothing by its absence.
        if params.process_id is not None and os.name == "posix" and _is_alive(params.process_id):
            self._spawn(self._end_with(params.process_id))

    async def settle(self) -> None:
        """The editor is ready: ask to be told of what concerns us, and what its user prefers."""
        self._worker.submit(catalogue.rules)  # loaded while the editor opens its first file
        if self.client.configuration:
            await self.prefer(None)
        self._ready.set()
        registrations: list[types.Registration] = []
        if self.client.registers_configuration:
            section = types.DidChangeConfigurationRegistrationOptions(section="oakum")
            registrations.append(types.Registration("configuration", types.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
        if self.client.registers_watchers:
            watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/pyproject.toml")])
            registrations.append(types.Registration("projects", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watched))
        if registrations:
            await self._ask(self.server.client_register_capability_async(types.RegistrationParams(registrations)))

    def end(self) -> None:
        for opened in set(self._opened.values()):
            opened.outdate()
        self._opened.clear()
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _end_with(self, process: int) -> None:
        """Pipes usually end with the editor. Where another process holds them open, its end is seen here."""
        while _is_alive(process):
            await asyncio.sleep(_ALIVE_EVERY)
        os._exit(1)  # the thread that reads would wait for ever

    # --- settings ---

    async def prefer(self, sent: Any) -> None:
        """The user's settings have changed: as they were sent, or else as the editor tells them when it is asked."""
        if self.client.configuration:
            item = types.ConfigurationItem(section="oakum")
            answer = await self._ask(self.server.workspace_configuration_async(types.ConfigurationParams([item])))
            sent = answer[0] if answer else None
        self._prefer(self._initial if sent is None else sent)
        self.reread()

    def reread(self) -> None:
        """Settings are not what they were: all that is open is looked at again."""
        self._projects.clear()
        self._told.clear()
        for opened in set(self._opened.values()):
            self._touch(opened, 0)
        if self.client.pulls and self.client.refreshes and self._opened:
            self._spawn(self._ask(self.server.workspace_diagnostic_refresh_async(None)))

    def _settings(self, opened: Opened) -> Settings | None:
        """The settings of a document: its project's, and over them the user's. None if the project leaves it out."""
        if opened.path is None:
            return self._preferences.over(Settings())
        folder = opened.path.parent
        if folder not in self._projects:
            try:
                self._projects[folder] = configuration.load(folder)
            except ConfigurationError as error:
                self._warn([str(error)])
                self._projects[folder] = Configuration()
        project = self._projects[folder]
        return None if _leaves_out(project, opened.path) else self._preferences.over(project.settings)

    def _prefer(self, sent: Any) -> None:
        self._preferences, problems = Preferences.read(sent)
        self._warn(problems)

    # --- files ---

    def open(self, item: types.TextDocumentItem) -> None:
        if known := self._opened.pop(item.uri, None):
            known.outdate()
        opened = Opened(item.uri, [Text.of(item)], is_notebook=False, encoding=self.client.encoding)
        self._opened[item.uri] = opened
        self._touch(opened, 0)

    def change(
        self, item: types.VersionedTextDocumentIdentifier, changes: Sequence[types.TextDocumentContentChangeEvent]
    ) -> None:
        if (opened := self._opened.get(item.uri)) and self._change(opened, item, changes):
            self._touch(opened, TYPING_PAUSE)

    def save(self, uri: str) -> None:
        """Nothing waits for a pause in typing any more. Some editors can't watch files, so projects are read again."""
        self._projects.clear()
        if (opened := self._opened.get(uri)) and opened.timer:
            self._touch(opened, 0)

    def close(self, uri: str) -> None:
        if opened := self._opened.pop(uri, None):
            opened.outdate()
            self._clear(text.uri for text in opened.texts)

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
        opened = Opened(book.uri, texts, is_notebook=True, encoding=self.client.encoding)
        opened.version = book.version
        self._opened.update(dict.fromkeys((book.uri, *(text.uri for text in texts)), opened))
        self._touch(opened, 0)

    def change_notebook(self, book: types.VersionedNotebookDocumentIdentifier, change: types.NotebookDocumentChangeEvent) -> None:
        opened = self._opened.get(book.uri)
        if not opened or not opened.is_notebook or not change.cells:
            return
        opened.version = book.version
        if structure := change.cells.structure:
            self._restructure(opened, structure)
        for content in change.cells.text_content or ():
            self._change(opened, content.document, content.changes)
        self._touch(opened, TYPING_PAUSE)

    def close_notebook(self, uri: str) -> None:
        if opened := self._opened.get(uri):
            for name in (uri, *(text.uri for text in opened.texts)):
                self._opened.pop(name, None)
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
            self._opened.pop(uri, None)
        self._opened.update(dict.fromkeys(present, opened))
        self._clear(gone)

    # --- answers ---

    async def diagnostic(self, uri: str, previous: str | None) -> types.DocumentDiagnosticReport:
        items: list[types.Diagnostic] = []
        if known := await self._report(uri):
            items = next((new for part, new in convert.diagnostics(*known, self.client).items() if part.uri == uri), items)
        name = convert.result_id(items)
        if name == previous:
            return types.RelatedUnchangedDocumentDiagnosticReport(result_id=name)
        return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=name)

    async def hover(self, uri: str, position: types.Position) -> types.Hover | None:
        known = await self._report(uri)
        return convert.hover(*known, self.client, uri, position) if known else None

    async def code_actions(self, uri: str, where: types.Range, context: types.CodeActionContext) -> list[types.CodeAction]:
        known = await self._report(uri)
        return convert.code_actions(*known, self.client, uri, where, context.only) if known else []

    # --- analysis ---

    async def _report(self, uri: str) -> tuple[Source, Report] | None:
        """The newest version of what is open and all that is known of it. Typing meanwhile makes it wait for the newer one."""
        while opened := self._opened.get(uri):
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
        if not opened.is_python or not self._preferences.enable or not mentions_framework(document.text):
            return Report(document)
        settings = self._settings(opened)
        if settings is None:
            return Report(document)
        if settings != opened.settings:
            opened.settings, opened.memory = settings, Memory()
        work = partial(analyse, document, settings, memory=opened.memory, cancelled=lambda: opened.revision != revision)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except Cancelled:
            return None
        except Exception as error:
            opened.memory = Memory()  # what it holds may be the reason
            self._log(f"{opened.uri} could not be analysed: {type(error).__name__}: {error}")
            return Report(document)

    def _touch(self, opened: Opened, pause: float) -> None:
        """The document is another one now. An editor that pulls will ask; to others it is told after a pause."""
        opened.outdate()
        if not self.client.pulls:
            opened.timer = asyncio.get_running_loop().call_later(pause, lambda: self._spawn(self._publish(opened)))

    async def _publish(self, opened: Opened) -> None:
        opened.timer = None
        source = opened.source
        report = await self._analysis(opened)
        if report and opened.source is source and self._opened.get(opened.uri) is opened:
            for part, items in convert.diagnostics(source, report, self.client).items():
                self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(part.uri, items, part.version))

    def _clear(self, names: Iterable[str]) -> None:
        if not self.client.pulls:
            for uri in names:
                self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    # --- the editor ---

    async def _ask(self, request: Coroutine[Any, Any, T]) -> T | None:
        """The editor's answer, None if it has none: that is no reason to stop."""
        try:
            return await request
        except JsonRpcException as error:
            self._log(f"the editor refused a request: {error}")
            return None

    def _warn(self, problems: Iterable[str]) -> None:
        """Tell the user what is wrong with the settings, each thing once."""
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                self.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"Oakum: {problem}"))

    def _log(self, message: str) -> None:
        self.server.window_log_message(types.LogMessageParams(types.MessageType.Warning, message))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _leaves_out(project: Configuration, path: Path) -> bool:
    if not project.path or not project.exclude:
        return False
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(project.exclude).match_file(path.relative_to(project.path.parent).as_posix())
