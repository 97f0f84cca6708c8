"""`analyse(document, settings)`: pieces, one pass of every rule over each, and what follows from it as plain data.

A session keeps a `Memory` for each open document. Findings are remembered by piece, with the pieces they were proved from and the
names they asked about; an edit recomputes the pieces whose ground changed and no others.
"""

from __future__ import annotations

import ast
import re
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from oakum import catalogue, suppression, unused_suppression
from oakum.facts import Facts
from oakum.report import Diagnostic, Note, Related, Report
from oakum.rule import Finding, Form, Framework, Rule
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.program import LAYOUT, Source, Workspace
from oakum.semantics.reveal import describe
from oakum.settings import Settings
from oakum.syntax import edits, scripts
from oakum.syntax.document import PYTHON, Document
from oakum.syntax.pieces import Index, Piece, Pieces, index_of, parse


class Cancelled(Exception):
    """A newer version of the document came in."""


@dataclass(slots=True)
class Remembered:
    """The findings of a piece, and what they rest on."""

    findings: list[tuple[Rule, Form, Finding]]
    pieces: set[int]
    names: set[str]
    files: list[tuple[Path, Source]]
    notes: list[tuple[str, str]]  # what failed, and its traceback


@dataclass(slots=True)
class Memory:
    """What is kept of one open document from version to version."""

    workspace: Workspace = field(default_factory=Workspace)
    pieces: Pieces | None = None
    findings: dict[int, Remembered] = field(default_factory=dict[int, Remembered])
    kept: dict[int, Piece] = field(default_factory=dict[int, Piece])
    aliases: dict[str, set[str]] = field(default_factory=dict[str, "set[str]"])
    failed: set[str] = field(default_factory=set[str])

    def fork(self) -> Memory:
        """A memory of the same, for a version that may never be."""
        return Memory(self.workspace, self.pieces, dict(self.findings), dict(self.kept), self.aliases, set(self.failed))


_FRAMEWORK_NAMES = sorted({name for framework in Framework for name in framework.value})
# Or sets the paths by which one finds its libraries, for a program that it starts.
_MENTION = re.compile(r"\b(?:" + "|".join(_FRAMEWORK_NAMES) + r"|LD_LIBRARY_PATH|CUDA_HOME)\b")


def mentions_framework(text: str) -> bool:
    """Whether a text names a framework at all: what doesn't is not even parsed."""
    return _MENTION.search(text) is not None


def concerns(document: Document) -> bool:
    """Whether there may be something to say of a document: Python that names a framework, or a script."""
    return document.language != PYTHON or mentions_framework(document.text)


