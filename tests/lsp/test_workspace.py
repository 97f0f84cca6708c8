"""More than one file: neighbours, folders, what happens on disk, and files that nobody has open."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsp.editor import CLEAN, LEAK, Editor, capabilities
from lsprotocol import types
from pytest_lsp.client import register_lsp_features

pytestmark = pytest.mark.asyncio(loop_scope="session")

Start = Callable[..., Coroutine[Any, Any, Editor]]
TOLD, PULLS = "visual-studio-code", "visual-studio-code@today"

MODEL = """\
import torch


def step(model, batch):
    return model(batch){tail}
"""
TRAIN = """\
import torch
from model import step

model = torch.nn.Linear(4, 4)
kept = []
for batch in torch.utils.data.DataLoader([]):
    kept.append(step(model, batch))
"""


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncIterator[Start]:
    started: list[Editor] = []

    async def begin(name: str, **how: Any) -> Editor:
        editor = Editor(capabilities(name))
        await editor.start(**how)
        started.append(editor)
        return editor

    yield begin
    for editor in started:
        await editor.stop()


def shown(editor: Editor, uri: str) -> list[Any]:
    found = editor.published.get(uri)
    return [item.code for item in found[-1].diagnostics] if found else []


def changed(editor: Editor, *paths: Path) -> None:
    events = [types.FileEvent(path.as_uri(), types.FileChangeType.Changed) for path in paths]
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))


async def test_typing_in_one_file_concerns_those_that_import_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL.format(tail=".detach()"))
    editor = await start(TOLD, folder=tmp_path)
    train = editor.open(TRAIN, (tmp_path / "train.py").as_uri())
    assert await editor.codes(train) == []
    model = editor.open(MODEL.format(tail=".detach()"), (tmp_path / "model.py").as_uri())
    editor.change(model, MODEL.format(tail=""))
    await editor.until(lambda: shown(editor, train))
    editor.close(model)  # what counts then is the file on disk
    await editor.until(lambda: not shown(editor, train))


async def test_a_file_on_disk_concerns_those_that_import_it(start: Start, tmp_path: Path) -> None:
    editor = await start(TOLD, folder=tmp_path)
    train = editor.open(TRAIN, (tmp_path / "train.py").as_uri())
    assert await editor.codes(train) == []
    (tmp_path / "model.py").write_text(MODEL.format(tail=""))
    changed(editor, tmp_path / "model.py")
    await editor.until(lambda: shown(editor, train))
    (tmp_path / "model.py").unlink()
    changed(editor, tmp_path / "model.py")
    await editor.until(lambda: not shown(editor, train))


async def test_a_storm_of_changes_is_one_pass(start: Start, tmp_path: Path) -> None:
    editor = await start(TOLD, folder=tmp_path)
    uri = editor.open("import file1_1\n" + LEAK, (tmp_path / "train.py").as_uri())
    await editor.diagnostics(uri)
    before = len(editor.published[uri])
    for batch in range(20):
        changed(editor, *(tmp_path / f"file{batch}_{number}.py" for number in range(1000)))
    begin = time.monotonic()
    assert await editor.hover(uri, 3, 20)
    assert time.monotonic() - begin < 5, "busy with the storm"
    await editor.until(lambda: len(editor.published[uri]) > before)
    await asyncio.sleep(0.5)
    assert len(editor.published[uri]) == before + 1


@pytest.mark.parametrize("name", [TOLD, PULLS])
async def test_folders_come_and_go(start: Start, tmp_path: Path, name: str) -> None:
    editor = await start(name, folder=tmp_path / "one", settings={"diagnosticMode": "workspace"})
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "leak.py").write_text(LEAK)
    two = types.WorkspaceFolder((tmp_path / "two").as_uri(), "two")
    uri = (tmp_path / "two/leak.py").as_uri()

    def tell(added: list[types.WorkspaceFolder], removed: list[types.WorkspaceFolder]) -> None:
        event = types.WorkspaceFoldersChangeEvent(added, removed)
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))

    async def known() -> list[str]:
        if name == TOLD:
            return [each for each in editor.published if shown(editor, each)]
        return [each.uri for each in (await ask(editor)).items if getattr(each, "items", ())]

    tell([two], [])
    await eventually(lambda: known(), lambda found: uri in found)
    tell([], [two])
    await eventually(lambda: known(), lambda found: uri not in found)


async def ask(editor: Editor, *previous: types.PreviousResultId) -> types.WorkspaceDiagnosticReport:
    return await editor.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(list(previous)))


async def eventually(question: Callable[[], Coroutine[Any, Any, Any]], answer: Callable[[Any], bool]) -> None:
    for _ in range(200):
        if answer(await question()):
            return
        await asyncio.sleep(0.05)
    pytest.fail("it never came true")


async def test_closed_files_are_told_to_those_who_want_it(start: Start, tmp_path: Path) -> None:
    for name, text in (("a.py", LEAK), ("b.py", CLEAN), ("c.py", "x = 1\n"), ("deep/d.py", LEAK)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    a, d = (tmp_path / "a.py").as_uri(), (tmp_path / "deep/d.py").as_uri()
    editor = await start(TOLD, folder=tmp_path, settings={"diagnosticMode": "workspace"})
    await editor.until(lambda: shown(editor, a) and shown(editor, d))
    assert set(editor.published) == {a, d}
    (tmp_path / "a.py").write_text(CLEAN)
    changed(editor, tmp_path / "a.py")
    await editor.until(lambda: not shown(editor, a))
    (tmp_path / "deep/d.py").unlink()
    changed(editor, tmp_path / "deep/d.py")
    await editor.until(lambda: not shown(editor, d))
    reports = [each for reports in editor.client.progress_reports.values() for each in reports]
    assert [each.kind for each in reports if each.kind != "report"] == ["begin", "end"]


async def test_closed_files_are_silent_by_default(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    editor = await start(TOLD, folder=tmp_path)
    await editor.diagnostics(editor.open(LEAK))
    assert (tmp_path / "a.py").as_uri() not in editor.published
    pulling = await start(PULLS, folder=tmp_path)
    assert (await ask(pulling)).items == ()


async def test_turning_it_off_clears(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    uri = (tmp_path / "a.py").as_uri()
    editor = await start(TOLD, folder=tmp_path, settings={"diagnosticMode": "workspace"})
    await editor.until(lambda: shown(editor, uri))
    editor.client.set_configuration({"diagnosticMode": "openFiles"}, section="oakum")
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    await editor.until(lambda: not shown(editor, uri))


async def test_turning_it_off_answers_who_waits(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    editor = await start(PULLS, folder=tmp_path, settings={"diagnosticMode": "workspace"})
    first = await ask(editor)
    previous = [types.PreviousResultId(each.uri, each.result_id or "") for each in first.items]
    waiting = asyncio.create_task(ask(editor, *previous))
    await asyncio.sleep(0.3)
    editor.client.set_configuration({"diagnosticMode": "openFiles"}, section="oakum")
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    for answer in (await asyncio.wait_for(waiting, 20), await ask(editor, *previous)):
        assert [(each.kind, len(getattr(each, "items", (1,)))) for each in answer.items] == [("full", 0)]


async def test_closed_files_are_pulled(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    (tmp_path / "b.py").write_text(LEAK)
    editor = await start(PULLS, folder=tmp_path, settings={"diagnosticMode": "workspace"})
    first = await ask(editor)
    ids = {each.uri: each.result_id or "" for each in first.items}
    assert set(ids) == {(tmp_path / name).as_uri() for name in ("a.py", "b.py")}
    previous = [types.PreviousResultId(uri, value) for uri, value in ids.items()]
    waiting = asyncio.create_task(ask(editor, *previous))
    await asyncio.sleep(0.3)
    assert not waiting.done(), "there is no news yet"
    (tmp_path / "a.py").write_text(CLEAN)
    changed(editor, tmp_path / "a.py")
    second = await waiting
    kinds = {Path(each.uri).name: (each.kind, len(getattr(each, "items", ()))) for each in second.items}
    assert kinds == {"a.py": ("full", 0), "b.py": ("unchanged", 0)}
    assert not editor.published


async def test_a_waiting_question_can_be_withdrawn(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    editor = await start(PULLS, folder=tmp_path, settings={"diagnosticMode": "workspace"})
    first = await ask(editor)
    previous = [types.PreviousResultId(each.uri, each.result_id or "") for each in first.items]
    waiting = editor.client.protocol.send_request(
        types.WORKSPACE_DIAGNOSTIC, types.WorkspaceDiagnosticParams(previous), msg_id="mine"
    )
    await asyncio.sleep(0.1)
    editor.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams("mine"))
    for _ in range(100):
        if waiting.done():
            break
        await asyncio.sleep(0.05)
    assert waiting.done()


async def test_opening_a_file_takes_it_over(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(LEAK)
    editor = await start(TOLD, folder=tmp_path, settings={"diagnosticMode": "workspace"})
    await editor.until(lambda: shown(editor, path.as_uri()))
    uri = editor.open(CLEAN, path.as_uri())
    assert await editor.codes(uri) == []
    editor.close(uri)
    await editor.until(lambda: shown(editor, uri))


async def test_nested_configuration(start: Start, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.oakum]\nignore = ["PT16"]\n')
    (tmp_path / "inner/oakum.toml").write_text('per-file-ignores = { "calm.py" = ["PT16"] }\n')
    editor = await start(TOLD, folder=tmp_path)
    assert await editor.codes(editor.open(LEAK, (tmp_path / "a.py").as_uri())) == []
    assert await editor.codes(editor.open(LEAK, (tmp_path / "inner/a.py").as_uri())) == ["PT16"]
    assert await editor.codes(editor.open(LEAK, (tmp_path / "inner/calm.py").as_uri())) == []
    assert await editor.codes(editor.open(LEAK, "untitled:Untitled-1")) == [], "it belongs to the folder that is open"


async def test_each_folder_has_its_user_settings(start: Start, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    editor = Editor(capabilities(TOLD))
    editor.client.set_configuration({"ignore": ["PT16"]}, section="oakum", scope_uri=one.as_uri())
    editor.client.set_configuration({}, section="oakum", scope_uri=two.as_uri())
    editor.client.set_configuration({}, section="oakum")
    await editor.start(folders=[one, two])
    assert await editor.codes(editor.open(LEAK, (two / "a.py").as_uri())) == ["PT16"]
    assert await editor.codes(editor.open(LEAK, (one / "a.py").as_uri())) == []
    await editor.stop()


@pytest.mark.parametrize("mode", ["openFiles", "workspace"])
async def test_what_is_on_file_is_not_shown(start: Start, tmp_path: Path, mode: str) -> None:
    known = {"version": 1, "findings": {"a.py": {"PT16": {LEAK.splitlines()[-1]: 1}}}}
    (tmp_path / "known.json").write_text(json.dumps(known))
    (tmp_path / "oakum.toml").write_text('baseline = "known.json"\n')
    path = tmp_path / "a.py"
    path.write_text(LEAK)
    editor = await start(TOLD, folder=tmp_path, settings={"diagnosticMode": mode})
    uri = path.as_uri()
    if mode == "openFiles":
        editor.open(LEAK, uri)
        assert await editor.codes(uri) == []
        editor.change(uri, LEAK + LEAK.splitlines()[-1] + "\n")
        assert await editor.codes(uri) == ["PT16"], "another one like it"
        editor.change(uri, "# moved\n" + LEAK)
        assert await editor.codes(uri) == []
    (tmp_path / "known.json").write_text(json.dumps({"version": 1, "findings": {}}))
    changed(editor, tmp_path / "oakum.toml" if mode == "workspace" else tmp_path / "known.json")
    await editor.until(lambda: shown(editor, uri))


async def test_a_pass_can_be_cancelled(start: Start, tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"a{number:03}.py").write_text(LEAK)
    editor = Editor(capabilities(TOLD))
    cancelled: list[types.ProgressToken] = []

    def begun(params: types.ProgressParams) -> None:
        kind = params.value["kind"] if isinstance(params.value, dict) else params.value.kind
        if kind == "report" and not cancelled:
            cancelled.append(params.token)
            editor.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(params.token))
        elif kind == "end":
            cancelled.append(params.token)

    editor.client.protocol.fm.features.pop(types.PROGRESS)
    register_lsp_features(editor.client, {types.PROGRESS: begun})
    await editor.start(folder=tmp_path, settings={"diagnosticMode": "workspace"})
    await editor.until(lambda: len(cancelled) == 2)
    await asyncio.sleep(0.3)
    assert len(editor.published) < 400
    await editor.stop()
