"""What is said at once of an edit inside of a function."""

from __future__ import annotations

import pytest

from oakum.analysis import Memory, analyse
from oakum.provisional import provisional
from oakum.report import Report
from oakum.syntax.document import Document

PROGRAM = """\
import torch
from torch import nn

model = nn.Linear(4, 1)


class Trainer:
    def __init__(self):
        self.losses = []
        self.outputs = []

    def step(self, x, y):
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    def train(self, loader):
        for x, y in loader:
            self.losses.append(self.step(x, y))


def evaluate(loader):
    total = 0.0
    for x, y in loader:
        with torch.no_grad():
            total += nn.functional.mse_loss(model(x), y)
    return total
"""


def told(report: Report) -> list[tuple[str, int, str]]:
    return [(d.rule.code, report.document.line_of(d.start), report.document.text[d.start : d.end]) for d in report.diagnostics]


def edit(old: str, new: str) -> tuple[Report | None, Report, Memory]:
    """The provisional report after an edit, and the one of an analysis from scratch."""
    memory = Memory()
    before = analyse(Document(PROGRAM), memory=memory)
    after = Document(PROGRAM.replace(old, new, 1))
    return provisional(after, before, memory=memory), analyse(after), memory


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("append(self.step(x, y))", "append(self.step(x, y).item())", id="a leak is mended"),
        pytest.param(
            "    for x, y in loader:\n        with", "    # a comment\n    for x, y in loader:\n        with", id="lines move"
        ),
        pytest.param("    total = 0.0", "    total = 0.0\n    kept = []", id="below what was found"),
        pytest.param("    return total", "    outs = [model(x) for x, _ in loader]\n    return total, outs", id="a leak is made"),
        pytest.param("        return loss", "\n\n        return loss", id="above what was found"),
    ],
)
def test_it_is_what_an_analysis_says(old: str, new: str) -> None:
    quick, fresh, _ = edit(old, new)
    assert quick is not None
    assert len(quick.recomputed) == 1
    assert told(quick) == told(fresh)


def test_what_is_being_typed_keeps_what_was_said() -> None:
    quick, _, memory = edit("        loss.backward()", "        loss.backward(")
    assert quick is not None
    assert [note.message for note in quick.notes] == ["'(' was never closed"]
    assert [code for code, _, _ in told(quick)] == ["PT07"]
    # And nothing is looked at anew for it, nor when the text is what it was.
    assert analyse(quick.document, memory=memory).recomputed == ()
    assert analyse(Document(PROGRAM), memory=memory).recomputed == ()


def test_what_is_silenced_moves_as_well() -> None:
    text = PROGRAM.replace("step(x, y))", "step(x, y))  # oakum: ignore")
    memory = Memory()
    before = analyse(Document(text), memory=memory)
    broken = Document(text.replace("loss.backward()", "loss.backward(1, 2"))
    quick = provisional(broken, before, memory=memory)
    assert quick is not None
    assert [broken.text[item.start : item.end] for item in quick.suppressed] == ["self.step(x, y)"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("model = nn.Linear(4, 1)", "model = nn.Linear(4, 2)", id="at the top"),
        pytest.param("def evaluate(loader)", "def evaluate(loader, n)", id="in the head of a function"),
        pytest.param("    def train", "    def other(self):\n        pass\n\n    def train", id="another function"),
    ],
)
def test_what_is_not_inside_of_a_function_is_not_answered(old: str, new: str) -> None:
    quick, _, _ = edit(old, new)
    assert quick is None


def test_what_else_changes_is_settled_by_the_analysis() -> None:
    quick, fresh, memory = edit("        return loss", "        return loss.item()")
    assert quick is not None
    settled = analyse(quick.document, memory=memory)
    assert told(settled) == told(fresh) == []
    assert told(quick) != []
