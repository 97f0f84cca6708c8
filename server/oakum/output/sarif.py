"""SARIF 2.1.0, the interchange format of code scanning services: with the proof as a code flow, and fixes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from oakum import __version__, catalogue
from oakum.entry import Entry, Near, Remedy, Span, by_rule
from oakum.output.fingerprint import fingerprints
from oakum.output.places import posix

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"warning": "warning", "information": "note", "hint": "note"}


def write(found: Sequence[Entry]) -> str:
    codes = sorted(by_rule(iter(found)))
    index = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": "Oakum",
                "semanticVersion": __version__,
                "informationUri": catalogue.SITE,
                "rules": [_rule(code, found) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(each, index[each.code], fingerprint) for each, fingerprint in zip(found, fingerprints(found), strict=True)
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, found: Sequence[Entry]) -> dict[str, Any]:
    first = next(each for each in found if each.code == code)
    shown: dict[str, Any] = {"id": code, "name": first.name, "shortDescription": {"text": first.smell}, "helpUri": first.url}
    if rule := catalogue.find(code):
        shown["fullDescription"] = {"text": rule.summary or rule.smell}
        shown["help"] = {"text": rule.summary or rule.smell, "markdown": catalogue.page(rule)}
        shown["properties"] = {"tags": [rule.category, rule.subcategory]}
    return shown


def _result(found: Entry, index: int, fingerprint: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": index,
        "level": _LEVELS[found.level],
        "message": {"text": found.message},
        "locations": [_location(found)],
        "partialFingerprints": {"oakum/v1": fingerprint},
    }
    if found.related:
        steps = [*found.related, Near(found.path, found.span, found.message)]
        flow = [{"location": {**_location(step), "message": {"text": step.message}}} for step in steps]
        shown["codeFlows"] = [{"threadFlows": [{"locations": flow}]}]
        shown["relatedLocations"] = [
            {**_location(near), "id": number, "message": {"text": near.message}} for number, near in enumerate(found.related)
        ]
    if found.remedy and not found.span.cell:
        shown["fixes"] = [_fix(found, found.remedy)]
    return shown


def _location(place: Entry | Near) -> dict[str, Any]:
    """Lines of a notebook's cell are not lines of its file: there the cell is named."""
    artifact = {"artifactLocation": _artifact(place.path)}
    if place.span.cell:
        return {"physicalLocation": artifact, "logicalLocations": [{"name": f"cell {place.span.cell}", "kind": "module"}]}
    return {"physicalLocation": {**artifact, "region": _region(place.span)}}


def _artifact(path: str | None) -> dict[str, str]:
    return {"uri": quote(posix(path)) if path else "stdin"}


def _region(span: Span) -> dict[str, int]:
    return {"startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column}


def _fix(found: Entry, remedy: Remedy) -> dict[str, Any]:
    replacements = [{"deletedRegion": _region(span), "insertedContent": {"text": text}} for span, text in remedy.edits]
    return {
        "description": {"text": f"{remedy.title} ({remedy.safety})"},
        "artifactChanges": [{"artifactLocation": _artifact(found.path), "replacements": replacements}],
    }
