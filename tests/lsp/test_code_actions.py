from __future__ import annotations

import ast

import pytest
from lsp.editor import KEPT, LEAK, Editor, at, edited
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = at(2, 20)


async def test_fixes_come_first_and_ignoring_last(editor: Editor) -> None:
    uri = editor.open(LEAK)
    actions = await editor.actions(uri, HERE)
    assert actions[-1].title == "Ignore PT16 on this line"
    assert not actions[-1].is_preferred
    assert len(actions) > 1
    assert all(action.kind == types.CodeActionKind.QuickFix for action in actions if action.kind != "source.fixAll.oakum")
    for action in actions:
        ast.parse(edited(LEAK, action, uri, editor.encoding))


async def test_each_fix_ends_its_finding(editor: Editor) -> None:
    uri = editor.open(LEAK)
    for action in await editor.actions(uri, HERE):
        fixed = editor.open(edited(LEAK, action, uri, editor.encoding))
        assert await editor.codes(fixed) == [], action.title


async def test_a_fix_names_its_diagnostic(editor: Editor) -> None:
    uri = editor.open(LEAK)
    shown = await editor.diagnostics(uri)
    for action in await editor.actions(uri, HERE, only=["quickfix"]):
        assert action.diagnostics == shown


async def test_edits_name_the_version_where_the_editor_knows_versions(editor: Editor) -> None:
    uri = editor.open(LEAK)
    declared = editor.declared.workspace and editor.declared.workspace.workspace_edit
    for action in await editor.actions(uri, HERE):
        assert action.edit
        if declared and declared.document_changes:
            assert action.edit.document_changes
            (change,) = action.edit.document_changes
            assert isinstance(change, types.TextDocumentEdit)
            assert change.text_document.version == editor.versions[uri]
        else:
            assert action.edit.changes
            assert list(action.edit.changes) == [uri]


async def test_only_what_is_wanted(editor: Editor) -> None:
    uri = editor.open(LEAK)
    kinds = {str(action.kind) for action in await editor.actions(uri, HERE, only=["quickfix"])}
    assert kinds == {"quickfix"}
    assert await editor.actions(uri, HERE, only=["refactor"]) == []
    assert await editor.actions(uri, HERE, only=["quick"]) == []
    for wanted in ("source", "source.fixAll", "source.fixAll.oakum"):
        assert {str(action.kind) for action in await editor.actions(uri, HERE, only=[wanted])} <= {"source.fixAll.oakum"}
    assert await editor.actions(uri, HERE, only=["source.fixAll.other"]) == []


async def test_nothing_beside_a_finding(editor: Editor) -> None:
    uri = editor.open(LEAK)
    assert await editor.actions(uri, at(0, 0, 5), only=["quickfix"]) == []


async def test_a_selection_of_everything(editor: Editor) -> None:
    uri = editor.open(LEAK)
    everything = types.Range(types.Position(0, 0), types.Position(99, 0))
    assert await editor.actions(uri, everything, only=["quickfix"])


async def test_safe_fixes_of_the_file_at_once(editor: Editor) -> None:
    useless = "torch.autograd.detect_anomaly()\n"
    text = f"import torch\n\n{useless}x = 1\n{useless}torch.autograd.set_detect_anomaly(True)\n"
    uri = editor.open(text)
    assert await editor.codes(uri) == ["PT16"] * 3
    (action,) = await editor.actions(uri, at(0, 0), only=["source.fixAll"])
    assert edited(text, action, uri, editor.encoding) == "import torch\n\nx = 1\ntorch.autograd.set_detect_anomaly(True)\n"


async def test_a_fix_to_review_is_offered_and_not_preferred(editor: Editor) -> None:
    uri = editor.open(KEPT)
    (item,) = await editor.diagnostics(uri)
    actions = await editor.actions(uri, item.range, only=["quickfix"])
    assert [bool(action.is_preferred) for action in actions] == [False] * len(actions)
    assert ".item()" in edited(KEPT, actions[0], uri, editor.encoding)
    assert await editor.actions(uri, item.range, only=["source.fixAll"]) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "  # oakum: ignore[PT16]"),
        ("  # why", "  # why  # oakum: ignore[PT16]"),
        ("   ", "  # oakum: ignore[PT16]"),
        ("  # oakum: ignore[PT01]", "  # oakum: ignore[PT01, PT16]"),
        ("  # noqa: E501  # oakum: ignore[PT01, PT02] for now", "  # noqa: E501  # oakum: ignore[PT01, PT02, PT16] for now"),
        ("; url = '# oakum: ignore[PT01]'", "; url = '# oakum: ignore[PT01]'  # oakum: ignore[PT16]"),
    ],
)
async def test_ignoring_keeps_the_comment_that_is_there(editor: Editor, line: str, expected: str) -> None:
    text = LEAK.rstrip("\n")
    uri = editor.open(text + line + "\n")
    action = (await editor.actions(uri, HERE))[-1]
    new = edited(text + line + "\n", action, uri, editor.encoding)
    assert new == text + expected + "\n"
    editor.change(uri, new)
    assert await editor.codes(uri) == []
