"""Arrays of NumPy: which calls make one that is more than a handful of numbers."""

from __future__ import annotations

import ast

from oakum.semantics.values import Grad, Obj, Value, some

ARRAY = "numpy.ndarray"
_SMALL = 256
# Functions that read an array from outside.
FROM_FILES = {"load", "loadtxt", "genfromtxt", "fromfile", "frombuffer", "memmap"}
_MAKERS = FROM_FILES | {
    "stack", "vstack", "hstack", "dstack", "concatenate", "tile", "repeat",
    "expand_dims", "linspace", "arange", "meshgrid", "identity", "eye", "broadcast_to", "pad", "zeros_like", "ones_like", "empty_like", "full_like",
}  # fmt: skip
_SHAPED = {"zeros", "ones", "empty", "full"}
_CONVERSIONS = {"array", "asarray", "ascontiguousarray", "asfarray"}
_RANDOM = {
    "rand",
    "randn",
    "normal",
    "uniform",
    "random",
    "randint",
    "standard_normal",
    "random_sample",
    "choice",
    "permutation",
    "integers",
    "binomial",
}
KEEPING = {
    "astype",
    "reshape",
    "copy",
    "transpose",
    "flatten",
    "ravel",
    "squeeze",
    "repeat",
    "clip",
    "swapaxes",
    "T",
    "view",
    "round",
}


def array(name: str, given: tuple[list[Value], dict[str, Value], bool], node: ast.AST) -> Value | None:
    """The value of a call of NumPy that surely gives an array, None otherwise."""
    positional, named, hidden = given
    head, _, last = name.rpartition(".")
    if not name.startswith("numpy."):
        return None
    made: Value = (Obj("data", ARRAY, Grad.DETACHED, node),)
    first = positional[0] if positional else ()
    if head == "numpy" and last in _MAKERS:
        return made
    if head == "numpy" and last in _SHAPED:
        return made if not _few([first]) else None
    if head == "numpy" and last in _CONVERSIONS:
        items = [obj.items for obj in first if obj.kind in ("list", "tuple")]
        if any(given is not None and len(given) <= _SMALL for given in items) and isinstance(node, ast.Call) and _written(node):
            return None
        return made if some(first, "list") or any(obj.name == ARRAY for obj in first) else None
    if head.endswith("random") and last in _RANDOM:
        shape = named.get("size")
        dimensions = positional if last in ("rand", "randn") else [shape] if shape is not None else positional[2:3]
        return made if (hidden and last in ("rand", "randn")) or (dimensions and not _few(dimensions)) else None
    return None


def _written(node: ast.Call) -> bool:
    """Whether an array is made of a display in the text itself."""
    return bool(node.args) and isinstance(node.args[0], (ast.List, ast.Tuple))


def _few(dimensions: list[Value]) -> bool:
    """Whether a shape is known to hold a handful of numbers."""
    total = 1
    for value in dimensions:
        for obj in value:
            numbers = [inner.constant for item in obj.items for inner in item] if obj.items is not None else [obj.constant]
            for number in numbers:
                if not isinstance(number, int):
                    return False
                total *= number
    return total <= _SMALL
