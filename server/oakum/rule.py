"""What a rule is made of: `Rule`, `Finding`, `Fix` and the edits a fix consists of.

A rule module imports this, `oakum.facts` and `ast`, and nothing else of Oakum.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import UnionType

if typing.TYPE_CHECKING:
    from oakum.facts import Facts


class Framework(enum.Enum):
    """A library whose import switches a rule on. The value names its top-level packages."""

    TORCH = ("torch", "pytorch_lightning", "lightning", "accelerate", "transformers", "torchvision", "ignite", "timm")
    TENSORFLOW = ("tensorflow", "tensorflow_hub", "tf_slim", "tf_keras")
    KERAS = ("keras", "keras_tuner", "scikeras", "tensorflow", "tf_keras")


class Level(enum.Enum):
    """How loudly a form of a smell is reported. `OFF` forms show with `--select` only."""

    WARNING = "warning"
    INFORMATION = "information"
    HINT = "hint"
    OFF = "off"


class Safety(enum.Enum):
    """`SAFE`: the program's meaning can't change. `REVIEW`: read it before you keep it."""

    SAFE = "safe"
    REVIEW = "review"


# --- edits: what a fix does, in terms of nodes; `oakum.syntax.edits` turns them into text ---


@dataclass(frozen=True, slots=True, eq=False)
class Replace:
    """Put `text` in the place of `node`."""

    node: ast.AST
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Append:
    """Add `text` (such as `.detach()`) behind an expression, in parentheses where its operator binds weaker."""

    node: ast.expr
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Delete:
    """Remove a whole statement with its line; writes `pass` where a block would be left empty."""

    statement: ast.stmt


@dataclass(frozen=True, slots=True, eq=False)
class RemoveArgument:
    """Remove one argument (a value in `call.args`, or a keyword) of a call, with its comma."""

    call: ast.Call
    argument: ast.expr | ast.keyword


@dataclass(frozen=True, slots=True, eq=False)
class InsertBefore:
    """Insert lines before a statement (above its decorators), at its indentation."""

    statement: ast.stmt
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class InsertAfter:
    """Insert lines after a statement, at its indentation."""

    statement: ast.stmt
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Enclose:
    """Put `header` (such as `with torch.no_grad():`) above the statements `first` to `last` of one block and indent them."""

    first: ast.stmt
    last: ast.stmt
    header: str


@dataclass(frozen=True, slots=True, eq=False)
class Unwrap:
    """Replace a compound statement (a `with`) by its body, one level less indented."""

    statement: ast.With | ast.AsyncWith


@dataclass(frozen=True, slots=True, eq=False)
class Decorate:
    """Write `@text` directly above `def`, below decorators that are there."""

    function: ast.FunctionDef | ast.AsyncFunctionDef
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Undecorate:
    """Remove a decorator with its line."""

    function: ast.FunctionDef | ast.AsyncFunctionDef
    decorator: ast.expr


@dataclass(frozen=True, slots=True, eq=False)
class AddImport:
    """Add an import line behind the file's imports, unless it is there already."""

    line: str


Operation = (
    Replace | Append | Delete | RemoveArgument | InsertBefore | InsertAfter | Enclose | Unwrap | Decorate | Undecorate | AddImport
)


@dataclass(frozen=True, slots=True, eq=False)
class Fix:
    """One mend: a title in the imperative, and the operations that are applied together."""

    title: str
    operations: tuple[Operation, ...]
    safety: Safety = Safety.REVIEW

    @staticmethod
    def of(title: str, *operations: Operation, safety: Safety = Safety.REVIEW) -> Fix:
        return Fix(title, operations, safety)

    @staticmethod
    def call_method(node: ast.expr, method: str, *, title: str, safety: Safety = Safety.REVIEW) -> Fix:
        """`node` -> `node.method()`."""
        return Fix(title, (Append(node, f".{method}()"),), safety)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A related place: a node of this file (or another, with its module) and what it has to do with the finding."""

    node: ast.AST
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One thing to say at `node`.

    `message`: first sentence at most 100 characters, in the user's own names; what to do comes second.
    `fixes`: best first. `related`: the proof, as places. `covers`: nodes inside which findings of rules that
    yield to this one are the same root cause and stay unsaid.
    """

    node: ast.AST
    message: str
    fixes: tuple[Fix, ...] = ()
    related: tuple[Place, ...] = ()
    covers: tuple[ast.AST, ...] = ()


Check = Callable[[typing.Any, "Facts"], Iterator[Finding]]


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One form of a smell: a check with its level and the node types it looks at; of calls, maybe only those of certain names."""

    name: str
    level: Level
    nodes: tuple[type[ast.AST], ...]
    check: Check
    calls: frozenset[str] | None = None


HEADINGS = ("Why", "Bad", "Good", "Fix", "Silent when", "Evidence")


@dataclass(slots=True, eq=False)
class Rule:
    """A smell of the catalogue. The module's docstring is its page, see `HEADINGS`.

    `module`: pass `__name__`; the last part is the rule's name. `fix`: the most trusting safety that any of
    its fixes may declare, None if there is no fix. `yields_to`: codes of rules that speak in its stead where both
    describe the same statement.
    """

    module: str
    code: str
    smell: str
    frameworks: frozenset[Framework] | set[Framework]
    level: Level
    category: str
    subcategory: str
    practices: tuple[str, ...] = ()
    fix: Safety | None = None
    yields_to: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()
    forms: list[Form] = field(default_factory=list[Form])

    @property
    def name(self) -> str:
        """The module's name with dashes: `unreleased-tensor-references`."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def page(self) -> str:
        """The rule's page, Markdown: the module's docstring."""
        return inspect.cleandoc(sys.modules[self.module].__doc__ or "")

    @property
    def summary(self) -> str:
        return self.page.partition("\n")[0]

    def section(self, heading: str) -> str:
        """The text under one of `HEADINGS`, or an empty string."""
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.page, re.M | re.S)
        return found[1].strip() if found else ""

    @typing.overload
    def check(self, function: Check, /) -> Check: ...
    @typing.overload
    def check(self, /, *, level: Level | None = None, calls: Iterable[str] | None = None) -> Callable[[Check], Check]: ...
    def check(
        self, function: Check | None = None, /, *, level: Level | None = None, calls: Iterable[str] | None = None
    ) -> typing.Any:
        """Register a check. The annotation of its first parameter names the node types that it is asked about.

        `calls`: of `ast.Call`, it is asked about those of a function or method with one of these last names only, or of something
        that the file names otherwise (`from itertools import cycle as again`). What most calls aren't costs nothing then.
        """

        def register(check: Check) -> Check:
            hint = typing.get_type_hints(check)[next(iter(inspect.signature(check).parameters))]
            nodes = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
            name = check.__name__.replace("_", "-")
            form = Form(name, level or self.level, nodes, check, frozenset(calls) if calls is not None else None)
            self.forms.append(form)
            return check

        return register(function) if function else register


def places(*pairs: tuple[ast.AST | None, str]) -> tuple[Place, ...]:
    """Related places out of (node, message) pairs; a missing node is left out."""
    return tuple(Place(node, message) for node, message in pairs if node is not None)


__all__ = [
    "HEADINGS", "AddImport", "Append", "Check", "Decorate", "Delete", "Enclose", "Finding", "Fix", "Form", "Framework",
    "InsertAfter", "InsertBefore", "Level", "Operation", "Place", "RemoveArgument", "Replace", "Rule", "Safety", "Undecorate", "Unwrap",
    "places",
]  # fmt: skip
