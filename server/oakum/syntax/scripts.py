"""Shell scripts, Dockerfiles, `.env` files, conda environments and the magics of notebooks: what they set for the programs they start.

Read as data: nothing is run or expanded. Words, quotes, comments, continued lines and here-documents are those of the shell; of its
grammar only what decides whether an assignment always happens.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from oakum.syntax.document import PYTHON, Document

SHELL, DOCKERFILE, DOTENV, CONDA, NOTEBOOK = "shell", "dockerfile", "dotenv", "conda", "notebook"
# Names that editors give these languages.
LANGUAGES = {"shellscript": SHELL, "sh": SHELL, "bash": SHELL, "zsh": SHELL, "dockerfile": DOCKERFILE, "dotenv": DOTENV}
_NAMES = (
    (re.compile(r"(?:Dockerfile|Containerfile)(?:[.\-].*)?|.*\.dockerfile", re.IGNORECASE), DOCKERFILE),
    (re.compile(r".*\.(?:sh|bash|zsh)|\.(?:bashrc|bash_profile|profile|zshrc)"), SHELL),
    (re.compile(r"\.env(?:\..+|rc)?|.*\.env"), DOTENV),
    (re.compile(r"environment.*\.ya?ml"), CONDA),
)


def kind_of(name: str) -> str | None:
    """The kind of a script by its file's name, None for any other file."""
    return next((kind for pattern, kind in _NAMES if pattern.fullmatch(name)), None)


class Variable(ast.AST):
    """One place of a script that sets a variable, at offsets of its document.

    `stage`: the number of the build stage in a Dockerfile. `conditional`: an `if`, `case`, loop or function decides whether it
    happens. `lasting`: whether a program that is started later sees it.
    """

    _fields = ()

    def __init__(
        self, name: str, value: str, start: int, end: int, stage: int = 0, *, conditional: bool = False, lasting: bool = True
    ) -> None:
        super().__init__()
        self.name, self.value, self.start, self.end = name, value, start, end
        self.stage, self.conditional, self.lasting = stage, conditional, lasting

    @property
    def extends(self) -> bool:
        """Whether the new value holds the old one: `PATH=/x:$PATH`."""
        return re.search(rf"\$\{{?{re.escape(self.name)}\b", self.value) is not None


class Script(ast.AST):
    """All that a script sets, in order. `images`: the image that each stage of a Dockerfile starts from."""

    _fields = ()

    def __init__(self, kind: str, text: str, variables: list[Variable], images: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.kind, self.text, self.variables, self.images = kind, text, tuple(variables), images


def read(document: Document) -> Script | None:
    """What a document sets, if it is a script, or a notebook with lines for the shell."""
    text = document.text
    kind = document.language if document.language != PYTHON else NOTEBOOK if document.magics else None
    match kind:
        case "shell":
            return Script(kind, text, list(_shell(text, 0, len(text))))
        case "dockerfile":
            return _dockerfile(text)
        case "dotenv":
            return Script(kind, text, [_variable(found) for found in _DOTENV.finditer(text)])
        case "conda":
            return Script(kind, text, list(_conda(text)))
        case "notebook":
            return Script(kind, text, list(_magics(document)))
        case _:
            return None


_DOTENV = re.compile(r"^[ \t]*(?:export[ \t]+)?(?P<name>\w+)[ \t]*=[ \t]*(?P<value>[^\r\n]*)", re.MULTILINE)


def _variable(found: re.Match[str], stage: int = 0, shift: int = 0, *, lasting: bool = True) -> Variable:
    start = shift + found.start("name")
    return Variable(
        found["name"],
        _plain(found["value"]),
        start,
        shift + found.start("value") + len(found["value"].rstrip()),
        stage,
        lasting=lasting,
    )


def _plain(value: str) -> str:
    """A word without its quotes and continued lines."""
    return re.sub(r"\\\r?\n|['\"]", "", value).strip()


# --- the shell ---

_WORD = re.compile(
    r"(?:\\(?:\r\n|.)|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|[^\s;&|()<>'\"\\])+", re.DOTALL
)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)\+?=(?P<value>.*)", re.DOTALL)
_SPACE = re.compile(r"(?:[ \t]|\\\r?\n)+")
_HERE = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1")
_OPENING = {"if", "case", "for", "while", "until", "select", "{"}
_CLOSING = {"fi", "esac", "done", "}"}
_TESTS = {"[", "[[", "test", "which", "command", "grep", "type", "hash"}
_DECLARING = {"export", "declare", "typeset", "readonly"}


@dataclass(slots=True)
class _State:
    depth: int = 0
    parentheses: int = 0
    here: list[str] = field(default_factory=list[str])


