"""What holds for every rule and every section of its page: for Oakum's own rules, and for those of packs.

Each function raises `AssertionError` with a message for whoever writes the rule.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from oakum import catalogue
from oakum.analysis import analyse
from oakum.notebook import parses
from oakum.report import Diagnostic, Report
from oakum.rule import HEADINGS, Level, Rule, Safety
from oakum.settings import Settings
from oakum.syntax.document import Document
from oakum.syntax.edits import apply, merge
from oakum.testing.pages import Expectation, Section, blocks, sections, with_prelude
from oakum.verification import verified

_ROUNDS = 10
_CODE = re.compile(r"\b[A-Z]{2,4}[0-9]{2,3}\b")


def check_section(section: Section, folder: Path) -> None:
    """Findings, messages and fixes of a section are as its page says. `folder` is an empty one for the section's files."""
    report = report_on(section, section.text, folder)
    findings_are_those_expected(section, report)
    if parses(section.text):
        assert not report.notes, [note.message for note in report.notes]
    fixes_hold(section, report)
    for diagnostic in report.diagnostics:
        message_is_well_formed(diagnostic)
        fixes_are_declared_and_parse(section, diagnostic)
    if section.diff is not None:
        first_fix_is(section, report)
    fixes_converge(section, report, folder)


def check_rule(rule: Rule, page: Path) -> None:
    """The rule's own page is whole: its headings, one finding in Bad and none in Good; and its tests say where it speaks and where not."""
    for heading in HEADINGS:
        assert rule.section(heading), f"{rule.code}: nothing under {heading}"
    tested = sections(page)
    assert any(expectation.code == rule.code for section in tested for expectation in section.expected), (
        f"{page.name}: no section where {rule.code} speaks"
    )
    assert any(not section.expected for section in tested), f"{page.name}: no section where it is silent"
    for report in examples(rule, "Bad", page.parent):
        told = [f"[{item.rule.code}] {item.message}" for item in report.diagnostics]
        assert sum(item.rule is rule for item in report.diagnostics) == 1, f"Bad is to give one finding: {told}"
    for report in examples(rule, "Good", page.parent):
        told = [f"[{item.rule.code}] {item.message}" for item in report.diagnostics]
        assert not told, f"Good is to give none: {told}"


def examples(rule: Rule, heading: str, folder: Path) -> list[Report]:
    """Reports on the blocks of the rule's own page, behind the prelude in `folder`."""
    code = blocks(rule.section(heading))
    assert code, f"no Python under {heading}"
    settings = Settings(select=(rule.code,)) if rule.level is Level.OFF else Settings()
    return [analyse(Document(with_prelude(block, folder), Path("example.py")), settings) for block in code]


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
    codes = [code for code in _CODE.findall(diagnostic.message) if catalogue.find(code)]
    assert not codes, f"a code in: {diagnostic.message}"
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
    for _ in range(_ROUNDS):
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
    raise AssertionError(f"still fixing after {_ROUNDS} rounds:\n" + "\n".join(changes(section.text, text)))


def changes(before: str, after: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
