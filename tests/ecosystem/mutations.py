"""Put leaks into released packages and count how many of them are found.

    python tests/ecosystem/mutations.py [--rule CODE ...] [--sites N] [--show]

A mutator takes away what keeps a program from leaking (`.item()`, `no_grad`, `zero_grad`, `remove`, `close`), or adds what makes it leak. It
chooses its places by syntax, never by asking Oakum. Each place is changed alone, and its file analysed before and after: a finding of the rule, or of one that
speaks in its place, which was not there before, finds it. Not each place leaks once it is changed: `recall.jsonl` holds, for what was not found, what
somebody who read the code thinks of it. `recall.md` is the table that comes of both.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from oakum.analysis import Memory, analyse, mentions_framework
from oakum.syntax.document import Document

HERE = Path(__file__).parent
CORPUS = HERE.parent.parent / ".ecosystem"
VERDICTS = HERE / "recall.jsonl"
TABLE = HERE / "recall.md"
SECONDS = 60  # for all of a file
PER_FILE = 3  # places of one mutation in one file: what its author does once is done again and again

Edit = tuple[int, int, str]  # from, to (in bytes), and what stands there afterwards


class File:
    """A file with its tree, and where its nodes stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = path.read_bytes()
        self.tree = ast.parse(self.bytes)
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.parents: dict[ast.AST, ast.AST] = {}
        self.nodes = list(ast.walk(self.tree))
        for node in self.nodes:
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        return self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def imports(self, name: str) -> bool:
        return re.search(rf"^\s*(import|from) {name}", self.bytes.decode(), re.MULTILINE) is not None

    def text(self, node: ast.expr | ast.stmt) -> str:
        return self.bytes[self.start(node) : self.end(node)].decode()

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        return next((one for one in self.above(node) if isinstance(one, ast.FunctionDef)), None)

    def of(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in self.nodes if isinstance(node, kinds))

    def after(self, node: ast.stmt) -> list[ast.stmt]:
        """The statements that follow one in its block."""
        parent = self.parents[node]
        blocks: list[list[ast.stmt]] = [getattr(parent, name, []) for name in ("body", "orelse", "finalbody")]
        rest: list[ast.stmt] = []
        for block in blocks:
            if node in block:
                rest = block[block.index(node) + 1 :]
        return rest

    def put(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        return self.start(node), self.end(node), text

    def grad_free(self, node: ast.AST) -> bool:
        """Whether the text around a node says that nothing is recorded there."""
        for one in self.above(node):
            switches: list[ast.expr] = []
            if isinstance(one, ast.FunctionDef):
                switches = one.decorator_list
            elif isinstance(one, ast.With):
                switches = [item.context_expr for item in one.items]
            if any(re.search(r"no_grad|inference_mode|set_grad_enabled", ast.unparse(switch)) for switch in switches):
                return True
        return False

    def repeated(self, node: ast.AST) -> bool:
        """Whether a loop stands around a node, in its function."""
        for one in self.above(node):
            if isinstance(one, (ast.For, ast.While)):
                return True
            if isinstance(one, (ast.FunctionDef, ast.Lambda)):
                return False
        return False


@dataclass(frozen=True, slots=True)
class Site:
    """A place to change."""

    mutation: str
    path: Path
    line: int
    context: str
    edits: tuple[Edit, ...]

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.mutation, self.path.relative_to(CORPUS).as_posix(), self.context


Places = Iterator[tuple[ast.expr | ast.stmt, tuple[Edit, ...]]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A way to reintroduce a leak. `rules`: the one that is asked, then those that may speak in its place."""

    name: str
    rules: tuple[str, ...]
    needs: str  # a pattern without which a text has no place for it
    places: Callable[[File], Places]
    says: str


MUTATIONS: dict[str, Mutation] = {}


def mutation(*rules: str, needs: str) -> Callable[[Callable[[File], Places]], Callable[[File], Places]]:
    def keep(function: Callable[[File], Places]) -> Callable[[File], Places]:
        name = function.__name__.replace("_", "-")
        MUTATIONS[name] = Mutation(name, rules, needs, function, (function.__doc__ or "").strip())
        return function

    return keep


def called(node: ast.AST, *names: str) -> bool:
    """Whether a node calls a function or method of one of these names."""
    if not isinstance(node, ast.Call):
        return False
    return (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in names


_LOSS = re.compile(r"loss|\bkl\b|nll|objective", re.IGNORECASE)
_NUMBERS = ("item", "detach", "cpu", "numpy", "tolist")
_RELEASED = ("detach", "item")


def attached_under(node: ast.expr) -> ast.expr | None:
    """`x` of `x.item()`, `x.detach().cpu().numpy()`, `float(x)`."""
    released = False
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=[], keywords=[]) if name in _NUMBERS:
                released = released or name in _RELEASED
                node = inner
            case ast.Call(func=ast.Name(id="float"), args=[inner], keywords=[]):
                released, node = True, inner
            case _:
                return node if released else None


def released(file: File, value: ast.expr) -> Iterator[tuple[ast.expr, Edit]]:
    """The outermost values in an expression that give up their graph, and what keeps it."""
    if (inner := attached_under(value)) is not None:
        if not isinstance(inner, (ast.Constant, ast.List)):
            yield inner, file.put(value, file.text(inner))
        return
    for child in ast.iter_child_nodes(value):
        if isinstance(child, ast.expr):
            yield from released(file, child)


def kept(file: File, *, loss: bool) -> Iterator[tuple[ast.Call, ast.expr, Edit]]:
    """`xs.append(y.detach())` where autograd records."""
    for call in file.of(ast.Call):
        if isinstance(call, ast.Call) and called(call, "append") and len(call.args) == 1 and not file.grad_free(call):
            for inner, edit in released(file, call.args[0]):
                if bool(_LOSS.search(file.text(inner))) is loss:
                    yield call, inner, edit


# --- autograd: what is kept ---


@mutation("PT07", "PT17", "PT20", needs=r"\+=.*(item|detach|float)\(")
def number_of_total(file: File) -> Places:
    """`total += loss.item()` without `.item()`, in a loop"""
    for node in file.of(ast.AugAssign):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and not file.grad_free(node) and file.repeated(node):
            for inner, edit in released(file, node.value):
                if _LOSS.search(file.text(inner)):
                    yield node, (edit,)
                    break


@mutation("PT07", "PT17", "PT20", "PT04", needs=r"append\(.*(item|detach|float)\(")
def number_of_list(file: File) -> Places:
    """`losses.append(loss.item())` without `.item()`"""
    for call, _, edit in kept(file, loss=True):
        yield call, (edit,)


@mutation("PT04", "PT07", "PT06", "PT05", "PT17", "PT20", needs=r"append\(.*(detach|item)\(")
def detached_output(file: File) -> Places:
    """`outputs.append(y.detach())` without `.detach()`"""
    for call, _, edit in kept(file, loss=False):
        yield call, (edit,)


@mutation("PT05", "PT19", "PT11", "PT24", needs=r"self\.\w+ = .*detach\(")
def detached_attribute(file: File) -> Places:
    """`self.x = y.detach()` in a method without `.detach()`"""
    for node in file.of(ast.Assign):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute) and not file.grad_free(node):
            function = file.function(node)
            if function is not None and function.name != "__init__":
                for _, edit in released(file, node.value):
                    yield node, (edit,)
                    break


_STORE = re.compile(r"buffer|memory|replay|rollout|storage", re.IGNORECASE)


@mutation("PT06", "PT04", "PT07", "PT20", needs=r"(detach|cpu|numpy)\(")
def released_experience(file: File) -> Places:
    """`buffer.add(value.detach())` without `.detach()`"""
    for call in file.of(ast.Call):
        if (
            isinstance(call, ast.Call)
            and called(call, "add", "push", "append", "store", "put", "extend", "insert")
            and isinstance(call.func, ast.Attribute)
            and _STORE.search(file.text(call.func.value))
            and not file.grad_free(call)
        ):
            for argument in call.args:
                for _, edit in released(file, argument):
                    yield call, (edit,)


# --- autograd: what records ---


def _switch(node: ast.expr) -> bool:
    return bool(re.fullmatch(r"(torch\.)?(no_grad|inference_mode)(\(\))?", ast.unparse(node)))


@mutation("PT17", "PT20", "PT04", "PT07", "PT06", needs=r"@.*(no_grad|inference_mode)")
def decorator_of_evaluation(file: File) -> Places:
    """A function without its `@torch.no_grad()`"""
    for node in file.of(ast.FunctionDef):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if _switch(decorator) and any(called(inner, *MODULES) for inner in ast.walk(node)):
                    start = file.start(decorator)
                    yield node, ((file.bytes.rindex(b"@", 0, start), file.end(decorator), "# undecorated"),)


MODULES = (
    "model",
    "net",
    "module",
    "_model",
    "actor",
    "critic",
    "policy",
    "encoder",
    "decoder",
    "generator",
    "network",
    "teacher",
    "forward",
    "backbone",
)


@mutation("PT17", "PT20", "PT04", "PT07", "PT06", needs=r"with .*(no_grad|inference_mode)")
def context_of_evaluation(file: File) -> Places:
    """`with torch.no_grad():` around the call of a model, replaced by `if True:`"""
    for node in file.of(ast.With):
        if isinstance(node, ast.With) and len(node.items) == 1 and _switch(node.items[0].context_expr):
            if any(called(inner, *MODULES) for inner in ast.walk(node)):
                yield node, ((file.start(node), file.end(node.items[0].context_expr), "if True"),)


@mutation("PT22", "PT18", needs="zero_grad")
def reset_of_gradients(file: File) -> Places:
    """A function that steps, without its `zero_grad()`"""
    for function in file.of(ast.FunctionDef):
        resets = [
            statement
            for statement in ast.walk(function)
            if isinstance(statement, ast.Expr) and called(statement.value, "zero_grad") and file.function(statement) is function
        ]
        calls = [inner for inner in ast.walk(function) if isinstance(inner, ast.Call)]
        if resets and any(called(c, "step", "optimizer_step") for c in calls) and any(called(c, "backward") for c in calls):
            yield resets[0], tuple(file.put(reset, "pass") for reset in resets)


@mutation("PT08", needs=r"register_\w*hook[\s\S]*\.remove\(\)")
def removal_of_hook(file: File) -> Places:
    """`handle.remove()` replaced by `pass`"""
    for node in file.of(ast.Expr):
        if (
            isinstance(node, ast.Expr)
            and called(node.value, "remove")
            and isinstance(node.value, ast.Call)
            and not node.value.args
        ):
            yield node, (file.put(node, "pass"),)


def _single_backward(file: File) -> Iterator[ast.Call]:
    for function in file.of(ast.FunctionDef):
        calls = [inner for inner in ast.walk(function) if called(inner, "backward") and file.function(inner) is function]
        call = calls[0] if len(calls) == 1 else None
        if isinstance(call, ast.Call) and not call.args and not call.keywords and isinstance(call.func, ast.Attribute):
            named = function.name if isinstance(function, ast.FunctionDef) else ""
            if named not in ("backward", "manual_backward") and not called(call.func.value, "super"):
                yield call


@mutation("PT24", "PT07", needs=r"backward\(\)")
def retained_graph(file: File) -> Places:
    """`loss.backward()`, the only one of its function, with `retain_graph=True`"""
    for call in _single_backward(file):
        end = file.end(call)
        yield call, ((end - 1, end, "retain_graph=True)"),)


@mutation("PT18", needs=r"backward\(\)")
def created_graph(file: File) -> Places:
    """`loss.backward()`, the only one of its function, with `create_graph=True`"""
    for call in _single_backward(file):
        end = file.end(call)
        yield call, ((end - 1, end, "create_graph=True)"),)


@mutation("PT19", "PT05", "PT24", needs=r"no_grad|detach")
def statistic_without_detach(file: File) -> Places:
    """A running statistic updated from a value that keeps its graph"""
    for node in file.of(ast.Assign, ast.AugAssign, ast.Call):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AugAssign) else None
        if isinstance(node, ast.Call) and called(node, "add_", "lerp_", "mul_") and isinstance(node.func, ast.Attribute):
            target = node.func.value
        if target is None or not re.search(r"self\..*(running|ema|avg|mean|momentum|moving)", ast.unparse(target)):
            continue
        assert isinstance(node, (ast.expr, ast.stmt))
        around = next((one for one in file.above(node) if isinstance(one, ast.With) and _switch(one.items[0].context_expr)), None)
        if around is not None:
            yield node, ((file.start(around), file.end(around.items[0].context_expr), "if True"),)
        elif not file.grad_free(node) and isinstance(node, ast.Assign):
            for _, edit in released(file, node.value):
                yield node, (edit,)
                break


# --- what is made again and again ---


def _mentions(name: str, node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))


def _into_loop(file: File, *makers: str) -> Places:
    """`x = Maker(...)` before a loop of the same block, moved to the top of it."""
    for node in file.of(ast.Assign):
        if not isinstance(node, ast.Assign) or not called(node.value, *makers) or not isinstance(node.targets[0], ast.Name):
            continue
        after = file.after(node)
        loop = next((one for one in after if isinstance(one, (ast.For, ast.While))), None)
        name = node.targets[0].id
        if loop is None or not any(_mentions(name, one) for one in loop.body):
            continue
        head = loop.iter if isinstance(loop, ast.For) else loop.test
        if any(_mentions(name, one) for one in (*after[: after.index(loop)], head)):
            continue
        first = loop.body[0]
        indent = " " * first.col_offset
        yield node, (file.put(node, "pass"), (file.start(first), file.start(first), f"{file.text(node)}\n{indent}"))


@mutation("PT27", "PT25", needs="DataLoader")
def loader_into_loop(file: File) -> Places:
    """`loader = DataLoader(...)` moved into the loop that reads it"""
    yield from _into_loop(file, "DataLoader")


@mutation("PT25", "PT27", needs="optim|Adam|SGD")
def model_into_loop(file: File) -> Places:
    """A model or optimizer moved into the loop that uses it"""
    yield from _into_loop(file, "Adam", "AdamW", "SGD", "RMSprop", "Sequential", "Linear", "from_pretrained")


@mutation("PT26", needs=r"iter\(\w*loader")
def cycled_loader(file: File) -> Places:
    """`it = iter(loader)` as `it = itertools.cycle(loader)`"""
    for node in file.of(ast.Assign):
        if isinstance(node, ast.Assign) and called(node.value, "iter") and isinstance(node.value, ast.Call) and node.value.args:
            if "loader" in file.text(node.value.args[0]).lower():
                yield node, (file.put(node.value.func, "__import__('itertools').cycle"),)


@mutation("PT01", "PT04", needs=r"torch\.(cat|stack)\(\w+")
def joined_in_loop(file: File) -> Places:
    """`x = torch.cat(xs)` after a loop of `xs.append(y)`, grown in the loop instead"""
    for node in file.of(ast.Assign):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=whole)],
                value=ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="cat"), args=[ast.Name(id=parts), *_]),
            ) if whole != parts:
                pass
            case _:
                continue
        function = file.function(node)
        if function is None:
            continue
        adds = [inner for inner in ast.walk(function) if isinstance(inner, ast.Call) and called(inner, "append")]
        appends = [add for add in adds if isinstance(add.func, ast.Attribute) and file.text(add.func.value) == parts]
        makes = [
            a
            for a in ast.walk(function)
            if isinstance(a, ast.Assign) and isinstance(a.targets[0], ast.Name) and a.targets[0].id == parts
        ]
        reads = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == parts]
        if len(appends) == 1 and len(makes) == 1 and len(reads) == 3 and file.repeated(appends[0]):
            call, made = appends[0], makes[0]
            grown = f"{whole} = torch.cat([{whole}, {file.text(call.args[0])}])"
            yield (
                call,
                (
                    file.put(made, f"{whole} = torch.empty(0)"),
                    file.put(call, grown),
                    file.put(node, "pass"),
                ),
            )


# --- files, sessions, writers ---


@mutation("TK01", "TK02", needs=r"\.close\(\)")
def closing(file: File) -> Places:
    """`writer.close()` or `sess.close()` replaced by `pass`"""
    for node in file.of(ast.Expr) if file.imports("tensorflow") else ():
        if isinstance(node, ast.Expr) and called(node.value, "close") and re.search(r"writer|sess|file|\bf\.", file.text(node)):
            yield node, (file.put(node, "pass"),)


@mutation("TK01", "TK02", needs=r"with .*(Session|open|GFile|create_file_writer|TFRecordWriter|FileWriter)\(")
def with_of_resource(file: File) -> Places:
    """`with Session() as s:` opened by hand and never closed"""
    for node in file.of(ast.With) if file.imports("tensorflow") else ():
        if isinstance(node, ast.With) and len(node.items) == 1 and isinstance(node.items[0].optional_vars, ast.Name):
            opened = node.items[0].context_expr
            if called(opened, "Session", "open", "GFile", "TFRecordWriter", "FileWriter", "InteractiveSession"):
                yield (
                    node,
                    (
                        (
                            file.start(node),
                            file.end(node.items[0].optional_vars),
                            f"{node.items[0].optional_vars.id} = {file.text(opened)}\n{' ' * node.col_offset}if True",
                        ),
                    ),
                )


# --- the run ---


def sites(names: Iterable[str], limit: int) -> list[Site]:
    """Places for each mutation, spread over the packages by a fixed shuffle."""
    chosen: list[Site] = []
    by_name: dict[str, list[Site]] = defaultdict(list)
    for path in sorted(CORPUS.rglob("*.py")):
        if re.search(r"(^|[/_])tests?[/_.]", path.relative_to(CORPUS).as_posix()):
            continue  # nobody minds there, and rules say so
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        wanted = [one for name in names if re.search((one := MUTATIONS[name]).needs, text)]
        if not wanted or not mentions_framework(text):
            continue
        try:
            file = File(path)
        except (SyntaxError, ValueError):
            continue
        lines = text.split("\n")
        for one in wanted:
            found = [Site(one.name, path, node.lineno, lines[node.lineno - 1].strip(), edits) for node, edits in one.places(file)]
            by_name[one.name].extend(sorted(found, key=_shuffled)[:PER_FILE])
    for found in by_name.values():
        chosen.extend(sorted(found, key=_shuffled)[:limit])
    return chosen


def _shuffled(site: Site) -> bytes:
    return sha256(f"{site.path.relative_to(CORPUS)}:{site.line}".encode()).digest()


def mutated(text: bytes, edits: Iterable[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new.encode() + text[end:]
    return text.decode()


def _late(*_: object) -> None:
    raise TimeoutError


def look(path: Path, here: list[Site]) -> list[tuple[Site, str]]:
    """For each place of a file what became of it: the code that found it, or `missed`, or why it could not be asked."""
    before = path.read_bytes()
    results: list[tuple[Site, str]] = []
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS * (1 + len(here) // 3))
    try:
        memory = Memory()
        known = Counter((d.rule.code, d.form.name) for d in analyse(Document(before.decode(), path), memory=memory).diagnostics)
        for site in here:
            text = mutated(before, site.edits)
            try:
                ast.parse(text)
            except SyntaxError:
                results.append((site, "unparsable"))
                continue
            report = analyse(Document(text, path), memory=memory.fork())
            now = Counter((d.rule.code, d.form.name) for d in report.diagnostics)
            new = {code for code, _ in now - known}
            results.append((site, next((code for code in MUTATIONS[site.mutation].rules if code in new), "missed")))
    except TimeoutError:
        results.extend((site, "too slow") for site in here[len(results) :])
    finally:
        signal.alarm(0)
    return results


def verdicts() -> dict[tuple[str, str, str], tuple[str, str]]:
    """What is thought of places that were not found: whether they leak, and why."""
    if not VERDICTS.exists():
        return {}
    rows = [json.loads(line) for line in VERDICTS.read_text(encoding="utf-8").splitlines()]
    return {(row["mutation"], row["path"], row["context"]): (row["verdict"], row["reason"]) for row in rows}


def table(results: list[tuple[Site, str]]) -> Iterator[str]:
    """The page."""
    judged = verdicts()
    yield "# How many of the leaks put into released packages are found\n"
    yield "Written by `make recall`, which tells how. *No leak*: places that were read and do not leak once changed. *Unread* ones count as missed."
    yield "*Share*: found, of found and missed.\n"
    yield "| rule | mutation | places | found | no leak | missed | of these unread | share | why missed |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|---|"
    for name, one in MUTATIONS.items():
        mine = [(site, result) for site, result in results if site.mutation == name and result not in ("unparsable", "too slow")]
        if not mine:
            continue
        found = sum(result != "missed" for _, result in mine)
        missed = [judged.get(site.identity, ("unread", "")) for site, result in mine if result == "missed"]
        harmless = sum(verdict == "none" for verdict, _ in missed)
        reasons = Counter(reason for verdict, reason in missed if verdict == "leak")
        unread = sum(verdict == "unread" for verdict, _ in missed)
        lost = len(missed) - harmless
        share = f"{found / (found + lost):.0%}" if found + lost else "-"
        why = "; ".join(f"{reason} ({count})" if count > 1 else reason for reason, count in reasons.most_common())
        yield f"| {one.rules[0]} | {one.says} | {len(mine)} | {found} | {harmless} | {lost} | {unread} | {share} | {why} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Put leaks into released packages and count how many of them are found.")
    parser.add_argument("--rule", action="append", metavar="CODE", help="mutations of these rules only")
    parser.add_argument("--mutation", action="append", metavar="NAME", choices=[*MUTATIONS], help="these mutations only")
    parser.add_argument("--sites", type=int, default=40, metavar="N", help="at most so many places for each mutation")
    parser.add_argument("--show", action="store_true", help="show each place that is not found")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    arguments = parser.parse_args()
    names = arguments.mutation or [n for n, one in MUTATIONS.items() if not arguments.rule or one.rules[0] in arguments.rule]
    by_path: dict[Path, list[Site]] = defaultdict(list)
    for site in sites(names, arguments.sites):
        by_path[site.path].append(site)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = [row for rows in pool.map(look, by_path, by_path.values()) for row in rows]
    judged = verdicts()
    if arguments.show:
        for site, result in sorted(results, key=lambda row: (row[0].mutation, row[1], row[0].path)):
            verdict, reason = judged.get(site.identity, ("unread", ""))
            if result in ("missed", "too slow", "unparsable"):
                print(
                    f"{result} [{verdict}] {site.mutation} {site.path.relative_to(CORPUS)}:{site.line} {site.context[:110]}  {reason}"
                )
    page = "\n".join(table(results)) + "\n"
    print(page)
    if not arguments.rule and not arguments.mutation:
        TABLE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
