"""Whatever an editor sends: the server answers what it can, forgives the rest, lives on, and ends with its editor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from lsp.editor import CLEAN, COMMAND, LEAK, PATIENCE, Editor, at, edit
from lsp.wire import Wire
from lsprotocol import types
from pygls.exceptions import JsonRpcException

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def wire() -> AsyncIterator[Wire]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    assert process.stdin
    assert process.stdout
    yield Wire(process, process.stdout, process.stdin)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def test_too_early_and_too_late(wire: Wire) -> None:
    assert (await wire.ask("textDocument/hover", {"textDocument": {"uri": "a:b"}, "position": {"line": 0, "character": 0}}))[
        "error"
    ]["code"] == -32002
    wire.open("file:///early.py", 1, LEAK)
    await wire.begin()
    assert (await wire.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}}))["error"]["code"] == -32600
    assert "error" not in await wire.ask("shutdown")
    assert (await wire.ask("textDocument/hover", {"textDocument": {"uri": "a:b"}, "position": {"line": 0, "character": 0}}))[
        "error"
    ]["code"] == -32600
    wire.send({"method": "exit"})
    assert await wire.end() == 0


async def test_exit_without_shutdown(wire: Wire) -> None:
    await wire.begin()
    wire.send({"method": "exit"})
    assert await wire.end() == 1


async def test_the_editor_is_gone(wire: Wire) -> None:
    await wire.begin()
    wire.open("file:///left.py", 1, LEAK * 200)
    wire.writer.close()
    await wire.end()


async def test_the_process_that_the_editor_named_is_gone(wire: Wire) -> None:
    other = await asyncio.create_subprocess_exec(*COMMAND[:2], "input()", stdin=asyncio.subprocess.PIPE)
    await wire.begin(processId=other.pid)
    other.kill()
    await other.wait()
    await wire.end()


async def test_noise(wire: Wire) -> None:
    await wire.begin()
    wire.send(b"{not json")
    wire.send(b"[]")
    wire.send(b'"text"')
    wire.send(b"{}")
    wire.send(b"\xff\xfe")
    wire.send({"method": "no/suchThing", "params": {}})
    wire.send({"method": "$/setTrace", "params": {"value": "off"}})
    wire.send({"method": "$/cancelRequest", "params": {"id": 4711}})
    wire.send({"id": "nobody asked", "result": None})
    wire.send({"method": "textDocument/didOpen", "params": {"textDocument": {}}})
    assert (await wire.ask("no/suchThing", {}))["error"]["code"] == -32601
    assert (await wire.ask("textDocument/hover", {}))["error"]["code"] == -32602
    wire.open("file:///calm.py", 1, LEAK)
    assert await wire.codes("file:///calm.py", 1) == ["PT16"]
    assert not [one for one in wire.unasked if one.get("method") == "window/showMessage"]


async def test_half_of_a_character(wire: Wire) -> None:
    """JSON can hold a lone surrogate, which no encoding can."""
    await wire.begin()
    wire.open("file:///half.py", 1, LEAK + "x = '\ud83d'\n")
    await wire.codes("file:///half.py", 1)
    wire.open("file:///calm.py", 1, LEAK)
    assert await wire.codes("file:///calm.py", 1) == ["PT16"]


async def test_changes_outside_of_the_text(editor: Editor) -> None:
    uri = editor.open(CLEAN)
    far = types.Range(types.Position(1000, 7), types.Position(2000, 9))
    editor.change(uri, types.TextDocumentContentChangePartial(range=far, text="torch.autograd.set_detect_anomaly(True)\n"))
    assert await editor.codes(uri) == ["PT16"]
    backwards = types.Range(types.Position(3, 5), types.Position(1, 0))
    editor.change(uri, types.TextDocumentContentChangePartial(range=backwards, text=""))
    await editor.diagnostics(uri)
    editor.change(uri, edit(0, 9000, 9001, ""))
    await editor.diagnostics(uri)


async def test_what_was_never_opened(editor: Editor) -> None:
    editor.change("file:///nowhere/never.py", "import torch\n")
    editor.close("file:///nowhere/never.py")
    editor.client.text_document_did_save(
        types.DidSaveTextDocumentParams(types.TextDocumentIdentifier("file:///nowhere/never.py"))
    )
    assert await editor.actions("file:///nowhere/never.py", at(0, 0)) == []
    assert "file:///nowhere/never.py" not in editor.published


async def test_opened_twice(editor: Editor) -> None:
    uri = editor.open(LEAK)
    editor.open(CLEAN, uri)
    assert await editor.codes(uri) == []


@pytest.mark.parametrize(
    "text", ["", "\0", "import torch\n" + "(" * 5000, "import torch\n\tdef\n  x", "import torch\n'''", "\ufeff" + LEAK]
)
async def test_texts_that_are_no_program(editor: Editor, text: str) -> None:
    uri = editor.open(text)
    await editor.diagnostics(uri)
    await editor.hover(uri, 0, 0)
    await editor.actions(uri, at(0, 0))


async def test_strange_uris(editor: Editor) -> None:
    for uri in ("", "x", "file://", "file:///a%00b.py", "file://host/share/a.py", "file:///C%3A/a.py", "untitled:"):
        editor.open(LEAK, uri)
        assert await editor.codes(uri) == ["PT16"]
        editor.close(uri)


async def test_an_unknown_command(editor: Editor) -> None:
    with pytest.raises(JsonRpcException):
        await editor.client.workspace_execute_command_async(types.ExecuteCommandParams("no.such"))


async def test_over_a_socket() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"from oakum.lsp import main; raise SystemExit(main(tcp=('127.0.0.1', {port})))"
    )
    for _ in range(200):
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("nobody listens")
    wire = Wire(process, reader, writer)
    await wire.begin()
    wire.open("file:///far.py", 1, LEAK)
    assert await wire.codes("file:///far.py", 1) == ["PT16"]
    await wire.ask("shutdown")
    wire.send({"method": "exit"})
    assert await wire.end() == 0


async def test_over_a_web_socket() -> None:
    from websockets.asyncio.client import connect

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "oakum", "server", "--ws", f"127.0.0.1:{port}")
    for _ in range(200):
        with contextlib.suppress(OSError):
            line = await connect(f"ws://127.0.0.1:{port}")
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("nobody listens")

    async def ask(number: int, method: str, params: Any) -> dict[str, Any]:
        await line.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while (message := json.loads(await asyncio.wait_for(line.recv(), PATIENCE))).get("id") != number:
            pass
        return message

    answer = await ask(1, "initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert answer["result"]["serverInfo"]["name"] == "oakum"
    await line.send(json.dumps({"jsonrpc": "2.0", "method": "initialized", "params": {}}))
    assert (await ask(2, "workspace/executeCommand", {"command": "oakum.status", "arguments": []}))["result"].startswith("Oakum ")
    await ask(3, "shutdown", None)
    process.kill()
    await process.wait()
