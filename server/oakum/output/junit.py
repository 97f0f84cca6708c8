"""JUnit's XML: a suite for each file, a failure for each finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from oakum.entry import Entry
from oakum.output.places import posix, where

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(found: Sequence[Entry]) -> str:
    suites = [list(group) for _, group in groupby(found, key=lambda each: each.path)]
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    lines.append(f'<testsuites name="oakum" tests="{len(found) or 1}" failures="{len(found)}">')
    for suite in suites:
        name = _attribute(posix(suite[0].path))
        lines.append(f'  <testsuite name={name} tests="{len(suite)}" failures="{len(suite)}">')
        for each in suite:
            title = _attribute(f"{each.code} {where(None, each.span).partition(':')[2]}")
            lines.append(
                f'    <testcase classname={name} name={title} file={name} line="{each.span.line}">\n'
                f"      <failure type={_attribute(each.code)} message={_attribute(each.message)}>"
                f"{_text(f'{where(each.path, each.span)}: {each.message}')}</failure>\n    </testcase>"
            )
        lines.append("  </testsuite>")
    if not suites:  # services take a report without any test for one that went wrong
        lines.append('  <testsuite name="oakum" tests="1" failures="0"><testcase classname="oakum" name="no leaks"/></testsuite>')
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
