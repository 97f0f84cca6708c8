"""The formats for programs and services, each held to what its readers demand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from oakum.output import FORMATS

CODE = "import torch\n\nleak(x)\nrisk(y)\nif x:\n    risk(z)\n    risk(z)\n"
SARIF = json.loads((Path(__file__).parent / "schemas/sarif-2.1.0.json").read_text())
# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    cells = [{"cell_type": "code", "source": "import torch"}, {"cell_type": "code", "source": "\nleak(x)"}]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": cells}))
    return path


def shown(run: Any, name: str, *arguments: str) -> str:
    status, out, err = run("check", f"--output-format={name}", *arguments)
    assert (status, err) == (1, "")
    return out


def test_sarif_is_valid_and_whole(run: Any, code: Path) -> None:
    content = json.loads(shown(run, "sarif"))
    jsonschema.Draft4Validator(SARIF).validate(content)
    (only,) = content["runs"]
    assert only["columnKind"] == "unicodeCodePoints"
    rules = only["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["PT01", "PT02"]
    results = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: result for result in only["results"]}
    in_file = next(each for each in only["results"] if each["ruleId"] == "PT01" and "fixes" in each)
    assert rules[in_file["ruleIndex"]]["id"] == "PT01"
    region = in_file["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 8}
    (flow,) = in_file["codeFlows"][0]["threadFlows"]
    assert [step["location"]["message"]["text"] for step in flow["locations"]] == [
        "it comes from here",
        "`x` is never freed. Free it.",
    ]
    (replacement,) = in_file["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement["insertedContent"] == {"text": "free"}
    notebook = results["book.ipynb"]
    assert "region" not in notebook["locations"][0]["physicalLocation"], "lines of a cell are not lines of the file"
    assert notebook["locations"][0]["logicalLocations"][0]["name"] == "cell 2"


def test_sarif_of_nothing(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    status, out, _ = run("check", "--output-format=sarif")
    content = json.loads(out)
    jsonschema.Draft4Validator(SARIF).validate(content)
    assert (status, content["runs"][0]["results"]) == (0, [])


def test_json_lines(run: Any, code: Path) -> None:
    rows = [json.loads(line) for line in shown(run, "json-lines").splitlines()]
    assert rows == json.loads(shown(run, "json"))
    assert len(rows) == 5


def test_gitlab(run: Any, code: Path) -> None:
    issues = json.loads(shown(run, "gitlab"))
    jsonschema.validate(issues, GITLAB)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 5, "two that are equal are still two"
    before = {issue["fingerprint"] for issue in issues}
    code.write_text("# a line more\n" + CODE)
    assert {issue["fingerprint"] for issue in json.loads(shown(run, "gitlab"))} == before


def test_github(run: Any, code: Path) -> None:
    lines = shown(run, "github", "train.py").splitlines()
    assert lines[0] == (
        "::warning file=train.py,title=PT01 Smell PT01,line=3,endLine=3,col=1,endColumn=8::`x` is never freed. Free it."
    )
    assert lines[1].startswith("::notice file=train.py")
    assert all(re.fullmatch(r"::(warning|notice) file=[^:]*::.*", line) for line in lines)
    assert ",line=" not in shown(run, "github", "book.ipynb")


def test_github_takes_no_text_for_a_command(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a,b:c%.py").write_text("import torch\nleak(x)\n")
    assert "file=a%2Cb%3Ac%25.py," in shown(run, "github")


def test_junit(run: Any, code: Path) -> None:
    tree = ElementTree.fromstring(shown(run, "junit"))
    assert (tree.tag, tree.get("tests"), tree.get("failures")) == ("testsuites", "5", "5")
    assert [suite.get("name") for suite in tree] == ["book.ipynb", "train.py"]
    assert sum(len(suite.findall("testcase/failure")) for suite in tree) == 5


def test_junit_of_nothing_and_of_signs_that_xml_has_no_place_for(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("import torch\n")
    tree = ElementTree.fromstring(run("check", "--output-format=junit")[1])
    assert (tree.get("tests"), tree.get("failures")) == ("1", "0")
    (tmp_path / "<a&b\x01>.py").write_text("import torch\nleak(x)\n")
    ElementTree.fromstring(shown(run, "junit"))


def test_rdjson(run: Any, code: Path) -> None:
    content = json.loads(shown(run, "rdjson", "train.py"))
    first = content["diagnostics"][0]
    assert content["source"]["name"] == "oakum"
    assert first["severity"] == "WARNING"
    assert first["location"] == {
        "path": "train.py",
        "range": {"start": {"line": 3, "column": 1}, "end": {"line": 3, "column": 8}},
    }
    assert first["suggestions"] == [
        {"range": {"start": {"line": 3, "column": 1}, "end": {"line": 3, "column": 5}}, "text": "free"}
    ]


def test_markdown(run: Any, code: Path) -> None:
    out = shown(run, "markdown", "train.py")
    assert (
        "| `train.py:3:1` | warning | [PT01](https://oakum.readthedocs.io/rules/simple-leak/) | `x` is never freed. Free it. |"
        in out
    )
    assert out.endswith("\n3 of PT02, 1 of PT01.\n")
    assert run("check", "--output-format=markdown", "--select=TK01")[1] == "No leaks found.\n"


@pytest.mark.parametrize("name", FORMATS)
def test_colours_are_for_people(run: Any, code: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ("\033[" in shown(run, name)) is (name in ("full", "concise"))
    assert "\033[" not in run("check", f"--output-format={name}", "--output-file=out.txt")[1]
    assert "\033[" not in Path("out.txt").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_to_write_to(run: Any, code: Path, tmp_path: Path, name: str) -> None:
    expected = shown(run, name)
    assert run("check", f"--output-format={name}", "--output-file=out.txt") == (1, "", "")
    assert (tmp_path / "out.txt").read_text() == expected


def test_a_file_that_can_not_be_written_stays_as_it_was(run: Any, code: Path, tmp_path: Path) -> None:
    status, out, err = run("check", "--output-file=gone/out.txt")
    assert (status, out) == (2, "")
    assert "gone/out.txt: can't be written: no such file or directory" in err.replace("\\", "/")


def test_statistics(run: Any, code: Path) -> None:
    assert run("check", "--statistics") == (
        1,
        "    3  PT02  3 fixable     Smell PT02\n    2  PT01  2 fixable     Smell PT01\n",
        "",
    )


def test_quiet(run: Any, code: Path) -> None:
    code.write_text("import torch\nbroken\nleak(x)\n")
    _, out, err = run("check", "-q", "train.py")
    assert (out.count("Found"), err) == (0, "")
    assert "PT01" in out
    assert run("check", "-q", "gone.py")[2] == "error: gone.py: no such file or directory\n", "failures are told"


def test_verbose(run: Any, code: Path) -> None:
    assert re.fullmatch(r"2 files in \d+\.\d\d s\n", run("check", "-v")[2])


def test_files_and_settings(run: Any, code: Path, tmp_path: Path) -> None:
    (tmp_path / "oakum.toml").write_text(
        'select = ["PT01"]\nexclude = ["book.ipynb"]\nper-file-ignores = { "train.py" = ["PT02"] }\n'
    )
    assert run("check", "--show-files") == (0, "train.py\n", "")
    _, out, _ = run("check", "--show-settings", "--ignore=TK01")
    assert out.splitlines()[:4] == [
        "train.py",
        f"  configuration = {json.dumps(str(tmp_path / 'oakum.toml'))}",
        '  select = ["PT01"]',
        '  ignore = ["PT02", "TK01"]',
    ]
