"""Only what is new: a baseline of known findings, and changes against git."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

CODE = "import torch\n\nleak(x)\nrisk(y)\n"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    return path


def codes(run: Any, *arguments: str) -> list[str]:
    status, out, err = run("check", "--output-format=json", *arguments)
    assert err == ""
    found = [each["code"] for each in json.loads(out)]
    assert status == int(bool(found))
    return found


# --- baseline ---


def test_what_is_on_file_is_not_shown_again(run: Any, train: Path, tmp_path: Path) -> None:
    status, out, err = run("baseline")
    assert (status, err) == (0, "")
    assert out.startswith(".oakum-baseline.json: 2 findings on file\n")
    assert codes(run, "--baseline=.oakum-baseline.json") == []
    assert codes(run) == ["PT01", "PT02"], "it is not the configured one"
    (tmp_path / "oakum.toml").write_text('baseline = ".oakum-baseline.json"\n')
    assert codes(run) == []
    assert run("baseline")[1] == ".oakum-baseline.json: 2 findings on file\n"
    train.write_text("# a line above\n" + CODE.replace("risk(y)", "if y:\n    risk(y)"))
    assert codes(run) == [], "moved and indented"
    train.write_text(CODE + "leak(x)\nleak(z)\n")
    assert codes(run) == ["PT01", "PT01"], "one that looks like a known one is new all the same"


def test_each_file_has_its_own_line(run: Any, train: Path, tmp_path: Path) -> None:
    run("baseline")
    content = json.loads((tmp_path / ".oakum-baseline.json").read_text())
    assert content == {"version": 1, "findings": {"train.py": {"PT01": {"leak(x)": 1}, "PT02": {"risk(y)": 1}}}}
    train.rename(tmp_path / "other.py")
    assert codes(run, "--baseline=.oakum-baseline.json") == ["PT01", "PT02"]


def test_from_another_folder(run: Any, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("baseline")
    (tmp_path / "oakum.toml").write_text('baseline = ".oakum-baseline.json"\n')
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    assert codes(run, str(train)) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file or directory"),
        ("{", "not a baseline"),
        ('{"version": 1, "findings": []}', "not a baseline"),
        ('{"version": 2, "findings": {}}', "written by another version"),
    ],
)
def test_a_baseline_that_is_none(run: Any, train: Path, tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "known.json").write_text(content)
    status, _, err = run("check", "--baseline=known.json")
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


# --- git ---


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(train: Path, tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "same.py").write_text(CODE)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_lines_that_changed(run: Any, repository: Path, train: Path) -> None:
    assert codes(run, "--diff-base=HEAD") == []
    train.write_text("import torch\n\nleak(x)\nrisk(z)\n")
    assert codes(run, "--diff-base=HEAD") == ["PT02"]
    assert codes(run, "--changed") == ["PT01", "PT02"], "of a file that changed all lines"
    git(repository, "commit", "-qam", "second")
    assert codes(run, "--diff-base=HEAD") == []
    assert codes(run, "--diff-base=HEAD~1") == ["PT02"]
    (repository / "new ü.py").write_text(CODE)
    assert codes(run, "--diff-base=HEAD") == ["PT01", "PT02"], "a file that git doesn't know yet"


def test_a_subfolder_of_the_repository(run: Any, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "sub").mkdir()
    (repository / "sub/a.py").write_text(CODE)
    monkeypatch.chdir(repository / "sub")
    assert codes(run, "--changed") == ["PT01", "PT02"]


@pytest.mark.parametrize("reference", ["nowhere", "--output=touched", "HEAD:train.py"])
def test_no_such_commit(run: Any, repository: Path, reference: str) -> None:
    status, _, err = run("check", f"--diff-base={reference}")
    assert (status, err.count("\n")) == (2, 1)
    assert not (repository / "touched").exists()


def test_no_repository(run: Any, train: Path) -> None:
    status, _, err = run("check", "--changed")
    assert status == 2
    assert "not a git repository" in err


def test_a_repository_runs_nothing(run: Any, repository: Path, train: Path) -> None:
    """Git itself would run what a repository's configuration names."""
    script = repository / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {repository}/touched\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command"):
        git(repository, "config", key, str(script))
    (repository / ".git/info/attributes").write_text("*.py diff=evil\n")
    (repository / "touched").unlink(missing_ok=True)
    train.write_text(CODE + "leak(z)\n")
    assert codes(run, "--diff-base=HEAD") == ["PT01"]
    assert not (repository / "touched").exists()
