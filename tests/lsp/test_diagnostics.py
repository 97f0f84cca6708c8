from __future__ import annotations

import asyncio

import pytest
from lsp.editor import CLEAN, KEPT, LEAK, Editor, at, edit
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_finding_is_shown_whole(editor: Editor) -> None:
    uri = editor.open(LEAK)
    (item,) = await editor.diagnostics(uri)
    assert item.code == "PT16"
    assert item.source == "oakum"
    assert item.range.start.line == 2
    assert item.severity in (
        types.DiagnosticSeverity.Warning,
        types.DiagnosticSeverity.Information,
        types.DiagnosticSeverity.Hint,
    )
    assert item.message
    declared = editor.declared.text_document and editor.declared.text_document.publish_diagnostics
    if declared and declared.code_description_support:
        assert item.code_description
        assert item.code_description.href.startswith("https://")
    if declared and declared.data_support:
        assert isinstance(item.data, dict)


async def test_one_way_only(editor: Editor) -> None:
    """An editor that pulls isn't told as well, and one that is told is offered nothing to pull."""
    uri = editor.open(LEAK)
    await editor.diagnostics(uri)
    await editor.hover(uri, 0, 0)
    assert (uri in editor.published) is not editor.pulls


async def test_typing_and_undoing(editor: Editor) -> None:
    uri = editor.open(CLEAN)
    assert await editor.codes(uri) == []
    editor.change(uri, edit(2, 34, 39, "True"))
    assert await editor.codes(uri) == ["PT16"]
    editor.change(uri, edit(2, 34, 38, "False"))
    assert await editor.codes(uri) == []


async def test_changes_of_one_message_follow_each_other(editor: Editor) -> None:
    uri = editor.open("import torch\n\n")
    editor.change(uri, edit(2, 0, 0, "torch.autograd."), edit(2, 15, 15, "set_detect_anomaly()\n"), edit(2, 34, 34, "True"))
    (item,) = await editor.diagnostics(uri)
    assert item.range.start.line == 2


async def test_the_whole_text_at_once(editor: Editor) -> None:
    uri = editor.open(CLEAN)
    editor.change(uri, LEAK)
    assert await editor.codes(uri) == ["PT16"]


async def test_lines_above_move_a_finding(editor: Editor) -> None:
    uri = editor.open(LEAK)
    await editor.diagnostics(uri)
    editor.change(uri, edit(0, 0, 0, "import os\n\n"))
    assert [item.range.start.line for item in await editor.diagnostics(uri)] == [4]


async def test_many_keystrokes_end_with_the_last(editor: Editor) -> None:
    uri = editor.open("import torch\n\n")
    for column, letter in enumerate("torch.autograd.set_detect_anomaly(True)"):
        editor.change(uri, edit(2, column, column, letter))
    assert await editor.codes(uri) == ["PT16"]
    if not editor.pulls:
        assert all(params.version is not None for params in editor.published[uri])
        versions = [params.version for params in editor.published[uri]]
        assert versions == sorted(versions, key=lambda version: version or 0)


async def test_closing_clears(editor: Editor) -> None:
    uri = editor.open(LEAK)
    await editor.diagnostics(uri)
    editor.close(uri)
    if editor.pulls:
        assert await editor.diagnostics(uri) == ()
    else:
        await editor.until(lambda: editor.published[uri][-1].diagnostics == ())


async def test_another_language_clears(editor: Editor) -> None:
    uri = editor.open(LEAK)
    await editor.diagnostics(uri)
    editor.close(uri)
    editor.open(LEAK, uri, language="plaintext")
    assert await editor.codes(uri) == []


async def test_renaming_moves_what_is_shown(editor: Editor) -> None:
    old = editor.open(LEAK)
    await editor.diagnostics(old)
    editor.close(old)
    new = editor.open(LEAK)
    assert await editor.codes(new) == ["PT16"]
    if not editor.pulls:
        assert editor.published[old][-1].diagnostics == ()


async def test_other_schemes_are_texts_without_a_path(editor: Editor) -> None:
    for uri in ("untitled:Untitled-1", "git:/some/file.py?HEAD", "vscode-vfs://github/some/file.py"):
        editor.open(LEAK, uri)
        assert await editor.codes(uri) == ["PT16"]
        editor.close(uri)


async def test_no_framework_no_findings(editor: Editor) -> None:
    uri = editor.open("import os\n\nos.autograd.set_detect_anomaly(True)\n")
    assert await editor.codes(uri) == []


async def test_saving_brings_no_other_result(editor: Editor) -> None:
    uri = editor.open(CLEAN)
    await editor.diagnostics(uri)
    editor.change(uri, LEAK)
    editor.client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))
    assert await editor.codes(uri) == ["PT16"]


