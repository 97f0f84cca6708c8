"""Run a profiler in a `with`, so that it ends.

## Why
A profiler that is started and never stopped records every operation from then on, and keeps all of it.

## Bad
```python
profiler = torch.profiler.profile()
profiler.start()
for x, y in loader:
    model(x)
```

## Good
```python
with torch.profiler.profile() as profiler:
    for x, y in loader:
        model(x)
print(profiler.key_averages())
```

## Fix
None: where it is to end depends on what is to be seen.

## Silent when
Something of the same name is stopped anywhere in the file.

## Evidence
This is an example of a rule: measure yours, and say here what you found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Framework, Level, Rule

RULE = Rule(
    __name__,
    code="EX01",
    smell="Profiler Left Running",
    frameworks={Framework.TORCH},
    level=Level.INFORMATION,
    category="Resource Management",
    subcategory="Profilers",
)

_MAKER = "torch.profiler.profile"


@RULE.check
def never_stopped(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`profiler.start()` without a `stop()` in the file."""
    match node:
        case ast.Call(func=ast.Attribute(value=profiler, attr="start")):
            made = [definition.value for definition in facts.definitions(profiler)]
            if not made or not all(isinstance(call, ast.Call) and facts.qualified(call.func) == _MAKER for call in made):
                return
            name = facts.text(profiler)
            if not any(facts.text(call.func) == f"{name}.stop" for call in facts.calls("stop")):
                yield Finding(node, f"`{name}` records every operation from here on, and never stops. Run it in a `with`.")
