"""Compare what the engine says of programs with what they do when they run.

    python tests/truth/run.py [--update] [PROGRAM ...]

Where the engine claims a kind for an expression, or that a tensor is attached, a leaf or detached, every value that the expression
had must agree; one that doesn't ends with 1. None agrees with all: the engine means *this or None*. Disagreements that wait to be
mended stand in `known.txt`; one that is gone has to leave it, so it only shrinks. Printed is the share of facts that the engine
claims; `shares.json` keeps it, and it may only rise.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from oakum.facts import Facts
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.program import Source
from oakum.semantics.reveal import describe
from oakum.semantics.values import Value
from oakum.syntax.document import Document
from oakum.syntax.pieces import parse

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
SHARES = HERE / "shares.json"
KNOWN = HERE / "known.txt"
FRAMEWORKS = HERE.parent.parent / ".frameworks" / "bin" / "python"
# What a claimed kind may be when the program runs, where that is more than the kind itself.
ANY_OBJECT = {"other", "generator", "function", "class", "namespace"}
ALLOWED = {
    "output": {"tensor", "tuple", "list", "dict", "other"},
    "library": ANY_OBJECT | {"number", "string", "tuple"},
    "object": ANY_OBJECT,
    "instance": ANY_OBJECT | {"tuple", "list", "dict"},
    "method": ANY_OBJECT,
    "function": ANY_OBJECT,
    "class": ANY_OBJECT,
    "iterator": ANY_OBJECT | {"dataset-iterator"},
    "generator": ANY_OBJECT,
    "handle": {"handle", "other"},
    "scaler": {"scaler", "other"},
    "tf-tensor": {"tf-tensor", "tf-variable", "keras-tensor", "number", "data"},
    "keras-layer": {"keras-layer", "keras-model"},
    "module": {"module", "class"},
}
# Kinds that count when shares are taken: what leaks are made of. Functions, classes and namespaces are the program's own text.
COUNTED = {
    "tensor", "module", "optimizer", "number", "string", "list", "tuple", "dict", "set", "deque", "loader", "tf-tensor", "tf-variable",
    "keras-model", "keras-layer", "keras-tensor", "keras-optimizer", "dataset", "session", "graph", "tape",
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare what the engine says of programs with what they do.")
    parser.add_argument("--update", action="store_true", help="write shares.json and known.txt anew")
    parser.add_argument("--missing", action="store_true", help="show what is true and not claimed")
    parser.add_argument("programs", nargs="*", type=Path)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    total = 0
    for framework in ("torch", "tensorflow"):
        programs = arguments.programs or sorted((PROGRAMS / framework).glob("*.py"))
        for path, notes in _traces(framework, [path for path in programs if path.parent.name == framework]):
            total += 1
            wrong += _compare(framework, path, notes, counts, arguments.missing)
    shares = {
        name: round(counts[f"{name} claimed"] / counts[name], 4) for name in sorted(counts) if not name.endswith(" claimed")
    }
    for name, share in shares.items():
        print(f"{name:<24} {counts[name + ' claimed']:>5} of {counts[name]:>5}  {share:.1%}")
    if arguments.update and not arguments.programs:
        SHARES.write_text(json.dumps(shares, indent=2) + "\n", encoding="utf-8")
        KNOWN.write_text("".join(f"{line}\n" for line in wrong), encoding="utf-8")
    known = KNOWN.read_text(encoding="utf-8").splitlines()
    waiting = [line for line in wrong if line in known]
    gone = [line for line in known if line not in wrong]
    wrong = [line for line in wrong if line not in known]
    if not arguments.programs:
        wrong += [f"mended, so it leaves known.txt: {line}" for line in gone]
    if not arguments.update and arguments.programs:
        for name, before in json.loads(SHARES.read_text(encoding="utf-8")).items():
            if shares.get(name, 0) < before:
                wrong.append(f"the share of {name} fell from {before:.2%} to {shares.get(name, 0):.2%}")
    print(*wrong, sep="\n")
    print(f"{total} programs, {len(wrong)} disagreements, {len(waiting)} on file")
    return 1 if wrong or not total else 0


def _traces(framework: str, programs: list[Path]) -> list[tuple[Path, dict[str, Any]]]:
    if not programs:
        return []
    command = [str(FRAMEWORKS), str(HERE / "tracer.py"), framework, *map(str, programs)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(run.stderr)
    answers = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"program"')]
    assert len(answers) == len(programs), run.stderr
    return [(Path(answer["program"]), answer["notes"]) for answer in answers]


def _compare(framework: str, path: Path, notes: dict[str, Any], counts: Counter[str], missing: bool) -> list[str]:
    document = Document(path.read_text(encoding="utf-8"), path)
    source = Source(parse(document), path)
    facts = Facts(source, Evaluator())
    nodes = {
        _place(document, source, node): node
        for kind in _kinds()
        for node in source.nodes(kind)
        if isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)
    }
    wrong: list[str] = []
    for place, seen in notes.items():
        node = nodes.get(place)
        if node is None:
            continue
        value = facts.value(node)
        where = f"{path.name}:{place.partition(':')[0]}: {ast.unparse(node)}"
        for kind, state in seen:
            if not _agrees(value, kind, state):
                wrong.append(f"{where} is {kind} {state}".rstrip() + f", claimed: {describe(value)}")
        seen_kinds = {kind for kind, _ in seen}
        if seen_kinds & COUNTED:
            claimed = bool(value) and all(obj.kind != "unknown" for obj in value)
            _count(counts, f"{framework} kinds", claimed)
            if missing and not claimed:
                print(f"{where}: {', '.join(sorted(seen_kinds))}")
        if "tensor" in seen_kinds:
            claimed = bool(value) and all(
                obj.grad.value != "unknown" for obj in value if obj.kind in ("tensor", "output", "unknown")
            )
            _count(counts, f"{framework} autograd", claimed)
    return wrong


def _count(counts: Counter[str], name: str, claimed: bool) -> None:
    counts[name] += 1
    counts[f"{name} claimed"] += claimed


def _agrees(value: Value, kind: str, state: str) -> bool:
    """Whether something that was seen is among what is claimed."""
    if not value or kind == "none":
        return True
    for obj in value:
        if obj.kind == "unknown":
            return True
        if obj.kind == "data" and state in ("", "detached"):
            return True
        if kind in ALLOWED.get(obj.kind, {obj.kind}):
            if kind != "tensor" or obj.kind not in ("tensor", "output") or obj.grad.value in ("unknown", state):
                return True
    return False


def _kinds() -> tuple[type[ast.AST], ...]:
    return (
        ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Compare, ast.BoolOp, ast.IfExp, ast.List,
        ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
    )  # fmt: skip


def _place(document: Document, source: Source, node: ast.AST) -> str:
    start, end = (document.line_column(offset) for offset in source.locate(node))
    return f"{start[0] + 1}:{start[1]}-{end[0] + 1}:{end[1]}"


if __name__ == "__main__":
    sys.exit(main())
