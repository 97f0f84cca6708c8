"""The command `oakum`. What only one command needs is imported when that command runs: `check` is to start at once."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oakum import __version__
from oakum.configuration import ConfigurationError
from oakum.rule import Level
from oakum.settings import Settings

if TYPE_CHECKING:
    from oakum.checking import Outcome, Request

NOTHING, FOUND, FAILED = 0, 1, 2

_EXITS = """\
exit status:
  0  nothing was found
  1  something was found, and is still there
  2  Oakum could not do its work, or could not read a file that it was given
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # a name of a file may hold what the terminal can't show
    parser = _parser()
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] | None = getattr(arguments, "run", None)
    if run is None:
        parser.print_help()
        return FAILED
    try:
        status = run(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 128 + 2
    except OSError as error:  # of standard output, mostly; what is still to be written there goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # who read us (`head`, a pager) has seen enough
            return 128 + 13
        return _fail(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oakum",
        description="Finds resource leaks in PyTorch, TensorFlow and Keras code, explains each one and fixes it.",
    )
    parser.add_argument("--version", action="version", version=f"oakum {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="files, folders, or - for standard input (default: .)"
    )
    chosen = common.add_argument_group("rules", "RULES: codes, names, beginnings of codes, or ALL, with commas between them")
    chosen.add_argument("--select", action="append", type=_selectors, metavar="RULES", help="only these rules, all their forms")
    chosen.add_argument("--ignore", action="append", type=_selectors, metavar="RULES", help="leave these rules out")
    chosen.add_argument("--level", choices=["warning", "information", "hint"], help="show nothing quieter than this")
    common.add_argument("--output-format", choices=["full", "concise", "json"], default="full", help="default: full")
    common.add_argument("--stdin-filename", metavar="NAME", help="the name of what comes from standard input")
    common.add_argument("--jobs", type=_jobs, metavar="N", help="processes to use (default: as many as make it faster)")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str, **options: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )
        added.set_defaults(run=run)
        return added

    check = command("check", _check, "Show what leaks.", parents=[common], epilog=_EXITS)
    check.set_defaults(fix=False, unsafe=False, diff=False)
    fix = command("fix", _check, "Fix what can be fixed, and show what is left.", parents=[common], epilog=_EXITS)
    fix.add_argument("--unsafe", action="store_true", help="make the fixes that should be reviewed, too")
    fix.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    fix.set_defaults(fix=True)
    explain = command("explain", _explain, "Tell all about one rule.")
    explain.add_argument("rule", metavar="RULE", help="its code or its name")
    rules = command("rules", _rules, "List the rules.")
    rules.add_argument("--output-format", choices=["full", "json"], default="full", help="default: full")
    server = command("server", _server, "Serve an editor that speaks the language server protocol.")
    server.add_argument("--stdio", action="store_true", help="on standard input and output; the default")
    server.add_argument("--tcp", type=_address, metavar="HOST:PORT", help="at this address instead")
    new_rule = command("new-rule", _new_rule, "Start a new rule, in a checkout of Oakum.")
    new_rule.add_argument("code", metavar="CODE", help="PT31, TK17, ...")
    new_rule.add_argument("name", metavar="NAME", help="words with dashes: unreleased-hook-memory")
    return parser


# --- check and fix ---


class _Complaints:
    """Standard error: every line once. Knows whether any told of a failure."""

    def __init__(self) -> None:
        from oakum.output import Paint

        self.failed = False
        self._paint = Paint.of(sys.stderr)
        self._said: set[str] = set()

    def __call__(self, kind: str, message: str) -> None:
        from oakum import output

        self.failed = self.failed or kind == "error"
        if message not in self._said:
            self._said.add(message)
            print(output.trouble(kind, message, self._paint), file=sys.stderr, flush=True)


def _check(arguments: argparse.Namespace) -> int:
    from oakum import checking, configuration, output

    complain = _Complaints()
    select, ignore = _flat(arguments.select), _flat(arguments.ignore)
    if problem := configuration.unknown((*select, *ignore)):
        return _fail(problem)
    level = Level(arguments.level) if arguments.level else None
    request = checking.Request(
        arguments.output_format, arguments.fix, arguments.unsafe, arguments.diff, output.Paint.of(sys.stdout)
    )

    @cache
    def settings(folder: Path) -> Settings:
        return _over(configuration.load(folder).settings, select, ignore, level)

    if "-" in arguments.paths:
        if len(arguments.paths) > 1:
            return _fail("standard input (-) goes alone, without other paths")
        outcomes = _stdin(arguments.stdin_filename, settings, request, complain)
    else:
        outcomes = _files(arguments.paths, settings, request, arguments.jobs, complain)
    counts = output.Counts()
    rows: list[dict[str, Any]] = []
    # Standard output is the mended file's where that came from standard input, and the diff's where one is asked for.
    stream = sys.stderr if request.fix and "-" in arguments.paths and not request.diff else sys.stdout
    for outcome in outcomes:
        for kind, message in outcome.troubles:
            complain(kind, message)
        stream.write(outcome.text)
        counts += outcome.counts
        rows += outcome.rows
    if request.diff:
        print(output.summary(counts, diff=True), file=sys.stderr)
        return FAILED if complain.failed else FOUND if counts.found or counts.fixed else NOTHING
    if request.format == "json":
        print(json.dumps(rows, indent=2), file=stream)
    elif request.format == "full" and (counts.files or not complain.failed):
        print(output.summary(counts), file=stream)
    return FAILED if complain.failed else FOUND if counts.found else NOTHING


