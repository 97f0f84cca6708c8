"""Edits: what is recomputed, and that the answer is the one of a fresh analysis."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from oakum.analysis import Cancelled, Memory, analyse
from oakum.report import Report
from oakum.syntax.document import Document

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.py"))

PROGRAM = """import torch
import torch.nn as nn

model = nn.Linear(3, 2)


def loss_of(x):
    return model(x).mean()


def train(data):
    total = 0
    for x in data:
        loss = loss_of(x)
        loss.backward()
        total += loss
    print(total)


def unrelated():
    value = 1
    return value
"""


def told(report: Report) -> list[tuple[int, int, str, str]]:
    return [(d.start, d.end, d.rule.code, d.message) for d in report.diagnostics]


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_typing_in_a_function_recomputes_that_function() -> None:
    memory = Memory()
    first = analyse(Document(PROGRAM), memory=memory)
    assert [d.rule.code for d in first.diagnostics] == ["PT07"]
    text = edited(PROGRAM, "value = 1", "value = 12")
    report = analyse(Document(text), memory=memory)
    assert report.recomputed == ("unrelated",)
    assert told(report) == told(first)


def test_lines_above_recompute_nothing_else() -> None:
    memory = Memory()
    first = analyse(Document(PROGRAM), memory=memory)
    report = analyse(Document("# a comment\n\n" + PROGRAM), memory=memory)
    assert "train" not in report.recomputed
    shift = len("# a comment\n\n")
    assert [(start - shift, end - shift) for start, end, _, _ in told(report)] == [
        (start, end) for start, end, _, _ in told(first)
    ]


def test_a_helper_recomputes_those_who_use_it() -> None:
    memory = Memory()
    analyse(Document(PROGRAM), memory=memory)
    text = edited(PROGRAM, "return model(x).mean()", "return model(x).mean().item()")
    report = analyse(Document(text), memory=memory)
    assert "train" in report.recomputed
    assert "unrelated" not in report.recomputed
    assert told(report) == told(analyse(Document(text))) == []


def test_a_broken_piece_leaves_the_rest_alive() -> None:
    memory = Memory()
    first = analyse(Document(PROGRAM), memory=memory)
    broken = edited(PROGRAM, "value = 1", "value = (1")
    report = analyse(Document(broken), memory=memory)
    assert told(report) == told(first)
    assert len(report.notes) == 1
    mended = analyse(Document(PROGRAM), memory=memory)
    assert told(mended) == told(first)
    assert not mended.notes


def test_a_file_that_was_never_whole() -> None:
    report = analyse(Document(PROGRAM + "\n\ndef broken(:\n    pass\n"))
    assert [d.rule.code for d in report.diagnostics] == ["PT07"]
    assert len(report.notes) == 1


def test_another_file_recomputes_its_dependants(tmp_path: Path) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text("import torch\n\ndef loss_of(model, x):\n    return model(x).mean()\n")
    text = edited(PROGRAM, "def loss_of(x):\n    return model(x).mean()\n", "from helper import loss_of\n")
    text = edited(text, "loss_of(x)\n", "loss_of(model, x)\n")
    memory = Memory()
    document = Document(text, tmp_path / "main.py")
    assert [d.rule.code for d in analyse(document, memory=memory).diagnostics] == ["PT07"]
    helper.write_text("import torch\n\ndef loss_of(model, x):\n    return model(x).mean().detach()\n\n")
    report = analyse(Document(text + "\n", tmp_path / "main.py"), memory=memory)
    assert "train" in report.recomputed


def test_a_file_that_goes_takes_what_rests_on_it_along(tmp_path: Path) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text("import torch\n\ndef step(model, x):\n    return model(x)\n")
    text = (
        "import torch\nfrom helper import step\n\nmodel = torch.nn.Linear(4, 4)\nkept = []\n"
        "for x in torch.utils.data.DataLoader([]):\n    kept.append(step(model, x))\n"
    )
    memory = Memory()
    document = Document(text, tmp_path / "main.py")
    assert [d.rule.code for d in analyse(document, memory=memory).diagnostics] == ["PT04"]
    helper.unlink()
    assert analyse(document, memory=memory).diagnostics == ()


def test_equal_pieces_stay_apart() -> None:
    memory = Memory()
    twice = PROGRAM + "\n\nprint(1)\n\n\n" + "x = 1\n" + "\n\nprint(1)\n\n\n"
    analyse(Document(twice), memory=memory)
    text = edited(twice, "x = 1\n", "print(1)\n\n\n")
    report = analyse(Document(text), memory=memory)
    assert told(report) == told(analyse(Document(text)))


def test_cancelled() -> None:
    with pytest.raises(Cancelled):
        analyse(Document(PROGRAM), cancelled=lambda: True)


def test_nothing_is_lost_by_a_cancelled_analysis() -> None:
    memory = Memory()
    first = analyse(Document(PROGRAM), memory=memory)
    with pytest.raises(Cancelled):
        analyse(Document("# moved\n" + PROGRAM), memory=memory, cancelled=lambda: True)
    assert told(analyse(Document(PROGRAM), memory=memory)) == told(first)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_random_edits_answer_as_from_scratch(path: Path) -> None:
    chance = random.Random(7)
    text = path.read_text(encoding="utf-8")
    memory = Memory()
    analyse(Document(text, path), memory=memory)
    lines = text.splitlines(keepends=True)
    for _ in range(60):
        number = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                lines.insert(number, "\n")
            case 1:
                lines.insert(number, "# note\n")
            case 2:
                lines[number] = lines[number].replace("loss", "total")
            case _:
                lines[number] = lines[number].rstrip("\n") + "  \n"
        document = Document("".join(lines), path)
        report, fresh = analyse(document, memory=memory), analyse(document)
        if not fresh.notes:
            assert told(report) == told(fresh)


_NEVER_CLEARED = """import torch
from torch import nn

net = nn.Linear(3, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)


def train(data):
    for x, y in data:
        other()
        nn.functional.mse_loss(net(x), y).backward()
        opt.step()


def other():
    pass


train([])
"""


@pytest.mark.parametrize(
    "line", ["p.grad = None", "g = [p.grad for p in net.parameters()]", "q = opt.zero_grad", "opt.zero_grad()"]
)
def test_a_reset_in_a_function_that_the_loop_calls_silences(line: str) -> None:
    memory = Memory()
    assert analyse(Document(_NEVER_CLEARED), memory=memory).diagnostics
    assert analyse(Document(edited(_NEVER_CLEARED, "pass", line)), memory=memory).diagnostics == ()
    assert analyse(Document(_NEVER_CLEARED), memory=memory).diagnostics


def test_places_come_in_order_of_the_source() -> None:
    branches = "".join(f"    elif case == {n}:\n        seen = torch.empty({n})\n" for n in range(1, 13))
    text = (
        "import torch\n\ndef gather(data, case):\n    if case == 0:\n        seen = None\n" + branches
        + "    for x in data:\n        seen = torch.cat([seen, x])\n    return seen\n"
    )  # fmt: skip
    (found,) = analyse(Document(text)).diagnostics
    starts = [place for place in found.related if "starts here" in place.message]
    assert [text[place.start : place.end] + str(text.count("\n", 0, place.start)) for place in starts] == ["seen4"]
