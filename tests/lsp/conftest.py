"""One server for each kind of editor, kept for all tests that don't end it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsp.editor import Editor, capabilities

EDITORS = ("visual-studio-code", "visual-studio-code@today", "neovim", "neovim@v0.9")


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=EDITORS)
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    """An editor, already running: Visual Studio Code and Neovim, old ones that are told and new ones that ask."""
    found = Editor(capabilities(request.param))
    await found.start()
    yield found
    await found.stop()
