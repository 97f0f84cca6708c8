"""`oakum fix`: what it changes, and that it changes nothing else."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from oakum import catalogue, checking, files
from oakum.report import Diagnostic, Mend, Report, TextEdit
from oakum.rule import Level, Safety

CODE = "import torch\n\nleak(x)\nrisk(y)\n"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    return path


def test_safe_fixes(run: Any, train: Path) -> None:
    status, out, err = run("fix")
    assert (status, err) == (1, "")
    assert train.read_text() == "import torch\n\nfree(x)\nrisk(y)\n"
    assert "PT01" not in out, "what is left is shown"
    assert "PT02" in out
    assert out.splitlines()[-1] == "Fixed 1 leak in 1 file, 1 left (1 fixable with `oakum fix --unsafe`)."
    before = train.stat().st_mtime_ns
    assert run("fix")[0] == 1
    assert train.stat().st_mtime_ns == before, "nothing to fix, nothing written"


def test_unsafe_fixes(run: Any, train: Path) -> None:
    assert run("fix", "--unsafe") == (0, "Fixed 2 leaks in 1 file, none left.\n", "")
    assert train.read_text() == "import torch\n\nfree(x)\nfree(y)\n"
    assert run("fix", "--unsafe") == (0, "No leaks found in 1 file.\n", "")


def test_diff(run: Any, train: Path) -> None:
    status, out, err = run("fix", "--diff", "train.py")
    assert status == 1
    assert out == "--- train.py\n+++ train.py\n@@ -1,4 +1,4 @@\n import torch\n \n-leak(x)\n+free(x)\n risk(y)\n"
    assert err == "Would fix 1 leak in 1 file, 1 left (1 fixable with `oakum fix --unsafe`).\n"
    assert train.read_text() == CODE


def test_diff_without_a_last_line_end(run: Any, train: Path) -> None:
    train.write_text("import torch\nleak(x)")
    _, out, _ = run("fix", "--diff")
    assert out.endswith("-leak(x)\n\\ No newline at end of file\n+free(x)\n\\ No newline at end of file\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"import torch\r\nleak(x)\r\n", b"import torch\r\nfree(x)\r\n"),
        (b"\xef\xbb\xbfimport torch\nleak(x)", b"\xef\xbb\xbfimport torch\nfree(x)"),
        (b"# coding: latin-1\nimport torch\n'caf\xe9'; leak(x)\n", b"# coding: latin-1\nimport torch\n'caf\xe9'; free(x)\n"),
        (
            b"import torch\n\x0c\nleak(x) # \xe2\x80\xa8 \xf0\x9f\x98\x80\n\n\n",
            b"import torch\n\x0c\nfree(x) # \xe2\x80\xa8 \xf0\x9f\x98\x80\n\n\n",
        ),
        (b"import torch\rleak(x)\r\n\n", b"import torch\rfree(x)\r\n\n"),
    ],
    ids=["crlf", "bom", "cookie", "unusual characters", "mixed line ends"],
)
def test_bytes_stay(run: Any, train: Path, before: bytes, after: bytes) -> None:
    train.write_bytes(before)
    assert run("fix")[0] == 0
    assert train.read_bytes() == after


def test_mode_and_links_stay(run: Any, train: Path, tmp_path: Path) -> None:
    train.chmod(0o751)
    link = tmp_path / "link.py"
    link.symlink_to(train)
    run("fix", "link.py")
    assert link.is_symlink()
    assert "free(x)" in train.read_text()
    assert stat.S_IMODE(train.stat().st_mode) == 0o751
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.py", "train.py"], "nothing is left behind"


def test_a_file_that_changed_meanwhile_is_left_alone(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = checking.look

    def type_on(*arguments: Any) -> Any:
        train.write_text(CODE + "z\n")
        return look(*arguments)

    monkeypatch.setattr(checking, "look", type_on)
    status, _, err = run("fix")
    assert (status, err) == (2, "error: train.py: left as it is, because it changed meanwhile or is not plain utf-8\n")
    assert train.read_text() == CODE + "z\n"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes are Unix's")
def test_a_read_only_file_is_left_alone(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    status, _, err = run("fix")
    assert (status, err) == (2, "error: train.py: can't be written: permission denied\n")
    assert train.read_text() == CODE


def test_standard_input(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"import torch\r\nleak(x)\r\nstay(y)\r\n")))
    status, out, err = run("fix", "-", "--output-format=concise")
    assert (status, out) == (1, "import torch\r\nfree(x)\r\nstay(y)\r\n")
    assert err == "<stdin>:3:1: hint[TK01] `y` is never freed. Free it.\n"


def test_standard_input_that_can_not_be_read_comes_back(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"leak(x)\0\n")))
    assert run("fix", "-")[:2] == (2, "leak(x)\0\n")


def test_notebooks(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    content = {"cells": [{"cell_type": "code", "source": ["!ls\n", "import torch\n", "leak(x)"], "outputs": []}], "nbformat": 4}
    before = json.dumps(content, indent=1)
    path.write_text(before)
    assert run("fix") == (0, "Fixed 1 leak in 1 file, none left.\n", "")
    assert path.read_text() == before.replace("leak(x)", "free(x)")


def found(*edits: TextEdit, rule: Any) -> Diagnostic:
    return Diagnostic(rule, rule.forms[0], Level.WARNING, edits[0].start, edits[0].end, "m", (Mend("Fix", Safety.SAFE, edits),))


def test_fixes_go_on_until_there_are_none(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train.write_text("import torch\nx = 5\n")

    def count_down(document: Any, settings: Any, **_: Any) -> Report:
        number = int(document.text[17])
        edit = TextEdit(17, 18, str(number - 1))
        return Report(document, (found(edit, rule=catalogue.rules()[0]),) if number else ())

    monkeypatch.setattr(checking, "analyse", count_down)
    monkeypatch.setattr(checking, "verified", lambda report, *_, **__: report)
    assert run("fix") == (0, "Fixed 5 leaks in 1 file, none left.\n", "")
    assert train.read_text() == "import torch\nx = 0\n"


def test_fixes_that_break_the_file_together_are_made_alone(run: Any, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train.write_text("import torch\nif x:\n    a\n    b\n")

    def empty(document: Any, settings: Any, **_: Any) -> Report:
        lines = [
            TextEdit(at := document.text.index(name), at + 6, "") for name in ("    a\n", "    b\n") if name in document.text
        ]
        return Report(document, tuple(found(line, rule=catalogue.rules()[0]) for line in lines))

    monkeypatch.setattr(checking, "analyse", empty)
    monkeypatch.setattr(checking, "verified", lambda report, *_, **__: report)
    assert run("fix")[0] == 1
    assert train.read_text() == "import torch\nif x:\n    b\n"


def test_a_fix_in_a_notebook_stays_in_its_cell(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"cells": [{"cell_type": "code", "source": "import torch"}, {"cell_type": "code", "source": "b"}]})
    (tmp_path / "a.ipynb").write_text(text)

    def enclose(document: Any, settings: Any, **_: Any) -> Report:
        edits = (TextEdit(0, 0, "with x:\n    "), TextEdit(13, 13, "    "))
        return Report(document, (found(*edits, rule=catalogue.rules()[0]),))

    monkeypatch.setattr(checking, "analyse", enclose)
    status, out, _ = run("fix", "--output-format=json")
    assert (status, json.loads(out)[0]["fix"]) == (1, None)
    assert (tmp_path / "a.ipynb").read_text() == text