async def test_a_result_that_is_known_is_not_sent_again(editor: Editor) -> None:
    if not editor.pulls:
        pytest.skip("this editor doesn't pull")
    uri = editor.open(LEAK)
    first = await editor.pull(uri)
    assert isinstance(first, types.RelatedFullDocumentDiagnosticReport)
    editor.change(uri, edit(2, 39, 39, "  # as ever"))
    second = await editor.pull(uri, first.result_id)
    assert isinstance(second, types.RelatedUnchangedDocumentDiagnosticReport)
    editor.change(uri, edit(0, 0, 0, "\n"))
    third = await editor.pull(uri, first.result_id)
    assert isinstance(third, types.RelatedFullDocumentDiagnosticReport)
    assert third.result_id != first.result_id


async def test_a_broken_line_leaves_the_rest_alive(editor: Editor) -> None:
    uri = editor.open(LEAK + "\n\ndef later(:\n")
    assert await editor.codes(uri) == ["PT16"]


async def test_the_proof_is_related_places(editor: Editor) -> None:
    uri = editor.open(KEPT)
    (item,) = await editor.diagnostics(uri)
    assert item.code == "PT07"
    declared = editor.declared.text_document and editor.declared.text_document.publish_diagnostics
    if not declared or not declared.related_information:
        assert item.related_information is None
        return
    assert item.related_information
    assert {place.location.uri for place in item.related_information} == {uri}
    lines = KEPT.splitlines()
    assert lines[item.related_information[0].location.range.start.line] == "total = 0.0"


async def test_cells_are_one_program(editor: Editor) -> None:
    """A cell uses what an earlier one imported, and its finding is shown in the cell itself."""
    if editor.capabilities.notebook_document_sync is None:
        pytest.skip("this editor has no notebooks")
    first, second, text = "cell:/book.ipynb#1", "cell:/book.ipynb#2", "cell:/book.ipynb#3"
    code = types.NotebookCellKind.Code
    cells = [
        types.NotebookCell(code, first),
        types.NotebookCell(types.NotebookCellKind.Markup, text),
        types.NotebookCell(code, second),
    ]
    book = types.NotebookDocument("file:///nowhere/book.ipynb", "jupyter-notebook", 1, cells)
    items = [
        types.TextDocumentItem(first, "python", 1, "%matplotlib inline\nimport torch"),
        types.TextDocumentItem(second, "python", 1, "!pip list\n\ntorch.autograd.set_detect_anomaly(True)"),
    ]
    editor.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(book, items))
    assert await editor.codes(first) == []
    (item,) = await editor.diagnostics(second)
    assert item.range == at(2, 0, 39)
    identity = types.VersionedNotebookDocumentIdentifier(version=2, uri=book.uri)

    def change(cells: types.NotebookDocumentCellChanges) -> None:
        editor.client.notebook_document_did_change(
            types.DidChangeNotebookDocumentParams(identity, types.NotebookDocumentChangeEvent(cells=cells))
        )

    content = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(version=2, uri=second), [edit(0, 0, 9, "")]
    )
    change(types.NotebookDocumentCellChanges(text_content=[content]))
    assert await editor.codes(second) == ["PT16"]
    swap = types.NotebookCellArrayChange(start=0, delete_count=3, cells=[cells[2], cells[0]])
    change(types.NotebookDocumentCellChanges(structure=types.NotebookDocumentCellChangeStructure(swap)))
    assert len(await editor.codes(second)) <= 1
    gone = types.NotebookCellArrayChange(start=0, delete_count=1)
    closed = [types.TextDocumentIdentifier(second)]
    change(types.NotebookDocumentCellChanges(structure=types.NotebookDocumentCellChangeStructure(gone, did_close=closed)))
    assert await editor.codes(second) == []
    editor.client.notebook_document_did_close(
        types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(book.uri), [types.TextDocumentIdentifier(first)])
    )
    assert await editor.codes(first) == []


ELSEWHERE = """\
import torch
from torch import nn

model = nn.Linear(4, 1)


def step(x):
    return model(x).mean()


def train(loader):
    losses = []
    for x in loader:
        losses.append(step(x))
    print(len(losses))
"""


async def test_what_rests_on_an_edit_elsewhere_is_told_when_typing_pauses(editor: Editor) -> None:
    uri = editor.open(ELSEWHERE)
    assert await editor.codes(uri) == ["PT07"]
    editor.change(uri, edit(7, 26, 26, ".item()"))  # in `step`; the finding is in `train`

    async def gone() -> bool:
        return await editor.codes(uri) == []

    for _ in range(100):
        if await gone():
            break
        await asyncio.sleep(0.05)
    assert await gone()
    editor.change(uri, edit(7, 26, 33, ""))
    for _ in range(100):
        if not await gone():
            break
        await asyncio.sleep(0.05)
    assert await editor.codes(uri) == ["PT07"]


async def test_an_edit_in_a_function_is_answered_in_place(editor: Editor) -> None:
    uri = editor.open(ELSEWHERE)
    assert await editor.codes(uri) == ["PT07"]
    editor.change(uri, edit(13, 29, 29, ".item()"))
    assert await editor.codes(uri) == []
    editor.change(uri, edit(13, 29, 36, ""))
    assert await editor.codes(uri) == ["PT07"]
