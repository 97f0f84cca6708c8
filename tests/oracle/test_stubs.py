"""The stubs hold together: they parse, and every name in them is defined."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

from oakum.semantics.oracle import STUBS

FILES = {path.relative_to(STUBS).as_posix(): path for path in STUBS.rglob("*.pyi")}


def module_file(package: str) -> Path | None:
    """The stub of a dotted name."""
    head, *rest = package.split(".")
    base = STUBS.joinpath(head + "-stubs", *rest)
    return next((path for path in (base / "__init__.pyi", base.with_suffix(".pyi")) if path.is_file()), None)


def names(tree: ast.Module, package: str) -> set[str]:
    """The names that a stub binds at its top level, stars resolved."""
    found: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Import():
                found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            case ast.ImportFrom():
                for alias in node.names:
                    source = resolve(node, package)
                    if alias.name == "*":
                        found |= names(parse(source), source)
                    else:
                        found.add(alias.asname or alias.name)
    return found


def resolve(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def parse(module: str) -> ast.Module:
    file = module_file(module)
    assert file is not None, module
    return ast.parse(file.read_text(encoding="utf-8"))


def dotted(name: str) -> str:
    return name.removesuffix(".pyi").removesuffix("/__init__").replace("-stubs", "").replace("/", ".")


@pytest.mark.parametrize("name", sorted(FILES))
def test_stub(name: str) -> None:
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    module = dotted(name)
    package = module if name.endswith("__init__.pyi") else module.rpartition(".")[0]
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    known = names(tree, package) | set(dir(builtins)) | arguments
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    members = {item.target.id for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for item in node.body
               if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)}  # fmt: skip
    assert used - known - members == set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = resolve(node, package)
            if (STUBS / (source.partition(".")[0] + "-stubs")).is_dir():
                there = names(parse(source), source)
                missing = {
                    a.name
                    for a in node.names
                    if a.name != "*" and a.name not in there and module_file(f"{source}.{a.name}") is None
                }
                assert missing == set()
