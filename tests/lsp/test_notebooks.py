"""Notebooks as editors send them: cells are one program, whatever happens to them; edits stay in their cells."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from lsp.editor import SAFE, Editor, at, edit, edited
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE, TEXT = types.NotebookCellKind.Code, types.NotebookCellKind.Markup
LEAK = "torch.autograd.set_detect_anomaly(True)"


class Book:
    """A notebook that is open in an editor."""

    count = 0

    def __init__(self, editor: Editor, *cells: tuple[str, str]) -> None:
        """Cells are (language, text); `markdown` is none that is sent."""
        if editor.capabilities.notebook_document_sync is None:
            pytest.skip("this editor has no notebooks")
        Book.count += 1
        self.editor = editor
        self.uri = f"file:///nowhere/book{Book.count}.ipynb"
        self.version = 1
        self.cells: list[types.NotebookCell] = []
        items = [self.cell(language, text) for language, text in cells]
        self.cells = [cell for cell, _ in items]
        book = types.NotebookDocument(self.uri, "jupyter-notebook", 1, self.cells)
        sent = [item for _, item in items if item]
        editor.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(book, sent))

    def cell(self, language: str, text: str) -> tuple[types.NotebookCell, types.TextDocumentItem | None]:
        Book.count += 1
        uri = f"vscode-notebook-cell:/nowhere/book.ipynb#{Book.count}"
        if language == "markdown":
            return types.NotebookCell(TEXT, uri), None
        self.editor.versions[uri] = 1
        return types.NotebookCell(CODE, uri), types.TextDocumentItem(uri, language, 1, text)

    def change(self, changes: types.NotebookDocumentCellChanges) -> None:
        self.version += 1
        identity = types.VersionedNotebookDocumentIdentifier(version=self.version, uri=self.uri)
        event = types.NotebookDocumentChangeEvent(cells=changes)
        self.editor.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(identity, event))

    def replace(self, start: int, count: int, *new: types.NotebookCell, opened: Sequence[types.TextDocumentItem] = ()) -> None:
        gone = [cell for cell in self.cells[start : start + count] if cell not in new]
        self.cells[start : start + count] = new
        array = types.NotebookCellArrayChange(start=start, delete_count=count, cells=list(new))
        closed = [types.TextDocumentIdentifier(cell.document) for cell in gone]
        structure = types.NotebookDocumentCellChangeStructure(array, did_open=list(opened), did_close=closed)
        self.change(types.NotebookDocumentCellChanges(structure=structure))

    async def codes(self) -> list[list[object]]:
        """What is shown in each cell of code, when all has settled."""
        uris = [cell.document for cell in self.cells if cell.kind == CODE]
        if self.editor.pulls:
            return [await self.editor.codes(uri) for uri in uris]
        before = {uri: len(self.editor.published.get(uri, ())) for uri in uris}
        await self.editor.hover(uris[0], 0, 0)
        await self.editor.until(lambda: all(len(self.editor.published.get(uri, ())) > before[uri] for uri in uris))
        return [[item.code for item in self.editor.published[uri][-1].diagnostics] for uri in uris]


async def test_cells_that_move(editor: Editor) -> None:
    """What a cell says depends on those above it: imported below, `torch` is nothing here."""
    book = Book(editor, ("python", "import torch"), ("markdown", "# Hello"), ("python", f"{LEAK}\nimport torch"))
    assert await book.codes() == [[], ["PT16"]]
    first, text, leak = book.cells
    book.replace(0, 3, leak, first, text)
    assert len(await book.codes()) == 2
    book.replace(0, 3, first, leak, text)
    assert await book.codes() == [[], ["PT16"]]


async def test_cells_that_come_and_go(editor: Editor) -> None:
    book = Book(editor, ("python", "import torch"))
    assert await book.codes() == [[]]
    cell, item = book.cell("python", LEAK)
    assert item
    book.replace(1, 0, cell, opened=[item])
    assert await book.codes() == [[], ["PT16"]]
    content = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(version=2, uri=cell.document), [edit(0, len(LEAK) - 5, len(LEAK) - 1, "False")]
    )
    editor.versions[cell.document] = 2
    book.change(types.NotebookDocumentCellChanges(text_content=[content]))
    assert await book.codes() == [[], []]
    book.replace(1, 1)
    assert await book.codes() == [[]]


async def test_cells_of_other_languages_and_for_the_shell(editor: Editor) -> None:
    book = Book(
        editor,
        ("python", "%load_ext x\n!pip install torch\nimport torch"),
        ("r", "library(torch)"),
        ("python", "%%bash\nfor x in $(ls); do echo $x; done"),
        ("python", f"?torch\nfiles = !ls\n{LEAK}"),
    )
    shown = await book.codes()
    assert shown[-1] == ["PT16"]
    assert [codes for codes in shown[:-1] if codes] == []


async def test_a_fix_stays_in_its_cell(editor: Editor) -> None:
    book = Book(editor, ("python", "import torch"), ("python", SAFE.splitlines()[-1] + "\nx = 1"))
    assert await book.codes() == [[], ["PT16"]]
    uri = book.cells[1].document
    (action,) = [action for action in await editor.actions(uri, at(0, 5)) if action.is_preferred]
    assert edited(SAFE.splitlines()[-1] + "\nx = 1", action, uri, editor.encoding) == "x = 1"
