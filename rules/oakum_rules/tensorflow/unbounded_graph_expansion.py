"""Build operations once and feed them: a graph never forgets what a loop adds to it.

## Why
In TensorFlow 1.x every call such as `tf.square(x)`, `x + 1` or `v.assign(x)` adds operations to the graph, and nothing takes them
out again. Done in each step, memory grows and each `run` starts slower than the last. In 2.x a `tf.function` is traced anew for
each Python number, text or length of a list that it hasn't seen, and keeps every trace as long as it lives.

## Bad
```python
tf1 = tf.compat.v1
x = tf1.placeholder(tf.float32, [None, 32])
with tf1.Session() as sess:
    for batch in range(100):
        mean = sess.run(tf.reduce_mean(x), {x: x_train})
```

## Good
```python
tf1 = tf.compat.v1
x = tf1.placeholder(tf.float32, [None, 32])
mean_op = tf.reduce_mean(x)
with tf1.Session() as sess:
    for batch in range(100):
        mean = sess.run(mean_op, {x: x_train})
```

## Fix
Puts an operation that is the same in each pass before the loop; hands a value to a variable with `load`; wraps a number that a
traced function only computes with in `tf.constant`; or lets the function relax its shapes. Review each: the operation must not
stand between two graphs, and a Python number that becomes a tensor no longer steers `if`, `range` or an f-string.

## Silent when
The code runs eagerly; the loop only builds (layers, towers); a pass has a graph of its own, by `tf.Graph().as_default()` or
`tf.reset_default_graph()`; the operation is kept and made once; it is built in a body that TensorFlow traces. For traced functions:
the argument is a tensor, an array, a literal or one of two values, or the function has a signature or relaxes shapes.

## Evidence
Measured a pass: `x * 2. + float(i)` in 1.x keeps 49 KB and 4 operations, a placeholder that is fed 0.1 KB, a graph a pass 0.2 KB.
A traced function keeps 111 KB for a new Python number, 88 KB for a text, 473 KB for a list that grows by one; an array or a
tensor 0.1 KB. A function that is traced anew because it is made in the pass costs time, but its traces are freed with it.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Again, Execution, Facts, Obj
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK12",
    smell="Unbounded Graph Expansion",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Graph Management",
    subcategory="Graph growth",
    practices=("Graph Isolation and Optimization",),
    fix=Safety.SAFE,
    yields_to=("TK08", "TK07", "TK11"),
    see_also=("TK11", "TK07", "TK02"),
)


@RULE.check
def operation(node: ast.Call | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript, facts: Facts) -> Iterator[Finding]:
    """An operation of a graph of 1.x that is built in each pass, by an expression or by the function that it calls."""
    if not facts.may_build_graphs or (again := facts.growth(node)) is None or not facts.largest_growth(node):
        return
    if any(_grown_by(name, again, facts) for name in ast.walk(node) if isinstance(name, ast.Name)):
        return  # the same chain of operations: told of where it begins
    yield Finding(
        node,
        f"`{facts.short(node, 30)}` adds to the graph {facts.often(again)}. "
        "Operations stay there: build it once before, and feed what changes.",
        tuple(_mends(node, again, facts)),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )


def _grown_by(name: ast.Name, again: Again, facts: Facts) -> bool:
    """Whether a name is bound, in the same repetition, to operations that are built there."""
    for definition in facts.definitions(name):
        made = definition.value
        if definition.how != "assign" or made is None or made in facts.ancestors(name) or facts.embedded_array(made) is not None:
            continue
        if again.loop in facts.ancestors(made) or (
            again.call is not None or isinstance(again.loop, (ast.FunctionDef, ast.AsyncFunctionDef))
        ):
            if any(facts.growth(part) is not None for part in ast.walk(made)):
                return True
    return False


def _mends(node: ast.expr, again: Again, facts: Facts) -> Iterator[Fix]:
    assigned = facts.assigned_in_session(node)
    if assigned is not None:
        statement, variable, value, session = assigned
        loaded = f"{facts.text(variable)}.load({facts.text(value)}, {facts.text(session)})"
        yield Fix.of("Hand the value to the variable with `load`", Replace(statement, loaded))
    loop, statement = again.loop, facts.statement(node)
    if not isinstance(loop, (ast.For, ast.AsyncFor, ast.While)):
        return
    title = "Build it once, before the loop"
    if isinstance(statement, ast.Assign) and not facts.runs_operations(statement):
        chain = facts.chain(statement, loop)
        if chain:
            safety = Safety.SAFE if all(facts.is_pure_operation(link.value) for link in chain) else Safety.REVIEW
            lines = tuple(facts.text(link) for link in chain)
            yield Fix.of(title, InsertBefore(loop, lines), *(Delete(link) for link in chain), safety=safety)
    elif facts.hoistable(node, loop):
        name = facts.free_name(f"{_verb(node)}_op", node)
        operations = InsertBefore(loop, (f"{name} = {facts.text(node)}",)), Replace(node, name)
        yield Fix.of(title, *operations, safety=Safety.SAFE if facts.is_pure_operation(node) else Safety.REVIEW)


def _verb(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name.lower()
        case _:
            return "result"


def _new_each_time(argument: ast.expr, loop: ast.AST, facts: Facts) -> str | None:
    """What kind of Python value, new in each pass, an argument is: "number" or "text"; None for tensors, arrays and flags."""
    if isinstance(argument, (ast.Constant, ast.Compare, ast.BoolOp)) or not facts.varies(argument, loop):
        return None
    match argument:
        case ast.BinOp(op=ast.Mod(), right=ast.Constant()):
            return None  # takes few values
        case ast.UnaryOp(op=ast.Not()):
            return None
        case _:
            pass
    if facts.is_kind(argument, "number") and not any(obj.constant is not None for obj in facts.value(argument)):
        return None if facts.is_flag(argument) else "number"
    return "text" if facts.is_kind(argument, "string") and facts.written_anew(argument, loop) else None


@RULE.check
def retraced(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A traced function that gets a Python number or text which is new in each pass."""
    if not (node.args or node.keywords) or not facts.may_trace or (callee := facts.traced(node.func)) is None:
        return
    if facts.again(node) is None or not facts.retraces(callee) or facts.execution(node) is Execution.TRACE:
        return
    pairs = [(argument, loop) for argument in (*node.args, *(k.value for k in node.keywords)) for loop in facts.loops(node)]
    for argument, loop in pairs:
        kind = _new_each_time(argument, loop, facts)
        if kind is None and facts.lengthened(argument, loop):
            kind = "length of the list"
        if kind is None or facts.is_short(loop):
            continue
        yield Finding(
            argument,
            f"`{facts.short(node.func, 25)}` is traced anew for each new {kind} `{facts.short(argument, 25)}`. "
            "It keeps every trace: pass a tensor, such as `tf.constant(...)`, instead of a Python value.",
            tuple(_tensors(argument, callee, kind, facts)),
            places((loop, "this repeats it"), (callee.traced, "it is traced here")),
        )
        return


