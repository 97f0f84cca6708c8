"""Wire a Keras model from layers and `keras.ops`: a raw TensorFlow function doesn't take its symbolic tensors.

## Why
A functional model is wired from symbolic tensors: what `keras.Input` gives, and what layers make of it. Since Keras 3 a function of
TensorFlow can't take one and raises `ValueError` while the model is built. Older editions turned each into a layer of its own, which
has a name that nobody chose and ties the model to TensorFlow.

## Bad
```python
from keras import ops
inputs = keras.Input((8, 8, 3))
x = keras.layers.Conv2D(4, 3)(inputs)
x = tf.nn.relu(x)
net = keras.Model(inputs, x)
```

## Good
```python
from keras import ops
inputs = keras.Input((8, 8, 3))
x = keras.layers.Conv2D(4, 3)(inputs)
x = ops.relu(x)
net = keras.Model(inputs, x)
```

## Fix
Calls the function of `keras.ops` where that is the same one and the file surely runs with Keras 3; else puts a layer in the place of
an activation or concatenation, which works in all editions. Review both: names of layers change, and with them names of saved weights.
For all else write a layer and call TensorFlow in its `call`. A `Lambda` is no cure: it can't be loaded back.

## Silent when
The function stands in `call`, `train_step` or a `Lambda`, in a loss or a metric, or in a pipeline of `tf.data`; its tensors are eager;
an operator does the work (`x * 0.5`, `x[:, 0]`); it reads a static shape; the file builds graphs of TensorFlow 1.x or takes the older
Keras (`tf_keras`, `TF_USE_LEGACY_KERAS`).

## Evidence
Measured with Keras 3: `tf.reshape(keras.Input(...))` raises `ValueError`; `keras.ops.reshape` gives the same numbers as TensorFlow's.
The advice is told as one against leaks, but memory doesn't depend on it: raw functions in `call` keep 1.4 KB a `predict`, layers in
their place 1.5 KB, a training step 0.1 KB and nothing, and the losses are equal.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Finding, Fix, Framework, Level, Replace, Rule, Safety

RULE = Rule(
    __name__,
    code="TK14",
    smell="Primitive API Leakage",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Framework/Abstraction",
    subcategory="Abstraction",
    practices=("TensorFlow Operation Encapsulation",),
    fix=Safety.REVIEW,
    yields_to=("TK13",),
    see_also=("TK13", "TK12"),
)


@RULE.check
def refused(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A function of TensorFlow on a symbolic tensor, in a file that surely runs with Keras 3."""
    if not facts.wires_models or facts.keras_edition != 3 or (operand := _operand(node, facts)) is None:
        return
    edits = [facts.in_keras_ops(call) for call in facts.raw_operands(node)]
    fixes: tuple[Fix, ...] = ()
    if known := [edit for edit in edits if edit is not None]:
        operations = [Replace(place, text) for edit in known for place, text in edit]
        fixes = (Fix.of("Use `keras.ops`", *operations),) if len(known) == len(edits) else ()
    yield Finding(
        node,
        f"`{facts.short(node.func, 22)}` can't take the symbolic `{facts.short(operand, 20)}`: Keras 3 raises `ValueError`. "
        "Use `keras.ops`, or do it in the `call` of a layer.",
        fixes,
    )


@RULE.check(level=Level.HINT)
def wired_in(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A function of TensorFlow on a symbolic tensor, where the file doesn't tell the edition of Keras."""
    if not facts.wires_models or facts.keras_edition is not None or (operand := _operand(node, facts)) is None:
        return
    layer = facts.as_layer(node) if len(facts.raw_operands(node)) == 1 else None
    yield Finding(
        node,
        f"`{facts.short(node.func, 25)}` is wired into the model as it is: Keras 3 refuses `{facts.short(operand, 20)}`. "
        "Use a layer that does the same, or do it in the `call` of one.",
        (Fix.of("Use a layer", Replace(node, layer)),) if layer else (),
    )


@RULE.check(level=Level.INFORMATION)
def on_other_backend(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A function of TensorFlow in a layer of a program that runs Keras on JAX or PyTorch."""
    if not facts.leaves_tensorflow or (function := facts.function(node)) is None:
        return
    if getattr(function, "name", None) != "call" or facts.raw_operation(node) is None or facts.outer_operation(node) is not None:
        return
    cls = facts.method_class(function)
    if cls is not None and any(base.startswith("keras.") for base in facts.bases(cls)[1]):
        yield Finding(
            node,
            f"`{facts.short(node.func, 40)}` needs TensorFlow, and this file runs Keras on another backend. Use `keras.ops`.",
        )


@RULE.check(calls=("add_metric",))
def removed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`model.add_metric`, which Keras 3 has no more."""
    if facts.wires_models and facts.keras_edition == 3 and isinstance(node.func, ast.Attribute):
        if facts.is_keras_model(node.func.value):
            yield Finding(
                node, "Keras 3 has no `add_metric`: it raises here. Track a `keras.metrics` object in `call` or `train_step`."
            )


def _operand(node: ast.Call, facts: Facts) -> ast.expr | None:
    """The symbolic tensor that a raw operation takes; of nested operations, the outermost tells."""
    if facts.raw_operation(node) is None or facts.may_build_graphs or (operand := facts.keras_operand(node)) is None:
        return None
    return None if facts.outer_operation(node) is not None or facts.in_layer_code(node) else operand
