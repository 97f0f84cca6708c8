"""The settings of an editor's user, over those of the project that a file belongs to."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from oakum import configuration
from oakum.rule import Level
from oakum.settings import Settings


@dataclass(frozen=True, slots=True)
class Preferences:
    """What an editor's section `oakum` may hold. What is not set is left to the project."""

    enable: bool = True
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Level] = field(default_factory=dict[str, Level])
    level: Level | None = None
    whole_workspace: bool = False  # `diagnosticMode`

    @staticmethod
    def read(sent: Any) -> tuple[Preferences, list[str]]:
        """Settings as an editor sends them, `{"oakum": {...}}` or the section alone, and what is wrong with them.

        What is wrong is left out, and the rest is taken.
        """
        if sent is None:
            return Preferences(), []
        if not isinstance(sent, dict):
            return Preferences(), ["the settings must be an object"]
        section = cast("dict[str, Any]", sent)
        if "oakum" in section:
            return Preferences.read(section["oakum"])
        values: dict[str, Any] = {}
        problems: list[str] = []
        for key, value in section.items():
            if key not in _READ:
                near = difflib.get_close_matches(key, _READ, n=1)
                problems.append(f"there is no setting `{key}`" + (f", did you mean `{near[0]}`?" if near else ""))
            elif value is not None:
                try:
                    values[_NAMES.get(key, key)] = _READ[key](value)
                except ValueError as error:
                    problems.append(f"`{key}` {error}")
        selectors = [*(values.get("select") or ()), *values.get("ignore", ()), *values.get("severity", {})]
        problems += [problem for selector in dict.fromkeys(selectors) if (problem := configuration.unknown([selector]))]
        return Preferences(**values), problems

    def over(self, project: Settings) -> Settings:
        """The project's settings with these on top."""
        return Settings(
            select=project.select if self.select is None else self.select,
            ignore=(*project.ignore, *self.ignore),
            severity={**project.severity, **self.severity},
            level=self.level or project.level,
        )


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _selectors(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in cast("list[Any]", value)):
        raise ValueError('must be a list of codes or names of rules, such as ["PT07"]')
    return tuple(cast("list[str]", value))


def _selected(value: Any) -> tuple[str, ...] | None:
    return _selectors(value) or None


def _level(value: Any) -> Level:
    try:
        return Level(value)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(level.value for level in Level)}, not {value!r}") from None


def _severity(value: Any) -> dict[str, Level]:
    if not isinstance(value, dict):
        raise ValueError('must be an object such as {"PT07": "hint"}')
    return {str(selector): _level(level) for selector, level in cast("dict[Any, Any]", value).items()}


def _mode(value: Any) -> bool:
    if value not in ("openFiles", "workspace"):
        raise ValueError(f"must be openFiles or workspace, not {value!r}")
    return value == "workspace"


_READ: dict[str, Callable[[Any], Any]] = {
    "enable": _flag,
    "select": _selected,
    "ignore": _selectors,
    "severity": _severity,
    "level": _level,
    "diagnosticMode": _mode,
}
_NAMES = {"diagnosticMode": "whole_workspace"}
