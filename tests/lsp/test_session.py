"""What an analysis that takes its time means for versions, cancelling and closing; it is played here by a script."""

from __future__ import annotations

import ast
import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
from lsp.editor import LEAK, at
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from oakum import catalogue
from oakum.analysis import Cancelled
from oakum.lsp import session as under_test
from oakum.lsp.session import TYPING_PAUSE, Session
from oakum.report import Report
from oakum.rule import Finding, Form, Level
from oakum.settings import Settings
from oakum.syntax.document import Document

URI = "untitled:a"
ACTIONS = types.TextDocumentClientCapabilities(
    code_action=types.CodeActionClientCapabilities(
        code_action_literal_support=types.ClientCodeActionLiteralOptions(types.ClientCodeActionKindOptions([]))
    )
)


class Server:
    """What a session says to its editor."""

    def __init__(self) -> None:
        self.published: list[tuple[str, int | None]] = []
        self.diagnostics: list[Sequence[types.Diagnostic]] = []
        self.logged: list[str] = []
        self.told: list[str] = []
        self.workspace = type("Workspace", (), {"position_encoding": "utf-16"})
        self.protocol = type("Protocol", (), {"trace": "off"})

    def text_document_publish_diagnostics(self, params: types.PublishDiagnosticsParams) -> None:
        self.published.append((params.uri, params.version))
        self.diagnostics.append(params.diagnostics)

    def window_log_message(self, params: types.LogMessageParams) -> None:
        self.logged.append(params.message)

    def window_show_message(self, params: types.ShowMessageParams) -> None:
        self.told.append(params.message)


