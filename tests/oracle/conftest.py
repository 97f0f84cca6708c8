"""One oracle for all tests: the first question pays for reading the stubs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oakum.semantics.oracle import Oracle

Ask = Callable[..., str | None]


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture
def ask(oracle: Oracle) -> Ask:
    """The kind of the last line of a text, taken as an expression."""

    def ask(text: str, path: Path | None = None) -> str | None:
        lines = text.rstrip("\n").split("\n")
        return oracle.kind(text, len(lines), len(lines[-1]), path, budget=20)

    return ask
