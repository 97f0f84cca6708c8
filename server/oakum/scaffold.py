"""`oakum new-rule`: the two files that a rule is made of, with all that has to be filled in."""

from __future__ import annotations

import re
from pathlib import Path

from oakum import catalogue

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
    """Write a rule's module and its page of tests, in the checkout of Oakum around `start`; answers where."""
    code, name = code.upper(), name.lower().replace("-", "_")
    package = _FAMILIES.get(code[:2])
    if not package or not re.fullmatch(r"[A-Z]{2}\d\d", code):
        raise ScaffoldError(f"`{code}` is no code for a rule: PT and two digits for PyTorch, TK for TensorFlow and Keras")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ScaffoldError(f"`{name}` is no name for a rule: words with dashes, such as unreleased-hook-memory")
    if known := catalogue.find(code) or catalogue.find(name):
        raise ScaffoldError(f"there is a rule {known.code} {known.name} already")
    root = next((folder for folder in (start, *start.parents) if (folder / "rules/oakum_rules").is_dir()), None)
    if root is None:
        raise ScaffoldError(f"{start} is in no checkout of Oakum: there is no folder rules/oakum_rules here or above")
    module = root / "rules/oakum_rules" / package / f"{name}.py"
    page = root / "tests/rules" / package / f"{name}.md"
    frameworks = "Framework.TORCH" if package == "torch" else "Framework.TENSORFLOW, Framework.KERAS"
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