class Analysis:
    """Takes until it is let go or cancelled, and remembers what was asked of it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = threading.Event()
        self.seen: list[int | None] = []
        self.cancelled: list[int | None] = []

    def __call__(self, document: Document, settings: Settings, *, memory: Any, cancelled: Callable[[], bool]) -> Report:
        self.seen.append(document.version)
        self.began.set()
        while not self.go.is_set():
            if cancelled():
                self.cancelled.append(document.version)
                raise Cancelled
            time.sleep(0.001)
        return Report(document)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch) -> Analysis:
    found = Analysis()
    monkeypatch.setattr(under_test, "analyse", found)
    return found


async def begin(server: Server, **capabilities: Any) -> Session:
    session = Session(cast("LanguageServer", server))
    session.begin(types.InitializeParams(capabilities=types.ClientCapabilities(**capabilities)))
    await session.settle()
    return session


def open_in(session: Session, version: int, text: str = LEAK) -> None:
    session.open(types.TextDocumentItem(URI, "python", version, text))


def change_in(session: Session, version: int, text: str = LEAK) -> None:
    change = types.TextDocumentContentChangeWholeDocument(text)
    session.change(types.VersionedTextDocumentIdentifier(version=version, uri=URI), [change])


async def until(question: Callable[[], Any]) -> None:
    for _ in range(5000):
        if question():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came true")


async def test_an_overtaken_analysis_stops_and_is_not_shown(server: Server, analysis: Analysis) -> None:
    session = await begin(server)
    open_in(session, 1)
    await until(analysis.began.is_set)
    change_in(session, 2)
    await until(lambda: analysis.seen == [1, 2])
    analysis.go.set()
    await until(lambda: server.published)
    assert analysis.cancelled == [1]
    assert server.published == [(URI, 2)]
    session.end()


async def test_typing_is_waited_for(server: Server, analysis: Analysis) -> None:
    session = await begin(server)
    analysis.go.set()
    open_in(session, 1)
    await until(lambda: server.published)
    for version in range(2, 12):
        change_in(session, version)
        await asyncio.sleep(TYPING_PAUSE / 30)
    await until(lambda: len(server.published) > 1)
    await asyncio.sleep(2 * TYPING_PAUSE)
    assert server.published[-1] == (URI, 11)
    assert len(analysis.seen) < 12
    session.end()


async def test_questions_share_an_analysis_and_await_the_newest(server: Server, analysis: Analysis) -> None:
    session = await begin(server)
    open_in(session, 1)
    await until(analysis.began.is_set)
    hover = asyncio.create_task(session.hover(URI, types.Position(0, 0)))
    actions = asyncio.create_task(session.code_actions(URI, at(0, 0), types.CodeActionContext([])))
    await asyncio.sleep(0)
    change_in(session, 2)
    await until(lambda: 2 in analysis.seen)
    assert not hover.done()
    analysis.go.set()
    assert await hover is None
    assert await actions == []
    assert analysis.seen == [1, 2]
    session.end()


async def test_a_question_withdrawn_doesn_t_end_the_analysis(server: Server, analysis: Analysis) -> None:
    session = await begin(server)
    open_in(session, 1)
    await until(analysis.began.is_set)
    hover = asyncio.create_task(session.hover(URI, types.Position(0, 0)))
    await asyncio.sleep(0.01)
    hover.cancel()
    analysis.go.set()
    await until(lambda: server.published)
    assert analysis.seen == [1]
    session.end()


async def test_closed_meanwhile(server: Server, analysis: Analysis) -> None:
    session = await begin(server)
    open_in(session, 1)
    await until(analysis.began.is_set)
    hover = asyncio.create_task(session.hover(URI, types.Position(0, 0)))
    await asyncio.sleep(0)
    session.close(URI)
    assert await hover is None
    await until(lambda: analysis.cancelled)
    assert server.published == [(URI, None)]
    session.end()


async def test_what_names_no_framework_is_not_analysed(server: Server, analysis: Analysis) -> None:
    session = await begin(server)
    open_in(session, 1, "import os\n")
    await until(lambda: server.published)
    assert analysis.seen == []
    session.end()


async def test_a_failure_is_logged_and_the_next_text_is_analysed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(document: Document, *args: Any, **how: Any) -> Report:
        if document.version == 1:
            raise ZeroDivisionError("why not")
        return Report(document)

    monkeypatch.setattr(under_test, "analyse", fail)
    session = await begin(server)
    open_in(session, 1)
    await until(lambda: server.published == [(URI, 1)])
    assert "why not" in server.logged[0]
    change_in(session, 2)
    await until(lambda: server.published[-1] == (URI, 2))
    session.end()


async def test_saving_does_not_wait_for_an_analysis_that_takes_long(server: Server, analysis: Analysis) -> None:
    session = await begin(server, text_document=ACTIONS)
    open_in(session, 1)
    await until(analysis.began.is_set)
    begun = time.monotonic()
    context = types.CodeActionContext([], only=["source.fixAll.oakum"])
    assert await session.code_actions(URI, at(0, 0), context) == []
    action = types.CodeAction("Fix", kind="source.fixAll.oakum", data={"uri": URI, "version": 1})
    assert (await session.resolve(action)).edit is None
    assert time.monotonic() - begun < 2.5 * under_test.SAVING_WITHIN
    analysis.go.set()
    session.end()


async def test_a_rule_that_loops_is_stopped_and_told_of_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    looped: list[int] = []

    def loop(node: ast.Call, facts: object) -> Iterator[Finding]:
        looped.append(1)
        while True:
            pass
        yield

    monkeypatch.setattr(under_test, "TOO_LONG", 0.3)
    rule = next(rule for rule in catalogue.rules() if rule.code == "PT16")
    monkeypatch.setattr(rule, "forms", [*rule.forms, Form("loops", Level.WARNING, (ast.Call,), loop)])
    session = await begin(server)
    open_in(session, 1)
    await until(lambda: server.published)
    assert [item.code for item in server.diagnostics[-1]] == ["PT16"], "the other rules go on"
    (told,) = server.told
    assert "PT16.loops failed" in told
    (logged,) = server.logged
    assert "TooSlow" in logged
    assert "Traceback" in logged
    change_in(session, 2, LEAK + "x = print(1)\n")
    await until(lambda: server.published[-1] == (URI, 2))
    assert (len(looped), len(server.told)) == (1, 1)
    session.end()
