"""An afternoon of typing in fast motion: what the server shows is what a fresh check finds, and its memory stays flat.

OAKUM_SOAK=1000 makes it as long as that many looks.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from lsp.editor import KEPT, LEAK, SAFE, Editor, capabilities, edit
from lsprotocol import types

from oakum.analysis import analyse
from oakum.syntax.document import Document

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES, CHECKPOINTS, EDITS = 6, int(os.environ.get("OAKUM_SOAK", "40")), 8
LINES = [
    *KEPT.splitlines(),
    *LEAK.splitlines(),
    *SAFE.splitlines(),
    "def f(:",
    "'''",
    "    x = 1",
    "x = (",
    "# oakum: ignore",
    "",
]


def memory(process: int) -> int:
    """What a process holds now, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux's /proc")
async def test_typing_for_long(tmp_path: Path) -> None:
    chance = random.Random(7)
    editor = Editor(capabilities("visual-studio-code"))
    await editor.start(folder=tmp_path)
    texts = {editor.open(KEPT, (tmp_path / f"file{number}.py").as_uri()): KEPT for number in range(FILES)}
    process = int((await status(editor)).partition("process ")[2].split()[0])
    sizes: list[int] = []
    for _ in range(CHECKPOINTS):
        uri = chance.choice(sorted(texts))
        for _keystroke in range(EDITS):
            lines = texts[uri].split("\n")
            line = chance.randrange(len(lines))
            if chance.random() < 0.4 and len(lines) > 3:  # a line goes
                editor.change(uri, _over(line, 0, line + 1, 0) if line + 1 < len(lines) else edit(line, 0, len(lines[line]), ""))
                lines[line : line + 1] = [] if line + 1 < len(lines) else [""]
            else:  # or comes
                new = chance.choice(LINES)
                editor.change(uri, edit(line, 0, 0, new + "\n"))
                lines.insert(line, new)
            texts[uri] = "\n".join(lines)
        path = Path(tmp_path / uri.rpartition("/")[2])
        fresh = analyse(Document(texts[uri], path))
        expected = [(item.rule.code, fresh.document.line_of(item.start)) for item in fresh.diagnostics]
        shown = [(item.code, item.range.start.line) for item in await editor.diagnostics(uri)]
        if not fresh.notes:  # a broken piece keeps what was known of it, which a fresh check never knew
            assert sorted(shown) == sorted(expected), texts[uri]
        if len(texts[uri]) > 6000:
            editor.change(uri, KEPT)
            texts[uri] = KEPT
        sizes.append(memory(process))
    settled = sizes[len(sizes) // 3]
    assert sizes[-1] < settled * 1.3 + 8_000_000, sizes
    await editor.stop()


async def status(editor: Editor) -> str:
    return await editor.client.workspace_execute_command_async(types.ExecuteCommandParams("oakum.status", []))


def _over(line: int, start: int, end_line: int, end: int) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(line, start), types.Position(end_line, end)), text=""
    )
