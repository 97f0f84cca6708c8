"""How long a check takes, as a multiple of what `ast.parse` takes for the same files.

    python benchmarks/throughput.py [--slowest N] [FOLDER ...]

Without folders: the packages that `make ecosystem` has downloaded. Both are timed one after the other for each file, in one
process, so that a busy machine slows both; the command line is timed whole, with its start and its output.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from oakum import files
from oakum.analysis import analyse, mentions_framework
from oakum.semantics.program import Workspace

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / ".ecosystem"


@dataclass(frozen=True, slots=True)
class Timed:
    """What one file takes, in seconds of CPU time."""

    path: Path
    lines: int
    concerned: bool
    parse: float
    analyse: float


def measure(path: Path, around: Workspace) -> Timed | None:
    """The times of one file among others; None of one that Python can't read."""
    try:
        source = files.read(path)
        parsing = _seconds(lambda: ast.parse(source.text))
    except (files.FileError, SyntaxError):
        return None
    analysing = _seconds(lambda: analyse(source.document, workspace=around))
    return Timed(path, source.text.count("\n"), mentions_framework(source.text), parsing, analysing)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def command(folders: Sequence[Path], *options: str) -> float:
    """What `oakum check` takes by the clock."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "oakum", "check", "--output-format", "json", *options, *folders],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"oakum check ended with {done.returncode}")
    return time.perf_counter() - started


def table(timed: Sequence[Timed], folders: Sequence[Path]) -> list[str]:
    """The figures as Markdown."""
    concerned = [one for one in timed if one.concerned]
    parsing = sum(one.parse for one in timed)
    rows = [
        "| | files | lines | `ast.parse` | Oakum | ratio |",
        "|---|--:|--:|--:|--:|--:|",
        _row("in process, files that name a framework", concerned, sum(one.analyse for one in concerned)),
        _row("in process, all files", timed, sum(one.analyse for one in timed)),
        _row("`oakum check --jobs 1`, all files", timed, command(folders, "--jobs", "1")),
        _row(f"`oakum check`, all files, {os.cpu_count()} cores", timed, command(folders)),
    ]
    return [*rows, "", f"`ast.parse`: {1000 * parsing / len(timed):.1f} ms a file on average."]


def _row(name: str, timed: Sequence[Timed], seconds: float) -> str:
    parsing = sum(one.parse for one in timed)
    lines = sum(one.lines for one in timed)
    return f"| {name} | {len(timed):,} | {lines:,} | {parsing:.1f} s | {seconds:.1f} s | {seconds / parsing:.2f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Time checks against plain parsing.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="default: the downloaded packages")
    parser.add_argument("--slowest", type=int, default=0, metavar="N", help="also name the N files that take longest")
    arguments = parser.parse_args()
    folders: list[Path] = arguments.folders or sorted(path for path in CORPUS.glob("*") if path.is_dir())
    if not folders:
        parser.error("there is nothing to check: run `make ecosystem` first, or name folders")
    warnings.simplefilter("ignore", SyntaxWarning)  # of invalid escapes in other people's strings
    paths = files.find([str(folder) for folder in folders], lambda kind, message: None)
    around = Workspace(fixed=True)  # shared by all files, as the command does
    timed = [one for path in paths if path.suffix == ".py" and (one := measure(path, around))]
    print(*table(timed, folders), sep="\n")
    for one in sorted(timed, key=lambda one: one.analyse, reverse=True)[: arguments.slowest]:
        print(f"{one.analyse:8.2f} s {one.analyse / one.parse:7.1f} x  {one.lines:6,} lines  {files.show(one.path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
