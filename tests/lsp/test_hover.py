from __future__ import annotations

import pytest
from lsp.editor import CLEAN, KEPT, LEAK, Editor
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_case_at_hand_comes_before_the_rule(editor: Editor) -> None:
    uri = editor.open(LEAK)
    (item,) = await editor.diagnostics(uri)
    hover = await editor.hover(uri, 2, 20)
    assert hover
    assert isinstance(hover.contents, types.MarkupContent)
    assert hover.contents.kind == types.MarkupKind.Markdown
    text = hover.contents.value
    assert 0 <= text.index(item.message) < text.index("## Why")
    assert hover.range == item.range


async def test_the_proof_is_a_list_of_places(editor: Editor) -> None:
    uri = editor.open(KEPT)
    (item,) = await editor.diagnostics(uri)
    hover = await editor.hover(uri, item.range.start.line, item.range.start.character)
    assert hover
    assert isinstance(hover.contents, types.MarkupContent)
    assert f"- [line 6]({uri}#L6): " in hover.contents.value.partition("# PT07")[0]


async def test_silence_elsewhere(editor: Editor) -> None:
    uri = editor.open(LEAK)
    assert await editor.hover(uri, 0, 3) is None
    assert await editor.hover(uri, 1, 0) is None


async def test_silence_where_nothing_is_open(editor: Editor) -> None:
    assert await editor.hover("file:///nowhere/closed.py", 0, 0) is None


async def test_the_newest_text_counts(editor: Editor) -> None:
    uri = editor.open(LEAK)
    editor.change(uri, CLEAN)
    assert await editor.hover(uri, 2, 20) is None


async def test_a_place_outside_of_the_text(editor: Editor) -> None:
    uri = editor.open(LEAK)
    assert await editor.hover(uri, 500, 3) is None
