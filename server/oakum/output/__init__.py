"""How findings are shown: to people in full or in a line each, to programs and services in their formats.

A format is a module with a function `write`. Some write each finding when it is found, the others all when there are no more to come.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from oakum.entry import Entry
from oakum.output.terminal import Paint

AT_ONCE = {"full": "full", "concise": "concise", "json-lines": "json_lines", "github": "github"}
AT_LAST = {name: name for name in ("sarif", "gitlab", "junit", "rdjson", "markdown")} | {"json": "rows"}
FORMATS = (*AT_ONCE, *AT_LAST)


def each(name: str) -> Callable[[Entry, Paint], str]:
    """The function that writes a finding in one of the formats `AT_ONCE`."""
    return importlib.import_module(f"oakum.output.{AT_ONCE[name]}").write


def together(name: str) -> Callable[[Sequence[Entry]], str]:
    """The function that writes all findings in one of the formats `AT_LAST`."""
    return importlib.import_module(f"oakum.output.{AT_LAST[name]}").write
