"""The commands that are short: each is a function of its arguments, and answers the exit status."""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
import textwrap
from pathlib import Path

from oakum import catalogue, configuration
from oakum.cli.status import FAILED, NOTHING, fail
from oakum.entry import Entry
from oakum.output import summary
from oakum.output.terminal import Paint, markdown


def explain(arguments: argparse.Namespace) -> int:
    rule = catalogue.find(arguments.rule)
    if rule is None:
        near = catalogue.suggest(arguments.rule)
        return fail(f"there is no rule `{arguments.rule}`" + (f"; did you mean `{near}`?" if near else ""))
    sys.stdout.write(markdown(catalogue.page(rule), Paint.of(sys.stdout)))
    return NOTHING


def rules(arguments: argparse.Namespace) -> int:
    if arguments.output_format == "json":
        print(json.dumps([summary.rule_row(rule) for rule in catalogue.known()], indent=2))
    else:
        paint = Paint.of(sys.stdout)
        for rule in catalogue.known():
            print(summary.rule_line(rule, paint))
    for problem in catalogue.problems():
        fail(problem)
    return FAILED if catalogue.problems() else NOTHING


def config(arguments: argparse.Namespace) -> int:
    if arguments.schema:
        print(json.dumps(configuration.schema(), indent=2))
        return NOTHING
    keys = configuration.KEYS
    if arguments.key is not None and arguments.key not in keys:
        return fail(f"there is no setting `{arguments.key}`: there are {', '.join(keys)}")
    paint = Paint.of(sys.stdout)
    shown = [arguments.key] if arguments.key else list(keys)
    texts = [
        "\n".join(
            [
                paint(name, "bold"),
                textwrap.fill(keys[name].text, 78, initial_indent="  ", subsequent_indent="  "),
                paint(f"  {keys[name].example}", "cyan"),
            ]
        )
        for name in shown
    ]
    print("\n\n".join(texts))
    return NOTHING


def clean(arguments: argparse.Namespace) -> int:
    from oakum.cache import clean as remove
    from oakum.cache import folder_around
    from oakum.files import show

    folder = folder_around(Path(arguments.folder))
    try:
        print(f"{show(folder)}: {'removed' if remove(folder) else 'there is no cache'}")
    except OSError as error:
        return fail(f"{show(folder)}: {(error.strerror or str(error)).lower()}")
    return NOTHING


def baseline(arguments: argparse.Namespace) -> int:
    from oakum import baseline as known
    from oakum import files
    from oakum.cli.check import Run

    for name in ("fix", "unsafe", "diff", "add_ignores", "changed"):
        setattr(arguments, name, False)
    arguments.diff_base = arguments.baseline = None
    run = Run(arguments)
    if problem := configuration.unknown((*run.select, *run.ignore)):
        return fail(problem)
    if run.is_stdin:
        return fail("standard input has no place in a baseline")
    entries = list[Entry]()
    for outcome in run.outcomes():
        for kind, message in outcome.troubles:
            run.complain(kind, message)
        entries += outcome.entries
    if run.complain.failed:
        return FAILED
    here = run.configuration(Path.cwd())
    path = Path(arguments.output) if arguments.output else here.baseline or Path(known.FILE)
    try:
        with files.replacing(path) as file:
            file.write(known.write(path, entries))
    except files.FileError as error:
        return fail(str(error))
    print(f"{files.show(path)}: {summary.count(len(entries), 'finding')} on file")
    if here.baseline != path.absolute():
        print(f'Set `baseline = "{path.as_posix()}"` in [tool.oakum], or pass --baseline, so that they are left out.')
    return NOTHING


def server(arguments: argparse.Namespace) -> int:
    address = arguments.tcp or arguments.ws
    if address and not _is_loopback(address[0]):
        danger = f"{address[0]} can be reached by others, and whoever connects can read the files of this user"
        if not arguments.exposed:
            return fail(f"{danger}: use 127.0.0.1, or say --i-know-that-anybody-can-connect")
        print(f"warning: {danger}", file=sys.stderr, flush=True)
    if arguments.ws:
        try:
            import websockets  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
        except ImportError:
            return fail("--ws needs websockets: pip install websockets")
    from oakum.lsp import server

    return server.main(tcp=arguments.tcp, ws=arguments.ws)


def new_rule(arguments: argparse.Namespace) -> int:
    from oakum import files, scaffold

    try:
        written = scaffold.new_rule(arguments.code, arguments.name, Path.cwd())
    except (scaffold.ScaffoldError, OSError) as error:
        return fail(str(error))
    for path in written:
        print(files.show(path))
    return NOTHING


def _is_loopback(host: str) -> bool:
    """Whether only this machine can connect. A name is taken at its word only where it can mean nothing else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
