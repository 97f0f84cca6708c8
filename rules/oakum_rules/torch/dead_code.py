"""Take debugging switches out of code that trains.

## Why
Anomaly detection records a Python stack for every operation of the forward pass. Left on after debugging, each training step pays
for it. It keeps no memory by itself; together with kept losses it makes each kept graph larger.

## Bad
```python
torch.autograd.set_detect_anomaly(True)
for x, y in loader:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
```

## Good
```python
import os

torch.autograd.set_detect_anomaly(os.environ.get("DETECT_ANOMALY") == "1")
for x, y in loader:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
```

## Fix
Deletes the statement, dedents the `with` block, or drops the argument. Review it: training then goes on past a NaN that stopped it
before; test `torch.isfinite(loss)` if you relied on that. `check_nan=False` doesn't help, and `detect_anomaly(False)` is still on:
its argument is `check_nan`.

## Silent when
A user controls the switch (`args.debug`, an environment variable, an `if`), it is turned off again in the same function, or the
file is a test.

## Evidence
Measured on a CPU: a small 8-layer MLP 3.5 instead of 1.1 ms a step, 200 tiny operations 12.2 instead of 2.4 ms, wide layers 1.1
times slower; a forward alone 15 times. `check_nan=False` saves next to nothing (3.35 ms). Growth is zero either way: this is a
cost, not a leak. A bare `torch.autograd.detect_anomaly()` does nothing at all: the mode is set when it is entered by `with`. Prints
and asserts, which the literature names as well, were within noise.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Delete, Finding, Fix, Framework, Level, RemoveArgument, Rule, Safety, Unwrap

RULE = Rule(
    __name__,
    code="PT16",
    smell="Dead Code (detect_anomaly)",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Debug artifacts",
    practices=("Removing Debug Artifacts",),
    fix=Safety.SAFE,
)

_SET = {"torch.autograd.set_detect_anomaly", "torch.set_detect_anomaly"}
_DETECT = {"torch.autograd.detect_anomaly"}
_DEBUGGING = ("debug", "repro", "bisect", "gradcheck", "anomaly")


def _is_on(node: ast.expr | None, facts: Facts) -> bool:
    """Whether an expression is True in every run: a literal, or a name bound once to one."""
    return node is not None and [obj.constant for obj in facts.value(node)] == [True]


def _guarded(node: ast.AST, facts: Facts) -> bool:
    """Whether a user decides if the node runs, or it is there to debug."""
    child = node
    for parent in facts.ancestors(node):
        if isinstance(parent, (ast.If, ast.IfExp)) and child is not parent.test and not _is_main(parent):
            return True
        if isinstance(parent, ast.ExceptHandler):
            return True
        if isinstance(parent, ast.While) and not isinstance(parent.test, ast.Constant):
            return True
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and any(
            w in parent.name.lower() for w in _DEBUGGING
        ):
            return True
        child = parent
    return facts.is_test_file()


def _is_main(node: ast.If | ast.IfExp) -> bool:
    return isinstance(node.test, ast.Compare) and isinstance(node.test.left, ast.Name) and node.test.left.id == "__name__"


def _gradient_checks(facts: Facts) -> bool:
    return bool(facts.calls("gradcheck", "gradgradcheck"))


@RULE.check
def switched_on(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """`torch.autograd.set_detect_anomaly(True)` as a statement."""
    call = node.value
    if not isinstance(call, ast.Call) or not (call.args or call.keywords) or facts.qualified(call.func) not in _SET:
        return
    if not _is_on(facts.argument(call, 0, "mode"), facts) or _guarded(node, facts) or _gradient_checks(facts):
        return
    off = [c for c in facts.calls("set_detect_anomaly") if c is not call and facts.function(c) is facts.function(call)]
    if any(not _is_on(facts.argument(c, 0, "mode"), facts) and facts.line(c) > facts.line(call) for c in off):
        return
    yield Finding(
        node,
        "Anomaly detection is on for every operation from here on. It makes a training step 1.1 to 5 times slower: "
        "remove it, or put it behind a debug flag.",
        (Fix.of("Remove anomaly detection", Delete(node)),),
    )


@RULE.check
def without_effect(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """`torch.autograd.detect_anomaly()` as a statement."""
    call = node.value
    if isinstance(call, ast.Call) and facts.qualified(call.func) in _DETECT and not facts.is_test_file():
        yield Finding(
            node,
            "`detect_anomaly()` has no effect as a statement: it is a context manager. Remove it, or use it in a `with` while you debug.",
            (Fix.of("Remove the statement without effect", Delete(node), safety=Safety.SAFE),),
        )


@RULE.check
def around_training(node: ast.With, facts: Facts) -> Iterator[Finding]:
    """`with torch.autograd.detect_anomaly():` around training code."""
    for item in node.items:
        call = item.context_expr
        if not isinstance(call, ast.Call):
            continue
        name = facts.qualified(call.func)
        if name in _DETECT:
            off = facts.argument(call, 0, "check_nan")
            still = isinstance(off, ast.Constant) and off.value is False
        elif name in _SET and _is_on(facts.argument(call, 0, "mode"), facts):
            still = False
        else:
            continue
        if _guarded(node, facts) or _gradient_checks(facts):
            return
        fixes = (Fix.of("Remove anomaly detection", Unwrap(node)),) if len(node.items) == 1 else ()
        message = "Anomaly detection is on in this block. It makes a training step 1.1 to 5 times slower: remove it once the bug is found."
        if still:
            message = "Anomaly detection is still on here: the argument is `check_nan`, not a switch. Remove the `with`."
        yield Finding(call, message, fixes)


@RULE.check
def trainer_argument(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`Trainer(detect_anomaly=True)` of Lightning."""
    for keyword in node.keywords:
        if keyword.arg == "detect_anomaly" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            if (facts.qualified(node.func) or "").startswith("pytorch_lightning.") and not _guarded(node, facts):
                yield Finding(
                    keyword,
                    "The trainer runs with anomaly detection on. It makes a training step 1.1 to 5 times slower: "
                    "drop the argument once the bug is found.",
                    (Fix.of("Drop `detect_anomaly=True`", RemoveArgument(node, keyword)),),
                )
