"""Findings as JSON, for programs. Its keys are part of the interface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from oakum.entry import Entry
from oakum.output.places import shown, start, whole


def write(found: Sequence[Entry]) -> str:
    return json.dumps([row(each) for each in found], indent=2) + "\n"


def row(found: Entry) -> dict[str, Any]:
    remedy = found.remedy
    return {
        "path": shown(found.path),
        **whole(found.span),
        "code": found.code,
        "name": found.name,
        "smell": found.smell,
        "level": found.level,
        "message": found.message,
        "url": found.url,
        "related": [{"path": shown(near.path), **start(near.span), "message": near.message} for near in found.related],
        "fix": remedy
        and {
            "title": remedy.title,
            "safety": remedy.safety,
            "edits": [{**whole(span), "text": text} for span, text in remedy.edits],
        },
    }
