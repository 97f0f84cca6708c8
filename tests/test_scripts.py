"""Scripts that start Python: what is read out of them, and what the rules say of it, by the ways in of the command line and the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oakum import files
from oakum.analysis import analyse
from oakum.settings import Settings
from oakum.syntax.document import Document
from oakum.syntax.scripts import Script, kind_of, read


def script(kind: str, text: str) -> Script:
    found = read(Document(text, language=kind))
    assert found is not None
    return found


def told(name: str, text: str) -> list[tuple[int, str]]:
    """Lines (from 1) and first sentences of what is found in a file of this name."""
    report = analyse(files.source(text, Path(name)).document, Settings())
    return [(report.document.line_of(d.start) + 1, d.message.split(". ")[0]) for d in report.diagnostics]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Dockerfile", "dockerfile"), ("Dockerfile.gpu", "dockerfile"), ("train.Dockerfile", "dockerfile"), ("Containerfile", "dockerfile"),
        ("run.sh", "shell"), (".bashrc", "shell"), (".env", "dotenv"), (".env.local", "dotenv"), ("gpu.env", "dotenv"),
        ("environment.yml", "conda"), ("environment-gpu.yaml", "conda"),
        ("Dockerfiles.md", None), ("train.py", None), ("environment.py", None), ("values.yml", None),
    ],
)  # fmt: skip
def test_kinds_by_name(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_shell_words() -> None:
    text = """#!/bin/bash
export A=1 B="two words" C='$X'   # D=4
E=5; export F="a:$F" && G=7 python train.py H=8
if [ -n "$X" ]; then
  export I=9
fi
cat <<END > conf
export J=10
END
case $Y in
  a) K=11 ;;
esac
f() { L=12; }
export M=a\\
b N=14
declare -x O=15
[[ -n $Z ]] && P=16
echo "export Q=17"
"""
    found = {v.name: (v.value, v.conditional) for v in script("shell", text).variables}
    assert found == {
        "A": ("1", False), "B": ("two words", False), "C": ("$X", False), "E": ("5", False), "F": ("a:$F", False), "I": ("9", True),
        "K": ("11", True), "L": ("12", True), "M": ("ab", False), "N": ("14", False), "O": ("15", False), "P": ("16", True),
    }  # fmt: skip


def test_dockerfile_stages_and_continued_lines() -> None:
    text = """FROM nvidia/cuda:11.8.0-base AS build
ENV PATH=/a:$PATH \\
    # a comment

    LIB="/b c"
env OLD some value
RUN <<END
ENV NOT=1
END
FROM scratch
ENV X=1
"""
    found = script("dockerfile", text)
    assert [(v.name, v.value, v.stage) for v in found.variables] == [
        ("PATH", "/a:$PATH", 0), ("LIB", "/b c", 0), ("OLD", "some value", 0), ("X", "1", 1),
    ]  # fmt: skip
    assert found.images == ("nvidia/cuda:11.8.0-base AS build", "scratch")
    assert [text[v.start : v.end] for v in found.variables] == ["PATH=/a:$PATH", 'LIB="/b c"', "OLD some value", "X=1"]


def test_mixed_versions() -> None:
    shell = "export PATH=/usr/local/cuda-11.2/bin:$PATH\nexport LD_LIBRARY_PATH=/usr/local/cuda-11.8/lib64:$LD_LIBRARY_PATH\n"
    sentence = "`LD_LIBRARY_PATH` names CUDA 11.8, but `PATH` names CUDA 11.2"
    assert told("train.sh", shell) == [(2, sentence)]
    assert told(".env", shell.replace("export ", "")) == [(2, sentence)]
    assert told("Dockerfile", "FROM tensorflow/tensorflow\n" + shell.replace("export", "ENV")) == [(3, sentence)]
    conda = """name: tf
dependencies:
  - tensorflow
variables:
  PATH: /usr/local/cuda-11.2/bin
  LD_LIBRARY_PATH: /usr/local/cuda-11.8/lib64
