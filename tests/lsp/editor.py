"""An editor as the tests see it: opens and changes texts, and learns of diagnostics by push or by pull, as its original does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

COMMAND = (sys.executable, "-c", "from oakum.lsp import main; raise SystemExit(main())")
PATIENCE = 20.0

LEAK = "import torch\n\ntorch.autograd.set_detect_anomaly(True)\n"
CLEAN = "import torch\n\ntorch.autograd.set_detect_anomaly(False)\n"
SAFE = "import torch\n\ntorch.autograd.detect_anomaly()\n"  # what can be fixed unread
KEPT = """\
import torch

model = torch.nn.Linear(4, 4)
criterion = torch.nn.MSELoss()
loader = torch.utils.data.DataLoader([])
total = 0.0
for x, y in loader:
    loss = criterion(model(x), y)
    loss.backward()
    total += loss
"""

_numbers = itertools.count(1)


def capabilities(name: str) -> types.ClientCapabilities:
    """What an editor declares. `visual-studio-code` is recorded from an old one; the present one pulls and knows notebooks."""
    if name != "visual-studio-code@today":
        return client_capabilities(name)
    found = client_capabilities("visual-studio-code")
    assert found.text_document
    assert found.workspace
    found.general = types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16])
    found.text_document.diagnostic = types.DiagnosticClientCapabilities(dynamic_registration=True, related_document_support=False)
    found.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    found.notebook_document = types.NotebookDocumentClientCapabilities(types.NotebookDocumentSyncClientCapabilities())
    return found


class Editor:
    def __init__(self, declared: types.ClientCapabilities) -> None:
        self.declared = declared
        self.client = LanguageClient(converter_factory=default_converter)
        self.published: dict[str, list[types.PublishDiagnosticsParams]] = {}
        self.registered: list[types.Registration] = []
        self.versions: dict[str, int] = {}
        self.capabilities = types.ServerCapabilities()
        self._news = asyncio.Event()
        self._listen()

    # --- the session ---

    async def start(
        self, options: Any = None, settings: Any = None, folder: Path | None = None, folders: Sequence[Path] = ()
    ) -> None:
        if settings is not None:
            self.client.set_configuration(settings, section="oakum")
        await self.client.start_io(*COMMAND)
        answer = await self.client.initialize_session(
            types.InitializeParams(
                capabilities=self.declared,
                initialization_options=options,
                root_uri=folder.as_uri() if folder else None,
                workspace_folders=[types.WorkspaceFolder(each.as_uri(), each.name) for each in folders] or None,
            )
        )
        self.capabilities = answer.capabilities

    async def stop(self) -> None:
        await self.client.shutdown_session()
        await self.client.stop()

    @property
    def pulls(self) -> bool:
        return self.capabilities.diagnostic_provider is not None

    @property
    def encoding(self) -> str:
        return str(self.capabilities.position_encoding)

    # --- texts ---

    def open(self, text: str, uri: str | None = None, language: str = "python") -> str:
        if uri is None:
            uri = f"file:///nowhere/file{next(_numbers)}.py"
        self.versions[uri] = next(_numbers)
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, language, self.versions[uri], text))
        )
        return uri

    def change(self, uri: str, *changes: types.TextDocumentContentChangeEvent | str) -> None:
        """Change a text; a change that is a string is the whole new text."""
        self.versions[uri] = next(_numbers)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri),
                [
                    types.TextDocumentContentChangeWholeDocument(change) if isinstance(change, str) else change
                    for change in changes
                ],
            )
        )

    def close(self, uri: str) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    # --- questions ---

    async def diagnostics(self, uri: str) -> Sequence[types.Diagnostic]:
        """What the editor shows for the text as it is now."""
        if self.pulls:
            report = await self.pull(uri)
            assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
            return report.items
        return (await self.until(lambda: self.latest(uri, self.versions[uri]))).diagnostics

    async def codes(self, uri: str) -> list[Any]:
        return [item.code for item in await self.diagnostics(uri)]

    async def pull(self, uri: str, previous: str | None = None) -> types.DocumentDiagnosticReport:
        return await self.client.text_document_diagnostic_async(
            types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri), previous_result_id=previous)
        )

    async def hover(self, uri: str, line: int, character: int) -> types.Hover | None:
        return await self.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line, character))
        )

    async def actions(self, uri: str, where: types.Range, only: list[str] | None = None) -> Sequence[types.CodeAction]:
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), where, types.CodeActionContext([], only=only))
        )
        return [await self.resolved(action) for action in found or () if isinstance(action, types.CodeAction)]

    async def resolved(self, action: types.CodeAction) -> types.CodeAction:
        """An action as it is when its user has chosen it."""
        if action.edit or action.data is None:
            return action
        return await self.client.code_action_resolve_async(action)

    # --- what comes unasked ---

    def latest(self, uri: str, version: int | None) -> types.PublishDiagnosticsParams | None:
        found = self.published.get(uri)
        return found[-1] if found and found[-1].version == version else None

    async def until(self, question: Any) -> Any:
        """The first true answer to a question that is asked again whenever the server says something."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not (answer := question()):
            assert loop.time() < end, "the server said nothing of the kind"
            self._news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), 0.05)
        return answer

    def _listen(self) -> None:
        def publish(params: types.PublishDiagnosticsParams) -> None:
            self.published.setdefault(params.uri, []).append(params)
            self._news.set()

        def register(params: types.RegistrationParams) -> None:
            self.registered += params.registrations
            self._news.set()

        features = {types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: publish, types.CLIENT_REGISTER_CAPABILITY: register}
        register_lsp_features(self.client, DEFAULT_CLIENT_FEATURES | features)


def at(line: int, start: int, end: int | None = None) -> types.Range:
    return types.Range(types.Position(line, start), types.Position(line, start if end is None else end))


def edit(line: int, start: int, end: int, text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(range=at(line, start, end), text=text)


def edited(text: str, action: types.CodeAction, uri: str, encoding: str = "utf-32") -> str:
    """A text after a code action."""
    assert action.edit
    if action.edit.document_changes is not None:
        (change,) = action.edit.document_changes
        assert isinstance(change, types.TextDocumentEdit)
        assert change.text_document.uri == uri
        edits = [item for item in change.edits if not isinstance(item, types.SnippetTextEdit)]
    else:
        assert action.edit.changes is not None
        edits = list(action.edit.changes[uri])
    lines = text.splitlines(keepends=True)

    def offset(place: types.Position) -> int:
        before = sum(map(len, lines[: place.line]))
        line = lines[place.line] if place.line < len(lines) else ""
        if encoding == "utf-8":
            return before + len(line.encode()[: place.character].decode())
        if encoding == "utf-16":
            return before + len(line.encode("utf-16-le")[: 2 * place.character].decode("utf-16-le"))
        return before + place.character

    for change in sorted(edits, key=lambda item: offset(item.range.start), reverse=True):
        text = text[: offset(change.range.start)] + change.new_text + text[offset(change.range.end) :]
    return text
