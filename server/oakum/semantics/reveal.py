"""Values in words, for tests and for people who ask why."""

from __future__ import annotations

from oakum.semantics.values import Value

_NAMED = {
    "module", "instance", "class", "library", "object", "optimizer", "namespace", "session", "keras-model", "keras-layer", "keras-optimizer",
}  # fmt: skip


def describe(value: Value, depth: int = 2) -> str:
    """Alternatives joined by ` | `: `tensor[attached]`, `module(Net)`, `tuple[tensor[detached], number]`."""
    return " | ".join(sorted({_one(value, index, depth) for index in range(len(value))})) or "never"


def _one(value: Value, index: int, depth: int) -> str:
    obj = value[index]
    if obj.kind in ("tensor", "output", "distribution"):
        return f"{obj.kind}[{obj.grad.value}]"
    if obj.traced is not None:
        return f"traced {obj.kind}"
    if obj.kind in _NAMED:
        return f"{obj.kind}({obj.name})" if obj.name else obj.kind
    if depth and obj.items:
        return f"{obj.kind}[{', '.join(describe(item, depth - 1) for item in obj.items)}]"
    if depth and obj.element:
        return f"{obj.kind}[{describe(obj.element, depth - 1)}, ...]"
    return obj.kind
