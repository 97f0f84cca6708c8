"""A second opinion on what an expression is: jedi, reading bundled stubs of the frameworks.

Own inference answers first, in microseconds. This is for what it leaves open, where a rule would speak if it knew: helper functions
of other files, unusual attributes, inheritance. An answer is believed only if it ends in a kind that the stubs know.

Nothing of a workspace is ever run. Jedi as it comes looks for virtual environments and starts their interpreters, swaps `sys.path`
of the whole process while it searches, imports what it cannot read as source, and unpickles trees from a shared cache. Here it gets a
finder that only reads regular files: the stubs, jedi's own typeshed, and the Python sources next to the file that is asked about. There
is no subprocess, no search along `sys.path`, no import but that of jedi itself, and no cache on disk.
"""

# Jedi has no types to speak of, and what is pinned here is private to it.
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import importlib.util
import os
import queue
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from oakum.knowledge.torch import canonical

STUBS = Path(__file__).parent.parent / "knowledge" / "stubs"

_REMEMBERED = 4096  # answers
_LARGEST = 1_000_000  # bytes of a source file that is read
_KEPT = 8_000  # lines of sources whose trees are kept
_GRAMMAR = (3, 13)  # the newest that jedi's own stubs are written for, whichever Python runs Oakum
# What values of the frameworks are kept in and handed through. The rest of the library gives none, and is long to read.
_STANDARD = {
    "_collections_abc", "_typeshed", "abc", "builtins", "collections", "contextlib", "copy", "dataclasses", "enum", "functools",
    "heapq", "itertools", "operator", "random", "sys", "types", "typing", "typing_extensions", "weakref",
}  # fmt: skip
_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_UNWELCOME = ("jedi", "parso")

Place = tuple[int, int]
"""A line (from 1) and a column (from 0, in code points), as parso counts."""


