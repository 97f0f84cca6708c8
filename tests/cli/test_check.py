"""`oakum check`: what it looks at, what it prints, how it ends."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from oakum import checking, files
from oakum.cli import main

CODE = "import torch\n\nleak(x)\nrisk(y)\n"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    return path


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_full(run: Any, train: Path) -> None:
    assert run("check") == (
        1,
        """\
warning[PT01]: `x` is never freed.
 --> train.py:3:1
  |
3 | leak(x)
  | ^^^^^^^
  = help: Free it.
  = because:
      train.py:1: it comes from here
  = fix: Call `free(x)` (oakum fix)

information[PT02]: `y` is never freed.
 --> train.py:4:1
  |
4 | risk(y)
  | ^^^^^^^
  = help: Free it.
  = because:
      train.py:1: it comes from here
  = fix: Call `free(y)` (oakum fix --unsafe, then review)

Found 2 leaks in 1 file (1 fixable with `oakum fix`, 1 with `oakum fix --unsafe`).
""",
        "",
    )


def test_concise(run: Any, train: Path) -> None:
    assert run("check", "--output-format=concise", "train.py") == (
        1,
        "train.py:3:1: warning[PT01] `x` is never freed. Free it.\n"
        "train.py:4:1: information[PT02] `y` is never freed. Free it.\n",
        "",
    )


def test_json(run: Any, train: Path) -> None:
    status, out, err = run("check", "--output-format=json", "--select=PT01")
    assert (status, err) == (1, "")
    assert json.loads(out) == [
        {
            "path": "train.py",
            "line": 3,
            "column": 1,
            "end_line": 3,
            "end_column": 8,
            "code": "PT01",
            "name": "simple-leak",
            "smell": "Smell PT01",
            "level": "warning",
            "message": "`x` is never freed. Free it.",
            "url": "https://oakum.readthedocs.io/rules/simple-leak/",
            "related": [{"path": "train.py", "line": 1, "column": 1, "message": "it comes from here"}],
            "fix": {
                "title": "Call `free(x)`",
                "safety": "safe",
                "edits": [{"line": 3, "column": 1, "end_line": 3, "end_column": 5, "text": "free"}],
            },
        }
    ]


def test_nothing_found(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("leak(x)  # of no framework\n")
    assert run("check") == (0, "No leaks found in 1 file.\n", "")
    assert run("check", "--output-format=json") == (0, "[]\n", "")
    assert run("check", "--output-format=concise") == (0, "", "")


def test_notebook(run: Any, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Hello"},
        {"cell_type": "code", "source": ["%pip install torch\n", "import torch"]},
        {"cell_type": "code", "source": ["x = 1\n", "leak(x)"]},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    status, out, _ = run("check", "--output-format=json")
    (found,) = json.loads(out)
    assert status == 1
    assert {key: found[key] for key in ("cell", "line", "column", "end_line", "end_column")} == {
        "cell": 3,
        "line": 2,
        "column": 1,
        "end_line": 2,
        "end_column": 8,
    }
    assert found["related"] == [{"path": "a.ipynb", "cell": 2, "line": 1, "column": 1, "message": "it comes from here"}]
    assert found["fix"]["edits"] == [{"cell": 3, "line": 2, "column": 1, "end_line": 2, "end_column": 5, "text": "free"}]
    assert run("check", "--output-format=concise")[1].startswith("a.ipynb:cell 3:2:1: ")
    out = run("check")[1]
    assert "\n --> a.ipynb:cell 3:2:1\n" in out
    assert "\n      a.ipynb:cell 2:1: it comes from here\n" in out


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ([], ["PT01", "PT02"]),
        (["--select=PT01"], ["PT01"]),
        (["--select=pt02,simple-leak"], ["PT01", "PT02"]),
        (["--select=PT", "--select", "TK"], ["PT01", "PT02"]),
        (["--select=PT01.plain-leak"], ["PT01"]),
        (["--select=ALL", "--ignore=PT01"], ["PT02"]),
        (["--ignore", "PT01, risky-leak"], []),
        (["--level=warning"], ["PT01"]),
        (["--level=information"], ["PT01", "PT02"]),
    ],
)
def test_which_rules(run: Any, train: Path, arguments: list[str], codes: list[str]) -> None:
    status, out, err = run("check", "--output-format=json", *arguments)
    assert ([each["code"] for each in json.loads(out)], status, err) == (codes, int(bool(codes)), "")


@pytest.mark.parametrize(
    ("selector", "meant"),
    [("PT001", "; did you mean `PT01`?"), ("simple-leek", "; did you mean `simple-leak`?"), ("XY", ""), ("PT01.plain", "")],
)
def test_unknown_rules(run: Any, train: Path, selector: str, meant: str) -> None:
    status, out, err = run("check", f"--select={selector}")
    assert (status, out) == (2, "")
    assert err.startswith(f"error: there is no rule `{selector}`{meant}")


def test_files_of_a_project(run: Any, tmp_path: Path) -> None:
    ours = ["a.py", "b/c.py"]
    others = [
        "b/d.pyi",
        "b/e.txt",
        "venv3/lib/x.py",
        ".git/x.py",
        "node_modules/x.py",
        "b/__pycache__/x.py",
        "build/x.py",
        "g/gen.py",
    ]
    for name in ours + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CODE)
    (tmp_path / "venv3/pyvenv.cfg").touch()
    (tmp_path / ".gitignore").write_text("gen.py\n")
    assert run("check")[1].splitlines()[-1].startswith("Found 4 leaks in 2 files ")
    assert run("check", "g/gen.py")[1].splitlines()[-1].startswith("Found 2 leaks in 1 file "), "given by name"
    _, out, _ = run("check", "--output-format=concise", "b", "a.py", ".", "./a.py", "--select=PT01")
    assert [line.partition(":")[0] for line in out.splitlines()] == [os.path.join("b", "c.py"), "a.py"]


def test_what_can_not_be_read(run: Any, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "null.py").write_bytes(b"import torch\nx = '\0'\n")
    (tmp_path / "latin.py").write_bytes(b"import torch\n\n# caf\xe9\n")
    (tmp_path / "early.py").write_bytes(b"# caf\xe9\nimport torch\n")
    (tmp_path / "cookie.py").write_bytes(b"# coding: klingon\nimport torch\n")
    (tmp_path / "rot.py").write_bytes(b"# coding: rot13\nimport torch\n")
    (tmp_path / "bad.ipynb").write_text('{\n "cells": [}\n')
    (tmp_path / "secret.py").write_text(CODE)
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "secret.py":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    status, out, err = run("check", ".", "gone.py")
    assert status == 2
    assert out.count("train.py:3:1") == 1, "the others are still checked"
    assert err == (
        "error: bad.ipynb:2:12: not valid JSON: Expecting value\n"
        "error: cookie.py: unknown encoding: klingon\n"
        "error: early.py: not valid utf-8\n"
        "error: latin.py:3: not valid utf-8: invalid continuation byte\n"
        "error: null.py:2: a null byte, so this is no source code\n"
        "error: rot.py: rot13 is no encoding for text\n"
        "error: secret.py: permission denied\n"
        "error: gone.py: no such file or directory\n"
    )
    assert run("check", "gone.py") == (2, "", "error: gone.py: no such file or directory\n")


def test_vanished_between_two_looks(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = files.read, list[Path]()

    def vanish(path: Path) -> files.Source:
        if seen:
            train.unlink(missing_ok=True)
        seen.append(path)
        return read(path)

    monkeypatch.setattr(files, "read", vanish)
    status, _, err = run("check")
    assert (status, err) == (2, "error: train.py: no such file or directory\n")


def test_a_mistake_of_ours_is_one_line(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise TypeError("oh")

    monkeypatch.setattr(checking, "analyse", fail)
    assert run("check", "--output-format=json") == (2, "[]\n", "error: train.py: Oakum failed: TypeError: oh\n")


def test_broken_syntax_is_a_note(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\n  broken\nleak(x)\n")
    status, out, err = run("check", "--output-format=concise")
    assert (status, err) == (1, "note: a.py:2:3: syntax error: not understood\n")
    assert out.startswith("a.py:3:1: ")


def test_other_languages_are_a_note(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text('{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}')
    status, _, err = run("check")
    assert (status, err) == (0, "note: a.ipynb: the notebook's language is r, not Python\n")


def test_a_folder_without_files(run: Any, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert run("check", "docs") == (0, "No leaks found in 0 files.\n", "warning: docs: no Python files in this folder\n")


def test_standard_input(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, CODE.encode())
    assert run("check", "-", "--output-format=concise", "--level=warning")[:2] == (
        1,
        "<stdin>:3:1: warning[PT01] `x` is never freed. Free it.\n",
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/pyproject.toml").write_text('[tool.oakum]\nignore = ["PT01"]\n')
    stdin(monkeypatch, CODE.encode())
    status, out, _ = run("check", "-", "--stdin-filename=sub/x.py", "--output-format=json")
    assert (status, [(each["path"], each["code"]) for each in json.loads(out)]) == (1, [(os.path.join("sub", "x.py"), "PT02")])
    stdin(monkeypatch, json.dumps({"cells": [{"cell_type": "code", "source": "import torch\nleak(x)"}]}).encode())
    assert json.loads(run("check", "-", "--stdin-filename=n.ipynb", "--output-format=json")[1])[0]["cell"] == 1
    stdin(monkeypatch, b"x = '\xff'")
    assert run("check", "-") == (2, "", "error: <stdin>: not valid utf-8\n")
    assert run("check", "-", "a.py")[0] == 2


def test_colour(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\033[" not in run("check")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[33;1mwarning[PT01]\033[0m" in run("check")[1]
    assert "\033[31;1merror:\033[0m gone.py" in run("check", "gone.py")[2]
    assert "\033[" not in run("check", "--output-format=json")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033[" not in run("check")[1]


def test_interrupts_and_readers_that_leave_are_quiet(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "analyse", interrupt)
    assert run("check")[0] == 130
    monkeypatch.undo()
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["rules", "--output-format=json"]) == 141


@pytest.mark.parametrize(
    "arguments", [["--jobs=0"], ["--output-format=xml"], ["--level=off"], ["--nonsense"]], ids=lambda arguments: arguments[0]
)
def test_wrong_usage(run: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run("check", *arguments)
    assert end.value.code == 2