def _files(
    paths: Sequence[str],
    settings: Callable[[Path], Settings],
    request: Request,
    jobs: int | None,
    complain: Callable[[str, str], None],
) -> Iterator[Outcome]:
    """The outcomes of files. Those that mention no framework are read and no more."""
    from oakum import checking, files
    from oakum.analysis import concerns

    todo: list[tuple[Path, Settings]] = []
    for path in files.find(paths, complain):
        try:
            source = files.read(path)
            chosen = settings(path.absolute().parent)
        except (files.FileError, ConfigurationError) as error:
            complain(_kind(error), str(error))
            continue
        if concerns(source.document):
            todo.append((path, chosen))
        else:
            yield checking.UNCONCERNED
    yield from checking.run(todo, request, jobs)


def _stdin(
    name: str | None, settings: Callable[[Path], Settings], request: Request, complain: Callable[[str, str], None]
) -> Iterator[Outcome]:
    """The outcome of what comes from standard input, which takes its settings and its kind from the name that it is given."""
    from oakum import checking, files

    path = Path(name) if name else None
    data = sys.stdin.buffer.read()
    try:
        source = files.decode(data, path)
        outcome, mended = checking.look(source, settings((path or Path("-")).absolute().parent), request)
        if request.fix and not request.diff:
            data = mended.encoded()
    except (files.FileError, ConfigurationError) as error:
        complain(_kind(error), str(error))
    else:
        yield outcome
    if request.fix and not request.diff:  # an editor puts this in the place of what it sent
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


def _over(project: Settings, select: tuple[str, ...], ignore: tuple[str, ...], level: Level | None) -> Settings:
    """A project's settings with those of the command line over them: who selects a rule there wants to see it."""
    if select:
        severity = {selector: loud for selector, loud in project.severity.items() if loud is not Level.OFF}
        project = replace(project, select=select, ignore=(), severity=severity)
    return replace(project, ignore=(*project.ignore, *ignore), level=level or project.level)


def _kind(error: Exception) -> str:
    from oakum.files import NotPython

    return "note" if isinstance(error, NotPython) else "error"


# --- the other commands ---


def _explain(arguments: argparse.Namespace) -> int:
    from oakum import catalogue, output

    rule = catalogue.find(arguments.rule)
    if rule is None:
        near = catalogue.suggest(arguments.rule)
        return _fail(f"there is no rule `{arguments.rule}`" + (f"; did you mean `{near}`?" if near else ""))
    sys.stdout.write(output.markdown(catalogue.page(rule), output.Paint.of(sys.stdout)))
    return NOTHING


def _rules(arguments: argparse.Namespace) -> int:
    from oakum import catalogue, output

    rules = catalogue.rules()
    if arguments.output_format == "json":
        print(json.dumps([output.rule_row(rule) for rule in rules], indent=2))
    else:
        paint = output.Paint.of(sys.stdout)
        for rule in rules:
            print(output.rule_line(rule, paint))
    for problem in catalogue.problems():
        _fail(problem)
    return FAILED if catalogue.problems() else NOTHING


def _server(arguments: argparse.Namespace) -> int:
    from oakum.lsp import server

    return server.main(arguments.tcp)


def _new_rule(arguments: argparse.Namespace) -> int:
    from oakum import files, scaffold

    try:
        written = scaffold.new_rule(arguments.code, arguments.name, Path.cwd())
    except (scaffold.ScaffoldError, OSError) as error:
        return _fail(str(error))
    for path in written:
        print(files.show(path))
    return NOTHING


def _fail(message: str) -> int:
    _Complaints()("error", message)
    return FAILED


# --- values of arguments ---


def _selectors(text: str) -> tuple[str, ...]:
    return tuple(selector.strip() for selector in text.split(",") if selector.strip())


def _flat(given: list[tuple[str, ...]] | None) -> tuple[str, ...]:
    return tuple(selector for selectors in given or () for selector in selectors)


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as 127.0.0.1:2087")
    return host.removeprefix("[").removesuffix("]"), int(port)
