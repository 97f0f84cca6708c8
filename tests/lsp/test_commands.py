"""What an editor may have the server do by name."""

from __future__ import annotations

from typing import Any

import pytest
from lsp.editor import KEPT, LEAK, SAFE, Editor, capabilities
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp.client import register_lsp_features

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def run(editor: Editor, command: str, *arguments: Any) -> Any:
    return await editor.client.workspace_execute_command_async(types.ExecuteCommandParams(command, list(arguments)))


async def test_they_are_declared(editor: Editor) -> None:
    declared = editor.capabilities.execute_command_provider
    assert declared
    assert set(declared.commands) == {"oakum.fixAll", "oakum.explain", "oakum.status"}


async def test_explaining_a_rule(editor: Editor) -> None:
    for name in ("PT16", "dead-code", "OK01"):
        assert "## Why" in await run(editor, "oakum.explain", name)
    assert await run(editor, "oakum.explain", "PT99") is None
    with pytest.raises(JsonRpcException):
        await run(editor, "oakum.explain")


async def test_explaining_a_line(editor: Editor) -> None:
    uri = editor.open(LEAK)
    text = await run(editor, "oakum.explain", uri, 2)
    assert text.startswith("3 | torch.autograd.set_detect_anomaly(True)\n")
    assert "PT16.switched-on" in text
    assert await run(editor, "oakum.explain", "file:///nowhere/closed.py", 2) is None


async def test_the_status_is_what_a_report_of_a_bug_needs(editor: Editor) -> None:
    uri = editor.open(LEAK)
    await editor.diagnostics(uri)
    text = await run(editor, "oakum.status", uri)
    for part in (
        "Oakum ",
        "Python ",
        editor.encoding,
        "Rules: ",
        "Time of an analysis: half within",
        f"Document: {uri}",
        "configuration:",
    ):
        assert part in text
    assert "Document" not in await run(editor, "oakum.status")
    assert "(not open)" in await run(editor, "oakum.status", "file:///nowhere/closed.py")


async def test_fixing_all_asks_the_editor_to_do_it() -> None:
    editor = Editor(capabilities("visual-studio-code"))
    applied: list[types.ApplyWorkspaceEditParams] = []

    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        applied.append(params)
        return types.ApplyWorkspaceEditResult(applied=True)

    register_lsp_features(editor.client, {types.WORKSPACE_APPLY_EDIT: apply})
    await editor.start()
    assert await run(editor, "oakum.fixAll", editor.open(SAFE)) == {"fixed": 1}
    assert len(applied) == 1
    assert await run(editor, "oakum.fixAll", editor.open(KEPT)) == {"fixed": 0}, "there is nothing that is safe"
    assert await run(editor, "oakum.fixAll", "file:///nowhere/closed.py") == {"fixed": 0}
    assert len(applied) == 1
    await editor.stop()


async def test_showing_a_page_opens_where_it_is_published() -> None:
    declared = capabilities("visual-studio-code")
    assert declared.window
    declared.window.show_document = types.ShowDocumentClientCapabilities(support=True)
    editor = Editor(declared)
    await editor.start()
    assert await run(editor, "oakum.explain", "PT16")
    assert [params.uri for params in editor.client.shown_documents] == ["https://oakum.readthedocs.io/rules/dead-code/"]
    await editor.stop()
