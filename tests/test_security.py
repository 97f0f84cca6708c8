"""What SECURITY.md promises: a workspace that nobody trusts can't make Oakum run, read, write or reach anything."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lsp.wire import Wire

from oakum import configuration
from oakum.configuration import ConfigurationError

ROOT = Path(__file__).parent.parent
LEAK = "import torch\n\ntorch.autograd.set_detect_anomaly(True)\n"

# Run in a process whose every opened file, started process and connection is written down by an audit hook.
WATCHED = """
import json, sys
seen = []
def watch(event, arguments):
    if event == "open":
        seen.append([event, str(arguments[0]), str(arguments[1])])
    elif event in ("import", "exec", "compile") or event.partition(".")[0] in ("socket", "subprocess", "ctypes", "pickle", "urllib"):
        seen.append([event, str(arguments[0]) if arguments else "", ""])
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.remove", "os.rename", "os.mkdir"):
        seen.append([event, str(arguments[0]), ""])
from oakum import catalogue
from oakum.cli import main
catalogue.rules()
sys.addaudithook(watch)
status = main(sys.argv[1:])
print("\\n" + json.dumps([status, seen]))
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace in which everything that could be run leaves a trace."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    trace = f"open({str(tmp_path / 'touched')!r}, 'w').close()\n"
    for name in ("torch.py", "conftest.py", "sitecustomize.py", "helper.py", "pathspec.py", "setup.py", "json.py"):
        (folder / name).write_text(trace)
    (folder / "torch").mkdir()
    (folder / "torch/__init__.py").write_text(trace)
    (folder / "train.py").write_text(f"import helper\nfrom helper import *\n{LEAK}{trace}")
    return folder


def watched(folder: Path, *arguments: str) -> tuple[int, list[list[str]], str]:
    done = subprocess.run([sys.executable, "-I", "-B", "-c", WATCHED, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    out, _, last = done.stdout.rstrip("\n").rpartition("\n")
    status, seen = json.loads(last)
    return status, seen, out


def test_nothing_is_run_reached_or_written(workspace: Path, tmp_path: Path) -> None:
    status, seen, out = watched(workspace, "check", "--output-format=concise", "--jobs=1", "--no-cache")
    assert status == 1
    assert "train.py:5:1: warning[PT16]" in out
    assert not (tmp_path / "touched").exists()
    events = {event for event, *_ in seen}
    assert not {event for event in events if event.startswith(("socket.", "subprocess.", "pickle.", "urllib.", "os."))}
    inside = str(workspace)
    assert not [name for event, name, _ in seen if event == "import" and (workspace / f"{name}.py").exists() and name != "json"]
    assert not [name for event, name, mode in seen if event == "open" and set(mode) & set("wax+") and name.startswith(inside)]


def test_the_cache_is_all_that_a_check_writes(workspace: Path) -> None:
    before = {path for path in workspace.rglob("*") if path.is_file()}
    watched(workspace, "check", "--jobs=1")
    after = {path for path in workspace.rglob("*") if path.is_file()}
    assert {path.relative_to(workspace).parts[0] for path in after - before} == {".oakum_cache"}
    _, seen, _ = watched(workspace, "check", "--jobs=1")
    assert not [event for event, *_ in seen if event.startswith("pickle.")]


@pytest.mark.parametrize("key", ["extend", "baseline"])
@pytest.mark.parametrize("way", ["absolute", "upwards", "link"])
def test_a_configuration_reads_nothing_outside(tmp_path: Path, key: str, way: str) -> None:
    secret = tmp_path / "secret.toml"
    secret.write_text("select = ['PT01']\n")
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    (project / ".git").mkdir()
    name = {"absolute": str(secret), "upwards": "../../secret.toml", "link": "link.toml"}[way]
    (project / "sub/link.toml").symlink_to(secret)
    (project / "sub/oakum.toml").write_text(f"{key} = {json.dumps(name)}\n")
    with pytest.raises(ConfigurationError, match="lies outside of"):
        configuration.load(project / "sub")


def test_a_configuration_may_extend_another_of_its_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "oakum.toml").write_text('ignore = ["PT01"]\nseverity = { PT07 = "hint" }\n')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/oakum.toml").write_text('extend = "../oakum.toml"\nignore = ["PT05"]\n')
    settings = configuration.load(tmp_path / "sub").settings
    assert settings.ignore == ("PT01", "PT05")
    assert [*settings.severity] == ["PT07"]


def test_files_that_extend_each_other(tmp_path: Path) -> None:
    (tmp_path / "oakum.toml").write_text('extend = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extend = "oakum.toml"\n')
    with pytest.raises(ConfigurationError, match="in a circle"):
        configuration.load(tmp_path)


@pytest.mark.asyncio
async def test_the_server_does_nothing_of_it_either(workspace: Path, tmp_path: Path) -> None:
    """The same workspace, in an editor that wants to see all of it."""
    before = set(workspace.rglob("*"))
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oakum", "server", cwd=workspace, stdin=pipe, stdout=pipe, env=environment
    )
    assert process.stdin
    assert process.stdout
    wire = Wire(process, process.stdout, process.stdin)
    await wire.begin(rootUri=workspace.as_uri(), initializationOptions={"diagnosticMode": "workspace"})
    uri = (workspace / "train.py").as_uri()
    wire.open(uri, 1, (workspace / "train.py").read_text())
    assert await wire.codes(uri, 1) == ["PT16"]
    position = {"line": 4, "character": 3}
    assert (await wire.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position}))["result"]
    await wire.ask("shutdown")
    wire.send({"method": "exit"})
    assert await wire.end() == 0
    assert not (tmp_path / "touched").exists()
    assert set(workspace.rglob("*")) == before


def test_no_part_opens_a_connection() -> None:
    """Nor unpickles. The server's sockets are pygls's, and only where an address is given."""
    unwanted = {
        "socket",
        "ssl",
        "http",
        "urllib.request",
        "ftplib",
        "smtplib",
        "pickle",
        "shelve",
        "marshal",
        "requests",
        "httpx",
    }
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not unwanted.intersection(names), path


def test_every_test_that_is_named_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = {part for part in text.replace("`", " ").replace(",", " ").split() if part.startswith("tests/")}
    assert named
    assert all((ROOT / name).exists() for name in named), named