"""
    assert told("environment.yml", conda) == [(6, sentence)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "one.sh",
            "export CUDA_HOME=/usr/local/cuda-12\nexport PATH=/usr/local/cuda-12.4/bin:$PATH\nexport CUDA_PATH=/usr/local/cuda\n",
        ),
        ("chosen.sh", "export CUDA_HOME=/usr/local/cuda-11.2\nif [ -d /opt ]; then\n  export CUDA_HOME=/usr/local/cuda-12\nfi\n"),
        ("or.sh", "export CUDA_HOME=/usr/local/cuda-11.2\n[ -d /opt ] && export PATH=/usr/local/cuda-12.1/bin\n"),
        ("again.sh", "PATH=/usr/local/cuda-11.2/bin\nCUDA_HOME=/usr/local/cuda-11.8\nCUDA_HOME=/usr/local/cuda-11.2\n"),
        ("Dockerfile", "FROM a AS x\nENV CUDA_HOME=/usr/local/cuda-11.2\nFROM b\nENV PATH=/usr/local/cuda-12.1/bin:$PATH\n"),
        ("single.sh", "CUDA_HOME=/usr/local/cuda-11.2 python a.py\nCUDA_HOME=/usr/local/cuda-12.1 python a.py\n"),
        ("torch.sh", "export PATH=/usr/local/cuda-11.2/bin\nexport CUDA_HOME=/usr/local/cuda-11.8\npip install torch\n"),
    ],
)
def test_what_is_right_is_silent(name: str, text: str) -> None:
    assert told(name, text) == []


def test_overwritten_library_path() -> None:
    text = "export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH\nexport LD_LIBRARY_PATH=/opt/lib\n"
    assert told("a.sh", text) == [(2, "This drops CUDA's libraries from `LD_LIBRARY_PATH`, which were put there before")]
    assert told("a.sh", text.replace("=/opt/lib", "=/opt/lib:${LD_LIBRARY_PATH}")) == []
    image = "FROM tensorflow/tensorflow:2.15.0-gpu\nENV LD_LIBRARY_PATH=/opt/lib\n"
    assert told("Dockerfile", image) == [
        (2, "This drops the libraries of `tensorflow/tensorflow:2.15.0-gpu` from `LD_LIBRARY_PATH`")
    ]
    assert told("Dockerfile", "FROM ubuntu\nENV LD_LIBRARY_PATH=/opt/lib\n") == []


def test_comments_silence() -> None:
    text = "export LD_LIBRARY_PATH=/usr/local/cuda/lib64\nexport LD_LIBRARY_PATH=/opt/lib"
    assert told("a.sh", text) != []
    assert told("a.sh", text + "  # oakum: ignore[TK15]\n") == []
    image = "FROM x-gpu\n{}ENV LD_LIBRARY_PATH=/opt/lib\n"
    assert told("Dockerfile", image.format("")) != []
    assert told("Dockerfile", image.format("# oakum: ignore[TK15]\n")) == []
    assert told("Dockerfile", "# oakum: ignore-file\n" + image.format("")) == []


def test_notebook_lines() -> None:
    cells = [
        "import tensorflow as tf\n!export LD_LIBRARY_PATH=/usr/local/cuda/lib64",
        "%env CUDA_HOME=/usr/local/cuda-11.2\n%env PATH /usr/local/cuda-12.1/bin",
    ]
    sources = [json.dumps({"cell_type": "code", "source": cell, "metadata": {}, "outputs": []}) for cell in cells]
    found = told("a.ipynb", f'{{"cells": [{", ".join(sources)}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}')
    assert [line for line, _ in found] == [2, 4]
    assert found[0][1].startswith("`LD_LIBRARY_PATH` is set in a shell that ends with this line")
    assert found[1][1] == "`PATH` names CUDA 12.1, but `CUDA_HOME` names CUDA 11.2"


def test_a_notebook_sets_before_it_imports() -> None:
    lines = ["import keras", "%env KERAS_BACKEND=jax", "%env MY_FLAG=1"]
    for cell, count in ((lines, 1), (lines[::-1], 0)):
        source = json.dumps("\n".join(cell))
        book = f'{{"cells": [{{"cell_type": "code", "source": {source}}}], "metadata": {{}}, "nbformat": 4}}'
        found = told("a.ipynb", book)
        assert [sentence[:38] for _, sentence in found] == ["`KERAS_BACKEND` is read by an import a"] * count


def test_any_bytes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "install.sh"
    path.write_bytes(b"export LD_LIBRARY_PATH=/usr/local/cuda/lib64 # \xff\nexport LD_LIBRARY_PATH=/opt\nexit\n\0\1\2")
    assert len(analyse(files.read(path).document, Settings()).diagnostics) == 1


def test_folders_are_searched_for_them(tmp_path: Path) -> None:
    names = {"Dockerfile", "run.sh", ".env", "environment.yml"}
    for name in (*names, "notes.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert {path.name for path in files.find([str(tmp_path)], lambda how, what: None)} == names
