"""Compile a model once and keep it: a new `compile`, copy or reload in each pass is traced again, and forgets what was learned.

## Why
`compile()` makes a new training step and a new optimizer. In a loop each step is traced again, TensorFlow keeps every trace until the
process ends, and momentum starts at nothing. A model that is cleared and rebuilt in the midst of a training loses its weights as
well. A model that is read from a file for each request costs its reading time and new names in Keras' state.

## Bad
```python
for epoch in range(100):
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    model.fit(x_train, y_train)
```

## Good
```python
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
for epoch in range(100):
    model.fit(x_train, y_train)
```

## Fix
Puts `compile` before the loop, which keeps the optimizer's state between passes; or assigns the new learning rate to the optimizer;
or deletes the block that clears and rebuilds. Review each: results change, since nothing starts anew any more. For two networks
that train against each other there is no edit: Keras 2 reads `trainable` at `compile`, Keras 3 when the step is first traced. A
subclass with a `train_step` of its own, with gradients for one network's variables each, is the clear form.

## Silent when
The model is new in each pass (session-pile-up tells of that); `compile` stands in straight code, once for each phase; layers are added
or unfrozen before each `fit`; the learning rate is assigned; weights are set or loaded into the same model; the passes are
written down in a list; the step isn't traced; what is loaded differs, was just trained, or is kept.

## Evidence
Measured with Keras 3.15: `compile()` in each pass of one model 3.8 MB a pass, compiled once nothing; loss after 30 steps 0.7249 and
0.7242. The paper's advice to clear and rebuild every third step: 3.4 MB a step, and a regression that gets to a loss of 205 stays at
528. One model used for 250 steps of a GAN, which the advice calls a leak: nothing grows.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Again, Facts
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK09",
    smell="Improper Model Reuse",
    frameworks={Framework.KERAS},
    level=Level.WARNING,
    category="Training Pipeline",
    subcategory="Resource Reset and Cleanup",
    practices=("Resource Reset and Cleanup",),
    fix=Safety.REVIEW,
    see_also=("TK08", "TK12", "PT25", "PT27"),
)

_TRAINING = ("fit", "fit_generator", "train_on_batch")
_LOADERS = ("load_model", "model_from_json", "from_pretrained", "from_preset", "ResNet50", "VGG16", "MobileNetV2", "InceptionV3")
_OPTIMIZERS = ("Adam", "AdamW", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "SGD", "Ftrl")
_REBUILDING = {"compile", "clear_session", "collect", "build", "reset_states", "summary"}


def _compiled(node: ast.Call, facts: Facts, *, bounded: bool) -> Iterator[Finding]:
    if not isinstance(node.func, ast.Attribute) or (again := facts.again_in_tensorflow(node)) is None:
        return
    if not facts.outlives_pass(node.func.value, again) or facts.runs_eagerly(node) or facts.runs_on_other_backend():
        return
    regions = facts.reached(again.loop)
    looped = isinstance(again.loop, (ast.For, ast.AsyncFor, ast.While))
    whole = any(facts.calls_in(region, "fit", "fit_generator") for region in regions)
    if looped and not whole and not any(facts.calls_in(region, *_TRAINING) for region in regions):
        return
    if whole and any(_changes_layers(region, facts) for region in regions):
        return
    found = facts.passes(node)
    if (found is not None and found.bounded) is not bounded:
        return
    yield Finding(
        node,
        f"`{facts.short(node.func.value, 25)}` is compiled anew {facts.often(again)}. "
        "Each time a new step is traced, which stays, and the optimizer starts anew: compile once, before.",
        tuple(_compile_once(node, again, facts)),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )


def _changes_layers(region: ast.AST, facts: Facts) -> bool:
    """Whether layers are unfrozen, added or taken away: then each pass is a phase, which needs its own `compile`."""
    targets = [t for a in facts.nodes_in(region, ast.Assign) if isinstance(a, ast.Assign) for t in a.targets]
    return any(isinstance(target, ast.Attribute) and target.attr == "trainable" for target in targets) or bool(
        facts.calls_in(region, "add", "pop", "prune_low_magnitude", "strip_pruning")
    )


def _compile_once(node: ast.Call, again: Again, facts: Facts) -> Iterator[Fix]:
    statement, loop = facts.statement(node), again.loop
    if not isinstance(node.func, ast.Attribute) or not isinstance(statement, ast.Expr) or statement.value is not node:
        return
    model, given = node.func.value, [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(loop, (ast.For, ast.While)) and statement in loop.body and all(facts.unchanged(g, loop) for g in given):
        title = "Compile once, before the loop: keeps optimizer state between passes"
        yield Fix.of(title, InsertBefore(loop, (facts.text(node),)), Delete(statement))
        return
    first = any(
        other is not node and isinstance(other.func, ast.Attribute) and facts.key(other.func.value) == facts.key(model)
        for other in facts.calls("compile")
    )
    match facts.argument(node, 0, "optimizer"):
        case (
            ast.Call(func=called, args=[rate], keywords=[])
            | ast.Call(func=called, args=[], keywords=[ast.keyword(arg="learning_rate" | "lr", value=rate)])
        ) if first and (facts.qualified(called) or "").rpartition(".")[2] in _OPTIMIZERS:
            text = f"{facts.text(model)}.optimizer.learning_rate = {facts.text(rate)}"
            yield Fix.of("Set the learning rate of the optimizer that is there", Replace(statement, text))
        case _:
            pass


@RULE.check(calls=("compile",))
def compiled_in_loop(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model.compile(...)` in a training loop, a callback or a step, on a model that lives on."""
    yield from _compiled(node, facts, bounded=False)


