"""What a project sets: a file `oakum.toml`, or the table `[tool.oakum]` of a `pyproject.toml`, whichever is nearest."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from oakum import catalogue
from oakum.rule import Level
from oakum.settings import Settings, matches

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("oakum.toml", "pyproject.toml")  # of one folder the first that says anything
_DEPTH = 10  # of files that extend each other


class ConfigurationError(ValueError):
    """What is wrong with a configuration, in one line that starts with where."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a project, and the patterns (as in a `.gitignore` beside `path`) of files that it leaves out.

    `path` is the file that they were read from, None where there is no such file and all is as it comes.
    """

    settings: Settings = field(default_factory=Settings)
    exclude: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    baseline: Path | None = None
    path: Path | None = None

    def settings_of(self, file: Path) -> Settings:
        """The settings that hold for one file."""
        ignored = [
            selector
            for pattern, selectors in self.per_file_ignores.items()
            if self._names(file, (pattern,))
            for selector in selectors
        ]
        return replace(self.settings, ignore=(*self.settings.ignore, *ignored)) if ignored else self.settings

    def leaves_out(self, file: Path) -> bool:
        """Whether a file is excluded."""
        return bool(self.exclude) and self._names(file, self.exclude)

    def _names(self, file: Path, patterns: tuple[str, ...]) -> bool:
        if self.path is None or not file.is_relative_to(self.path.parent):
            return False
        return spec(patterns).match_file(file.relative_to(self.path.parent).as_posix())


@cache
def spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """Patterns that mean what they mean in a `.gitignore`."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


def load(path: Path) -> Configuration:
    """The configuration that holds for a file or a folder. Raises `ConfigurationError`."""
    start = path.absolute()
    for folder in (start, *start.parents):
        if found := in_folder(folder):
            return found
    return Configuration()


def in_folder(folder: Path) -> Configuration | None:
    """The configuration in one folder. Raises `ConfigurationError`."""
    return next((found for name in FILES if (found := read(folder / name))), None)


def read(path: Path) -> Configuration | None:
    """The configuration in one file, None where it has none. Raises `ConfigurationError`."""
    table = _table(path)
    if table is None:
        return None
    try:
        merged = _extended(table, path, 0)
        return _configuration(merged, path)
    except ValueError as error:
        raise error if isinstance(error, ConfigurationError) else ConfigurationError(f"{path}: {error}") from None


def unknown(selectors: Iterable[str]) -> str | None:
    """What to say about the first selector that names no rule, with the name that may have been meant."""
    for selector in selectors:
        if selector.upper() != "ALL" and not any(
            matches(selector, rule) or matches(selector, rule, form) for rule in catalogue.known() for form in rule.forms
        ):
            forms = [f"{rule.code}.{form.name}" for rule in catalogue.known() for form in rule.forms]
            near = (
                next(iter(difflib.get_close_matches(selector, forms, 1)), None)
                if "." in selector
                else catalogue.suggest(selector)
            )
            return f"there is no rule `{selector}`" + _did_you_mean(near)
    return None


# --- reading ---


def _table(path: Path) -> Any:
    """What a file says to Oakum; None where it says nothing or is not there."""
    is_own = path.name != "pyproject.toml"
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    if "oakum" not in text and not is_own:
        return None  # another tool may complain about what is wrong with it
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line, column = _place(str(error), text)
        raise ConfigurationError(f"{path}:{line}:{column}: not valid TOML: {what}") from None
    if is_own:
        return content
    tool = content.get("tool")
    return cast("dict[str, Any]", tool).get("oakum") if isinstance(tool, dict) else None


