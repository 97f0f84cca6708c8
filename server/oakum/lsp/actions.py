"""What can be done about findings: mend one, mend all, read the rule, and at last ignore it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lsprotocol import types

from oakum import suppression, unused_suppression
from oakum.lsp.client import Client
from oakum.lsp.convert import diagnostic, safe
from oakum.lsp.places import Part, Source
from oakum.notebook import parses
from oakum.report import Diagnostic, Mend, Report, TextEdit
from oakum.rule import Rule, Safety
from oakum.syntax import edits

FIX_ALL = "source.fixAll.oakum"
KINDS = (types.CodeActionKind.QuickFix, FIX_ALL)
EXPLAIN = "oakum.explain"

_REVIEW = "oakum.review"


def code_actions(
    source: Source, report: Report, client: Client, uri: str, where: types.Range, only: Sequence[str] | None
) -> list[types.CodeAction]:
    """Mends of the findings in a range, those of their kind, all safe ones of the file, the rule's page, and to ignore them."""
    if not client.actions:
        return []
    items = list(touching(source, report, uri, where))
    found = (
        *_mends(source, client, items),
        *_of_a_kind(source, report, client, uri, items),
        *_fix_all(source, report, client, uri),
        *_explanations(client, items),
        *_ignores(source, client, items),
    )
    return [action for action in found if _is_wanted(action, only)]


def resolve(source: Source, report: Report, client: Client, action: types.CodeAction) -> types.CodeAction:
    """An action with the edit that was left out when it was offered."""
    data: Any = action.data
    mends = _all_of(report, data.get("rule")) if data.get("rule") else _all_safe(report)
    action.edit = _workspace_edit(source, _together(source.document.text, mends), client, mends, confirm=True)
    return action


def fix_all(source: Source, report: Report, client: Client) -> tuple[types.WorkspaceEdit | None, int]:
    """Every safe mend of a document as one edit, and how many there are."""
    mends = _all_safe(report)
    change = _together(source.document.text, mends)
    made = sum(all(edit in change for edit in mend.edits) for mend in mends)
    return _workspace_edit(source, change, client), made


def is_about_saving(only: Sequence[str] | None) -> bool:
    """Whether an editor asks because it is saving: it waits for the answer with the file in its hands."""
    return bool(only) and all(kind.startswith("source") for kind in only or ())


def _is_wanted(action: types.CodeAction, only: Sequence[str] | None) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    return not only or any(wanted in ("", kind) or kind.startswith(f"{wanted}.") for wanted in only)


def touching(source: Source, report: Report, uri: str, where: types.Range) -> Iterator[Diagnostic]:
    """The findings that a range of a part touches."""
    start, end = source.offset(uri, where.start), source.offset(uri, where.end)
    if start is not None and end is not None:
        yield from (item for item in report.diagnostics if item.start <= end and start <= item.end)


# --- the actions, in the order in which they are shown ---


def _mends(source: Source, client: Client, items: Iterable[Diagnostic]) -> Iterator[types.CodeAction]:
    for item in items:
        preferred = safe(item)
        for mend in item.mends:
            if change := _workspace_edit(source, mend.edits, client, (mend,)):
                yield types.CodeAction(
                    title=mend.title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[diagnostic(source, item, client)],
                    is_preferred=True if mend is preferred else None,
                    edit=change,
                )


def _of_a_kind(
    source: Source, report: Report, client: Client, uri: str, items: Iterable[Diagnostic]
) -> Iterator[types.CodeAction]:
    """Where a rule has more to mend in the file: all of it at once."""
    for rule in dict.fromkeys(item.rule for item in items):
        mends = _all_of(report, rule.code)
        if len(mends) > 1:
            title = f"Fix all {len(mends)} of {rule.code} in this file"
            if any(mend.safety is Safety.REVIEW for mend in mends):
                title += ", to review"
            shown = [diagnostic(source, item, client) for item in items if item.rule is rule]
            action = types.CodeAction(title, kind=types.CodeActionKind.QuickFix, diagnostics=shown)
            yield from _later(source, report, client, action, {"uri": uri, "rule": rule.code})


def _fix_all(source: Source, report: Report, client: Client, uri: str) -> Iterator[types.CodeAction]:
    if _all_safe(report) and parses(source.document.text):
        action = types.CodeAction("Oakum: fix all that is safe to fix", kind=FIX_ALL)
        yield from _later(source, report, client, action, {"uri": uri})


