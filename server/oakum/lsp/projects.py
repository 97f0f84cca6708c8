"""Which settings hold for a file: its project's, found in the folders above it, and over them the user's for that folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from oakum import baseline, configuration
from oakum.baseline import Baseline, BaselineError
from oakum.configuration import Configuration, ConfigurationError
from oakum.lsp.preferences import Preferences
from oakum.report import Report
from oakum.settings import Settings


class Projects:
    """The folders that are open (`roots`), what the user prefers there, and the configurations that were read."""

    def __init__(self, warn: Callable[[Iterable[str]], None]) -> None:
        self.roots: tuple[Path, ...] = ()
        self.preferences = Preferences()
        self._warn = warn
        self._scoped: dict[Path, Preferences] = {}
        self._read: dict[Path, Configuration] = {}
        self._baselines: dict[Path, Baseline] = {}

    def prefer(self, sent: Any, scoped: dict[Path, Any] | None = None) -> None:
        """Take what the user has set, for all folders and for single ones. What is wrong is told and left out."""
        self.preferences, problems = Preferences.read(sent)
        self._warn(problems)
        self._scoped = {}
        for root, of_folder in (scoped or {}).items():
            self._scoped[root], problems = Preferences.read(of_folder)
            self._warn(problems)

    def preferences_of(self, path: Path | None) -> Preferences:
        inside = [root for root in self._scoped if path is not None and path.is_relative_to(root)]
        return self._scoped[max(inside, key=lambda root: len(root.parts))] if inside else self.preferences

    def settings_of(self, path: Path | None) -> Settings | None:
        """The settings of a document; None if it is to be left alone.

        A text that is on no disk belongs to the folder that is open, where there is one.
        """
        preferences = self.preferences_of(path)
        if not preferences.enable:
            return None
        if path is None:
            project = self.configuration_of(self.roots[0]) if len(self.roots) == 1 else Configuration()
            return preferences.over(project.settings)
        project = self.configuration_of(path.parent)
        return None if project.leaves_out(path) else preferences.over(project.settings_of(path))

    def configuration_of(self, folder: Path) -> Configuration:
        """The configuration that holds in a folder; none at all where it can't be read, which is told."""
        if folder not in self._read:
            try:
                self._read[folder] = configuration.load(folder)
            except ConfigurationError as error:
                self._warn([str(error)])
                self._read[folder] = Configuration()
        return self._read[folder]

    def shown(self, report: Report) -> Report:
        """A report less what is on file in the project's baseline."""
        path = report.document.path
        known = self.configuration_of(path.parent).baseline if path and report.diagnostics else None
        if known is None:
            return report
        if known not in self._baselines:
            try:
                self._baselines[known] = baseline.read(known)
            except BaselineError as error:
                self._warn([str(error)])
                self._baselines[known] = Baseline(known)
        return self._baselines[known].without_known(report)

    @property
    def files(self) -> frozenset[Path]:
        """Files that settings were read from, besides those that have a name of their own."""
        return frozenset(self._baselines)

    def forget(self) -> None:
        """Read configurations again when they are asked for."""
        self._read.clear()
        self._baselines.clear()
