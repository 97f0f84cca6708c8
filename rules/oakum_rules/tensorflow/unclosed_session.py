"""Open sessions in a `with`: what a session holds is given back when it is closed.

## Why
A session owns the values of its variables. `InteractiveSession` also puts itself on TensorFlow's default stack, and stays there, with
its variables, until it is closed: a new one in each pass or call is never freed. Sessions that are kept in a list stay as well. A plain
session that is merely bound anew is closed by CPython when nothing refers to it, which another interpreter, a traceback or a cycle
of references may put off.

## Bad
```python
def predict(value):
    sess = tf.compat.v1.InteractiveSession()
    return output.eval({inputs: value})


for value in x_train:
    print(predict(value))
```

## Good
```python
def predict(sess, value):
    return sess.run(output, {inputs: value})


with tf.compat.v1.Session() as sess:
    for value in x_train:
        print(predict(sess, value))
```

## Fix
Puts the statements that use a session into a `with` of it. Review it where an `InteractiveSession` becomes a `Session`: every
`.eval()` and `op.run()` has to stand inside.

## Silent when
The session is in a `with`, or closed in a final block, in `close`, `__exit__` or `__del__`; there is one for the program, or one that is
made once and kept; it is passed in, handed on or returned; somebody else owns it (`keras.backend.get_session()`).

## Evidence
Measured with one variable of 1 MiB: an `InteractiveSession` a pass that is never closed keeps 2.2 MB for good, closed 0.2 KB; sessions
in a list 1.2 MB each; a plain session that is bound anew 0.4 KB, the same as with `with`: that form is a matter of care, not a leak.
If memory grows although every session is closed, operations are added in the loop.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts
from oakum.rule import Delete, Enclose, Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK02",
    smell="Unclosed-Session",
    frameworks={Framework.TENSORFLOW},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Session management",
    practices=("Session and Resource Cleanup",),
    fix=Safety.SAFE,
    yields_to=("TK08",),
    see_also=("TK06", "TK08", "TK12", "TK01"),
)


@RULE.check
def interactive(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """An `InteractiveSession` in each pass or call that nobody closes."""
    if facts.opened_session(node) != "InteractiveSession" or not facts.leaves_open(node):
        return
    if (again := facts.opened_again(node)) is None:
        return
    yield Finding(
        node,
        f"This `InteractiveSession` is opened {facts.often(again)}, and never closed. "
        "Each stays on the default stack with its variables: use `with tf.Session()`, or close it.",
        _within(node, facts, Safety.REVIEW),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )


@RULE.check
def kept(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """Sessions that are put into a list or dict and never closed."""
    for container, item in facts.put(node):
        made = facts.own_session(item)
        if made is None or facts.closes_sessions(container) or (again := facts.opened_again(node)) is None:
            continue
        if (lifetime := facts.outlives(container, node)) is None:
            continue
        yield Finding(
            item,
            f"`{facts.short(container, 30)}` keeps an open session for each pass, with all its variables. "
            "Close it in the pass that opens it, or open one and use it for all.",
            (),
            places(
                (lifetime.made, "the container is made here"),
                (again.loop, "this repeats it"),
                (made, "the session is opened here"),
            ),
        )


@RULE.check(level=Level.HINT)
def never_closed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A plain session in each pass or call that nobody closes."""
    if facts.opened_session(node) in (None, "InteractiveSession") or not facts.leaves_open(node):
        return
    if (again := facts.opened_again(node)) is None:
        return
    yield Finding(
        node,
        f"This session is opened {facts.often(again)}, and not closed. "
        "What it holds is freed only when nothing refers to it any more: open it in a `with`.",
        _within(node, facts, Safety.SAFE),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )


@RULE.check
def entered_by_hand(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """`sess.as_default().__enter__()` in each pass, with no way out again."""
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "__enter__") or facts.calls("__exit__"):
        return
    if not facts.is_kind(node.func.value, "session", "graph") or (again := facts.opened_again(node)) is None:
        return
    yield Finding(
        node,
        f"`{facts.short(node.func.value, 25)}` is entered {facts.often(again)}, and never left. "
        "It stays on the default stack: use `with`.",
        (),
        places((again.loop, "this repeats it"), (again.call, "by way of this call")),
    )


def _within(node: ast.Call, facts: Facts, safety: Safety) -> tuple[Fix, ...]:
    owned = facts.owned_session(node)
    span, binding = facts.span_of_use(owned), owned.binding
    if span is None or not isinstance(binding, ast.Assign):
        return ()
    first, last, closing = span
    opened = facts.text(node).replace("InteractiveSession", "Session")
    header = f"with {opened} as {facts.text(binding.targets[0])}:"
    operations = Delete(binding), Enclose(first, last, header), *(Delete(statement) for statement in closing)
    return (Fix.of("Open it in a `with`", *operations, safety=safety),)
