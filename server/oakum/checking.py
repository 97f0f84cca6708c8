"""One file after the other: analyse it, mend it, and say what came out, in this process or in several."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from oakum import files, output
from oakum.analysis import analyse
from oakum.files import FileError, Source
from oakum.notebook import Notebook, parses
from oakum.output import Counts, Paint
from oakum.report import Diagnostic, Mend, Report
from oakum.rule import Safety
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.program import Workspace
from oakum.settings import Settings
from oakum.syntax.edits import merge
from oakum.verification import verified

_ROUNDS = 10  # of fixes in one file; a fix may uncover a finding that another one stood in for
_FILES_A_PROCESS = 20  # fewer are not worth the time that a process takes to start


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of every file. Plain data, as it goes to other processes."""

    format: Literal["full", "concise", "json"] = "full"
    fix: bool = False
    unsafe: bool = False
    diff: bool = False
    paint: Paint = field(default_factory=Paint)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file: what to print, what to complain about (how bad, what), and what to count."""

    text: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    troubles: tuple[tuple[str, str], ...] = ()
    counts: Counts = field(default_factory=Counts)


UNCONCERNED = Outcome(counts=Counts(files=1))  # of a file that mentions no framework


def run(todo: Sequence[tuple[Path, Settings]], request: Request, jobs: int | None) -> Iterator[Outcome]:
    """The outcomes of files, in order. Without a number of jobs, as many as make it faster."""
    look = partial(_look_at, request)
    if jobs is None:
        jobs = min(_cores(), len(todo) // _FILES_A_PROCESS)
    if min(jobs, len(todo)) < 2:
        yield from map(look, todo)
        return
    import signal
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    # An interrupt reaches the whole group: the parent deals with it, and workers end with the parent's pool.
    ignore = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(min(jobs, len(todo)), initializer=ignore) as pool:
        try:
            yield from pool.map(look, todo, chunksize=max(1, min(16, len(todo) // (jobs * 4))))
        except BrokenExecutor:
            yield Outcome(troubles=(("error", "a process ended at once, perhaps for want of memory: try fewer --jobs"),))
        except BaseException:  # an interrupt, or a reader that went away: don't wait for what nobody will see
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
    mended, report, fixed = (
        mend(source, settings, unsafe=request.unsafe) if request.fix else (source, _report(source, settings), 0)
    )
    items = report.diagnostics
    document = report.document
    fixable = sum(bool(item.mends) for item in items)
    safe = sum(_choose(item, unsafe=False) is not None for item in items)
    counts = Counts(
        files=1, leaking=int(bool(items)), mended=int(fixed > 0), found=len(items), safe=safe, review=fixable - safe, fixed=fixed
    )
    outcome = Outcome(troubles=tuple(("note", note) for note in output.notes(report)), counts=counts)
    if request.diff:
        change = output.diff(source.text, mended.text, files.show(source.path), request.paint)
        return replace(outcome, text=change), mended
    if request.format == "json":
        return replace(outcome, rows=tuple(output.row(item, document) for item in items)), mended
    if request.format == "concise":
        return replace(outcome, text="".join(output.concise(item, document, request.paint) + "\n" for item in items)), mended
    return replace(outcome, text="".join(output.full(item, document, request.paint) + "\n\n" for item in items)), mended


def mend(source: Source, settings: Settings, *, unsafe: bool = False) -> tuple[Source, Report, int]:
    """The file with its fixes made until there are none left, what is found in it then, and how many were made."""
    report = _report(source, settings)
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
        outcome, mended = look(source, settings, request)
        if request.fix and not request.diff and mended.text != source.text:
            files.write(source, mended)
    except FileError as error:
        return Outcome(troubles=(("error", str(error)),))
    except Exception as error:  # a mistake of ours in one file is no reason to leave the others unseen
        return Outcome(troubles=(("error", f"{files.show(path)}: Oakum failed: {type(error).__name__}: {error}"),))
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
