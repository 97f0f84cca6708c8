"""What is told where the mouse rests: the case at hand before the rule, and what a comment silences."""

from __future__ import annotations

import re
from pathlib import Path

from lsprotocol import types

from oakum import catalogue, suppression
from oakum.lsp.client import Client
from oakum.lsp.convert import location
from oakum.lsp.places import Source
from oakum.report import Diagnostic, Related, Report

_RULE_OFF = "\n\n---\n\n"


def hover(source: Source, report: Report, client: Client, uri: str, position: types.Position) -> types.Hover | None:
    """The findings at a position: what is the matter right here, then the page of each rule."""
    offset = source.offset(uri, position)
    if offset is None:
        return None
    items = [item for item in report.diagnostics if item.start <= offset <= item.end]
    if not items:
        return _comment(source, report, client, offset)
    items.sort(key=lambda item: item.end - item.start)
    here = [_proof(source, item, client) for item in items]
    pages = [catalogue.page(rule) for rule in dict.fromkeys(item.rule for item in items)]
    return _hover(source, client, _RULE_OFF.join([*here, *pages]), items[0].start, items[0].end)


def plain(markdown: str) -> str:
    """Markdown for a client that shows text as it is: without the signs that only mark it up."""
    lines: list[str] = []
    in_code = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        elif in_code:
            lines.append(f"    {line}" if line else "")
        else:
            line = re.sub(r"^#+ ", "", line)
            line = re.sub(r"\[([^\]]+)\]\(([^)]*)\)", lambda link: link[1], line)
            lines.append(re.sub(r"\*\*([^*]+)\*\*|`([^`]+)`", lambda marked: marked[1] or marked[2], line))
    return "\n".join(lines)


def _hover(source: Source, client: Client, text: str, start: int, end: int) -> types.Hover:
    kind = types.MarkupKind.Markdown if client.markdown else types.MarkupKind.PlainText
    content = types.MarkupContent(kind, text if client.markdown else plain(text))
    return types.Hover(content, range=source.locate(start, end)[1])


def _comment(source: Source, report: Report, client: Client, offset: int) -> types.Hover | None:
    """What a comment silences, if there is one."""
    document = source.document
    comment = next((each for each in suppression.read(document) if each.start <= offset <= each.end), None)
    if comment is None:
        return None
    silenced = [item for item in report.suppressed if comment.covers(document, item)]
    where = "in this file" if comment.whole_file else "on this line"
    if not silenced:
        return _hover(source, client, f"Silences nothing {where}.", comment.start, comment.end)
    heads = [f"Silences {len(silenced)} finding{'s' * (len(silenced) > 1)} {where}:"]
    parts = [_proof(source, item, client) for item in silenced]
    return _hover(source, client, "\n\n".join([*heads, *parts]), comment.start, comment.end)


def _proof(source: Source, item: Diagnostic, client: Client) -> str:
    head = f"**{item.rule.code}** {item.message}"
    return "\n".join([head, *([""] if item.related else []), *(_line(source, place, client) for place in item.related)])


def _line(source: Source, place: Related, client: Client) -> str:
    found = location(source, place)
    number = found.range.start.line + 1
    is_here = source.elsewhere(place.document) is source
    name = f"line {number}" if is_here else f"{_name(place.document.path)}:{number}"
    return f"- [{name}]({found.uri}#L{number}): {place.message}" if client.markdown else f"- {name}: {place.message}"


def _name(path: Path | None) -> str:
    return path.name if path else "elsewhere"
