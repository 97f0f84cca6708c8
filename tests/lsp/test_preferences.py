"""Settings of an editor's user, as they lie over those of the project."""

from __future__ import annotations

from typing import Any

import pytest

from oakum.lsp.preferences import Preferences
from oakum.rule import Level
from oakum.settings import Settings


def test_preferences_lie_over_the_project() -> None:
    project = Settings(select=("PT",), ignore=("PT01",), severity={"PT02": Level.HINT}, level=Level.INFORMATION)
    assert Preferences().over(project) == project
    mine, problems = Preferences.read({"ignore": ["PT"], "severity": {"ALL": "warning"}, "level": None, "select": []})
    assert not problems
    assert mine.over(project) == Settings(
        select=("PT",), ignore=("PT01", "PT"), severity={"PT02": Level.HINT, "ALL": Level.WARNING}, level=Level.INFORMATION
    )


@pytest.mark.parametrize("sent", ["text", 1, [], {"oakum": []}, {"enable": "yes"}, {"select": [1]}, {"severity": ["PT16"]}])
def test_settings_of_the_wrong_kind(sent: Any) -> None:
    mine, problems = Preferences.read(sent)
    assert mine == Preferences()
    assert len(problems) == 1
