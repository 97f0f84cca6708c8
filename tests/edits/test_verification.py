"""A fix that doesn't hold is not offered: each of these is a mend that an imagined rule got wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oakum.analysis import Memory, analyse
from oakum.report import Mend, Report, TextEdit
from oakum.rule import Safety
from oakum.syntax.document import Cell, Document
from oakum.syntax.edits import edited
from oakum.verification import verified

PROGRAM = """\
import torch
from torch import nn

model = nn.Linear(4, 1)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def train(loader):
    losses = []
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return losses
"""


def with_mend(report: Report, old: str, new: str) -> Report:
    start = report.document.text.index(old)
    mend = Mend("Mend it", Safety.REVIEW, (TextEdit(start, start + len(old), new),))
    (finding,) = report.diagnostics
    return replace(report, diagnostics=(replace(finding, mends=(mend,)),))


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize(
    ("old", "new", "holds"),
    [
        pytest.param("append(loss)", "append(loss.item())", True, id="mends it"),
        pytest.param("append(loss)", "append(loss.item()", False, id="breaks the program"),
        pytest.param("append(loss)", "append(loss + 0)", False, id="leaves the finding"),
        pytest.param("model(x), y)", "model(x), y).detach()", False, id="takes the graph from a backward"),
        pytest.param(
            "append(loss)", "append(loss.item())\n        losses.extend([model(x)])", False, id="brings another finding"
        ),
    ],
)
def test_only_what_holds_is_offered(old: str, new: str, holds: bool, incremental: bool) -> None:
    memory = Memory()
    report = with_mend(analyse(Document(PROGRAM), memory=memory), old, new)
    checked = verified(report, memory=memory if incremental else None)
    assert [bool(finding.mends) for finding in checked.diagnostics] == [holds]
    assert memory.pieces is None or "".join(piece.text for piece in memory.pieces) == PROGRAM


def test_others_are_left_as_they_are() -> None:
    report = with_mend(analyse(Document(PROGRAM)), "append(loss)", "append(loss + 0)")
    assert verified(report, of=()) == report


def test_cells_move_with_their_lines() -> None:
    document = Document("a = 1\nb = 2\nc = 3\n", cells=(Cell(1, 0), Cell(3, 1), Cell(4, 2)))
    after = edited(document, [TextEdit(0, 0, "import torch\n\n"), TextEdit(12, 18, "c = 3")])
    assert after.text == "import torch\n\na = 1\nb = 2\nc = 3"
    assert after.cells == (Cell(1, 0), Cell(3, 3), Cell(4, 4))


def test_each_fix_is_tried_on_the_file_as_it_is() -> None:
    """Trying one moves pieces that the file and its fixed version share; the next fix, and the next edit, find them back in place."""
    useless = "torch.autograd.detect_anomaly()\n"
    document = Document(f"import torch\n\n{useless}x = 1\n{useless}torch.autograd.set_detect_anomaly(True)\n")
    memory = Memory()
    report = analyse(document, memory=memory)
    held = verified(report, memory=memory)
    assert [len(item.mends) for item in held.diagnostics] == [1, 1, 1]
    later = Document(document.text + "y = 2\n")
    assert [item.start for item in analyse(later, memory=memory).diagnostics] == [item.start for item in report.diagnostics]
