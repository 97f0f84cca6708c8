"""One spelling for each public object of a library, whatever it was imported as."""

from __future__ import annotations

from oakum.knowledge import tensorflow, torch


def canonical(name: str) -> str:
    """The public spelling of a qualified name."""
    if name.startswith(tensorflow.ROOTS):
        return tensorflow.canonical(name)
    return torch.canonical(name)
