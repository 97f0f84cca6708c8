"""The catalogue of smells: finds the rules, says what is wrong with them, and renders a rule's page.

Nothing imports a rule by name. A distribution adds rules with an entry point of the group `oakum.rules` that names a
package; each of its modules holds one `RULE`. What can't be loaded is left out and told by `problems`, so that one broken
pack never takes the command line or an editor's server down.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points

from oakum import unused_suppression
from oakum.rule import HEADINGS, Framework, Rule, Safety

ENTRY_POINTS = "oakum.rules"
SITE = "https://oakum.readthedocs.io"

_CODE = re.compile(r"[A-Z]{2,4}[0-9]{2,3}")
_FIX = {None: "no fix", Safety.SAFE: "safe fix", Safety.REVIEW: "fix to review"}


def rules() -> tuple[Rule, ...]:
    """Every rule of every installed pack, by code."""
    return _load()[0]


def known() -> tuple[Rule, ...]:
    """Every rule that a selector may name: those of the packs, and Oakum's own about its comments."""
    return (*rules(), unused_suppression.RULE)


def problems() -> tuple[str, ...]:
    """What is wrong with the installed rules: empty unless a pack is broken."""
    return _load()[1]


def find(name_or_code: str) -> Rule | None:
    """The rule with this code (`PT07`, in any case) or this name (`unreleased-tensor-references`, or its file's name)."""
    wanted = name_or_code.strip()
    code, name = wanted.upper(), wanted.lower().removesuffix(".py").replace("_", "-")
    return next((rule for rule in known() if rule.code == code or rule.name == name), None)


def suggest(text: str) -> str | None:
    """The code or name that somebody who typed `text` may have meant."""
    keys = {key.lower(): key for rule in known() for key in (rule.name, rule.code)}
    close = difflib.get_close_matches(text.strip().lower().replace("_", "-"), keys, n=1, cutoff=0.6)
    return keys[close[0]] if close else None


def url(rule: Rule) -> str:
    """Where the rule's page is published. Part of the interface: editors and reports link to it."""
    return f"{SITE}/rules/{rule.name}/"


def page(rule: Rule) -> str:
    """All that is to be said about a rule, as Markdown: for hover, `oakum explain` and the site."""
    parts = [
        f"# {rule.code} {rule.smell} ({rule.level.value})",
        f"`{rule.name}` · {_FIX[rule.fix]} · {rule.category}, {rule.subcategory} · {_frameworks(rule)}",
        rule.page,
    ]
    if len(rule.forms) > 1:
        rows = [f"| `{rule.code}.{form.name}` | {form.level.value} | {_first_line(form.check.__doc__)} |" for form in rule.forms]
        parts.append("\n".join(["## Forms", "| form | level | |", "|---|---|---|", *rows]))
    if related := [f"- {_link(code)}" for code in rule.see_also]:
        parts.append("\n".join(["## See also", *related]))
    parts.append(f"[{url(rule)}]({url(rule)})")
    return "\n\n".join(parts) + "\n"


def table(of: Iterable[Rule]) -> str:
    """A Markdown table of rules, a line each: what the README and the site show."""
    head = ["| code | smell | level | fix | in short |", "|---|---|---|---|---|"]
    fixes = {None: "", Safety.SAFE: "safe", Safety.REVIEW: "review"}
    rows = [
        f"| {rule.code} | [{rule.smell}]({url(rule)}) | {rule.level.value} | {fixes[rule.fix]} | {rule.summary} |" for rule in of
    ]
    return "\n".join([*head, *rows]) + "\n"


def check(candidates: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with a set of rules, a sentence each."""
    candidates = tuple(candidates)
    codes = {rule.code for rule in candidates}
    for rule in candidates:
        if not _CODE.fullmatch(rule.code):
            yield f"{rule.code} ({rule.module}): a code is two to four capitals and two or three digits"
        if sum(other.code == rule.code for other in candidates) > 1:
            yield f"{rule.code} ({rule.module}): another rule has this code"
        if sum(other.name == rule.name for other in candidates) > 1:
            yield f"{rule.code} ({rule.module}): another rule has the name {rule.name}"
        headings = tuple(re.findall(r"^## (.+)$", _without_code(rule.page), re.M))
        if headings != HEADINGS:
            yield f"{rule.code} ({rule.module}): the page's headings are not {', '.join(HEADINGS)}"
        if not rule.summary.endswith("."):
            yield f"{rule.code} ({rule.module}): the page starts with one sentence on one line"
        if not rule.forms:
            yield f"{rule.code} ({rule.module}): no check is registered"
        if len({form.name for form in rule.forms}) < len(rule.forms):
            yield f"{rule.code} ({rule.module}): two checks have one name"
        for code in rule.yields_to:
            # A rule may give way to one that is still to be written: the order of precedence is the catalogue's.
            if code not in codes and not _CODE.fullmatch(code):
                yield f"{rule.code} ({rule.module}): yields to {code}, which is no code"
    if cycle := _cycle({rule.code: rule.yields_to for rule in candidates}):
        yield f"rules yield to each other in a circle: {' -> '.join(cycle)}"


@cache
def _load() -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    found: list[Rule] = []
    wrong: list[str] = []
    for module in sorted({name for entry in entry_points(group=ENTRY_POINTS) for name in _modules(entry.value, wrong)}):
        try:
            rule = importlib.import_module(module).RULE
        except Exception as error:
            wrong.append(f"{module}: {type(error).__name__}: {error}")
            continue
        if not isinstance(rule, Rule):
            wrong.append(f"{module}: RULE is no Rule")
        elif known := next((other for other in found if other.code == rule.code), None):
            wrong.append(f"{module}: {known.module} has the code {rule.code} already")
        else:
            found.append(rule)
    found.sort(key=lambda rule: rule.code)
    return tuple(found), (*wrong, *check(found))


def _modules(package: str, wrong: list[str]) -> Iterator[str]:
    """The names of a pack's modules; names that start with an underscore are its own business."""
    try:
        paths = importlib.import_module(package).__path__
    except Exception as error:
        wrong.append(f"{package}: {type(error).__name__}: {error}")
        return
    for module in pkgutil.iter_modules(paths, f"{package}."):
        if not module.name.rpartition(".")[2].startswith("_"):
            yield module.name


def _cycle(arrows: dict[str, tuple[str, ...]]) -> list[str] | None:
    """A way along the arrows that comes back to where it started."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str] | None:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return None
        done.add(node)
        return next(filter(None, (walk(target, [*way, node]) for target in arrows.get(node, ()))), None)

    return next(filter(None, (walk(start, []) for start in arrows)), None)


def _link(code: str) -> str:
    rule = find(code)
    return f"[{rule.code} {rule.smell}]({url(rule)})" if rule else code


def _frameworks(rule: Rule) -> str:
    names = {Framework.TORCH: "PyTorch", Framework.TENSORFLOW: "TensorFlow", Framework.KERAS: "Keras"}
    return ", ".join(names[framework] for framework in Framework if framework in rule.frameworks)


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]


def _without_code(markdown: str) -> str:
    return re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S)
