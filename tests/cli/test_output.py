"""How a finding looks, down to the column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oakum.entry import Counts, entry
from oakum.output import full
from oakum.output.rows import row
from oakum.output.summary import rule_line, summary
from oakum.output.terminal import Paint, markdown
from oakum.report import Diagnostic
from oakum.rule import Form, Framework, Level, Rule
from oakum.syntax.document import Document

RULE = Rule("pack.some_leak", "PT01", "Some Leak", {Framework.TORCH}, Level.WARNING, "Memory", "Tensors")
FORM = Form("form", Level.WARNING, (), lambda node, facts: iter(()))


def shown(text: str, marked: str, message: str = "Something.") -> list[str]:
    start = text.index(marked)
    item = Diagnostic(RULE, FORM, Level.WARNING, start, start + len(marked), message)
    return full.write(entry(item, Document(text, Path("a.py").absolute())), Paint()).rstrip("\n").splitlines()


def test_gutter_follows_the_line_number() -> None:
    assert shown("\n" * 99 + "    leak(x)", "x") == [
        "warning[PT01]: Something.",
        "   --> a.py:100:10",
        "    |",
        "100 |     leak(x)",
        "    |          ^",
    ]


@pytest.mark.parametrize(
    ("text", "marked", "source", "carets"),
    [
        ("\tleak(x)", "leak", "    leak(x)", "    ^^^^"),
        ("x = '漢字'; leak", "leak", "x = '漢字'; leak", "            ^^^^"),
        ("'e\u0301'; leak", "leak", "'e\u0301'; leak", "     ^^^^"),
        ("'\x1b[31m'; leak", "leak", "'\ufffd[31m'; leak", "         ^^^^"),
        ("a\r\nleak\r\nb", "leak", "leak", "^^^^"),
        ("for x in y:\n    a\n    b\n", "for x in y:\n    a\n    b", "for x in y:", "^^^^^^^^^^^ down to line 3"),
    ],
    ids=["tab", "wide", "combining", "control", "crlf", "lines"],
)
def test_carets_stand_below(text: str, marked: str, source: str, carets: str) -> None:
    lines = shown(text, marked)
    assert [line.partition(" | ")[2] for line in lines[3:5]] == [source, carets]


def test_a_long_line_is_cut() -> None:
    lines = shown("x = [" + "1, " * 2000 + "leak, " + "2, " * 2000 + "]", "leak")
    source, carets = (line.partition(" | ")[2] for line in lines[3:5])
    assert source.startswith("...")
    assert source.endswith("...")
    assert len(source) < 130
    assert source[carets.index("^") : carets.index("^") + 4] == "leak"


def test_what_to_do_is_told_apart() -> None:
    lines = shown("leak", "leak", "`a. B` is kept, v1.2 too. Use `b.` instead. Or not.")
    assert lines[0] == "warning[PT01]: `a. B` is kept, v1.2 too."
    assert lines[-1] == "  = help: Use `b.` instead. Or not."


def test_a_span_ends_in_its_cell() -> None:
    from oakum import notebook

    document = notebook.join([(1, "leak"), (2, "b")])
    item = Diagnostic(RULE, FORM, Level.WARNING, 0, 5, "m")
    found = row(entry(item, document))
    assert (found["cell"], found["line"], found["end_line"], found["end_column"]) == (1, 1, 1, 5)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (Counts(files=3), "No leaks found in 3 files."),
        (Counts(files=3, leaking=1, found=1), "Found 1 leak in 1 file."),
        (Counts(leaking=2, found=3, safe=1), "Found 3 leaks in 2 files (1 fixable with `oakum fix`)."),
        (Counts(leaking=2, found=3, review=2), "Found 3 leaks in 2 files (2 fixable with `oakum fix --unsafe`)."),
        (Counts(mended=1, fixed=2), "Fixed 2 leaks in 1 file, none left."),
    ],
)
def test_summary(counts: Counts, text: str) -> None:
    assert summary(counts) == text


def test_counts_add_up() -> None:
    assert sum([Counts(files=1, found=2), Counts(files=1, safe=1)], Counts()) == Counts(files=2, found=2, safe=1)


def test_markdown_in_colour() -> None:
    text = "# Title\n\nSome `code`.\n\n```python\nx\n```\n"
    assert markdown(text, Paint()) == text
    assert "\033[36m`code`\033[0m" in markdown(text, Paint(on=True))


def test_a_list_of_rules_fits_a_terminal() -> None:
    line = rule_line(replace(RULE, module="pack.unnecessary_tensor_copies_in_evaluation_loops"), Paint())
    assert line == "PT01  warning              unnecessary-tensor-copies-in-evaluation-loops"
