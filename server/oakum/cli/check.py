"""`oakum check` and `oakum fix`: which files, in which settings, and what is shown of what comes out."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TextIO

from oakum import baseline, changes, checking, configuration, files, output
from oakum.analysis import concerns
from oakum.baseline import Baseline, BaselineError
from oakum.cache import Cache, folder_around
from oakum.changes import Changes, GitError
from oakum.checking import Outcome, Request
from oakum.cli.progress import Progress
from oakum.cli.status import FAILED, FOUND, NOTHING, Complaints, fail
from oakum.configuration import Configuration, ConfigurationError
from oakum.entry import Counts, Entry
from oakum.files import FileError, NotPython, Source
from oakum.output import summary
from oakum.output.terminal import Paint
from oakum.rule import Level
from oakum.settings import Settings


def check(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    run = Run(arguments)
    if problem := configuration.unknown((*run.select, *run.ignore)):
        return fail(problem)
    if "-" in arguments.paths and len(arguments.paths) > 1:
        return fail("standard input (-) goes alone, without other paths")
    try:
        if arguments.explain:
            return run.explain(*arguments.explain)
        if arguments.show_files or arguments.show_settings:
            return run.show()
        if arguments.watch:
            return run.watch()
        return run.once()
    except (GitError, BaselineError, FileError) as error:
        return fail(str(error))


class Run:
    """One run of the command."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.select, self.ignore = _flat(arguments.select), _flat(arguments.ignore)
        self.level = Level(arguments.level) if arguments.level else None
        self.complain = Complaints(quiet=arguments.quiet)
        self.configuration = cache(configuration.load)
        self._baselines: dict[Path, Baseline] = {}
        self.is_stdin = "-" in arguments.paths
        self.request = Request(arguments.fix, arguments.unsafe, arguments.diff, arguments.add_ignores, Paint.of(sys.stdout))

    def settings(self, path: Path) -> Settings:
        """The settings of a file: its project's, with those of the command line over them."""
        project = self.configuration(path.absolute().parent).settings_of(path.absolute())
        return project.under(self.select, self.ignore, self.level)

    # --- what is new ---

    @cached_property
    def changes(self) -> Changes | None:
        """What to look at, where only changes are asked for. Raises `GitError`."""
        reference = self.arguments.diff_base or ("HEAD" if self.arguments.changed else None)
        return changes.since(reference, Path.cwd()) if reference else None

    def baseline(self, path: Path) -> Baseline:
        if path not in self._baselines:
            self._baselines[path] = baseline.read(path)
        return self._baselines[path]

    def is_new(self, found: Entry) -> bool:
        """Whether a finding is to be shown."""
        if self.changes and self.arguments.diff_base and not self.changes.touches(found):
            return False
        known = Path(self.arguments.baseline) if self.arguments.baseline else None
        if known is None and found.path:
            known = self.configuration(Path(found.path).parent).baseline
        return known is None or not self.baseline(known).covers(found)

    # --- checking ---

    def once(self) -> int:
        """Look at everything once."""
        begun = time.perf_counter()
        counts, found = Counts(), list[Entry]()
        name = self.arguments.output_format
        write = output.each(name) if name in output.AT_ONCE and not self.arguments.statistics else None
        with self._stream() as stream:
            paint = Paint() if self.arguments.output_file else self.request.paint
            for outcome in self._stdin() if self.is_stdin else self.outcomes():
                for kind, message in outcome.troubles:
                    self.complain(kind, message)
                entries = tuple(each for each in outcome.entries if self.is_new(each))
                counts += replace(outcome, entries=entries).counts
                found.extend(entries)
                if self.request.diff:
                    stream.write(outcome.change)
                elif write:
                    stream.write("".join(write(each, paint) for each in entries))
            self._conclude(stream, paint, counts, found)
        if self.arguments.verbose:
            print(f"{summary.count(counts.files, 'file')} in {time.perf_counter() - begun:.2f} s", file=sys.stderr)
        if self.complain.failed:
            return FAILED
        return FOUND if counts.found or (self.request.diff and counts.fixed) else NOTHING

    def _conclude(self, stream: TextIO, paint: Paint, counts: Counts, found: Sequence[Entry]) -> None:
        """What is written when all is known."""
        name = self.arguments.output_format
        if self.request.diff:
            print(summary.summary(counts, diff=True), file=sys.stderr)
        elif self.arguments.statistics:
            stream.write(summary.statistics(found, paint))
        elif name in output.AT_LAST:
            stream.write(output.together(name)(found))
        elif self.request.ignore and counts.fixed:
            done = f"Silenced {summary.count(counts.fixed, 'finding')} in {summary.count(counts.mended, 'file')}"
            print(f"{done}, {counts.found or 'none'} left.", file=stream)
        elif name == "full" and not self.arguments.quiet and (counts.files or not self.complain.failed):
            print(summary.summary(counts), file=stream)

    @contextmanager
    def _stream(self) -> Generator[TextIO, None, None]:
        """Where findings go: a file that is there at once or not at all, or a standard stream.

        Standard output is the mended file's where that came from standard input, and the diff's where one is asked for.
        """
        if name := self.arguments.output_file:
            with files.replacing(Path(name)) as file:
                yield file
        else:
            yield sys.stderr if self.request.edits and self.is_stdin and not self.request.diff else sys.stdout

    def outcomes(self, paths: Iterable[Path] | None = None) -> Iterator[Outcome]:
        """What comes of files, in their order. Those that mention no framework are read and no more."""
        store = None if self._without_cache else Cache(folder_around(Path.cwd()))
        slots: list[tuple[Path, str] | Outcome] = []
        todo: list[tuple[Path, Settings]] = []
        for path in files.find(self.arguments.paths, self.complain) if paths is None else paths:
            if self.changes and not self.changes.has(path):
                continue
            try:
                source, settings = files.read(path), self.settings(path)
            except (FileError, ConfigurationError) as error:
                self.complain(_kind(error), str(error))
                continue
            if not concerns(source.document):
                slots.append(Outcome(path))
                continue
            key = store.key(source, settings) if store else ""
            known = store.get(path, key) if store else None
            slots.append(known or (path, key))
            if known is None:
                todo.append((path, settings))
        progress = Progress(len(todo), sys.stderr, quiet=self.arguments.quiet)
        results = checking.run(todo, self.request, self.arguments.jobs)
        try:
            for slot in slots:
                if isinstance(slot, Outcome):
                    yield slot
                elif outcome := next(results, None):
                    progress.step()
                    if store:
                        store.put(*slot, outcome)
                    yield outcome
        finally:
            progress.clear()
        if self.arguments.verbose and store:
            concerned = store.hits + len(todo)
            print(
                f"{store.hits} of {summary.count(concerned, 'file')} that name a framework known from the cache", file=sys.stderr
            )

    @property
    def _without_cache(self) -> bool:
        return self.arguments.no_cache or self.request.edits or bool(os.environ.get("OAKUM_NO_CACHE"))

    def _stdin(self) -> Iterator[Outcome]:
        """The outcome of what comes from standard input, which takes its settings and its kind from the name that it is given."""
        name = self.arguments.stdin_filename
        path = Path(name) if name else None
        data = sys.stdin.buffer.read()
        writes = self.request.edits and not self.request.diff
        try:
            source = files.decode(data, path)
            outcome, mended = checking.look(source, self.settings(path or Path("-")), self.request)
            if writes:
                data = mended.encoded()
        except (FileError, ConfigurationError) as error:
            self.complain(_kind(error), str(error))
        else:
            yield outcome
        if writes:  # an editor puts this in the place of what it sent
            sys.stdout.flush()
            sys.stdout.buffer.write(data)

    # --- other ways to run ---

    def show(self) -> int:
        """The files that would be checked, with their settings where those are asked for."""
        for path in files.find(self.arguments.paths, self.complain):
            if self.changes and not self.changes.has(path):
                continue
            try:
                lines = [files.show(path)]
                if self.arguments.show_settings:
                    lines.append(_settings_text(self.configuration(path.absolute().parent), self.settings(path)))
            except ConfigurationError as error:
                self.complain("error", str(error))
                continue
            print("\n".join(lines))
        return FAILED if self.complain.failed else NOTHING

    def watch(self) -> int:
        """Run whenever a file has changed, until interrupted."""
        from oakum.cli.watch import changed_files

        status = NOTHING
        for _ in changed_files(lambda: files.find(self.arguments.paths, lambda kind, message: None)):
            if sys.stdout.isatty():
                print("\033[2J\033[H", end="")
            fresh = Run(self.arguments)
            status = fresh.once()
            print(f"{time.strftime('%H:%M:%S')} Watching for changes.", file=sys.stderr, flush=True)
        return status

    def explain(self, name: str, line: int) -> int:
        """Why something is said of a line, or nothing."""
        from oakum.explanation import explain

        path = Path(name)
        source: Source = files.read(path)
        print(explain(source.document, line, self.settings(path)), end="")
        return NOTHING


def _settings_text(project: Configuration, settings: Settings) -> str:
    shown: dict[str, Any] = {
        "configuration": str(project.path) if project.path else None,
        "select": settings.select,
        "ignore": settings.ignore,
        "severity": {selector: level.value for selector, level in settings.severity.items()},
        "level": settings.level.value,
        "exclude": project.exclude,
        "baseline": str(project.baseline) if project.baseline else None,
    }
    return "\n".join(f"  {key} = {json.dumps(value)}" for key, value in shown.items())


def _kind(error: Exception) -> str:
    return "note" if isinstance(error, NotPython) else "error"


def _flat(given: list[tuple[str, ...]] | None) -> tuple[str, ...]:
    return tuple(selector for selectors in given or () for selector in selectors)
