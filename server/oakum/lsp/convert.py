"""A report as diagnostics of the protocol, and the editor's changes as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from lsprotocol import types

from oakum import catalogue, unused_suppression
from oakum.lsp.client import Client
from oakum.lsp.places import Part, Source
from oakum.report import Diagnostic, Mend, Related, Report
from oakum.rule import Level, Safety
from oakum.syntax.document import Document

SOURCE = "oakum"

_SEVERITIES = {
    Level.WARNING: types.DiagnosticSeverity.Warning,
    Level.INFORMATION: types.DiagnosticSeverity.Information,
    Level.HINT: types.DiagnosticSeverity.Hint,
}


def diagnostics(source: Source, report: Report, client: Client) -> dict[Part, list[types.Diagnostic]]:
    """The diagnostics of every part, those with none as well."""
    found: dict[Part, list[types.Diagnostic]] = {part: [] for part in source.parts}
    for item in report.diagnostics:
        part, _ = source.locate(item.start, item.end)
        found[part].append(diagnostic(source, item, client))
    return found


def result_id(items: Sequence[types.Diagnostic]) -> str:
    """Equal for equal diagnostics: an editor that shows these needs no others."""
    return hashlib.blake2b(repr(list(items)).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def diagnostic(source: Source, item: Diagnostic, client: Client) -> types.Diagnostic:
    fix = safe(item) or next(iter(item.mends), None)
    is_unnecessary = client.tags and item.rule is unused_suppression.RULE
    return types.Diagnostic(
        range=source.locate(item.start, item.end)[1],
        message=item.message,
        severity=_SEVERITIES[item.level],
        code=item.rule.code,
        code_description=types.CodeDescription(catalogue.url(item.rule)) if client.links else None,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if is_unnecessary else None,
        related_information=[_related(source, place) for place in item.related] if client.related and item.related else None,
        data={"rule": item.rule.name, "form": item.form.name, "fix": fix.safety.value if fix else None} if client.data else None,
    )


def location(source: Source, place: Related) -> types.Location:
    part, where = source.elsewhere(place.document).locate(place.start, place.end)
    return types.Location(part.uri, where)


def safe(item: Diagnostic) -> Mend | None:
    """The best mend that can be made unread."""
    return next((mend for mend in item.mends if mend.safety is Safety.SAFE), None)


def changed(text: str, changes: Iterable[types.TextDocumentContentChangeEvent], encoding: str) -> str:
    """A text after an editor's changes, each of which speaks of the text that the one before it left."""
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            document = Document(text)
            start, end = (document.offset(at.line, at.character, encoding) for at in (change.range.start, change.range.end))
            text = text[:start] + change.text + text[max(start, end) :]
        else:
            text = change.text
    return text


def _related(source: Source, place: Related) -> types.DiagnosticRelatedInformation:
    return types.DiagnosticRelatedInformation(location(source, place), place.message)
