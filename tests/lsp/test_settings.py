"""Settings come with `initialize`, by question and answer, and from the project; wrong ones are told to the user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsp.editor import LEAK, Editor, capabilities
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="session")

Start = Callable[..., Coroutine[Any, Any, Editor]]


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncIterator[Start]:
    started: list[Editor] = []

    async def begin(name: str = "visual-studio-code", **how: Any) -> Editor:
        editor = Editor(capabilities(name))
        await editor.start(**how)
        started.append(editor)
        return editor

    yield begin
    for editor in started:
        await editor.stop()


@pytest.mark.parametrize("options", [{"ignore": ["PT16"]}, {"oakum": {"enable": False}}, {"severity": {"PT": "off"}}])
async def test_settings_that_come_with_initialize(start: Start, options: Any) -> None:
    editor = await start(options=options)
    assert await editor.codes(editor.open(LEAK)) == []


async def test_settings_that_are_asked_for(start: Start) -> None:
    editor = await start(settings={"severity": {"PT16": "hint"}}, options={"ignore": ["PT16"]})
    uri = editor.open(LEAK)
    await editor.until(lambda: (shown := editor.latest(uri, editor.versions[uri])) and shown.diagnostics)
    (item,) = await editor.diagnostics(uri)
    assert item.severity == types.DiagnosticSeverity.Hint


@pytest.mark.parametrize("name", ["visual-studio-code", "neovim@v0.7"])
async def test_settings_that_change(start: Start, name: str) -> None:
    """One of these editors is asked for its settings, the other one sends them."""
    editor = await start(name)
    uri = editor.open(LEAK)
    assert await editor.codes(uri) == ["PT16"]
    settings = {"ignore": ["PT16"]}
    editor.client.set_configuration(settings, section="oakum")
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"oakum": settings}))
    await editor.until(lambda: editor.published[uri][-1].diagnostics == ())


async def test_an_editor_that_pulls_is_told_to_pull_again(start: Start) -> None:
    editor = await start("visual-studio-code@today")
    uri = editor.open(LEAK)
    assert await editor.codes(uri) == ["PT16"]
    before = editor.client.diagnostic_refresh_count
    editor.client.set_configuration({"ignore": ["PT16"]}, section="oakum")
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    await editor.until(lambda: editor.client.diagnostic_refresh_count > before)
    assert await editor.codes(uri) == []


async def test_wrong_settings_are_told_once_and_the_rest_is_taken(start: Start) -> None:
    options = {"selekt": ["PT16"], "ignore": "PT07", "level": "loud", "severity": {"PT16": "hint"}}
    editor = await start(options=options)
    (item,) = await editor.diagnostics(editor.open(LEAK))
    assert item.severity == types.DiagnosticSeverity.Hint
    told = [message.message for message in editor.client.messages]
    assert len(told) == len(set(told)) == 3
    assert any("`selekt`" in message and "`select`" in message for message in told)


async def test_the_project(start: Start, tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.oakum]\nignore = ["PT16"]\n')
    editor = await start(folder=tmp_path)
    uri = editor.open(LEAK, (tmp_path / "train.py").as_uri())
    assert await editor.codes(uri) == []
    registered = await editor.until(lambda: [one for one in editor.registered if one.method.endswith("didChangeWatchedFiles")])
    assert "{pyproject,oakum}.toml" in str(registered[0].register_options)
    project.write_text("[tool.oakum]\nignore = []\n")
    change = types.FileEvent(project.as_uri(), types.FileChangeType.Changed)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
    await editor.until(lambda: editor.published[uri][-1].diagnostics)


async def test_files_that_the_project_leaves_out(start: Start, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.oakum]\nexclude = ["made/"]\n')
    editor = await start(folder=tmp_path)
    assert await editor.codes(editor.open(LEAK, (tmp_path / "made" / "a.py").as_uri())) == []
    assert await editor.codes(editor.open(LEAK, (tmp_path / "b.py").as_uri())) == ["PT16"]


async def test_a_wrong_project_is_told_and_left_aside(start: Start, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.oakum]\nlevel = "loud"\n')
    editor = await start(folder=tmp_path)
    assert await editor.codes(editor.open(LEAK, (tmp_path / "a.py").as_uri())) == ["PT16"]
    (message,) = editor.client.messages
    assert "pyproject.toml" in message.message
