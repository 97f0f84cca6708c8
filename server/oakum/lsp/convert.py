"""A report as the editor wants it: diagnostics, hovers and code actions, in the editor's uris, versions and columns."""

from __future__ import annotations

import bisect
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls import uris
from pygls.capabilities import get_capability

from oakum import catalogue
from oakum.lsp.ignore import ignore
from oakum.notebook import parses
from oakum.report import Diagnostic, Mend, Related, Report, TextEdit
from oakum.rule import Level, Safety
from oakum.syntax import edits
from oakum.syntax.document import Document

SOURCE = "oakum"
FIX_ALL = "source.fixAll.oakum"
ACTION_KINDS = (types.CodeActionKind.QuickFix, FIX_ALL)

_SEVERITIES = {
    Level.WARNING: types.DiagnosticSeverity.Warning,
    Level.INFORMATION: types.DiagnosticSeverity.Information,
    Level.HINT: types.DiagnosticSeverity.Hint,
}


@dataclass(frozen=True, slots=True)
class Client:
    """What the editor can take, as far as it matters here."""

    encoding: str = "utf-16"
    pulls: bool = False
    related: bool = False
    links: bool = False
    data: bool = False
    markdown: bool = False
    actions: bool = False
    versioned_edits: bool = False
    configuration: bool = False
    registers_configuration: bool = False
    registers_watchers: bool = False
    refreshes: bool = False

    @staticmethod
    def of(capabilities: types.ClientCapabilities, encoding: str) -> Client:
        def can(capability: str) -> bool:
            return bool(get_capability(capabilities, capability, False))

        diagnostics = "text_document.publish_diagnostics"
        if pulls := get_capability(capabilities, "text_document.diagnostic", None) is not None:
            # What a pulled diagnostic may hold was declared apart from 3.18 on, and for both before.
            pulled = capabilities.text_document and capabilities.text_document.diagnostic
            if pulled and pulled.related_information is not None:
                diagnostics = "text_document.diagnostic"
        formats = get_capability(capabilities, "text_document.hover.content_format", None) or ()
        return Client(
            encoding=encoding,
            pulls=pulls,
            related=can(f"{diagnostics}.related_information"),
            links=can(f"{diagnostics}.code_description_support"),
            data=can(f"{diagnostics}.data_support"),
            markdown=types.MarkupKind.Markdown in formats,
            actions=can("text_document.code_action.code_action_literal_support"),
            versioned_edits=can("workspace.workspace_edit.document_changes"),
            configuration=can("workspace.configuration"),
            registers_configuration=can("workspace.did_change_configuration.dynamic_registration"),
            registers_watchers=can("workspace.did_change_watched_files.dynamic_registration"),
            refreshes=can("workspace.diagnostics.refresh_support"),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A text that the editor has open: a whole file, or a cell of a notebook; `first_line` is its place in the document."""

    uri: str
    version: int | None
    first_line: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One version of a document, and the part or parts that the editor knows it by."""

    document: Document
    parts: tuple[Part, ...]
    encoding: str

    def locate(self, start: int, end: int) -> tuple[Part, types.Range]:
        """The part that holds `start`, and a range of it: what reaches into the next part is cut off."""
        line, column = self.document.line_column(start, self.encoding)
        index = max(bisect.bisect_right([part.first_line for part in self.parts], line) - 1, 0)
        part = self.parts[index]
        end_line, end_column = self.document.line_column(end, self.encoding)
        if end_line > (last := self._last_line(index)):
            end_line, end_column = self.document.line_column(self._end_of(last), self.encoding)
        return part, types.Range(
            types.Position(line - part.first_line, column),
            types.Position(end_line - part.first_line, end_column),
        )

    def offset(self, uri: str, position: types.Position) -> int | None:
        """Where a position of a part lies in the document; None if the document has no such part."""
        for index, part in enumerate(self.parts):
            if part.uri == uri:
                line, last = part.first_line + max(position.line, 0), self._last_line(index)
                return self._end_of(last) if line > last else self.document.offset(line, position.character, self.encoding)
        return None

    def _last_line(self, index: int) -> int:
        return self.parts[index + 1].first_line - 1 if index + 1 < len(self.parts) else len(self.document.line_starts) - 1

    def _end_of(self, line: int) -> int:
        return self.document.line_starts[line] + len(self.document.line_text(line))


# --- diagnostics ---


def diagnostics(source: Source, report: Report, client: Client) -> dict[Part, list[types.Diagnostic]]:
    """The diagnostics of every part, those with none as well."""
    found: dict[Part, list[types.Diagnostic]] = {part: [] for part in source.parts}
    for item in report.diagnostics:
        part, _ = source.locate(item.start, item.end)
        found[part].append(_diagnostic(source, item, client))
    return found


def result_id(items: Sequence[types.Diagnostic]) -> str:
    """Equal for equal diagnostics: an editor that shows these needs no others."""
    return hashlib.blake2b(repr(items).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _diagnostic(source: Source, item: Diagnostic, client: Client) -> types.Diagnostic:
    fix = _safe(item) or next(iter(item.mends), None)
    return types.Diagnostic(
        range=source.locate(item.start, item.end)[1],
        message=item.message,
        severity=_SEVERITIES[item.level],
        code=item.rule.code,
        code_description=types.CodeDescription(catalogue.url(item.rule)) if client.links else None,
        source=SOURCE,
        related_information=[_related(source, place) for place in item.related] if client.related and item.related else None,
        data={"rule": item.rule.name, "form": item.form.name, "fix": fix.safety.value if fix else None} if client.data else None,
    )


def _related(source: Source, place: Related) -> types.DiagnosticRelatedInformation:
    return types.DiagnosticRelatedInformation(_location(source, place), place.message)


def _location(source: Source, place: Related) -> types.Location:
    if not _is_same(place.document, source.document):
        uri = uris.from_fs_path(str(place.document.path)) if place.document.path else None
        source = Source(place.document, (Part(uri or "", None),), source.encoding)
    part, where = source.locate(place.start, place.end)
    return types.Location(part.uri, where)


def _is_same(one: Document, other: Document) -> bool:
    """Whether two documents are one text; a piece that is remembered from an earlier version names that version."""
    return one is other or one.path == other.path


def _safe(item: Diagnostic) -> Mend | None:
    """The best mend that can be made unread."""
    return next((mend for mend in item.mends if mend.safety is Safety.SAFE), None)


# --- hover ---


def hover(source: Source, report: Report, client: Client, uri: str, position: types.Position) -> types.Hover | None:
    """The findings at a position: what is the matter right here, then the page of each rule."""
    offset = source.offset(uri, position)
    items = [] if offset is None else [item for item in report.diagnostics if item.start <= offset <= item.end]
    if not items:
        return None
    items.sort(key=lambda item: item.end - item.start)
    here = [_proof(source, item, client) for item in items]
    pages = [catalogue.page(rule) for rule in dict.fromkeys(item.rule for item in items)]
    return types.Hover(
        types.MarkupContent(
            types.MarkupKind.Markdown if client.markdown else types.MarkupKind.PlainText, "\n\n---\n\n".join([*here, *pages])
        ),
        range=source.locate(items[0].start, items[0].end)[1],
    )


def _proof(source: Source, item: Diagnostic, client: Client) -> str:
    head = f"**{item.rule.code}** {item.message}" if client.markdown else f"{item.rule.code} {item.message}"
    return "\n".join([head, *([""] if item.related else []), *(_line(source, place, client) for place in item.related)])


def _line(source: Source, place: Related, client: Client) -> str:
    location = _location(source, place)
    number = location.range.start.line + 1
    name = f"line {number}" if _is_same(place.document, source.document) else f"{_name(place.document.path)}:{number}"
    return f"- [{name}]({location.uri}#L{number}): {place.message}" if client.markdown else f"- {name}: {place.message}"


def _name(path: Path | None) -> str:
    return path.name if path else "elsewhere"


# --- code actions ---


def code_actions(
    source: Source, report: Report, client: Client, uri: str, where: types.Range, only: Sequence[str] | None
) -> list[types.CodeAction]:
    """What can be done about the findings in a range: their mends, all safe fixes of the file, and at last to ignore them."""
    if not client.actions:
        return []
    found = [
        *_mends(source, report, client, uri, where),
        *_fix_all(source, report, client),
        *_ignores(source, report, client, uri, where),
    ]
    return [action for action in found if _is_wanted(action, only)]


def _is_wanted(action: types.CodeAction, only: Sequence[str] | None) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    return only is None or any(wanted in ("", kind) or kind.startswith(f"{wanted}.") for wanted in only)


def _touching(source: Source, report: Report, uri: str, where: types.Range) -> Iterator[Diagnostic]:
    start, end = source.offset(uri, where.start), source.offset(uri, where.end)
    if start is not None and end is not None:
        yield from (item for item in report.diagnostics if item.start <= end and start <= item.end)


def _mends(source: Source, report: Report, client: Client, uri: str, where: types.Range) -> Iterator[types.CodeAction]:
    for item in _touching(source, report, uri, where):
        preferred = _safe(item)
        for mend in item.mends:
            if change := _workspace_edit(source, mend.edits, client):
                yield types.CodeAction(
                    title=mend.title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[_diagnostic(source, item, client)],
                    is_preferred=True if mend is preferred else None,
                    edit=change,
                )


def _fix_all(source: Source, report: Report, client: Client) -> Iterator[types.CodeAction]:
    safe = [mend for item in report.diagnostics if (mend := _safe(item))]
    if (change := _together(source.document.text, safe)) and (edit := _workspace_edit(source, change, client)):
        yield types.CodeAction(title="Oakum: fix all that is safe to fix", kind=FIX_ALL, edit=edit)


def _together(text: str, mends: Iterable[Mend]) -> tuple[TextEdit, ...]:
    """The edits of all mends that leave a program when they are made at once."""
    if not parses(text):
        return ()
    mends = list(mends)
    merged = edits.merge(mends)
    if parses(edits.apply(text, merged)):
        return merged
    kept: list[Mend] = []
    for mend in mends:
        if parses(edits.apply(text, edits.merge([*kept, mend]))):
            kept.append(mend)
    return edits.merge(kept)


def _ignores(source: Source, report: Report, client: Client, uri: str, where: types.Range) -> Iterator[types.CodeAction]:
    done: set[TextEdit] = set()
    for item in _touching(source, report, uri, where):
        change = ignore(source.document, item)
        if change and change not in done and (edit := _workspace_edit(source, (change,), client)):
            done.add(change)
            yield types.CodeAction(
                title=f"Ignore {item.rule.code} on this line",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[_diagnostic(source, item, client)],
                edit=edit,
            )


def _workspace_edit(source: Source, change: Sequence[TextEdit], client: Client) -> types.WorkspaceEdit | None:
    """The edits by part; None where there are none, or one doesn't stay within its part."""
    found: dict[Part, list[types.TextEdit]] = {}
    for edit in change:
        part, where = source.locate(edit.start, edit.end)
        if edit.end - edit.start > 1 and source.locate(edit.end - 1, edit.end - 1)[0] != part:
            return None
        found.setdefault(part, []).append(types.TextEdit(where, edit.text))
    if not found:
        return None
    if client.versioned_edits:
        return types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(part.uri, part.version), list(new))
                for part, new in found.items()
            ]
        )
    return types.WorkspaceEdit(changes={part.uri: list(new) for part, new in found.items()})


# --- from the editor ---


def path_of(uri: str) -> Path | None:
    """The file behind a uri; None for what is on no disk (`untitled:`, `git:`) or can't be a path."""
    path = uris.to_fs_path(uri)
    if not path or "\0" in path or not os.path.isabs(path):
        return None
    return Path(path)


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
