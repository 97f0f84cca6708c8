"""Whether a loop has a way out, and whether an iterable comes to an end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import ENTRY
from oakum.semantics.program import FUNCTIONS, LOOPS, Frame, Source
from oakum.semantics.values import without_none

_EXITS = {"exit", "_exit", "quit", "abort", "kill"}
_WAITS = {
    "get", "get_nowait", "recv", "recv_json", "recv_pyobj", "recv_multipart", "accept", "poll", "select", "input", "sleep", "waitKey", "listen",
    "readline", "wait", "acquire", "consume", "receive", "get_message", "blpop", "brpop", "next_message", "run_forever",
}  # fmt: skip
_ENDINGS = {"StopIteration", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopAsyncIteration"}
_CATCHES = _ENDINGS | {"Exception", "BaseException", "IndexError", "RuntimeError", "EOFError", "OutOfRangeError"}
_TRANSPARENT = {"enumerate", "iter", "tqdm", "trange", "map", "filter", "prefetch", "progress_bar", "track"}


class Endless:
    def __init__(self, evaluator: Evaluator, source: Source) -> None:
        self.evaluator = evaluator
        self.source = source

    def leaves(self, loop: ast.AST) -> bool:
        """Whether something in a loop may leave it, or waits there for somebody: `break`, `return`, an exception that ends it, a queue."""
        return self.may_leave(loop) or self.caught(loop)

    def may_leave(self, region: ast.AST, depth: int = 3) -> bool:
        own = depth == 3  # the loop itself, not a function that is called in it
        for node, inner in _inside(region):
            match node:
                case ast.Break():
                    if own and not inner:
                        return True
                case ast.Return() | ast.Yield() | ast.YieldFrom() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                    if own:
                        return True
                case ast.Raise():
                    if own or _raised(node) in _ENDINGS or (node.exc is not None and not _raised(node).endswith("Error")):
                        return True
                case ast.Call():
                    if self.call_leaves(node, region, depth):
                        return True
                case _:
                    pass
        return False

    def call_leaves(self, call: ast.Call, region: ast.AST, depth: int) -> bool:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        if name in _EXITS:
            return True
        if name in _WAITS:
            return not (name == "get" and call.args)  # of a dict: `d.get(key)`
        if name in ("next", "__next__"):
            if len(call.args) > 1 or self.tried(call, region):
                return False
            stream = call.args[0] if call.args else None
            if isinstance(stream, ast.Call) and isinstance(stream.func, ast.Name) and stream.func.id == "iter":
                return False  # a new iterator each time
            return stream is None or self.unending(stream) is None
        if depth:
            frame = self.evaluator.frame_at(self.source, call)
            for obj in without_none(self.evaluator.value(call.func, frame)):
                if (
                    isinstance(obj.node, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and obj.frame is not None
                    and obj.kind != "class"
                ):
                    if obj.frame.source is not self.source:
                        return False
                    if self.evaluator.touched is not None:
                        self.evaluator.touched(self.source, obj.node)
                    if not self.source.flow_in(obj.node).yields and self.may_leave(obj.node, depth - 1):
                        return True
        return False

    def tried(self, node: ast.AST, region: ast.AST) -> bool:
        """Whether an exception at a node is caught inside a region, or the node stands where it was."""
        child = node
        for parent in self.source.ancestors(node):
            if parent is region:
                return False
            if isinstance(parent, ast.ExceptHandler):
                return True
            if (
                isinstance(parent, ast.Try)
                and child in parent.body
                and any(_names(h) & _CATCHES or h.type is None for h in parent.handlers)
            ):
                return True
            child = parent
        return False

    def caught(self, loop: ast.AST) -> bool:
        """Whether somebody counts on an exception that ends a loop: `except KeyboardInterrupt` around it."""
        child = loop
        for parent in self.source.ancestors(loop):
            if isinstance(parent, ast.Try) and child in parent.body:
                if any(handler.type is None or _names(handler) & _CATCHES for handler in parent.handlers):
                    return True
            if isinstance(parent, (ast.With, ast.AsyncWith)) and any(
                "suppress" in ast.unparse(i.context_expr) for i in parent.items
            ):
                return True
            if isinstance(parent, FUNCTIONS):
                return False
            child = parent
        return False

    def unending(self, iterable: ast.expr, depth: int = 4) -> ast.AST | None:
        """What makes an iterable endless: `itertools.count()`, a generator in sight that never ends, a loader of such a data set."""
        frame = self.evaluator.frame_at(self.source, iterable)
        return self.endless_value(iterable, frame, depth)

    def endless_value(self, node: ast.expr, frame: Frame, depth: int) -> ast.AST | None:
        if not depth:
            return None
        if isinstance(node, ast.Call):
            name = self.evaluator.qualified(node.func, frame) or ""
            last = name.rpartition(".")[2] or (node.func.id if isinstance(node.func, ast.Name) else "")
            if name in ("itertools.count", "itertools.cycle") or (name == "itertools.repeat" and len(node.args) == 1):
                return node
            if last in _TRANSPARENT and not any(keyword.arg == "total" for keyword in node.keywords):
                return next((found for a in node.args if (found := self.endless_value(a, frame, depth - 1))), None)
            if last == "zip":
                found = [self.endless_value(a, frame, depth - 1) for a in node.args]
                return found[0] if found and all(found) else None
        elif isinstance(node, ast.Name):
            reaching = frame.source.flow_in(frame.function).uses.get(node) or frozenset()
            if not reaching and (top := frame.source.flow.final.get(node.id)):
                reaching, frame = top, frame.source.frame
            values = [d.value for d in reaching if d is not ENTRY and d.how == "assign" and not d.path]
            if values and len(values) == len(reaching):
                found = [self.endless_value(value, frame, depth - 1) if value is not None else None for value in values]
                return found[0] if all(found) else None
        value = without_none(self.evaluator.value(node, frame))
        found = [self.endless_object(obj.kind, obj.node, obj.frame, frame, depth) for obj in value]
        return found[0] if found and all(found) else None

    def endless_object(self, kind: str, node: ast.AST | None, own: Frame | None, frame: Frame, depth: int) -> ast.AST | None:
        if kind == "generator" and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return self.never_returns(node)
        if kind == "loader" and isinstance(node, ast.Call):
            data = next((k.value for k in node.keywords if k.arg == "dataset"), node.args[0] if node.args else None)
            if data is not None and not any(k.arg in ("sampler", "batch_sampler") for k in node.keywords):
                return self.endless_value(data, frame, depth - 1)
        if kind == "instance" and isinstance(node, ast.ClassDef) and own is not None:
            method = next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__iter__"), None)
            if method is not None and any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n, _ in _inside(method)):
                return self.never_returns(method)
        return None

    def never_returns(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST | None:
        """The loop of a generator that it never leaves: `while True` with a `yield` and nothing that ends it."""
        for statement in function.body:
            if isinstance(statement, ast.While) and isinstance(statement.test, ast.Constant) and statement.test.value:
                held = [
                    n for n, _ in _inside(statement) if isinstance(n, ast.Try) and any(_names(h) & _CATCHES for h in n.handlers)
                ]
                started_anew = {call for attempt in held for call in ast.walk(attempt)}
                leaving = yields = False
                for node, inner in _inside(statement):
                    yields |= isinstance(node, (ast.Yield, ast.YieldFrom))
                    leaving |= isinstance(node, (ast.Return, ast.Raise)) or (isinstance(node, ast.Break) and not inner)
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next":
                        leaving |= len(node.args) < 2 and node not in started_anew
                return statement if yields and not leaving else None
            if any(isinstance(n, (ast.Return, ast.Yield, ast.YieldFrom)) for n in ast.walk(statement)):
                return None
        return None


def _inside(region: ast.AST, inner: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Nodes that run in a region, not those of functions defined there, and whether a loop inside the region holds them."""
    for child in ast.iter_child_nodes(region):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            # `break` in the `else` of an inner loop leaves the region's own.
            held = inner and not (isinstance(region, LOOPS) and child in region.orelse)
            yield child, held
            yield from _inside(child, held or isinstance(child, LOOPS))


def _raised(node: ast.Raise) -> str:
    exc = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return exc.attr if isinstance(exc, ast.Attribute) else exc.id if isinstance(exc, ast.Name) else ""


def _names(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return set()
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts}