def _shell(text: str, position: int, end: int, stage: int = 0, *, lasting: bool = True) -> Iterator[Variable]:
    """Assignments of a shell text. One before a command (`A=1 python x.py`) is for that command alone, and no setting."""
    state, waiting, at_start, exporting = _State(), list[Variable](), True, False
    testing = unsure = False  # the command is a test; what follows depends on one
    while position < end:
        if (space := _SPACE.match(text, position)) is not None:
            position = space.end()
        elif text[position] in "\r\n;&|":
            yield from waiting
            chained = text.startswith(("&&", "||"), position)
            unsure = chained and (testing or unsure or text[position] == "|")
            waiting, at_start, exporting, testing = [], True, False, False
            position += 2 if chained else 1
            if text[position - 1] == "\n" and state.here:
                position = _behind(text, position, end, state.here)
        elif text[position] == "#":
            position = _line_end(text, position)
        elif (here := _HERE.match(text, position)) is not None:
            state.here.append(here[2])
            position = here.end()
        elif text[position] in "()<>":
            if text[position] in "()":  # the one behind a pattern of a `case` opens nothing and closes nothing
                state.parentheses = max(0, state.parentheses + (1 if text[position] == "(" else -1))
                at_start = True
            position += 1
        elif (word := _WORD.match(text, position, end)) is not None:
            assigned = _ASSIGNMENT.fullmatch(word[0])
            if assigned is not None and (at_start or exporting):
                waiting.append(
                    Variable(
                        assigned["name"],
                        _plain(assigned["value"]),
                        position,
                        word.end(),
                        stage,
                        conditional=unsure or state.depth > 0 or state.parentheses > 0,
                        lasting=lasting,
                    )
                )
            elif at_start and word[0] in _DECLARING:
                exporting = True
            elif at_start and word[0] in _OPENING | _CLOSING:
                state.depth = max(0, state.depth + (1 if word[0] in _OPENING else -1))
            elif not word[0].startswith("-") and word[0] not in ("then", "else", "elif", "do"):
                testing = testing or (at_start and word[0] in _TESTS)
                at_start = False
                if not exporting:
                    waiting = []
            position = word.end()
        else:
            position += 1
    yield from waiting


def _behind(text: str, position: int, end: int, delimiters: list[str]) -> int:
    """The place behind the here-documents that start at a line."""
    while delimiters and position < end:
        line = text[position : _line_end(text, position)]
        position = min(_line_end(text, position) + 1, end)
        if line.strip() == delimiters[0]:
            delimiters.pop(0)
    return position


def _line_end(text: str, position: int) -> int:
    found = text.find("\n", position)
    return len(text) if found < 0 else found


# --- Dockerfiles ---

_INSTRUCTION = re.compile(r"[ \t]*([A-Za-z]+)[ \t]+")
_PAIR = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>(?:\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|[^\s'\"\\])*)", re.DOTALL)
_OLD_PAIR = re.compile(r"(?P<name>[A-Za-z_]\w*)[ \t]+(?P<value>\S.*)", re.DOTALL)


def _dockerfile(text: str) -> Script:
    variables: list[Variable] = []
    images: list[str] = []
    position = 0
    while position < len(text):
        end = _instruction_end(text, position)
        found = _INSTRUCTION.match(text, position, end)
        name = found[1].upper() if found else ""
        if found and name == "FROM":
            images.append(text[found.end() : end].strip())
        elif found and name == "ENV":
            body = re.sub(r"(?m)^[ \t]*#[^\n]*", lambda comment: " " * len(comment[0]), text[found.end() : end])
            old = _OLD_PAIR.match(body)
            pairs = [old] if old is not None else _PAIR.finditer(body)
            variables.extend(_variable(pair, max(len(images) - 1, 0), found.end()) for pair in pairs)
        if found and name in ("RUN", "COPY") and (here := _HERE.search(text, position, end)) is not None:
            end = _behind(text, min(end + 1, len(text)), len(text), [here[2]]) - 1
        position = end + 1
    return Script(DOCKERFILE, text, variables, tuple(images))


def _instruction_end(text: str, position: int) -> int:
    """The end of an instruction: lines that end in a backslash go on, comments and empty lines between them too."""
    while True:
        end = _line_end(text, position)
        line = text[position:end].strip()
        if not line.endswith("\\") or line.startswith("#"):
            return end
        position = end + 1
        while position < len(text) and (not (line := text[position : _line_end(text, position)].strip()) or line.startswith("#")):
            position = _line_end(text, position) + 1
        if position >= len(text):
            return len(text)


# --- conda's environments ---

_SECTION = re.compile(r"^(?P<section>\w+):[^\n]*$(?P<body>(?:\n(?:[ \t-][^\n]*)?)*)", re.MULTILINE)
_MAPPED = re.compile(r"^[ \t]+(?P<name>\w+):[ \t]*(?P<value>[^\r\n#]*)", re.MULTILINE)


def _conda(text: str) -> Iterator[Variable]:
    """The variables of an environment, which `conda activate` sets."""
    for section in _SECTION.finditer(text):
        if section["section"] == "variables":
            yield from (_variable(found, shift=section.start("body")) for found in _MAPPED.finditer(section["body"]))


# --- notebooks ---

_ENV = re.compile(r"%(?:set_)?env[ \t]+(?P<name>\w+)(?:[ \t]*=[ \t]*|[ \t]+)(?P<value>\S.*)")


def _magics(document: Document) -> Iterator[Variable]:
    """`%env NAME=value` sets it for the kernel, `!export NAME=value` for a shell that ends with the line."""
    for start, line in document.magics:
        if (found := _ENV.match(line)) is not None:
            yield _variable(found, shift=start)
        elif line.startswith("!"):
            yield from (
                Variable(v.name, v.value, start + 1 + v.start, start + 1 + v.end, lasting=False)
                for v in _shell(line[1:], 0, len(line) - 1)
            )
