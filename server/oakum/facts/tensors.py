"""Questions about tensors: their shapes, and whether they hold a whole data set."""

from __future__ import annotations

import ast

from oakum.facts.shapes import REDUCTIONS, Shape, Shapes, last_name
from oakum.facts.training import TrainingFacts

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
