"""Questions about tensors: their shapes, and whether they hold a whole data set."""

from __future__ import annotations

import ast

from oakum.facts.shapes import REDUCTIONS, Shape, Shapes, last_name
from oakum.facts.training import TrainingFacts
from oakum.facts.whole import LARGE, WholeSet

# Reductions with another argument before the dimension: by keyword only.
_SHIFTED = {"norm", "quantile", "kthvalue", "std", "var", "vector_norm"}


class TensorFacts(TrainingFacts):
    """Shapes and reductions."""

    def shape(self, node: ast.AST) -> Shape | None:
        """The shape of a tensor, as far as constructors, layers and reductions tell. None: unknown."""
        return Shapes(self).of(node)

    def is_method(self, call: ast.Call) -> bool:
        """Whether a call is one of a method of a value, not of a function of a module: `x.sum()`, not `torch.sum(x)`."""
        return isinstance(call.func, ast.Attribute) and self.qualified(call.func) is None

    def keeps_dimension(self, call: ast.Call) -> bool | None:
        """Whether a reduction keeps the reduced dimension; None where that is not said by a constant."""
        given = self.keepdim(call)
        value = given.value if isinstance(given, ast.keyword) else given
        return False if value is None else bool(value.value) if isinstance(value, ast.Constant) else None

    def keepdim(self, call: ast.Call) -> ast.keyword | ast.expr | None:
        """The argument of a reduction that says whether it keeps the dimension."""
        if last_name(call.func) not in REDUCTIONS:
            return None
        for keyword in call.keywords:
            if keyword.arg in ("keepdim", "keepdims"):
                return keyword
        position = 1 if self.is_method(call) else 2
        if last_name(call.func) in _SHIFTED or len(call.args) <= position:
            return None
        given = call.args[position]
        return given if isinstance(given, ast.Constant) and isinstance(given.value, bool) else None

    def whole_set(self, node: ast.expr) -> ast.AST | None:
        """The place where a whole data set came together that an expression holds, a row each; None where it isn't proven or is small."""
        shape = self.shape(node)
        if shape and isinstance(shape[0], int) and shape[0] < LARGE:
            return None
        return WholeSet(self).of(node)

    def pairs(self, node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
        """The two sets of rows of which an expression makes a matrix of all pairs: `x @ y.T`, `torch.cdist(x, y)`, `x[:, None] - y[None]`."""
        match node:
            case ast.BinOp(left=one, op=ast.MatMult(), right=other):
                pass
            case ast.BinOp(
                left=ast.Subscript(value=one, slice=left), op=ast.Sub(), right=ast.Subscript(value=other, slice=right)
            ):
                none = [any(isinstance(n, ast.Constant) and n.value is None for n in ast.walk(side)) for side in (left, right)]
                return (one, other) if all(none) else None
            case ast.Call(func=ast.Attribute(value=one, attr="mm" | "matmul"), args=[other]) if self.is_method(node):
                pass
            case ast.Call(func=function, args=[one, other, *_]) if last_name(function) in ("mm", "matmul", "cdist", "linear"):
                if not (self.qualified(function) or "").startswith("torch."):
                    return None
                if last_name(function) in ("cdist", "linear"):
                    return one, other
            case _:
                return None
        if _transposed(one) is not None or (rows := _transposed(other)) is None:
            return None
        return one, rows

    def reduced_at_once(self, node: ast.expr, depth: int = 5) -> bool:
        """Whether of a matrix nothing is used but a reduction or ranking of its rows: `.max(1)`, `.topk(5)`, on the spot or by its name."""
        current: ast.AST = node
        while depth:
            parent = self.parent(current)
            match parent:
                case ast.Attribute(attr=name):
                    call = self.parent(parent)
                    if not isinstance(call, ast.Call) or call.func is not parent:
                        return False
                    if name in _RANKING:
                        return True
                    if name not in _SAME_MATRIX:
                        return False
                    current = call
                case ast.Call(func=function) if current is not function:
                    name = last_name(function)
                    if name in _RANKING:
                        return True
                    if name not in _SAME_MATRIX:
                        return False
                    current = parent
                case ast.BinOp(op=ast.Mult() | ast.Div() | ast.Sub() | ast.Add()) | ast.UnaryOp():
                    current = parent
                case ast.Dict() | ast.List() | ast.Tuple() if isinstance(loop := self.statement(parent), ast.For):
                    names = [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
                    return bool(names) and self.all_reduced(names[-1], loop, None, depth)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    return self.all_reduced(name, parent, current, depth)
                case _:
                    return False
        return False

    def all_reduced(self, name: str, node: ast.AST, value: ast.AST | None, depth: int) -> bool:
        """Whether all reads of what a name was given reduce it."""
        reads = [r for r in self.reads(name, node) if any(d.statement is node for d in self.definitions(r))]
        plain = [r for r in reads if not isinstance(self.parent(r), ast.Attribute) or not self.is_metadata(r)]
        return bool(plain) and all(self.reduced_at_once(r, depth - 1) for r in plain)

    def is_metadata(self, node: ast.AST) -> bool:
        """Whether of an expression only its shape, device or type is looked at."""
        parent = self.parent(node)
        return isinstance(parent, ast.Attribute) and parent.attr in ("shape", "device", "dtype", "size", "ndim")

    # --- where a tensor is ---

    def device(self, node: ast.expr) -> str | None:
        """The kind of device that an expression names for sure: "cpu" or "cuda"."""
        match node:
            case ast.Constant(value=str() as name):
                return name.partition(":")[0]
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                return "cuda"
            case ast.Call(args=[ast.expr() as inner, *_]) if self.qualified(node.func) == "torch.device":
                return self.device(inner)
            case ast.Name(id=name):
                found = {
                    self.device(d.value) if d.value is not None else None
                    for d in self.definitions(node) or self.bindings(None, name)
                }
                return found.pop() if len(found) == 1 else None
            case _:
                return None

    def names_device(self, node: ast.expr) -> bool:
        """Whether an argument of `.to` is a device, not a type: for sure, or by its name."""
        return self.device(node) is not None or "device" in (self.key(node) or "").lower()

    def placed(self, node: ast.expr, depth: int = 4) -> str | None:
        """The kind of device that a tensor was made on or moved to, where that is in sight: "cpu" or "cuda"."""
        if isinstance(node, ast.Name):
            found = {self.placed(d.value, depth - 1) if d.value is not None and not d.path and depth else None
                     for d in self.definitions(node) or self.bindings(None, node.id)}  # fmt: skip
            return found.pop() if len(found) == 1 else None
        if not isinstance(node, ast.Call):
            return None
        name = last_name(node.func)
        if self.is_method(node) and isinstance(node.func, ast.Attribute):
            if name in ("cuda", "cpu"):
                return name
            if name == "to" and node.args and (device := self.device(node.args[0])) is not None:
                return device
            same = name in ("float", "half", "double", "t", "detach", "clone", "requires_grad_", "contiguous", "long")
            return self.placed(node.func.value, depth - 1) if same and depth else None
        if name not in _MADE or not (self.qualified(node.func) or "").startswith("torch.") or self.calls(*_DEFAULTS):
            return None
        given = next((k.value for k in node.keywords if k.arg == "device"), None)
        return self.device(given) if given is not None else "cpu"

    def only_logged(self, node: ast.expr) -> bool:
        """Whether the result of an expression goes to a print or a log and nowhere else."""
        statement = self.statement(node)
        uses: list[ast.expr] = [node]
        if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name) and statement.value is node:
            uses = [r for r in self.reads(target.id, node) if any(d.value is node for d in self.definitions(r))]
        logs = [self.statement(use) for use in uses]
        return bool(logs) and all(
            isinstance(log, ast.Expr) and isinstance(log.value, ast.Call) and last_name(log.value.func) in _LOGS for log in logs
        )


_LOGS = {"print", "info", "debug", "log", "add_scalar", "write"}
_RANKING = {
    "max", "min", "topk", "argmax", "argmin", "argsort", "sort", "mean", "sum", "median", "logsumexp", "kthvalue", "amax", "amin", "any", "all", "diagonal",
    "diag", "trace", "cross_entropy",
}  # fmt: skip
_SAME_MATRIX = {
    "t",
    "softmax",
    "log_softmax",
    "cpu",
    "cuda",
    "to",
    "float",
    "detach",
    "exp",
    "sqrt",
    "pow",
    "abs",
    "clamp",
    "div",
    "mul",
    "T",
    "numpy",
    "neg",
}
_MADE = {
    "randn",
    "rand",
    "zeros",
    "ones",
    "eye",
    "tensor",
    "from_numpy",
    "empty",
    "full",
    "arange",
    "linspace",
    "as_tensor",
    "randint",
    "FloatTensor",
}
_DEFAULTS = ("set_default_device", "set_default_tensor_type")


def _transposed(node: ast.expr) -> ast.expr | None:
    """What a transposed matrix is the transpose of."""
    match node:
        case ast.Attribute(value=inner, attr="T" | "mT"):
            return inner
        case ast.Call(func=ast.Attribute(value=inner, attr="t"), args=[]):
            return inner
        case ast.Call(func=ast.Attribute(value=inner, attr="transpose" | "permute")):
            return inner
        case _:
            return None
