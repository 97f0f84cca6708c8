from __future__ import annotations

import pytest
from lsp.editor import CLEAN, KEPT, LEAK, Editor, capabilities
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


async def test_a_comment_tells_what_it_silences(editor: Editor) -> None:
    text = LEAK.rstrip() + "  # oakum: ignore[PT16]\nx = 1  # oakum: ignore[PT07]\n"
    uri = editor.open(text)
    hover = await editor.hover(uri, 2, 45)
    assert hover
    assert isinstance(hover.contents, types.MarkupContent)
    assert hover.contents.value.startswith("Silences 1 finding on this line:\n\n**PT16** ")
    assert "## Why" not in hover.contents.value
    idle = await editor.hover(uri, 3, 12)
    assert idle
    assert isinstance(idle.contents, types.MarkupContent)
    assert "silences nothing" in idle.contents.value


async def test_plain_text_for_editors_that_show_it_as_it_is() -> None:
    declared = capabilities("neovim")
    assert declared.text_document
    assert declared.text_document.hover
    declared.text_document.hover.content_format = [types.MarkupKind.PlainText]
    editor = Editor(declared)
    await editor.start()
    hover = await editor.hover(editor.open(LEAK), 2, 20)
    assert hover
    assert isinstance(hover.contents, types.MarkupContent)
    assert hover.contents.kind == types.MarkupKind.PlainText
    assert not any(sign in hover.contents.value for sign in ("```", "**", "\n#", "]("))
    assert "\nWhy\n" in hover.contents.value
    await editor.stop()
