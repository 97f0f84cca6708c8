"""Oakum finds resource leaks in PyTorch, TensorFlow and Keras code, explains each one and fixes it.

The stable interface for programs is this module: `check`, `check_text`, what they answer, and what they raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from oakum.api import Entry, Near, OakumError, Remedy, Span, check, check_text

__all__ = ["Entry", "Near", "OakumError", "Remedy", "Span", "__version__", "check", "check_text"]


def __getattr__(name: str) -> Any:
    """What a program asks for is loaded when it does: the command line needs none of it to start."""
    if name in __all__:
        from oakum import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
