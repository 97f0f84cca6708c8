"""Whatever happens to files, streams and rules meanwhile: a clear line, never a traceback, and no file half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oakum import catalogue, checking, files
from oakum.checking import Request
from oakum.rule import Finding, Form, Level
from oakum.settings import Settings

LEAK = "import torch\n\ntorch.autograd.set_detect_anomaly(True)\n"
OAKUM = (sys.executable, "-m", "oakum")


def environment() -> dict[str, str]:
    return {**os.environ, "OAKUM_NO_CACHE": "1"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is Linux's to play")
@pytest.mark.parametrize("arguments", [["check"], ["check", "--output-format=sarif"], ["rules"], ["explain", "PT16"]])
def test_a_full_disk(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*OAKUM, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, env=environment()
        )
    assert done.returncode == 2
    assert done.stderr.endswith("No space left on device\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fails", ["write", "replace"])
def test_a_disk_that_fills_while_a_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    path = tmp_path / "a.py"
    path.write_text("import torch\n")
    old = files.read(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if fails == "replace":
        monkeypatch.setattr(files.os, "replace", full)
    else:
        monkeypatch.setattr(files.shutil, "copymode", full)
    with pytest.raises(files.FileError, match="no space left on device"):
        files.write(old, files.source("import os\n", path))
    assert path.read_text() == "import torch\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.py"]


def test_a_report_that_can_not_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    path.chmod(0o640)

    def interrupted() -> None:
        with files.replacing(path) as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    with files.replacing(path) as file:
        file.write("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)
    assert [each.name for each in tmp_path.iterdir()] == ["out.json"]


def test_thousands_of_paths(tmp_path: Path) -> None:
    names = [f"{number:05}.py" for number in range(3000)]
    for name in names:
        (tmp_path / name).write_text("x = 1\n")
    done = subprocess.run([*OAKUM, "check", *names, *names], cwd=tmp_path, capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "No leaks found in 3000 files.\n", "")


def test_an_interrupt_with_several_processes(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:03}.py").write_text(LEAK * 12)
    process = subprocess.Popen(
        [*OAKUM, "check", "--jobs=2", "--output-format=concise"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdout
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode in (130, 1), "interrupted, or done before that"
    assert "Traceback" not in err


def test_a_rule_that_loops_or_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(node: object, facts: object) -> Iterator[Finding]:
        while True:
            pass
        yield

    def fail(node: object, facts: object) -> Iterator[Finding]:
        raise ZeroDivisionError("why not")
        yield

    import ast

    rule = next(rule for rule in catalogue.rules() if rule.code == "PT16")
    forms = [Form(check.__name__, Level.WARNING, (ast.Call,), check) for check in (loop, fail)]
    monkeypatch.setattr(rule, "forms", [*forms, *rule.forms])
    monkeypatch.setattr(checking, "_TOO_LONG", 0.3)
    path = tmp_path / "a.py"
    path.write_text(LEAK)
    begun = time.monotonic()
    (outcome,) = checking.run([(path, Settings())], Request(), 1)
    assert time.monotonic() - begun < 5
    assert [each.code for each in outcome.entries] == ["PT16"], "the rest goes on"
    assert [kind for kind, _ in outcome.troubles] == ["warning", "warning"]
    looped, failed = (message for _, message in outcome.troubles)
    assert "rule PT16.loop failed here and is switched off: TooSlow" in looped
    assert "rule PT16.fail failed here and is switched off: ZeroDivisionError: why not" in failed


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are played by Unix")
def test_a_bar_on_a_terminal_for_runs_that_take_long(tmp_path: Path) -> None:
    import pty

    from oakum.cli.progress import Progress

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        bar = Progress(4, terminal)
        bar._begun = bar._shown = time.monotonic() - 10  # pyright: ignore[reportPrivateUsage]
        bar.step()
        bar.clear()
        shown = os.read(ours, 1000).decode()
        quiet = Progress(4, terminal, quiet=True)
        quiet._begun = quiet._shown = time.monotonic() - 10  # pyright: ignore[reportPrivateUsage]
        quiet.step()
    os.close(ours)
    assert shown == "\r[######..................] 1/4 files\r\x1b[K"


def test_no_bar_where_nobody_watches(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    done = subprocess.run([*OAKUM, "check"], cwd=tmp_path, capture_output=True, text=True, env=environment())
    assert done.stderr == ""
