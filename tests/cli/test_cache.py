"""What was found is kept while its grounds are the same, by the real rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

TRAIN = """\
import torch
from model import step

model = torch.nn.Linear(4, 4)
kept = []
for batch in torch.utils.data.DataLoader([]):
    kept.append(step(model, batch))
"""
MODEL = "import torch\n\n\ndef step(model, batch):\n    return model(batch){tail}\n"

Check = Callable[..., tuple[list[str], str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Codes that are found, and how many files were known."""
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "model.py").write_text(MODEL.format(tail=""))

    def run(*arguments: str) -> tuple[list[str], str]:
        environment = {name: value for name, value in os.environ.items() if name != "OAKUM_NO_CACHE"}
        done = subprocess.run(
            [sys.executable, "-m", "oakum", "check", "--output-format=json", "-v", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment,
        )
        known = next((line.partition(" of ")[0] for line in done.stderr.splitlines() if "from the cache" in line), "off")
        return [each["code"] for each in json.loads(done.stdout)], known

    return run


def test_it_is_kept(check: Check, tmp_path: Path) -> None:
    first, known = check()
    assert first
    assert known == "0"
    assert check() == (first, "2")
    assert (tmp_path / ".oakum_cache/.gitignore").read_text() == "*\n"
    assert (tmp_path / ".oakum_cache/CACHEDIR.TAG").exists()


def test_what_it_rests_on(check: Check, tmp_path: Path) -> None:
    leaking = check()[0]
    (tmp_path / "model.py").write_text(MODEL.format(tail=".detach()"))
    assert check() == ([], "0"), "the file that it imports says something else now"
    (tmp_path / "model.py").unlink()
    assert check() == ([], "0")
    (tmp_path / "model.py").write_text(MODEL.format(tail=""))
    assert check()[0] == leaking, "an import that led nowhere leads to a file now"
    assert check("--ignore=PT") == ([], "0"), "other settings"
    assert check()[0] == leaking


def test_no_cache(check: Check, tmp_path: Path) -> None:
    assert check("--no-cache")[1] == "off"
    assert not (tmp_path / ".oakum_cache").exists()


def test_what_was_tampered_with_is_computed_anew(check: Check, tmp_path: Path) -> None:
    found = check()[0]
    for damage in (b"", b"{", b"[]", b'{"key": 1}', b"\x80\x04K\x01."):
        for path in (tmp_path / ".oakum_cache").rglob("*.json"):
            path.write_bytes(damage)
        assert check() == (found, "0")


def test_a_cache_that_can_not_be_written_is_done_without(check: Check, tmp_path: Path) -> None:
    (tmp_path / ".oakum_cache").write_text("a file")
    found, known = check()
    assert (bool(found), known) == (True, "0")
    assert (tmp_path / ".oakum_cache").read_text() == "a file"


def test_clean(check: Check, tmp_path: Path) -> None:
    check()

    def clean() -> str:
        command = [sys.executable, "-m", "oakum", "clean"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert clean() == ".oakum_cache: removed\n"
    assert not (tmp_path / ".oakum_cache").exists()
    assert clean() == ".oakum_cache: there is no cache\n"
    (tmp_path / ".oakum_cache").mkdir()
    (tmp_path / ".oakum_cache/precious").touch()
    clean()
    assert (tmp_path / ".oakum_cache/precious").exists(), "it is not Oakum's"


def test_watching(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("import torch\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "oakum", "check", "--watch", "--output-format=concise"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    try:
        assert "Watching" in process.stderr.readline()
        time.sleep(0.1)
        path.write_text("import torch\n\ntorch.autograd.set_detect_anomaly(True)\n")
        assert process.stdout.readline().startswith("a.py:3:1: warning[PT16]")
    finally:
        process.send_signal(2)
        assert process.wait(10) == 130
        process.stdout.close()
        process.stderr.close()
