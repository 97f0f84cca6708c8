"""What an editor may have the server do by name: `oakum.fixAll`, `oakum.explain`, `oakum.status`."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types

from oakum import __version__, catalogue, explanation
from oakum.lsp import actions
from oakum.lsp.places import path_of
from oakum.lsp.session import Session

FIX_ALL = "oakum.fixAll"
EXPLAIN = actions.EXPLAIN
STATUS = "oakum.status"


async def fix_all(session: Session, uri: str) -> dict[str, Any]:
    """Make every safe fix in an open document; answers how many, and the edit where the editor can't be asked to make it."""
    known = await session.report(uri)
    held = await session.held(uri, known[1], known[1].diagnostics) if known else None
    edit, made = actions.fix_all(known[0], held, session.client) if known and held else (None, 0)
    if edit is None:
        return {"fixed": 0}
    if not session.client.applies:
        return {"fixed": made, "edit": edit}
    request = types.ApplyWorkspaceEditParams(edit, label="Oakum: fix all that is safe to fix")
    answer = await session.editor.ask(session.server.workspace_apply_edit_async(request))
    return {"fixed": made if answer and answer.applied else 0}


async def explain(session: Session, name: str, line: int | None = None) -> str | None:
    """A rule's page, Markdown. An editor that can show documents is asked to show where it is published.

    With a line (from 0), `name` is a document: then what is known of that line, and why rules are silent about it.
    """
    if line is not None:
        known, settings = await session.report(name), session.projects.settings_of(path_of(name))
        if known is None or settings is None:
            return None
        return await session.worker.run(partial(explanation.explain, known[0].document, line + 1, settings))
    rule = catalogue.find(name)
    if rule is None:
        return None
    if session.client.shows:
        request = types.ShowDocumentParams(catalogue.url(rule), external=True)
        await session.editor.ask(session.server.window_show_document_async(request))
    return catalogue.page(rule)


def status(session: Session, uri: str | None = None) -> str:
    """All that somebody who looks into a report of a bug wants to know first."""
    client, projects = session.client, session.projects
    documents = list(dict.fromkeys(session.opened.values()))
    lines = [
        f"Oakum {__version__}, Python {sys.version.split()[0]} on {sys.platform}, process {os.getpid()}",
        f"Editor: {session.client_name or 'unnamed'}, {client.encoding}, {'pulls' if client.pulls else 'is told'} diagnostics",
        f"Rules: {len(catalogue.rules())}" + "".join(f"\n  not loaded: {problem}" for problem in catalogue.problems()),
        f"Folders: {', '.join(map(str, projects.roots)) or 'none'}",
        f"Open: {len(documents)} documents; closed files with findings: {sum(bool(each.items) for each in session.closed.known.values())}",
        f"Time of an analysis: {_times(list(session.timings))}",
        f"Memory: {_memory()}",
    ]
    if uri is not None:
        lines += _of_document(session, uri)
    return "\n".join(lines) + "\n"


def _of_document(session: Session, uri: str) -> list[str]:
    path, opened = path_of(uri), session.opened.get(uri)
    settings = session.projects.settings_of(path)
    project = session.projects.configuration_of(path.parent) if path else None
    lines = [f"Document: {uri}{'' if opened else ' (not open)'}"]
    lines.append(f"  configuration: {(project and project.path) or 'none'}")
    if settings is None:
        return [*lines, "  left alone: excluded, or Oakum is disabled"]
    severity = ", ".join(f"{selector} = {level.value}" for selector, level in settings.severity.items())
    lines += [
        f"  select: {', '.join(settings.select) or 'all rules that are on by default'}",
        f"  ignore: {', '.join(settings.ignore) or 'none'}",
        f"  severity: {severity or 'as the rules have it'}; nothing quieter than {settings.level.value}",
    ]
    if opened:
        memory = opened.memory
        lines.append(f"  remembered: {len(memory.findings)} pieces; rests on: {_names(opened.rests_on)}")
        lines += [f"  switched off, because it failed: {key}" for key in sorted(memory.failed)]
    return lines


def _names(paths: frozenset[Path]) -> str:
    return ", ".join(sorted(path.name for path in paths)) or "no other file"


def _times(timings: list[float]) -> str:
    if not timings:
        return "none yet"
    timings.sort()
    middle, late = timings[len(timings) // 2], timings[min(len(timings) * 95 // 100, len(timings) - 1)]
    return f"half within {middle * 1000:.1f} ms, 95 % within {late * 1000:.1f} ms, of {len(timings)}"


def _memory() -> str:
    try:
        import resource
    except ImportError:  # Windows
        return "unknown"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak // (1024 * 1024 if sys.platform == 'darwin' else 1024)} MB at most"
