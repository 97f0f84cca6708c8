"""Answers that are kept: many rules put the same question about the same node."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Remembers(Protocol):
    """What keeps its answers for as long as it lives: one version of a file, or of a piece of it."""

    answers: dict[tuple[object, ...], Any]


S = TypeVar("S", bound=Remembers)


def remembered(question: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A question of nodes and plain values that is worked out once. Its answer is shared: don't change it."""
    name = question.__name__

    @wraps(question)
    def ask(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (name, *args, *kwargs.items()) if kwargs else (name, *args)
        if key not in self.answers:
            self.answers[key] = question(self, *args, **kwargs)
        return self.answers[key]

    return ask
