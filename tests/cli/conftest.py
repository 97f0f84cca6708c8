"""A tiny smell for the command line's tests, so that they hold whatever the real rules find."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from oakum import catalogue, checking, verification
from oakum.cli import main
from oakum.report import Diagnostic, Mend, Note, Related, Report, TextEdit
from oakum.rule import Form, Framework, Level, Rule, Safety
from oakum.settings import Settings
from oakum.syntax.document import Document

MESSAGE = "`{0}` is never freed. Free it."


def _rule(code: str, module: str, level: Level, fix: Safety | None) -> Rule:
    rule = Rule(f"tests.{module}", code, f"Smell {code}", {Framework.TORCH}, level, "Memory", "Tensors", ("free it",), fix)
    rule.forms.append(Form("plain-leak", level, (), lambda node, facts: iter(())))
    return rule


RULES = (
    _rule("PT01", "simple_leak", Level.WARNING, Safety.SAFE),
    _rule("PT02", "risky_leak", Level.INFORMATION, Safety.REVIEW),
    _rule("TK01", "stubborn_leak", Level.HINT, None),
)
CALLS = dict(zip(("leak", "risk", "stay"), RULES, strict=True))


def analyse(document: Document, settings: Settings, **_: object) -> Report:
    """`leak(x)` has a safe fix, `risk(x)` one to review, `stay(x)` none; `broken` is a syntax error."""
    found: list[Diagnostic] = []
    for call in re.finditer(r"\b(leak|risk|stay)\((\w+)\)", document.text):
        rule = CALLS[call[1]]
        level = settings.level_of(rule, rule.forms[0])
        if level is None:
            continue
        edit = TextEdit(call.start(1), call.end(1), "free")
        mends = (Mend(f"Call `free({call[2]})`", rule.fix, (edit,)),) if rule.fix else ()
        related = (Related(document, 0, 12, "it comes from here"),)
        found.append(Diagnostic(rule, rule.forms[0], level, call.start(), call.end(), MESSAGE.format(call[2]), mends, related))
    notes = tuple(Note(at.start(), "syntax error: not understood") for at in re.finditer("broken", document.text))
    return Report(document, tuple(found), notes=notes, raised=Counter(item.rule.code for item in found))


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`oakum ARGUMENTS` in an empty folder: exit status, standard output, standard error."""
    monkeypatch.setattr(catalogue, "rules", lambda: RULES)
    monkeypatch.setattr(catalogue, "problems", lambda: ())
    for rule in RULES:
        monkeypatch.setitem(sys.modules, rule.module, sys)  # whose docstring is their page
    monkeypatch.setattr(checking, "analyse", analyse)
    monkeypatch.setattr(verification, "analyse", analyse)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("OAKUM_NO_CACHE", "1")  # what the tests find depends on what they put in the place of `analyse`
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        status = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return command
