"""Every section of every rule's page, and what holds for all of them. See `oakum.testing.pages` for how a page is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import TESTS, Section, pages, sections, with_prelude

from oakum import catalogue
from oakum.analysis import analyse
from oakum.rule import Rule
from oakum.syntax.document import Document
from oakum.testing import check_rule, check_section

SECTIONS = [section for page in pages("rules") for section in sections(page)]
RULES = catalogue.rules()


def page_of(rule: Rule) -> Path:
    """`oakum_rules.torch.dead_code` is tested by `tests/rules/torch/dead_code.md`."""
    return TESTS.joinpath("rules", *rule.module.split(".")[1:]).with_suffix(".md")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
def test_section(section: Section, tmp_path: Path) -> None:
    check_section(section, tmp_path)


@pytest.mark.parametrize("folder", sorted({page.parent for page in pages("rules")}), ids=lambda folder: folder.name)
def test_prelude_is_silent(folder: Path) -> None:
    report = analyse(Document(with_prelude("", folder), Path("prelude.py")))
    assert [diagnostic.message for diagnostic in report.diagnostics] == []


@pytest.mark.parametrize("page", pages("rules"), ids=lambda page: page.name)
def test_page_belongs_to_a_rule(page: Path) -> None:
    assert page in [page_of(rule) for rule in RULES]
    titles = [section.title for section in sections(page)]
    assert len(titles) == len(set(titles)), "two sections have one title"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: Rule) -> None:
    page = page_of(rule)
    assert page.exists(), f"{rule.code} needs {page.relative_to(TESTS.parent)}"
    check_rule(rule, page)
