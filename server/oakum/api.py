"""Oakum for programs: findings as plain data. Use it as `from oakum import check`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from oakum import checking, configuration, files
from oakum.checking import Request
from oakum.configuration import ConfigurationError
from oakum.entry import Entry, Near, Remedy, Span
from oakum.files import FileError, NotPython, Source
from oakum.rule import Level
from oakum.settings import Settings

__all__ = ["Entry", "Near", "OakumError", "Remedy", "Span", "check", "check_text"]


class OakumError(Exception):
    """Why something could not be checked, in one line: a file that can't be read, a configuration or selector that is wrong."""


def check(
    *paths: str | os.PathLike[str],
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    level: str | None = None,
) -> list[Entry]:
    """What leaks in files, and in the Python files and notebooks of folders, in order.

    Each file has the settings of its project, as on the command line; `select`, `ignore` and `level` lie over them. Nothing is cached
    and nothing is printed. Raises `OakumError`.
    """
    over = _Over.of(select, ignore, level)

    def trouble(kind: str, message: str) -> None:
        if kind == "error":
            raise OakumError(message)

    found: list[Entry] = []
    for path in files.find([os.fspath(path) for path in paths], trouble):
        try:
            found += over.look(files.read(path), path)
        except NotPython:
            continue
        except (FileError, ConfigurationError) as error:
            raise OakumError(str(error)) from None
    return found


def check_text(
    text: str,
    path: str | os.PathLike[str] | None = None,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    level: str | None = None,
) -> list[Entry]:
    """What leaks in a text. With a `path` it is looked at as if it stood there: with that project's settings and neighbours."""
    over = _Over.of(select, ignore, level)
    place = Path(path) if path is not None else None
    try:
        return over.look(files.source(text, place), place)
    except NotPython:
        return []
    except (FileError, ConfigurationError) as error:
        raise OakumError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Over:
    """What a caller wants, over the settings of projects."""

    select: tuple[str, ...]
    ignore: tuple[str, ...]
    level: Level | None

    @staticmethod
    def of(select: Iterable[str], ignore: Iterable[str], level: str | None) -> _Over:
        """Raises `OakumError` about a rule or a level that there is none of."""
        if isinstance(select, str) or isinstance(ignore, str):
            raise OakumError("`select` and `ignore` are lists of strings")
        select, ignore = tuple(select), tuple(ignore)
        if problem := configuration.unknown((*select, *ignore)):
            raise OakumError(problem)
        if level not in (None, *(each.value for each in Level)):
            raise OakumError(f"there is no level {level!r}: warning, information, hint")
        return _Over(select, ignore, Level(level) if level else None)

    def look(self, source: Source, path: Path | None) -> list[Entry]:
        project = configuration.load(path.absolute().parent).settings_of(path.absolute()) if path else Settings()
        outcome, _ = checking.look(source, project.under(self.select, self.ignore, self.level), Request())
        return list(outcome.entries)
