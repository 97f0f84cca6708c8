"""A finding as JSON on a line of its own, as soon as it is found."""

from __future__ import annotations

import json

from oakum.entry import Entry
from oakum.output.rows import row
from oakum.output.terminal import Paint


def write(found: Entry, paint: Paint) -> str:
    return json.dumps(row(found)) + "\n"
