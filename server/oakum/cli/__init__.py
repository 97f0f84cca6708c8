"""The command `oakum`. What only one command needs is imported when that command runs: `check` is to start at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from oakum.cli.parser import parser
from oakum.cli.status import FAILED, fail


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # a name of a file may hold what the terminal can't show
    all_commands = parser()
    arguments = all_commands.parse_args(argv)
    run: Callable[[argparse.Namespace], int] | None = getattr(arguments, "run", None)
    if run is None:
        all_commands.print_help()
        return FAILED
    try:
        status = run(arguments)
        if not sys.stdout.closed:  # a server closes it when its editor says goodbye
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 128 + 2
    except OSError as error:  # of standard output, mostly; what is still to be written there goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # who read us (`head`, a pager) has seen enough
            return 128 + 13
        return fail(str(error))
