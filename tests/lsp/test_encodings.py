"""Columns count bytes, UTF-16 units or characters, as editor and server have agreed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsp.editor import Editor, at, capabilities, edit, edited
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEFORE = "name = 'é😀'; "
TEXT = f"import torch\n\n{BEFORE}torch.autograd.set_detect_anomaly(True)\n"
WIDTH = {"utf-8": len(BEFORE.encode()), "utf-16": len(BEFORE) + 1, "utf-32": len(BEFORE)}
CALL = len("torch.autograd.set_detect_anomaly(True)")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["utf-8", "utf-16", "utf-32", None])
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    declared = capabilities("visual-studio-code")
    if request.param:
        encodings = [types.PositionEncodingKind(request.param), types.PositionEncodingKind.Utf16]
        declared.general = types.GeneralClientCapabilities(position_encodings=encodings)
    found = Editor(declared)
    await found.start()
    assert found.encoding == (request.param or "utf-16")
    yield found
    await found.stop()


async def test_places_count_as_agreed(editor: Editor) -> None:
    uri = editor.open(TEXT)
    (item,) = await editor.diagnostics(uri)
    start = WIDTH[editor.encoding]
    assert item.range == at(2, start, start + CALL)
    assert await editor.hover(uri, 2, start)
    assert await editor.hover(uri, 2, start - 1) is None


async def test_changes_count_as_agreed(editor: Editor) -> None:
    uri = editor.open(TEXT)
    start = WIDTH[editor.encoding]
    editor.change(uri, edit(2, start + CALL - 5, start + CALL - 1, "False"))
    assert await editor.codes(uri) == []
    editor.change(uri, edit(2, start + CALL - 5, start + CALL, "True"))
    assert await editor.codes(uri) == ["PT16"]


async def test_fixes_count_as_agreed(editor: Editor) -> None:
    uri = editor.open(TEXT)
    for action in await editor.actions(uri, at(2, WIDTH[editor.encoding])):
        fixed = editor.open(edited(TEXT, action, uri, editor.encoding))
        assert await editor.codes(fixed) == [], action.title


@pytest.mark.parametrize("eol", ["\r\n", "\r", "\n"])
async def test_line_ends(editor: Editor, eol: str) -> None:
    uri = editor.open(TEXT.replace("\n", eol))
    (item,) = await editor.diagnostics(uri)
    assert item.range.start == types.Position(2, WIDTH[editor.encoding])


async def test_what_python_takes_for_no_line_end(editor: Editor) -> None:
    """Form feeds and Unicode's separators end lines for `str.splitlines`, but neither for Python nor for editors."""
    uri = editor.open("import torch\n\f\nx = 'a\u2028b\x85c'\n")
    editor.change(uri, edit(3, 0, 0, "torch.autograd.set_detect_anomaly(True)\n"))
    (item,) = await editor.diagnostics(uri)
    assert item.range == at(3, 0, CALL)
