"""Reset `.grad` after a `backward(create_graph=True)`, or ask `torch.autograd.grad` for the gradients.

## Why
With `create_graph=True` the gradient in `.grad` has a graph of its own, which leads back to the parameter that holds it: a cycle in
C++ that Python's collector can't see. It grows with every backward that adds to it, and a model that is dropped with it never goes.
Where nothing differentiates the gradients, the flag only costs a second graph in each step.

## Bad
```python
for x, y in loader:
    loss = criterion(model(x), y)
    loss.backward(create_graph=True)
    optimizer.step()
```

## Good
```python
for x, y in loader:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
```

## Fix
Drops the flag where nothing in sight differentiates a gradient, else clears the gradients after the step. Review it: where some code
out of sight takes a gradient of the gradient, training would go on without it, silently. `optimizer.step()`, `del model` and
`gc.collect()` reset nothing.

## Silent when
The flag is no literal `True`; a gradient is differentiated and then reset; `torch.autograd.grad` is used, which fills no `.grad`; an
optimizer of unknown make, or code out of sight that may hold the parameters, may need the graph or reset the gradients; the backward
runs once.

## Evidence
Measured on an MLP of depth 2: 1853 KB an iteration, the same after `gc.collect()` and after the function ended; without the flag 0.1
KB, reset in each step 0.1 KB with a peak of 107 instead of 103 MB. A model dropped with such a `.grad`: 5447 KB for each model, 20 of
20 alive. Dropping the flag under a gradient penalty raises nothing and gives a gradient of 16.95 instead of 3203.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, InsertAfter, Level, RemoveArgument, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT18",
    smell="Uncleared Gradients (create_graph)",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Graph and Gradient Management",
    subcategory="Gradient",
    practices=("Fine-Tune Gradients with torch.autograd.grad",),
    fix=Safety.REVIEW,
    see_also=("PT22", "PT23", "PT24"),
)

_RESETS = (
    "zero_grad",
    "zero_grads",
    "zero_grad_",
    "clear_grad",
    "clear_grads",
    "reset_grad",
    "_foreach_zero_",
    "first_step",
    "second_step",
    "setattr",
)


def _flag(call: ast.Call, facts: Facts) -> ast.expr | ast.keyword | None:
    """The `create_graph=True` of a backward call, whatever its spelling."""
    if not isinstance(call.func, (ast.Attribute, ast.Name)) or not (call.keywords or len(call.args) > 2):
        return None
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
    if name not in ("backward", "manual_backward"):
        return None
    # `loss.backward(gradient, retain_graph, create_graph)`, `torch.autograd.backward(losses, gradients, retain_graph, create_graph)`
    function = facts.qualified(call.func) == "torch.autograd.backward"
    if not function and facts.backward_target(call) is None:
        return None
    return facts.switched_on(call, 3 if function else 2, "create_graph")


def _resets(facts: Facts) -> list[ast.AST]:
    """Places of the file that clear or replace gradients."""
    written = [node for node in facts.nodes(ast.Attribute) if isinstance(node, ast.Attribute) and node.attr == "grad"]
    emptied = [
        call
        for call in facts.calls("zero_", "fill_", "copy_", "detach_")
        if isinstance(call.func, ast.Attribute) and ".grad" in facts.text(call.func.value)
    ]
    return [*facts.calls(*_RESETS), *(node for node in written if not isinstance(node.ctx, ast.Load)), *emptied]


def _gradients(facts: Facts) -> Iterator[ast.Attribute]:
    """Reads of a `.grad`, `torch.autograd.grad` apart."""
    for node in facts.nodes(ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.ctx, ast.Load):
            call = facts.parent(node)
            if not (isinstance(call, ast.Call) and call.func is node) and facts.qualified(node) is None:
                yield node


def _needless(facts: Facts) -> bool:
    """Whether nothing differentiates the gradients: no read of `.grad` in the file, no hook, no optimizer that does it."""
    if facts.calls(
        "register_hook", "register_full_backward_hook", "register_backward_hook", "register_post_accumulate_grad_hook"
    ):
        return False
    for step in facts.calls("step"):
        if not isinstance(step.func, ast.Attribute) or facts.called(step):
            continue
        receiver = step.func.value
        optimizer = facts.some(receiver, "optimizer")
        if not facts.is_kind(receiver, "optimizer", "scheduler", "scaler"):
            return False
        if optimizer is not None and not optimizer.name.startswith("torch.optim."):
            return False
    return all(facts.never_differentiated(read) for read in _gradients(facts))


def _iteration(call: ast.Call, facts: Facts) -> list[ast.AST]:
    """The loop that repeats a backward (or its function), and the functions in sight that it runs."""
    loop = next(facts.repeating_loops(call), None)
    region = loop or facts.function(call)
    return facts.reached(region) if region is not None else []


def _held(facts: Facts) -> list[ast.expr]:
    """Expressions that hold parameters: what is asked for them, and what steps."""
    asked = facts.calls("parameters", "named_parameters", "step")
    return [call.func.value for call in asked if isinstance(call.func, ast.Attribute)]


def _drop(call: ast.Call, flag: ast.expr | ast.keyword, facts: Facts) -> Fix:
    """Drop the flag; where another backward of the function may have lived by it, keep the graph as it did."""
    others = [
        c
        for c in facts.calls("backward", "manual_backward", "grad")
        if c is not call and facts.function(c) is facts.function(call)
    ]
    retained = [k for k in call.keywords if k.arg == "retain_graph"]
    if others and not retained and isinstance(flag, ast.keyword):
        return Fix.of("Write `retain_graph=True` in its place", Replace(flag, "retain_graph=True"))
    dropped = (flag, *(retained if not others else ()))
    return Fix.of("Drop `create_graph=True`", *(RemoveArgument(call, argument) for argument in dropped))


def _clear(call: ast.Call, facts: Facts) -> Fix | None:
    """A reset after the step in the block of a backward."""
    for step in facts.calls("step"):
        statement = facts.statement(step)
        if isinstance(step.func, ast.Attribute) and facts.is_optimizer(step.func.value) and isinstance(statement, ast.Expr):
            if facts.parent(statement) is facts.parent(facts.statement(call) or call):
                name = facts.text(step.func.value)
                return Fix.of(f"Clear the gradients with `{name}.zero_grad()`", InsertAfter(statement, (f"{name}.zero_grad()",)))
    return None


@RULE.check
def never_reset(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`loss.backward(create_graph=True)` again and again, and nothing resets `.grad`."""
    flag = _flag(node, facts)
    if flag is None or facts.is_test_file() or facts.repeats(node) is None or _resets(facts):
        return
    regions = _iteration(node, facts)
    if not regions or facts.leaves_sight(regions, _held(facts)):
        return
    needless, clear = _needless(facts), _clear(node, facts)
    fix = _drop(node, flag, facts) if needless else clear
    if needless and fix is not None and clear is not None:
        fix = Fix(f"{fix.title}, and clear the gradients", (*fix.operations, *clear.operations))
    told = (
        "Nothing differentiates the gradients: drop the flag, and clear them in each step."
        if needless
        else "Reset `.grad` after its last use, or ask `torch.autograd.grad` for the gradients."
    )
    yield Finding(
        flag,
        f"`create_graph=True` ties each `.grad` to a graph, and nothing resets it: each step adds one more. {told}",
        (fix,) if fix is not None else (),
        places((facts.repeats(node), "this repeats it")),
        covers=(regions[0],),
    )


