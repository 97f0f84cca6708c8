"""Every section of every rule's page, and what holds for all of them. See `harness` for how a page is written."""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

import pytest
from harness import TESTS, Expectation, Section, blocks, pages, sections, with_prelude

from oakum import catalogue
from oakum.analysis import analyse
from oakum.report import Diagnostic, Report
from oakum.rule import Level, Rule, Safety
from oakum.settings import Settings
from oakum.syntax.document import Document
from oakum.syntax.edits import apply, merge
from oakum.verification import verified

ROUNDS = 10
SECTIONS = [section for page in pages("rules") for section in sections(page)]
RULES = catalogue.rules()
_CODE = re.compile(r"\b(?:PT|TK)[0-9]{2}\b")


def page_of(rule: Rule) -> Path:
    """`oakum_rules.torch.dead_code` is tested by `tests/rules/torch/dead_code.md`."""
    return TESTS.joinpath("rules", *rule.module.split(".")[1:]).with_suffix(".md")


def report_on(section: Section, text: str, folder: Path) -> Report:
    for name, content in section.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    path = folder / "main.py"
    path.write_text(text, encoding="utf-8")
    return analyse(Document(text, path), Settings(select=section.select))


def line_of(diagnostic: Diagnostic, report: Report) -> int:
    return report.document.line_of(diagnostic.start) + 1


def fits(diagnostic: Diagnostic, line: int, expectation: Expectation) -> bool:
    return (
        (line, diagnostic.rule.code) == (expectation.line, expectation.code)
        and expectation.part in diagnostic.message
        and expectation.level in (None, diagnostic.level)
    )


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_section(section: Section, tmp_path: Path) -> None:
    report = report_on(section, section.text, tmp_path)
    findings_are_those_expected(section, report)
    if parses(section.text):
        assert not report.notes, [note.message for note in report.notes]
    fixes_hold(section, report)
    for diagnostic in report.diagnostics:
        message_is_well_formed(diagnostic)
        fixes_are_declared_and_parse(section, diagnostic)
    if section.diff is not None:
        first_fix_is(section, report)
    fixes_converge(section, report, tmp_path)


def findings_are_those_expected(section: Section, report: Report) -> None:
    missing = list(section.expected)
    wrong: list[str] = []
    for diagnostic in report.diagnostics:
        line = line_of(diagnostic, report)
        known = next((expectation for expectation in missing if fits(diagnostic, line, expectation)), None)
        told = f"{diagnostic.level.value}: [{diagnostic.rule.code}] {diagnostic.message}"
        if known is None:
            wrong.append(f"unexpected at {section.place(line)}\n    {told}")
        elif known.todo:
            wrong.append(f"found at last, make it `error`: {section.place(line)}\n    {told}")
        if known:
            missing.remove(known)
    wrong += [f"missing at {section.place(gone.line)}\n    [{gone.code}] {gone.part}" for gone in missing if not gone.todo]
    assert not wrong, "\n" + "\n".join(wrong)


def message_is_well_formed(diagnostic: Diagnostic) -> None:
    first = re.split(r"(?<=[.!?])\s", diagnostic.message, maxsplit=1)[0]
    assert len(first) <= 100, f"first sentence of {len(first)} characters: {first}"
    assert not _CODE.search(diagnostic.message), f"a code in: {diagnostic.message}"
    assert "smell" not in diagnostic.message.lower(), diagnostic.message


def fixes_hold(section: Section, report: Report) -> None:
    held = verified(report, Settings(select=section.select)).diagnostics
    for before, after in zip(report.diagnostics, held, strict=True):
        gone = [mend for mend in before.mends if mend not in after.mends]
        assert not gone, f"made, this fix is not offered: {gone[0].title}\n" + "\n".join(
            changes(section.text, apply(section.text, gone[0].edits))
        )


