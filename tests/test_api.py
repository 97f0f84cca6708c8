"""`from oakum import check`: the interface for programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import oakum
from oakum import OakumError, check, check_text

LEAK = "import torch\n\ntorch.autograd.set_detect_anomaly(True)\n"


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    (tmp_path / "b.py").write_text(LEAK)
    (tmp_path / "c.ipynb").write_text('{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}')
    (tmp_path / "oakum.toml").write_text('per-file-ignores = { "b.py" = ["PT16"] }\n')
    (found,) = check(tmp_path)
    assert (found.path, found.code, found.span.line, found.level) == (str(tmp_path / "a.py"), "PT16", 3, "warning")
    assert found.remedy
    assert found.remedy.edits
    assert check(tmp_path / "a.py", str(tmp_path / "a.py")) == [found]
    assert check(tmp_path, ignore=["PT16"]) == check(tmp_path, select=["PT07"]) == []
    assert not (tmp_path / ".oakum_cache").exists()


def test_text(tmp_path: Path) -> None:
    (found,) = check_text(LEAK)
    assert (found.path, found.code) == (None, "PT16")
    (tmp_path / "oakum.toml").write_text('ignore = ["PT16"]\n')
    assert check_text(LEAK, tmp_path / "a.py") == []
    assert check_text(LEAK, level="warning") == [found]


@pytest.mark.parametrize("wrong", [{"select": ["PT99"]}, {"select": "PT16"}, {"level": "loud"}])
def test_what_is_wrong_is_told(wrong: dict[str, object]) -> None:
    with pytest.raises(OakumError):
        check_text(LEAK, **wrong)  # pyright: ignore[reportArgumentType]


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(OakumError, match=r"gone\.py: no such file"):
        check(tmp_path / "gone.py")
    (tmp_path / "oakum.toml").write_text("nonsense = 1\n")
    (tmp_path / "a.py").write_text(LEAK)
    with pytest.raises(OakumError, match="nonsense"):
        check(tmp_path / "a.py")


def test_what_is_public_is_there() -> None:
    assert all(getattr(oakum, name) for name in oakum.__all__)
    with pytest.raises(AttributeError):
        _ = oakum.nonsense  # pyright: ignore[reportAttributeAccessIssue]


def test_a_program_that_uses_it_type_checks(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from oakum import check\n\nfor found in check('a.py', select=['PT07']):\n    line: int = found.span.line\n    print(line)\n"
    )
    config = '{"typeCheckingMode": "strict", "include": ["program.py"]}'
    (tmp_path / "pyrightconfig.json").write_text(config)
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
