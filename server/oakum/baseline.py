"""Findings that are known and left for later: a file that says which, so that only new ones are shown.

A finding is known by its rule and the text of its line, not by the line's number: what moves stays known.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from oakum.entry import Entry, entry
from oakum.report import Report

FILE = ".oakum-baseline.json"
_VERSION = 1

Known = tuple[str, str, str]  # path from the baseline's folder, code, context


class BaselineError(ValueError):
    """Why a baseline can't be read, in one line that starts with where."""


@dataclass(slots=True)
class Baseline:
    """What is known. `covers` counts: of two equal lines one may be new."""

    path: Path
    left: Counter[Known] = field(default_factory=Counter[Known])

    def covers(self, found: Entry) -> bool:
        key = _key(found, self.path)
        if self.left[key] > 0:
            self.left[key] -= 1
            return True
        return False

    def without_known(self, report: Report) -> Report:
        """A file's report less what is known. The baseline stays as it is, for the next version of the file."""
        fresh = Baseline(self.path, Counter(self.left))
        document = report.document
        new = tuple(item for item in report.diagnostics if not fresh.covers(entry(item, document)))
        return report if len(new) == len(report.diagnostics) else replace(report, diagnostics=new)


def read(path: Path) -> Baseline:
    """A baseline's file. Raises `BaselineError`."""
    try:
        content: Any = json.loads(path.read_bytes())
        if content["version"] != _VERSION:
            raise BaselineError(f"{path}: written by another version of Oakum; run `oakum baseline` again")
        known = Counter[Known]()
        for name, by_code in cast("dict[str, dict[str, dict[str, int]]]", content["findings"]).items():
            for code, contexts in by_code.items():
                for context, number in contexts.items():
                    known[name, code, context] += int(number)
    except OSError as error:
        raise BaselineError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, BaselineError):
            raise
        raise BaselineError(f"{path}: not a baseline; `oakum baseline` writes one") from None
    return Baseline(path.absolute(), known)


def write(path: Path, found: Iterable[Entry]) -> str:
    """The text of a baseline, in an order and with a line for each finding, so that a diff of it can be read."""
    counted = Counter(_key(each, path.absolute()) for each in found)
    findings: dict[str, dict[str, dict[str, int]]] = {}
    for (name, code, context), number in sorted(counted.items()):
        findings.setdefault(name, {}).setdefault(code, {})[context] = number
    return json.dumps({"version": _VERSION, "findings": findings}, indent=1, ensure_ascii=False) + "\n"


def _key(found: Entry, baseline: Path) -> Known:
    name = os.path.relpath(found.path, baseline.parent).replace(os.sep, "/") if found.path else ""
    return name, found.code, found.context
