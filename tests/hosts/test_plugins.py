"""The plugins in their real hosts: flake8, python-lsp-server and pre-commit, and the action's own script."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsp.wire import Wire

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LEAK = "import torch\n\n'😀'; torch.autograd.set_detect_anomaly(True)\n"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(LEAK, encoding="utf-8")
    return path


def run(*command: str | Path, cwd: Path, **more: str) -> tuple[int, str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **more}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=environment)
    return done.returncode, done.stdout + done.stderr


def test_flake8(train: Path) -> None:
    flake8 = (sys.executable, "-m", "flake8", "--isolated")
    status, out = run(*flake8, "--select=OAK", "train.py", cwd=train.parent)
    assert status == 1
    assert out.startswith("train.py:3:6: OAK116 [PT16] Anomaly detection is on")
    assert run(*flake8, "--select=OAK", "--ignore=OAK116", "train.py", cwd=train.parent) == (0, "")
    assert "oakum: 0.1.0" in run(*flake8, "--version", cwd=train.parent)[1]
    train.write_text(LEAK.rstrip() + "  # noqa: OAK116\n", encoding="utf-8")
    assert run(*flake8, "--select=OAK", "train.py", cwd=train.parent) == (0, "")
    (train.parent / "oakum.toml").write_text("nonsense = 1\n")
    assert "OAK999" in run(*flake8, "--select=OAK", "train.py", cwd=train.parent)[1]


@pytest.mark.asyncio
async def test_python_lsp_server(train: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pylsp", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdin
    assert process.stdout
    wire = Wire(process, process.stdout, process.stdin)
    await wire.begin(rootUri=train.parent.as_uri())
    wire.open(train.as_uri(), 1, LEAK)
    found: list[dict[str, Any]] = []
    while not found:
        message = await wire.receive()
        if message.get("method") == "textDocument/publishDiagnostics":
            found = [each for each in message["params"]["diagnostics"] if each["source"] == "oakum"]
    (only,) = found
    assert only["code"] == "PT16"
    assert only["range"]["start"] == {"line": 2, "character": 6}, "in UTF-16"
    process.kill()
    await process.wait()


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=folder, check=True, capture_output=True)


def test_pre_commit(train: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With this checkout as the hooks' repository, which pre-commit installs as it does any other."""
    git(train.parent, "init", "-q")
    git(train.parent, "add", ".")
    hooks = tmp_path_factory.mktemp("hooks")
    wanted = ["pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "server", "rules"]
    for name in wanted:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, hooks / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, hooks)
    git(hooks, "init", "-q")
    git(hooks, "add", ".")
    git(hooks, "commit", "-qm", "hooks")
    home = str(tmp_path_factory.mktemp("home"))
    status, out = run(
        sys.executable,
        "-m",
        "pre_commit",
        "try-repo",
        str(hooks),
        "oakum",
        "--files",
        "train.py",
        cwd=train.parent,
        PRE_COMMIT_HOME=home,
    )
    assert status == 1, out
    assert "train.py:3:6" in out
    assert "warning[PT16]" in out


def test_hooks_and_action_call_what_there_is() -> None:
    """Every command in them is one that the parser takes."""
    from oakum.cli.parser import parser

    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()):
        name, *arguments = hook["entry"].split()
        assert name == "oakum"
        parser().parse_args([*arguments, "train.py"])


def test_action(train: Path) -> None:
    """Its last step, run as the runner does."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    step = action["runs"]["steps"][-1]
    assert "${{" not in step["run"], "an input in the script's text is a command of whoever sets it"
    variables = {
        "OAKUM_PATHS": ".",
        "OAKUM_ARGUMENTS": "--select PT16",
        "OAKUM_SARIF": "out.sarif",
        "GITHUB_STEP_SUMMARY": str(train.parent / "summary.md"),
        "OAKUM_NO_CACHE": "1",
    }
    assert set(step["env"]) <= set(variables)
    status, out = run("bash", "-eo", "pipefail", "-c", step["run"], cwd=train.parent, **variables)
    assert status == 1
    assert out.startswith("::warning file=train.py,title=PT16 ")
    assert json.loads((train.parent / "out.sarif").read_text())["runs"][0]["results"]
    assert "PT16" in (train.parent / "summary.md").read_text()
    train.write_text("import torch\n")
    assert run("bash", "-eo", "pipefail", "-c", step["run"], cwd=train.parent, **variables) == (0, "")
