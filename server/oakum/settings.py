"""What a user may set: which rules speak, and how loudly. Read from configuration by `oakum.configuration`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from oakum.rule import Form, Level, Rule


@dataclass(frozen=True, slots=True)
class Settings:
    """`select` and `ignore` hold codes, names, prefixes of codes (`PT`, `PT0`), `CODE.form`, or `ALL`.

    With `select` empty every form that is not `OFF` speaks. A selected rule shows all its forms, `OFF` ones as hints.
    `severity` sets the level of a rule (`PT02`), a form (`PT10.long-lived-cycle`) or a prefix. `level`: nothing quieter is shown.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Level] = field(default_factory=dict[str, Level])
    level: Level = Level.HINT

    def level_of(self, rule: Rule, form: Form) -> Level | None:
        """The level at which a form of a rule speaks, or None where it is silent."""
        if any(matches(selector, rule, form) for selector in self.ignore):
            return None
        level = form.level
        if self.select:
            if not any(matches(selector, rule, form) for selector in self.select):
                return None
            level = Level.HINT if level is Level.OFF else level
        chosen = [selector for selector in self.severity if matches(selector, rule, form)]
        if chosen:
            level = self.severity[max(chosen, key=len)]
        if level is Level.OFF or _RANK[level] < _RANK[self.level]:
            return None
        return level

    def under(self, select: tuple[str, ...], ignore: tuple[str, ...], level: Level | None) -> Settings:
        """A project's settings with those of a command over them: who selects a rule there wants to see it."""
        project = self
        if select:
            severity = {selector: loud for selector, loud in self.severity.items() if loud is not Level.OFF}
            project = replace(self, select=select, ignore=(), severity=severity)
        return replace(project, ignore=(*project.ignore, *ignore), level=level or project.level)


_RANK = {Level.OFF: 0, Level.HINT: 1, Level.INFORMATION: 2, Level.WARNING: 3}


def matches(selector: str, rule: Rule, form: Form | None = None) -> bool:
    """Whether a selector (`ALL`, `PT`, `PT07`, `unreleased-tensor-references`, `PT07.growing-list`) names this rule or form."""
    if selector.upper() == "ALL":
        return True
    head, _, tail = selector.partition(".")
    if tail and (form is None or tail != form.name):
        return False
    return (
        rule.code == head.upper() or rule.name == head.lower() or (not tail and head != "" and rule.code.startswith(head.upper()))
    )
