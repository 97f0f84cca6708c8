"""Run a model for its output under `torch.no_grad()`, and leave its parameters and the switch as they are.

## Why
Inference that runs like training is recorded for a backward that never comes: its activations stay until the output goes, and for each
output that is kept. The wrong cures bite later: a switch that is left off, or parameters that are frozen for an evaluation, stop the
training that goes on, and a backward in an evaluation adds gradients to the next step.

## Bad
```python
def predict(net, data):
    net.eval()
    outputs = []
    for x, _ in data:
        outputs.append(torch.softmax(net(x), dim=-1))
    return outputs


print(len(predict(model, val_loader)))
```

## Good
```python
@torch.no_grad()
def predict(net, data):
    net.eval()
    outputs = []
    for x, _ in data:
        outputs.append(torch.softmax(net(x), dim=-1))
    return outputs


print(len(predict(model, val_loader)))
```

## Fix
Decorates the function with `@torch.no_grad()`, or puts what follows a leaked switch, a teacher's call or a script's loop into a `with`.
Review it: what leaves the region can't be backpropagated any more. A backward in an evaluation gets no fix: only you know why it is there.

## Silent when
Gradients are off already, in the function or in its callers; the result is backpropagated by a caller, or may be; the function asks for
gradients; the parameters are frozen; the switch is set back; the library switches off by itself.

## Evidence
Measured on an 8-layer MLP: predictions that are dropped cost a peak of 35 instead of 27 MB and grow by nothing; kept, 5153 instead of
1028 KB an iteration. `no_grad` around a teacher: peak 13 instead of 22 MB, a step in 75 instead of 108 ms. `requires_grad = False` saves
as much as `no_grad`, and is told as advice; in code that trains on it raises, or a layer moves by 0 instead of 0.37, silently. A
backward in an evaluation doubles the gradient that waits for the step.
"""

import ast
import re
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import AddImport, Decorate, Delete, Enclose, Finding, Fix, Framework, Level, Operation, Rule, Safety, places

