"""The files that an analysis looks at, and where in them a node stands.

`Source` is one parsed version of a file. `Workspace` finds the files that a file imports: by reading them, never by importing.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oakum.semantics.flow import Comprehension, Flow, FunctionNode, Loop, flow_of
from oakum.semantics.values import Value
from oakum.syntax.document import Document
from oakum.syntax.pieces import Piece, Pieces, parent_of, parse

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, ast.ClassDef)
# What an answer rests on that depends on the order of statements, or on the cells that they stand in.
LAYOUT = "<layout>"
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True, eq=False)
class Frame:
    """One activation of a function, or of a module (`function` None).

    `arguments`: what the parameters hold; None in an open frame, where callers in sight and the body itself tell. `recording`:
    whether autograd records when the function is entered (None: ask the callers). `outer`: the frame that holds its free names.
    """

    source: Source
    function: FunctionNode | None
    arguments: dict[str, Value] | None = None
    recording: object = None
    outer: Frame | None = None
    depth: int = 0


class Source:
    """One version of a file with its pieces. Everything here follows from the text alone."""

    def __init__(self, pieces: Pieces, path: Path | None = None) -> None:
        self.pieces = pieces
        self.path = path
        self.document: Document = pieces.document
        self.piece_of_statement: dict[ast.AST, Piece] = {}
        for piece in pieces:
            if piece.statements:
                _ = piece.index  # every node knows its parent from here on
                for statement in piece.statements:
                    self.piece_of_statement[statement] = piece
        self.frame = Frame(self, None)
        self._flow: Flow | None = None
        self.asked: set[str] | None = None
        self._calls: dict[str, list[ast.Call]] = {}
        self._nodes: dict[type[ast.AST], list[ast.AST]] = {}
        self._named: dict[str, list[ast.Name | ast.Attribute]] = {}
        self._bound: frozenset[str] | None = None
        self._aliases: dict[str, set[str]] | None = None

    # --- where ---

    def parent(self, node: ast.AST) -> ast.AST | None:
        return parent_of(node)

    def ancestors(self, node: ast.AST) -> list[ast.AST]:
        found: list[ast.AST] = []
        current = parent_of(node)
        while current is not None:
            found.append(current)
            current = parent_of(current)
        return found

    def piece(self, node: ast.AST) -> Piece | None:
        while (parent := parent_of(node)) is not None:
            node = parent
        return self.piece_of_statement.get(node)

    def function(self, node: ast.AST) -> FunctionNode | None:
        """The innermost function whose body (not its decorators, defaults or bases) holds the node."""
        try:
            return node.function  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
        except AttributeError:
            node.function = found = self._function(node)  # pyright: ignore[reportAttributeAccessIssue]
            return found

    def _function(self, node: ast.AST) -> FunctionNode | None:
        child = node
        while (parent := parent_of(child)) is not None:
            if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and child in parent.body:
                return parent
            if isinstance(parent, ast.Lambda) and child is parent.body:
                return parent
            child = parent
        return None

    def class_of(self, function: ast.AST) -> ast.ClassDef | None:
        """The class whose body holds a method (through `if` and `try`, not through functions)."""
        parent = parent_of(function)
        while parent is not None and not isinstance(parent, SCOPES):
            parent = parent_of(parent)
        return parent if isinstance(parent, ast.ClassDef) else None

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class of the method that holds a node, also through nested functions."""
        current: ast.AST | None = node
        while current is not None:
            if isinstance(current, ast.ClassDef):
                return current
            current = parent_of(current)
        return None

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds a node."""
        current: ast.AST | None = node
        while current is not None and not isinstance(current, ast.stmt):
            current = parent_of(current)
        return current

    def loops(self, node: ast.AST) -> list[Loop | Comprehension]:
        """Loops and comprehensions around a node inside its function, innermost first."""
        found: list[Loop | Comprehension] = []
        child = node
        while (parent := parent_of(child)) is not None and (child is node or not isinstance(child, SCOPES)):
            if isinstance(parent, LOOPS):
                if child in parent.body or (isinstance(parent, ast.While) and child is parent.test):
                    found.append(parent)
            elif isinstance(parent, COMPREHENSIONS):
                first = parent.generators[0]
                if child is not first:
                    found.append(parent)
            child = parent
        return found

    def locate(self, node: ast.AST) -> tuple[int, int]:
        """Start and end offset of a node in the document."""
        piece = self.piece(node)
        if piece is None or not hasattr(node, "lineno"):
            inner = next((child for child in ast.walk(node) if child is not node and hasattr(child, "lineno")), None)
            return self.locate(inner) if inner is not None and piece is not None else (0, 0)
        shift = piece.first_line - piece.parsed_line - 1
        document = self.document
        line, column = node.lineno, node.col_offset  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
        end_line, end_column = node.end_lineno, node.end_col_offset  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
        return (
            document.offset(line + shift, column, "utf-8"),  # pyright: ignore[reportUnknownArgumentType]
            document.offset((end_line or line) + shift, end_column or 0, "utf-8"),  # pyright: ignore[reportUnknownArgumentType]
        )

    def text(self, node: ast.AST) -> str:
        """The source of a node."""
        piece = self.piece(node)
        if piece is not None and piece.broken:
            return ast.unparse(node)
        start, end = self.locate(node)
        return self.document.text[start:end]

    # --- what ---

    def note(self, name: str) -> None:
        """Write down that an answer rests on a name, or on `LAYOUT`."""
        if self.asked is not None:
            self.asked.add(name)

    def nodes(self, kind: type[ast.AST]) -> list[ast.AST]:
        if kind not in self._nodes:
            self._nodes[kind] = [node for piece in self.pieces if piece.statements for node in piece.index.by_type.get(kind, ())]
        return self._nodes[kind]

    def named(self, name: str) -> list[ast.Name | ast.Attribute]:
        """All names and attributes with this last part, reads and bindings."""
        if name not in self._named:
            self._named[name] = [node for piece in self.pieces if piece.statements for node in piece.index.named.get(name, ())]
        return self._named[name]

    def calls(self, name: str) -> list[ast.Call]:
        """All calls of something whose last part is `name`. The name is noted in `asked`."""
        self.note(name)
        if name not in self._calls:
            self._calls[name] = [call for piece in self.pieces if piece.statements for call in piece.index.calls.get(name, ())]
        return self._calls[name]

    def binds(self, name: str) -> bool:
        """Whether anything in the file binds or stores under a name, as a variable or as an attribute. The name is noted in `asked`."""
        if self.asked is not None:
            self.asked.add(name)
        if self._bound is None:
            self._bound = frozenset[str]().union(*(_bound(piece) for piece in self.pieces if piece.statements))
        return name in self._bound

    @property
    def aliases(self) -> dict[str, set[str]]:
        """Other names that the file gives to something, by its last name: by an import's `as`, or by assignment."""
        if self._aliases is None:
            self._aliases = {}
            for piece in self.pieces:
                for name, alias in _aliases(piece) if piece.statements else ():
                    self._aliases.setdefault(name, set()).add(alias)
        return self._aliases

    @property
    def flow(self) -> Flow:
        """The flow of the module's own statements."""
        if self._flow is None:
            self._flow = flow_of(None, [statement for piece in self.pieces for statement in piece.statements])
        return self._flow

    def flow_in(self, function: FunctionNode | None) -> Flow:
        """The flow of a function of this file, kept with its piece."""
        if function is None:
            return self.flow
        piece = self.piece(function)
        if piece is None:
            return flow_of(function)
        flows: dict[ast.AST, Flow] = piece.memo.setdefault("flows", {})  # pyright: ignore[reportAssignmentType]
        if function not in flows:
            flows[function] = flow_of(function)
        return flows[function]


