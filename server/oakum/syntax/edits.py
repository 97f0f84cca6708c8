"""Fixes to text edits: what a rule says in nodes becomes replacements of characters.

Nothing here knows what a fix is for. An operation that can't be carried out without doubt (a statement that shares its
line, a node whose place in an old f-string is unknown, edits that meet) makes the whole fix None, and what is written is
parsed again before it is offered. Line ends and indentation are those of the file.
"""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

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
    Undecorate,
    Unwrap,
)
from oakum.syntax.document import Cell, Document

Locate = Callable[[ast.AST], tuple[int, int]]
Parents = Callable[[ast.AST], ast.AST | None]


def resolve(fix: Fix, document: Document, locate: Locate, parents: Parents) -> Mend | None:
    """The fix as edits of the document's text, or None where it can't be made safely or there is nothing to change.

    `locate` gives a node's offsets in the document, `parents` the node around a node (None or the module at the top).
    """
    scribe = _Scribe(document, locate, parents, fix.operations)
    edits: list[TextEdit] = []
    try:
        for operation in fix.operations:
            edits += scribe.edits(operation)
        tidy = _tidy(edits, document)
    except _Unsafe:
        return None
    if not tidy or not all(scribe.still_parses(node, tidy) for node in map(_subject, fix.operations) if node):
        return None
    return Mend(fix.title, fix.safety, tidy)


def apply(text: str, edits: Iterable[TextEdit]) -> str:
    """The text with these edits made; they must not overlap."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))


def edited(document: Document, edits: Iterable[TextEdit]) -> Document:
    """The document with these edits made, its cells where they are then."""
    edits = tuple(edits)
    cells = tuple(
        Cell(cell.number, cell.first_line + sum(_lines_gained(document.text, e) for e in edits if e.start < start))
        for cell in document.cells
        for start in (document.line_starts[cell.first_line],)
    )
    return Document(apply(document.text, edits), document.path, document.version, cells, language=document.language)


def _lines_gained(text: str, edit: TextEdit) -> int:
    return len(_LINE_END.findall(edit.text)) - len(_LINE_END.findall(text, edit.start, edit.end))


def merge(mends: Iterable[Mend]) -> tuple[TextEdit, ...]:
    """The edits of all mends that can be made at once, first come, first served.

    A mend that meets an earlier one is left out whole, for another round. A line that both insert (an import) is inserted once.
    Two mends can still contradict each other from afar (each deletes one of the two statements of a block): parse the result.
    """
    taken: list[TextEdit] = []
    for mend in mends:
        new = [edit for edit in mend.edits if not (edit in taken and _is_line(edit))]
        if not any(_meet(edit, other) for edit in new for other in taken):
            taken += new
    return tuple(sorted(taken, key=lambda edit: (edit.start, edit.end)))


class _Unsafe(Exception):
    """The operation at hand can't be carried out without doubt."""


