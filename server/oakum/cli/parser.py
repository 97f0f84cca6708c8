"""The arguments of every command."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any

from oakum import __version__
from oakum.cli.status import EXITS
from oakum.output import FORMATS

_SELECTORS = "RULES: codes, names, beginnings of codes, or ALL, with commas between them"


def parser() -> argparse.ArgumentParser:
    """All commands. Each sets `run`, the function that does it."""
    top = argparse.ArgumentParser(
        prog="oakum",
        description="Finds resource leaks in PyTorch, TensorFlow and Keras code, explains each one and fixes it.",
    )
    top.add_argument("--version", action="version", version=f"oakum {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: str, text: str, **options: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )
        added.set_defaults(run=_later(run))
        return added

    common = _common()
    check = command("check", "check.check", "Show what leaks.", parents=[common], epilog=EXITS)
    check.set_defaults(fix=False, unsafe=False, diff=False)
    check.add_argument("--add-ignores", action="store_true", help="write a comment at each finding that silences it")
    check.add_argument("--watch", action="store_true", help="check again whenever a file changes, until interrupted")
    check.add_argument(
        "--explain", type=_place, metavar="PATH:LINE", help="tell what is known of a line, and why rules are silent"
    )
    fix = command("fix", "check.check", "Fix what can be fixed, and show what is left.", parents=[common], epilog=EXITS)
    fix.add_argument("--unsafe", action="store_true", help="make the fixes that should be reviewed, too")
    fix.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    fix.set_defaults(fix=True, add_ignores=False, watch=False, explain=None)
    baseline = command(
        "baseline",
        "commands.baseline",
        "Put what is found on file, so that `oakum check` shows only what is new.",
        parents=[_which()],
    )
    baseline.add_argument("--output", metavar="FILE", help="the file (default: the configured one, else .oakum-baseline.json)")
    explain = command("explain", "commands.explain", "Tell all about one rule.")
    explain.add_argument("rule", metavar="RULE", help="its code or its name")
    rules = command("rules", "commands.rules", "List the rules.")
    rules.add_argument("--output-format", choices=["full", "json"], default="full", help="default: full")
    config = command("config", "commands.config", "Tell what can be set in oakum.toml, or [tool.oakum] in pyproject.toml.")
    config.add_argument("key", nargs="?", metavar="KEY", help="only this setting")
    config.add_argument("--schema", action="store_true", help="the JSON Schema of it, for editors")
    clean = command("clean", "commands.clean", "Remove the cache of the project around a folder.")
    clean.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="default: .")
    server = command("server", "commands.server", "Serve an editor that speaks the language server protocol.")
    server.add_argument("--stdio", action="store_true", help="on standard input and output; the default")
    server.add_argument("--tcp", type=_address, metavar="HOST:PORT", help="at this address instead")
    server.add_argument("--ws", type=_address, metavar="HOST:PORT", help="at this address, as a WebSocket (needs websockets)")
    server.add_argument(
        "--i-know-that-anybody-can-connect",
        action="store_true",
        dest="exposed",
        help="allow an address that other machines can reach: whoever connects can read the files of this user",
    )
    new_rule = command("new-rule", "commands.new_rule", "Start a new rule, in a checkout of Oakum or in a rule pack.")
    new_rule.add_argument("code", metavar="CODE", help="PT31, TK17, ...")
    new_rule.add_argument("name", metavar="NAME", help="words with dashes: unreleased-hook-memory")
    return top


def _which() -> argparse.ArgumentParser:
    """Which files, and which rules."""
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="files, folders, or - for standard input (default: .)"
    )
    chosen = which.add_argument_group("rules", _SELECTORS)
    chosen.add_argument("--select", action="append", type=_selectors, metavar="RULES", help="only these rules, all their forms")
    chosen.add_argument("--ignore", action="append", type=_selectors, metavar="RULES", help="leave these rules out")
    chosen.add_argument("--level", choices=["warning", "information", "hint"], help="show nothing quieter than this")
    which.add_argument("--jobs", type=_jobs, metavar="N", help="processes to use (default: as many as make it faster)")
    which.add_argument("--no-cache", action="store_true", help="neither read nor write what was found before")
    which.add_argument("--quiet", "-q", action="store_true", help="no summary, notes and warnings, no progress")
    which.add_argument("--verbose", "-v", action="store_true", help="tell which settings hold, and what takes how long")
    return which


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, parents=[_which()])
    common.add_argument("--stdin-filename", metavar="NAME", help="the name of what comes from standard input")
    shown = common.add_argument_group("output")
    shown.add_argument("--output-format", choices=FORMATS, default="full", metavar="FORMAT", help=f"{', '.join(FORMATS)}")
    shown.add_argument("--output-file", metavar="FILE", help="write what is found there instead")
    shown.add_argument("--statistics", action="store_true", help="show how often each rule spoke instead")
    shown.add_argument("--show-files", action="store_true", help="show which files would be checked, and check none")
    shown.add_argument("--show-settings", action="store_true", help="show the settings of each file, and check none")
    old = common.add_argument_group("only what is new")
    old.add_argument("--diff-base", metavar="REF", help="only lines that have changed since this commit of git")
    old.add_argument("--changed", action="store_true", help="only files that have changed since the last commit")
    old.add_argument("--baseline", metavar="FILE", help="not what is on file there; see `oakum baseline`")
    return common


def _later(name: str) -> Callable[[argparse.Namespace], int]:
    module, _, function = name.partition(".")

    def run(arguments: argparse.Namespace) -> int:
        return getattr(importlib.import_module(f"oakum.cli.{module}"), function)(arguments)

    return run


# --- values of arguments ---


def _selectors(text: str) -> tuple[str, ...]:
    return tuple(selector.strip() for selector in text.split(",") if selector.strip())


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as 127.0.0.1:2087")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _place(text: str) -> tuple[str, int]:
    path, _, line = text.rpartition(":")
    if not path or not line.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no place such as train.py:31")
    return path, int(line)