def _bound(piece: Piece) -> frozenset[str]:
    found = piece.memo.get("bound")
    if found is None:
        by_type = piece.index.by_type
        names: set[str] = set()
        for node in (*by_type.get(ast.Name, ()), *by_type.get(ast.Attribute, ())):
            if isinstance(node, (ast.Name, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
                names.add(node.id if isinstance(node, ast.Name) else node.attr)
        for kind, field_name in (*((kind, "name") for kind in SCOPES), (ast.arg, "arg")):
            names.update(getattr(node, field_name, "") for node in by_type.get(kind, ()))
        for node in by_type.get(ast.alias, ()):
            if isinstance(node, ast.alias):
                names.add(node.asname or node.name.partition(".")[0])
        for name in ("setattr", "register_module", "add_module"):
            for call in piece.index.calls.get(name, ()):
                names.update(a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
        found = piece.memo["bound"] = frozenset(names)
    return found  # pyright: ignore[reportReturnType]


def _aliases(piece: Piece) -> frozenset[tuple[str, str]]:
    found = piece.memo.get("aliases")
    if found is None:
        pairs: set[tuple[str, str]] = set()
        for node in (*piece.index.by_type.get(ast.alias, ()), *piece.index.by_type.get(ast.Assign, ())):
            match node:
                case ast.alias(name=name, asname=str(alias)):
                    pairs.add((name.rpartition(".")[2], alias))
                case ast.Assign(targets=targets, value=value):
                    originals = {_last(part) for part in _alternatives(value)} - {""}
                    pairs.update((name, _last(target)) for target in targets for name in originals if _last(target) != name)
                case _:
                    pass
        found = piece.memo["aliases"] = frozenset(pair for pair in pairs if pair[1])
    return found  # pyright: ignore[reportReturnType]


def _alternatives(value: ast.expr) -> Iterator[ast.expr]:
    """What an alias may stand for: `a.f`, `a.f if x else b.g`, `partial(a.f, ...)`."""
    if isinstance(value, (ast.Name, ast.Attribute)):
        yield value
    elif isinstance(value, ast.IfExp):
        yield from (*_alternatives(value.body), *_alternatives(value.orelse))
    elif isinstance(value, ast.Call) and _last(value.func) == "partial" and value.args:
        yield from _alternatives(value.args[0])


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


# Libraries whose meaning is knowledge; a workspace folder of the same name doesn't change it.
LIBRARIES = {
    "torch", "torchvision", "torchaudio", "numpy", "scipy", "pandas", "matplotlib", "tqdm", "tensorflow", "keras", "sklearn", "accelerate",
    "os", "sys", "math", "time", "random", "itertools", "functools", "collections", "typing", "copy", "logging", "argparse", "pathlib",
    "json", "re", "contextlib", "weakref", "gc", "dataclasses", "abc", "enum", "warnings", "datetime", "PIL", "cv2", "gym", "gymnasium", "wandb",
}  # fmt: skip


@dataclass(slots=True)
class Workspace:
    """The files around the one that is analysed. `open_documents` go before the disk. Holds at most `capacity` parsed files.

    `fixed`: nothing changes while it is used (one run of the command line), so that no file is looked at twice. Else `refresh`
    before each analysis lets changes be seen.
    """

    roots: tuple[Path, ...] = ()
    open_documents: dict[Path, Document] = field(default_factory=dict[Path, Document])
    capacity: int = 400
    fixed: bool = False
    _sources: OrderedDict[Path, tuple[object, Source | None]] = field(
        default_factory=OrderedDict[Path, "tuple[object, Source | None]"]
    )
    _checked: set[Path] = field(default_factory=set[Path])
    _found: dict[tuple[str, int, Path], Path | None] = field(default_factory=dict[tuple[str, int, Path], "Path | None"])

    def refresh(self) -> None:
        """Look again at what is on disk from now on."""
        if not self.fixed:
            self._checked.clear()
            self._found.clear()

    def find(self, module: str, level: int, importer: Path | None) -> Path | None:
        """The file of a module named as in `from ..module import x` (`level` dots), seen from the file that imports it."""
        if importer is None or (not level and module.partition(".")[0] in LIBRARIES):
            return None
        key = (module, level, importer)
        if key not in self._found:
            self._found[key] = self._find(module, level, importer)
        return self._found[key]

    def _find(self, module: str, level: int, importer: Path) -> Path | None:
        parts = [part for part in module.split(".") if part]
        if level:
            base = importer.parent
            for _ in range(level - 1):
                base = base.parent
            return _module_file(base, parts)
        if not parts:
            return None
        base = importer.parent
        for _ in range(8):
            if (found := _module_file(base, parts) or _module_file(base / "src", parts)) is not None:
                return found
            if base.parent == base or base in self.roots or (base / ".git").exists() or (base / "pyproject.toml").exists():
                return None
            base = base.parent
        return None

    def parsed(self, document: Document) -> Source:
        """A file that is analysed as it stands on disk: parsed once, for itself and for those that import it."""
        if document.path is not None and not document.cells and (known := self._sources.get(document.path)) is not None:
            if known[1] is not None and known[1].document.text == document.text:
                return known[1]
        source = Source(parse(document), document.path)
        if self.fixed and document.path is not None and not document.cells:
            self._keep(document.path, None, source)
        return source

    def load(self, path: Path) -> Source | None:
        """The parsed file, or None if it can't be read. Read again when it changed."""
        kept = self._sources.get(path)
        if kept is not None and path in self._checked:
            return kept[1]
        self._checked.add(path)
        document = self.open_documents.get(path)
        stamp: object
        if document is not None:
            stamp = document.version, hash(document.text)
        else:
            try:
                status = path.stat()
            except OSError:
                status = None
            if status is None or status.st_size > 2_000_000:
                self._sources.pop(path, None)  # or the next question in this version is answered by what it was
                return None
            stamp = status.st_mtime_ns, status.st_size
        if kept is not None and kept[0] == stamp:
            self._sources.move_to_end(path)
            return kept[1]
        source: Source | None = None
        try:
            document = document or Document(read(path), path)
            source = Source(parse(document), path)
        except (OSError, SyntaxError, UnicodeError, ValueError):
            pass
        self._keep(path, stamp, source)
        return source

    def _keep(self, path: Path, stamp: object, source: Source | None) -> None:
        self._checked.add(path)
        self._sources[path] = stamp, source
        while len(self._sources) > self.capacity:
            self._sources.popitem(last=False)


def read(path: Path) -> str:
    """The text of a Python file, decoded after its BOM or coding cookie, line ends as they are."""
    data = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding)


def _module_file(base: Path, parts: list[str]) -> Path | None:
    target = base.joinpath(*parts)
    for candidate in (target.with_name(target.name + ".py") if parts else None, target / "__init__.py"):
        if candidate is not None and candidate.is_file():
            return candidate
    return None
