"""What is known of a line, and where each rule that looked at it stopped: for users who wonder, and for those who write rules."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from oakum.analysis import analyse, applicable, concerns, subjects
from oakum.facts import Facts
from oakum.report import Report
from oakum.rule import Finding, Form
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.program import Source
from oakum.semantics.reveal import describe
from oakum.settings import Settings
from oakum.syntax.document import Document
from oakum.syntax.pieces import parse


def explain(document: Document, line: int, settings: Settings) -> str:
    """Paragraphs: what is found on a line (from 1), what its expressions are known to be, and why rules are silent."""
    if not concerns(document):
        return "The file names no framework: it is not looked into.\n"
    if not 1 <= line <= len(document.line_starts):
        return f"There is no line {line}.\n"
    source = Source(parse(document), document.path)
    facts = Facts(source, Evaluator())
    parts = [
        f"{line} | {document.line_text(line - 1)}".rstrip(),
        _part("Found", _found(analyse(document, settings), line)),
        _part("Known", _values(source, facts.evaluator, line)),
        _part("Rules that looked here", _rules(source, facts, settings, line)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _part(title: str, lines: Iterator[str]) -> str:
    return "\n".join([f"{title}:", *(list(lines) or ["  nothing"])])


def _found(report: Report, line: int) -> Iterator[str]:
    document = report.document
    for items, how in ((report.diagnostics, ""), (report.suppressed, ", silenced by a comment")):
        for item in items:
            if document.line_of(item.start) + 1 <= line <= document.line_of(item.end) + 1:
                yield f"  {item.rule.code} ({item.level.value}{how}): {item.message}"


def _values(source: Source, evaluator: Evaluator, line: int) -> Iterator[str]:
    """What the names and calls of a line may be, each once, outer ones first."""
    told: set[str] = set()
    for kind in (ast.Call, ast.Attribute, ast.Subscript, ast.Name):
        for node in _on_line(source, source.nodes(kind), line):
            if (
                not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
                and (text := _short(source.text(node))) not in told
            ):
                told.add(text)
                yield f"  {text}: {describe(evaluator.value(node, evaluator.frame_at(source, node)))}"  # pyright: ignore[reportArgumentType]


def _rules(source: Source, facts: Facts, settings: Settings, line: int) -> Iterator[str]:
    """Each form that is asked about a node of the line, and the last line of it that was reached."""
    for rule in applicable(source.document.text):
        for form in rule.forms:
            level = settings.level_of(rule, form)
            for piece in source.pieces:
                nodes = _on_line(source, subjects(form, piece.index, source.aliases), line) if piece.statements else ()
                for node in nodes:
                    findings, where = _traced(form, node, facts)
                    name = f"  {rule.code}.{form.name} at `{_short(source.text(node))}`"
                    state = "speaks" if findings else f"is silent after: {where}"
                    yield f"{name} {state}{'' if level else ' (switched off here)'}"


def _traced(form: Form, node: ast.AST, facts: Facts) -> tuple[list[Finding], str]:
    """What a check yields, and the source of the last line of it that was run, or of the condition that made it return."""
    code = form.check.__code__  # pyright: ignore[reportFunctionMemberAccess]
    last = ""

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal last
        text = linecache.getline(code.co_filename, frame.f_lineno).strip()
        last = last if text in ("return", "continue") else text
        return local

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        return local if frame.f_code is code else None

    before = sys.gettrace()
    facts.evaluator.spent = 0
    sys.settrace(trace)
    try:
        found = list(form.check(node, facts))
    finally:
        sys.settrace(before)
    return found, last


def _on_line(source: Source, nodes: Any, line: int) -> Iterator[ast.AST]:
    document = source.document
    for node in nodes:
        if hasattr(node, "lineno") and document.line_of(source.locate(node)[0]) + 1 == line:
            yield node


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."