def analyse(
    document: Document,
    settings: Settings | None = None,
    *,
    memory: Memory | None = None,
    evaluator: Evaluator | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """All that Oakum has to say of one version of a file. Raises `Cancelled` when `cancelled()` turns true.

    With a `memory` only what changed since the last version is computed. Without one, an `evaluator` over a fixed workspace may
    be shared by many files: what one of them asks of their neighbours is known to the next.
    """
    settings = settings or Settings()
    # One question nests a few Python calls deep per expression and call: its own bounds stop it long before this one does.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 6000))
    alone = memory is None
    shared = evaluator if evaluator is not None and alone else Evaluator(memory.workspace if memory else None)
    memory = memory if memory is not None else Memory(shared.workspace)
    memory.workspace.refresh()
    if not concerns(document) or document.language != PYTHON:
        memory.pieces, memory.findings, memory.kept = None, {}, {}
        return _report(document, _in_script(document, settings), None)
    source = memory.workspace.parsed(document) if alone else Source(parse(document, memory.pieces), document.path)
    pieces = source.pieces
    rules = applicable(document.text)
    if not alone:
        _forget(memory, source, rules)
        memory.pieces, memory.kept = pieces, {id(piece): piece for piece in pieces}
    recomputed: list[str] = []
    once = Facts(source, shared) if alone else None
    found: list[tuple[Piece, Rule, Form, Finding]] = []
    notes = [Note(document.offset(note.line, note.column), note.message) for note in pieces.notes]
    for piece in pieces:
        if not piece.statements:
            continue
        if cancelled():
            raise Cancelled
        remembered = memory.findings.get(id(piece))
        if remembered is None:
            remembered = _check(piece, source, rules, memory, once, shared)
            recomputed.append(piece.label)
            memory.findings[id(piece)] = remembered
        found.extend((piece, rule, form, finding) for rule, form, finding in remembered.findings)
        notes.extend(Note(piece.start, text, trace) for text, trace in remembered.notes)
    diagnostics = _shown(found, source, settings)
    report = _report(
        document, [*diagnostics, *_in_script(document, settings)], None if notes else settings
    )  # what could not be read might be silenced
    idle = (item.rule for item in report.diagnostics if item.rule is unused_suppression.RULE)
    raised = Counter(rule.code for rule in (*(rule for _, rule, _, _ in found), *idle))
    return replace(report, notes=tuple(notes), raised=raised, recomputed=tuple(recomputed))


def look_into(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    piece: Piece,
    source: Source,
    settings: Settings,
    memory: Memory,
    elsewhere: Iterable[Diagnostic],
) -> Report:
    """What is found in one function of a piece alone, with what is known of the rest of the file."""
    memory.workspace.refresh()
    remembered = Remembered([], set(), set(), [], [])
    _ask(index_of(function), Facts(source, Evaluator(memory.workspace)), applicable(source.document.text), memory, remembered)
    found = [(piece, rule, form, finding) for rule, form, finding in remembered.findings]
    return _report(source.document, [*_shown(found, source, settings), *elsewhere], None)


def _shown(found: list[tuple[Piece, Rule, Form, Finding]], source: Source, settings: Settings) -> list[Diagnostic]:
    """Findings as they are shown: at their levels, those left out that another rule stands in for."""
    shown = [
        (piece, rule, form, finding, level)
        for piece, rule, form, finding in found
        if (level := settings.level_of(rule, form)) is not None
    ]
    said = _without_siblings(source, [(rule, finding) for _, rule, _, finding, _ in shown])
    return [
        diagnostic
        for piece, rule, form, finding, level in shown
        if finding in said and (diagnostic := _diagnostic(piece, source, rule, form, finding, level)) is not None
    ]


def _report(document: Document, found: list[Diagnostic], settings: Settings | None) -> Report:
    """What is said of a document, and what its comments silence, in order. With settings, also which of them silence nothing."""
    silence = suppression.read(document)
    said, silent = list[Diagnostic](), list[Diagnostic]()
    for diagnostic in found:
        (silent if any(each.covers(document, diagnostic) for each in silence) else said).append(diagnostic)
    if silence and settings is not None:
        said.extend(suppression.unused(document, silence, silent, settings))
    return Report(document, tuple(sorted(said, key=_order)), tuple(sorted(silent, key=_order)))


def _in_script(document: Document, settings: Settings) -> list[Diagnostic]:
    """What the rules have to say of a script, or of the lines of a notebook that are for the shell."""
    script = scripts.read(document)
    if script is None:
        return []
    rules = applicable(document.text) or catalogue.rules()
    forms = [(rule, form) for rule in rules for form in rule.forms if scripts.Script in form.nodes]
    facts = Facts(Source(parse(Document(""))), Evaluator())
    found: list[Diagnostic] = []
    for rule, form in forms:
        if (level := settings.level_of(rule, form)) is None:
            continue
        for finding in form.check(script, facts):
            if isinstance(finding.node, scripts.Variable):
                related = tuple(
                    Related(document, place.node.start, place.node.end, place.message)
                    for place in finding.related
                    if isinstance(place.node, scripts.Variable)
                )
                start, end = finding.node.start, finding.node.end
                found.append(Diagnostic(rule, form, level, start, end, finding.message, (), related))
    return found


def _order(diagnostic: Diagnostic) -> tuple[int, str]:
    return diagnostic.start, diagnostic.rule.code


def reveal(document: Document) -> dict[int, str]:
    """For each `reveal(x)` of a document: the line (from 1) and what is known of `x`; for `reveal()`, when TensorFlow code runs there."""
    source = Source(parse(document), document.path)
    evaluator = Evaluator()
    found: dict[int, str] = {}
    for call in source.calls("reveal"):
        frame = evaluator.frame_at(source, call)
        told = describe(evaluator.value(call.args[0], frame)) if call.args else evaluator.executions.at(call, frame).value
        found[document.position(source.locate(call)[0]).line] = told
    return found


def applicable(text: str) -> tuple[Rule, ...]:
    """The rules of the frameworks that a text names."""
    named = {framework for framework in Framework if any(name in text for name in framework.value)}
    return tuple(rule for rule in catalogue.rules() if not named.isdisjoint(rule.frameworks))


@cache
def _called_names(rules: tuple[Rule, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(form.calls for rule in rules for form in rule.forms if form.calls is not None))


def subjects(form: Form, index: Index, aliases: dict[str, set[str]]) -> Iterator[ast.AST]:
    """The nodes of a piece that a form is asked about."""
    for kind in form.nodes:
        if kind is ast.Call and form.calls is not None:
            names = form.calls.union(*(aliases[name] for name in form.calls if name in aliases)) if aliases else form.calls
            for name in names:
                yield from index.calls.get(name, ())
        else:
            yield from index.by_type.get(kind, ())


def _check(
    piece: Piece,
    source: Source,
    rules: tuple[Rule, ...],
    memory: Memory,
    once: Facts | None,
    scout: Evaluator,
) -> Remembered:
    """Every rule over one piece; if it is to be remembered, with a fresh evaluator that writes down what the answers rest on."""
    remembered = Remembered([], set(), set(), [], [])
    facts = once or Facts(source, Evaluator(memory.workspace))
    evaluator = facts.evaluator
    files: dict[Path, Source] = {}

    def touched(where: Source, node: ast.AST) -> None:
        if where is source:
            holder = source.piece(node)
            if holder is not None:
                remembered.pieces.add(id(holder))
        elif where.path is not None:
            files[where.path] = where

    if once is None:
        evaluator.touched = touched
        evaluator.scout = scout
        source.asked = remembered.names
    try:
        _ask(piece.index, facts, rules, memory, remembered)
    finally:
        source.asked = None
    remembered.files = list(files.items())
    return remembered


def _ask(index: Index, facts: Facts, rules: tuple[Rule, ...], memory: Memory, remembered: Remembered) -> None:
    """Every rule over the nodes of an index. One that fails is switched off."""
    for rule in rules:
        for form in rule.forms:
            key = f"{rule.code}.{form.name}"
            if key in memory.failed:
                continue
            try:
                for node in subjects(form, index, facts.source.aliases):
                    facts.evaluator.spent = 0
                    with suppress(RecursionError):  # nested too deep to tell: silent
                        remembered.findings.extend((rule, form, finding) for finding in form.check(node, facts))
            except Exception as error:
                memory.failed.add(key)
                message = f"rule {key} failed here and is switched off: {type(error).__name__}: {error}"
                remembered.notes.append((message, traceback.format_exc()))


def _forget(memory: Memory, source: Source, rules: tuple[Rule, ...]) -> None:
    """Drop the findings of pieces whose ground changed: their own text, a piece or a name they asked about, another file."""
    aliases = {name: source.aliases[name] for name in _called_names(rules) if name in source.aliases}
    if aliases != memory.aliases:
        memory.findings.clear()  # which calls a rule is asked about depends on what they are called here
        memory.aliases = aliases
    pieces = source.pieces
    now = {id(piece): piece for piece in pieces}
    gone = [piece for key, piece in memory.kept.items() if key not in now]
    new = [piece for key, piece in now.items() if key not in memory.kept]
    before, after = (set[str]().union(*(_outline(piece) for piece in pieces)) for pieces in (gone, new))
    changed_names = {name.partition("@")[0] for name in before ^ after}
    if gone or new or memory.pieces is None or memory.pieces.document.cells != pieces.document.cells:
        changed_names.add(LAYOUT)
    gone_ids = {id(piece) for piece in gone}
    if [key for key in memory.kept if key in now] != [key for key in now if key in memory.kept]:
        memory.findings.clear()  # what comes first is part of the ground of all that follows
    for key in list(memory.findings):
        remembered = memory.findings[key]
        stale = key not in now or remembered.pieces & gone_ids or remembered.names & changed_names
        if stale or any(memory.workspace.load(path) is not source for path, source in remembered.files):
            del memory.findings[key]


def _outline(piece: Piece) -> frozenset[str]:
    """Names that a piece binds, calls or stores into, and attributes that it reads: what other pieces may ask about."""
    outline = piece.memo.get("outline")
    if outline is None:
        names: set[str] = set(piece.index.calls)
        for name, calls in piece.index.calls.items():
            # The same method of something else may be another function.
            names.update(f"{name}@{ast.unparse(call.func.value)}" for call in calls if isinstance(call.func, ast.Attribute))
        for kind in (ast.Attribute, ast.Name, ast.Subscript):
            for node in piece.index.by_type.get(kind, ()):
                if isinstance(node, ast.Attribute) or isinstance(getattr(node, "ctx", None), ast.Store):
                    names.add(
                        ast.unparse(node.value)
                        if isinstance(node, ast.Subscript)
                        else getattr(node, "attr", None) or getattr(node, "id", "")
                    )
        for kind in (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
            names.update(getattr(node, "name", "") for node in piece.index.by_type.get(kind, ()))
        for node in piece.index.by_type.get(ast.alias, ()):
            names.add(getattr(node, "asname", None) or getattr(node, "name", "").partition(".")[0])
        outline = piece.memo["outline"] = frozenset(names)
    return outline  # pyright: ignore[reportReturnType]


def _without_siblings(source: Source, found: list[tuple[Rule, Finding]]) -> set[Finding]:
    """One root cause, one finding: a rule gives way to those it yields to, on the same statement or inside what they cover."""
    by_code: dict[str, list[Finding]] = {}
    for rule, finding in found:
        by_code.setdefault(rule.code, []).append(finding)
    said: set[Finding] = set()
    for rule, finding in found:
        betters = [other for code in rule.yields_to for other in by_code.get(code, ()) if other is not finding]
        if betters:
            statement = source.statement(finding.node)
            here: set[ast.AST | None] = {finding.node, statement, *source.ancestors(finding.node)}
            if any(source.statement(other.node) is statement or not here.isdisjoint(other.covers) for other in betters):
                continue
        said.add(finding)
    return said


def _diagnostic(piece: Piece, source: Source, rule: Rule, form: Form, finding: Finding, level: object) -> Diagnostic | None:
    document = source.document
    span = _span(piece, source, finding.node)
    if span is None:
        return None
    mends = ()
    if not piece.broken:
        resolved = [edits.resolve(fix, document, source.locate, source.parent) for fix in finding.fixes]
        mends = tuple(mend for mend in resolved if mend is not None)
    related = tuple(
        Related(document, *place_span, place.message)
        for place in finding.related
        if (holder := source.piece(place.node)) is not None and (place_span := _span(holder, source, place.node)) is not None
    )
    return Diagnostic(rule, form, level, *span, finding.message, mends, related)  # pyright: ignore[reportArgumentType]


def _span(piece: Piece, source: Source, node: ast.AST) -> tuple[int, int] | None:
    """Where a node stands now; None if the text that it was parsed from is being edited."""
    if not piece.broken:
        start, end = source.locate(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            head = re.compile(r"(?:async\s+)?(?:def|class)\s+\w+").match(source.document.text, start)
            end = head.end() if head else end
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith)):
            line = source.document.line_of(start)
            end = min(end, source.document.line_starts[line] + len(source.document.line_text(line)))
        return start, end
    parsed = Document(piece.parsed_text)
    line = getattr(node, "lineno", 0) - piece.parsed_line - 1
    start = parsed.offset(line, getattr(node, "col_offset", 0), "utf-8")
    end = parsed.offset(
        (getattr(node, "end_lineno", None) or 1) - piece.parsed_line - 1, getattr(node, "end_col_offset", None) or 0, "utf-8"
    )
    old, new = piece.parsed_text, piece.text
    same = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    if end <= same:
        return piece.start + start, piece.start + end
    if old[start:] and new.endswith(old[start:]):
        shift = len(new) - len(old)
        return piece.start + start + shift, piece.start + end + shift
    return None