@RULE.check
def kept_by_a_dropped_model(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A model made per fold, task or trial, whose last `.grad` is never reset."""
    flag = _flag(node, facts)
    if flag is None or facts.is_test_file() or not (resets := _resets(facts)):
        return
    function, loops = facts.function(node), facts.loops(node)
    if any(facts.function(reset) is not function for reset in resets):
        return
    if any(
        facts.line(reset) > facts.line(node) and (not loops or loops[0] in facts.ancestors(reset) or facts.loops(reset))
        for reset in resets
    ):
        return
    again = loops[1:] if loops else []
    for call in facts.nodes_in(function or loops[-1] if function or loops else node, ast.Call):
        assert isinstance(call, ast.Call)
        model = facts.some(call.func, "module")
        made = model.site or model.node if model is not None else None
        if made is None or facts.statement(made) is None or facts.function(made) is not function:
            continue
        around = next((loop for loop in again if loop in facts.ancestors(made)), None)
        if around is None and not (
            loops and function is not None and loops[-1] not in facts.ancestors(made) and facts.repeated(function)
        ):
            continue
        yield Finding(
            flag,
            f"`{facts.short(call.func, 30)}` is never freed: its last `.grad` has a graph that holds the model. "
            "Reset the gradients (`zero_grad()`) when training ends, or drop `create_graph=True`.",
            (_drop(node, flag, facts),) if _needless(facts) else (),
            places((made, "a new model is made here"), (around or function, "again and again")),
            covers=(node,),
        )
        return


@RULE.check(level=Level.INFORMATION)
def needless_flag(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`loss.backward(create_graph=True)` where `.grad` is reset in each step, and nothing differentiates it."""
    flag = _flag(node, facts)
    if flag is None or facts.is_test_file() or not _resets(facts) or not facts.calls("step"):
        return
    regions = _iteration(node, facts)
    if not regions or not _needless(facts) or facts.leaves_sight(regions, _held(facts)):
        return
    if next(kept_by_a_dropped_model(node, facts), None) is not None:
        return
    yield Finding(
        flag,
        "Nothing differentiates these gradients: `create_graph=True` costs a second graph a step. "
        "Drop it; ask `torch.autograd.grad(..., create_graph=True)` where you look at curvature.",
        (_drop(node, flag, facts),),
        covers=(node,),
    )
