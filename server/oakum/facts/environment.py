"""Questions about the environment of the process: what the program sets there, and whether it is too late."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from oakum.facts.tracing import TracingFacts
from oakum.semantics.flow import FunctionNode, key_of
from oakum.semantics.program import Source


@dataclass(frozen=True, slots=True)
class Setting:
    """One place where a variable of the environment is set."""

    name: str
    value: ast.expr
    node: ast.AST


_PROCESSES = ("subprocess.", "os.exec", "os.system", "os.spawn", "os.popen", "multiprocessing.", "pexpect.")
_STARTING = (
    "run", "Popen", "call", "check_call", "check_output", "getoutput", "system", "popen", "execv", "execve", "execvp", "execvpe", "execl",
    "execle", "spawnv", "spawnl", "Process", "Pool", "spawn",
)  # fmt: skip
_DEVICES = {
    "tensorflow.config.list_physical_devices", "tensorflow.config.experimental.list_physical_devices", "tensorflow.config.list_logical_devices",
    "tensorflow.config.experimental.list_logical_devices", "tensorflow.test.is_gpu_available", "tensorflow.test.gpu_device_name",
    "tensorflow.python.client.device_lib.list_local_devices", "keras.Model.fit", "keras.Model.predict", "keras.Model.evaluate",
}  # fmt: skip


class EnvironmentFacts(TracingFacts):
    """What is set in the environment, and who has read it by then."""

    def environment(self) -> list[Setting]:
        """Where the file sets variables of its process: `os.environ[...] = `, `setdefault`, `update`, `putenv`; in order."""
        if self.source.asked is not None:
            self.source.asked.update(("os.environ", "environ"))
        found: list[Setting] = []
        for node in (*self.nodes(ast.Assign), *self.nodes(ast.AugAssign)):
            match node:
                case ast.AugAssign(target=ast.Subscript(value=owner, slice=ast.Constant(value=str(name))), value=value):
                    if self._is_environment(owner):
                        found.append(Setting(name, value, node))
                case ast.Assign(targets=[ast.Subscript(value=owner, slice=ast.Constant(value=str(name)))], value=value):
                    if self._is_environment(owner):
                        found.append(Setting(name, value, node))
                case _:
                    pass
        for call in self.calls("setdefault", "update", "putenv"):
            match call:
                case ast.Call(func=ast.Attribute(value=owner, attr="setdefault"), args=[ast.Constant(value=str(name)), value]):
                    if self._is_environment(owner):
                        found.append(Setting(name, value, call))
                case ast.Call(func=ast.Attribute(value=owner, attr="update"), args=[ast.Dict(keys=keys, values=values)]):
                    if self._is_environment(owner):
                        for key, value in zip(keys, values, strict=True):
                            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                                found.append(Setting(key.value, value, call))
                case ast.Call(func=ast.Attribute(value=owner, attr="update"), keywords=keywords) if self._is_environment(owner):
                    found.extend(Setting(k.arg, k.value, call) for k in keywords if k.arg is not None)
                case ast.Call(args=[ast.Constant(value=str(name)), value]) if self.qualified(call.func) == "os.putenv":
                    found.append(Setting(name, value, call))
                case _:
                    pass
        return sorted(found, key=lambda setting: self.source.locate(setting.node))

    def _is_environment(self, node: ast.expr) -> bool:
        return (key_of(node) or "").endswith("environ") and self.qualified(node) == "os.environ"

    def environments(self, node: ast.AST) -> list[Setting]:
        """All that is set beside a node: in the process, in the dictionary that an assignment fills, or in a literal one."""
        match node:
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                return [Setting(k.value, v, v) for k, v in pairs if isinstance(k, ast.Constant) and isinstance(k.value, str)]
            case ast.Assign(targets=[ast.Subscript(value=owner, slice=ast.Constant(value=str()))]) if (
                key := key_of(owner)
            ) is not None:
                if not self._is_environment(owner):
                    return self._filled(key, node)
            case _:
                pass
        found = self.environment()
        return found if any(setting.node is node for setting in found) else []

    def _filled(self, key: str, node: ast.AST) -> list[Setting]:
        """What a function puts into a dictionary by assignments."""
        if self.source.asked is not None:
            self.source.asked.add(key)
        found: list[Setting] = []
        for other in self.nodes(ast.Assign):
            match other:
                case ast.Assign(targets=[ast.Subscript(value=owner, slice=ast.Constant(value=str(name)))], value=value):
                    if key_of(owner) == key and self.function(other) is self.function(node):
                        found.append(Setting(name, value, other))
                case _:
                    pass
        return found

    def literal_text(self, node: ast.expr) -> str:
        """The literal parts of a text, through names: `f"{home}/bin:" + path` as far as it is written down."""
        parts: list[str] = []
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                parts.append(part.value)
            elif isinstance(part, ast.Name) and isinstance(text := self.constant(part), str):
                parts.append(text)
        return " ".join(parts)

    def conditional_setting(self, setting: Setting) -> bool:
        """Whether a test decides if a variable is set."""
        return any(
            isinstance(parent, (ast.If, ast.IfExp, ast.Match, ast.ExceptHandler)) for parent in self.ancestors(setting.node)
        )

    def starts_processes(self) -> bool:
        """Whether the file starts other processes, or becomes another program."""
        return any((self.qualified(call.func) or "").startswith(_PROCESSES) for call in self.calls(*_STARTING))

    def imported_before(self, node: ast.AST, packages: Iterable[str]) -> ast.stmt | None:
        """The import that surely has loaded one of these packages when a node runs: above it, or at the top of its file."""
        packages = tuple(packages)
        statement, function = self.statement(node), self.function(node)
        if not packages or statement is None or self._in_worker(function) or self.calls("reload"):
            return None
        if self.source.asked is not None:
            self.source.asked.update(packages)
        early: list[ast.stmt] = []
        for found in (*self.nodes(ast.Import), *self.nodes(ast.ImportFrom)):
            assert isinstance(found, (ast.Import, ast.ImportFrom))
            if self._optional(found) or not self._loads(found, packages):
                continue
            where = self.function(found)
            above = self.source.locate(found) < self.source.locate(statement)
            if where is function:
                if above:
                    early.append(found)
                elif function is not None:
                    return None  # set for this one, which may load the package anew
            elif where is None and function is not None:
                if not any(self.source.locate(call) < self.source.locate(found) for call in self._first_calls(function)):
                    early.append(found)
        return min(early, key=self.source.locate, default=None)

    def _optional(self, found: ast.stmt) -> bool:
        """Whether an import may be left out: for type checkers, or by a test."""
        return any(isinstance(parent, (ast.If, ast.ExceptHandler, ast.ClassDef)) for parent in self.ancestors(found))

    def _in_worker(self, function: FunctionNode | None) -> bool:
        """Whether a function is what another process runs."""
        name = getattr(function, "name", None)
        return name is not None and any(
            keyword.arg in ("target", "initializer") and key_of(keyword.value) == name
            for call in self.calls("Process", "Pool", "ProcessPoolExecutor")
            for keyword in call.keywords
        )

    def _first_calls(self, function: FunctionNode, depth: int = 3) -> Iterator[ast.AST]:
        """The places at the top of the file from which a function is called."""
        for call in self.callers(function):
            outer = self.function(call)
            if outer is None:
                yield call
            elif depth and outer is not function:
                yield from self._first_calls(outer, depth - 1)

    def _loads(self, found: ast.Import | ast.ImportFrom, packages: tuple[str, ...]) -> bool:
        return _loads(found, self.source, packages, self, 3)

    def known_before(self, value: ast.expr, statement: ast.stmt) -> bool:
        """Whether all names that an expression reads are bound above a statement at the top of the file, where it stands too."""
        if self.function(value) is not None or self.parent(statement) is not None:
            return False
        for name in ast.walk(value):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load):
                for definition in self.definitions(name):
                    if definition.statement is None or self.source.locate(definition.statement) >= self.source.locate(statement):
                        return False
        return True

    def device_used_before(self, node: ast.AST, *, by_listing: bool = True) -> ast.Call | None:
        """The call above a node, in its function or at the top of the file, in which TensorFlow surely looks for devices.

        Not `by_listing`: in which it takes them for use; merely to list what is there leaves their settings open.
        """
        function = self.function(node)
        if self._in_worker(function):
            return None
        start = self.source.locate(node)
        for call in self.nodes(ast.Call):
            assert isinstance(call, ast.Call)
            if self.function(call) is not function or self.source.locate(call) >= start or self.conditional(call, node):
                continue
            name = self.tensorflow_name(call.func)
            if name is None or (not by_listing and name.endswith("list_physical_devices")):
                continue
            if (
                name in _DEVICES
                or self.is_session(call)
                or (self.adds_operation(call) and not self.builds_graph(call) and self.is_symbolic(call))
            ):
                if self.evaluator.touched is not None:
                    self.evaluator.touched(self.source, call)
                return call
        return None

    def tensorflow_used_after(self, node: ast.AST) -> bool:
        """Whether something of TensorFlow or Keras is called below a node, in its function or at the top of the file."""
        function, start = self.function(node), self.source.locate(node)
        below = (
            c
            for c in self.nodes(ast.Call)
            if isinstance(c, ast.Call) and self.function(c) is function and self.source.locate(c) > start
        )
        return any(self.tensorflow_name(call.func) is not None for call in below)


def _loads(
    found: ast.Import | ast.ImportFrom, source: Source, packages: tuple[str, ...], facts: EnvironmentFacts, depth: int
) -> bool:
    """Whether an import loads one of some packages: itself, by TensorFlow, or through a file of the workspace."""
    if isinstance(found, ast.Import):
        modules = [(alias.name, 0) for alias in found.names]
    else:
        modules = [(found.module or "", found.level)]
        modules += [(f"{found.module}.{alias.name}" if found.module else alias.name, found.level) for alias in found.names]
    workspace = facts.evaluator.workspace
    for module, level in modules:
        root = module.partition(".")[0]
        if not level and root in packages:
            return True
        if not level and root == "tensorflow" and module.startswith("tensorflow.keras") and "keras" in packages:
            return True
        path = workspace.find(module, level, source.path) if depth else None
        other = workspace.load(path) if path is not None else None
        if other is not None and other is not source:
            inner = [n for kind in (ast.Import, ast.ImportFrom) for n in other.nodes(kind) if other.parent(n) is None]
            if any(isinstance(n, (ast.Import, ast.ImportFrom)) and _loads(n, other, packages, facts, depth - 1) for n in inner):
                return True
    return False
