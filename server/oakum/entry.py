"""A finding as plain data, free of documents and rules: what processes hand on, the cache keeps, and every format prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from typing import Any

from oakum import catalogue
from oakum.report import Diagnostic, Mend
from oakum.rule import Safety
from oakum.syntax.document import Document


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file as people count it, from 1; in a notebook the lines are those of a cell."""

    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """A place that belongs to the proof. Paths are absolute; None is standard input."""

    path: str | None
    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """The best fix."""

    title: str
    safety: str
    edits: tuple[tuple[Span, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding. `source` is its first line, `is_safe` whether any of its fixes can be made unread."""

    path: str | None
    span: Span
    source: str
    code: str
    name: str
    form: str
    smell: str
    level: str
    message: str
    url: str
    related: tuple[Near, ...] = ()
    remedy: Remedy | None = None
    is_safe: bool = False

    @property
    def context(self) -> str:
        """What stays the same when lines are added above, or the line is indented or wrapped anew."""
        return " ".join(self.source.split())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Entry:
        """What `to_json` wrote. Raises `TypeError`, `KeyError` or `ValueError` about anything else."""
        remedy = data.pop("remedy")
        related = tuple(Near(near["path"], Span(**near["span"]), near["message"]) for near in data.pop("related"))
        if remedy is not None:
            edits = tuple((Span(**span), text) for span, text in remedy["edits"])
            remedy = Remedy(remedy["title"], remedy["safety"], edits)
        return Entry(span=Span(**data.pop("span")), related=related, remedy=remedy, **data)


def entry(item: Diagnostic, document: Document) -> Entry:
    """A diagnostic of a document as plain data."""
    return Entry(
        path=_path(document),
        span=span(document, item.start, item.end),
        source=document.line_text(document.line_of(item.start)),
        code=item.rule.code,
        name=item.rule.name,
        form=item.form.name,
        smell=item.rule.smell,
        level=item.level.value,
        message=item.message,
        url=catalogue.url(item.rule),
        related=tuple(
            Near(_path(near.document), span(near.document, near.start, near.end), near.message) for near in item.related
        ),
        remedy=_remedy(item.mends[0], document) if item.mends else None,
        is_safe=any(mend.safety is Safety.SAFE for mend in item.mends),
    )


def span(document: Document, start: int, end: int) -> Span:
    """Offsets as people count, drawn back into the cell where they start: the line end between two cells belongs to none."""
    first = document.position(start)
    while end > start and document.position(end).cell != first.cell:
        end -= 1
    last = document.position(end)
    return Span(first.line, first.column, last.line, last.column, first.cell)


def _path(document: Document) -> str | None:
    return str(document.path.absolute()) if document.path else None


def _remedy(mend: Mend, document: Document) -> Remedy:
    return Remedy(mend.title, mend.safety.value, tuple((span(document, edit.start, edit.end), edit.text) for edit in mend.edits))


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is to sum up. Of the findings that are left (`found`), `safe` and `review` can be fixed."""

    files: int = 0  # that were read
    leaking: int = 0  # in which something is left
    mended: int = 0  # in which something was fixed
    found: int = 0
    safe: int = 0
    review: int = 0
    fixed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @staticmethod
    def of(entries: tuple[Entry, ...]) -> Counts:
        """What is left in one file."""
        safe = sum(each.is_safe for each in entries)
        fixable = sum(each.remedy is not None for each in entries)
        return Counts(leaking=int(bool(entries)), found=len(entries), safe=safe, review=fixable - safe)


def by_rule(entries: Iterator[Entry]) -> dict[str, list[Entry]]:
    """Findings by the code of their rule, the most frequent first."""
    found: dict[str, list[Entry]] = {}
    for each in entries:
        found.setdefault(each.code, []).append(each)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))
