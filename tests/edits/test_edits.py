"""Each operation of a fix: text before with «the node» (and «another») marked, text after, or None where it must refuse."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest

from oakum.report import Mend, TextEdit
from oakum.rule import (
    AddImport,
    Append,
    Decorate,
    Delete,
    Enclose,
    Fix,
    InsertAfter,
    InsertBefore,
    Operation,
    RemoveArgument,
    Replace,
    Safety,
    Undecorate,
    Unwrap,
)
from oakum.syntax.document import Cell, Document
from oakum.syntax.edits import apply, merge, resolve

Make = Callable[..., Operation]


class Marked:
    """A source text whose marked spans are found again as nodes."""

    def __init__(self, marked: str, cells: tuple[Cell, ...] = ()) -> None:
        self.text = re.sub("[«»]", "", marked)
        self.document = Document(self.text, cells=cells)
        self.module = ast.parse(self.text)
        self.above = {child: node for node in ast.walk(self.module) for child in ast.iter_child_nodes(node)}
        self.spans: list[tuple[int, int]] = []
        for index, found in enumerate(re.finditer("«(.*?)»", marked, re.DOTALL)):
            start = found.start() - 2 * index
            self.spans.append((start, start + len(found[1])))

    def locate(self, node: Any) -> tuple[int, int]:
        start = self.document.offset(node.lineno - 1, node.col_offset, "utf-8")
        return start, self.document.offset(node.end_lineno - 1, node.end_col_offset, "utf-8")

    def nodes(self, kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> list[Any]:
        known = [node for node in ast.walk(self.module) if isinstance(node, kind) and hasattr(node, "lineno")]
        return [next(node for node in known if self.locate(node) == span) for span in self.spans]

    def resolve(self, *operations: Operation) -> Mend | None:
        return resolve(Fix("Mend", operations), self.document, self.locate, self.above.get)

    def after(self, *operations: Operation) -> str | None:
        mend = self.resolve(*operations)
        return apply(self.text, mend.edits) if mend else None


EXPRESSIONS = [
    ("a name", "total += «loss»\n", "total += loss.item()\n"),
    ("a call over lines", "total += «f(\n    x,\n)»\n", "total += f(\n    x,\n).item()\n"),
    ("a sum", "total += «a + b»\n", "total += (a + b).item()\n"),
    ("a sum in parentheses", "total += («a + b»)\n", "total += (a + b).item()\n"),
    ("parentheses with air", "total += ( «a + b» )\n", "total += ( a + b ).item()\n"),
    ("a sum as an argument", "xs.append(«a + b»)\n", "xs.append((a + b).item())\n"),
    ("a sum as an argument in parentheses", "xs.append((«a + b»))\n", "xs.append((a + b).item())\n"),
    ("one argument of two", "f(«a + b», c)\n", "f((a + b).item(), c)\n"),
    ("a keyword's value", "f(x=«a + b»)\n", "f(x=(a + b).item())\n"),
    ("the left side of an operator", "y = («a + b») * c\n", "y = (a + b).item() * c\n"),
    ("parentheses that are not its own", "y = («a» + b)\n", "y = (a.item() + b)\n"),
    ("parentheses around more", "y = («a + b» + c)\n", "y = ((a + b).item() + c)\n"),
    ("a power", "y = «a ** b»\n", "y = (a ** b).item()\n"),
    ("a negation", "y = «-a»\n", "y = (-a).item()\n"),
    ("a comparison", "y = «a < b»\n", "y = (a < b).item()\n"),
    ("not", "y = «not a»\n", "y = (not a).item()\n"),
    ("a ternary", "y = «a if c else b»\n", "y = (a if c else b).item()\n"),
    ("a lambda", "y = «lambda: a»\n", "y = (lambda: a).item()\n"),
    ("await", "async def f():\n    y = «await g()»\n", "async def f():\n    y = (await g()).item()\n"),
    ("yield", "def f():\n    y = «yield x»\n", "def f():\n    y = (yield x).item()\n"),
    ("a walrus", "f(«y := g()»)\n", "f((y := g()).item())\n"),
    ("a star", "f(«*xs»)\n", "f(*xs.item())\n"),
    ("a starred sum", "f(«*a + b»)\n", "f(*(a + b).item())\n"),
    ("a bare tuple", "return_value = «a, b»\n", "return_value = (a, b).item()\n"),
    ("a tuple of parentheses", "y = «(a), (b)»\n", "y = ((a), (b)).item()\n"),
    ("a tuple in parentheses", "y = «(a, b)»\n", "y = (a, b).item()\n"),
    ("a number", "y = «1»\n", "y = (1).item()\n"),
    ("a string", "y = «'a'»\n", "y = 'a'.item()\n"),
    ("an element", "y = [«a @ b», c]\n", "y = [(a @ b).item(), c]\n"),
    ("a subscript", "y = «a[0]»\n", "y = a[0].item()\n"),
    ("in an f-string", "print(f'{«loss»:.3f}')\n", "print(f'{loss.item():.3f}')\n"),
    ("a sum in an f-string", "print(f'{«a + b»}')\n", "print(f'{(a + b).item()}')\n"),
    ("behind letters of many bytes", "é = 'ñ'; y = «a + b»\n", "é = 'ñ'; y = (a + b).item()\n"),
    ("a comprehension's element", "y = [«a + b» for a in x]\n", "y = [(a + b).item() for a in x]\n"),
    ("a generator that borrows parentheses", "y = sum«(a for a in x)»\n", None),
    ("a generator of its own", "y = «(a for a in x)»\n", "y = (a for a in x).item()\n"),
    ("a sum over lines", "y = f(\n    «a\n    + b»\n)\n", "y = f(\n    (a\n    + b).item()\n)\n"),
    ("a base class", "class A(«B or C»):\n    pass\n", "class A((B or C).item()):\n    pass\n"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in EXPRESSIONS], ids=[case[0] for case in EXPRESSIONS])
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_append(before: str, after: str | None, eol: str) -> None:
    source = Marked(before.replace("\n", eol))
    [node] = source.nodes(ast.expr)
    assert source.after(Append(node, ".item()")) == (after and after.replace("\n", eol))


REPLACEMENTS = [
    ("a name", "y = «a»\n", "b", "y = b\n"),
    ("an operand", "y = «a» * c\n", "b + d", "y = (b + d) * c\n"),
    ("an operand in parentheses", "y = («a») * c\n", "b + d", "y = (b + d) * c\n"),
    ("an owner", "y = «a».x\n", "b + d", "y = (b + d).x\n"),
    ("an argument", "f(«a»)\n", "b + d", "f(b + d)\n"),
    ("a function", "«f»(a)\n", "g.h", "g.h(a)\n"),
    ("a statement, by lines", "if x:\n    «a()»\n", "b()\nif c:\n    d()", "if x:\n    b()\n    if c:\n        d()\n"),
    ("quotes in an f-string", "f'{«a»}'\n", "d['x']", None),
    ("what is no Python", "y = «a»\n", "b +", None),
]


@pytest.mark.parametrize(("before", "text", "after"), [case[1:] for case in REPLACEMENTS], ids=[case[0] for case in REPLACEMENTS])
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_replace(before: str, text: str, after: str | None, eol: str) -> None:
    source = Marked(before.replace("\n", eol))
    [node] = source.nodes(ast.stmt if "\n" in text else ast.expr)
    assert source.after(Replace(node, text)) == (after and after.replace("\n", eol))


ARGUMENTS = [
    ("the only one", "«f(a)»\n", (0,), "f()\n"),
    ("the only one with a comma", "«f( a, )»\n", (0,), "f()\n"),
    ("the first", "«f(a, b)»\n", (0,), "f(b)\n"),
    ("the last", "«f(a, b)»\n", (1,), "f(a)\n"),
    ("the last with a comma", "«f(a, b,)»\n", (1,), "f(a,)\n"),
    ("the middle", "«f(a, b, c)»\n", (1,), "f(a, c)\n"),
    ("a keyword", "«f(a, retain_graph=True)»\n", (1,), "f(a)\n"),
    (
        "the first keyword",
        "«loss.backward(retain_graph=True, create_graph=False)»\n",
        (0,),
        "loss.backward(create_graph=False)\n",
    ),
    ("in parentheses", "«f((a), ((b)), c)»\n", (1,), "f((a), c)\n"),
    ("of a call in parentheses", "«(f)((a))»\n", (0,), "(f)()\n"),
    ("two of three", "«f(a, b, c)»\n", (1, 2), "f(a)\n"),
    ("the first two", "«f(a, b, c)»\n", (0, 1), "f(c)\n"),
    ("all", "«f(a, b)»\n", (0, 1), "f()\n"),
    ("on its own line", "«f(\n    a,  # one\n    b,  # two, b\n    c,\n)»\n", (1,), "f(\n    a,  # one\n    c,\n)\n"),
    ("the last on its own line", "«f(\n    a,\n    b\n)»\n", (1,), "f(\n    a,\n)\n"),
    ("the only one on its own line", "«f(\n    a,\n)»\n", (0,), "f()\n"),
    ("at a line's end", "«f(a, b,\n  c)»\n", (1,), "f(a,\n  c)\n"),
    ("at a line's start", "«f(a,\n  b, c)»\n", (1,), "f(a, c)\n"),
    ("behind a comment", "«f(a,  # one\n  b)»\n", (1,), "f(a,  # one\n  )\n"),
    ("the first of two lines", "«f(a,\n  b)»\n", (0,), "f(b)\n"),
    ("a star", "«f(*a, **b)»\n", (1,), "f(*a)\n"),
    ("a generator", "«f(x for x in y)»\n", (0,), None),
]


@pytest.mark.parametrize(("before", "indexes", "after"), [case[1:] for case in ARGUMENTS], ids=[case[0] for case in ARGUMENTS])
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_remove_argument(before: str, indexes: tuple[int, ...], after: str | None, eol: str) -> None:
    source = Marked(before.replace("\n", eol))
    [call] = source.nodes(ast.Call)
    arguments = [*call.args, *call.keywords]
    assert source.after(*(RemoveArgument(call, arguments[index]) for index in indexes)) == (after and after.replace("\n", eol))


STATEMENTS: list[tuple[str, str, Make | None, str | None]] = [
    # name, before, operation (None: Delete), after
    ("delete a line", "a()\n«b()»\nc()\n", None, "a()\nc()\n"),
    ("delete with its comment", "a()\n«b()»  # why\nc()\n", None, "a()\nc()\n"),
    ("delete over lines", "a()\n«b(\n    x,\n)»\nc()\n", None, "a()\nc()\n"),
    ("delete the last line without an end", "a()\n«b()»", None, "a()"),
    ("delete between blank lines", "a()\n\n«b()»\n\nc()\n", None, "a()\n\nc()\n"),
    ("delete the only statement", "if x:\n    «b()»  # why\nc()\n", None, "if x:\n    pass\nc()\n"),
    ("delete all statements of a block", "if x:\n    «a()»\n    «b()»\nc()\n", None, "if x:\n    pass\nc()\n"),
    ("delete two of three", "if x:\n    «a()»\n    b()\n    «c()»\n", None, "if x:\n    b()\n"),
    ("delete the only statement of else", "if x:\n    a()\nelse:\n    «b()»\n", None, "if x:\n    a()\nelse:\n    pass\n"),
    ("delete in an except", "try:\n    a()\nexcept E:\n    «b()»\n", None, "try:\n    a()\nexcept E:\n    pass\n"),
    ("delete behind a colon", "if x: «b()»\nc()\n", None, "if x: pass\nc()\n"),
    ("delete the first of a line", "«a()»; b()\n", None, "b()\n"),
    ("delete the last of a line", "a(); «b()»  # why\n", None, "a()  # why\n"),
    ("delete in the middle of a line", "a(); «b()»; c()\n", None, "a(); c()\n"),
    ("delete with a semicolon behind", "a()\n«b()»;\nc()\n", None, "a()\nc()\n"),
    ("delete the first behind a colon", "if x: «a()»; b()\n", None, "if x: b()\n"),
    ("delete the last behind a colon", "if x: a(); «b()»\n", None, "if x: a()\n"),
    ("delete with decorators", "a()\n@d\n@e(1)\n«def f():\n    pass»\nb()\n", None, "a()\nb()\n"),
    ("delete an elif", "if x:\n    a()\n«elif y:\n    b()»\n", None, None),
    ("insert before", "if x:\n    «a()»\n", lambda s: InsertBefore(s, ("b()", "c()")), "if x:\n    b()\n    c()\n    a()\n"),
    (
        "insert before decorators",
        "@d\n«def f():\n    pass»\n",
        lambda s: InsertBefore(s, ("x = 1", "")),
        "x = 1\n\n@d\ndef f():\n    pass\n",
    ),
    ("insert before behind a colon", "for x in y: «f(x)»\n", lambda s: InsertBefore(s, ("b()",)), None),
    ("insert before behind a semicolon", "a(); «b()»\n", lambda s: InsertBefore(s, ("c()",)), None),
    ("insert before an elif", "if x:\n    a()\n«elif y:\n    b()»\n", lambda s: InsertBefore(s, ("c()",)), None),
    ("insert before a continued line", "if x: \\\n    «a()»\n", lambda s: InsertBefore(s, ("c()",)), None),
    (
        "insert after",
        "if x:\n    «a()»  # why\nc()\n",
        lambda s: InsertAfter(s, ("b()",)),
        "if x:\n    a()  # why\n    b()\nc()\n",
    ),
    ("insert after the last line", "z()\n«a()»", lambda s: InsertAfter(s, ("b()",)), "z()\na()\nb()"),
    ("insert after behind a colon", "for x in y: «f(x)»\n", lambda s: InsertAfter(s, ("b()",)), None),
    (
        "insert after a loop",
        "«for x in y:\n    f(x)»\nz()\n",
        lambda s: InsertAfter(s, ("b()",)),
        "for x in y:\n    f(x)\nb()\nz()\n",
    ),
    ("insert after before a semicolon", "«a()»; b()\n", lambda s: InsertAfter(s, ("c()",)), None),
    (
        "insert lines of several levels in a file of tabs",
        "if x:\n\t«a()»\n",
        lambda s: InsertAfter(s, ("if b:", "    c()")),
        "if x:\n\ta()\n\tif b:\n\t\tc()\n",
    ),
    ("insert what is no Python", "«a()»\n", lambda s: InsertAfter(s, ("if b:",)), None),
    ("enclose", "a()\n«b()»\nc()\n", lambda s: Enclose(s, s, "with w:"), "a()\nwith w:\n    b()\nc()\n"),
    (
        "enclose several",
        "def f():\n  «b()»  # why\n\n  # note\n  «c(\n    x\n  )»\n",
        lambda s, t: Enclose(s, t, "with w:"),
        "def f():\n  with w:\n    b()  # why\n\n    # note\n    c(\n      x\n    )\n",
    ),
    ("enclose in tabs", "def f():\n\t«b()»\n", lambda s: Enclose(s, s, "with w:"), "def f():\n\twith w:\n\t\tb()\n"),
    (
        "enclose a string over lines",
        'def f():\n    «x = """a\n  b\n    c""" + g(\n        1)»\n    y()\n',
        lambda s: Enclose(s, s, "with w:"),
        'def f():\n    with w:\n        x = """a\n  b\n    c""" + g(\n            1)\n    y()\n',
    ),
    (
        "enclose an f-string over lines",
        "«x = f'''a\n{b}\nc'''»\n",
        lambda s: Enclose(s, s, "with w:"),
        "with w:\n    x = f'''a\n{b}\nc'''\n",
    ),
    (
        "enclose a loop",
        "«for x in y:\n    f(x)»\n",
        lambda s: Enclose(s, s, "with w:"),
        "with w:\n    for x in y:\n        f(x)\n",
    ),
    ("enclose behind a colon", "for x in y: «f(x)»\n", lambda s: Enclose(s, s, "with w:"), None),
    ("enclose half a line", "«a()»; b()\n", lambda s: Enclose(s, s, "with w:"), None),
    ("enclose from two blocks", "if x:\n    «a()»\n«b()»\n", lambda s, t: Enclose(s, t, "with w:"), None),
    ("unwrap", "«with w:\n    a()\n\n    b()»  # why\nc()\n", Unwrap, "a()\n\nb()  # why\nc()\n"),
    (
        "unwrap deeper",
        "if x:\n    «with w as y, z(\n        1\n    ):  # why\n        # note\n        a()»\n",
        Unwrap,
        "if x:\n    # note\n    a()\n",
    ),
    ("unwrap a line", "«with w: a()»\n", Unwrap, "a()\n"),
    ("unwrap in tabs", "if x:\n\t«with w:\n\t\ta()»\n", Unwrap, "if x:\n\ta()\n"),
    ("unwrap with parentheses", "«with (w as x, y as z):\n    a()»\n", Unwrap, "a()\n"),
    ("unwrap a string over lines", '«with w:\n    x = """\n    a"""»\n', Unwrap, 'x = """\n    a"""\n'),
    ("decorate", "«def f():\n    pass»\n", lambda s: Decorate(s, "torch.no_grad()"), "@torch.no_grad()\ndef f():\n    pass\n"),
    (
        "decorate below decorators",
        "class A:\n    @staticmethod\n    «async def f():\n        pass»\n",
        lambda s: Decorate(s, "@torch.no_grad()"),
        "class A:\n    @staticmethod\n    @torch.no_grad()\n    async def f():\n        pass\n",
    ),
    (
        "undecorate",
        "@a\n@b(\n    1\n)  # why\n«def f():\n    pass»\n",
        lambda s: Undecorate(s, s.decorator_list[1]),
        "@a\ndef f():\n    pass\n",
    ),
    ("undecorate one in parentheses", "@(a)\n«def f():\n    pass»\n", lambda s: Undecorate(s, s.decorator_list[0]), None),
]


@pytest.mark.parametrize(("before", "make", "after"), [case[1:] for case in STATEMENTS], ids=[case[0] for case in STATEMENTS])
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_statements(before: str, make: Make | None, after: str | None, eol: str) -> None:
    source = Marked(before.replace("\n", eol))
    statements = source.nodes(ast.stmt)
    operations = [make(*statements)] if make else [Delete(statement) for statement in statements]
    assert source.after(*operations) == (after and after.replace("\n", eol))


IMPORTS = [
    ("behind imports", "import os\nimport torch\n\nx = 1\n", "import gc", "import os\nimport torch\nimport gc\n\nx = 1\n"),
    (
        "an import over lines",
        "from a import (\n    b,\n    c,\n)\nx = 1\n",
        "import gc",
        "from a import (\n    b,\n    c,\n)\nimport gc\nx = 1\n",
    ),
    (
        "behind a comment between",
        "import os\n# two\nimport re\nx = 1\n",
        "import gc",
        "import os\n# two\nimport re\nimport gc\nx = 1\n",
    ),
    ("behind a docstring", '"""A.\n\nB.\n"""\n\nx = 1\n', "import gc", '"""A.\n\nB.\n"""\n\nimport gc\n\nx = 1\n'),
    ("behind a docstring without air", '"""A."""\nx = 1\n', "import gc", '"""A."""\n\nimport gc\n\nx = 1\n'),
    (
        "behind the future",
        "from __future__ import annotations\n\nx = 1\n",
        "import gc",
        "from __future__ import annotations\nimport gc\n\nx = 1\n",
    ),
    ("at the top", "x = 1\n", "import gc", "import gc\n\nx = 1\n"),
    ("behind a shebang", "#!/usr/bin/env python\nx = 1\n", "import gc", "#!/usr/bin/env python\n\nimport gc\n\nx = 1\n"),
    ("behind a licence", "# Mine.\n# Yours.\n\nx = 1\n", "import gc", "# Mine.\n# Yours.\n\nimport gc\n\nx = 1\n"),
    ("not behind a later import", "import os\nx = 1\nimport re\n", "import gc", "import os\nimport gc\nx = 1\nimport re\n"),
    ("at the end", "import os", "import gc", "import os\nimport gc"),
    ("there already", "import os, gc\n", "import gc", None),
    ("there as a package", "import torch.nn\n", "import torch", None),
    ("there under another name", "import gc as g\nx = 1\n", "import gc", "import gc as g\nimport gc\nx = 1\n"),
    ("there from a module", "from a import (\n  b, c)\n", "from a import c", None),
    ("only in a string", 'x = """\nimport gc\n"""\n', "import gc", 'import gc\n\nx = """\nimport gc\n"""\n'),
    ("only in a function", "def f():\n    import gc\n", "import gc", "import gc\n\ndef f():\n    import gc\n"),
]


@pytest.mark.parametrize(("before", "line", "after"), [case[1:] for case in IMPORTS], ids=[case[0] for case in IMPORTS])
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_add_import(before: str, line: str, after: str | None, eol: str) -> None:
    eol = eol if before.endswith("\n") else "\n"
    assert Marked(before.replace("\n", eol)).after(AddImport(line)) == (after and after.replace("\n", eol))


def test_operations_together() -> None:
    source = Marked("def f():\n    «a()»\n    «gone()»\n    «b(x)»\n")
    a, gone, b = source.nodes(ast.stmt)
    after = source.after(Enclose(a, b, "with w:"), Delete(gone), Append(b.value.args[0], ".item()"), AddImport("import gc"))
    assert after == "import gc\n\ndef f():\n    with w:\n        a()\n        b(x.item())\n"


def test_operations_that_meet_are_refused() -> None:
    source = Marked("f(«a + b»)\n")
    [node] = source.nodes(ast.expr)
    assert source.resolve(Replace(node, "c"), Replace(node.left, "d")) is None


def test_insert_and_append_at_one_place() -> None:
    source = Marked("«x»\n")
    [node] = source.nodes(ast.stmt)
    assert source.after(InsertAfter(node, ("y",)), Append(node.value, ".item()")) == "x.item()\ny\n"


@pytest.mark.parametrize(
    ("before", "make", "at"),
    [
        ("a()\n«b()»\nc()\n", lambda s: InsertAfter(s, ("d()",)), (7, 7, "\nd()")),
        ("a()\n«b()»\nc()\n", Delete, (3, 7, "")),
        ("a()\nb()\n«c()»\n", lambda s: InsertBefore(s, ("d()",)), (8, 8, "d()\n")),
    ],
    ids=["insert after", "delete", "insert before"],
)
def test_edits_stay_in_their_cell(before: str, make: Make, at: tuple[int, int, str]) -> None:
    source = Marked(before, cells=(Cell(1, 0), Cell(2, 2)))
    mend = source.resolve(make(*source.nodes(ast.stmt)))
    assert mend is not None
    assert mend.edits == (TextEdit(*at),)


def test_enclosing_across_cells_is_refused() -> None:
    source = Marked("«a()»\n«b()»\n", cells=(Cell(1, 0), Cell(2, 1)))
    first, last = source.nodes(ast.stmt)
    assert source.resolve(Enclose(first, last, "with w:")) is None


def mend(*edits: tuple[int, int, str]) -> Mend:
    return Mend("Mend", Safety.SAFE, tuple(TextEdit(*edit) for edit in edits))


def test_merge_takes_what_does_not_meet() -> None:
    first, second, third = mend((0, 2, "a")), mend((1, 3, "b"), (8, 9, "c")), mend((5, 5, "d"))
    assert merge([first, second, third]) == (*first.edits, *third.edits)


def test_merge_inserts_a_line_once() -> None:
    first, second = mend((0, 0, "import gc\n"), (20, 20, ".x")), mend((0, 0, "import gc\n"), (30, 30, ".x"))
    assert merge([first, second]) == (TextEdit(0, 0, "import gc\n"), TextEdit(20, 20, ".x"), TextEdit(30, 30, ".x"))


def test_merge_leaves_neighbours_for_another_round() -> None:
    assert merge([mend((4, 8, "")), mend((8, 12, ""))]) == (TextEdit(4, 8, ""),)
