"""`oakum new-rule`: the two files that a rule is made of, with all that has to be filled in."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from oakum import catalogue

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FAMILIES = {"PT": "torch", "TK": "tensorflow"}

_RULE = '''"""TODO: what to do instead, in one sentence.

## Why
TODO: what is kept, by whom, and how fast it grows.

## Bad
```python
TODO
```

## Good
```python
TODO
```

## Fix
None.

## Silent when
TODO: what looks like it and is none.

## Evidence
TODO: a measurement of Bad and of Good.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Framework, Level, Rule

RULE = Rule(
    __name__,
    code="{code}",
    smell="{smell}",
    frameworks={{{frameworks}}},
    level=Level.WARNING,
    category="TODO",
    subcategory="TODO",
)


@RULE.check
def {check}(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """TODO: this form of the smell, in one sentence."""
    yield from ()
'''

_PAGE = """## TODO: what is found here, as a sentence

```python
TODO  # error: [{code}] "a part of the message"
```

## TODO: what is left alone

```python
TODO
```
"""


class ScaffoldError(Exception):
    """Why the rule can't be started here, in one line."""


def new_rule(code: str, name: str, start: Path) -> tuple[Path, Path]:
    """Write a rule's module and its page of tests, in the checkout of Oakum or the rule pack around `start`; answers where."""
    code, name = code.upper(), name.lower().replace("-", "_")
    if not re.fullmatch(r"[A-Z]{2,4}[0-9]{2,3}", code):
        raise ScaffoldError(f"`{code}` is no code for a rule: two to four letters and two or three digits, such as PT31")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ScaffoldError(f"`{name}` is no name for a rule: words with dashes, such as unreleased-hook-memory")
    if known := catalogue.find(code) or catalogue.find(name):
        raise ScaffoldError(f"there is a rule {known.code} {known.name} already")
    package, pages = _place(code, start)
    module, page = package / f"{name}.py", pages / f"{name}.md"
    frameworks = "Framework.TENSORFLOW, Framework.KERAS" if package.name == "tensorflow" else "Framework.TORCH"
    smell = name.replace("_", " ").title()
    contents = {
        module: _RULE.format(code=code, smell=smell, check=name, frameworks=frameworks),
        page: _PAGE.format(code=code),
    }
    for path in contents:
        if path.exists():
            raise ScaffoldError(f"{path} is there already")
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return module, page


def _place(code: str, start: Path) -> tuple[Path, Path]:
    """Where a rule of this code belongs, and its page: the nearest checkout of Oakum, or rule pack."""
    for folder in (start, *start.parents):
        if (folder / "rules/oakum_rules").is_dir():
            family = _FAMILIES.get(code[:-2])
            if family is None:
                raise ScaffoldError(
                    f"`{code}` is no code for a rule of Oakum: PT and two digits for PyTorch, TK for TensorFlow and Keras"
                )
            return folder / "rules/oakum_rules" / family, folder / "tests/rules" / family
        if package := _pack(folder):
            return package, folder / "tests"
    raise ScaffoldError(
        f"{start} is in no checkout of Oakum and in no rule pack: there is no entry point `oakum.rules` here or above"
    )


def _pack(folder: Path) -> Path | None:
    """The package of rules that a project's `pyproject.toml` declares."""
    try:
        project: Any = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        names = list(project.get("entry-points", {}).get("oakum.rules", {}).values())
    except (OSError, ValueError, AttributeError):
        return None
    paths = [base / name.replace(".", "/") for name in names if isinstance(name, str) for base in (folder, folder / "src")]
    return next((path for path in paths if path.is_dir()), None)
