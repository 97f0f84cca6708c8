"""A workspace that wants to be run: nothing of it is, and the answers are those of the bundled stubs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

TEXT = """\
import sys
sys.path.append(".")
sys.path.insert(0, "lib")
import torch, typing, jedi, native, pipe, numpydoc, sitecustomize, usercustomize
from torch import nn
from helper import halve
def test_one(fixture):
    '''
    :rtype: torch.Tensor
    '''
    return fixture
def other(n: typing.List[int]):
    '''
    Returns
    -------
    out : numpydoc.Thing
    '''
"""
KINDS = {
    "halve(nn.Linear(1, 1)(torch.zeros(1)))": "torch.Tensor",
    "torch.zeros(1) * 2": "torch.Tensor",
    "torch.optim.SGD([])": "torch.optim.Optimizer",
    "torch.evil()": None,
    "torch.Evil()": None,
    "native.run()": None,
    "pipe.read()": None,
    "jedi.Script()": None,
    "numpydoc.parse()": None,
    "sitecustomize.x": None,
    "test_one(2)": None,
    "other([1])": None,
}
PLACES = [(TEXT.count("\n") + number, len(expression)) for number, expression in enumerate(KINDS, 1)]
TEXT += "\n".join(KINDS)

# Asks in a process where everything of interest is reported by the interpreter itself.
PROBE = """\
import json, os, sys
text, places, path = json.load(sys.stdin)
from oakum.semantics.oracle import Oracle
lazy = not {"jedi", "parso"} & set(sys.modules)
workspace, seen, watched = os.path.dirname(path), [], ("subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system")
def hook(event, arguments):
    if event in watched or event.startswith(("pickle.", "socket.", "shutil.")):
        seen.append(event)
    elif event == "exec" and str(getattr(arguments[0], "co_filename", "")).startswith(workspace):
        seen.append("exec " + arguments[0].co_filename)
    elif event == "import" and str(arguments[1]).startswith(workspace):
        seen.append("import " + arguments[1])
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if not str(arguments[0]).endswith(".pyc") and ".pyc." not in str(arguments[0]):
            seen.append("write " + str(arguments[0]))
sys.addaudithook(hook)
from pathlib import Path
oracle = Oracle()
answers = [oracle.kind(text, *place, Path(path), budget=20) for place in places]
ours = [name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(workspace)]
print(json.dumps([lazy, answers, seen, ours]))
"""


def run(script: list[str], workspace: Path) -> list:
    environment = os.environ | {
        "PATH": f"{workspace}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(workspace / ".venv"),
        "CONDA_PREFIX": str(workspace / ".venv"),
        "HOME": str(workspace),
        "XDG_CACHE_HOME": str(workspace / "cache"),
    }
    done = subprocess.run(
        [sys.executable, *script],
        input=json.dumps([TEXT, PLACES, str(workspace / "train.py")]),
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace, mark = tmp_path / "workspace", tmp_path / "mark"
    run_me = f"open({str(mark)!r}, 'a').write(__name__)\n"
    lies = "class Tensor: ...\nclass Evil: ...\ndef zeros(n) -> int: ...\ndef evil() -> Tensor: ...\n"
    files = dict.fromkeys(("sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "lib/typing.py"), run_me)
    files |= {f"{name}/__init__.py": run_me + lies for name in ("torch", "jedi", "parso", "numpydoc", "lib/torch")}
    files |= {f"{name}-stubs/__init__.pyi": lies for name in ("torch", "lib/torch", "lib/typing", "helper")}
    files |= {
        "torch/__init__.pyi": lies,
        "torch/nn.py": run_me,
        "helper.py": run_me + "def halve(t):\n    return t / 2\n",
        "evil.pth": "import sitecustomize\n",
        ".jedi/project.json": json.dumps([1, {"path": ".", "environment_path": "python", "load_unsafe_extensions": True}]),
        "buildout.cfg": "",
        ".venv/pyvenv.cfg": "home = .\n",
        f".venv/lib/python3.{sys.version_info[1]}/site-packages/evil.pth": f"import os; {run_me}",
        "native" + sysconfig.get_config_var("EXT_SUFFIX"): "not a library",
        "native.abi3.so": "not a library",
        "pyproject.toml": "",
    }
    for name, text in files.items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(text, encoding="utf-8")
    for name in ("python", "python3", ".venv/bin/python", "bin/python"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(f"#!/bin/sh\necho {name} >> '{mark}'\n", encoding="utf-8")
        (workspace / name).chmod(0o755)
    if hasattr(os, "mkfifo"):
        for name in ("pipe.py", "helper.pyi"):
            os.mkfifo(workspace / name)  # whoever opens it for reading waits for ever
    return workspace


def test_nothing_is_run_and_the_answers_stay(workspace: Path, tmp_path: Path) -> None:
    probe = tmp_path / "elsewhere" / "probe.py"
    probe.parent.mkdir()
    probe.write_text(PROBE, encoding="utf-8")
    before = sorted(workspace.rglob("*"))
    lazy, answers, seen, ours = run([str(probe)], workspace)
    assert lazy, "jedi is imported by the first question, not before"
    assert dict(zip(KINDS, answers, strict=True)) == KINDS
    assert (seen, ours) == ([], [])
    assert not (tmp_path / "mark").exists()
    assert sorted(workspace.rglob("*")) == before, "no cache, no byte code"


def test_a_jedi_of_the_working_directory_is_not_imported(workspace: Path, tmp_path: Path) -> None:
    lazy, answers, seen, ours = run(["-c", PROBE], workspace)  # `-c` puts the working directory first on the path
    assert lazy
    assert answers == [None] * len(PLACES)
    assert (seen, ours) == ([], [])
    assert not (tmp_path / "mark").exists()


def test_nothing_of_the_working_directory_is_imported_on_the_way(workspace: Path, tmp_path: Path) -> None:
    for name in ("jedi", "parso"):
        shutil.rmtree(workspace / name)
    _, answers, seen, ours = run(["-c", PROBE], workspace)
    assert dict(zip(KINDS, answers, strict=True)) == KINDS
    assert (seen, ours) == ([], [])
    assert not (tmp_path / "mark").exists()