_EOL = r"(?:\r\n|\r|\n)"
_LINE_END = re.compile(_EOL)
# What may follow a statement that ends its line.
_TAIL = re.compile(r"[ \t\f]*;?[ \t\f]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_NEXT_ON_LINE = re.compile(r"[ \t\f]*;[ \t\f]*(?=[^\s#])")
# What stands between two nodes: blanks, continued lines and comments, and the marks that matter.
_MARK = re.compile(r"#[^\r\n]*|\\(?=[\r\n])|(\S)")
_STRING_OR_COMMENT = re.compile(
    r"#[^\r\n]*"
    r'|"""(?:\\.|[^\\])*?"""|'
    r"'''(?:\\.|[^\\])*?'''"
    r'|"(?:\\(?:\r\n|.)|[^"\\\r\n])*"|'
    r"'(?:\\(?:\r\n|.)|[^'\\\r\n])*'",
    re.DOTALL,
)
_IMPORT = rf"(?:import|from)\b(?:\\{_EOL}|[^\r\n(;#])*(?:\([^)]*\))?"
_IMPORTS = re.compile("^" + _IMPORT, re.MULTILINE)
# The lines at the top of a file, its strings masked by underscores.
_TOP = re.compile(
    rf"(?P<blank>[ \t\f]*{_EOL})"
    rf"|(?P<comment>#[^\r\n]*(?:{_EOL}|\Z))"
    rf"|(?P<docstring>[rRuU]?__+[ \t]*(?:#[^\r\n]*)?(?:{_EOL}|\Z))"
    rf"|(?P<imports>{_IMPORT}[^\r\n]*(?:{_EOL}|\Z))"
)
_FIRST_LINES = re.compile(r"#!|#.*coding[:=]")
_SUITE = re.compile(rf"^([ \t]*)[^\s#][^\r\n]*:[ \t]*(?:#[^\r\n]*)?{_EOL}\1([ \t]+)\S", re.MULTILINE)
# Around these an expression that is no primary needs parentheses.
_OPERATORS = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Await, ast.Attribute, ast.Starred)


class _Scribe:
    """Writes the operations of one fix for one document."""

    def __init__(self, document: Document, locate: Locate, parents: Parents, operations: Sequence[Operation]) -> None:
        self.document = document
        self.text = document.text
        self.locate = locate
        self.parents = parents
        found = _LINE_END.search(self.text)
        self.eol = found[0] if found else "\n"
        # Operations that have to know of each other: a block is empty only when all its statements go.
        self.deleted = {operation.statement for operation in operations if isinstance(operation, Delete)}
        self.removed = {operation.argument for operation in operations if isinstance(operation, RemoveArgument)}

    def edits(self, operation: Operation) -> Iterator[TextEdit]:
        match operation:
            case Replace():
                return self.replace(operation.node, operation.text)
            case Append():
                return self.append(operation.node, operation.text)
            case Delete():
                return self.delete(operation.statement)
            case RemoveArgument():
                return self.remove_argument(operation.call, operation.argument)
            case InsertBefore():
                return self.insert_before(operation.statement, operation.lines)
            case InsertAfter():
                return self.insert_after(operation.statement, operation.lines)
            case Enclose():
                return self.enclose(operation.first, operation.last, operation.header)
            case Unwrap():
                return self.unwrap(operation.statement)
            case Decorate():
                return self.decorate(operation.function, operation.text)
            case Undecorate():
                return self.undecorate(operation.decorator)
            case AddImport():
                return self.add_import(operation.line)

    # --- expressions ---

    def append(self, node: ast.expr, text: str) -> Iterator[TextEdit]:
        if isinstance(node, ast.Starred | ast.FormattedValue):
            node = node.value
        self.check_string(node, text)
        start, end = self.locate(node)
        if isinstance(node, ast.GeneratorExp) and start == self.call_parenthesis(node):
            raise _Unsafe
        segment = self.text[start:end]
        if _is_primary(segment, node):
            yield TextEdit(end, end, text)
        elif not _same(_expression(segment), node):
            raise _Unsafe
        elif closing := self.closing_parenthesis(node):
            yield TextEdit(closing, closing, text)
        else:
            yield TextEdit(start, start, "(")
            yield TextEdit(end, end, ")" + text)

    def replace(self, node: ast.AST, text: str) -> Iterator[TextEdit]:
        if not hasattr(node, "lineno"):
            raise _Unsafe
        start, end = self.locate(node)
        first, *more = _LINE_END.split(text)
        if isinstance(node, ast.stmt):
            if self.is_elif(node):
                raise _Unsafe
            if more:
                indent = self.indent(node)
                more = [indent + self.in_units(line) if line.strip() else "" for line in more]
        elif isinstance(node, ast.expr):
            self.check_string(node, text)
            if self.is_operand(node) and not _is_primary(text) and not self.closing_parenthesis(node):
                first, *more = _LINE_END.split(f"({text})")
        yield TextEdit(start, end, self.eol.join((first, *more)))

    def remove_argument(self, call: ast.Call, argument: ast.expr | ast.keyword) -> Iterator[TextEdit]:
        arguments = sorted((*call.args, *call.keywords), key=self.locate)
        if argument not in arguments:
            raise _Unsafe
        index = arguments.index(argument)
        opening, spans = self.argument_spans(call, arguments)
        start, end, after = spans[index]
        line, last = self.document.line_of(start), self.document.line_of(end)
        if self.removed.issuperset(arguments):
            # All go: the first of them takes the whole list along.
            if index == 0:
                yield TextEdit(opening + 1, self.locate(call)[1] - 1, "")
        elif (
            not self.text[self.document.line_starts[line] : start].strip()
            and self.ends_line(after)
            and self.document.line_of(after) == last
        ):
            yield self.remove_lines(line, last)
        elif not self.removed.issuperset(arguments[:index]):
            comma = spans[index - 1][2] - 1
            yield TextEdit(start if "#" in self.text[comma:start] else comma, end, "")
        else:
            while after < len(self.text) and self.text[after].isspace():
                after += 1
            yield TextEdit(start, after, "")

    def argument_spans(
        self, call: ast.Call, arguments: Sequence[ast.expr | ast.keyword]
    ) -> tuple[int, list[tuple[int, int, int]]]:
        """The call's parenthesis; for each argument start and end with its own parentheses, and the offset behind its comma."""
        spans: list[tuple[int, int, int]] = []
        close = self.locate(call)[1] - 1
        opening = next((at for at, mark in self.marks(self.locate(call.func)[1], close) if mark == "("), None)
        if opening is None:
            raise _Unsafe
        edge = opening + 1
        for argument, following in zip(arguments, (*arguments[1:], None), strict=True):
            node_start, node_end = self.locate(argument)
            if node_start < edge:
                raise _Unsafe  # a generator that has the call's parentheses for its own
            start = next((at for at, _ in self.marks(edge, node_start)), node_start)
            marks = list(self.marks(node_end, self.locate(following)[0] if following else close))
            comma = next((at for at, mark in marks if mark == ","), None)
            closers = [at for at, mark in marks if mark == ")" and (comma is None or at < comma)]
            end = closers[-1] + 1 if closers else node_end
            edge = end if comma is None else comma + 1
            spans.append((start, end, edge))
        return opening, spans

    def marks(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """The characters from `start` to `end`, between nodes, that are neither blank nor comment."""
        for found in _MARK.finditer(self.text, start, end):
            if found[1]:
                yield found.start(), found[1]

    def closing_parenthesis(self, node: ast.expr) -> int | None:
        """The offset behind the parenthesis that closes around just this expression, if it has parentheses of its own."""
        start, end = self.locate(node)
        before = start - 1
        while before >= 0 and self.text[before].isspace():
            before -= 1
        after = next(self.marks(end, min(end + 1000, len(self.text))), None)
        if before < 0 or self.text[before] != "(" or not after or after[1] != ")" or isinstance(self.parents(node), ast.ClassDef):
            return None
        return None if before == self.call_parenthesis(node) else after[0] + 1

    def call_parenthesis(self, node: ast.expr) -> int | None:
        """Where the parenthesis is that opens the arguments of the call that this is an argument of."""
        call = self.parents(node)
        if not isinstance(call, ast.Call) or node is call.func:
            return None
        return next((at for at, mark in self.marks(self.locate(call.func)[1], self.locate(call)[1]) if mark == "("), None)

    def is_operand(self, node: ast.expr) -> bool:
        parent = self.parents(node)
        if isinstance(parent, ast.Subscript):
            return node is parent.value
        return isinstance(parent, _OPERATORS) or (isinstance(parent, ast.Call) and node is parent.func)

    def check_string(self, node: ast.AST, text: str) -> None:
        """Inside an f-string quotes and line ends mean something else, and old Pythons don't know where its nodes are."""
        above = self.parents(node)
        while isinstance(above, ast.expr | ast.keyword | ast.comprehension):
            if isinstance(above, ast.JoinedStr):
                start, end = self.locate(node)
                if re.search(r"['\"\\\r\n#]", text) or not _same(_expression(self.text[start:end]), node):
                    raise _Unsafe
                return
            above = self.parents(above)

    # --- statements ---

    def delete(self, statement: ast.stmt) -> Iterator[TextEdit]:
        if self.is_elif(statement):
            raise _Unsafe
        start, end = self.first(statement), self.locate(statement)[1]
        whole_lines = self.leads(statement) and self.ends_line(end)
        block = self.block(statement)
        if block and statement is block[0] and self.deleted.issuperset(block):
            yield TextEdit(start, self.content_end(self.document.line_of(end)) if whole_lines else end, "pass")
        elif whole_lines:
            first, last = self.document.line_of(start), self.document.line_of(end)
            yield self.remove_lines(first, last + (self.is_blank(first - 1, near=first) and self.is_blank(last + 1, near=last)))
        elif following := _NEXT_ON_LINE.match(self.text, end):
            yield TextEdit(start, following.end(), "")
        else:
            line_start = self.document.line_starts[self.document.line_of(start)]
            before = self.text[line_start:start].rstrip(" \t\f")
            if not before.endswith(";"):
                raise _Unsafe
            yield TextEdit(line_start + len(before.rstrip(" \t\f;")), end, "")

    def insert_before(self, statement: ast.stmt, lines: Sequence[str]) -> Iterator[TextEdit]:
        yield self.above(self.document.line_of(self.first(statement)), self.indent(statement), lines)

    def insert_after(self, statement: ast.stmt, lines: Sequence[str]) -> Iterator[TextEdit]:
        end = self.locate(statement)[1]
        if not self.ends_line(end):
            raise _Unsafe
        yield self.below(self.document.line_of(end), self.indent(statement), lines)

    def enclose(self, first: ast.stmt, last: ast.stmt, header: str) -> Iterator[TextEdit]:
        end = self.locate(last)[1]
        top, bottom = self.document.line_of(self.first(first)), self.document.line_of(end)
        one_block = first is last or self.parents(first) is self.parents(last)
        if not self.ends_line(end) or not one_block or top > bottom or self.cell(top) != self.cell(bottom):
            raise _Unsafe
        unit = self.unit(first)
        yield self.above(top, self.indent(first), [header])
        for line in self.code_lines(top, bottom):
            start = self.document.line_starts[line]
            yield TextEdit(start, start, unit)

    def unwrap(self, statement: ast.With | ast.AsyncWith) -> Iterator[TextEdit]:
        indent = self.indent(statement)
        start, end = self.locate(statement)
        body = self.first(statement.body[0])
        item = statement.items[-1]
        colon = next(
            (at for at, mark in self.marks(self.locate(item.optional_vars or item.context_expr)[1], body) if mark == ":"), None
        )
        if colon is None or not self.ends_line(end):
            raise _Unsafe
        top, bottom = self.document.line_of(colon), self.document.line_of(end)
        if self.document.line_of(body) == top:
            yield TextEdit(start, body, "")
            return
        inner = self.indent(statement.body[0])
        yield self.remove_lines(self.document.line_of(start), top)
        for line in self.code_lines(top + 1, bottom):
            if self.document.line_text(line).startswith(inner):
                at = self.document.line_starts[line] + len(indent)
                yield TextEdit(at, at + len(inner) - len(indent), "")

    def decorate(self, function: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> Iterator[TextEdit]:
        start = self.locate(function)[0]
        line = self.document.line_of(start)
        indent = self.text[self.document.line_starts[line] : start]
        if indent.strip():
            raise _Unsafe
        yield self.above(line, indent, ["@" + text.removeprefix("@")])

    def undecorate(self, decorator: ast.expr) -> Iterator[TextEdit]:
        start, end = self.locate(decorator)
        first, last = self.document.line_of(start), self.document.line_of(end)
        before = self.text[self.document.line_starts[first] : start]
        if before.strip() != "@" or not self.ends_line(end):
            raise _Unsafe
        yield self.remove_lines(first, last)

    def add_import(self, statement: str) -> Iterator[TextEdit]:
        masked = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == "#" else "_" * len(found[0]), self.text)
        there = {name for found in _IMPORTS.finditer(masked) for name in _imported(found[0])}
        if _imported(statement) <= there:
            return
        position = 1 if masked.startswith("\ufeff") else 0
        at, seen = position, ""
        while position < len(masked) and (found := _TOP.match(masked, position)):
            kind = found.lastgroup or ""
            if kind == "docstring" and seen in ("docstring", "imports"):
                break
            position = found.end()
            if kind in ("docstring", "imports"):
                at, seen = position, kind
            elif kind == "comment" and seen in ("", "comment"):
                following = _TOP.match(masked, position)
                if _FIRST_LINES.match(found[0]) or (following and following.lastgroup == "blank"):
                    at, seen = position, kind
        line = self.document.line_of(at)
        if not seen:
            yield TextEdit(at, at, statement + self.eol + ("" if self.is_blank(line) else self.eol))
            return
        last = self.document.line_of(at - 1)
        if seen == "imports":
            yield self.below(last, "", [statement])
        else:
            apart = last == line or self.is_blank(line)
            yield self.below(last, "", ["", statement] if apart else ["", statement, ""])

    # --- lines ---

    def above(self, line: int, indent: str, lines: Sequence[str]) -> TextEdit:
        start = self.document.line_starts[line]
        return TextEdit(start, start, "".join(text + self.eol for text in self.indented(indent, lines)))

    def below(self, line: int, indent: str, lines: Sequence[str]) -> TextEdit:
        """Behind the line's text, not above the next line: that one may be another cell's, or missing."""
        end = self.content_end(line)
        return TextEdit(end, end, "".join(self.eol + text for text in self.indented(indent, lines)))

    def indented(self, indent: str, lines: Sequence[str]) -> Iterator[str]:
        for text in lines:
            yield indent + self.in_units(text) if text.strip() else ""

    def in_units(self, line: str) -> str:
        """A rule indents by four spaces, the file as it likes."""
        code = line.lstrip(" ")
        levels, rest = divmod(len(line) - len(code), 4)
        return self.document_unit() * levels + " " * rest + code if levels else line

    def remove_lines(self, first: int, last: int) -> TextEdit:
        """Remove lines with one of the line ends around them, but none that joins two cells."""
        starts = self.document.line_starts
        if last + 1 < len(starts) and self.cell(last + 1) == self.cell(last):
            return TextEdit(starts[first], starts[last + 1], "")
        if first > 0 and self.cell(first - 1) == self.cell(first):
            return TextEdit(self.content_end(first - 1), self.content_end(last), "")
        return TextEdit(starts[first], self.content_end(last), "")

    def content_end(self, line: int) -> int:
        return self.document.line_starts[line] + len(self.document.line_text(line))

    def is_blank(self, line: int, near: int | None = None) -> bool:
        """Whether there is such a line, in the cell of the line `near`, and nothing on it."""
        if not 0 <= line < len(self.document.line_starts) or self.content_end(line) == len(self.text):
            return False
        return not self.document.line_text(line).strip() and (near is None or self.cell(line) == self.cell(near))

    def ends_line(self, end: int) -> bool:
        return _TAIL.match(self.text, end) is not None

    def cell(self, line: int) -> int:
        return bisect.bisect_right(self.document.cells, line, key=lambda cell: cell.first_line)

    def code_lines(self, first: int, last: int) -> Iterator[int]:
        """The lines that have something on them and don't start inside a string: those whose indentation is only that."""
        start = self.document.line_starts[first]
        strings = [found.span() for found in _STRING_OR_COMMENT.finditer(self.text[start : self.content_end(last)])]
        inside = {
            line
            for begin, end in strings
            for line in range(self.document.line_of(start + begin) + 1, self.document.line_of(start + end) + 1)
        }
        for line in range(first, last + 1):
            if line not in inside and self.document.line_text(line).strip():
                yield line

    def first(self, statement: ast.stmt) -> int:
        """Where a statement starts, its decorators included."""
        decorators = getattr(statement, "decorator_list", None)
        return self.text.rindex("@", 0, self.locate(decorators[0])[0]) if decorators else self.locate(statement)[0]

    def is_elif(self, statement: ast.stmt) -> bool:
        return isinstance(statement, ast.If) and self.text.startswith("elif", self.locate(statement)[0])

    def leads(self, statement: ast.stmt) -> bool:
        """Whether a statement is the first on its line, and the line is a new one."""
        start = self.first(statement)
        line = self.document.line_of(start)
        continued = line > 0 and self.document.line_text(line - 1).endswith("\\")
        return not continued and not self.is_elif(statement) and not self.text[self.document.line_starts[line] : start].strip()

    def closes(self, statement: ast.stmt) -> bool:
        """Whether the block around a statement ends with it: what is inserted at its end may belong outside of that block."""
        around = self.parents(statement)
        while around is not None and not isinstance(around, ast.stmt):
            around = self.parents(around)
        return around is not None and self.locate(around)[1] == self.locate(statement)[1]

    def indent(self, statement: ast.stmt) -> str:
        if not self.leads(statement):
            raise _Unsafe
        start = self.first(statement)
        return self.text[self.document.line_starts[self.document.line_of(start)] : start]

    def unit(self, statement: ast.stmt) -> str:
        """One level of indentation where this statement stands."""
        indent, parent = self.indent(statement), self.parents(statement)
        if isinstance(parent, ast.stmt) and self.leads(parent):
            outer = self.indent(parent)
            if indent.startswith(outer) and indent != outer:
                return indent[len(outer) :]
        return self.document_unit()

    def document_unit(self) -> str:
        found = _SUITE.search(self.text)
        return found[2] if found else "    "

    def block(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """The statements of the block that holds this one; None at the top of the file, which may be empty."""
        parent = self.parents(statement)
        if parent is None or isinstance(parent, ast.Module):
            return None
        blocks: list[list[ast.stmt]] = [getattr(parent, name, None) or [] for name in ("body", "orelse", "finalbody")]
        return next((block for block in blocks if statement in block), None)

    # --- proof ---

    def still_parses(self, node: ast.AST, edits: Sequence[TextEdit]) -> bool:
        """Whether the compound statement around a node is Python still, with the edits made."""
        above: ast.AST | None = node
        while above is not None and not isinstance(above, ast.stmt):
            above = self.parents(above)
        if above is None:
            return True
        around = self.parents(above)
        while around is not None and not isinstance(around, ast.Module):
            if isinstance(around, ast.stmt):
                above = around
                if self.leads(around) and not self.closes(around):
                    break
            around = self.parents(around)
        first = self.document.line_of(self.first(above))
        last = self.document.line_of(self.locate(above)[1])
        start = self.document.line_starts[first]
        end = self.document.line_starts[last + 1] if last + 1 < len(self.document.line_starts) else len(self.text)
        here = [
            TextEdit(max(edit.start, start) - start, min(edit.end, end) - start, edit.text)
            for edit in edits
            if edit.end >= start and (edit.start < end or end == len(self.text))
        ]
        source = apply(self.text[start:end], here)
        indent = self.text[start : self.first(above)]
        return _parses(f"if 1:\n{indent}pass\n{source}" if indent and not indent.strip() else source)


def _tidy(edits: Iterable[TextEdit], document: Document) -> tuple[TextEdit, ...]:
    """Sorted, and those that touch joined to one; raises `_Unsafe` where two edits meet."""
    edits = tuple(edits)
    gone = [edit for edit in edits if edit.start < edit.end]
    starts = set(document.line_starts)

    def is_moot(edit: TextEdit) -> bool:
        """Indentation for a line that another edit removes."""
        blank = edit.start == edit.end and not edit.text.strip(" \t")
        return blank and any(
            other.start < edit.start < other.end or (other.start == edit.start and other.end in starts and not other.text)
            for other in gone
        )

    def order(edit: TextEdit) -> tuple[int, int, bool]:
        return edit.start, edit.end, edit.text.startswith(("\r", "\n"))

    joined: list[TextEdit] = []
    for edit in sorted((edit for edit in edits if not is_moot(edit)), key=order):
        if joined and edit.start < joined[-1].end:
            raise _Unsafe
        if joined and edit.start == joined[-1].end:
            edit = TextEdit(joined[-1].start, edit.end, joined.pop().text + edit.text)
        joined.append(edit)
    return tuple(edit for edit in joined if document.text[edit.start : edit.end] != edit.text)


def _meet(edit: TextEdit, other: TextEdit) -> bool:
    """Whether two edits of different mends touch: even side by side they may depend on each other."""
    return edit.start <= other.end and other.start <= edit.end


def _is_line(edit: TextEdit) -> bool:
    return edit.start == edit.end and (edit.text.startswith(("\r", "\n")) or edit.text.endswith(("\r", "\n")))


def _subject(operation: Operation) -> ast.AST | None:
    match operation:
        case Replace() | Append():
            return operation.node
        case Delete() | InsertBefore() | InsertAfter() | Unwrap():
            return operation.statement
        case RemoveArgument():
            return operation.call
        case Enclose():
            return operation.first
        case Decorate() | Undecorate():
            return operation.function
        case AddImport():
            return None


def _expression(source: str) -> ast.expr | None:
    """The expression that a piece of text is, on however many lines."""
    try:
        return ast.parse(f"({source}\n)", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _is_primary(source: str, node: ast.expr | None = None) -> bool:
    """Whether `source`, the text of `node` if given, binds as tightly as `source.x` needs."""
    tree = _expression(source + ".x")
    if not isinstance(tree, ast.Attribute):
        return False
    return _same(tree.value, _expression(source) if node is None else node)


def _same(tree: ast.expr | None, node: ast.AST | None) -> bool:
    return tree is not None and node is not None and _shape(tree) == _shape(node)


def _shape(node: ast.AST) -> str:
    return ast.dump(node).replace("ctx=Store()", "ctx=Load()").replace("ctx=Del()", "ctx=Load()")


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def _imported(source: str) -> set[tuple[str, str, str | None]]:
    """What import statements bind, as (module, name, alias)."""
    names: set[tuple[str, str, str | None]] = set()
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return names
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                names.add((alias.name, "", alias.asname))
                if alias.asname is None:
                    names.add((alias.name.partition(".")[0], "", None))
        elif isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            names |= {(module, alias.name, alias.asname) for alias in statement.names}
    return names
