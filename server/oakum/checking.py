"""One file after the other: analyse it, mend it, and say what came out, in this process or in several."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from oakum import files, suppression
from oakum.analysis import analyse
from oakum.entry import Counts, Entry, entry
from oakum.files import FileError, Source
from oakum.notebook import Notebook, parses
from oakum.output import summary
from oakum.output.terminal import Paint
from oakum.patience import limited
from oakum.report import Diagnostic, Mend, Report
from oakum.rule import Safety
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.program import Workspace
from oakum.settings import Settings
from oakum.syntax.edits import merge
from oakum.verification import verified

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess as Process

_ROUNDS = 10  # of fixes in one file; a fix may uncover a finding that another one stood in for
_TOO_LONG = 20.0  # seconds for one file, all its fixes included
_FILES_A_PROCESS = 20  # fewer are not worth the time that a process takes to start


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of every file. Plain data, as it goes to other processes. `ignore`: write comments that silence what is found."""

    fix: bool = False
    unsafe: bool = False
    diff: bool = False
    ignore: bool = False
    paint: Paint = field(default_factory=Paint)

    @property
    def edits(self) -> bool:
        return self.fix or self.ignore


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file: what was found, what to complain about (how bad, what), and what was done.

    `fixed` fixes were made, or would be; `change` is then what they are, where a diff is asked for.
    """

    path: Path | None = None
    entries: tuple[Entry, ...] = ()
    troubles: tuple[tuple[str, str], ...] = ()
    read: bool = True
    fixed: int = 0
    change: str = ""

    @property
    def counts(self) -> Counts:
        return Counts(files=int(self.read), mended=int(self.fixed > 0), fixed=self.fixed) + Counts.of(self.entries)


def run(todo: Sequence[tuple[Path, Settings]], request: Request, jobs: int | None) -> Iterator[Outcome]:
    """The outcomes of files, in order. Without a number of jobs, as many as make it faster."""
    look = partial(_look_at, request)
    if jobs is None:
        jobs = min(_cores(), len(todo) // _FILES_A_PROCESS)
    if min(jobs, len(todo)) < 2:
        yield from map(look, todo)
        return
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    with ProcessPoolExecutor(min(jobs, len(todo)), initializer=_begin) as pool:
        try:
            yield from pool.map(look, todo, chunksize=max(1, min(16, len(todo) // (jobs * 4))))
        except BrokenExecutor:
            yield Outcome(
                read=False, troubles=(("error", "a process ended at once, perhaps for want of memory: try fewer --jobs"),)
            )
        except BaseException:  # an interrupt, or a reader that went away: don't wait for what nobody will see
            processes: dict[int, Process] = getattr(pool, "_processes", None) or {}
            for process in list(processes.values()):
                process.terminate()
            threading.excepthook = _without_invalid_state
            raise


def _without_invalid_state(failed: threading.ExceptHookArgs) -> None:
    """The pool's own thread stumbles over work that was cancelled when its processes end, which is no news to anybody."""
    from concurrent.futures import InvalidStateError

    if not issubclass(failed.exc_type, InvalidStateError):
        threading.__excepthook__(failed)


def _begin() -> None:
    """A process of the pool: an interrupt reaches the whole group and is dealt with by the parent, who ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# One run looks at each neighbour once: what `fix` writes meanwhile changes no name that another file imports.
_EVALUATORS = [Evaluator(Workspace(fixed=True))]
_VALUES = 400_000  # kept for the files to come, some hundred bytes each


def _evaluator() -> Evaluator:
    """What is known of the files so far; begun anew when that becomes much."""
    if len(_EVALUATORS[0].memo) > _VALUES:
        _EVALUATORS[0] = Evaluator(_EVALUATORS[0].workspace)
    return _EVALUATORS[0]


def look(source: Source, settings: Settings, request: Request) -> tuple[Outcome, Source]:
    """What comes of one file, and the file as it is then: mended, where that was asked for, but not written."""
    mended, report, fixed = source, _report(source, settings), 0
    if request.ignore:
        mended, report, fixed = silence(source, settings, report)
    elif request.fix:
        mended, report, fixed = mend(source, settings, report, unsafe=request.unsafe)
    entries = tuple(entry(item, report.document) for item in report.diagnostics)
    change = summary.diff(source.text, mended.text, files.show(source.path), request.paint) if request.diff else ""
    troubles = tuple(summary.notes(report))
    return Outcome(source.path, entries, troubles, fixed=fixed, change=change), mended


def silence(source: Source, settings: Settings, report: Report) -> tuple[Source, Report, int]:
    """The file with a comment at each finding that silences it, what is found then all the same, and how many it silenced."""
    before = len(report.diagnostics)
    for _ in range(_ROUNDS):
        edits = merge([Mend("", Safety.SAFE, (edit,)) for edit in suppression.ignore_each(report)])
        if not edits or (source.notebook and not source.notebook.allows(edits)):
            break
        source = source.edited(edits)
        report = _report(source, settings)
    return source, report, before - len(report.diagnostics)


def mend(source: Source, settings: Settings, report: Report, *, unsafe: bool = False) -> tuple[Source, Report, int]:
    """The file with its fixes made until there are none left, what is found in it then, and how many were made."""
    fixed = 0
    for _ in range(_ROUNDS):
        mends = [mend for item in report.diagnostics if (mend := _choose(item, unsafe=unsafe))]
        step = _step(source, mends)
        if not step:
            break
        source, made = step
        report = _report(source, settings)
        fixed += made
    return source, report, fixed


def _look_at(request: Request, task: tuple[Path, Settings]) -> Outcome:
    path, settings = task
    try:
        source = files.read(path)
        with limited(_TOO_LONG):
            outcome, mended = look(source, settings, request)
        if request.edits and not request.diff and mended.text != source.text:
            files.write(source, mended)
    except FileError as error:
        return Outcome(path, read=False, troubles=(("error", str(error)),))
    except Exception as error:  # a mistake of ours in one file is no reason to leave the others unseen
        return Outcome(
            path, read=False, troubles=(("error", f"{files.show(path)}: Oakum failed: {type(error).__name__}: {error}"),)
        )
    return outcome


def _report(source: Source, settings: Settings) -> Report:
    """What is found in a file, with the fixes that hold: in a notebook, none may join two cells."""
    evaluator = _evaluator()
    report = verified(analyse(source.document, settings, evaluator=evaluator), settings, workspace=evaluator.workspace)
    if not source.notebook:
        return report
    return replace(report, diagnostics=tuple(_within_cells(item, source.notebook) for item in report.diagnostics))


def _within_cells(item: Diagnostic, notebook: Notebook) -> Diagnostic:
    return replace(item, mends=tuple(mend for mend in item.mends if notebook.allows(mend.edits)))


def _choose(item: Diagnostic, *, unsafe: bool) -> Mend | None:
    """The best fix that may be made without being looked at, or, where those to review are wanted too, the best of all."""
    return next((mend for mend in item.mends if unsafe or mend.safety is Safety.SAFE), None)


def _step(source: Source, mends: Sequence[Mend]) -> tuple[Source, int] | None:
    """The file with the fixes made that go together, and how many; where together they break it, with the first that doesn't."""
    for attempt in (mends, *([mend] for mend in mends)):
        edits = merge(attempt)
        if not edits or (source.notebook and not source.notebook.allows(edits)):
            continue
        after = source.edited(edits)
        if parses(after.document.text) or not parses(source.document.text):
            return after, sum(all(edit in edits for edit in mend.edits) for mend in attempt)
    return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
