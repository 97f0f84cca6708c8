"""Where something stands, in the editor's words: uris, versions, lines and columns in its encoding."""

from __future__ import annotations

import bisect
import os
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls import uris

from oakum.syntax.document import Document


@dataclass(frozen=True, slots=True)
class Part:
    """A text that the editor has open: a whole file, or a cell of a notebook; `first_line` is its place in the document."""

    uri: str
    version: int | None
    first_line: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One version of a document, and the part or parts that the editor knows it by."""

    document: Document
    parts: tuple[Part, ...]
    encoding: str

    def locate(self, start: int, end: int) -> tuple[Part, types.Range]:
        """The part that holds `start`, and a range of it: what reaches into the next part is cut off."""
        line, column = self.document.line_column(start, self.encoding)
        index = max(bisect.bisect_right([part.first_line for part in self.parts], line) - 1, 0)
        part = self.parts[index]
        end_line, end_column = self.document.line_column(end, self.encoding)
        if end_line > (last := self._last_line(index)):
            end_line, end_column = self.document.line_column(self._end_of(last), self.encoding)
        return part, types.Range(
            types.Position(line - part.first_line, column),
            types.Position(end_line - part.first_line, end_column),
        )

    def offset(self, uri: str, position: types.Position) -> int | None:
        """Where a position of a part lies in the document; None if the document has no such part."""
        for index, part in enumerate(self.parts):
            if part.uri == uri:
                line, last = part.first_line + max(position.line, 0), self._last_line(index)
                return self._end_of(last) if line > last else self.document.offset(line, position.character, self.encoding)
        return None

    def elsewhere(self, document: Document) -> Source:
        """Another document, as an editor finds it on disk; itself where it is the same text.

        A piece that is remembered from an earlier version names that version.
        """
        if document is self.document or document.path == self.document.path:
            return self
        uri = uris.from_fs_path(str(document.path)) if document.path else None
        return Source(document, (Part(uri or "", None),), self.encoding)

    def _last_line(self, index: int) -> int:
        return self.parts[index + 1].first_line - 1 if index + 1 < len(self.parts) else len(self.document.line_starts) - 1

    def _end_of(self, line: int) -> int:
        return self.document.line_starts[line] + len(self.document.line_text(line))


def path_of(uri: str) -> Path | None:
    """The file behind a uri; None for what is on no disk (`untitled:`, `git:`) or can't be a path."""
    path = uris.to_fs_path(uri)
    if not path or "\0" in path or not os.path.isabs(path):
        return None
    return Path(path)
