"""Reports made by hand, as editors get to see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lsp.editor import at
from lsprotocol import types

from oakum import notebook, suppression
from oakum.lsp import actions, convert
from oakum.lsp.client import Client
from oakum.lsp.hover import hover
from oakum.lsp.places import Part, Source
from oakum.report import Diagnostic, Mend, Related, Report, TextEdit
from oakum.rule import Finding, Framework, Level, Rule, Safety
from oakum.syntax import edits
from oakum.syntax.document import Document

RULE = Rule(__name__, "PT99", "A Smell", {Framework.TORCH}, Level.WARNING, category="Memory", subcategory="Graph")
CLIENT = Client(related=True, links=True, data=True, markdown=True, actions=True, versioned_edits=True)
URI = "file:///work/a.py"


@RULE.check
def a_form(node: ast.Call, facts: object) -> Iterator[Finding]:
    yield Finding(node, "never asked")


def finding(document: Document, part: str, *mends: Mend, related: tuple[Related, ...] = ()) -> Diagnostic:
    start = document.text.index(part)
    return Diagnostic(RULE, RULE.forms[0], Level.WARNING, start, start + len(part), f"`{part}` leaks", mends, related)


def mend(document: Document, old: str, new: str, safety: Safety = Safety.SAFE) -> Mend:
    start = document.text.index(old)
    return Mend(f"Write {new}", safety, (TextEdit(start, start + len(old), new),))


def source(document: Document, encoding: str = "utf-16") -> Source:
    return Source(document, (Part(URI, document.version),), encoding)


def cells(*texts: str) -> Source:
    document = notebook.join(list(enumerate(texts, 1)))
    return Source(document, tuple(Part(f"cell:{cell.number}", 1, cell.first_line) for cell in document.cells), "utf-16")


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 12), ("utf-16", 9), ("utf-32", 8)])
def test_columns(encoding: str, column: int) -> None:
    document = Document("\n'😀é'; x(y)\n", version=3)
    found = source(document, encoding)
    start = document.text.index("y")
    assert found.locate(start, start + 1) == (Part(URI, 3), at(1, column, column + 1))
    assert found.offset(URI, types.Position(1, column)) == start


def test_related_places_here_and_elsewhere() -> None:
    document = Document("a\nleak(a)\n", Path("/work/a.py"))
    other = Document("# 😀 b\n", Path("/work/b c.py"))
    item = finding(document, "leak(a)", related=(Related(document, 0, 1, "made here"), Related(other, 4, 5, "kept there")))
    (shown,) = convert.diagnostics(source(document), Report(document, (item,)), CLIENT)[Part(URI, None)]
    assert shown.related_information == [
        types.DiagnosticRelatedInformation(types.Location(URI, at(0, 0, 1)), "made here"),
        types.DiagnosticRelatedInformation(types.Location("file:///work/b%20c.py", at(0, 5, 6)), "kept there"),
    ]
    assert shown.data == {"rule": "test-convert", "form": "a-form", "fix": None}


def test_less_for_editors_that_know_less() -> None:
    document = Document("leak(a)\n")
    item = finding(document, "leak(a)", related=(Related(document, 0, 1, "made here"),))
    (shown,) = convert.diagnostics(source(document), Report(document, (item,)), Client())[Part(URI, None)]
    assert (shown.related_information, shown.code_description, shown.data) == (None, None, None)
    assert not actions.code_actions(source(document), Report(document, (item,)), Client(), URI, at(0, 0), None)


def test_hover_lists_the_proof() -> None:
    document = Document("a\nleak(a)\n", Path("/work/a.py"))
    other = Document("b\n", Path("/work/b.py"))
    item = finding(document, "leak(a)", related=(Related(document, 0, 1, "made here"), Related(other, 0, 1, "kept there")))
    report = Report(document, (item,))
    rich = hover(source(document), report, CLIENT, URI, types.Position(1, 2))
    assert rich
    assert isinstance(rich.contents, types.MarkupContent)
    assert rich.contents.value.startswith(
        "**PT99** `leak(a)` leaks\n\n"
        "- [line 1](file:///work/a.py#L1): made here\n"
        "- [b.py:1](file:///work/b.py#L1): kept there\n\n---\n\n# PT99 A Smell"
    )
    plain = hover(source(document), report, replace(CLIENT, markdown=False), URI, types.Position(1, 2))
    assert plain
    assert isinstance(plain.contents, types.MarkupContent)
    assert plain.contents.kind is types.MarkupKind.PlainText
    assert plain.contents.value.startswith("PT99 leak(a) leaks\n\n- line 1: made here\n- b.py:1: kept there\n")


def test_hover_tells_of_each_finding_and_of_each_rule_once() -> None:
    document = Document("outer(inner(a))\n")
    report = Report(document, (finding(document, "outer(inner(a))"), finding(document, "inner(a)")))
    found = hover(source(document), report, CLIENT, URI, types.Position(0, 8))
    assert found
    assert isinstance(found.contents, types.MarkupContent)
    assert found.contents.value.index("`inner(a)` leaks") < found.contents.value.index("`outer(inner(a))` leaks")
    assert found.contents.value.count("# PT99") == 1
    assert found.range == at(0, 6, 14)


def test_one_fix_is_preferred_and_only_a_safe_one() -> None:
    document = Document("leak(a)\n", version=7)
    review = mend(document, "a", "a.item()", Safety.REVIEW)
    safe, safer = mend(document, "leak", "keep"), mend(document, "leak", "hold")
    report = Report(document, (finding(document, "leak(a)", review, safe, safer),))
    found = actions.code_actions(source(document), report, CLIENT, URI, at(0, 2), ["quickfix"])
    assert [(action.title, bool(action.is_preferred)) for action in found] == [
        ("Write a.item()", False),
        ("Write keep", True),
        ("Write hold", False),
        ("Ignore PT99 on this line", False),
        ("Ignore PT99 in this file", False),
    ]


def test_a_rule_s_page_is_offered_where_it_can_be_shown() -> None:
    document = Document("leak(a)\n")
    report = Report(document, (finding(document, "leak(a)", mend(document, "a", "b")),))
    found = actions.code_actions(source(document), report, replace(CLIENT, shows=True), URI, at(0, 2), ["quickfix"])
    assert [action.title.partition(" PT")[0] for action in found] == ["Write b", "Show the page of", "Ignore", "Ignore"]
    assert found[1].command == types.Command(title="Show the rule", command="oakum.explain", arguments=["PT99"])


def fixed(found: Source, report: Report) -> str | None:
    offered = actions.code_actions(
        found, report, replace(CLIENT, versioned_edits=False), found.parts[0].uri, at(0, 0), ["source"]
    )
    if not offered:
        return None
    (action,) = offered
    assert action.edit
    assert action.edit.changes
    changes = [
        TextEdit(start, end, change.new_text)
        for uri, all_changes in action.edit.changes.items()
        for change in all_changes
        if (start := found.offset(uri, change.range.start)) is not None
        and (end := found.offset(uri, change.range.end)) is not None
    ]
    return edits.apply(found.document.text, changes)


def test_fix_all_takes_the_safe_ones_of_the_whole_file() -> None:
    document = Document("leak(a)\nleak2(b)\nleak3(c)\n")
    report = Report(
        document,
        (
            finding(document, "leak(a)", mend(document, "leak(a)", "keep(a)")),
            finding(document, "leak2(b)", mend(document, "b", "b.item()", Safety.REVIEW)),
            finding(document, "leak3(c)", mend(document, "leak3", "keep3")),
        ),
    )
    assert fixed(source(document), report) == "keep(a)\nleak2(b)\nkeep3(c)\n"


def test_fix_all_never_breaks_a_program() -> None:
    """Two fixes that each leave a statement in a block can empty it together."""
    document = Document("if a:\n    leak(a)\n    leak(b)\n")
    first, second = (
        finding(document, "leak(a)", mend(document, "    leak(a)\n", "")),
        finding(document, "leak(b)", mend(document, "    leak(b)\n", "")),
    )
    text = fixed(source(document), Report(document, (first, second)))
    assert text == "if a:\n    leak(b)\n"


def test_fix_all_leaves_a_broken_file_alone() -> None:
    document = Document("leak(a)\ndef (\n")
    assert fixed(source(document), Report(document, (finding(document, "leak(a)", mend(document, "leak", "keep")),))) is None


def test_cells() -> None:
    found = cells("import torch", "x = 1\nleak(x)", "leak2(x)\n")
    one, two = finding(found.document, "leak(x)", mend(found.document, "leak(x)", "keep(x)")), finding(found.document, "leak2(x)")
    report = Report(found.document, (one, two))
    shown = convert.diagnostics(found, report, CLIENT)
    assert [(part.uri, [item.range for item in items]) for part, items in shown.items()] == [
        ("cell:1", []),
        ("cell:2", [at(1, 0, 7)]),
        ("cell:3", [at(0, 0, 8)]),
    ]
    assert not actions.code_actions(found, report, CLIENT, "cell:1", at(0, 0, 90), ["quickfix"])
    action, *_ = actions.code_actions(found, report, CLIENT, "cell:2", at(1, 0, 90), ["quickfix"])
    assert action.edit
    assert action.edit.document_changes == [
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier("cell:2", 1), [types.TextEdit(at(1, 0, 7), "keep(x)")]
        )
    ]
    assert hover(found, report, CLIENT, "cell:3", types.Position(0, 1))
    assert hover(found, report, CLIENT, "cell:4", types.Position(0, 1)) is None


def test_no_edit_reaches_into_the_next_cell() -> None:
    found = cells("leak(x)", "y = 1")
    whole = Mend("Wrap", Safety.SAFE, (TextEdit(0, 11, "pass"),))
    line = Mend("Delete", Safety.SAFE, (TextEdit(0, 8, ""),))
    report = Report(found.document, (finding(found.document, "leak(x)", whole, line),))
    titles = [action.title for action in actions.code_actions(found, report, CLIENT, "cell:1", at(0, 1), ["quickfix"])]
    assert titles == ["Delete", "Ignore PT99 on this line", "Ignore PT99 in this file"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("leak(\n    a,  # why\n)\n", "leak(  # oakum: ignore[PT99]\n    a,  # why\n)\n"),
        ("leak(a)", "leak(a)  # oakum: ignore[PT99]"),
        ("leak(a)  # oakum: ignore[]\r\n", "leak(a)  # oakum: ignore[PT99]\r\n"),
        ("leak(a); x = '''\n# oakum: ignore[PT01]'''\n", None),
        ("leak(a), \\\n  b\n", None),
        ("leak( \\\n  a)  # why\n", "leak( \\\n  a)  # why  # oakum: ignore[PT99]\n"),
        ("leak('''\n''')\nx = 1\n", "leak('''\n''')  # oakum: ignore[PT99]\nx = 1\n"),
        ("leak(a)\ndef (:\n", "leak(a)  # oakum: ignore[PT99]\ndef (:\n"),
    ],
)
def test_a_comment_only_where_one_can_be(text: str, expected: str | None) -> None:
    document = Document(text)
    start = text.index("leak(")
    item = replace(finding(document, "leak("), end=text.index(")", start) + 1)
    change = suppression.ignore(document, item)
    assert (edits.apply(text, [change]) if change else None) == expected
