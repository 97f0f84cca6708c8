"""What depends on how findings and comments go together, so that no rule is played here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oakum.cli import main

LEAK = "torch.autograd.set_detect_anomaly(True)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OAKUM_NO_CACHE", "1")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(list(arguments))
    return (status, *capsys.readouterr())


def test_a_comment_at_each_finding(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    path = folder / "a.py"
    path.write_bytes(f"import torch\r\n{LEAK}; {LEAK}  # why\r\n{LEAK[:-6]}(\\\r\n True)\r\n".encode())
    assert run(capsys, "check", "--add-ignores") == (0, "Silenced 3 findings in 1 file, none left.\n", "")
    assert path.read_bytes().decode() == (
        f"import torch\r\n{LEAK}; {LEAK}  # why  # oakum: ignore[PT16]\r\n{LEAK[:-6]}(\\\r\n True)  # oakum: ignore[PT16]\r\n"
    )
    assert run(capsys, "check") == (0, "No leaks found in 1 file.\n", "")
    assert run(capsys, "check", "--add-ignores") == (0, "No leaks found in 1 file.\n", "")


def test_a_comment_in_a_cell(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    path = folder / "a.ipynb"
    content = {"cells": [{"cell_type": "code", "source": ["import torch\n", LEAK]}], "nbformat": 4}
    path.write_text(json.dumps(content, indent=1))
    assert run(capsys, "check", "--add-ignores")[0] == 0
    assert path.read_text() == json.dumps(content, indent=1).replace(LEAK, f"{LEAK}  # oakum: ignore[PT16]")


def test_what_can_not_hold_a_comment_is_left(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "a.py").write_text(f"import torch\n{LEAK}; x = 1, \\\n  2\n")
    status, out, _ = run(capsys, "check", "--add-ignores", "--output-format=concise")
    assert (status, out.count("PT16")) == (1, 1)


def test_a_comment_that_silences_nothing_is_taken_out(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    path = folder / "a.py"
    path.write_text("import torch\n\nx = 1  # oakum: ignore[PT16]\n")
    status, out, _ = run(capsys, "check", "--output-format=concise")
    assert (status, out) == (
        1,
        "a.py:3:8: hint[OK01] This comment silences nothing: there is no finding of `PT16` on this line.\n",
    )
    assert run(capsys, "check", "--ignore=OK01")[0] == 0
    assert run(capsys, "fix")[0] == 0
    assert path.read_text() == "import torch\n\nx = 1\n"


def test_why_nothing_is_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "a.py").write_text("import torch\n\nkept = []\nfor x in y:\n    kept.append(torch.zeros(3))\n")
    status, out, err = run(capsys, "check", "--explain=a.py:5")
    assert (status, err) == (0, "")
    assert "5 |     kept.append(torch.zeros(3))\n" in out
    assert "torch.zeros(3): tensor[detached]" in out
    assert "PT07.growing-container at `kept.append(torch.zeros(3))` is silent after: " in out
    assert run(capsys, "check", "--explain=a.py:99")[1] == "There is no line 99.\n"
    assert run(capsys, "check", "--explain=gone.py:1")[0] == 2


def test_why_something_is_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "a.py").write_text(f"import torch\n{LEAK}\n")
    out = run(capsys, "check", "--explain=a.py:2")[1]
    assert "PT16 (warning): Anomaly detection is on" in out
    assert "PT16.switched-on" in out
    assert " speaks\n" in out
