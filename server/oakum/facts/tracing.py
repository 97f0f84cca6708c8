"""Questions about functions that `tf.function` traces: what makes it trace again."""

from __future__ import annotations

import ast
from functools import cached_property

from oakum.facts.graphs import GraphFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.flow import FunctionNode, parameters
from oakum.semantics.repetition import Again, Repetition
from oakum.semantics.values import Obj


class TracingFacts(GraphFacts):
    """What is traced, and how often."""

    @cached_property
    def may_trace(self) -> bool:
        """Whether anything in the file looks like `tf.function`: to be asked before anything is resolved."""
        return bool(self.mentions("function")) or bool(self.mentions("defun"))

    def retraces(self, function: Obj) -> bool:
        """Whether a traced function is traced again for each new Python value: it has no signature, nor relaxes its shapes."""
        made = function.traced
        options = made.keywords if isinstance(made, ast.Call) else []
        return not any(keyword.arg is None or keyword.arg in knowledge.RELAXED for keyword in options)

    def is_step(self, again: Again, node: ast.AST) -> bool:
        """Whether what repeats a node is a step or a call of one, not a fold, a seed or a trial."""
        loop = again.loop
        if isinstance(loop, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return loop.name not in ("__call__", "forward")
        return any(self.is_training_loop(found) or self.walks_dataset(found) for found in (loop, *self.loops(again.call or node)))

    def again_in_tensorflow(self, node: ast.AST) -> Again | None:
        """`again`, with the methods that TensorFlow code calls for each batch, step or request."""
        return self.again(node, called=frozenset(knowledge.REPEATED_METHODS))

    def walks_dataset(self, loop: ast.AST) -> bool:
        """Whether a `for` goes through the batches of a `tf.data.Dataset`, or numbers what it goes through as steps or batches."""
        match loop:
            case ast.For(
                iter=ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]), target=ast.Tuple(elts=[ast.Name(id=counter), _])
            ):
                return self.is_dataset(inner) or any(word in counter.lower() for word in ("step", "batch", "iter"))
            case ast.For(iter=iterable):
                return self.is_dataset(iterable)
            case _:
                return False

    def is_short(self, loop: ast.AST) -> bool:
        """Whether a loop goes through a handful of things that are written down."""
        return Repetition(self.evaluator, self.source, self.lifetimes).few(loop)

    def is_flag(self, argument: ast.expr) -> bool:
        """Whether an expression takes one of two values: a comparison, or a name for one."""
        if isinstance(argument, (ast.Compare, ast.BoolOp)) or (
            isinstance(argument, ast.UnaryOp) and isinstance(argument.op, ast.Not)
        ):
            return True
        if isinstance(argument, ast.Call):
            return self.qualified(argument.func) in (
                "builtins.bool",
                "builtins.isinstance",
                "builtins.any",
                "builtins.all",
                "builtins.hasattr",
            )
        found = self.definitions(argument)
        return bool(found) and all(
            d.value is not None and d.value is not argument and d.how == "assign" and self.is_flag(d.value) for d in found
        )

    def written_anew(self, argument: ast.expr, loop: ast.AST) -> bool:
        """Whether a text is composed in each iteration of a loop of what changes there: `f"step_{i}"`, `"%d" % i`, `str(i)`."""
        for definition in self.definitions(argument):
            if definition.how == "assign" and definition.value is not None:
                return self.written_anew(definition.value, loop)
        match argument:
            case ast.JoinedStr(values=parts):
                return any(isinstance(part, ast.FormattedValue) and self.varies(part.value, loop) for part in parts)
            case ast.BinOp(left=left, right=right):
                return any(self.varies(side, loop) for side in (left, right))
            case ast.Call(func=ast.Name(id="str"), args=[value]) | ast.Call(func=ast.Attribute(attr="format"), args=[value, *_]):
                return self.varies(value, loop)
            case _:
                return False

    def lengthened(self, argument: ast.expr, loop: ast.AST) -> bool:
        """Whether an argument is a list that was made before a loop, to which the loop appends."""
        key = self.key(argument)
        if key is None or not self.is_kind(argument, "list"):
            return False
        made = [d for d in self.bindings(self.function(argument), key) if d.how != "augment"]
        if not made or any(d.statement is not None and loop in self.ancestors(d.statement) for d in made):
            return False
        shrunk = any(
            self.key(call.func.value) == key
            for call in self.calls("pop", "clear", "remove")
            if isinstance(call.func, ast.Attribute)
        )
        return not shrunk and any(
            isinstance(call.func, ast.Attribute) and self.key(call.func.value) == key
            for call in self.calls_in(loop, "append", "extend", "insert")
        )

    def parameter_of(self, argument: ast.expr, function: Obj) -> str | None:
        """The parameter of a traced function that takes an argument of a call."""
        node, call = function.node, self.parent(argument)
        if isinstance(call, ast.keyword):
            return call.arg
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or not isinstance(call, ast.Call):
            return None
        listed = [a.arg for a in parameters(node.args)][1 if function.kind == "method" else 0 :]
        position = call.args.index(argument) if argument in call.args else len(listed)
        return listed[position] if position < len(listed) else None

    def only_computes(self, parameter: str, function: Obj) -> bool:
        """Whether a function in this file uses a parameter in arithmetic alone, where a tensor serves as well as a Python number."""
        node: FunctionNode | ast.AST | None = function.node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or self.source.piece(node) is None:
            return False
        reads = [name for name in ast.walk(node) if isinstance(name, ast.Name) and name.id == parameter]
        return all(
            isinstance(self.parent(name), ast.BinOp) and not isinstance(getattr(self.parent(name), "op", None), ast.Mod)
            for name in reads
        )

    def captured_by(self, node: ast.Name | ast.Attribute) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The traced function that reads a name or attribute of self from around it, for its value and not for its shape."""
        function = self.function(node)
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or self.traced_by(function) is None:
            return None
        key, parent = self.key(node), self.parent(node)
        if key is None or (isinstance(parent, ast.Attribute) and parent.attr in ("shape", "dtype", "ndim", "size")):
            return None
        if isinstance(parent, ast.Call) and self.qualified(parent.func) == "builtins.len":
            return None
        own = key.startswith("self.") and key.count(".") == 1
        return function if own or not self.bindings(function, key.partition(".")[0]) else None
