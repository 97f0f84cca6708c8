"""What has changed against git: which files, and which lines of them.

Git is asked, nothing else; and so that a repository nobody trusts can't make it run something: no hooks, no file system monitor, no
external diff, no filter that turns files into text.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from oakum.entry import Entry

_SAFELY = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false")
_DIFF = (
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--ignore-submodules=all",
    "--unified=0",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")


class GitError(Exception):
    """Why git has no answer, in one line."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The files that differ, and which of their lines; a file that is new to git differs in all of them (None)."""

    lines: dict[Path, frozenset[int] | None]

    def has(self, path: Path) -> bool:
        return path.resolve() in self.lines

    def touches(self, found: Entry) -> bool:
        """Whether a finding is on a line that changed. Lines of a notebook's cell are not those of its file: all count."""
        if found.path is None:
            return True
        path = Path(found.path).resolve()
        lines = self.lines.get(path, frozenset[int]())
        span = found.span
        return lines is None or (bool(lines) if span.cell else not lines.isdisjoint(range(span.line, span.end_line + 1)))


def since(reference: str, folder: Path) -> Changes:
    """What the files around a folder have that a commit does not. Raises `GitError`."""
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}").strip()
    lines: dict[Path, frozenset[int] | None] = {}
    path: Path | None = None
    for line in _git(top, *_DIFF, commit, "--").splitlines():
        if line.startswith("+++ "):
            name = line[4:].rstrip("\t")
            path = None if name == "/dev/null" else (top / name.removeprefix("b/")).resolve()
            if path:
                lines[path] = frozenset()
        elif path and (hunk := _HUNK.match(line)):
            start, count = int(hunk[1]), int(hunk[2] or 1)
            lines[path] = (lines[path] or frozenset()) | frozenset(range(start, start + count))
    for name in _git(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0"):
        if name:
            lines[(top / name).resolve()] = None
    return Changes(lines)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *_SAFELY, *arguments], cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise GitError(f"git can't be run: {(error.strerror or str(error)).lower()}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitError(f"git: {said[0].removeprefix('fatal: ')}" if said else f"git knows no commit `{arguments[-1]}`")
    return done.stdout.decode(errors="surrogateescape")
