"""What an analysis answers, in offsets of its document: plain data that the command line and the server print or convert."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from oakum.rule import Form, Level, Rule, Safety
from oakum.syntax.document import Document


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace the code points `start` to `end` by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mend:
    """A fix as text edits: sorted, not overlapping."""

    title: str
    safety: Safety
    edits: tuple[TextEdit, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """A place that belongs to the proof of a diagnostic, in this document or another file of the workspace."""

    document: Document
    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding as it is shown. `start` and `end` are offsets in the report's document."""

    rule: Rule
    form: Form
    level: Level
    start: int
    end: int
    message: str
    mends: tuple[Mend, ...] = ()
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something the user should know that is no finding: a syntax error, a piece left out, a rule that failed.

    `trace`: of a rule that failed, the traceback that belongs into a report of the bug.
    """

    start: int
    message: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of one version of a document.

    `raised` counts what was found by code, whatever its level and whichever rule stands in for another. `recomputed` names the
    pieces that were analysed anew (for tests).
    """

    document: Document
    diagnostics: tuple[Diagnostic, ...] = ()
    suppressed: tuple[Diagnostic, ...] = ()
    notes: tuple[Note, ...] = ()
    raised: Counter[str] = field(default_factory=Counter[str])
    recomputed: tuple[str, ...] = ()
