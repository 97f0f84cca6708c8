"""What holds for each rule of the pack and each section of its page. `oakum.testing.pages` tells how a page is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from oakum import catalogue
from oakum.testing import Section, check_rule, check_section, sections

HERE = Path(__file__).parent
PAGES = sorted(HERE.glob("*.md"))
RULES = [rule for rule in catalogue.rules() if rule.module.startswith("oakum_example.")]


@pytest.mark.parametrize("section", [section for page in PAGES for section in sections(page)], ids=lambda section: section.id)
def test_section(section: Section, tmp_path: Path) -> None:
    check_section(section, tmp_path)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: catalogue.Rule) -> None:
    check_rule(rule, HERE / f"{rule.module.rpartition('.')[2]}.md")


def test_the_pack_is_installed_and_has_no_problem() -> None:
    assert [rule.code for rule in RULES] == ["EX01"]
    assert catalogue.problems() == ()
