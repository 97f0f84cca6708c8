"""What an expression may evaluate to: small sets of abstract objects.

A `Value` is a tuple of `Obj`, its alternatives. The empty value is "never"; `UNKNOWN` is a value too and poisons proofs.
"""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oakum.semantics.program import Frame


class Grad(enum.Enum):
    """Whether a tensor carries an autograd graph."""

    ATTACHED = "attached"  # requires grad and has a grad_fn
    LEAF = "leaf"  # requires grad, made by nobody: a parameter
    DETACHED = "detached"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Obj:
    """One alternative of a value.

    `kind`: unknown, none, number, string, data (something without a graph), tensor, output (of a module: a tensor or a structure of
    them), module, optimizer, scheduler, scaler, loader, accelerator, distribution, handle, list, tuple, dict, set, deque, iterator,
    function, class, instance, method, library (a name of a library), object (an instance of a library's class), generator; and those
    of `library_tensorflow`.
    `name`: the qualified name of a library's object, the attribute of a method. `node`: where it is made, or the definition of
    a class or function. `items`: known contents of a tuple or list. `element`: what any other content or iteration gives.
    `keys`: known contents of a dict. `scalar`: a tensor of one number. `view`: shares storage with a larger tensor.
    `receiver`: the value a method is bound to. `site`: the call that made an instance or module. `traced`: the decorator or call of
    `tf.function` that wraps a function.
    """

    kind: str
    name: str = ""
    grad: Grad = Grad.UNKNOWN
    node: ast.AST | None = None
    frame: Frame | None = None
    items: tuple[Value, ...] | None = None
    element: Value | None = None
    keys: tuple[tuple[object, Value], ...] | None = None
    receiver: Value | None = None
    site: ast.AST | None = None
    constant: object = None
    scalar: bool = False
    view: bool = False
    traced: ast.AST | None = None


Value = tuple[Obj, ...]

# Kinds of objects that are, where `node` is a class, instances of a class in sight.
INSTANCES = ("instance", "module", "keras-model", "keras-layer", "keras-optimizer")

NEVER: Value = ()
UNKNOWN: Value = (Obj("unknown"),)
NONE: Value = (Obj("none"),)
NUMBER: Value = (Obj("number"),)
STRING: Value = (Obj("string"),)
DATA: Value = (Obj("data", grad=Grad.DETACHED),)
_MOST = 8  # more alternatives than this say nothing


def join(*values: Value) -> Value:
    """All alternatives of all values."""
    found = [value for value in values if value]
    if not found:
        return NEVER
    if len(found) == 1:
        return found[0]
    result: list[Obj] = []
    for value in found:
        for obj in value:
            if obj not in result:
                result.append(obj)
    return tuple(result) if len(result) <= _MOST else UNKNOWN


def constant(value: object) -> Value:
    if value is None:
        return NONE
    if isinstance(value, (bool, int, float, complex)):
        return (Obj("number", constant=value),)
    if isinstance(value, (str, bytes)):
        return (Obj("string", constant=value),)
    return UNKNOWN


def tensor(grad: Grad, node: ast.AST | None = None, *, scalar: bool = False, view: bool = False) -> Value:
    return (Obj("tensor", "torch.Tensor", grad, node, scalar=scalar, view=view),)


def known(value: Value) -> bool:
    """Whether every alternative is known."""
    return bool(value) and all(obj.kind != "unknown" for obj in value)


def without_none(value: Value) -> Value:
    return tuple(obj for obj in value if obj.kind != "none")


def only(value: Value, *kinds: str) -> bool:
    """Whether the value, None apart, surely is of one of these kinds."""
    rest = without_none(value)
    return bool(rest) and all(obj.kind in kinds for obj in rest)


def some(value: Value, *kinds: str) -> Obj | None:
    """The first alternative of one of these kinds."""
    return next((obj for obj in value if obj.kind in kinds), None)


def grads(value: Value, depth: int = 3) -> set[Grad]:
    """The autograd states found in a value and in what it contains."""
    found: set[Grad] = set()
    for obj in value:
        if obj.kind in ("tensor", "output"):
            found.add(obj.grad)
        elif obj.kind in ("unknown", "instance", "object"):
            found.add(Grad.UNKNOWN)
        elif depth and obj.kind in ("list", "tuple", "dict", "set", "deque", "iterator", "generator"):
            for item in obj.items or ():
                found |= grads(item, depth - 1)
            for _, item in obj.keys or ():
                found |= grads(item, depth - 1)
            if obj.element is not None:
                found |= grads(obj.element, depth - 1)
    return found


def attached_part(value: Value, depth: int = 3) -> Obj | None:
    """A tensor with a graph in a value or in what it contains."""
    for obj in value:
        if obj.kind in ("tensor", "output") and obj.grad is Grad.ATTACHED:
            return obj
        if depth and obj.kind in ("list", "tuple", "dict", "set", "deque", "iterator", "generator"):
            parts = [*(obj.items or ()), *(item for _, item in obj.keys or ()), obj.element or NEVER]
            for part in parts:
                if (found := attached_part(part, depth - 1)) is not None:
                    return found
    return None
