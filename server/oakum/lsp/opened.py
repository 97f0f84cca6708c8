"""A file or a notebook that the editor has open."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from oakum import notebook
from oakum.analysis import Memory
from oakum.lsp.places import Part, Source, path_of
from oakum.report import Diagnostic, Report
from oakum.semantics.program import Workspace
from oakum.settings import Settings
from oakum.syntax.document import PYTHON, Document
from oakum.syntax.scripts import LANGUAGES, kind_of

_PYTHON = frozenset({"python", "ipython", ""})


@dataclass(slots=True)
class Text:
    """A text that the editor has open."""

    uri: str
    language: str
    version: int | None
    text: str

    @staticmethod
    def of(item: types.TextDocumentItem) -> Text:
        return Text(item.uri, str(getattr(item.language_id, "value", item.language_id)).lower(), item.version, item.text)

    @staticmethod
    def untold(uri: str) -> Text:
        """A cell that the editor counts and doesn't show, such as one of Markdown."""
        return Text(uri, "unknown", None, "")

    @property
    def is_python(self) -> bool:
        return self.language in _PYTHON


class Opened:
    """A file or a notebook that is open. `revision` counts whatever makes an analysis out of date."""

    def __init__(self, uri: str, texts: list[Text], workspace: Workspace, *, is_notebook: bool, encoding: str) -> None:
        self.uri = uri
        self.path: Path | None = path_of(uri)
        self.texts = texts
        self.version: int | None = None
        self.is_notebook = is_notebook
        self.revision = 0
        self.memory = Memory(workspace)
        self.settings: Settings | None = None  # those that the memory was made with
        self.rests_on: frozenset[Path] = frozenset()  # other files that the last analysis looked into
        self.held: dict[int, Diagnostic] = {}  # findings of the last report, by id, with those of their fixes that hold
        self.analysis: asyncio.Task[Report | None] | None = None
        self.said: Report | None = None  # the last that is known, of this version or an earlier one
        self.timer: asyncio.TimerHandle | None = None
        self._encoding = encoding
        self._source: Source | None = None

    @property
    def is_read(self) -> bool:
        """Whether it is in a language that Oakum reads: Python, or a script that starts Python."""
        return self.is_notebook or self.texts[0].is_python or self.script is not None

    @property
    def script(self) -> str | None:
        """The kind of script that it is by its language, or else by its name."""
        text = self.texts[0]
        named = kind_of(self.path.name) if self.path is not None and not text.is_python else None
        return LANGUAGES.get(text.language, named)

    @property
    def source(self) -> Source:
        """The newest version, made when it is first asked for: an editor may send many changes in a row."""
        if self._source is None:
            if self.is_notebook:
                cells = [(number, text) for number, text in enumerate(self.texts, 1) if text.is_python]
                document = notebook.join([(number, text.text) for number, text in cells], self.path, self.version)
                parts = [
                    Part(text.uri, text.version, cell.first_line) for (_, text), cell in zip(cells, document.cells, strict=True)
                ]
            else:
                text = self.texts[0]
                document = Document(text.text, self.path, text.version, language=self.script or PYTHON)
                parts = [Part(text.uri, text.version)]
            self._source = Source(document, tuple(parts), self._encoding)
        return self._source

    @property
    def words(self) -> set[str]:
        """All that may be the name of a file that this one imports."""
        return set(re.findall(r"\w+", self.source.document.text))

    def outdate(self) -> None:
        """What is known, or is being found out, is of the past."""
        self.revision += 1
        self.analysis = None
        self.held = {}
        self._source = None
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def forget(self) -> None:
        """Remember nothing: what was may be the reason for a failure, or rest on other settings."""
        self.memory = Memory(self.memory.workspace)
        self.said = None