class Oracle:
    """Answers questions about kinds, one at a time, on a thread of its own."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._worker: _Worker | None = None
        self._stopped: _Worker | None = None
        # An answer, and the budget it took: endless for a true answer, that of the question for one that overran.
        self._memo: OrderedDict[object, tuple[str | None, float]] = OrderedDict()

    def kind(
        self, text: str, line: int, column: int, path: Path | None = None, budget: float = 0.2, *, start: Place | None = None
    ) -> str | None:
        """The qualified kind of the longest expression of `text` that ends at a line (from 1) and column (from 0, in code points).

        With `start`, of the expression that also starts there. A kind is the oldest public ancestor of the value's class that the
        stubs define: "torch.Tensor" for a parameter, "torch.nn.Module" for any layer or model, "torch.optim.Optimizer". None if
        unknown, if the value may be of several kinds, and if no answer came within `budget` seconds. The first question of a process
        pays for importing jedi and reading stubs, about a second; `warm` does so ahead of time.
        """
        deadline = time.monotonic() + budget
        key = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(), line, column, start, path)
        if not self._turn.acquire(timeout=max(budget, 0)):
            return None
        try:
            answer, spent = self._memo.get(key, (None, -1.0))
            if spent >= budget:
                self._memo.move_to_end(key)
                return answer
            worker = self._awake()
            question = _Question(text, (line, column), start, path)
            worker.questions.put(question)
            if question.done.wait(max(deadline - time.monotonic(), 0)):
                return self._remember(key, question.answer, float("inf"))
            if not worker.warm.is_set():  # still reading stubs: leave it at that, and ask again later
                question.dropped = True
                return None
            worker.stop()
            self._worker, self._stopped = None, worker
            return self._remember(key, None, budget)
        finally:
            self._turn.release()

    def warm(self) -> None:
        """Start to import jedi and to read the stubs, without waiting for it."""
        with self._turn:
            self._awake()

    def forget(self) -> None:
        """Drop all answers: a file that other files import has changed."""
        with self._turn:
            self._memo.clear()
            self._dismiss()

    def close(self) -> None:
        """End the thread. A later question starts another."""
        with self._turn:
            self._dismiss()

    def _awake(self) -> _Worker:
        if self._worker is None or not self._worker.is_alive():
            self._worker = _Worker(self._stopped)
            self._worker.start()
        return self._worker

    def _dismiss(self) -> None:
        if self._worker is not None:
            self._worker.questions.put(None)
            self._worker = None

    def _remember(self, key: object, answer: str | None, budget: float) -> str | None:
        self._memo[key] = (answer, budget)
        self._memo.move_to_end(key)
        while len(self._memo) > _REMEMBERED:
            self._memo.popitem(last=False)
        return answer


@dataclass(eq=False)
class _Question:
    text: str
    end: Place
    start: Place | None
    path: Path | None
    done: threading.Event = field(default_factory=threading.Event)
    answer: str | None = None
    dropped: bool = False


class _Overrun(SystemExit):
    """Raised in a worker whose time is over. A thread that ends by `SystemExit` ends quietly, wherever it was."""


# Touches what most questions touch, so that it is parsed before the first of them.
_WARMING = """\
import torch
(1 * 1.0, "", [1], {"": 1})[0]
sum([torch.nn.Linear(1, 1)(torch.zeros(1)) + 1])
torch.optim.lr_scheduler.StepLR(torch.optim.SGD([]), 1)
iter(torch.utils.data.DataLoader(torch.utils.data.TensorDataset()))
"""

# Jedi is not made for several threads.
_ONE_AT_A_TIME = threading.Lock()


class _Worker(threading.Thread):
    """Puts questions to jedi until it is told to stop; once stopped it is thrown away, with all that it was in the middle of."""

    def __init__(self, predecessor: _Worker | None) -> None:
        super().__init__(name="oakum-oracle", daemon=True)
        self._predecessor = predecessor
        self.questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self.warm = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(_Overrun):
            while self._predecessor is not None and self._predecessor.is_alive():
                self._predecessor.stop()  # again: where the interpreter calls back, an exception is lost
                self._predecessor.join(0.05)
            self._predecessor = None
            with _ONE_AT_A_TIME:
                jedi = _connect()
            self.warm.set()
            while (question := self.questions.get()) is not None:
                if jedi is not None and not question.dropped:
                    with _ONE_AT_A_TIME, contextlib.suppress(Exception):  # what jedi stumbles over, it doesn't know
                        question.answer = jedi(question)
                question.done.set()

    def stop(self) -> None:
        """Raise `_Overrun` in the thread at its next step; wake it if it waits."""
        if self.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(_Overrun))
        self.questions.put(None)


def _connect() -> Callable[[_Question], str | None] | None:
    """A fresh line to jedi, warmed up; None where there is none to trust, or another than the one known here."""
    try:
        if not _trusted():
            return None
        ask = _jedi()()
    except Exception:
        return None
    lines = _WARMING.splitlines()
    for line, text in enumerate(lines, 1):
        with contextlib.suppress(Exception):
            ask(_Question(_WARMING, (line, len(text)), None, None))
    _settle()
    return ask


@cache
def _settle() -> None:
    """Take the trees of the stubs out of garbage collection: they stay for good, and scanning them stops all threads for long."""
    gc.collect()
    gc.freeze()


def _trusted() -> bool:
    """Whether `import jedi` gives an installed one, not what lies in the directory where Oakum was started."""
    here = os.getcwd()
    for name in _UNWELCOME:
        if name in sys.modules:
            continue
        found = importlib.util.find_spec(name)  # of a top-level name: nothing is imported
        if found is None or found.origin is None or os.path.dirname(os.path.dirname(os.path.abspath(found.origin))) == here:
            return False
    return True


@cache
def _bundled() -> frozenset[str]:
    """The top-level packages that the stubs describe."""
    return frozenset(entry.name.removesuffix("-stubs") for entry in STUBS.iterdir() if entry.name.endswith("-stubs"))


def _regular(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a plain file of reasonable size: reading a pipe or a device could take for ever."""
    try:
        return os.path.isfile(path) and os.path.getsize(path) <= _LARGEST
    except OSError:
        return False


@dataclass(frozen=True)
class _Home:
    """Where a file belongs: the directory its dotted name starts from, and those where its absolute imports are looked for."""

    root: Path
    roots: tuple[Path, ...]

    @staticmethod
    def of(path: Path | None) -> _Home | None:
        if path is None:
            return None
        base = directory = Path(os.path.abspath(path)).parent
        while os.path.isfile(base / "__init__.py") and base != base.parent:
            base = base.parent
        project = next(
            (up for up in (directory, *directory.parents) if any(os.path.exists(up / name) for name in _MARKERS)), base
        )
        if not base.is_relative_to(project):
            project = base
        source = project / "src"
        root = source if base.is_relative_to(source) else project
        return _Home(root, tuple(dict.fromkeys((base, root, project))))


