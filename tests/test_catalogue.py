"""The rules as a whole: codes, names, pages, precedence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest

from oakum import catalogue
from oakum.rule import HEADINGS, Framework, Level, Rule

RULES = catalogue.rules()


def rule(code: str, *, module: str = __name__, yields_to: tuple[str, ...] = ()) -> Rule:
    return Rule(module, code, "Smell", {Framework.TORCH}, Level.WARNING, "Category", "Subcategory", yields_to=yields_to)


def test_no_rule_has_a_problem() -> None:
    assert catalogue.problems() == ()


def test_codes_are_those_of_the_catalogue() -> None:
    codes = [each.code for each in RULES]
    assert codes == sorted(codes)
    assert all(re.fullmatch(r"PT(0[1-9]|[12]\d|30)|TK(0[1-9]|1[0-6])", code) for code in codes)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.name)
def test_rule(each: Rule) -> None:
    assert tuple(re.findall(r"^## (.+)$", re.sub(r"^```.*?^```", "", each.page, flags=re.M | re.S), re.M)) == HEADINGS
    assert all(each.section(heading) for heading in HEADINGS), "an empty heading"
    assert catalogue.find(each.code) is catalogue.find(each.name) is each
    assert each.module.rpartition(".")[2] in catalogue.url(each).replace("-", "_")
    assert catalogue.page(each).startswith(f"# {each.code} {each.smell} ({each.level.value})\n")
    length = len(Path(sys.modules[each.module].__file__ or "").read_text(encoding="utf-8").splitlines())
    assert length <= 260, f"{length} lines with the page: a question is missing on Facts"


def test_check_finds_what_is_wrong() -> None:
    wrong = "\n".join(
        catalogue.check(
            [
                rule("pt1"),
                rule("PT01", yields_to=("PT02",)),
                rule("PT02", yields_to=("PT01",)),
                rule("PT03", yields_to=("hooks",)),
            ]
        )
    )
    assert "pt1" in wrong
    assert "headings" in wrong
    assert "no check is registered" in wrong
    assert "yields to hooks, which is no code" in wrong
    assert "PT01 -> PT02 -> PT01" in wrong


def test_find_and_suggest() -> None:
    assert catalogue.find("PT99") is None
    assert catalogue.suggest("quite something else") is None
    for each in RULES[:1]:
        assert catalogue.find(each.code.lower()) is each
        assert catalogue.find(each.name.replace("-", "_")) is each
        assert catalogue.suggest(each.name[:-2]) == each.name


def test_loading_the_rules_is_fast() -> None:
    code = "import time; t = time.process_time(); from oakum import catalogue; catalogue.rules(); print(time.process_time() - t)"
    seconds = float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert seconds < 1, f"{seconds:.2f} s of CPU"


def test_every_practice_of_the_study_belongs_to_a_rule() -> None:
    practices = tomllib.loads((Path(__file__).parent / "practices.toml").read_text(encoding="utf-8"))
    assert {each.code: list(each.practices) for each in RULES} == practices
    assert (len(practices), sum(map(len, practices.values()))) == (46, 50)