def fixes_are_declared_and_parse(section: Section, diagnostic: Diagnostic) -> None:
    declared = diagnostic.rule.fix
    for mend in diagnostic.mends:
        assert declared is not None, f"{diagnostic.rule.code} declares no fix, but offers: {mend.title}"
        assert declared is Safety.SAFE or mend.safety is Safety.REVIEW, (
            f"{diagnostic.rule.code} is more trusting than it declares: {mend.title}"
        )
        fixed = apply(section.text, mend.edits)
        assert fixed != section.text, f"changes nothing: {mend.title}"
        assert parses(fixed) or not parses(section.text), f"no longer Python after: {mend.title}\n{changes(section.text, fixed)}"


def first_fix_is(section: Section, report: Report) -> None:
    mends = [mend for diagnostic in report.diagnostics[:1] for mend in diagnostic.mends]
    if not section.diff:
        assert not mends, f"an empty diff block, but there is a fix: {mends[0].title}"
        return
    assert mends, "a diff block, but the first finding has no fix"
    actual = changes(section.text, apply(section.text, mends[0].edits))

    def lines(sign: str, diff: list[str]) -> list[str]:
        return [line[1:].rstrip() for line in diff if line.startswith(sign) and line[1:].strip()]

    stated = list(section.diff or ())
    both = [(lines("-", diff), lines("+", diff)) for diff in (stated, actual)]
    assert both[0] == both[1], f"the fix `{mends[0].title}` makes\n" + "\n".join(actual)


def fixes_converge(section: Section, report: Report, folder: Path) -> None:
    text = section.text
    for _ in range(ROUNDS):
        first = [diagnostic.mends[0] for diagnostic in report.diagnostics if diagnostic.mends]
        if not first:
            return
        merged = apply(text, merge(first))
        # Two fixes may contradict each other; then they are made one by one.
        fixed = merged if parses(merged) else apply(text, first[0].edits)
        if fixed == text:
            return
        text = fixed
        report = report_on(section, text, folder)
    raise AssertionError(f"still fixing after {ROUNDS} rounds:\n" + "\n".join(changes(section.text, text)))


def changes(before: str, after: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("folder", sorted({page.parent for page in pages("rules")}), ids=lambda folder: folder.name)
def test_prelude_is_silent(folder: Path) -> None:
    report = analyse(Document(with_prelude("", folder), Path("prelude.py")))
    assert [diagnostic.message for diagnostic in report.diagnostics] == []


@pytest.mark.parametrize("page", pages("rules"), ids=lambda page: page.name)
def test_page_belongs_to_a_rule(page: Path) -> None:
    assert page in [page_of(rule) for rule in RULES]
    titles = [section.title for section in sections(page)]
    assert len(titles) == len(set(titles)), "two sections have one title"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_has_a_page(rule: Rule) -> None:
    page = page_of(rule)
    assert page.exists(), f"{rule.code} needs {page.relative_to(TESTS.parent)}"
    tested = sections(page)
    assert any(expectation.code == rule.code for section in tested for expectation in section.expected), (
        "no section where it speaks"
    )
    assert any(not section.expected for section in tested), "no section where it is silent"


def examples(rule: Rule, heading: str) -> list[Report]:
    """Reports on the blocks of the rule's own page."""
    code = blocks(rule.section(heading))
    assert code, f"no Python under {heading}"
    settings = Settings(select=(rule.code,)) if rule.level is Level.OFF else Settings()
    folder = page_of(rule).parent
    return [analyse(Document(with_prelude(block, folder), Path("example.py")), settings) for block in code]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_bad_example_gives_one_finding(rule: Rule) -> None:
    for report in examples(rule, "Bad"):
        told = [f"[{diagnostic.rule.code}] {diagnostic.message}" for diagnostic in report.diagnostics]
        assert sum(diagnostic.rule is rule for diagnostic in report.diagnostics) == 1, told


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_good_example_gives_none(rule: Rule) -> None:
    for report in examples(rule, "Good"):
        assert [f"[{diagnostic.rule.code}] {diagnostic.message}" for diagnostic in report.diagnostics] == []
