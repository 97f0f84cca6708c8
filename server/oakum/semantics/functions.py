"""What the methods of a `torch.autograd.Function` handle: their arguments are tensors, though no call of them is in sight."""

from __future__ import annotations

import ast

from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import in_order, parameters
from oakum.semantics.program import Source

_NUMBERS = {"item", "size", "dim", "numel", "tolist", "data_ptr", "stride", "is_contiguous", "get_device", "is_tensor", "device"}
_SAVED = {"saved_tensors", "saved_variables"}
_OF_TEXTS_AND_LISTS = {"append", "items", "get", "lower", "format", "keys"}


def is_tensor_in(node: ast.expr, method: ast.FunctionDef, source: Source, evaluator: Evaluator, depth: int = 5) -> bool:
    """Whether an expression in a method of a Function is or holds a tensor, or is the context that holds them."""

    def inner(node: ast.expr) -> bool:
        return is_tensor_in(node, method, source, evaluator, depth - 1)

    match node if depth else None:
        case ast.Name(id=name):
            for definition in in_order(source.flow_in(method).uses.get(node, ())):
                if definition.how == "parameter":
                    if _is_tensor_parameter(name, method):
                        return True
                elif definition.value is not None and inner(definition.value):
                    return True
            return False
        case ast.Attribute(attr=name) if name in _SAVED:
            return True
        case ast.Attribute(value=owner, attr="T" | "data" | "grad" | "mT") | ast.Subscript(value=owner):
            return inner(owner)
        case ast.Call(func=ast.Attribute(value=owner, attr=name) as function) if name not in _NUMBERS:
            torch = (evaluator.qualified(function, evaluator.frame_at(source, function)) or "").startswith("torch.")
            return torch or inner(owner)
        case ast.BinOp(left=left, right=right):
            return inner(left) or inner(right)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Dict(values=elements):
            return any(map(inner, elements))
        case _:
            return False


def _is_tensor_parameter(name: str, method: ast.FunctionDef) -> bool:
    """The context, any gradient, the first input; another input of which a tensor's attribute is read or that is saved."""
    names = [parameter.arg for parameter in parameters(method.args)]
    if method.name == "backward" or name in names[:2]:
        return True
    for node in ast.walk(method):
        match node:
            case ast.Attribute(value=ast.Name(id=found), attr=attribute) if (
                found == name and attribute not in _OF_TEXTS_AND_LISTS
            ):
                return True
            case ast.Call(func=ast.Attribute(attr="save_for_backward" | "mm" | "matmul" | "bmm"), args=arguments):
                if any(isinstance(argument, ast.Name) and argument.id == name for argument in arguments):
                    return True
            case _:
                pass
    return False
