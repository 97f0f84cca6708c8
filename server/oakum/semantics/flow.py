"""Reaching definitions: which bindings of a name can be seen where it is read.

One `Flow` a function body (or module body), made when somebody asks. Names and attribute chains of a name (`self.total`,
`cfg.model.head`) are tracked alike, flow-sensitively: a binding on every path replaces the earlier ones, branches join, loops
bring bindings of the last iteration back to their head. What a chain held when the function was entered is `ENTRY`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Loop = ast.For | ast.AsyncFor | ast.While


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """One binding of `key`.

    `how`: assign, augment, for, comprehension, with, parameter, import, function, class, except, match, delete, reset, entry.
    `value`: the expression that gives the value (the iterable of a `for`, the context manager of a `with`).
    `path`: where in the value the bound part is: indices of nested unpacking, `"*"` for a starred rest.
    `statement`: the statement (or comprehension) that binds. `number`: its place among the bindings of its function.
    """

    key: str
    how: str
    node: ast.AST
    value: ast.expr | None = None
    path: tuple[int | str, ...] = ()
    statement: ast.AST | None = None
    number: int = -1


def in_order(definitions: Iterable[Definition]) -> list[Definition]:
    """Bindings in the order of the source: what comes first must not depend on where objects lie in memory."""
    return sorted(definitions, key=lambda definition: definition.number)


ENTRY = Definition("", "entry", ast.Pass())
Env = dict[str, frozenset[Definition]]
_ENTRY_SET = frozenset({ENTRY})
_NOTHING: frozenset[Definition] = frozenset()

# Calls of these methods empty a container: the object stays, what it held is gone.
EMPTYING = {"clear", "reset", "zero_"}


@dataclass(slots=True, eq=False)
class Flow:
    """`uses`: what reaches a read. `definitions`: all bindings by key. `resets`: statements that empty a container, by key."""

    uses: dict[ast.AST, frozenset[Definition]] = field(default_factory=dict[ast.AST, frozenset[Definition]])
    definitions: dict[str, list[Definition]] = field(default_factory=dict[str, list[Definition]])
    returns: list[ast.Return] = field(default_factory=list[ast.Return])
    yields: list[ast.Yield | ast.YieldFrom] = field(default_factory=list["ast.Yield | ast.YieldFrom"])
    globals: set[str] = field(default_factory=set[str])
    nonlocals: set[str] = field(default_factory=set[str])
    final: Env = field(default_factory=dict[str, "frozenset[Definition]"])


def key_of(node: ast.AST | None) -> str | None:
    """`name` or `name.attribute...` of an expression that is such a chain."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    if not parts:
        return node.id
    parts.append(node.id)
    return ".".join(reversed(parts))


def container_of(node: ast.AST) -> ast.AST | None:
    """The expression at the root of `history["loss"]` or `d.setdefault(k, [])`; None behind any other call."""
    while isinstance(node, (ast.Subscript, ast.Call)):
        if isinstance(node, ast.Call):
            if not (isinstance(node.func, ast.Attribute) and node.func.attr in ("setdefault", "get", "__getitem__")):
                return None
            node = node.func
        node = node.value  # of the subscript, or of the method's attribute
    return node


