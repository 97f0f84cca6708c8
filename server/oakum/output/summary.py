"""What is told besides findings: the last line, how often each rule spoke, what a fix would change, which rules there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from oakum import catalogue
from oakum.entry import Counts, Entry, by_rule, span
from oakum.output.places import where
from oakum.output.terminal import LEVELS, Paint
from oakum.report import Report
from oakum.rule import Rule, Safety


def summary(counts: Counts, *, diff: bool = False) -> str:
    """The last line of `oakum check` and `oakum fix`."""
    ways = [
        f"{number} {'fixable ' if first else ''}with `{command}`"
        for number, command, first in ((counts.safe, "oakum fix", True), (counts.review, "oakum fix --unsafe", not counts.safe))
        if number
    ]
    rest = f" ({', '.join(ways)})" if ways else ""
    if counts.fixed:
        done = f"{'Would fix' if diff else 'Fixed'} {count(counts.fixed, 'leak')} in {count(counts.mended, 'file')}"
        return f"{done}, {counts.found or 'none'} left{rest}."
    if counts.found:
        return f"Found {count(counts.found, 'leak')} in {count(counts.leaking, 'file')}{rest}."
    return f"No leaks found in {count(counts.files, 'file')}."


def statistics(found: Sequence[Entry], paint: Paint) -> str:
    """A line for each rule: how often it spoke, how many of that can be fixed."""
    lines: list[str] = []
    for code, entries in by_rule(iter(found)).items():
        fixable = sum(each.remedy is not None for each in entries)
        fix = f"{fixable} fixable" if fixable else ""
        lines.append(f"{len(entries):>5}  {paint(code, 'bold')}  {fix:<12}  {entries[0].smell}\n")
    return "".join(lines)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def notes(report: Report) -> Iterator[tuple[str, str]]:
    """What there is to say about a file besides findings, each with its place: that a rule failed is worse than a note."""
    document = report.document
    path = str(document.path.absolute()) if document.path else None
    for note in report.notes:
        yield "warning" if note.trace else "note", f"{where(path, span(document, note.start, note.start))}: {note.message}"


def diff(before: str, after: str, name: str, paint: Paint) -> str:
    """The change as a unified diff that `patch -p0` takes."""
    import difflib

    lines: list[str] = []
    for line in difflib.unified_diff(_lines(before), _lines(after), name, name):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
        text = line.rstrip("\r\n")
        style = ("bold",) if line.startswith(("+++", "---")) and len(lines) < 2 else (colour,) if colour else ()
        lines.append((paint(text, *style) if style else text) + (line[len(text) :] or "\n\\ No newline at end of file\n"))
    return "".join(lines)


def rule_line(rule: Rule, paint: Paint) -> str:
    """A rule in the list of all."""
    fix = {None: "", Safety.SAFE: "safe", Safety.REVIEW: "review"}[rule.fix]
    level = paint(f"{rule.level.value:<11}", LEVELS[rule.level.value])
    return f"{paint(rule.code, 'bold')}  {level}  {paint(f'{fix:<6}', 'dim')}  {rule.name}"


def rule_row(rule: Rule) -> dict[str, Any]:
    """A rule as JSON."""
    return {
        "code": rule.code,
        "name": rule.name,
        "smell": rule.smell,
        "frameworks": sorted(framework.name.lower() for framework in rule.frameworks),
        "category": rule.category,
        "subcategory": rule.subcategory,
        "level": rule.level.value,
        "fix": rule.fix and rule.fix.value,
        "practices": list(rule.practices),
        "page": rule.page,
        "url": catalogue.url(rule),
    }


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
