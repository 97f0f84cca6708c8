"""Comments that silence findings: `# oakum: ignore[PT07]` on a line, `# oakum: ignore-file` for a file.

Read here, judged here (one that silences nothing is a finding itself), and written here for those who ask to ignore one.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from oakum import catalogue
from oakum.report import Diagnostic, Mend, Report, TextEdit
from oakum.rule import Level, Safety
from oakum.settings import Settings, matches
from oakum.syntax.document import PYTHON, Document
from oakum.unused_suppression import FORM, RULE

_COMMENT = re.compile(r"#\s*oakum:\s*(ignore-file|ignore)\b(?:\[([^\]]*)\])?", re.IGNORECASE)
_LISTED = re.compile(r"#\s*oakum:\s*ignore\[([^\]]*)\]", re.IGNORECASE)
_WHOLE_FILE = re.compile(r"#\s*oakum:\s*ignore-file\[([^\]]*)\]", re.IGNORECASE)
_HEAD = re.compile(r"#!|#.*coding[:=]")


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment: its offsets, its line (from 0), and what it names, each name with its offset; none are all rules."""

    start: int
    end: int
    line: int
    whole_file: bool
    names: tuple[tuple[int, str], ...]

    @property
    def selectors(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.names) or ("ALL",)

    def covers(self, document: Document, item: Diagnostic) -> bool:
        return any(self.covers_by(selector, document, item) for selector in self.selectors)

    def covers_by(self, selector: str, document: Document, item: Diagnostic) -> bool:
        """Whether one of the names silences a finding: a file's comment anywhere, else on its first line or its last."""
        here = self.whole_file or self.line in (document.line_of(item.start), document.line_of(item.end))
        return here and matches(selector, item.rule, item.form)


def read(document: Document) -> list[Suppression]:
    """Everything that looks like such a comment, in strings too: who writes one there wants it, or has no finding to lose."""
    if "oakum:" not in document.text.lower():
        return []
    return [
        Suppression(
            found.start(),
            found.end(),
            _about(document, found.start()),
            found[1].lower() == "ignore-file",
            tuple((found.start(2) + part.start(), part[0]) for part in re.finditer(r"[^\s,]+", found[2] or "")),
        )
        for found in _COMMENT.finditer(document.text)
    ]


def _about(document: Document, start: int) -> int:
    """The line that a comment is about: its own, or the next one where it stands alone in a script that has no comments behind lines."""
    line = document.line_of(start)
    return line + (document.language != PYTHON and document.line_text(line).lstrip().startswith("#"))


# --- comments that silence nothing ---


def unused(
    document: Document, suppressions: Collection[Suppression], suppressed: Collection[Diagnostic], settings: Settings
) -> Iterator[Diagnostic]:
    """A finding for each name in a comment, or comment without names, that silences nothing and could."""
    level = settings.level_of(RULE, FORM)
    if level is None:
        return
    comments: list[tuple[int, int]] | None = None
    for each in suppressions:
        idle = [
            (start, name)
            for start, name in each.names or ((each.start, ""),)
            if not any(each.covers_by(name or "ALL", document, item) for item in suppressed)
            and _is_judged(name or "ALL", settings)
        ]
        if not idle:
            continue
        comments = _comments(document) if comments is None else comments
        if any(start <= each.start < end for start, end in comments):  # and not in a string
            for item in _findings(document, each, idle, level):
                if not any(
                    other.covers_by(name, document, item) for other in suppressions for _, name in other.names if _is_own(name)
                ):
                    yield item


def _is_judged(selector: str, settings: Settings) -> bool:
    """Whether all that a name stands for would speak here, so that silence means there is nothing to silence."""
    if _is_own(selector):
        return False
    rules = [rule for rule in catalogue.rules() if any(matches(selector, rule, form) for form in rule.forms)]
    forms = [(rule, form) for rule in rules for form in rule.forms if matches(selector, rule, form)]
    if any(form.level is Level.OFF for _, form in forms) and len(forms) == 1:
        return False
    return all(settings.level_of(rule, form) is not None for rule, form in forms if form.level is not Level.OFF)


def _is_own(selector: str) -> bool:
    """Whether a name stands for this very rule. `ALL` doesn't: what is useless can't excuse itself."""
    return selector.upper() != "ALL" and matches(selector, RULE, FORM)


def _findings(document: Document, each: Suppression, idle: list[tuple[int, str]], level: Level) -> Iterator[Diagnostic]:
    if len(idle) == len(each.names or idle):
        names = ", ".join(f"`{name}`" for _, name in idle if name) or "anything"
        where = "in this file" if each.whole_file else "on this line"
        message = f"This comment silences nothing: there is no finding of {names} {where}."
        mend = Mend("Take the comment out", Safety.SAFE, (_without_comment(document, each),))
        yield Diagnostic(RULE, FORM, level, each.start, each.end, message, (mend,))
        return
    for start, name in idle:
        message = f"`{name}` silences nothing in this comment: there is no such finding here."
        mend = Mend(f"Take `{name}` out of the comment", Safety.SAFE, (_without_name(document, each, start, name),))
        yield Diagnostic(RULE, FORM, level, start, start + len(name), message, (mend,))


