"""Write a layer class for what has weights or many steps: a `Lambda` layer tracks nothing and can't be loaded back.

## Why
A variable or layer that only the function of a `Lambda` uses isn't part of the model: `fit` never trains it and saving leaves it out.
A Python `lambda` is saved as bytecode, which Keras 3 refuses to load. And a function of many steps, or one that several layers share,
has no name, no configuration and no shape of its own.

## Bad
```python
weight = tf.Variable(tf.ones((4,)))
inputs = keras.Input((4,))
x = keras.layers.Lambda(lambda t: t * weight)(inputs)
net = keras.Model(inputs, x)
```

## Good
```python
class Scale(keras.layers.Layer):
    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, t):
        return t * self.weight


inputs = keras.Input((4,))
net = keras.Model(inputs, Scale()(inputs))
```

## Fix
Calls a captured layer itself, without the `Lambda` around it; puts a registered class that calls the function in the place of `Lambda`
layers. Review both: names of layers change, and with them what weights are saved by. A captured variable needs `add_weight` in a class
of your own: no edit does that for you. `safe_mode=False` is no cure, it runs what the file brings.

## Silent when
The function is short and has no state, and the model isn't saved whole (`save_weights` is fine); the variable or layer is used elsewhere
too, or isn't trainable; a pretrained network extracts features; the function is registered or named, and draws numbers, as that of an
autoencoder does; the file loads with `safe_mode=False` already; `Lambda` is that of another library.

## Evidence
Measured: a model with a variable or a `Dense` inside a `Lambda` has 0 trainable weights, with a class of its own 1; a saved Python
`lambda` raises `ValueError` when it is loaded, a registered class loads. The advice is told as one against leaks, but there is no
difference: a `predict` keeps 1.2 KB with `Lambda` and 1.3 KB with a class, a training step nothing with either.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK13",
    smell="Lambda layers for complex/repeated ops",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Framework/Abstraction",
    subcategory="Abstraction",
    practices=("Replace Lambda with Custom Layers, Subclass Custom Operations",),
    fix=Safety.REVIEW,
    see_also=("TK14", "TK11"),
)

_MANY = 5  # operations that a function may have at most, to be at home in a `Lambda`
_OFTEN = 3  # layers made of one function


@RULE.check(calls=("Lambda",))
def untracked_state(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A variable, layer or model that no model knows of."""
    function = facts.lambda_function(node)
    if function is None or (state := facts.untracked_state(function)) is None:
        return
    fixes: tuple[Fix, ...] = ()
    match function:
        case ast.Lambda(
            args=ast.arguments(args=[ast.arg(arg=given)]), body=ast.Call(func=layer, args=[ast.Name(id=name)], keywords=[])
        ) if name == given and layer is state and len(node.args) + len(node.keywords) == 1:
            fixes = (Fix.of("Call the layer itself", Replace(node, facts.text(layer))),)
        case _:
            pass
    yield Finding(
        node,
        f"`{facts.short(state, 26)}` inside a `Lambda` is no part of the model: it isn't trained or saved. "
        "Use it in a `keras.layers.Layer` that owns it.",
        fixes,
        places((state, "its weights are used here")),
    )


@RULE.check(level=Level.INFORMATION, calls=("Lambda",))
def cannot_be_loaded(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A Python `lambda` in a model that is saved whole."""
    function = facts.lambda_function(node)
    if not isinstance(function, ast.Lambda) or facts.keras_edition == 2 or (saved := facts.saves_whole_model) is None:
        return
    if facts.untracked_state(function) is None and not facts.is_test_file():
        yield Finding(
            node,
            "A model with a Python `lambda` is saved, but Keras refuses to load it back. "
            "Use a layer class, registered with `keras.saving.register_keras_serializable()`.",
            (),
            places((saved, "a model is saved here")),
        )


@RULE.check(level=Level.HINT, calls=("Lambda",))
def stands_for_a_class(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A function of many operations, or one that several `Lambda` layers are made of."""
    function = facts.lambda_function(node)
    if function is None or facts.is_test_file() or facts.untracked_state(function) is not None:
        return
    if isinstance(function, ast.Lambda) and facts.saves_whole_model is not None and facts.keras_edition != 2:
        return
    layers = [call for call in facts.calls("Lambda") if facts.lambda_function(call) is function]
    count = facts.operations(function)
    if count <= _MANY and (len(layers) < _OFTEN or count == 0):
        return
    name = f"`{function.name}`" if not isinstance(function, ast.Lambda) else "This function"
    why = f"has {count} operations" if count > _MANY else f"makes {len(layers)} `Lambda` layers"
    yield Finding(
        node,
        f"{name} {why}: that is a layer without name, configuration and shape. Write a `keras.layers.Layer` class.",
        tuple(_as_class(function, layers, facts)),
        places((function, "the function is written here")),
    )


def _as_class(function: ast.AST, layers: list[ast.Call], facts: Facts) -> Iterator[Fix]:
    """A class that calls a function at module level, in the place of all `Lambda` layers made of it."""
    keras = facts.keras_name()
    if not isinstance(function, ast.FunctionDef) or facts.parent(function) is not None or keras is None:
        return
    if any(keyword.arg != "name" for call in layers for keyword in call.keywords) or any(len(call.args) != 1 for call in layers):
        return
    outer = [facts.statement(layers[0]), *(part for part in facts.ancestors(layers[0]) if isinstance(part, ast.stmt))][-1]
    name = "".join(part.capitalize() for part in function.name.split("_"))
    if not isinstance(outer, ast.stmt) or facts.mentions(name) or facts.line(function) > facts.line(outer):
        return
    lines = (
        f"@{keras}.utils.register_keras_serializable()",
        f"class {name}({keras}.layers.Layer):",
        "    def call(self, inputs):",
        f"        return {function.name}(inputs)",
        "",
        "",
    )
    made = [Replace(call, f"{name}({', '.join(facts.text(keyword) for keyword in call.keywords)})") for call in layers]
    yield Fix.of(f"Make it a layer class `{name}`", InsertBefore(outer, lines), *made)