def flow_of(function: FunctionNode | None, body: Iterable[ast.stmt] = ()) -> Flow:
    """The flow of a function, or of a module's statements."""
    walker = _Walker()
    env: Env = {}
    if function is None:
        env = walker.block(body, env)
    else:
        for argument in parameters(function.args):
            walker.bind(env, argument.arg, walker.define(argument.arg, "parameter", argument, None, (), function))
        if isinstance(function, ast.Lambda):
            walker.expression(function.body, env)
        else:
            env = walker.block(function.body, env)
    walker.flow.final = env
    return walker.flow


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters of a function in order, `*args` and `**kwargs` included."""
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg:
        found.append(arguments.vararg)
    found.extend(arguments.kwonlyargs)
    if arguments.kwarg:
        found.append(arguments.kwarg)
    return found


def _join(*envs: Env | None) -> Env:
    alive = [env for env in envs if env is not None]
    if not alive:
        return {}
    result = dict(alive[0])
    for env in alive[1:]:
        for key in result.keys() | env.keys():
            one, other = result.get(key), env.get(key)
            if one is other:
                continue
            # A chain that only one side binds still holds its old value on the other.
            missing = _ENTRY_SET if "." in key else _NOTHING
            result[key] = (missing if one is None else one) | (missing if other is None else other)
    return result


class _Walker:
    def __init__(self) -> None:
        self.flow = Flow()
        self.loops: list[tuple[list[Env], list[Env]]] = []  # (break, continue) environments of each open loop
        self.known: dict[tuple[ast.AST, str, tuple[int | str, ...]], Definition] = {}
        self.dead = False

    # --- bindings ---

    def define(
        self, key: str, how: str, node: ast.AST, value: ast.expr | None, path: tuple[int | str, ...], statement: ast.AST
    ) -> Definition:
        """The definition at `node`: one object, however often a loop is walked."""
        identity = (node, key, path)
        if identity not in self.known:
            self.known[identity] = Definition(key, how, node, value, path, statement, len(self.known))
        return self.known[identity]

    def bind(self, env: Env, key: str, definition: Definition) -> None:
        if "." not in key:
            # A rebound name makes what was known of its attributes void.
            for chain in [chain for chain in env if chain.startswith(key + ".")]:
                env[chain] = _ENTRY_SET
        env[key] = frozenset({definition})
        known = self.flow.definitions.setdefault(key, [])
        if definition not in known:
            known.append(definition)

    def target(
        self, target: ast.AST, how: str, value: ast.expr | None, statement: ast.AST, env: Env, path: tuple[int | str, ...] = ()
    ) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for index, element in enumerate(target.elts):
                step: int | str = index
                if isinstance(element, ast.Starred):
                    self.target(element.value, how, value, statement, env, (*path, "*"))
                    continue
                self.target(element, how, value, statement, env, (*path, step))
            return
        if isinstance(target, ast.Starred):
            self.target(target.value, how, value, statement, env, (*path, "*"))
            return
        key = key_of(target)
        if key is None:
            self.expression(target, env)  # `x[i] = v` reads x and i
            return
        if isinstance(target, ast.Attribute):
            self.expression(target.value, env)
        self.bind(env, key, self.define(key, how, target, value, path, statement))

    # --- expressions, in order of evaluation ---

    def expression(self, node: ast.AST | None, env: Env) -> None:
        if node is None:
            return
        flow = self.flow
        if isinstance(node, ast.Name):
            flow.uses[node] = env.get(node.id, _NOTHING)
            return
        if isinstance(node, ast.Attribute):
            key = key_of(node)
            if key is not None:
                flow.uses[node] = env.get(key, _ENTRY_SET)
            self.expression(node.value, env)
            return
        if isinstance(node, ast.Constant):
            return
        if isinstance(node, ast.NamedExpr):
            self.expression(node.value, env)
            self.target(node.target, "assign", node.value, node, env)
            return
        if isinstance(node, ast.Lambda):
            for default in [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]:
                self.expression(default, env)
            return
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            self.comprehension(node, env)
            return
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            self.expression(node.value, env)
            if node not in flow.yields:
                flow.yields.append(node)
            return
        if isinstance(node, ast.IfExp):
            self.expression(node.test, env)
            self.expression(node.body, env)
            self.expression(node.orelse, env)
            return
        if isinstance(node, ast.Call):
            self.expression(node.func, env)
            for argument in node.args:
                self.expression(argument, env)
            for keyword in node.keywords:
                self.expression(keyword.value, env)
            self.empties(node, env)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.expr, ast.keyword)):
                self.expression(child.value if isinstance(child, ast.keyword) else child, env)

    def empties(self, call: ast.Call, env: Env) -> None:
        """`xs.clear()` is a reset of `xs`."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in EMPTYING and (key := key_of(call.func.value)):
            if call.func.attr == "clear":
                self.bind(env, key, self.define(key, "reset", call, None, (), call))

    def comprehension(self, node: Comprehension, env: Env) -> None:
        inner = env
        for number, generator in enumerate(node.generators):
            self.expression(generator.iter, env if number == 0 else inner)
            if number == 0:
                inner = dict(env)
            self.target(generator.target, "comprehension", generator.iter, node, inner)
            for condition in generator.ifs:
                self.expression(condition, inner)
        if isinstance(node, ast.DictComp):
            self.expression(node.key, inner)
            self.expression(node.value, inner)
        else:
            self.expression(node.elt, inner)

    # --- statements ---

    def block(self, body: Iterable[ast.stmt], env: Env) -> Env:
        """Walk statements; `self.dead` tells afterwards that the end isn't reached."""
        self.dead = False
        for statement in body:
            env = self.statement(statement, env)
            if self.dead:
                break
        return env

    def statement(self, node: ast.stmt, env: Env) -> Env:
        method = getattr(self, f"on_{type(node).__name__}", None)
        if method is not None:
            return method(node, env)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child, env)
        return env

    def on_Assign(self, node: ast.Assign, env: Env) -> Env:
        self.expression(node.value, env)
        for target in node.targets:
            self.target(target, "assign", node.value, node, env)
        return env

    def on_AnnAssign(self, node: ast.AnnAssign, env: Env) -> Env:
        self.expression(node.value, env)
        if node.value is not None:
            self.target(node.target, "assign", node.value, node, env)
        return env

    def on_AugAssign(self, node: ast.AugAssign, env: Env) -> Env:
        self.expression(node.value, env)
        key = key_of(node.target)
        self.expression(node.target, env)
        if key is not None:
            self.bind(env, key, self.define(key, "augment", node.target, node.value, (), node))
        return env

    def on_Delete(self, node: ast.Delete, env: Env) -> Env:
        for target in node.targets:
            key = key_of(target)
            if key is not None:
                self.bind(env, key, self.define(key, "delete", target, None, (), node))
            elif isinstance(target, ast.Subscript):
                self.expression(target, env)
                owner = key_of(target.value)
                if owner is not None and isinstance(target.slice, ast.Slice):
                    self.bind(env, owner, self.define(owner, "reset", target, None, (), node))
        return env

    def on_FunctionDef(self, node: ast.FunctionDef, env: Env) -> Env:
        for expression in [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]:
            self.expression(expression, env)
        self.bind(env, node.name, self.define(node.name, "function", node, None, (), node))
        return env

    def on_AsyncFunctionDef(self, node: ast.AsyncFunctionDef, env: Env) -> Env:
        return self.on_FunctionDef(node, env)  # pyright: ignore[reportArgumentType]

    def on_ClassDef(self, node: ast.ClassDef, env: Env) -> Env:
        for expression in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.expression(expression, env)
        self.bind(env, node.name, self.define(node.name, "class", node, None, (), node))
        return env

    def on_Import(self, node: ast.Import, env: Env) -> Env:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.bind(env, name, self.define(name, "import", alias, None, (), node))
        return env

    def on_ImportFrom(self, node: ast.ImportFrom, env: Env) -> Env:
        for alias in node.names:
            name = alias.asname or alias.name
            self.bind(env, name, self.define(name, "import", alias, None, (), node))
        return env

    def on_Global(self, node: ast.Global, env: Env) -> Env:
        self.flow.globals.update(node.names)
        return env

    def on_Nonlocal(self, node: ast.Nonlocal, env: Env) -> Env:
        self.flow.nonlocals.update(node.names)
        return env

    def on_Return(self, node: ast.Return, env: Env) -> Env:
        self.expression(node.value, env)
        if node not in self.flow.returns:
            self.flow.returns.append(node)
        self.dead = True
        return env

    def on_Raise(self, node: ast.Raise, env: Env) -> Env:
        self.expression(node.exc, env)
        self.dead = True
        return env

    def on_Break(self, node: ast.Break, env: Env) -> Env:
        if self.loops:
            self.loops[-1][0].append(dict(env))
        self.dead = True
        return env

    def on_Continue(self, node: ast.Continue, env: Env) -> Env:
        if self.loops:
            self.loops[-1][1].append(dict(env))
        self.dead = True
        return env

    def on_If(self, node: ast.If, env: Env) -> Env:
        self.expression(node.test, env)
        then = self.block(node.body, dict(env))
        then_dead = self.dead
        other = self.block(node.orelse, dict(env))
        other_dead = self.dead
        self.dead = then_dead and other_dead
        return _join(None if then_dead else then, None if other_dead else other) if not self.dead else env

    def on_For(self, node: ast.For, env: Env) -> Env:
        self.expression(node.iter, env)
        return self.loop(node, env)

    def on_AsyncFor(self, node: ast.AsyncFor, env: Env) -> Env:
        self.expression(node.iter, env)
        return self.loop(node, env)

    def on_While(self, node: ast.While, env: Env) -> Env:
        return self.loop(node, env)

    def loop(self, node: Loop, env: Env) -> Env:
        back: Env | None = None
        broken: list[Env] = []
        head = env
        for _ in range(2):  # the second walk sees what the first one left for the next iteration
            head = _join(env, back)
            inner = dict(head)
            if isinstance(node, ast.While):
                self.expression(node.test, inner)
            else:
                self.target(node.target, "for", node.iter, node, inner)
            self.loops.append(([], []))
            inner = self.block(node.body, inner)
            ended = self.dead
            broken, continued = self.loops.pop()
            back = _join(None if ended else inner, *continued) if not ended or continued else None
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
        exhausted = None if endless else _join(head, back)
        if exhausted is not None:
            exhausted = self.block(node.orelse, dict(exhausted))
            if self.dead:
                exhausted = None
        self.dead = exhausted is None and not broken
        return _join(exhausted, *broken) if not self.dead else env

    def on_With(self, node: ast.With, env: Env) -> Env:
        for item in node.items:
            self.expression(item.context_expr, env)
            if item.optional_vars is not None:
                self.target(item.optional_vars, "with", item.context_expr, node, env)
        return self.block(node.body, env)

    def on_AsyncWith(self, node: ast.AsyncWith, env: Env) -> Env:
        return self.on_With(node, env)  # pyright: ignore[reportArgumentType]

    def on_Try(self, node: ast.Try, env: Env) -> Env:
        before = dict(env)
        seen = [before]
        inner = dict(env)
        self.dead = False
        for statement in node.body:
            inner = self.statement(statement, inner)
            seen.append(dict(inner))
            if self.dead:
                break
        body_dead = self.dead
        failing = _join(*seen)  # an exception may leave the body after any of its statements
        ends: list[Env] = []
        if not body_dead:
            inner = self.block(node.orelse, inner)
            if not self.dead:
                ends.append(inner)
        for handler in node.handlers:
            start = dict(failing)
            self.expression(handler.type, start)
            if handler.name:
                self.bind(start, handler.name, self.define(handler.name, "except", handler, handler.type, (), handler))
            end = self.block(handler.body, start)
            if not self.dead:
                ends.append(end)
        dead = not ends
        if node.finalbody:
            end = self.block(node.finalbody, _join(*ends) if ends else dict(failing))
            dead = dead or self.dead
            self.dead = dead
            return end
        self.dead = dead
        return _join(*ends) if ends else env

    def on_TryStar(self, node: ast.Try, env: Env) -> Env:
        return self.on_Try(node, env)

    def on_Match(self, node: ast.Match, env: Env) -> Env:
        self.expression(node.subject, env)
        ends: list[Env] = [env]
        for case in node.cases:
            start = dict(env)
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self.bind(start, name, self.define(name, "match", pattern, node.subject, (), node))
            self.expression(case.guard, start)
            end = self.block(case.body, start)
            if not self.dead:
                ends.append(end)
        self.dead = False
        return _join(*ends)