@cache
def _jedi() -> Callable[[], Callable[[_Question], str | None]]:
    """Import jedi, pin it down, and give a maker of lines to it."""
    import jedi
    import jedi.settings
    from jedi.api.environment import InterpreterEnvironment
    from jedi.file_io import KnownContentFileIO
    from jedi.inference import docstrings, syntax_tree
    from jedi.inference.base_value import NO_VALUES, ValueSet
    from jedi.inference.compiled.access import create_access_path
    from jedi.inference.compiled.subprocess import InferenceStateSameProcess
    from jedi.inference.compiled.subprocess.functions import ImplicitNSInfo
    from jedi.inference.gradual.typeshed import TYPESHED_PATH
    from parso.cache import parser_cache

    jedi.settings.auto_import_modules = []  # would be imported for real
    jedi.settings.dynamic_params_for_other_modules = False  # would read every file of the workspace
    jedi.settings.allow_unsafe_interpreter_executions = False

    def numpydoc() -> Any:
        """Would be imported for real. A fresh error each time: one that is raised again keeps all frames it ever passed."""
        raise ImportError

    docstrings._get_numpy_doc_string_cls = numpydoc

    # Jedi raises the limit for the time of a question and lowers it again, under the feet of other threads.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 6000))

    standard = str(TYPESHED_PATH / "stdlib") + os.sep
    unchanging = (str(STUBS) + os.sep, standard)

    class Finder(InferenceStateSameProcess):
        """Finds modules by looking for files; jedi's own asks the importers of this process."""

        def get_module_info(
            self,
            string: str,
            full_name: str,
            sys_path: Sequence[str] | None = None,
            path: Sequence[str] | None = None,
            is_global_search: bool = True,
        ) -> tuple[Any, bool | None]:
            if path is None:
                if string == "builtins":
                    return None, False
                if string in _bundled() or string in sys.stdlib_module_names:
                    return None, None  # described by stubs alone
                state: Any = self._inference_state_weakref()
                home: _Home | None = state.project.home
                path = [*(map(str, home.roots) if home else ()), *(sys_path or ())]
            portions: list[str] = []
            for directory in path:
                module = os.path.join(directory, string)
                for file, package in ((os.path.join(module, "__init__.py"), True), (module + ".py", False)):
                    if _regular(file):
                        return KnownContentFileIO(file, Path(file).read_bytes()), package
                if os.path.isdir(module):
                    portions.append(module)
            return (ImplicitNSInfo(full_name, portions), True) if portions else (None, None)

        def load_module(self, dotted_name: str, sys_path: Sequence[str]) -> Any:
            """The built-in functions and constants; nothing else is ever imported."""
            if dotted_name != "builtins":
                return None
            return create_access_path(self._inference_state_weakref(), sys.modules["builtins"])

    class Environment(InterpreterEnvironment):
        """This process, without its interpreter's version and path."""

        def __init__(self) -> None:
            super().__init__()
            self.version_info = self.version_info._replace(major=_GRAMMAR[0], minor=_GRAMMAR[1], micro=0)

        def get_inference_state_subprocess(self, inference_state: Any) -> Finder:
            return Finder(inference_state)

        def get_sys_path(self) -> list[str]:
            return []

    class Project(jedi.Project):
        """The stubs are the only path where stubs are looked for; `home` tells the finder where sources are."""

        def __init__(self, home: _Home | None) -> None:
            super().__init__(home.root if home else STUBS, sys_path=[str(STUBS)], smart_sys_path=False)
            self.home = home

        def _get_sys_path(self, inference_state: Any, add_parent_paths: bool = True, add_init_paths: bool = False) -> list[str]:
            # Without parent paths: jedi wants the dotted name of the file that is asked about.
            return [str(STUBS), *([] if add_parent_paths or self.home is None else [str(self.home.root)])]

    class Script(jedi.Script):
        """A text and all that jedi has found out about it."""

        def __init__(self, text: str, path: Path | None) -> None:
            super().__init__(text, path=path, environment=environment, project=Project(_Home.of(path)))
            self._inference_state.parse = self._parse
            prune()

        def _parse(self, *, file_io: Any, **options: Any) -> Any:
            """Parse a module, or take its tree from memory; jedi's own also pickles trees to disk and back."""
            state = self._inference_state
            name = str(file_io.path)
            if name.startswith(standard) and name[len(standard) :].split(os.sep)[0].removesuffix(".pyi") not in _STANDARD:
                raise FileNotFoundError(name)
            if name.startswith(unchanging):
                grammar = state.latest_grammar if options.get("use_latest_grammar") else state.grammar
                if (item := parser_cache.get(grammar._hashed, {}).get(file_io.path)) is not None:
                    item.last_used = time.time()
                    return item.node
            elif not isinstance(file_io, KnownContentFileIO) and not _regular(name):
                raise FileNotFoundError(name)
            tree = type(state).parse(state, file_io=file_io, **{**options, "cache": False})
            if (item := parser_cache.get(state.grammar._hashed, {}).get(file_io.path)) is not None:
                item.last_used = time.time()
            return tree

        def clear(self) -> None:
            """Cut the knots of what was found out, so that it is freed at once."""
            vars(self._inference_state).clear()

        def kind(self, end: Place, start: Place | None) -> str | None:
            node = _expression(self._module_node.get_leaf_for_position(end), end, start)
            if node is None:
                return None
            state = self._inference_state
            state.reset_recursion_limitations()
            context = self._get_module_context().create_context(node)
            binding = node.type == "name" and node.is_definition()
            values = state.infer(context, node) if binding else context.infer_node(node)
            kinds = {_kind(value) for value in values if not _is_none(value)}
            return kinds.pop() if len(kinds) == 1 else None

    environment = Environment()
    operation, pair, sign = syntax_tree._infer_comparison, syntax_tree._infer_comparison_part, syntax_tree.infer_factor

    def operate(context: Any, left: Any, operator: Any, right: Any) -> Any:
        """Jedi takes `unknown is loss` for what is known of it, a tensor."""
        name = operator if isinstance(operator, str) else operator.value
        return NO_VALUES if name in ("in", "not in", "is", "is not") else operation(context, left, operator, right)

    def operate_on(state: Any, context: Any, left: Any, operator: Any, right: Any) -> Any:
        """Jedi takes `2 * loss` for a number, as its left side is, and every comparison for a bool."""
        name = operator if isinstance(operator, str) else operator.value
        if name in ("<", "<=", ">", ">=", "==", "!=") and _kind(left) == _TENSOR:
            return ValueSet([left])
        if _kind(right) == _TENSOR and left.py__class__().py__name__() in ("int", "float", "bool"):
            return ValueSet([right])
        return pair(state, context, left, operator, right)

    def signed(values: Any, operator: str) -> Any:
        """Jedi knows the negative of numbers alone."""
        return ValueSet.from_sets(
            ValueSet([value]) if operator == "-" and _kind(value) == _TENSOR else sign([value], operator) for value in values
        )

    syntax_tree._infer_comparison, syntax_tree._infer_comparison_part, syntax_tree.infer_factor = operate, operate_on, signed

    def prune(lines: int = _KEPT) -> None:
        """Forget the trees of sources, the longest unused first: what is kept is scanned by every full garbage collection."""
        sources = [
            (item.last_used, trees, path)
            for trees in parser_cache.values()
            for path, item in trees.items()
            if not str(path).startswith(unchanging)
        ]
        for _, trees, path in sorted(sources, key=lambda source: source[0], reverse=True):
            lines -= len(trees[path].lines)
            if lines < 0:
                del trees[path]

    def line() -> Callable[[_Question], str | None]:
        prune(0)  # an overrun may have left a tree half updated
        last: tuple[str, Path | None, Script] | None = None

        def ask(question: _Question) -> str | None:
            nonlocal last
            if last is None or last[:2] != (question.text, question.path):
                if last is not None:
                    last[2].clear()
                last = (question.text, question.path, Script(question.text, question.path))
            return last[2].kind(question.end, question.start)

        return ask

    return line


