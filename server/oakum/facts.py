"""The questions that a rule may ask. Every answer is True, or a proof, only when it is proven.

A rule stays silent where a fact is not sure; so a fact that is silent where it isn't sure raises no false alarm.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from oakum.knowledge import torch as knowledge
from oakum.origin import Origin
from oakum.semantics.autograd import Mode
from oakum.semantics.evaluate import Evaluator
from oakum.semantics.flow import ENTRY, Definition, FunctionNode, container_of, in_order, key_of
from oakum.semantics.lifetimes import Fate, Lifetime, Lifetimes
from oakum.semantics.program import COMPREHENSIONS, LOOPS, Frame, Source
from oakum.semantics.values import Grad, Obj, Value, attached_part, grads, known, only, some

# Methods that fill a container: looked at before anything is resolved.
_FILLING = {"append", "appendleft", "add", "insert", "extend", "update"}


@dataclass(frozen=True, slots=True)
class Attached:
    """Proof that a value carries an autograd graph: `made` is the node that built it, None if it is out of this file."""

    made: ast.AST | None
    scalar: bool
    view: bool
    structure: bool  # it is inside a list, tuple, dict or the output of a module


class Facts:
    """What is known of one file. Node arguments are nodes of that file."""

    def __init__(self, source: Source, evaluator: Evaluator) -> None:
        self.source = source
        self.evaluator = evaluator
        self.lifetimes = Lifetimes(evaluator, source)

    # --- syntax ---

    def text(self, node: ast.AST) -> str:
        """The source of a node."""
        return self.source.text(node)

    def short(self, node: ast.AST, most: int = 40) -> str:
        """The source of a node on one line, cut where it is long: for messages."""
        text = " ".join(self.source.text(node).split())
        return text if len(text) <= most else text[: most - 1] + "…"

    def line(self, node: ast.AST) -> int:
        """The line of a node, from 1 (in a notebook: of its cell)."""
        return self.source.document.position(self.source.locate(node)[0]).line

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self.source.parent(node)

    def ancestors(self, node: ast.AST) -> list[ast.AST]:
        """Innermost first."""
        return self.source.ancestors(node)

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds a node (itself, if it is one)."""
        return self.source.statement(node)

    def function(self, node: ast.AST) -> FunctionNode | None:
        """The innermost function around a node, None at module level."""
        return self.source.function(node)

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class around a node, also through nested functions."""
        return self.source.enclosing_class(node)

    def method_class(self, function: ast.AST) -> ast.ClassDef | None:
        """The class that a function is a method of."""
        return self.source.class_of(function)

    def loops(self, node: ast.AST) -> list[ast.For | ast.AsyncFor | ast.While]:
        """`for` and `while` loops whose body holds a node, within its function, innermost first."""
        return [loop for loop in self.source.loops(node) if isinstance(loop, LOOPS)]

    def is_innermost(self, loop: ast.AST, node: ast.AST) -> bool:
        """Whether a loop (comprehensions inside it apart), or a comprehension, is the innermost one around a node."""
        around = self.comprehensions(node) if isinstance(loop, COMPREHENSIONS) else self.loops(node)
        return around[:1] == [loop]

    def comprehensions(self, node: ast.AST) -> list[ast.AST]:
        """Comprehensions that evaluate a node once an element, innermost first."""
        return [loop for loop in self.source.loops(node) if isinstance(loop, COMPREHENSIONS)]

    def calls(self, *names: str) -> list[ast.Call]:
        """All calls in the file of something whose last part is one of these names."""
        return [call for name in names for call in self.source.calls(name)]

    def calls_in(self, scope: ast.AST, *names: str) -> list[ast.Call]:
        """Those of `calls` that stand inside a node."""
        return [call for call in self.calls(*names) if call is scope or scope in self.source.ancestors(call)]

    def nodes(self, kind: type[ast.AST]) -> list[ast.AST]:
        """All nodes of a type in the file."""
        return self.source.nodes(kind)

    def nodes_in(self, scope: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of these types inside a node, without descending into nested functions and classes."""
        pending = list(ast.iter_child_nodes(scope))[::-1]
        while pending:
            node = pending.pop()
            if isinstance(node, kinds):
                yield node
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                pending.extend(list(ast.iter_child_nodes(node))[::-1])

    def argument(self, call: ast.Call, position: int, name: str) -> ast.expr | None:
        """An argument of a call by position or keyword, None where it isn't given (or hidden in `*` or `**`)."""
        for keyword in call.keywords:
            if keyword.arg == name:
                return keyword.value
        if position < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
            return call.args[position]
        return None

    def given(self, call: ast.Call, method: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, ast.expr]]:
        """Arguments of a method's call with the names of the parameters that take them, `*args` among these."""
        names = [a.arg for a in [*method.args.posonlyargs, *method.args.args][1:]]
        rest = method.args.vararg.arg if method.args.vararg else None
        pairs: list[tuple[str, ast.expr]] = []
        for position, argument in enumerate(call.args):
            name = names[position] if position < len(names) else rest
            if isinstance(argument, ast.Starred) or name is None:
                break
            pairs.append((name, argument))
        return pairs + [(k.arg, k.value) for k in call.keywords if k.arg is not None]

    def put(self, node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
        """What a call or assignment puts into a container that grows by it: pairs of container and item.

        `c.append(x)`, `c.insert(0, x)`, `c.extend([x])`, `c += [x]`; and, under a key that a loop binds anew, `c[key] = x` and
        `c.update({key: x})`. Not a method in sight that is merely called so.
        """
        if isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING
            if not named or self.called(node):
                return
        match node:
            case ast.Call(func=ast.Attribute(value=container, attr="append" | "appendleft" | "add"), args=[item]):
                yield container, item
            case ast.Call(func=ast.Attribute(value=container, attr="insert"), args=[_, item]):
                yield container, item
            case ast.Call(
                func=ast.Attribute(value=container, attr="extend"), args=[ast.List(elts=items) | ast.Tuple(elts=items)]
            ):
                yield from ((container, item) for item in items)
            case ast.Call(func=ast.Attribute(value=container, attr="extend"), args=[item]):
                yield container, item
            case ast.AugAssign(target=container, op=ast.Add(), value=ast.List(elts=items) | ast.Tuple(elts=items)):
                yield from ((container, item) for item in items)
            case ast.Call(func=ast.Attribute(value=container, attr="update"), args=[ast.Dict(keys=keys, values=items)]):
                yield from ((container, item) for key, item in zip(keys, items, strict=True) if key and self.is_fresh(key))
            case ast.Assign(targets=[ast.Subscript(value=container, slice=key)], value=item):
                if self.is_fresh(key) and self.is_kind(container, "dict", "list"):
                    yield container, item
            case _:
                pass

    def is_fresh(self, key: ast.expr) -> bool:
        """Whether a key differs in each iteration of the innermost loop: made of what a `for` binds, but not of names of fields."""
        loops = self.loops(key)
        if not loops or isinstance(key, ast.Slice) or not isinstance(loop := loops[0], (ast.For, ast.AsyncFor)):
            return False
        match loop.iter:
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return False
            case ast.Call(func=ast.Attribute(attr="items" | "keys" | "values")):
                return False
            case _:
                bound = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
                return any(isinstance(n, ast.Name) and n.id in bound for n in ast.walk(key))

    def key(self, node: ast.AST) -> str | None:
        """`name` or `name.attribute...` of an expression that is such a chain."""
        return key_of(node)

    def is_test_file(self) -> bool:
        """Whether the file is a test by its name or folder."""
        path = self.source.path
        if path is None:
            return False
        return (
            path.name.startswith("test_")
            or path.name.endswith("_test.py")
            or path.name == "conftest.py"
            or any(p in ("tests", "test") for p in path.parts[-3:-1])
        )

    # --- names and kinds ---

    def value(self, node: ast.AST) -> Value:
        """The abstract value of an expression, for what the questions below don't cover. See `oakum.semantics.values`."""
        return self.evaluator.value(node, self.frame(node))

    def frame(self, node: ast.AST) -> Frame:
        return self.evaluator.frame_at(self.source, node)

    def qualified(self, node: ast.AST) -> str | None:
        """The qualified public name of a library's object that an expression names: `torch.nn.functional.mse_loss`."""
        return self.evaluator.qualified(node, self.frame(node))

    def joins(self, function: ast.expr) -> bool:
        """Whether an expression names a function that joins tensors: `torch.cat`, `torch.vstack` ..."""
        return self.qualified(function) in knowledge.JOINS

    def is_kind(self, node: ast.AST, *kinds: str) -> bool:
        """Whether an expression surely is (None apart) of one of these kinds: tensor, module, optimizer, loader, number ..."""
        return only(self.value(node), *kinds)

    def is_tensor(self, node: ast.AST) -> bool:
        return only(self.value(node), "tensor")

    def is_module(self, node: ast.AST) -> bool:
        return only(self.value(node), "module")

    def is_loader(self, node: ast.AST) -> bool:
        """A DataLoader, or a transparent wrapper of one (tqdm, accelerate's prepare)."""
        return only(self.value(node), "loader")

    def walks_loader(self, iterable: ast.expr) -> bool:
        """Whether a loop over an expression takes the batches of a loader: itself, or `enumerate` of it."""
        match iterable:
            case ast.Call(func=ast.Name(id="enumerate"), args=[loader, *_]):
                return self.is_loader(loader)
            case _:
                return self.is_loader(iterable)

    def is_optimizer(self, node: ast.AST) -> bool:
        return only(self.value(node), "optimizer")

    def bases(self, cls: ast.ClassDef) -> tuple[list[ast.ClassDef], list[str], bool]:
        """Classes in sight that a class derives from (itself first), qualified names of library bases, and whether one is unknown."""
        classes, libraries, unknown = self.evaluator.ancestry(cls, self.frame(cls))
        return [found for found, _ in classes], libraries, unknown

    def is_module_class(self, cls: ast.ClassDef) -> bool:
        return self.evaluator.is_module_class(cls, self.frame(cls))

    def trainable(self, module: Obj, node: ast.AST) -> bool:
        """Whether nothing in the file may have frozen a module's parameters."""
        return not self.evaluator.library.frozen(module, self.frame(node))

    # --- definitions ---

    def definitions(self, node: ast.AST) -> list[Definition]:
        """The bindings that reach a read of a name or attribute chain, in this function, in order of the source."""
        function = self.source.function(node)
        return in_order(d for d in self.source.flow_in(function).uses.get(node, ()) if d is not ENTRY)

    def may_be_from_outside(self, node: ast.AST) -> bool:
        """Whether a read may see what was there when the function was entered."""
        reaching = self.source.flow_in(self.source.function(node)).uses.get(node, frozenset())
        return not reaching or ENTRY in reaching

    def bindings(self, function: FunctionNode | None, key: str) -> list[Definition]:
        """All bindings of a name or chain in a function (None: the module)."""
        return self.source.flow_in(function).definitions.get(key, [])

    def reads(self, key: str, node: ast.AST) -> list[ast.expr]:
        """Loads of a name or chain: in the function of `node`, in its class for `self.x` (and elsewhere in the file), in the file for a global."""
        return self.lifetimes.reads_of(key, self.source.function(node))

    def callers(self, function: ast.AST) -> list[ast.Call]:
        """Calls in the file that reach a function."""
        return [call for call, _ in self.evaluator.callers(function, self.source)]

    def called(self, call: ast.Call) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Functions of this file that a call may reach (`__init__` isn't among them)."""
        found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        for obj in self.value(call.func):
            if obj.kind == "module" and isinstance(obj.node, ast.ClassDef):
                method = self.evaluator.method(obj, "forward")
                node = method.node if method else None
            else:
                node = obj.node if obj.kind in ("function", "method") else None
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and self.source.piece(node) is not None:
                found.append(node)
        return found

    # --- autograd ---

    def requires_grad(self, node: ast.AST) -> Attached | None:
        """Proof that a value (or something in it) carries a graph on every path, None alternatives and plain numbers apart."""
        value = self.value(node)
        part = attached_part(value)
        if part is None:
            return None
        if any(obj.kind not in ("number", "none") and Grad.ATTACHED not in grads((obj,)) for obj in value):
            return None
        if any(grads((obj,)) == {Grad.UNKNOWN} for obj in value if obj.kind not in ("number", "none")):
            return None
        made = part.node if part.node is not None and self.source.piece(part.node) is not None else None
        structure = not any(obj is part for obj in value) or part.kind == "output"
        return Attached(made, part.scalar, part.view, structure)

    def is_graph_free(self, node: ast.AST) -> bool:
        """Whether a value surely carries no graph."""
        value = self.value(node)
        return known(value) and not grads(value) & {Grad.ATTACHED, Grad.UNKNOWN, Grad.LEAF}

    def grad_mode(self, node: ast.AST) -> Mode:
        """Whether autograd records at a node: ON, OFF, MIXED (on some calls) or UNKNOWN."""
        return self.evaluator.regions.mode(node, self.frame(node))

    def records(self, node: ast.AST) -> bool:
        """Whether autograd surely records at a node on every call in sight."""
        return self.grad_mode(node) is Mode.ON

    def backward_calls(self, scope: ast.AST) -> list[ast.Call]:
        """Calls inside a node that run backward, whatever the spelling (`loss.backward()`, `scaler.scale(l).backward()`, `accelerator.backward(l)`)."""
        return [call for call in self.calls_in(scope, "backward", "manual_backward") if self.backward_target(call) is not None]

    def wants_gradients(self, scope: ast.AST, depth: int = 2) -> bool:
        """Whether a node, or a function in sight that it calls, may run backward, step an optimizer or ask for gradients."""
        if self.calls_in(scope, *knowledge.NEEDS_GRADIENTS):
            return True
        for node in self.nodes_in(scope, ast.Attribute, ast.Call):
            if isinstance(node, ast.Attribute) and node.attr in ("grad", "requires_grad"):
                return True
            if isinstance(node, ast.Call):
                if any(keyword.arg == "requires_grad" for keyword in node.keywords):
                    return True
                if (
                    isinstance(node.func, ast.Attribute)
                    and node.func.attr == "step"
                    and not self.is_kind(node.func.value, "object")
                ):
                    return True
                if depth and any(self.wants_gradients(function, depth - 1) for function in self.called(node)):
                    return True
        return False

    def recorded_forward(self, scope: ast.AST, *, innermost: bool = False) -> ast.Call | None:
        """The first call of a trainable module inside a node that autograd surely records; `innermost`: in no loop inside that node."""
        for call in self.nodes_in(scope, ast.Call):
            assert isinstance(call, ast.Call)
            if innermost and not self.is_innermost(scope, call):
                continue
            module = self.some(call.func, "module")
            if module is None or not self.is_module(call.func) or not self.records(call) or not self.trainable(module, call):
                continue
            if self.requires_grad(call) is not None:
                return call
        return None

    def backpropagated_from(self, region: ast.AST) -> bool:
        """Whether what a loop or comprehension binds, stores or returns surely reaches a backward, here or in a caller."""
        statement = self.statement(region)
        nodes = (
            [statement]
            if isinstance(region, ast.expr)
            else self.nodes_in(region, ast.Assign, ast.AugAssign, ast.Call, ast.Return)
        )
        for node in nodes:
            kept: list[ast.expr] = []
            match node:
                case ast.Assign(targets=targets):
                    kept = targets
                case ast.AugAssign(target=target):
                    kept = [target]
                case ast.Call(func=ast.Attribute(value=container, attr="append" | "extend" | "appendleft")):
                    kept = [container]
                case ast.Return() if (function := self.function(node)) is not None:
                    if self.lifetimes.out_of(function, 2) is Fate.LATER:
                        return True
                case _:
                    pass
            for target in kept:
                for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                    while isinstance(part, (ast.Subscript, ast.Starred)):
                        part = part.value
                    if node is not None and self.backpropagated_later(part, node):
                        return True
        return False

    def lent_grad_free(self, function: ast.AST) -> bool:
        """Whether a function is handed to a call that isn't recorded, or to a function that switches recording off."""
        name = getattr(function, "name", None)
        for read in (*self.nodes(ast.Name), *self.nodes(ast.Attribute)):
            call = self.parent(read)
            if not isinstance(call, ast.Call) or read not in call.args:
                continue
            if (read.id if isinstance(read, ast.Name) else getattr(read, "attr", None)) != name:
                continue
            if not self.records(call) or any(self.calls_in(f, "no_grad", "inference_mode") for f in self.called(call)):
                return True
        return False

    def backward_target(self, call: ast.Call) -> ast.expr | None:
        """What a backward call backpropagates."""
        return self.evaluator.regions.backward_target(call)

    def spent(self, item: ast.expr) -> bool:
        """Whether a value's graph is consumed by a backward in the same iteration."""
        return self.lifetimes.spent(item)

    def useless_to_backward(self, kept: ast.AST, item: ast.expr, node: ast.AST) -> bool:
        """Whether nothing will backpropagate `item` through what is kept under a name or chain.

        Either no path leads from there to a backward, or the item's graph is consumed in this iteration already.
        """
        key = self.kept_key(kept)
        if key is None:
            return False
        fate = self.lifetimes.fate(key, node)
        return fate is Fate.NEVER or (fate is Fate.UNKNOWN and self.lifetimes.spent(item))

    def kept_key(self, kept: ast.AST) -> str | None:
        """The name or chain at the root of `history["loss"]`, `d.setdefault(k, [])`."""
        return key_of(container_of(kept))

    def never_backpropagated(self, kept: ast.AST, node: ast.AST) -> bool:
        """Whether no path leads from what is kept under a name or chain to a backward."""
        key = self.kept_key(kept)
        return key is not None and self.lifetimes.fate(key, node) is Fate.NEVER

    def backpropagated_later(self, kept: ast.AST, node: ast.AST) -> bool:
        """Whether some path surely leads from what is kept under a name or chain to a backward."""
        key = key_of(kept)
        return key is not None and self.lifetimes.fate(key, node) is Fate.LATER

    # --- what objects come from ---

    def parameter_root(self, node: ast.expr, depth: int = 4) -> str | None:
        """The parameter of the function (not `self`) that an expression is reached from."""
        for name in ast.walk(node):
            if not isinstance(name, ast.Name) or not isinstance(name.ctx, ast.Load):
                continue
            for definition in self.definitions(name):
                if definition.how == "parameter" and definition.key not in ("self", "cls"):
                    return definition.key
                if depth and definition.value is not None and definition.how in ("assign", "for"):
                    if (found := self.parameter_root(definition.value, depth - 1)) is not None:
                        return found
        return None

    def passed(self, function: FunctionNode, call: ast.Call, parameter: str) -> ast.expr | None:
        """What a call passes for a parameter of a function, or of a constructor."""
        for keyword in call.keywords:
            if keyword.arg == parameter:
                return keyword.value
        names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
        index = names.index(parameter) if parameter in names else len(call.args)
        return call.args[index] if index < len(call.args) else None

    def older_than_iterations(self, node: ast.expr, loop: ast.AST, depth: int = 4) -> bool:
        """Whether the object under an expression, such as the `model` of `model.layers[0]`, was made before the iterations of a loop."""
        base: ast.expr = node
        while isinstance(base, (ast.Attribute, ast.Subscript, ast.Call)):
            if isinstance(base, ast.Call) and (
                self.qualified(base.func) is not None
                or (isinstance(base.func, ast.Attribute) and base.func.attr not in knowledge.PART_ACCESSORS)
            ):
                return False  # `nn.Linear(...)`, `factory.make()`: a new one
            base = base.func if isinstance(base, ast.Call) else base.value
        if not isinstance(base, ast.Name):
            return False
        reaching = self.definitions(base)
        if not reaching:
            return self.function(node) is not None  # of the module or an enclosing function
        for definition in reaching:
            if definition.statement is None or definition.statement is loop:
                return False
            if loop in self.ancestors(definition.statement):
                if not depth or definition.value is None or definition.how not in ("assign", "for"):
                    return False
                if not self.older_than_iterations(definition.value, loop, depth - 1):
                    return False
                if isinstance(definition.value, ast.Call) and not isinstance(definition.value.func, ast.Attribute):
                    return False  # made in the iteration
        return True

    def is_module_parameter(self, node: ast.expr) -> bool:
        """Whether an expression is a parameter of a module: `p` of `for p in model.parameters()`, or `model.fc.weight`."""
        match node:
            case ast.Attribute(value=owner, attr="weight" | "bias"):
                return self.is_module(owner)
            case ast.Name():
                found = self.definitions(node)
                return bool(found) and all(
                    d.how == "for"
                    and isinstance(d.value, ast.Call)
                    and isinstance(d.value.func, ast.Attribute)
                    and d.value.func.attr in ("parameters", "named_parameters")
                    for d in found
                )
            case _:
                return False

    def closes_over(self, name: str, node: ast.AST) -> bool:
        """Whether a function made at a node that reads a name keeps its tensor: no global, not bound anew to something without a graph."""
        function = self.function(node)
        bound = self.bindings(function, name)
        later = [d for d in bound if d.statement is not None and self.line(d.statement) > self.line(node)]
        return (
            function is not None
            and bool(bound)
            and not any(d.value is None or self.requires_grad(d.value) is None for d in later)
        )

    def runs_recorded(self) -> bool:
        """Whether modules run again and again while autograd records, as far as the file shows it (if it runs none, they may)."""
        calls = [call for call in self.nodes(ast.Call) if isinstance(call, ast.Call) and self.is_module(call.func)]
        return not calls or any(
            self.records(call)
            and (self.repeats(call) is not None or bool(self.comprehensions(call)))
            and (module := self.some(call.func, "module")) is not None
            and self.trainable(module, call)
            for call in calls
        )

    def hook_registrations(self, function: FunctionNode) -> list[ast.Call]:
        """Calls that register a function, or what a function around it returns, as a hook."""
        names = {getattr(found, "name", None) for found in (function, self.function(function))} - {None}
        return [
            call
            for call in self.calls(*knowledge.HOOK_REGISTRATIONS)
            if any(
                inner is function
                or (isinstance(inner, (ast.Name, ast.Attribute)) and (self.key(inner) or "").rpartition(".")[2] in names)
                for argument in call.args
                for inner in ast.walk(argument)
            )
        ]

    # --- lifetimes ---

    def outlives(self, container: ast.expr, node: ast.AST) -> Lifetime | None:
        """Proof that a container which `node` fills lives on beyond the iteration (or call) of `node`, without a bound in sight."""
        if isinstance(node, ast.AugAssign) and node.target is container:  # `c += [x]` rebinds what it fills
            return self.lifetimes.accumulates(node)
        return self.lifetimes.outlives(container, node)

    def accumulates(self, statement: ast.AugAssign | ast.Assign) -> Lifetime | None:
        """Proof that `total += x` or `total = total + x` adds to a value of an earlier iteration or call."""
        return self.lifetimes.accumulates(statement)

    def addends(self, value: ast.expr, total: str) -> list[ast.expr]:
        """The terms of `total + x`, `a * total + b * x` or `(total * n + x) / (n + 1)` that don't contain the total."""
        if not any(key_of(node) == total for node in ast.walk(value)):
            return [value]
        if not isinstance(value, ast.BinOp):
            return []
        if isinstance(value.op, (ast.Add, ast.Sub)):
            return [*self.addends(value.left, total), *self.addends(value.right, total)]
        if isinstance(value.op, (ast.Mult, ast.Div)):
            scaled = (side for side in (value.left, value.right) if any(key_of(node) == total for node in ast.walk(side)))
            return [term for side in scaled for term in self.addends(side, total)]
        return []

    def keeps(self, method: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> tuple[ast.AST, ast.expr] | None:
        """The place where a method adds a parameter to a total of its object, or to a list of it, as it is; and that total or list."""

        def plain(value: ast.expr) -> bool:
            names = [n for n in ast.walk(value) if isinstance(n, ast.Name) and n.id == parameter]
            calls = any(isinstance(n, (ast.Call, ast.Attribute, ast.Subscript)) for n in ast.walk(value))
            return bool(names) and not calls and all(d.how == "parameter" for n in names for d in self.definitions(n))

        for node in self.nodes_in(method, ast.AugAssign, ast.Assign, ast.Call):
            target: ast.expr | None = None
            if isinstance(node, ast.Assign):
                total = key_of(node.targets[0])
                if total is not None and isinstance(node.value, ast.BinOp):
                    terms = self.addends(node.value, total)
                    if any(key_of(n) == total for n in ast.walk(node.value)) and any(plain(term) for term in terms):
                        target = node.targets[0]
            elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)) and plain(node.value):
                target = node.target
            elif isinstance(node, ast.Call):
                target = next((container for container, item in self.put(node) if plain(item)), None)
            if target is not None and (self.kept_key(target) or "").startswith("self."):
                return node, target
        return None

    def repeated(self, function: FunctionNode) -> bool:
        """Whether a function is called again and again: from a loop in sight, as a hook, or by a framework."""
        return self.lifetimes.repeated(function)[0]

    def repeats(self, node: ast.AST) -> ast.AST | None:
        """What repeats a node: the innermost loop around it, else its function if that is called again and again."""
        loops = self.loops(node)
        if loops:
            return loops[0]
        function = self.function(node)
        return function if function is not None and self.repeated(function) else None

    def repeating_loops(self, node: ast.AST, depth: int = 3) -> Iterator[ast.For | ast.AsyncFor | ast.While]:
        """Loops in sight that repeat a node: those around it, innermost first, else those around the calls of its function."""
        loops = self.loops(node)
        yield from loops
        function = self.function(node)
        if function is not None and depth and not loops:
            for call in self.callers(function):
                yield from self.repeating_loops(call, depth - 1)

    def reached(self, scope: ast.AST) -> list[ast.AST]:
        """A loop or function, and the functions of this file that a run through it may call, however deep."""
        found = [scope]
        for region in found:
            for call in self.nodes_in(region, ast.Call):
                assert isinstance(call, ast.Call)
                found.extend(function for function in self.called(call) if function not in found)
        return found

    def made_in(self, region: ast.AST, node: ast.expr) -> bool:
        """Whether all of the graph of an expression is made in an iteration of a loop (or a call of a function), from data and parameters."""
        return Origin(self, [region]).made(node)

    def is_hook(self, function: FunctionNode) -> bool:
        """Whether a function is registered as a hook of a module, tensor or optimizer."""
        return self.lifetimes.is_hook(function)

    def across(self, lifetime: Lifetime) -> str:
        """The loop of a lifetime in words: "the loop in line 12", "calls of `forward`"."""
        if lifetime.implicit:
            return f"calls of `{getattr(lifetime.loop, 'name', 'this function')}`"
        return f"iterations of the loop in line {self.line(lifetime.loop)}"

    def some(self, node: ast.AST, *kinds: str) -> Obj | None:
        """The first alternative of an expression that is of one of these kinds."""
        return some(self.value(node), *kinds)
