"""What Oakum knows of values: `reveal(x)  # revealed: TEXT` in the pages under `tests/semantics`."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Section, pages, sections

from oakum.analysis import reveal
from oakum.syntax.document import Document

SECTIONS = [section for page in pages("semantics") for section in sections(page)]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_section(section: Section, tmp_path: Path) -> None:
    assert section.revealed, "no `reveal(...)  # revealed: ...` in this section"
    for name, content in section.files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    found = reveal(Document(section.text, tmp_path / "main.py"))
    wrong = [
        f"{section.place(line)}\n    is: {found.get(line, 'nothing')}"
        for line, text in section.revealed.items()
        if found.get(line) != text
    ]
    assert not wrong, "\n" + "\n".join(wrong)
