"""The language server's front: one function a request, each of which hands on to the session."""

from __future__ import annotations

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest, JsonRpcServerNotInitialized, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter

from oakum import __version__
from oakum.lsp import actions, commands
from oakum.lsp.session import Session

_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[types.NotebookDocumentFilterWithNotebook("*", cells=[types.NotebookCellLanguage("python")])]
)
# Texts are kept by the session: it counts columns and line ends as the rest of Oakum does.
_TEXTS = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)


class Protocol(LanguageServerProtocol):
    """Answers also what an editor must not send: too early, too late, or malformed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for method in _TEXTS:
            self.fm.builtin_features.pop(method, None)  # pyright: ignore[reportUnknownMemberType]

    @property
    def is_shut_down(self) -> bool:
        return self._shutdown

    def handle_message(self, message: Any) -> None:
        method: str = getattr(message, "method", "")
        error: JsonRpcException | None = None
        if method and method != types.EXIT:
            if self._shutdown:
                error = JsonRpcInvalidRequest("the server is shutting down")
            elif self._workspace is None and method != types.INITIALIZE:
                error = JsonRpcServerNotInitialized("the server is not initialized yet")
            elif self._workspace is not None and method == types.INITIALIZE:
                error = JsonRpcInvalidRequest("the server is initialized already")
        if error is None:
            super().handle_message(message)
        elif (message_id := getattr(message, "id", None)) is not None:
            self._send_response(message_id, error=error.to_response_error())

    def structure_message(self, data: dict[str, Any]) -> Any:
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" in data and isinstance(data.get("id"), int | str):
                self._send_response(data["id"], error=error.to_response_error())
            raise


class Server(LanguageServer):
    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            "oakum",
            __version__,
            notebook_document_sync=_NOTEBOOKS,
            protocol_cls=Protocol,
            converter_factory=default_converter,
        )
        self.session = Session(self)

    def report_server_error(self, error: Exception, source: type[PyglsError | JsonRpcException]) -> None:
        """What went wrong belongs into the log; a user can't do anything about it."""
        if self.protocol.writer is not None:
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"{type(error).__name__}: {error}"))


server = Server()


def main(tcp: tuple[str, int] | None = None, ws: tuple[str, int] | None = None) -> int:
    """Serve one editor, on standard input and output or at an address, until it ends. The exit status is the protocol's."""
    if tcp:
        server.start_tcp(*tcp)
    elif ws:
        server.start_ws(*ws)
    else:
        server.start_io()
    server.session.end()
    return 0 if server.protocol.is_shut_down else 1


@server.feature(types.INITIALIZE)
def initialize(ls: Server, params: types.InitializeParams) -> None:
    ls.session.begin(params)
    if ls.session.client.pulls:
        options = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True, identifier="oakum")
        ls.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)(diagnostic)
        ls.feature(types.WORKSPACE_DIAGNOSTIC)(workspace_diagnostic)


@server.feature(types.INITIALIZED)
async def initialized(ls: Server, params: types.InitializedParams) -> None:
    await ls.session.settle()


@server.feature(types.SHUTDOWN)
def shutdown(ls: Server, params: None) -> None:
    ls.session.end()


# --- texts ---


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    ls.session.open(params.text_document)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    ls.session.change(params.text_document, params.content_changes)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    ls.session.save(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.session.close(params.text_document.uri)


@server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
def did_open_notebook(ls: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    ls.session.open_notebook(params.notebook_document, params.cell_text_documents)


@server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
def did_change_notebook(ls: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    ls.session.change_notebook(params.notebook_document, params.change)


@server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
def did_close_notebook(ls: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    ls.session.close_notebook(params.notebook_document.uri)


# --- settings ---


@server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
async def did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
    await ls.session.prefer(params.settings)


@server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def did_change_watched_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    ls.session.changed_on_disk(change.uri for change in params.changes)


@server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
async def did_change_folders(ls: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
    event = params.event
    await ls.session.change_folders([folder.uri for folder in event.added], [folder.uri for folder in event.removed])


# --- questions ---


async def diagnostic(ls: Server, params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
    """Registered for editors that pull; to the others the session tells diagnostics by itself."""
    return await ls.session.diagnostic(params.text_document.uri, params.previous_result_id)


async def workspace_diagnostic(ls: Server, params: types.WorkspaceDiagnosticParams) -> types.WorkspaceDiagnosticReport:
    return await ls.session.workspace_diagnostic(params)


@server.feature(types.TEXT_DOCUMENT_HOVER)
async def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    return await ls.session.hover(params.text_document.uri, params.position)


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=actions.KINDS, resolve_provider=True))
async def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    return await ls.session.code_actions(params.text_document.uri, params.range, params.context)


@server.feature(types.CODE_ACTION_RESOLVE)
async def resolve(ls: Server, params: types.CodeAction) -> types.CodeAction:
    return await ls.session.resolve(params)


# --- commands ---


@server.command(commands.FIX_ALL)
async def fix_all(ls: Server, uri: str) -> dict[str, Any]:
    return await commands.fix_all(ls.session, uri)


@server.command(commands.EXPLAIN)
async def explain(ls: Server, name: str, *line: Any) -> str | None:
    return await commands.explain(ls.session, name, next((at for at in line if isinstance(at, int)), None))


@server.command(commands.STATUS)
async def status(ls: Server, *uris: Any) -> str:
    return commands.status(ls.session, next((uri for uri in uris if isinstance(uri, str)), None))
