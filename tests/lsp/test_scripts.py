from __future__ import annotations

import pytest
from lsp.editor import Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIXED = "export PATH=/usr/local/cuda-11.2/bin:$PATH\nexport CUDA_HOME=/usr/local/cuda-11.8\n"


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("train.sh", "shellscript", MIXED),
        ("start", "shellscript", MIXED),
        ("Dockerfile", "dockerfile", "FROM scratch\n" + MIXED.replace("export", "ENV")),
        (".env", "plaintext", MIXED.replace("export ", "")),
    ],
)
async def test_scripts_by_language_and_name(editor: Editor, name: str, language: str, text: str) -> None:
    uri = editor.open(text, f"file:///somewhere/{name}", language)
    (item,) = await editor.diagnostics(uri)
    assert item.code == "TK15"
    assert item.range.start.line == text.count("\n") - 1


async def test_other_texts_are_let_be(editor: Editor) -> None:
    assert await editor.codes(editor.open(MIXED, "file:///somewhere/notes.txt", "plaintext")) == []
