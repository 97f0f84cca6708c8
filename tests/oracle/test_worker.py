"""The thread: its budget, its memory, its end."""

from __future__ import annotations

import gc
import time

import pytest

from oakum.semantics import oracle as module
from oakum.semantics.oracle import Oracle


def pretend(monkeypatch: pytest.MonkeyPatch, ask) -> None:
    monkeypatch.setattr(module, "_connect", lambda: ask)


def endless(question) -> str:
    while True:
        pass


def test_an_overrun_answers_none_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, endless)
    oracle = Oracle()
    oracle.warm()
    worker = oracle._worker
    worker.warm.wait(5)
    started = time.monotonic()
    assert oracle.kind("x", 1, 1, budget=0.05) is None
    assert time.monotonic() - started < 2
    worker.join(5)
    assert not worker.is_alive()
    pretend(monkeypatch, lambda question: "torch.Tensor")
    assert oracle.kind("x", 1, 1, budget=0.05) is None, "remembered"
    assert oracle.kind("y", 1, 1, budget=5) == "torch.Tensor", "the next worker"
    assert oracle.kind("x", 1, 1, budget=5) == "torch.Tensor", "more time, another try"
    oracle.close()


def test_who_cannot_wait_for_the_stubs_may_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow():
        time.sleep(0.3)
        return lambda question: "torch.Tensor"

    monkeypatch.setattr(module, "_connect", slow)
    oracle = Oracle()
    assert oracle.kind("x", 1, 1, budget=0.01) is None
    worker = oracle._worker
    assert oracle.kind("x", 1, 1, budget=5) == "torch.Tensor"
    assert oracle._worker is worker
    oracle.close()
    worker.join(5)
    assert not worker.is_alive()


def test_answers_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    pretend(monkeypatch, lambda question: asked.append(question.text))
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    oracle = Oracle()
    for text in "aabacaa":
        assert oracle.kind(text, 1, 1, budget=5) is None
    assert asked == ["a", "b", "c"]
    for text in "bca":
        oracle.kind(text, 1, 1, budget=5)
    assert asked == ["a", "b", "c", "b", "c", "a"]
    oracle.forget()
    oracle.kind("a", 1, 1, budget=5)
    assert asked[-2:] == ["a", "a"]
    oracle.close()


def test_a_jedi_that_stumbles_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(question):
        raise RecursionError

    pretend(monkeypatch, stumble)
    oracle = Oracle()
    assert oracle.kind("x", 1, 1, budget=5) is None
    assert oracle._worker.is_alive()
    oracle.close()


def test_what_was_found_out_about_old_texts_is_freed(ask) -> None:
    def alive() -> int:
        gc.collect()
        return sum(type(thing).__name__ == "InferenceState" for thing in gc.get_objects())

    text = "import torch\ndef half(t):\n    '''Half of it.'''\n    return t / 2\nhalf(torch.zeros(%d))"
    for number in range(5):
        assert ask(text % number) == "torch.Tensor"
    assert alive() <= 1
