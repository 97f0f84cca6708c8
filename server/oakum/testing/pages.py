"""Markdown pages as tests: sections of code, what is expected on its lines, and what a fix makes of it.

A page is `## Title` sections. The Python blocks of a section are joined and put after the `prelude.py` beside the page, unless
the first of them starts with `# no-prelude`. A block that starts with `# file: name.py` is another file in the same folder.
`# select: ALL` (or codes, by commas) on a line of its own sets what is selected. Expectations are comments at a line's end:

    total += loss  # error: [PT07] "part of the message"

`error` stands for any level; `warning`, `info` and `hint` assert it. `todo-error` is a known miss, not to be found yet.
A `diff` block shows what the first fix of the first finding removes and adds; lines of context are for the reader.
An empty one says that there is no fix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from oakum.rule import Level

_EXPECTED = re.compile(r'[ \t]*# (todo-)?(error|warning|info|hint): \[([A-Z]+[0-9]+)\](?: "([^"]*)")?')
_REVEALED = re.compile(r"^\s*reveal\(.*\)  # revealed: (.*?)\s*$")
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.+?)[ \t]*$", re.MULTILINE)
_LEVELS = {"error": None, "warning": Level.WARNING, "info": Level.INFORMATION, "hint": Level.HINT}


@dataclass(frozen=True)
class Expectation:
    """What a comment says of its line (from 1, in the file that holds prelude and section). `level` None is any level."""

    line: int
    code: str
    part: str
    level: Level | None
    todo: bool


@dataclass(frozen=True)
class Section:
    """One heading of a page. `text` is the file that is analysed; `files` are its siblings by name."""

    page: Path
    title: str
    text: str
    prelude_lines: int
    expected: tuple[Expectation, ...] = ()
    revealed: dict[int, str] = field(default_factory=dict[int, str])
    diff: tuple[str, ...] | None = None
    files: dict[str, str] = field(default_factory=dict[str, str])
    select: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.page.name}::{self.title}"

    def place(self, line: int) -> str:
        """A line of the file as one that the reader of the page finds."""
        source = self.text.splitlines()[line - 1].strip()
        return f"`{source}`" if line > self.prelude_lines else f"prelude `{source}`"


def sections(page: Path) -> list[Section]:
    """The sections of a page that hold code."""
    markdown = page.read_text(encoding="utf-8")
    masked = _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), markdown)
    starts = [(found.start(), found[1]) for found in _HEADING.finditer(masked)]
    ends = [start for start, _ in starts[1:]] + [len(markdown)]
    found = [_section(page, title, markdown[start:end]) for (start, title), end in zip(starts, ends, strict=True)]
    return [section for section in found if section]


def blocks(markdown: str, language: str = "python") -> list[str]:
    """The fenced blocks of a language."""
    return [found[2] for found in _FENCE.finditer(markdown) if found[1] == language]


def with_prelude(code: str, folder: Path) -> str:
    """Code as it is analysed: behind the folder's prelude, unless it starts with `# no-prelude`."""
    return code if code.startswith("# no-prelude") else _prelude(folder) + code


@cache
def _prelude(folder: Path) -> str:
    path = folder / "prelude.py"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _section(page: Path, title: str, markdown: str) -> Section | None:
    main: list[str] = []
    files: dict[str, str] = {}
    for block in blocks(markdown):
        if named := re.match(r"# file: (\S+)\n", block):
            files[named[1]] = block[named.end() :]
        else:
            main.append(block)
    diffs = blocks(markdown, "diff")
    assert len(diffs) <= 1, f"{page.name}::{title}: one diff block a section"
    if not main:
        assert not files, f"{page.name}::{title}: only sibling files, nothing to analyse"
        assert not diffs, f"{page.name}::{title}: a diff without code"
        return None
    text = with_prelude("".join(main), page.parent)
    lines = text.split("\n")
    expected = [expectation for number, line in enumerate(lines, 1) for expectation in _expectations(number, line)]
    clean = "\n".join(_EXPECTED.sub("", line) for line in lines)
    assert not re.search(r"# (todo-)?(error|warning|info|hint): ?\[", clean), f"{page.name}::{title}: a malformed expectation"
    revealed = {number: found[1] for number, line in enumerate(lines, 1) if (found := _REVEALED.match(line))}
    select = re.search(r"^# select: (.+)$", text, re.MULTILINE)
    return Section(
        page=page,
        title=title,
        text=clean,
        prelude_lines=text.removesuffix("".join(main)).count("\n"),
        expected=tuple(expected),
        revealed=revealed,
        diff=tuple(diffs[0].splitlines()) if diffs else None,
        files=files,
        select=tuple(part.strip() for part in select[1].split(",")) if select else (),
    )


def _expectations(number: int, line: str) -> list[Expectation]:
    return [
        Expectation(number, found[3], found[4] or "", _LEVELS[found[2]], todo=bool(found[1]))
        for found in _EXPECTED.finditer(line)
    ]