def _later(
    source: Source, report: Report, client: Client, action: types.CodeAction, data: dict[str, Any]
) -> Iterator[types.CodeAction]:
    """An action whose edit is made when the user has chosen it; at once for editors that can't ask again."""
    action.data = {**data, "version": _version(source, data["uri"])}
    if not client.resolves:
        resolve(source, report, client, action)
        action.data = None
    if client.resolves or action.edit:
        yield action


def _version(source: Source, uri: str) -> int | None:
    return next((part.version for part in source.parts if part.uri == uri), None)


def _explanations(client: Client, items: Iterable[Diagnostic]) -> Iterator[types.CodeAction]:
    if not client.shows:
        return
    for rule in dict.fromkeys(item.rule for item in items):
        yield types.CodeAction(
            title=f"Show the page of {rule.code}: {rule.smell}",
            kind=types.CodeActionKind.QuickFix,
            command=types.Command(title="Show the rule", command=EXPLAIN, arguments=[rule.code]),
        )


def _ignores(source: Source, client: Client, items: Sequence[Diagnostic]) -> Iterator[types.CodeAction]:
    done: set[TextEdit] = set()
    rules: dict[Rule, Diagnostic] = {}
    for item in items:
        if item.rule is unused_suppression.RULE:
            continue
        rules.setdefault(item.rule, item)
        change = suppression.ignore(source.document, item)
        if change and change not in done:
            done.add(change)
            yield from _ignore(source, client, item, change, "on this line")
    for item in rules.values():
        yield from _ignore(source, client, item, suppression.ignore_file(source.document, item.rule.code), "in this file")


def _ignore(source: Source, client: Client, item: Diagnostic, change: TextEdit, where: str) -> Iterator[types.CodeAction]:
    if edit := _workspace_edit(source, (change,), client):
        yield types.CodeAction(
            title=f"Ignore {item.rule.code} {where}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic(source, item, client)],
            edit=edit,
        )


# --- edits ---


def _all_safe(report: Report) -> list[Mend]:
    return [mend for item in report.diagnostics if (mend := safe(item))]


def _all_of(report: Report, code: str) -> list[Mend]:
    """The best mend of each finding of a rule."""
    return [safe(item) or item.mends[0] for item in report.diagnostics if item.rule.code == code and item.mends]


def _together(text: str, mends: Sequence[Mend]) -> tuple[TextEdit, ...]:
    """The edits of all mends that leave a program when they are made at once."""
    if not parses(text):
        return ()
    merged = edits.merge(mends)
    if parses(edits.apply(text, merged)):
        return merged
    kept: list[Mend] = []
    for mend in mends:
        if parses(edits.apply(text, edits.merge([*kept, mend]))):
            kept.append(mend)
    return edits.merge(kept)


def _workspace_edit(
    source: Source, change: Sequence[TextEdit], client: Client, mends: Iterable[Mend] = (), *, confirm: bool = False
) -> types.WorkspaceEdit | None:
    """The edits by part; None where there are none, or one doesn't stay within its part.

    What is to be reviewed says so, and many at once ask for it: one alone happens before the user's eyes.
    """
    found: dict[Part, list[TextEdit]] = {}
    for edit in change:
        part, _ = source.locate(edit.start, edit.end)
        if edit.end - edit.start > 1 and source.locate(edit.end - 1, edit.end - 1)[0] != part:
            return None
        found.setdefault(part, []).append(edit)
    if not found:
        return None
    if not client.versioned_edits:
        return types.WorkspaceEdit(changes={part.uri: [_text_edit(source, edit) for edit in new] for part, new in found.items()})
    reviewed = {edit for mend in mends if client.annotates and mend.safety is Safety.REVIEW for edit in mend.edits}
    annotation = types.ChangeAnnotation("Review this fix", confirm, "It may change what the program means")
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(part.uri, part.version),
                [_annotated(source, edit) if edit in reviewed else _text_edit(source, edit) for edit in new],
            )
            for part, new in found.items()
        ],
        change_annotations={_REVIEW: annotation} if reviewed else None,
    )


def _text_edit(source: Source, edit: TextEdit) -> types.TextEdit:
    return types.TextEdit(source.locate(edit.start, edit.end)[1], edit.text)


def _annotated(source: Source, edit: TextEdit) -> types.AnnotatedTextEdit:
    return types.AnnotatedTextEdit(_REVIEW, source.locate(edit.start, edit.end)[1], edit.text)
