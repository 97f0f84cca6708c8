"""`[tool.oakum]` of the nearest `pyproject.toml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oakum import configuration
from oakum.configuration import ConfigurationError
from oakum.rule import Level

CODE = "import torch\nleak(x)\nrisk(y)\nstay(z)\n"


def codes(run: Any, *arguments: str) -> list[str]:
    status, out, err = run("check", "--output-format=json", *arguments)
    assert (status == 1, err) == (out != "[]\n", "")
    return [each["code"] for each in json.loads(out)]


def test_the_nearest_with_a_table_holds(run: Any, tmp_path: Path) -> None:
    inner = tmp_path / "package/inner"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.oakum]\nselect = ["PT01"]\nexclude = ["gen"]\nlevel = "information"\n')
    (tmp_path / "package/pyproject.toml").write_text('[project]\nname = "x"\n')
    found = configuration.load(inner / "x.py")
    assert found == configuration.load(inner)
    assert found.path == tmp_path / "pyproject.toml"
    assert (found.settings.select, found.settings.level, found.exclude) == (("PT01",), Level.INFORMATION, ("gen",))
    (inner / "pyproject.toml").write_text("[tool.oakum]\n")
    assert configuration.load(inner / "x.py").settings.select == ()


def test_settings_and_the_command_line_over_them(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CODE)
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.oakum]\nselect = ["PT"]\nignore = ["risky-leak"]\n')
    assert codes(run) == ["PT01"]
    assert codes(run, "--select=PT02") == ["PT02"]
    assert codes(run, "--ignore=PT01") == []
    project.write_text('[tool.oakum]\nlevel = "warning"\n[tool.oakum.severity]\nPT01.plain-leak = "off"\nTK01 = "warning"\n')
    assert codes(run) == ["TK01"]
    assert codes(run, "--select=ALL", "--level=hint") == ["PT01", "PT02", "TK01"]


def test_each_file_has_its_own(run: Any, tmp_path: Path) -> None:
    for name, rule in (("a", "PT01"), ("b", "PT02")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text(CODE)
        (tmp_path / name / "pyproject.toml").write_text(f'[tool.oakum]\nselect = ["{rule}"]\n')
    assert codes(run) == ["PT01", "PT02"]


def test_exclude(run: Any, tmp_path: Path) -> None:
    for name in ("a.py", "gen/a.py", "x/gen_b.py", "x/keep/gen_b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CODE)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.oakum]\nselect = ["PT01"]\nexclude = ["/gen/", "gen_*.py", "!x/keep/gen_b.py"]\n'
    )
    paths = [each["path"].replace("\\", "/") for each in json.loads(run("check", "--output-format=json")[1])]
    assert paths == ["a.py", "x/keep/gen_b.py"]
    assert codes(run, "x") == ["PT01"]
    assert codes(run, "gen") == ["PT01"], "asked for by name"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.oakum\n", ":1:12: not valid TOML: Expected ']' at the end of a table declaration"),
        ('# oakum\nx = "', ":2:6: not valid TOML: "),
        ("[tool.oakum]\nselct = []", ": there is no setting `selct` in [tool.oakum]; did you mean `select`?"),
        ('[tool.oakum]\nselect = ["PT001"]', ": `select` in [tool.oakum]: there is no rule `PT001`; did you mean `PT01`?"),
        ('[tool.oakum]\nignore = ["PT01.plain-lek"]', "there is no rule `PT01.plain-lek`; did you mean `PT01.plain-leak`?"),
        ('[tool.oakum]\nselect = "PT01"', ": `select` in [tool.oakum] must be a list of strings"),
        ('[tool.oakum]\nlevel = "wraning"', "not 'wraning'; did you mean `warning`?"),
        ("[tool.oakum]\nlevel = 3", "must be one of warning, information, hint, off, not 3"),
        ('[tool.oakum.severity]\nXY = "hint"', ": `severity` in [tool.oakum]: there is no rule `XY`"),
        ("[tool.oakum]\nseverity = 3", ": `severity` in [tool.oakum] must be a table"),
        ("[tool]\noakum = 3", ": `tool.oakum` must be a table"),
    ],
)
def test_what_is_wrong_is_told(run: Any, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    status, out, err = run("check")
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1, "once, not for each file"
    with pytest.raises(ConfigurationError):
        configuration.load(tmp_path)


def test_what_is_wrong_for_others_is_none_of_ours(run: Any, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    (tmp_path / "a.py").write_text("x = 1\n")
    assert run("check")[0] == 0


def test_a_wrong_configuration_stops_its_own_files_only(run: Any, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/pyproject.toml").write_text("[tool.oakum]\nx = 1\n")
    (tmp_path / "sub/b.py").write_text(CODE)
    (tmp_path / "a.py").write_text(CODE)
    status, out, err = run("check", "--output-format=concise", "--select=PT01")
    assert (status, out.count("\n")) == (2, 1)
    assert err.startswith(f"error: {tmp_path / 'sub' / 'pyproject.toml'}: there is no setting `x`")
