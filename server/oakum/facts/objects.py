"""Questions about objects: their kinds, the names they go by, the calls they come from, the containers they are put into."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from oakum.facts.remembered import remembered
from oakum.facts.syntax import SyntaxFacts
from oakum.knowledge import torch as knowledge
from oakum.semantics.flow import ENTRY, Definition, FunctionNode, container_of, in_order, key_of
from oakum.semantics.functions import is_tensor_in
from oakum.semantics.program import Frame
from oakum.semantics.values import Grad, Obj, Value, only, some

if TYPE_CHECKING:
    from typing_extensions import Self

# Methods that fill a container: looked at before anything is resolved.
FILLING = {"append", "appendleft", "add", "insert", "extend", "update"}


def _is_basic(index: ast.expr) -> bool:
    """Whether an index gives a view: numbers and slices, not a mask or a list."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return all(
        isinstance(part, ast.Slice) or (isinstance(part, ast.Constant) and not isinstance(part.value, str)) for part in parts
    )


class ObjectFacts(SyntaxFacts):
    """What an expression is, and where it comes from."""

    def value(self, node: ast.AST) -> Value:
        """The abstract value of an expression, for what the questions below don't cover. See `oakum.semantics.values`."""
        return self.evaluator.value(node, self.frame(node))

    def some(self, node: ast.AST, *kinds: str) -> Obj | None:
        """The first alternative of an expression that is of one of these kinds."""
        return some(self.value(node), *kinds)

    def has_tensor(self, node: ast.AST) -> bool:
        """Whether a value, or something in it, surely is a tensor or the output of a module."""
        pending = list(self.value(node))
        for obj in pending:
            if obj.kind in ("tensor", "output"):
                return True
            if obj.kind in ("list", "tuple", "dict") and len(pending) < 64:
                parts = [*(obj.items or ()), *(item for _, item in obj.keys or ()), obj.element or ()]
                pending.extend(inner for part in parts for inner in part)
        return False

    def frame(self, node: ast.AST) -> Frame:
        return self.evaluator.frame_at(self.source, node)

    def qualified(self, node: ast.AST) -> str | None:
        """The qualified public name of a library's object that an expression names: `torch.nn.functional.mse_loss`."""
        return self.evaluator.qualified(node, self.frame(node))

    def constant(self, node: ast.AST) -> object:
        """The number or text that an expression surely is, through names; None if it isn't one."""
        value = self.value(node)
        return value[0].constant if len(value) == 1 and value[0].kind in ("number", "string") else None

    def parts(self, node: ast.expr) -> Iterator[Obj]:
        """What an expression may be, and what that was made with: the steps of a pipeline, the estimator of a search."""
        pending, seen = [self.value(node)], set[Obj]()
        while pending:
            for obj in pending.pop(0):
                if obj in seen or len(seen) > 60:
                    continue
                seen.add(obj)
                yield obj
                if obj.kind == "object" and isinstance(obj.node, ast.Call) and obj.frame is not None:
                    positional, named, _ = self.evaluator.arguments(obj.node, obj.frame)
                    pending.extend((*positional, *named.values()))
                pending.extend((*(obj.items or ()), *(value for _, value in obj.keys or ()), obj.element or ()))

    def derives_from(self, obj: Obj) -> list[str]:
        """Qualified names of library classes that a class in sight, or the class of an instance, derives from."""
        if not isinstance(obj.node, ast.ClassDef) or obj.frame is None:
            return []
        return self.evaluator.ancestry(obj.node, obj.frame)[1]

    def runs(self, function: Obj, depth: int = 3) -> Iterator[tuple[str, ast.Call]]:
        """Calls that a run of a function (or of all methods of a class) makes, through functions in sight in any file.

        Each with the qualified name of what is called; of a method that is not in sight the last part after a dot: `.fit`.
        """
        evaluator = self.evaluator
        pending, seen = [(function, depth)], set[ast.AST]()
        while pending:
            obj, left = pending.pop()
            if obj.node is None or obj.node in seen or obj.frame is None:
                continue
            seen.add(obj.node)
            source = obj.frame.source
            if evaluator.touched is not None:
                evaluator.touched(source, obj.node)
            for call in self.nodes_in(obj.node, ast.Call):
                assert isinstance(call, ast.Call)
                value = evaluator.value(call.func, evaluator.frame_at(source, call))
                if len(value) == 1 and value[0].kind == "library":
                    yield value[0].name, call
                elif isinstance(call.func, ast.Attribute) and not any(found.kind in ("function", "class") for found in value):
                    yield f".{call.func.attr}", call
                if left:
                    pending.extend((found, left - 1) for found in value if found.kind in ("function", "method", "class"))
            if isinstance(obj.node, ast.ClassDef):
                methods = [n for n in obj.node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
                pending.extend((Obj("function", m.name, node=m, frame=obj.frame), left) for m in methods)

    def joins(self, function: ast.expr) -> bool:
        """Whether an expression names a function that joins tensors: `torch.cat`, `torch.vstack` ..."""
        return self.qualified(function) in knowledge.JOINS

    def is_kind(self, node: ast.AST, *kinds: str) -> bool:
        """Whether an expression surely is (None apart) of one of these kinds: tensor, module, optimizer, loader, number ..."""
        return only(self.value(node), *kinds)

    def holds_kind(self, node: ast.AST, *kinds: str) -> bool:
        """Whether a tuple, list, dict or set surely holds something of one of these kinds."""

        def held(value: Value, depth: int) -> bool:
            parts = [
                part for obj in value for part in (*(obj.items or ()), *(item for _, item in obj.keys or ()), obj.element or ())
            ]
            return any(only(part, *kinds) or (depth > 0 and held(part, depth - 1)) for part in parts)

        return held(self.value(node), 2)

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

    @remembered
    def maker(self, node: ast.AST, *kinds: str) -> ast.Call | None:
        """The call, maybe of another file, that makes the module, loader or optimizer an expression gives, alone or in a tuple."""
        value = self.value(node)
        found = some(value, *kinds) or some(tuple(obj for pair in value for item in pair.items or () for obj in item), *kinds)
        return found.site if found is not None and isinstance(found.site, ast.Call) else None

    @remembered
    def returned(self, maker: ast.Call) -> bool:
        """Whether the function around a constructor gives the object to its callers, alone or in a tuple."""
        function = self.function(maker)
        returns = (
            [r.value for r in self.nodes_in(function, ast.Return) if isinstance(r, ast.Return) and r.value] if function else []
        )
        given = [obj for value in returns for obj in self.value(value)]
        return any(obj.site is maker or any(o.site is maker for item in obj.items or () for o in item) for obj in given)

    def property_reads(self, node: ast.AST) -> list[ast.Attribute]:
        """Reads in this file of the property that computes a node each time."""
        function = self.function(node)
        if not isinstance(function, ast.FunctionDef) or not any(self.key(d) == "property" for d in function.decorator_list):
            return []
        return [
            read
            for read in self.source.named(function.name)
            if isinstance(read, ast.Attribute) and self.maker(read, "loader", "module") is node
        ]

    def is_size(self, node: ast.AST) -> bool:
        """Whether an expression is a size of a tensor: `x.shape[1]`, `x.size(1)`, `len(x)`."""
        match node:
            case ast.Subscript(value=ast.Attribute(attr="shape")) | ast.Call(func=ast.Attribute(attr="size")):
                return True
            case ast.Call(func=ast.Name(id="len")):
                return True
            case _:
                return False

    def workers(self, loader: ast.Call) -> str | None:
        """The number of worker processes of a loader as its constructor says it, None if there are none as far as is known."""
        given = self.argument(loader, 5, "num_workers")
        here = self.source.piece(loader) is not None
        if isinstance(given, ast.Constant):
            return str(given.value) if given.value else None
        if given is not None:
            none = here and all(obj.kind == "none" or obj.constant == 0 for obj in self.value(given))
            return None if none else ast.unparse(given)
        for keyword in loader.keywords if here else ():
            if keyword.arg is None:
                for obj in self.value(keyword.value):
                    for name, value in obj.keys or ():
                        if name == "num_workers" and not all(number.constant == 0 for number in value):
                            return f"{ast.unparse(keyword.value)}['num_workers']"
        return None

    def is_optimizer(self, node: ast.AST) -> bool:
        return only(self.value(node), "optimizer")

    def has_weights(self, module: Obj, depth: int = 3) -> bool:
        """Whether a module has parameters of its own, as far as is known: not so for activations, pooling and losses."""
        if isinstance(module.node, ast.ClassDef) and module.frame is not None:
            classes, libraries, _ = self.evaluator.ancestry(module.node, module.frame)
            if any(name not in ("torch.nn.Module", "pytorch_lightning.LightningModule", "builtins.object") for name in libraries):
                return True
            for cls, frame in classes:
                for node in ast.walk(cls):
                    if not isinstance(node, ast.Call) or not _is_constructor(node.func):
                        continue
                    if depth and frame.source.enclosing_class(node) is cls:
                        value = self.evaluator.value(node, self.evaluator.frame_at(frame.source, node))
                        made = [obj for obj in value if obj.site is node or obj.node is node]
                        if any(obj.kind == "tensor" and obj.grad is Grad.LEAF for obj in made):
                            return True
                        if any(obj.kind == "module" and self.has_weights(obj, depth - 1) for obj in made):
                            return True
            return False
        last = module.name.rpartition(".")[2]
        if last in ("Sequential", "ModuleList", "ModuleDict") and module.name.startswith("torch.nn."):
            parts = [*(obj for item in module.items or () for obj in item), *(module.element or ())]
            return any(obj.kind == "module" and depth > 0 and self.has_weights(obj, depth - 1) for obj in parts)
        return bool(module.name) and last not in knowledge.PARAMETER_FREE and not last.endswith("Loss")

    def is_pretrained(self, call: ast.Call) -> bool:
        """Whether a call loads a model, tokenizer or processor that somebody trained: from disk or the network, and slowly."""
        name = self.qualified(call.func) or ""
        if name.startswith("transformers.") or isinstance(call.func, ast.Attribute):
            if name.endswith(".from_pretrained") or (
                isinstance(call.func, ast.Attribute) and call.func.attr == "from_pretrained"
            ):
                return True
        weights = [k for k in call.keywords if k.arg in ("pretrained", "weights")]
        given = any(not isinstance(k.value, ast.Constant) or k.value.value not in (None, False) for k in weights)
        return name in knowledge.PRETRAINED or (name.startswith(knowledge.MODEL_MAKERS) and given)

    def bases(self, cls: ast.ClassDef) -> tuple[list[ast.ClassDef], list[str], bool]:
        """Classes in sight that a class derives from (itself first), qualified names of library bases, and whether one is unknown."""
        classes, libraries, unknown = self.evaluator.ancestry(cls, self.frame(cls))
        return [found for found, _ in classes], libraries, unknown

    def is_module_class(self, cls: ast.ClassDef) -> bool:
        return self.evaluator.is_module_class(cls, self.frame(cls))

    def is_function_class(self, cls: ast.ClassDef) -> bool:
        """A `torch.autograd.Function` with a forward and a backward of its own."""
        return any(name in knowledge.FUNCTION_BASES for name in self.evaluator.ancestry(cls, self.frame(cls))[1])

    def is_tensor_of_function(self, node: ast.expr) -> bool:
        """Whether an expression is or holds a tensor that a method of a `torch.autograd.Function` handles, or its context."""
        method = self.function(node)
        cls = self.method_class(method) if method is not None else None
        if cls is None or not isinstance(method, ast.FunctionDef) or not self.is_function_class(cls):
            return False
        return is_tensor_in(node, method, self.source, self.evaluator)

    def holds_tensors(self, cls: ast.ClassDef) -> bool:
        """Whether objects of a class are modules or datasets, or hold tensors, modules or optimizers in their fields."""
        if self.is_module_class(cls) or any(name.rpartition(".")[2].endswith("Dataset") for name in self.bases(cls)[1]):
            return True
        for method in cls.body:
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for node in self.nodes_in(method, ast.Assign, ast.Call):
                    match node:
                        case ast.Assign(targets=[target], value=value) if (key_of(target) or "").startswith("self."):
                            if self.some(value, "tensor", "module", "output", "optimizer") is not None:
                                return True
                            if isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "from_pretrained":
                                return True
                        case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in knowledge.OF_MODULES:
                            if (key_of(owner) or "").startswith("self."):
                                return True
                        case _:
                            pass
        return False

    def trainable(self, module: Obj, node: ast.AST) -> bool:
        """Whether nothing in the file may have frozen a module's parameters."""
        return not self.evaluator.library.frozen(module, self.frame(node))

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

    @remembered
    def callers(self, function: ast.AST) -> list[ast.Call]:
        """Calls in the file that reach a function."""
        return [call for call, _ in self.evaluator.callers(function, self.source)]

    @remembered
    def called(self, call: ast.Call) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Functions of this file that a call may reach (`__init__` isn't among them)."""
        found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else None
        if name is not None and not self.source.binds(name):
            return found  # such as `x.view(...)`: nothing in the file goes by that name
        for obj in self.value(function):
            if obj.kind == "module" and isinstance(obj.node, ast.ClassDef):
                method = self.evaluator.method(obj, "forward")
                node = method.node if method else None
            else:
                node = obj.node if obj.kind in ("function", "method") else None
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and self.source.piece(node) is not None:
                found.append(node)
        return found

    def elsewhere(
        self, call: ast.Call, names: Iterable[str]
    ) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, list[ast.Call], Self]]:
        """Functions of other files that a call reaches through an import, their calls with one of these last names, and facts on them."""
        root: ast.expr = call.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or not any(d.how == "import" for d in self.source.flow.definitions.get(root.id, ())):
            return
        if not all(obj.kind in ("function", "class", "namespace") for obj in self.value(root)):
            return  # most of what is imported comes from libraries
        for obj in self.value(call.func):
            node = obj.node
            if obj.kind == "class" and isinstance(node, ast.ClassDef):
                method = self.evaluator.method(obj, "__init__")
                obj, node = (method, method.node) if method is not None else (obj, node)
            if (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                and obj.frame is not None
                and obj.frame.source is not self.source
            ):
                if self.evaluator.touched is not None:
                    self.evaluator.touched(obj.frame.source, node)
                if any(obj.frame.source.calls(name) for name in names):
                    other = type(self)(obj.frame.source, self.evaluator)
                    yield node, other.calls_in(node, *names), other

    def passed(self, function: FunctionNode, call: ast.Call, parameter: str) -> ast.expr | None:
        """What a call passes for a parameter of a function, or of a constructor."""
        for keyword in call.keywords:
            if keyword.arg == parameter:
                return keyword.value
        names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
        index = names.index(parameter) if parameter in names else len(call.args)
        return call.args[index] if index < len(call.args) else None

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

    def put(self, node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
        """What a call or assignment puts into a container that grows by it: pairs of container and item.

        `c.append(x)`, `c.insert(0, x)`, `c.extend([x])`, `c += [x]`; and, under a key that a loop binds anew, `c[key] = x` and
        `c.update({key: x})`. Not a method in sight that is merely called so.
        """
        if isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Attribute) and node.func.attr in FILLING
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

    def put_under_any_key(self, node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
        """Like `put`, and `c[key] = x` under a key that differs by its meaning: `id(x)`, a counter of steps, the index of a batch."""
        match node:
            case ast.Assign(targets=[ast.Subscript(value=container, slice=key)], value=item) if self.is_ever_new(key):
                yield container, item
            case ast.Assign(
                targets=[ast.Subscript(value=container, slice=ast.Call(func=ast.Name(id="len"), args=[counted]))], value=item
            ) if self.text(counted) == self.text(container):
                yield container, item
            case _:
                yield from self.put(node)

    def is_ever_new(self, key: ast.expr) -> bool:
        """Whether a key differs from call to call by its meaning: an identity, a time, a counter of steps."""
        match key:
            case ast.Call(func=ast.Name(id=name)):
                return name in ("id", "hash")
            case ast.Call(func=ast.Attribute(attr=name)):
                return name in ("time", "perf_counter", "uuid4", "data_ptr")
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return name in knowledge.COUNTERS
            case _:
                return False

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

    def same_storage(self, node: ast.expr, name: str) -> bool:
        """Whether an expression holds the memory of what a name names: the name, a view, a literal container with it."""
        match node:
            case ast.Name(id=found):
                return found == name
            case ast.Attribute(value=value, attr="T" | "mT" | "H" | "data"):
                return self.same_storage(value, name)
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in knowledge.STRICT_VIEWS:
                return self.same_storage(value, name)
            case ast.Subscript(value=value, slice=index) if _is_basic(index):
                return self.same_storage(value, name) and self.is_kind(value, "tensor", "output")
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return any(self.same_storage(element, name) for element in elements)
            case ast.Dict(values=values):
                return any(self.same_storage(value, name) for value in values)
            case _:
                return False

    def binding_at(self, name: str, node: ast.stmt) -> list[Definition]:
        """The bindings of a name, before a statement of the same function, that the statement sees: those since the last one in its block."""
        bound = [d for d in self.bindings(self.function(node), name) if d.how not in ("delete", "reset")]
        before = [d for d in bound if self.line(d.node) < self.line(node)]
        around = {self.parent(node), *self.ancestors(node)}
        sure = [d for d in before if d.statement in around or (d.statement is not None and self.parent(d.statement) in around)]
        return [d for d in before if not sure or self.line(d.node) >= self.line(sure[-1].node)]

    def used_after(self, name: str, node: ast.stmt) -> ast.expr | None:
        """The first read of a name, below a statement in its function, of what the name is bound to at the statement."""
        seen = self.binding_at(name, node)
        end = self.source.locate(node)[1]
        later = [read for read in self.reads(name, node) if self.source.locate(read)[0] > end]
        return next((read for read in later if any(d in seen for d in self.definitions(read))), None)

    def moves_to_gpu(self, node: ast.expr, depth: int = 2) -> bool:
        """Whether an expression, or what a name in it is bound to, is moved to a device other than the CPU: `x.cuda()`, `x.to(device)`."""
        for move in self.calls_in(node, "cuda", "to"):
            given = " ".join(self.text(argument) for argument in (*move.args, *move.keywords))
            if self.calls_in(move, "cuda") == [move] or (("cuda" in given or "dev" in given) and "cpu" not in given):
                return True
        names = [name for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)]
        bound = [d.value for name in names for d in self.definitions(name) if d.how == "assign" and d.value is not None]
        return depth > 0 and any(self.moves_to_gpu(value, depth - 1) for value in bound)

    def kept_key(self, kept: ast.AST) -> str | None:
        """The name or chain at the root of `history["loss"]`, `d.setdefault(k, [])`."""
        return key_of(container_of(kept))


def _is_constructor(function: ast.expr) -> bool:
    """Whether what is called looks like a class, or a maker of a known model."""
    name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    return name[:1].isupper() or name in ("from_pretrained", "from_config", "create_model", "load")
