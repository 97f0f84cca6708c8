"""What was found in a file is kept, and holds while the file, its settings, Oakum and all that it imports are the same.

The folder may come with a repository that nobody trusts, so that it holds JSON and nothing that is run. What can't be read there is
computed again, and what can't be written there is not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import oakum
from oakum import __version__, catalogue, configuration, files
from oakum.checking import Outcome
from oakum.entry import Entry
from oakum.files import FileError, Source
from oakum.semantics.program import Workspace
from oakum.settings import Settings

FOLDER = ".oakum_cache"
_TOPS = (*configuration.FILES, ".git")
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]*))", re.M)
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Written by Oakum; `oakum clean` removes it.\n"


def folder_around(start: Path) -> Path:
    """Where the cache of a project is: beside its configuration or its `.git`, else right here."""
    start = start.absolute()
    tops = (each for each in (start, *start.parents) if any((each / name).exists() for name in _TOPS))
    return next(tops, start) / FOLDER


def clean(folder: Path) -> bool:
    """Remove a cache; False where there is none. Nothing that Oakum has not marked as its own is touched."""
    if folder.is_symlink() or not (folder / "CACHEDIR.TAG").is_file():
        return False
    shutil.rmtree(folder)
    return True


class Cache:
    """The outcomes of earlier runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._neighbours = _Neighbours()
        self._is_made = False
        self.hits = 0

    def key(self, source: Source, settings: Settings) -> str:
        """Equal for equal grounds. Rules, for that matter, are Oakum's own code and that of every pack."""
        parts = (_code(), str(source.path), source.text, repr(settings), self._neighbours.digest(source))
        return _digest("\0".join(parts))

    def get(self, path: Path, key: str) -> Outcome | None:
        try:
            kept = json.loads(self._file(path).read_bytes())
            if kept["key"] != key:
                return None
            entries = tuple(Entry.from_json(each) for each in kept["entries"])
            outcome = Outcome(path, entries, tuple((kind, message) for kind, message in kept["troubles"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        self.hits += 1
        return outcome

    def put(self, path: Path, key: str, outcome: Outcome) -> None:
        """Keep an outcome, unless it tells of a failure, which may be of the moment."""
        if any(kind != "note" for kind, _ in outcome.troubles):
            return
        kept = {"key": key, "troubles": outcome.troubles, "entries": [each.to_json() for each in outcome.entries]}
        target = self._file(path)
        with suppress(OSError, ValueError):
            self._make()
            target.parent.mkdir(exist_ok=True)
            _write(target, json.dumps(kept).encode("utf-8", "surrogatepass"))

    def _file(self, path: Path) -> Path:
        name = _digest(str(path.absolute()))
        return self._folder / name[:2] / f"{name[2:]}.json"

    def _make(self) -> None:
        if not self._is_made:
            self._folder.mkdir(exist_ok=True)
            for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
                if not (self._folder / name).exists():
                    (self._folder / name).write_text(text, encoding="utf-8")
            self._is_made = True


class _Neighbours:
    """The files of the workspace that a file imports, and those that they import: all that an analysis may look into."""

    def __init__(self) -> None:
        self._workspace = Workspace(fixed=True)
        self._known: dict[Path, tuple[str, frozenset[Path]]] = {}
        self._found: dict[tuple[str, Path], Path | None] = {}

    def digest(self, source: Source) -> str:
        if source.path is None:
            return ""
        start = source.path.absolute()
        todo = list(self._imports(start, source.document.text))
        seen: set[Path] = set()
        while todo:
            path = todo.pop()
            if path not in seen:
                seen.add(path)
                todo.extend(self._look(path)[1])
        return _digest("".join(sorted(self._look(path)[0] for path in seen - {start})))

    def _look(self, path: Path) -> tuple[str, frozenset[Path]]:
        """The digest of a file's path and text, and the files that it imports."""
        if path not in self._known:
            try:
                text = files.read(path).document.text
            except FileError:
                text = ""
            self._known[path] = _digest(f"{path}\0{text}"), frozenset(self._imports(path, text))
        return self._known[path]

    def _imports(self, path: Path, text: str) -> Iterator[Path]:
        for found in _IMPORT.finditer(text):
            for module in _modules(found):
                key = module, path.parent  # files of one folder mean the same by a name
                if key not in self._found:
                    name = module.lstrip(".")
                    self._found[key] = self._workspace.find(name, len(module) - len(name), path)
                if (target := self._found[key]) is not None:
                    yield target


def _modules(found: re.Match[str]) -> Iterator[str]:
    """The modules that an import may mean, with their dots: what stands behind `import` may be one as well."""
    base, names, plain = found.groups()
    for part in (names or plain).strip("() \t").split(","):
        words = part.split()
        if words and not base:
            yield words[0]
        elif words:
            yield f"{base}{'' if base.endswith('.') else '.'}{words[0]}"
    if base:
        yield base


@cache
def _code() -> str:
    """What the answers depend on besides what is asked: the version, and in a checkout the files as they are."""
    modules = {Path(oakum.__file__).parent}
    modules |= {Path(sys.modules[rule.module].__file__ or "").parent for rule in catalogue.rules()}
    stamps = [
        f"{path}\0{status.st_mtime_ns}\0{status.st_size}"
        for folder in sorted(modules)
        for path in sorted(folder.rglob("*.py"))
        if (status := path.stat())
    ]
    return _digest("\0".join([__version__, sys.version, *stamps]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """At once or not at all: another run may be reading."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