def _without_comment(document: Document, each: Suppression) -> TextEdit:
    """Take a comment out, with the spaces before it; with its line, where there is nothing else on it."""
    line = document.line_text(each.line)
    first = document.line_starts[each.line]
    last = first + len(line)
    rest = document.text[each.end : last]
    if rest.strip() and not rest.lstrip().startswith("#"):
        return TextEdit(each.start, last, f"#{rest}" if rest.startswith(" ") else f"# {rest}")  # the reason stays
    if document.text[first : each.start].strip() or rest.strip():
        start = first + len(document.text[first : each.start].rstrip()) if not rest.strip() else each.start
        return TextEdit(start, last, rest.lstrip())
    end = document.line_starts[each.line + 1] if each.line + 1 < len(document.line_starts) else last
    return TextEdit(first, end, "")


def _without_name(document: Document, each: Suppression, start: int, name: str) -> TextEdit:
    """Take one name of several out of a comment, with the comma that goes with it."""
    text, end = document.text, start + len(name)
    if following := re.compile(r"\s*,\s*").match(text, end, each.end):
        return TextEdit(start, following.end(), "")
    before = re.compile(r"\s*,\s*\Z").search(text, each.start, start)
    return TextEdit(before.start() if before else start, end, "")


def _comments(document: Document) -> list[tuple[int, int]]:
    """Comments from their start to their end, as far as the text can be read."""
    found: list[tuple[int, int]] = []
    for token in _tokens(document, len(document.line_starts)):
        if token.type == tokenize.COMMENT:
            start = document.offset(token.start[0] - 1, token.start[1])
            found.append((start, start + len(token.string)))
    return found


# --- writing one ---


def ignore(document: Document, item: Diagnostic) -> TextEdit | None:
    """Add `# oakum: ignore[CODE]` to the finding's first line, or its code to the comment that is there.

    A line inside of a string, or continued by a backslash, can't hold a comment: then the last line takes it, if that can.
    """
    return ignore_all(document, item.start, item.end, (item.rule.code,))


def ignore_each(report: Report) -> list[TextEdit]:
    """A comment on each line where something is found; findings of one line share it."""
    by_line: dict[int, list[Diagnostic]] = {}
    for item in report.diagnostics:
        if item.rule is not RULE:
            by_line.setdefault(report.document.line_of(item.start), []).append(item)
    found = (
        ignore_all(report.document, items[0].start, items[0].end, dict.fromkeys(item.rule.code for item in items))
        for items in by_line.values()
    )
    return [edit for edit in found if edit]


def ignore_all(document: Document, start: int, end: int, codes: Iterable[str]) -> TextEdit | None:
    """Ignore several rules at one place."""
    first, last = document.line_of(start), document.line_of(end)
    if document.language != PYTHON:  # above it: behind it, a Dockerfile takes a comment for text
        above = document.line_text(first - 1).rstrip() if first else ""
        place = document.line_starts[first]
        return None if above.endswith("\\") else TextEdit(place, place, f"# oakum: ignore[{', '.join(codes)}]\n")
    comments: dict[int, tokenize.TokenInfo] = {}
    ended: set[int] = set()
    for token in _tokens(document, last):
        line = token.start[0] - 1
        if token.type == tokenize.COMMENT:
            comments[line] = token
        elif token.type in (tokenize.NEWLINE, tokenize.NL):
            ended.add(line)
    line = next((line for line in (first, last) if line in ended), None)
    if line is None:
        return None
    begin, text = document.line_starts[line], document.line_text(line)
    comment = comments.get(line)
    if comment and (found := _LISTED.search(comment.string)):
        offset = begin + comment.start[1]
        return _added(found, offset, codes)
    return TextEdit(begin + len(text.rstrip()), begin + len(text), f"  # oakum: ignore[{', '.join(codes)}]")


def ignore_file(document: Document, code: str) -> TextEdit:
    """Ignore a rule in the whole file: in the comment that is there, else on a line of its own below `#!` and the encoding."""
    if found := _WHOLE_FILE.search(document.text):
        return _added(found, 0, (code,))
    line = 0
    while line < min(2, len(document.line_starts)) and _HEAD.match(document.line_text(line)):
        line += 1
    end = "\r\n" if "\r\n" in document.text else "\n"
    text = f"# oakum: ignore-file[{code}]{end}"
    if line == len(document.line_starts):
        return TextEdit(len(document.text), len(document.text), end + text)
    start = document.line_starts[line] + (1 if not line and document.text.startswith("\ufeff") else 0)
    return TextEdit(start, start, text)


def _added(found: re.Match[str], offset: int, codes: Iterable[str]) -> TextEdit:
    present = {part.strip() for part in found[1].split(",")}
    names = [*(part for part in (found[1].strip(),) if part), *(code for code in codes if code not in present)]
    end = offset + found.end(1)
    if found[1].strip():
        return TextEdit(end, end, "".join(f", {name}" for name in names[1:]))
    return TextEdit(end, end, ", ".join(names))


def _tokens(document: Document, last: int) -> Iterator[tokenize.TokenInfo]:
    """The tokens up to the end of a line (from 0), or as far as the text has any."""
    lines = (document.line_text(line) + "\n" for line in range(len(document.line_starts)))
    try:
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.start[0] - 1 > last:
                return
            yield token
    except (tokenize.TokenError, SyntaxError):
        return
