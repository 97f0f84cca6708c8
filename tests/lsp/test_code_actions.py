from __future__ import annotations

import ast

import pytest
from lsp.editor import KEPT, LEAK, SAFE, Editor, at, edited
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = at(2, 20)


async def test_fixes_come_first_and_ignoring_last(editor: Editor) -> None:
    uri = editor.open(LEAK)
    actions = await editor.actions(uri, HERE)
    assert [action.title for action in actions[-2:]] == ["Ignore PT16 on this line", "Ignore PT16 in this file"]
    assert not any(action.is_preferred for action in actions[-2:])
    assert len(actions) > 2
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
    action = (await editor.actions(uri, HERE))[-2]
    new = edited(text + line + "\n", action, uri, editor.encoding)
    assert new == text + expected + "\n"
    editor.change(uri, new)
    assert "PT16" not in await editor.codes(uri)


TWO = KEPT + "more = 0.0\nfor x, y in loader:\n    loss = criterion(model(x), y)\n    loss.backward()\n    more += loss\n"


async def offered(editor: Editor, uri: str, where: types.Range) -> list[types.CodeAction]:
    """Actions as they are offered, before one of them is chosen."""
    found = await editor.client.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(uri), where, types.CodeActionContext([]))
    )
    return [action for action in found or () if isinstance(action, types.CodeAction)]


async def test_all_of_a_kind(editor: Editor) -> None:
    uri = editor.open(TWO)
    first, _ = await editor.diagnostics(uri)
    (action,) = [action for action in await editor.actions(uri, first.range) if action.title.startswith("Fix all")]
    assert action.title == "Fix all 2 of PT07 in this file, to review"
    assert not action.is_preferred
    assert edited(TWO, action, uri, editor.encoding).count("loss.item()") == 2


async def test_one_of_a_kind_is_no_kind(editor: Editor) -> None:
    uri = editor.open(KEPT)
    (item,) = await editor.diagnostics(uri)
    assert not [action for action in await editor.actions(uri, item.range) if action.title.startswith("Fix all")]


async def test_edits_of_many_places_are_made_when_they_are_wanted(editor: Editor) -> None:
    declared = editor.declared.text_document and editor.declared.text_document.code_action
    can = bool(declared and declared.resolve_support and "edit" in declared.resolve_support.properties and declared.data_support)
    uri = editor.open(SAFE)
    (action,) = [action for action in await offered(editor, uri, HERE) if action.kind == "source.fixAll.oakum"]
    assert (action.edit is None) is can
    if can:
        assert (await editor.client.code_action_resolve_async(action)).edit
        editor.change(uri, SAFE + "\n")
        late = await editor.client.code_action_resolve_async(action)
        assert late.edit is None, "it was offered for another version"


async def test_a_fix_to_review_says_so(editor: Editor) -> None:
    uri = editor.open(TWO)
    first, _ = await editor.diagnostics(uri)
    one, *_ = actions = await editor.actions(uri, first.range)
    (many,) = [action for action in actions if action.title.startswith("Fix all")]
    ignoring = actions[-1]
    declared = editor.declared.workspace and editor.declared.workspace.workspace_edit
    annotates = bool(declared and declared.document_changes and declared.change_annotation_support)
    for action, confirm in ((one, False), (many, True)):
        assert action.edit
        notes = list((action.edit.change_annotations or {}).values())
        assert [note.needs_confirmation for note in notes] == ([confirm] if annotates else [])
    assert ignoring.edit
    assert not ignoring.edit.change_annotations


async def test_an_empty_context_wants_everything(editor: Editor) -> None:
    uri = editor.open(LEAK)
    assert await editor.actions(uri, HERE, only=[]) == await editor.actions(uri, HERE)


async def test_ignoring_in_the_whole_file(editor: Editor) -> None:
    uri = editor.open(LEAK)
    action = (await editor.actions(uri, HERE))[-1]
    new = edited(LEAK, action, uri, editor.encoding)
    assert new == "# oakum: ignore-file[PT16]\n" + LEAK
    editor.change(uri, new)
    assert await editor.codes(uri) == []


async def test_a_comment_that_silences_nothing_is_faded_and_goes(editor: Editor) -> None:
    text = "import torch\n\nx = 1  # oakum: ignore[PT16]\n"
    uri = editor.open(text)
    (item,) = await editor.diagnostics(uri)
    assert (item.code, item.severity) == ("OK01", types.DiagnosticSeverity.Hint)
    (action, *rest) = await editor.actions(uri, at(2, 10), only=["quickfix"])
    assert action.is_preferred
    assert edited(text, action, uri, editor.encoding) == "import torch\n\nx = 1\n"
    assert not [each for each in rest if each.title.startswith("Ignore")]


async def test_typing_after_a_look_at_fixes_finds_everything_in_its_place(editor: Editor) -> None:
    """Fixes are tried in memory, which is the memory of the file that is typed in."""
    useless = "torch.autograd.detect_anomaly()\n"
    text = f"import torch\n\n{useless}x = 1\n{useless}"
    uri = editor.open(text)
    await editor.actions(uri, types.Range(types.Position(0, 0), types.Position(9, 0)))
    editor.change(uri, text + "y = 2\n")
    assert [item.range.start.line for item in await editor.diagnostics(uri)] == [2, 4]
