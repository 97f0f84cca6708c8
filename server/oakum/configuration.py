"""What a project sets: the table `[tool.oakum]` of the nearest `pyproject.toml` that has one."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from oakum import catalogue
from oakum.rule import Level
from oakum.settings import Settings, matches

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "pyproject.toml"


class ConfigurationError(ValueError):
    """What is wrong with a configuration, in one line that starts with where."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a project, and the patterns (as in a `.gitignore` beside `path`) of files that it leaves out.

    `path` is the file that they were read from, None where there is no such file and all is as it comes.
    """

    settings: Settings = field(default_factory=Settings)
    exclude: tuple[str, ...] = ()
    path: Path | None = None


def load(path: Path) -> Configuration:
    """The configuration that holds for a file or a folder. Raises `ConfigurationError`."""
    start = path.absolute()
    for folder in (start, *start.parents):
        if found := read(folder / FILE):
            return found
    return Configuration()


def read(path: Path) -> Configuration | None:
    """The configuration in one `pyproject.toml`, None where it has none. Raises `ConfigurationError`."""
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    if "oakum" not in text:
        return None  # another tool may complain about what is wrong with it
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line, column = _place(str(error), text)
        raise ConfigurationError(f"{path}:{line}:{column}: not valid TOML: {what}") from None
    tool = content.get("tool")
    table = cast("dict[str, Any]", tool).get("oakum") if isinstance(tool, dict) else None
    if table is None:
        return None
    try:
        return replace(_configuration(table), path=path)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def unknown(selectors: Iterable[str]) -> str | None:
    """What to say about the first selector that names no rule, with the name that may have been meant."""
    for selector in selectors:
        if selector.upper() != "ALL" and not any(
            matches(selector, rule) or matches(selector, rule, form) for rule in catalogue.rules() for form in rule.forms
        ):
            forms = [f"{rule.code}.{form.name}" for rule in catalogue.rules() for form in rule.forms]
            near = (
                next(iter(difflib.get_close_matches(selector, forms, 1)), None)
                if "." in selector
                else catalogue.suggest(selector)
            )
            return f"there is no rule `{selector}`" + _did_you_mean(near)
    return None


def _place(message: str, text: str) -> tuple[str, int, int]:
    """The message of a TOML parser without its place, and the place."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.S)
    if found:
        return found[1], int(found[2]), int(found[3])
    return message.removesuffix(" (at end of document)"), text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1


def _configuration(table: Any) -> Configuration:
    """The table as settings. Raises `ValueError` about the first thing that is wrong."""
    if not isinstance(table, dict):
        raise ValueError("`tool.oakum` must be a table")
    values: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", table).items():
        if key not in _READ:
            raise ValueError(f"there is no setting `{key}` in [tool.oakum]" + _did_you_mean(_near(key, _READ)))
        try:
            values[key] = _READ[key](value)
        except ValueError as error:
            raise ValueError(f"`{key}` in [tool.oakum] {error}") from None
    exclude = values.pop("exclude", ())
    settings = Settings(**values)
    for key in ("select", "ignore", "severity"):
        if problem := unknown(getattr(settings, key)):
            raise ValueError(f"`{key}` in [tool.oakum]: {problem}")
    return Configuration(settings, exclude)


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in cast("list[Any]", value)):
        raise ValueError("must be a list of strings")
    return tuple(cast("list[str]", value))


def _level(value: Any) -> Level:
    levels = [level.value for level in Level]
    if value not in levels:
        raise ValueError(f"must be one of {', '.join(levels)}, not {value!r}" + _did_you_mean(_near(str(value), levels)))
    return Level(value)


def _severity(value: Any) -> dict[str, Level]:
    if not isinstance(value, dict):
        raise ValueError('must be a table, such as { PT07 = "hint" }')
    return {selector: _level(level) for selector, level in _leaves(cast("dict[str, Any]", value))}


def _leaves(table: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The entries of a table; `PT10.long-lived-cycle = "off"` without quotes is a table in a table to TOML."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(cast("dict[str, Any]", value), f"{prefix}{key}.")
        else:
            yield prefix + key, value


_READ: dict[str, Callable[[Any], Any]] = {
    "select": _strings,
    "ignore": _strings,
    "severity": _severity,
    "level": _level,
    "exclude": _strings,
}


def _near(text: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(text, list(known), 1)), None)


def _did_you_mean(near: str | None) -> str:
    return f"; did you mean `{near}`?" if near else ""
