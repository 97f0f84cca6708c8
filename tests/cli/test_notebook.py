"""Notebooks: what the parser sees of their cells, and that edits leave all else in the file as it was."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oakum import notebook
from oakum.report import TextEdit


def raw(*cells: str | list[str], indent: int | None = 1, **metadata: Any) -> str:
    content = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in cells]
    return json.dumps({"cells": content, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=indent) + "\n"


def replaced(text: str, old: str, new: str) -> str:
    """The raw text after an edit of the one place in the document that reads `old`."""
    book = notebook.read(None, text)
    assert book.document.text.count(old) == 1
    start = book.document.text.index(old)
    return book.replace([TextEdit(start, start + len(old), new)])


def sources(text: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


def test_cells_are_joined_and_keep_their_numbers() -> None:
    text = json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["# Title\n", "text"]},
                {"cell_type": "code", "source": ["import torch\n", "x = 1"]},
                {"cell_type": "raw", "source": "nothing"},
                {"cell_type": "code", "source": "y = 2\nz = 3\n"},
                {"cell_type": "code", "source": []},
            ],
            "nbformat": 4,
        }
    )
    document = notebook.read(Path("a.ipynb"), text).document
    assert document.text == "import torch\nx = 1\ny = 2\nz = 3\n\n"
    assert [(cell.number, cell.first_line) for cell in document.cells] == [(2, 0), (4, 2)]
    place = document.position(document.text.index("z ="))
    assert (place.cell, place.line, place.column) == (4, 2, 1)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("%matplotlib inline\nx = 1", "#matplotlib inline\nx = 1"),
        ("!pip install torch\nimport torch", "#pip install torch\nimport torch"),
        ("!pip install a \\\n  b\nx = 1", "#pip install a \\\n  #\nx = 1"),
        ("?torch.cat", "#torch.cat"),
        ("torch.cat?", "#orch.cat?"),
        ("torch.cat??\n", "#orch.cat??\n"),
        ("if x:\n    !ls -l\n", "if x:\n    _#s -l\n"),
        ("files = !ls", "files = _#s"),
        ("a, b = %sql select 1", "a, b = _#ql select 1"),
        ("x = !", "x = _"),
        ("%%time\nx = 1", "#%time\nx = 1"),
        ("\n%%capture out\n%%timeit -n 3\nx = 1", "\n#%capture out\n#%timeit -n 3\nx = 1"),
        ("%%bash\nls $HOME\n\nrm x", "#%bash\n#s $HOME\n\n#m x"),
        ("%%html\n  <p>it's</p>", "#%html\n  #p>it's</p>"),
        ("x = (a\n  % b)", "x = (a\n  % b)"),
        ('s = """\n%d items\n!\n"""\n%pwd', 's = """\n%d items\n!\n"""\n#pwd'),
        ("s = 'it''s (' # ( don't\n%pwd", "s = 'it''s (' # ( don't\n#pwd"),
        ("x = a \\\n  % b\ny = x % 2", "x = a \\\n  % b\ny = x % 2"),
        ("s = '''a\\''' \n%d'''\n%pwd", "s = '''a\\''' \n%d'''\n#pwd"),
        ("x != y\nx = y != z", "x != y\nx = y != z"),
        ("print('what?')", "print('what?')"),
        ("%pwd\r\nx = 1\r\n!ls\r\n", "#pwd\r\nx = 1\r\n#ls\r\n"),
        ("# why?\nx = 1", "# why?\nx = 1"),
        ("s = '\ud800'", "s = '\ufffd'"),
    ],
)
def test_magics_are_masked(source: str, seen: str) -> None:
    assert notebook.mask(source) == seen
    assert [*map(len, source.split("\n"))] == [*map(len, seen.split("\n"))]
    ast.parse(seen)


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    ("cell", "old", "new", "expected"),
    [
        (["x = 1\n", "y = x\n", "z = y"], "x\n", "x.detach()\n", ["x = 1\n", "y = x.detach()\n", "z = y"]),
        (["x = 1\n", "y = x\n", "z = y"], "y = x\n", "", ["x = 1\n", "z = y"]),
        (["x = 1\n", "y = x\n", "z = y"], "z = y\n", "", ["x = 1\n", "y = x"]),
        (["x = 1\n", "y = x\n", "z = y"], "y = x\nz = y\n", "", ["x = 1"]),
        (["x = 1\n", "y = x\n", "z = y"], "x = 1\n", "a\nb\n", ["a\n", "b\n", "y = x\n", "z = y"]),
        (["x = 1\n", "y = x\n", "z = y"], "z = y\n", "z = y\nend\n", ["x = 1\n", "y = x\n", "z = y\n", "end"]),
        (["x = 1\n", "y = x\n", "z = y"], "1\ny", "2; y", ["x = 2; y = x\n", "z = y"]),
        (["x = 1"], "x = 1", "if x:\n    y", ["if x:\n", "    y"]),
        (["x = 1"], "x = 1\n", "", [""]),
        (["x = 1\ny = 2\n", "z"], "2", "3", ["x = 1\ny = 3\n", "z"]),
        (["s = 'a\\tb\"'\n", "t"], "'a", "'é\"", ["s = 'é\"\\tb\"'\n", "t"]),
        ("x = 1\ny = x", "y = x", "y = x\nz", "x = 1\ny = x\nz"),
        ("x = '😀'; y\nz = 2\n", "y", "w", "x = '😀'; w\nz = 2\n"),
    ],
)
def test_edits_reach_the_json(cell: str | list[str], old: str, new: str, expected: str | list[str], indent: int | None) -> None:
    before = raw("a = 0", cell, "b = 0\nc", indent=indent)
    assert replaced(before, old, new) == raw("a = 0", expected, "b = 0\nc", indent=indent)


def test_an_insertion_between_lines() -> None:
    before = raw(["x = 1\n", "y = x"])
    book = notebook.read(None, before)
    assert book.replace([TextEdit(0, 0, "import gc\n"), TextEdit(6, 6, "with a:\n    ")]) == raw(
        ["import gc\n", "x = 1\n", "with a:\n", "    y = x"]
    )
    assert book.replace([]) == before


def test_all_else_stays_as_it_was() -> None:
    odd = (
        '{"metadata":{"\\u006banji":"\\u6f22" ,"n":1.50e+1}, "cells" : [\n\t'
        '{ "source":["caf\\u00e9 = 1\\n" ,\t"x\\u0020= \\/2\\n",  "y"],'
        ' "cell_type":"code","outputs":[{"data":"}]\\""}]}\t]\n , "nbformat":4}\r\n'
    )
    assert replaced(odd, "café", "z") == odd.replace("caf\\u00e9", "z")
    assert replaced(odd, "/2", "3") == odd.replace("\\/2", "3")
    assert replaced(odd, "y", "é") == odd.replace('"y"', '"\\u00e9"')


def test_a_notebook_of_other_characters_keeps_writing_them() -> None:
    text = json.dumps({"cells": [{"cell_type": "code", "source": ["x = 'é'\n", "y"]}]}, ensure_ascii=False)
    assert replaced(text, "y", "'ü'") == text.replace('"y"', "\"'ü'\"")


def test_masked_lines_are_written_back_as_they_were() -> None:
    assert sources(replaced(raw(["%pwd\n", "x = 1"]), "1", "2")) == ["%pwd\nx = 2"]


def test_a_mend_must_leave_each_cell_whole() -> None:
    book = notebook.read(None, raw(["x = 1"], ["y = 2"], ["%%bash\n", "ls"]))
    assert book.allows([TextEdit(0, 0, "with a:\n    ")])
    assert not book.allows([TextEdit(0, 0, "with a:\n    "), TextEdit(6, 6, "    ")])
    assert not book.allows([TextEdit(0, 8, "")])


def test_other_languages_are_left_alone() -> None:
    with pytest.raises(notebook.NotebookError, match="language is r,"):
        notebook.read(None, raw("x <- 1", language_info={"name": "R"}))
    with pytest.raises(notebook.NotebookError, match="language is julia,"):
        notebook.read(None, raw("x", kernelspec={"language": "julia", "name": "julia-1.9"}))
    assert notebook.read(None, raw("x", kernelspec={"language": "python"})).document.text == "x\n"
    cell = {"cell_type": "code", "metadata": {"vscode": {"languageId": "sql"}}, "source": "select 1"}
    assert notebook.read(None, json.dumps({"cells": [cell]})).document.text == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ('{"cells": [', "not valid JSON"),
        ("[]", "no list `cells`"),
        ('{"worksheets": [], "nbformat": 3}', "no list `cells`"),
        ('{"cells": [1]}', "cell 1 is no object"),
        ('{"cells": [{"cell_type": "code", "source": 3}]}', "the source of cell 1 is not text"),
        ('{"cells": [{"cell_type": "code", "source": ["a", 3]}]}', "the source of cell 1 is not text"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_broken_notebooks(text: str, message: str) -> None:
    with pytest.raises(notebook.NotebookError, match=message):
        notebook.read(None, text)


def test_broken_json_has_a_place() -> None:
    with pytest.raises(notebook.NotebookError) as caught:
        notebook.read(None, '{\n "cells": [}\n')
    assert (caught.value.line, caught.value.column) == (2, 12)


_text = st.text(alphabet="a=%!?#'\"()\\\n\t é😀\ud83d", max_size=30)
_strings = st.lists(_text.map(lambda text: text + "\n"), max_size=4)


@given(st.lists(_text | _strings, min_size=1, max_size=3), st.data())
def test_any_edit_of_any_cell(cells: list[str | list[str]], data: st.DataObject) -> None:
    before = raw(*cells, indent=data.draw(st.sampled_from([None, 1])))
    book = notebook.read(None, before)
    assert book.replace([]) == before
    if not book.document.cells:
        return
    shown = data.draw(st.sampled_from(book.document.cells))
    source = sources(before)[shown.number - 1]
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, len(source)))
    new = data.draw(_text)
    offset = book.document.line_starts[shown.first_line]
    assert len(notebook.mask(source)) == len(source)
    after = book.replace([TextEdit(offset + start, offset + end, new)])
    expected = sources(before)
    expected[shown.number - 1] = source[:start] + new + source[end:]
    assert [*map(whole, sources(after))] == [*map(whole, expected)]


def whole(text: str) -> str:
    """Two halves of a character that came together are the character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
