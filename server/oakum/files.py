"""Files: which to look at, how to read one, and how to write it back with every byte that no edit touches."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import tokenize
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from oakum import configuration, notebook
from oakum.configuration import ConfigurationError, spec
from oakum.notebook import Notebook, NotebookError, OtherLanguage
from oakum.report import TextEdit
from oakum.syntax.document import PYTHON, Document
from oakum.syntax.edits import apply
from oakum.syntax.scripts import kind_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIXES = (".py", ".ipynb")
_SKIPPED = {
    ".bzr", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".oakum_cache", ".pytest_cache", ".pytype", ".ruff_cache",
    ".svn", ".tox", ".venv", "__pycache__", "__pypackages__", "_build", "build", "dist", "node_modules", "site-packages",
}  # fmt: skip


class FileError(Exception):
    """Why a file can't be read or written, in one line that starts with where."""


class NotPython(FileError):
    """The file is fine, but holds another language."""


# --- reading and writing ---


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read. `text` is all of it; `document` what is analysed, which differs for a notebook."""

    path: Path | None
    text: str
    encoding: str
    document: Document
    notebook: Notebook | None = None

    def edited(self, edits: Sequence[TextEdit]) -> Source:
        """The same file with edits of its document made."""
        if self.notebook:
            return source(self.notebook.replace(edits), self.path, self.encoding)
        return source(apply(self.text, edits), self.path, self.encoding)

    def encoded(self) -> bytes:
        """The file's bytes, its byte order mark included. Raises `FileError`."""
        try:
            return self.text.encode(self.encoding)
        except UnicodeError:
            raise FileError(f"{show(self.path)}: the fixed text can't be written in {self.encoding}") from None


def read(path: Path) -> Source:
    """Read a file. Raises `FileError`."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise FileError(f"{show(path)}: {_reason(error)}") from None
    return decode(data, path)


def decode(data: bytes, path: Path | None) -> Source:
    """A file of these bytes. The encoding is what its coding cookie or byte order mark says. Raises `FileError`."""
    if _script(path):  # the shell stops reading at a null byte, and what is behind it may be anything
        return source(data.partition(b"\0")[0].decode("utf-8", "replace"), path)
    if _is_notebook(path):
        encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    else:
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError as error:
            message = str(error) if "unknown encoding" in str(error) else "not valid utf-8"
            raise FileError(f"{show(path)}: {message}") from None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{show(path)}:{line}: not valid {encoding.removesuffix('-sig')}: {error.reason}") from None
    except (LookupError, UnicodeError):
        raise FileError(f"{show(path)}: {encoding} is no encoding for text") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileError(f"{show(path)}:{line}: a null byte, so this is no source code")
    return source(text, path, encoding)


def source(text: str, path: Path | None, encoding: str = "utf-8") -> Source:
    """A file of this text. Raises `FileError` about a notebook that is none."""
    place = path and path.absolute()
    if not _is_notebook(path):
        return Source(path, text, encoding, Document(text, place, language=_script(path) or PYTHON))
    try:
        book = notebook.read(place, text)
    except OtherLanguage as error:
        raise NotPython(f"{show(path)}: {error}") from None
    except NotebookError as error:
        at = f":{error.line}:{error.column}" if error.line else ""
        raise FileError(f"{show(path)}{at}: {error}") from None
    return Source(path, text, encoding, book.document, book)


def write(old: Source, new: Source) -> None:
    """Put the new text in the old one's place, at once or not at all, with the file's mode. Raises `FileError`."""
    if old.path is None:
        raise ValueError("there is no file to write to")
    target = Path(os.path.realpath(old.path))  # a link stays a link
    data = new.encoded()
    name = None
    try:
        if target.read_bytes() != old.encoded():
            raise FileError(f"{show(old.path)}: left as it is, because it changed meanwhile or is not plain {old.encoding}")
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with open(descriptor, "wb") as file:
            file.write(data)
        shutil.copymode(target, name)
        os.replace(name, target)
    except OSError as error:
        raise FileError(f"{show(old.path)}: can't be written: {_reason(error)}") from None
    finally:
        if name:
            with suppress(OSError):
                os.unlink(name)


@contextmanager
def replacing(path: Path) -> Generator[TextIO, None, None]:
    """A file to write, which is there when all is written, and not at all if that fails. Raises `FileError`.

    What is no plain file, such as `/dev/stderr`, is written as it comes.
    """
    target = Path(os.path.realpath(path))
    name = None
    try:
        if target.exists() and not target.is_file():
            with open(target, "w", encoding="utf-8") as stream:
                yield stream
            return
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        if target.exists():
            shutil.copymode(target, name)
        else:
            os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except OSError as error:
        raise FileError(f"{show(path)}: can't be written: {_reason(error)}") from None
    finally:
        if name:
            with suppress(OSError):
                os.unlink(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def show(path: Path | None) -> str:
    """A path as people read it: from the current folder where it lies below."""
    if path is None:
        return "<stdin>"
    with suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)


def _is_notebook(path: Path | None) -> bool:
    return path is not None and path.suffix == ".ipynb"


def _script(path: Path | None) -> str | None:
    return kind_of(path.name) if path is not None else None


def _reason(error: Exception) -> str:
    return ((error.strerror if isinstance(error, OSError) else None) or str(error)).lower()


# --- finding ---

_Patterns = tuple[str, "GitIgnoreSpec"]  # and the folder that they are relative to


@dataclass(frozen=True, slots=True)
class _Ignored:
    """What is left out: by the `.gitignore` files of a folder and those around it, outermost first, and by the configuration."""

    git: tuple[_Patterns, ...] = ()
    configured: _Patterns | None = None

    @staticmethod
    def around(top: Path) -> _Ignored:
        """What the folders around `top` say: the nearest configuration, and `.gitignore` files of its repository."""
        ignored = _Ignored()
        with suppress(ConfigurationError):
            found = configuration.load(top)
            if found.path:
                ignored = _Ignored(configured=(str(found.path.parent), spec(found.exclude)))
        repository = next((folder for folder in (top, *top.parents) if (folder / ".git").exists()), top)
        for folder in reversed(top.parents):
            if folder.is_relative_to(repository):
                ignored = ignored._with_git(str(folder))
        # What was asked for by name is searched, whatever is said about it.
        return _Ignored() if ignored.leaves_out(str(top) + os.sep) else ignored

    def within(self, folder: str) -> _Ignored:
        """The same with what the files of a folder say."""
        ignored = self._with_git(folder)
        with suppress(ConfigurationError):  # told when a file of the folder is looked at
            if found := configuration.in_folder(Path(folder)):
                return replace(ignored, configured=(folder, spec(found.exclude)))
        return ignored

    def leaves_out(self, path: str) -> bool:
        """Whether a path (a folder's ends in a separator) is left out. The innermost `.gitignore` with a word for it decides."""
        verdicts = (_verdict(path, patterns) for patterns in reversed(self.git))
        by_git = next((verdict for verdict in verdicts if verdict is not None), False)
        return by_git or bool(self.configured and _verdict(path, self.configured))

    def _with_git(self, folder: str) -> _Ignored:
        try:
            lines = Path(folder, ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return self
        return replace(self, git=(*self.git, (folder, spec(tuple(lines)))))


def find(paths: Iterable[str], trouble: Callable[[str, str], None]) -> list[Path]:
    """The files to look at, in order and each once: files as they are given, and the Python files and notebooks of folders.

    What goes wrong is told to `trouble`: how bad it is ("error", "warning"), and what.
    """
    found: dict[str, Path] = {}
    for given in paths:
        if not os.path.isdir(given):
            found.setdefault(os.path.abspath(given), Path(given))
            continue
        top = os.path.abspath(given)
        below = list(_walk(top, _Ignored.around(Path(top)), trouble))
        if not below:
            trouble("warning", f"{given}: no Python files in this folder")
        for path in below:
            found.setdefault(path, Path(path))
    return list(found.values())


def _walk(folder: str, ignored: _Ignored, trouble: Callable[[str, str], None]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            items = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        trouble("error", f"{show(Path(folder))}: {_reason(error)}")
        return
    ignored = ignored.within(folder)
    for item in items:
        if item.is_symlink():
            continue  # its target is found where it lies, and a link to a folder may lead in a circle
        if item.is_dir():
            if not (_is_skipped(item) or ignored.leaves_out(item.path + os.sep)):
                yield from _walk(item.path, ignored, trouble)
        elif (item.name.endswith(SUFFIXES) or kind_of(item.name)) and item.is_file() and not ignored.leaves_out(item.path):
            yield item.path


def _is_skipped(item: os.DirEntry[str]) -> bool:
    """Whether a folder holds no code of the project: by its name, or because it is a virtual environment."""
    return (
        item.name in _SKIPPED
        or item.name.endswith(".egg-info")
        or any(os.path.exists(os.path.join(item.path, mark)) for mark in ("pyvenv.cfg", "conda-meta"))
    )


def _verdict(path: str, patterns: _Patterns) -> bool | None:
    """True: left out, False: explicitly not, None: not mentioned."""
    folder, spec = patterns
    return spec.check_file(path[len(folder.rstrip(os.sep)) + 1 :].replace(os.sep, "/")).include
