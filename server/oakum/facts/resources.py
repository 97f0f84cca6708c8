"""Questions about what must be released: files, writers, pools, and what becomes of them."""

from __future__ import annotations

import ast
from functools import cached_property

from oakum.facts.lifetimes import LifetimeFacts
from oakum.knowledge import objects, tensorflow
from oakum.knowledge.objects import Resource
from oakum.rule import AddImport, Delete, Enclose, Fix, Operation, Safety
from oakum.semantics.flow import key_of
from oakum.semantics.ownership import Owned, Ownership
from oakum.semantics.repetition import Again

_KINDS = ("object", "summary-writer", "tf-file")


class ResourceFacts(LifetimeFacts):
    """What is opened, and who closes it."""

    @cached_property
    def ownership(self) -> Ownership:
        return Ownership(self.evaluator, self.source, self.lifetimes)

    def resource(self, node: ast.AST) -> Resource | None:
        """What an expression surely opened that must be released: a file, a writer, a pool."""
        value = self.value(node)
        return objects.RESOURCES.get(value[0].name) if len(value) == 1 and value[0].kind in _KINDS else None

    def owned(self, made: ast.expr, resource: Resource) -> Owned:
        """What becomes of a resource that an expression of this file opens."""
        return self.ownership.owned(made, resource.releases)

    def closes_contents(self, container: ast.expr, resource: Resource) -> bool:
        """Whether somebody may release what a container holds: closes its elements, or is handed the whole."""
        key = self.kept_key(container)
        return key is None or self.ownership.contents_released(key, container, resource.releases)

    def opened_again(self, node: ast.AST) -> Again | None:
        """Proof that a node runs again and again, also as a method that Keras calls in each epoch."""
        return self.again(node, called=frozenset(tensorflow.REPEATED_METHODS))

    def iterated(self, node: ast.AST) -> ast.expr | None:
        """The dataset whose iterator an expression surely is, where it is made in this file: the `ds` of `iter(ds)`."""
        value = self.value(node)
        if len(value) != 1 or value[0].kind != "dataset-iterator":
            return None
        match value[0].node:
            case ast.Call(func=ast.Name(id="iter"), args=[dataset]) if self.statement(dataset) is not None:
                return dataset
            case ast.Call(func=ast.Attribute(value=dataset, attr="as_numpy_iterator" | "__iter__")) if (
                self.statement(dataset) is not None
            ):
                return dataset
            case _:
                return None

    def span_of_use(self, owned: Owned) -> tuple[ast.stmt, ast.stmt, list[ast.stmt]] | None:
        """The first and last statement to put into a `with` of a resource, and the releases in its block that it then needs no more.

        None where the resource isn't bound by a plain assignment, or is used outside of the statements that follow that in its block.
        """
        if not isinstance(owned.binding, ast.Assign) or owned.uses is None:
            return None
        block = self.block(owned.binding)
        start = last = block.index(owned.binding)
        for use in (*owned.uses, *owned.closes):
            around = [use, *self.ancestors(use)]
            place = next((n for n, statement in enumerate(block) if statement in around), -1)
            if place <= start:
                return None
            last = max(last, place)
        closing = [statement for close in owned.closes if isinstance(statement := self.parent(close), ast.Expr)]
        if len(closing) < len(owned.closes) or any(statement not in block for statement in closing):
            return None
        while last > start and block[last] in closing:
            last -= 1
        inside = block[start + 1 : last + 1]
        yields = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for statement in inside for part in ast.walk(statement))
        return None if yields or not inside else (inside[0], inside[-1], list[ast.stmt](closing))

    def enclosed(self, made: ast.Call, owned: Owned, resource: Resource) -> tuple[Fix, ...]:
        """The fix that puts all uses of a resource into a `with`, where they stand in the block that opens it."""
        text, found = self.text(made), self.span_of_use(owned)
        if found is None or "\n" in text or not isinstance(owned.binding, ast.Assign) or owned.binding.value is not made:
            return ()
        first, last, closing = found
        operations: list[Operation] = [Delete(statement) for statement in (owned.binding, *closing)]
        if not resource.entered:
            if "close" not in resource.releases:
                return ()
            text = f"contextlib.closing({text})"
            operations.append(AddImport("import contextlib"))
        operations.append(Enclose(first, last, f"with {text} as {owned.key}:"))
        safety = Safety.REVIEW if resource.kind == "pool" else Safety.SAFE  # leaving a pool ends work that nobody waited for
        return (Fix.of(f"Close `{owned.key}` by a `with`", *operations, safety=safety),)

    def used_by_method(self, name: ast.Name) -> bool:
        """Whether a method of what a name holds is called, or it is passed to a library's function: a lazy image is loaded by that."""
        mine = set(self.definitions(name))
        for read in self.reads(name.id, name):
            parent = self.parent(read)
            if read is name or mine.isdisjoint(self.definitions(read)):
                continue
            if isinstance(parent, ast.Attribute) and isinstance(call := self.parent(parent), ast.Call) and call.func is parent:
                return True
            if (
                isinstance(parent, ast.Call)
                and parent.func is not read
                and self.qualified(parent.func) not in ("builtins.print", "builtins.len")
            ):
                return True
        return False

    def closes_elements(self, target: ast.expr, resource: Resource) -> bool:
        """Whether somebody releases what a list holds that a comprehension makes for a name."""
        key = self.kept_key(target)
        return key is not None and self.ownership.elements_released(key, resource.releases)

    def only_iterated(self, container: ast.expr) -> bool:
        """Whether a container is filled, measured and gone through, and never used as a whole."""
        key = self.kept_key(container)
        return key is not None and all(self._is_iteration(read) for read in self.reads(key, container))

    def _is_iteration(self, read: ast.expr) -> bool:
        match self.parent(read):
            case ast.Attribute(attr="append"):
                return True
            case ast.For(iter=iterable) | ast.comprehension(iter=iterable):
                return iterable is read
            case ast.Call(func=ast.Name(id="len")):
                return True
            case ast.Call(func=ast.Name(id="enumerate" | "tqdm")) as call:
                return self._is_iteration(call)
            case _:
                return False

    def elements_read(self, container: ast.expr) -> list[ast.Attribute]:
        """Attributes that the file reads of what a container holds: `xs[0].a`, `x.a` of `for x in xs`."""
        key = self.kept_key(container)
        if key is None:
            return []
        found: list[ast.Attribute] = []
        for node in self.nodes(ast.Attribute):
            if isinstance(node, ast.Attribute) and key_of(node.value) != key and self.ownership.comes_from(node.value, key):
                found.append(node)
        return found

    def only_filled(self, container: ast.expr) -> bool:
        """Whether nobody reads what a container is filled with."""
        key = self.kept_key(container)
        reads = self.reads(key, container) if key is not None else []
        return bool(reads) and all(
            isinstance(parent := self.parent(read), ast.Attribute) and parent.attr == "append" for read in reads
        )
