"""Feed large arrays: what is made a constant becomes part of the graph and stays as long as that does.

## Why
In TensorFlow 1.x `tf.constant(array)`, `v.assign(array)` or `x + array` copies the array's content into the graph. Done in each
step, every array of the run stays, several times its size, and closing the session leaves a copy behind. A `tf.function` that reads
an array of NumPy from around it bakes the content into each of its traces, and into a model that is saved.

## Bad
```python
tf1 = tf.compat.v1
total = tf1.placeholder(tf.float32, [None, 32])
with tf1.Session() as sess:
    for batch in np.split(x_train, 64):
        offset = tf.constant(np.random.rand(512, 32))
        sess.run(offset)
```

## Good
```python
tf1 = tf.compat.v1
offset = tf1.placeholder(tf.float32, [512, 32])
with tf1.Session() as sess:
    for batch in np.split(x_train, 64):
        sess.run(offset, {offset: np.random.rand(512, 32)})
```

## Fix
Hands an array to a variable with `load`, or puts a constant that is the same in each pass before the loop. Review both: no other
graph may be entered between. Where the array changes, make one placeholder before the loop and feed it: no edit does that for you.

## Silent when
The code runs eagerly; the array is fed; the value is a number, a shape or a short list; a pass has a graph of its own; the constant
is made once; a traced function takes the array as an argument, or captures a tensor.

## Evidence
Measured for an array of 1 MiB: a constant a pass in 1.x keeps 5.2 MB, of which 1 MB outlives the session; a placeholder 0.1 KB, a
constant made once 0.2 KB, eager `tf.constant` nothing. A traced function over an array takes 10 MB more once and doesn't grow; traced
again in each pass it keeps 4.2 MB each time, with the array as an argument 0.1 MB. A saved model with the array: 1,057 KB of graph
instead of 11.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK11",
    smell="Graph-Constant Bottleneck",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Graph Management",
    subcategory="Graph growth",
    practices=("Use Placeholders for Large Data",),
    fix=Safety.SAFE,
    yields_to=("TK08", "TK07"),
    see_also=("TK12", "PT11", "TK03"),
)


@RULE.check
def constant_per_pass(node: ast.Call | ast.BinOp, facts: Facts) -> Iterator[Finding]:
    """An array whose content goes into a graph of 1.x in each pass."""
    if not facts.may_build_graphs or (array := facts.embedded_array(node)) is None:
        return
    if (again := facts.repeated_in_graph(node, in_helpers=True)) is None:
        return
    fixes: list[Fix] = []
    assigned = facts.assigned_in_session(node)
    if assigned is not None:
        statement, variable, value, session = assigned
        loaded = f"{facts.text(variable)}.load({facts.text(value)}, {facts.text(session)})"
        fixes.append(Fix.of("Hand the array to the variable with `load`", Replace(statement, loaded)))
    statement = facts.statement(node)
    if (
        isinstance(again.loop, (ast.For, ast.AsyncFor, ast.While))
        and isinstance(statement, ast.Assign)
        and statement.value is node
    ):
        if facts.chain(statement, again.loop) == [statement]:
            safety = Safety.SAFE if facts.is_pure_operation(node) else Safety.REVIEW
            operations = InsertBefore(again.loop, (facts.text(statement),)), Delete(statement)
            fixes.append(Fix.of("Make the constant once, before the loop", *operations, safety=safety))
    yield Finding(
        node,
        f"`{facts.short(array, 25)}` is copied into the graph {facts.often(again)}. "
        "The copies stay there: make one placeholder before and feed the array.",
        tuple(fixes),
        places(
            (again.loop, "this repeats it"),
            (again.call, "by way of this call"),
            (facts.array_made(array), "the array is made here"),
        ),
        covers=(again.call,) if again.call is not None else (),
    )


@RULE.check(level=Level.HINT)
def large_constant(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A large array that is made a constant of a graph of 1.x once."""
    if not facts.may_build_graphs or (array := facts.embedded_array(node)) is None or not facts.is_large_array(array):
        return
    if not facts.builds_graph(node) or facts.repeated_in_graph(node, in_helpers=True) is not None:
        return
    yield Finding(
        node,
        f"`{facts.short(array, 30)}` becomes part of the graph, which can hold 2 GB at most and is saved with it. "
        "Feed it through a placeholder.",
        (),
        places((facts.array_made(array), "the array is made here")),
    )


@RULE.check(level=Level.INFORMATION)
def captured_by_trace(node: ast.Name | ast.Attribute, facts: Facts) -> Iterator[Finding]:
    """An array of NumPy that a traced function reads from around it."""
    if not isinstance(node.ctx, ast.Load) or not facts.may_trace or (function := facts.captured_by(node)) is None:
        return
    if not facts.is_large_array(node) or _read_before(node, function, facts):
        return
    yield Finding(
        node,
        f"`{facts.short(node, 25)}` is baked into each trace of `{function.name}` as a constant. "
        "Pass the array as an argument, or capture `tf.constant(...)` of it.",
        (),
        places((facts.array_made(node), "the array is made here"), (facts.traced_by(function), "the function is traced by this")),
    )


def _read_before(node: ast.Name | ast.Attribute, function: ast.AST, facts: Facts) -> bool:
    """Whether a function reads the same array further up: one finding tells of it."""
    key = facts.key(node)
    same = (other for other in facts.nodes_in(function, type(node)) if facts.key(other) == key)
    return next(same, node) is not node
