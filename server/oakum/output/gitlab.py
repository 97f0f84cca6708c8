"""GitLab's report of code quality."""

from __future__ import annotations

import json
from collections.abc import Sequence

from oakum.entry import Entry
from oakum.output.fingerprint import fingerprints
from oakum.output.places import posix

_SEVERITIES = {"warning": "major", "information": "minor", "hint": "info"}


def write(found: Sequence[Entry]) -> str:
    issues = [
        {
            "description": f"{each.code}: {each.message}",
            "check_name": each.code,
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[each.level],
            "location": {"path": posix(each.path), "lines": {"begin": each.span.line, "end": each.span.end_line}},
        }
        for each, fingerprint in zip(found, fingerprints(found), strict=True)
    ]
    return json.dumps(issues, indent=2) + "\n"
