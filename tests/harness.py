"""The pages of this project's own tests. `oakum.testing.pages` tells how a page is written."""

from __future__ import annotations

from pathlib import Path

from oakum.testing.pages import Expectation, Section, blocks, sections, with_prelude

__all__ = ["TESTS", "Expectation", "Section", "blocks", "pages", "sections", "with_prelude"]

TESTS = Path(__file__).parent


def pages(folder: str) -> list[Path]:
    return sorted((TESTS / folder).rglob("*.md"))