_TENSOR = "torch.Tensor"
_EXPRESSIONS = {
    "name", "number", "string", "strings", "fstring", "keyword", "atom", "atom_expr", "power", "factor", "term", "arith_expr",
    "shift_expr", "and_expr", "xor_expr", "expr", "comparison", "not_test", "and_test", "or_test", "test", "lambdef", "namedexpr_test",
}  # fmt: skip


def _expression(leaf: Any, end: Place, start: Place | None) -> Any:
    """The longest expression that ends at a place, and starts at `start` if that is given."""
    found = None
    node = leaf
    while node is not None and node.end_pos == end and (node.type in _EXPRESSIONS or node.type in ("trailer", "operator")):
        if node.type in _EXPRESSIONS and (start is None or node.start_pos == start) and not _is_part(node):
            found = node
        node = node.parent
    return found


def _is_part(node: Any) -> bool:
    """Whether a name is but the attribute in `value.attribute`."""
    return node.type == "name" and node.parent.type == "trailer" and node.parent.children[0] == "."


def _is_none(value: Any) -> bool:
    return bool(value.is_compiled()) and value.py__class__().py__name__() == "NoneType"


def _kind(value: Any) -> str | None:
    """The oldest public ancestor of an instance's class that the stubs define."""
    if not value.is_instance():
        return None
    return next(iter(reversed(list(_known(value.py__class__().py__mro__())))), None)


def _known(classes: Iterable[Any]) -> Iterator[str]:
    for cls in classes:
        module = cls.get_root_context().get_value()
        names = cls.get_qualified_names()
        file = module.py__file__()
        if names and file is not None and Path(file).is_relative_to(STUBS):
            name = ".".join((module.py__name__(), *names))
            if "._" not in name:
                yield canonical(name)