def _place(message: str, text: str) -> tuple[str, int, int]:
    """The message of a TOML parser without its place, and the place."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.S)
    if found:
        return found[1], int(found[2]), int(found[3])
    return message.removesuffix(" (at end of document)"), text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1


def _extended(table: Any, path: Path, depth: int) -> dict[str, Any]:
    """The keys of a table, checked, over those of the file that it extends, as if all stood in one place."""
    values = _values(table, _section(path))
    name = values.pop("extend", None)
    if name is None:
        return values
    where = f"`extend` in {_section(path)}"
    if depth >= _DEPTH:
        raise ValueError(f"{where}: files extend each other in a circle")
    other = _inside(path, name, where)
    base_table = _table(other)
    if base_table is None:
        raise ValueError(f"{where}: {other} says nothing to Oakum, or is not there")
    try:
        base = _extended(base_table, other, depth + 1)
    except ValueError as error:
        raise error if isinstance(error, ConfigurationError) else ConfigurationError(f"{other}: {error}") from None
    for key in ("ignore", "exclude"):
        if key in base and key in values:
            values[key] = (*base[key], *values[key])
    for key in ("severity", "per-file-ignores"):
        if key in base and key in values:
            values[key] = {**base[key], **values[key]}
    return {**base, **values}


def _configuration(values: dict[str, Any], path: Path) -> Configuration:
    """Checked values as settings. Raises `ValueError` about the first rule that there is none of."""
    section = _section(path)
    exclude, per_file = values.pop("exclude", ()), values.pop("per-file-ignores", {})
    baseline = values.pop("baseline", None)
    settings = Settings(**values)
    for key, selectors in (
        *((key, getattr(settings, key)) for key in ("select", "ignore", "severity")),
        *(("per-file-ignores", selectors) for selectors in per_file.values()),
    ):
        if problem := unknown(selectors):
            raise ValueError(f"`{key}` in {section}: {problem}")
    place = _inside(path, baseline, f"`baseline` in {section}") if baseline else None
    return Configuration(settings, exclude, per_file, place, path)


def _inside(path: Path, name: str, where: str) -> Path:
    """A file that a configuration names. One that was downloaded is not to make Oakum read what lies outside of its project."""
    folder = path.parent.absolute()
    top = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    found = (folder / name).resolve()
    if not found.is_relative_to(top.resolve()):
        raise ValueError(f"{where}: {name} lies outside of {top}")
    return found


def _section(path: Path) -> str:
    return "[tool.oakum]" if path.name == "pyproject.toml" else path.name


def _values(table: Any, section: str) -> dict[str, Any]:
    """The values of a table by key. Raises `ValueError` about the first thing that is wrong."""
    if not isinstance(table, dict):
        raise ValueError("`tool.oakum` must be a table")
    values: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", table).items():
        if key not in KEYS:
            raise ValueError(f"there is no setting `{key}` in {section}" + _did_you_mean(_near(key, KEYS)))
        try:
            values[key] = KEYS[key].read(value)
        except ValueError as error:
            raise ValueError(f"`{key}` in {section} {error}") from None
    return values


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a file")
    return value


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


def _per_file(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ValueError('must be a table, such as { "tests/" = ["PT07"] }')
    return {pattern: _strings(selectors) for pattern, selectors in cast("dict[str, Any]", value).items()}


def _leaves(table: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The entries of a table; `PT10.long-lived-cycle = "off"` without quotes is a table in a table to TOML."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(cast("dict[str, Any]", value), f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _near(text: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(text, list(known), 1)), None)


def _did_you_mean(near: str | None) -> str:
    return f"; did you mean `{near}`?" if near else ""


# --- what there is to set ---


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: how it is read, what it looks like, what it means, and what JSON Schema says of it."""

    read: Callable[[Any], Any]
    example: str
    text: str
    schema: dict[str, Any]


_LEVELS = [level.value for level in Level]
_LIST = {"type": "array", "items": {"type": "string"}}
_A_LEVEL = {"enum": _LEVELS}

KEYS: dict[str, Key] = {
    "select": Key(
        _strings,
        'select = ["PT", "TK05"]',
        "Only these rules, and all their forms, those that are off by default too. A selector is a code (`PT07`), the beginning "
        "of one (`PT0`), a rule's name, one form of it (`PT26.zipped`), or `ALL`.",
        _LIST,
    ),
    "ignore": Key(_strings, 'ignore = ["PT01"]', "Never show these, selected or not.", _LIST),
    "per-file-ignores": Key(
        _per_file,
        'per-file-ignores = { "tests/" = ["PT07"] }',
        "Never show these in files whose path matches a pattern, written as in a `.gitignore` beside the configuration.",
        {"type": "object", "additionalProperties": _LIST},
    ),
    "severity": Key(
        _severity,
        'severity = { PT05 = "warning", "PT10.long-lived-cycle" = "off" }',
        "The level of a rule, a form or a beginning of codes; the longest selector that fits decides.",
        {"type": "object", "additionalProperties": {"anyOf": [_A_LEVEL, {"type": "object", "additionalProperties": _A_LEVEL}]}},
    ),
    "level": Key(_level, 'level = "information"', "Show nothing quieter than this: warning, information or hint.", _A_LEVEL),
    "exclude": Key(
        _strings,
        'exclude = ["third_party/", "*_pb2.py"]',
        "Leave these out, as in a `.gitignore` beside the configuration. What `.gitignore` names is left out as well.",
        _LIST,
    ),
    "extend": Key(
        _string,
        'extend = "../oakum.toml"',
        "Take over the settings of another file of the same repository, and add to its lists and tables.",
        {"type": "string", "minLength": 1},
    ),
    "baseline": Key(
        _string,
        'baseline = ".oakum-baseline.json"',
        "Leave out the findings that are on file there; `oakum baseline` writes it.",
        {"type": "string", "minLength": 1},
    ),
}


def schema() -> dict[str, Any]:
    """All of it as JSON Schema, for editors and for `oakum.toml`'s own sake."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{catalogue.SITE}/oakum.schema.json",
        "title": "Settings of Oakum: oakum.toml, or [tool.oakum] in pyproject.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": key.text, **key.schema} for name, key in KEYS.items()},
    }
