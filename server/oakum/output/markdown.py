"""A table for a summary: of a workflow's run, of a merge request."""

from __future__ import annotations

from collections.abc import Sequence

from oakum.entry import Entry, by_rule
from oakum.output.places import where


def write(found: Sequence[Entry]) -> str:
    if not found:
        return "No leaks found.\n"
    lines = ["| where | level | rule | what |", "|---|---|---|---|"]
    lines += [
        f"| `{where(each.path, each.span)}` | {each.level} | [{each.code}]({each.url}) | {_cell(each.message)} |"
        for each in found
    ]
    counted = ", ".join(f"{len(entries)} of {code}" for code, entries in by_rule(iter(found)).items())
    return "\n".join([*lines, "", f"{counted}."]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