RULE = Rule(
    __name__,
    code="PT20",
    smell="Mishandling Training Gradient",
    frameworks={Framework.TORCH},
    level=Level.WARNING,
    category="Graph and Gradient Management",
    subcategory="Gradient",
    practices=("Disable Gradients During Inference",),
    fix=Safety.REVIEW,
    see_also=("PT17",),
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_INFERENCE = re.compile(
    r"^_*(?:predict|infer|inference|transcribe|serve|handle|classify|translate|detect|recognize|segment|caption|denoise|upscale)(?:_|$)"
    r"|_(?:predict|inference|infer)$"
)
# These are parts of a training step as often: what they return has to be proven harmless.
_EITHER = re.compile(
    r"^_*(?:generate|sample|encode|embed|extract|extract_features|get_features|get_embeddings|act|select_action|choose_action|get_action)(?:_|$)|(?:^|_)(?:predictions?|inference)(?:_|$)"
)
_PART = re.compile(r"^_*(?:encode|embed|extract|extract_features|get_features|get_embeddings)(?:_|$)")
_EVALUATION = re.compile(r"^_?(?:evaluate|validate|test|eval|valid|validation|val)(?:_|$)|_(?:eval|val|valid|evaluate|validate)$")
_TEACHER = re.compile(r"(?:^|_)(?:teacher|target|ref|reference|reward|ema|old|frozen|momentum)(?:_|$)|(?:teacher|target)$")


def _import(facts: Facts) -> tuple[Operation, ...]:
    return () if facts.bindings(None, "torch") else (AddImport("import torch"),)


def _is_inference(node: _Function, facts: Facts) -> bool:
    """Whether a function runs a model for its output: by its name, and by what becomes of it."""
    surely = _INFERENCE.search(node.name) is not None
    if not surely and not _EITHER.search(node.name):
        return False
    cls = facts.method_class(node)
    if facts.may_be_overridden(node):
        return False
    learns = cls is not None and facts.is_module_class(cls)
    if learns and _PART.search(node.name):
        return False  # of a network that others train
    trained = facts.returns_to_training(node)
    return trained is False or (trained is None and surely and not learns)


def _inference(node: _Function, facts: Facts, *, kept: bool) -> Iterator[Finding]:
    if not _is_inference(node, facts) or facts.is_test_file() or facts.calls("enter_context", "__enter__", "inference_mode_"):
        return
    if any(facts.nodes_in(node, ast.Yield, ast.YieldFrom)) or facts.wants_gradients(node) or facts.calls_in(node, "train"):
        return
    call = facts.recorded_forward(node) or facts.forward_by_helper(node)
    if call is None or facts.lent_grad_free(node) or facts.hands_on(node) or facts.ineffective_no_grad(node):
        return
    held = facts.kept_by(node)
    if (held is not None) is not kept:
        return
    tail = f" `{facts.short(held, 30)}`, which is kept, keeps its whole graph." if held is not None else ""
    noisy = not facts.calls("eval") and facts.calls("Dropout", "Dropout2d", "BatchNorm1d", "BatchNorm2d")
    training = " And `eval()` isn't called: dropout and batch norm still train." if noisy else ""
    yield Finding(
        call,
        f"`{facts.short(call, 30)}` is recorded for a backward that never comes.{tail} "
        f"Decorate `{node.name}` with `@torch.no_grad()`.{training}",
        (Fix.of("Run it under `@torch.no_grad()`", Decorate(node, "torch.no_grad()"), *_import(facts)),),
        places((node, "this runs a model for its output"), (held, "kept with its graph")),
        covers=(node,),
    )


@RULE.check
def kept_prediction(node: _Function, facts: Facts) -> Iterator[Finding]:
    """A function that predicts, and keeps what still carries a graph."""
    yield from _inference(node, facts, kept=True)


@RULE.check(level=Level.INFORMATION)
def prediction(node: _Function, facts: Facts) -> Iterator[Finding]:
    """A function that predicts while autograd records."""
    yield from _inference(node, facts, kept=False)


@RULE.check(level=Level.INFORMATION)
def inference_script(node: ast.For | ast.AsyncFor | ast.While, facts: Facts) -> Iterator[Finding]:
    """A loop of a script that loads weights, trains nothing, and runs a model while autograd records."""
    function = facts.function(node)
    if (
        isinstance(function, ast.Lambda)
        or (function is not None and facts.method_class(function) is not None)  # a part of something that others may train
        or facts.is_test_file()
        or (loaded := facts.loads_weights()) is None
        or facts.trains_anything()
    ):
        return
    if facts.loops(node) or facts.wants_gradients(node) or (function is not None and _is_inference(function, facts)):
        return
    call = facts.recorded_forward(node)
    if call is None or facts.backpropagated_from(node) or any(facts.nodes_in(node, ast.Yield)):
        return
    yield Finding(
        call,
        f"`{facts.short(call, 30)}` is recorded for a backward that never comes: nothing trains here. "
        "Run the loop under `torch.no_grad()`.",
        (Fix.of("Run it under `with torch.no_grad():`", Enclose(node, node, "with torch.no_grad():"), *_import(facts)),),
        places((loaded, "weights are loaded here")),
        covers=(node,),
    )


@RULE.check(level=Level.INFORMATION)
def teacher(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A teacher, target or reference model that is in no optimizer, run in a training step while autograd records."""
    key = facts.key(node.func) or ""
    if not node.args or not _TEACHER.search(key.rpartition(".")[2]) or facts.is_test_file():
        return
    scope = facts.function(node) or (facts.loops(node) or [None])[-1]
    if scope is None or not facts.backward_calls(scope) or (module := facts.untrained(node)) is None:
        return
    statement = facts.statement(node)
    if not all(facts.is_given(argument) for argument in node.args) or facts.never_differentiated(node):
        return
    fixes: tuple[Fix, ...] = ()
    if isinstance(statement, ast.Assign) and statement.value is node:
        enclosed = Enclose(statement, statement, "with torch.no_grad():")
        fixes = (Fix.of("Run it under `with torch.no_grad():`", enclosed, *_import(facts)),)
    yield Finding(
        node,
        f"`{key}` is in no optimizer, yet its pass is recorded and backpropagated. "
        "Run it under `torch.no_grad()`: its gradients are never used.",
        fixes,
        places((module.site, "it is made here")),
    )


@RULE.check
def leaked_switch(node: ast.Expr, facts: Facts) -> Iterator[Finding]:
    """`torch.set_grad_enabled(False)` as a statement of a function, never set back, in code that trains."""
    if (function := facts.left_off(node)) is None:
        return
    trains = [c for c in facts.calls("backward", "manual_backward") if facts.function(c) is not function]
    if not trains:
        return
    block: list[ast.stmt] = getattr(facts.parent(node), "body", [])
    rest = block[block.index(node) + 1 :] if node in block else []
    waits = any(isinstance(n, (ast.Yield, ast.YieldFrom)) for s in rest for n in ast.walk(s))
    under = "with torch.no_grad():"
    fix = Fix.of(f"Run what follows under `{under}`", Delete(node), Enclose(rest[0], rest[-1], under)) if rest else None
    yield Finding(
        node,
        f"Gradients stay off when `{getattr(function, 'name', 'this')}` returns: the next backward raises. "
        "Use `with torch.no_grad():` around the code instead.",
        (fix,) if fix is not None and not waits else (),
        places((trains[0], "training needs them here")),
    )


@RULE.check
def frozen_for_evaluation(node: _Function, facts: Facts) -> Iterator[Finding]:
    """An evaluation that freezes the parameters, never thaws them, and returns to training."""
    if not (_EVALUATION.search(node.name) or _INFERENCE.search(node.name)) or facts.calls_in(node, "backward"):
        return
    freezes = facts.switches_parameters(node, on=False)
    trains = [c for c in facts.calls("backward", "manual_backward") if facts.function(c) is not node]
    if not freezes or not trains or facts.switches_parameters(None, on=True) or not facts.callers(node):
        return
    yield Finding(
        freezes[0],
        f"`{node.name}` freezes the parameters and never thaws them: training stops learning afterwards. "
        "Evaluate under `torch.no_grad()` instead, which saves as much memory.",
        (),
        places((trains[0], "training goes on here")),
    )


@RULE.check(calls=("backward",))
def backward_in_evaluation(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`loss.backward()` in an evaluation of a model that is trained elsewhere in the file."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "backward" or facts.is_test_file():
        return
    function = facts.function(node)
    if not isinstance(function, ast.FunctionDef) or not _EVALUATION.search(function.name) or facts.backward_target(node) is None:
        return
    trains = [c for c in facts.calls("backward", "manual_backward") if facts.function(c) is not function]
    switched = facts.calls_in(function, "eval")
    reads = any(getattr(n, "attr", "") in ("grad", "requires_grad") for n in facts.nodes_in(function, ast.Attribute))
    if (
        not trains
        or not switched
        or reads
        or facts.calls_in(function, "requires_grad_", "train", "zero_grad", "step", "retain_grad")
    ):
        return
    yield Finding(
        node,
        f"`{facts.short(node, 30)}` in an evaluation adds gradients that the next training step uses. "
        "Leave it out, and evaluate under `torch.no_grad()`.",
        (),
        places((switched[0], "this makes it an evaluation"), (trains[0], "training uses the gradients here")),
        covers=(function,),
    )
