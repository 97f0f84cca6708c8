"""Which files are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oakum import files


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write(**contents: str) -> None:
        for name, text in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def found(*paths: str) -> list[str]:
    def trouble(kind: str, message: str) -> None:
        raise AssertionError(message)

    return [Path(files.show(path)).as_posix() for path in files.find(paths or ["."], trouble)]


def test_sorted_and_once(make: Any) -> None:
    make(**{"b.py": "", "a/z.py": "", "a/b/c.ipynb": "", "B.PY": "", "c.pyi": "", "d.txt": ""})
    assert found() == ["a/b/c.ipynb", "a/z.py", "b.py"]
    assert found("b.py", ".", "a", "./b.py", "d.txt") == ["b.py", "a/b/c.ipynb", "a/z.py", "d.txt"]


def test_gitignore(make: Any) -> None:
    make(
        **{
            ".gitignore": "# made by machines\n*_pb2.py\n/top.py\nout/\n!kept_pb2.py\n\\#x.py\n",
            "a_pb2.py": "",
            "kept_pb2.py": "",
            "top.py": "",
            "#x.py": "",
            "sub/top.py": "",
            "sub/out/x.py": "",
            "sub/.gitignore": "local.py\n!b_pb2.py\n",
            "sub/local.py": "",
            "sub/b_pb2.py": "",
            "local.py": "",
        }
    )
    assert found() == ["kept_pb2.py", "local.py", "sub/b_pb2.py", "sub/top.py"]


def test_gitignore_above_within_the_repository(make: Any, tmp_path: Path) -> None:
    make(
        **{
            ".gitignore": "x.py\n",
            "r/.gitignore": "y.py\nout/\n",
            "r/a/x.py": "",
            "r/a/y.py": "",
            "r/out/z.py": "",
            "r/out/b/z.py": "",
        }
    )
    assert found("r/a") == ["r/a/x.py", "r/a/y.py"], "in no repository, files above have no say"
    (tmp_path / "r/.git").mkdir()
    assert found("r/a") == ["r/a/x.py"]
    assert found("r") == ["r/a/x.py"]
    assert found("r/out") == ["r/out/b/z.py", "r/out/z.py"], "asked for by name"
    assert found("r/a/y.py") == ["r/a/y.py"]


def test_environments_and_the_like(make: Any) -> None:
    make(
        **{
            "env/pyvenv.cfg": "",
            "env/x.py": "",
            "conda/conda-meta/history": "",
            "conda/x.py": "",
            ".git/hooks/x.py": "",
            "a.egg-info/x.py": "",
            "node_modules/p/x.py": "",
            ".hidden/x.py": "",
            "dist/x.py": "",
        }
    )
    assert found() == [".hidden/x.py"]
    assert found("dist") == ["dist/x.py"]


def test_links_are_not_followed(make: Any, tmp_path: Path) -> None:
    make(**{"a/x.py": ""})
    (tmp_path / "a/circle").symlink_to(tmp_path)
    (tmp_path / "a/y.py").symlink_to(tmp_path / "gone.py")
    assert found() == ["a/x.py"]


def test_a_closed_folder(make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make(**{"a.py": "", "closed/b.py": ""})
    scandir = files.os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(files.os, "scandir", refuse)
    told: list[tuple[str, str]] = []
    assert files.find(["."], lambda kind, message: told.append((kind, message))) == [tmp_path / "a.py"]
    assert told == [("error", "closed: permission denied")]
