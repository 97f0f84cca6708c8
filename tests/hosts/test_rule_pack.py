"""A rule pack in another distribution adds, documents and tests rules without a change here: `examples/rule-pack`, installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the pack as it is installed: its package, and the metadata that names its entry point."""
    source = tmp_path_factory.mktemp("source") / "rule-pack"
    shutil.copytree(ROOT / "examples/rule-pack", source)
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def run(installed: Path, *command: str | Path, cwd: Path) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "OAKUM_NO_CACHE": "1"}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


def test_its_rules_are_as_every_other(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\n\nprofiler = torch.profiler.profile()\nprofiler.start()\n")
    status, out = run(installed, BIN / "oakum", "check", "--output-format=json", "--select=EX", cwd=tmp_path)
    assert (status, [found["code"] for found in json.loads(out)]) == (1, ["EX01"])
    assert "Run a profiler in a `with`" in run(installed, BIN / "oakum", "explain", "profiler-left-running", cwd=tmp_path)[1]
    assert "EX01" in run(installed, BIN / "oakum", "rules", cwd=tmp_path)[1]
    (tmp_path / "oakum.toml").write_text('ignore = ["EX01"]\n')
    assert run(installed, BIN / "oakum", "check", cwd=tmp_path)[0] == 0


def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/rule-pack/tests", tmp_path / "tests")
    status, out = run(installed, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)
    assert status == 0, out
    assert "5 passed" in out


def test_a_new_rule_in_a_pack(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/rule-pack", tmp_path / "pack")
    status, out = run(installed, BIN / "oakum", "new-rule", "EX02", "another-leak", cwd=tmp_path / "pack/tests")
    assert (status, out.split()) == (0, [str(tmp_path / "pack/oakum_example/another_leak.py"), "another_leak.md"])
    assert "[EX02]" in (tmp_path / "pack/tests/another_leak.md").read_text()
    status, out = run(installed, BIN / "oakum", "new-rule", "EX01", "again", cwd=tmp_path / "pack")
    assert (status, "there is a rule EX01 profiler-left-running already" in out) == (2, True)
