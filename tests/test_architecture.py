"""Who may import whom. The arrows between packages are contracts in `pyproject.toml`; the libraries are counted here."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVER = ROOT / "server" / "oakum"
RULES = ROOT / "rules" / "oakum_rules"
_MAY_IMPORT = {"oakum.rule", "oakum.facts", *sys.stdlib_module_names}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, relative ones with their dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def importers(*packages: str) -> set[str]:
    """The files of the server that import one of these packages."""
    return {
        path.relative_to(SERVER).as_posix()
        for path in SERVER.rglob("*.py")
        if any(name.partition(".")[0] in packages for name in imports(path))
    }


def test_contracts() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(RULES.rglob("*.py")), ids=lambda path: path.stem)
def test_a_rule_imports_its_vocabulary_only(path: Path) -> None:
    unwanted = {name for name in imports(path) if not {name, name.partition(".")[0]} & _MAY_IMPORT}
    assert unwanted == set()


def test_only_the_server_speaks_the_protocol() -> None:
    assert {name.partition("/")[0] for name in importers("pygls", "lsprotocol")} <= {"lsp"}


def test_only_the_oracle_asks_jedi() -> None:
    assert importers("jedi", "parso") <= {"semantics/oracle.py"}


def test_nobody_imports_a_framework() -> None:
    assert importers("torch", "tensorflow", "keras", "numpy", "sklearn") == set()
