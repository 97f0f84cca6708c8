"""A finding with its source line, its proof and its fix."""

from __future__ import annotations

import re

from oakum.entry import Entry
from oakum.output.places import at_line, where
from oakum.output.terminal import LEVELS, Paint, clip
from oakum.rule import Safety

_SENTENCE = re.compile(r"((?:`[^`]*`|[^`])*?[.!?]) +(?=[A-Z`])")


def write(found: Entry, paint: Paint) -> str:
    """Several lines, with an empty one behind them."""
    colour = LEVELS[found.level]
    sentence = _SENTENCE.match(found.message)
    message, advice = (sentence[1], found.message[sentence.end() :]) if sentence else (found.message, "")
    span = found.span
    is_long = span.end_line > span.line
    end = len(found.source.rstrip()) if is_long else span.end_column - 1
    source, before, width = clip(found.source, span.column - 1, end)
    number = str(span.line)
    gutter = " " * len(number)
    bar = paint("|", "blue", "bold")
    carets = paint("^" * max(width, 1), colour, "bold")
    if is_long:
        carets += paint(f" down to line {span.end_line}", colour)
    lines = [
        f"{paint(f'{found.level}[{found.code}]', colour, 'bold')}{paint(f': {message}', 'bold')}",
        f"{gutter}{paint('-->', 'blue', 'bold')} {where(found.path, span)}",
        f"{gutter} {bar}",
        f"{paint(number, 'blue', 'bold')} {bar} {source}".rstrip(),
        f"{gutter} {bar} {' ' * before}{carets}",
    ]
    sign = f"{gutter} {paint('=', 'blue', 'bold')}"
    if advice:
        lines.append(f"{sign} {paint('help:', 'bold')} {advice}")
    if found.related:
        lines.append(f"{sign} {paint('because:', 'bold')}")
        lines += [f"{gutter}     {paint(f'{at_line(near.path, near.span)}:', 'cyan')} {near.message}" for near in found.related]
    if found.remedy:
        command = "oakum fix" if found.remedy.safety == Safety.SAFE.value else "oakum fix --unsafe, then review"
        lines.append(f"{sign} {paint('fix:', 'green', 'bold')} {found.remedy.title} {paint(f'({command})', 'dim')}")
    return "\n".join(lines) + "\n\n"