def _tensors(argument: ast.expr, callee: Obj, kind: str, facts: Facts) -> Iterator[Fix]:
    tensorflow = facts.module_name("tensorflow")
    parameter = facts.parameter_of(argument, callee)
    if kind == "number" and tensorflow is not None and parameter is not None and facts.only_computes(parameter, callee):
        yield Fix.of("Pass it as a tensor", Replace(argument, f"{tensorflow}.constant({facts.text(argument)})"))
    decorator = callee.traced
    if kind == "number" and isinstance(decorator, (ast.Name, ast.Attribute)):
        yield Fix.of(
            "Let the function relax what it is traced for", Replace(decorator, f"{facts.text(decorator)}(reduce_retracing=True)")
        )


@RULE.check(level=Level.INFORMATION)
def traced_per_pass(node: ast.Call | ast.FunctionDef, facts: Facts) -> Iterator[Finding]:
    """A traced function that is made, and so traced, in each step or call."""
    if not facts.may_trace:
        return
    if isinstance(node, ast.Call):
        if facts.tensorflow_name(node.func) != "tensorflow.function" or isinstance(
            facts.parent(node), (ast.FunctionDef, ast.AsyncFunctionDef)
        ):
            return
    elif facts.traced_by(node) is None or facts.method_class(node) is not None:
        return
    again = facts.again_in_tensorflow(node)
    if again is None or not facts.is_step(again, node):
        return
    name = f"`{node.name}`" if isinstance(node, ast.FunctionDef) else f"`{facts.short(node, 30)}`"
    yield Finding(
        node,
        f"{name} makes a new traced function {facts.often(again)}. It is traced each time: make it once, before.",
        (),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )
