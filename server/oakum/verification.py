"""Which fixes hold: each is made in memory and what comes of it is analysed before anybody is offered it.

A fix holds if the program still parses, the finding is gone, no rule finds anything new, and nothing that a backward needs has lost its
graph. Only what the edits touch is analysed anew, and only when somebody asks: a squiggle needs no fix.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from oakum.analysis import Memory, analyse
from oakum.facts import Facts
from oakum.report import Diagnostic, Mend, Report
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.program import Source, Workspace
from oakum.settings import Settings
from oakum.syntax import edits
from oakum.syntax.document import Document


def verified(
    report: Report,
    settings: Settings | None = None,
    *,
    memory: Memory | None = None,
    workspace: Workspace | None = None,
    of: Collection[Diagnostic] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """The report with those of its fixes that hold. `of`: look only at the fixes of these findings, and leave the others as they are.

    `memory` is what the report was made with; without one, its document is analysed once more. Raises `Cancelled` as `analyse` does.
    """
    wanted = [item for item in (report.diagnostics if of is None else of) if item.mends]
    if not wanted:
        return report
    if memory is None:
        memory = Memory(workspace or Workspace())
        report = replace(analyse(report.document, settings, memory=memory, cancelled=cancelled), diagnostics=report.diagnostics)
    graphs = _graphs(report.document, memory)

    def holds(item: Diagnostic, mend: Mend) -> bool:
        places = memory.pieces.places() if memory.pieces else []
        try:
            return tried(item, mend)
        finally:
            if memory.pieces:
                memory.pieces.put_back(places)

    def tried(item: Diagnostic, mend: Mend) -> bool:
        document = edits.edited(report.document, mend.edits)
        fork = memory.fork()
        after = analyse(document, settings, memory=fork, cancelled=cancelled)
        code = item.rule.code
        if after.raised[code] >= report.raised[code] or after.raised - report.raised:
            return False
        if len(after.notes) > len(report.notes):
            return False
        return graphs == 0 or _graphs(document, fork) >= graphs

    checked = {id(item): replace(item, mends=tuple(mend for mend in item.mends if holds(item, mend))) for item in wanted}
    return replace(report, diagnostics=tuple(checked.get(id(item), item) for item in report.diagnostics))


def _graphs(document: Document, memory: Memory) -> int:
    """How many backward calls of a file surely have a graph to go through."""
    if memory.pieces is None or "backward" not in document.text:
        return 0
    source = Source(memory.pieces, document.path)
    facts = Facts(source, Evaluator(memory.workspace))
    targets = [facts.backward_target(call) for call in source.calls("backward")]
    return sum(target is not None and facts.requires_grad(target) is not None for target in targets)
