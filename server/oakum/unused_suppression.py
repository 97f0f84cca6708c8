"""Take out a comment that silences nothing.

## Why
A comment that outlives its finding hides the next one on its line, which may be a leak that nobody has looked at.

## Bad
```python
import torch

x = torch.zeros(3)  # oakum: ignore[PT07]
```

## Good
```python
import torch

x = torch.zeros(3)
```

## Fix
Takes the code, or the whole comment, out. Nothing that runs is touched.

## Silent when
A rule that the comment names is switched off here, has failed, or the file does not parse: nobody knows then what it would say.

## Evidence
Follows from the comment and the report; there is nothing to measure.
"""

from __future__ import annotations

from oakum.rule import Form, Framework, Level, Rule, Safety

RULE = Rule(
    __name__,
    code="OK01",
    smell="Unused Suppression",
    frameworks=frozenset(Framework),
    level=Level.HINT,
    category="Comments",
    subcategory="Suppressions",
    fix=Safety.SAFE,
)
# Found by `oakum.suppression` when all else is known, so no node is asked about it.
FORM = Form("silences-nothing", Level.HINT, (), lambda node, facts: iter(()))
RULE.forms.append(FORM)