@RULE.check(level=Level.INFORMATION, calls=("compile",))
def compiled_per_fold(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """The same for a handful of passes."""
    yield from _compiled(node, facts, bounded=True)


@RULE.check
def rebuilt_in_training(node: ast.If, facts: Facts) -> Iterator[Finding]:
    """`if step % 100 == 0:` the model that is being trained is built anew."""
    loops = facts.loops(node)
    if not loops or not any(isinstance(part, ast.Mod) for part in ast.walk(node.test)):
        return
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=ast.Call() as made):
                pass
            case _:
                continue
        key = facts.key(target)
        if key is None or not facts.is_keras_model(made) or not facts.makes_model(made) or facts.loads_model(made):
            continue
        older = [
            d for d in facts.bindings(facts.function(node), key) if d.statement and loops[0] not in facts.ancestors(d.statement)
        ]
        kept = facts.calls_in(node, "set_weights", "load_weights", "append")
        if not (older or "." in key) or kept or not any(facts.calls_in(r, *_TRAINING) for r in facts.reached(loops[0])):
            continue
        title = "Keep the model: delete the block that builds it anew"
        fixes = (Fix.of(title, Delete(node)),) if all(_rebuilds(s, facts) for s in node.body) and not node.orelse else ()
        yield Finding(
            made,
            f"`{key}` is thrown away and built anew in the midst of its training. "
            "What it learned is lost, and each traced step stays: keep the model, its use leaks nothing.",
            fixes,
            places((loops[0], "it is trained in this loop")),
            covers=(node,),
        )
        return


def _rebuilds(statement: ast.stmt, facts: Facts) -> bool:
    match statement:
        case ast.Delete() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name in _REBUILDING
        case ast.Assign(value=ast.Call() as made):
            return facts.is_keras_model(made)
        case _:
            return False


@RULE.check(level=Level.INFORMATION, calls=_LOADERS)
def loaded_in_loop(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """One model that is read from its file in each pass or request, to be asked and dropped."""
    if not facts.is_keras_model(node) or not facts.loads_model(node):
        return
    if (found := facts.passes(node)) is None or found.bounded or not facts.only_asked(node):
        return
    if not all(facts.steady(part, found.loop) for part in (*node.args, *(k.value for k in node.keywords))):
        return
    writing = (*_TRAINING, "save", "save_model", "save_weights", "ModelCheckpoint", "load_weights", "set_weights")
    if any(facts.calls_in(region, *writing) for region in facts.reached(found.loop)):
        return
    yield Finding(
        node,
        f"`{facts.short(node, 35)}` reads the same model {facts.times(found.loop)}. Load it once, before, and pass it in.",
        (),
        places((found.loop, "this repeats it"), (found.call, "by way of this call")),
    )


@RULE.check(calls=_OPTIMIZERS)
def optimizer_per_step(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A new Keras optimizer in each step or epoch, for the variables of one model."""
    key = facts.bound_to(node)
    if key is None or not facts.calls("apply_gradients") or not facts.is_kind(node, "keras-optimizer"):
        return
    plain = (facts.qualified(node.func) or "").endswith(".SGD") and facts.argument(node, 1, "momentum") is None
    again = None if plain else facts.again_in_tensorflow(node)
    if again is None or not facts.is_step(again, node):
        return
    for call in facts.calls("apply_gradients"):
        if not isinstance(call.func, ast.Attribute) or facts.key(call.func.value) != key:
            continue
        for part in (p for argument in call.args for p in ast.walk(argument)):
            if isinstance(part, ast.Attribute) and part.attr.startswith("trainable_") and facts.outlives_pass(part.value, again):
                yield Finding(
                    node,
                    f"`{key}` is a new optimizer {facts.often(again)}. "
                    f"It forgets its moments of `{facts.short(part.value, 25)}` each time: make it once, before.",
                    (),
                    places((call, "it is used here"), (again.loop, "this repeats it")),
                )
                return


@RULE.check(level=Level.INFORMATION, calls=("clone_model",))
def cloned_per_update(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A target network that is cloned anew for each update, where its weights could be set."""
    key = facts.bound_to(node)
    if key is None or not node.args or not facts.is_keras_model(node) or (again := facts.again_in_tensorflow(node)) is None:
        return
    statement = facts.statement(node)
    cls, function = facts.enclosing_class(node), facts.function(node)
    before = any(
        isinstance(other, ast.Assign)
        and other is not statement
        and any(facts.key(target) == key for target in other.targets)
        and (facts.enclosing_class(other) is cls if "." in key else facts.function(other) is function)
        and again.loop not in facts.ancestors(other)
        for other in facts.nodes(ast.Assign)
    )
    if not before or not facts.outlives_pass(node.args[0], again) or facts.training_of(node) is not None:
        return
    yield Finding(
        node,
        f"`{key}` is cloned anew {facts.often(again)}. "
        f"Keras keeps what it knows of each: set its weights, by `{key}.set_weights(...)`.",
        (),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )
