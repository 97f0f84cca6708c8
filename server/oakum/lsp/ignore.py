"""The comment that silences a finding on its line."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator

from oakum.report import Diagnostic, TextEdit
from oakum.syntax.document import Document

_IGNORED = re.compile(r"#\s*oakum:\s*ignore\[([^\]]*)\]", re.IGNORECASE)


def ignore(document: Document, item: Diagnostic) -> TextEdit | None:
    """Add `# oakum: ignore[CODE]` to the finding's first line, or its code to the comment that is there.

    A line inside of a string, or continued by a backslash, can't hold a comment: then the last line takes it, if that can.
    """
    first, last = document.line_of(item.start), document.line_of(item.end)
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
    start, text = document.line_starts[line], document.line_text(line)
    comment = comments.get(line)
    if comment and (found := _IGNORED.search(comment.string)):
        end = start + comment.start[1] + found.end(1)
        return TextEdit(end, end, f", {item.rule.code}" if found[1].strip() else item.rule.code)
    return TextEdit(start + len(text.rstrip()), start + len(text), f"  # oakum: ignore[{item.rule.code}]")


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
