"""Comments that silence: what they cover, and which of them silence nothing."""

from __future__ import annotations

import pytest

from oakum import suppression, unused_suppression
from oakum.analysis import analyse
from oakum.report import Report
from oakum.rule import HEADINGS, Level
from oakum.settings import Settings
from oakum.syntax.document import Document
from oakum.syntax.edits import apply

LEAK = "torch.autograd.set_detect_anomaly(True)"


def report(text: str, **settings: object) -> Report:
    return analyse(Document(f"import torch\n{text}"), Settings(**settings))  # pyright: ignore[reportArgumentType]


def told(found: Report) -> list[str]:
    return [f"{item.rule.code}: {found.document.text[item.start : item.end]}" for item in found.diagnostics]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{LEAK}  # oakum: ignore[PT16]\n", []),
        (f"{LEAK}  # oakum: ignore\n", []),
        (f"# oakum: ignore-file[PT16]\n{LEAK}\n", []),
        (f"# oakum: ignore-file\n{LEAK}\n", []),
        ("x = 1  # oakum: ignore[PT16]\n", ["OK01: # oakum: ignore[PT16]"]),
        ("x = 1  # oakum: ignore\n", ["OK01: # oakum: ignore"]),
        ("# oakum: ignore-file[PT16]\nx = 1\n", ["OK01: # oakum: ignore-file[PT16]"]),
        (f"{LEAK}  # oakum: ignore[PT16, PT07]\n", ["OK01: PT07"]),
        (f"{LEAK}  # oakum: ignore[PT99]\n", ["PT16: " + LEAK, "OK01: # oakum: ignore[PT99]"]),
        ("x = '# oakum: ignore[PT16]'\n", []),
        ("x = 1  # oakum: ignore[PT16, OK01]\n", []),
        ("# oakum: ignore-file[OK01]\nx = 1  # oakum: ignore[PT16]\n", []),
        ("x = 1  # noqa  # oakum: ignore[PT16]\n", ["OK01: # oakum: ignore[PT16]"]),
        ("x = (  # oakum: ignore[PT16]\n", []),  # nobody knows what the broken line would say
    ],
)
def test_what_is_said(text: str, expected: list[str]) -> None:
    assert told(report(text)) == expected


@pytest.mark.parametrize(
    "settings",
    [{"ignore": ("PT16",)}, {"select": ("PT07", "OK01")}, {"level": Level.INFORMATION}, {"severity": {"PT16": Level.OFF}}],
)
def test_a_rule_that_does_not_speak_is_no_reason(settings: dict[str, object]) -> None:
    assert told(report("x = 1  # oakum: ignore[PT16]\n", **settings)) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 1  # oakum: ignore[PT16]", "x = 1"),
        ("x = 1  # why  # oakum: ignore[PT16]", "x = 1  # why"),
        ("x = 1  # oakum: ignore[PT16]  # why", "x = 1  # why"),
        ("x = 1  # oakum: ignore[PT16] for now", "x = 1  # for now"),
        ("# oakum: ignore-file[PT16]\nx = 1", "x = 1"),
        ("# oakum: ignore-file[PT16]", ""),
        (f"{LEAK}  # oakum: ignore[PT07, PT16]", f"{LEAK}  # oakum: ignore[PT16]"),
        (f"{LEAK}  # oakum: ignore[PT16, PT07]", f"{LEAK}  # oakum: ignore[PT16]"),
        (f"{LEAK}  # oakum: ignore[PT04,PT16, PT07]", f"{LEAK}  # oakum: ignore[PT16]"),
    ],
)
def test_the_fix(line: str, expected: str) -> None:
    text = f"{line}\nlast = 1\n"
    for _ in range(3):
        found = report(text)
        if not found.diagnostics:
            break
        text = apply(found.document.text, found.diagnostics[0].mends[0].edits).removeprefix("import torch\n")
    assert text == (f"{expected}\n" if expected else "") + "last = 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", "# oakum: ignore-file[PT16]\nx = 1\n"),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n", "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n@\nx = 1\n"),
        ("x = 1\r\n", "@\r\nx = 1\r\n"),
        ("\ufeffx = 1\n", "\ufeff@\nx = 1\n"),
        ("# oakum: ignore-file[PT01]\nx = 1\n", "# oakum: ignore-file[PT01, PT16]\nx = 1\n"),
        ("", "@\n"),
        ("#!/bin/python", "#!/bin/python\n@\n"),
    ],
)
def test_ignoring_in_the_file(text: str, expected: str) -> None:
    document = Document(text)
    expected = expected.replace("@", "# oakum: ignore-file[PT16]")
    assert apply(text, [suppression.ignore_file(document, "PT16")]) == expected


def test_the_rule_has_a_page() -> None:
    rule = unused_suppression.RULE
    assert (rule.code, rule.name) == ("OK01", "unused-suppression")
    assert all(rule.section(heading) for heading in HEADINGS)
