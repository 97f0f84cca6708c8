"""Set library variables before what reads them starts, and to one version of CUDA.

## Why
The loader reads `LD_LIBRARY_PATH` when a process starts, Keras its backend when it is imported, TensorFlow the GPU's variables when it
first uses a device: set later, they change nothing, and the program runs with other settings than its author believes. Paths of two
versions of CUDA side by side load whichever comes first; where that is the wrong one, TensorFlow runs on the CPU without an error.

## Bad
```python
import keras
import os

os.environ["KERAS_BACKEND"] = "jax"
```

## Good
```python
# no-prelude
import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
```

## Fix
Moves the assignment above the first import that reads it, where all it needs is known there. Review it: from then on the setting takes
effect, for the first time. Paths of the loader and mixed versions are explained, not edited: which version is right isn't in the text.

## Silent when
The variable is set before the import, or read only; it is set for a process that is started afterwards (`subprocess`, `os.exec*`), or in
a worker's function; the path names no version, or one version everywhere; a test of versions stands around it; a stage of a Dockerfile
has its own; the file is of PyTorch alone.

Scripts are read too: Dockerfiles, shell scripts, `.env` files, `variables:` of conda's `environment.yml`, and `%env` and `!` lines of
notebooks. There a comment on the line, or alone above it, silences as in Python.

## Evidence
Measured: `LD_LIBRARY_PATH` set in a running Python is not seen by its own loader, only by child processes; `KERAS_BACKEND` set after
the import changes nothing. CUDA 7.0 in `PATH` and 7.5 in `LD_LIBRARY_PATH` gave the same results as consistent paths on a machine
without a GPU, and no growth: this is a misconfiguration, not a leak. With a GPU it was not measured.
"""

import ast
import re
from collections.abc import Iterable, Iterator

from oakum.facts import Facts, Script, Setting, Variable
from oakum.rule import Delete, Finding, Fix, Framework, InsertBefore, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK15",
    smell="Library Path Mismatch",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Environment & Configuration",
    subcategory="Environment",
    practices=("Consistent Environment Configuration",),
    fix=Safety.REVIEW,
    see_also=("TK03", "TK16"),
)

_OF_THE_LOADER = {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LD_PRELOAD"}
_READ_ON_IMPORT = {
    "KERAS_BACKEND": ("keras", "keras_tuner", "keras_cv", "keras_hub", "keras_nlp", "keras_core"),
    "TF_USE_LEGACY_KERAS": ("tensorflow",),
    "TF_CPP_MIN_LOG_LEVEL": ("tensorflow",),
    "TF_ENABLE_ONEDNN_OPTS": ("tensorflow",),
    "OMP_NUM_THREADS": ("tensorflow",),
    "MKL_NUM_THREADS": ("tensorflow",),
}
_READ_ON_USE = {
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "XLA_FLAGS",
    "TF_XLA_FLAGS",
}
_PATHS = {
    "PATH",
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_ROOT",
    "CUDADIR",
    "CUDNN_PATH",
    "XLA_FLAGS",
    "LD_CONFIG_PATH",
    "CUDA_TOOLKIT_ROOT_DIR",
}
_VERSION = re.compile(r"\bcuda-(\d+(?:\.\d+)?)", re.IGNORECASE)


def _set_here(node: ast.AST, facts: Facts) -> list[Setting]:
    """The variables that a statement or call sets."""
    if isinstance(node, ast.Call) and not facts.is_called(node, "setdefault", "update", "putenv"):
        return []
    return [setting for setting in facts.environment() if setting.node is node]


@RULE.check
def too_late_for_the_loader(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """A variable of the loader, set in the process that it is meant for."""
    for setting in _set_here(node, facts):
        if setting.name in _OF_THE_LOADER and not facts.starts_processes():
            yield Finding(
                node,
                f"`{setting.name}` is read when a process starts: set here, it changes nothing for this one. "
                "Set it before Python starts; `tensorflow[and-cuda]` brings CUDA's libraries with it and needs none.",
            )


@RULE.check
def too_late_after_import(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """A variable that a library reads on import, set behind the import."""
    for setting in _set_here(node, facts):
        loaded = facts.imported_before(node, _READ_ON_IMPORT.get(setting.name, ()))
        if loaded is None:
            continue
        statement = facts.statement(node)
        fixes: tuple[Fix, ...] = ()
        if (
            isinstance(node, ast.Assign)
            and node is statement
            and facts.known_before(setting.value, loaded)
            and facts.known_before(node.targets[0], loaded)
        ):
            fixes = (Fix.of("Move it above the import", InsertBefore(loaded, (facts.text(node),)), Delete(node)),)
        yield Finding(
            node,
            f"`{setting.name}` is read by the import in line {facts.line(loaded)}: set here, it changes nothing. Set it above that line.",
            fixes,
            places((loaded, "it is read here")),
        )


@RULE.check
def too_late_after_use(node: ast.Assign | ast.AugAssign | ast.Call, facts: Facts) -> Iterator[Finding]:
    """A variable that TensorFlow reads when it first uses a device, set behind that."""
    for setting in _set_here(node, facts):
        if setting.name in _READ_ON_USE and (used := facts.device_used_before(node)) is not None:
            yield Finding(
                node,
                f"`{setting.name}` was read when TensorFlow first used a device, in line {facts.line(used)}. "
                "Set here, it changes nothing: set it before, best above the import.",
                (),
                places((used, "TensorFlow looks for devices here")),
            )


def _differing(values: Iterable[tuple[str, str, ast.AST]]) -> Iterator[Finding]:
    """Values that name another version of CUDA than one before: pairs of name and text, with the node that sets them."""
    seen: dict[str, tuple[str, ast.AST]] = {}
    for name, text, node in values:
        versions = sorted(set(_VERSION.findall(text)))
        if name not in _PATHS or not versions:
            continue
        other = next(((v, held) for v, held in seen.items() if not any(_agree(v, version) for version in versions)), None)
        if len(versions) > 1 and not _agree(versions[0], versions[-1]):
            other = (versions[0], (name, node))
        if other is not None:
            before, (where, place) = other
            yield Finding(
                node,
                f"`{name}` names CUDA {versions[-1]}, but `{where}` names CUDA {before}. "
                "Whichever is found first is loaded; if it is the wrong one, TensorFlow runs on the CPU: use one version.",
                (),
                places((place if place is not node else None, f"CUDA {before} is named here")),
            )
            return
        seen = {**dict.fromkeys(versions, (name, node)), **seen}


def _agree(one: str, other: str) -> bool:
    """Whether two versions may be the same: `12` and `12.4`."""
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")


@RULE.check(level=Level.INFORMATION)
def versions_differ(node: ast.Assign | ast.AugAssign | ast.Call | ast.Dict, facts: Facts) -> Iterator[Finding]:
    """Paths of two versions of CUDA in one environment: of this process, or one that is made for another."""
    if isinstance(node, ast.Call) and not facts.is_called(node, "setdefault", "update", "putenv"):
        return
    settings = [s for s in facts.environments(node) if s.name in _PATHS and not facts.conditional_setting(s)]
    texts = [(setting.name, facts.literal_text(setting.value), setting.node) for setting in settings]
    for finding in _differing(texts):
        if finding.node is node or (isinstance(node, ast.Dict) and finding.node in node.values):
            yield finding


@RULE.check(level=Level.INFORMATION)
def versions_differ_in_script(node: Script, facts: Facts) -> Iterator[Finding]:
    """Paths of two versions of CUDA in a script, a stage of a Dockerfile, or a notebook's `%env` lines."""
    for stage in range(max(len(node.images), 1)):
        last: dict[str, list[Variable]] = {}
        for variable in node.variables:
            if variable.stage == stage and variable.lasting and not variable.conditional:
                last[variable.name] = [*last.get(variable.name, []), variable] if variable.extends else [variable]
        effective = sorted((variable for held in last.values() for variable in held), key=lambda variable: variable.start)
        yield from _differing((variable.name, variable.value, variable) for variable in effective)


@RULE.check(level=Level.INFORMATION)
def overwritten(node: Script, facts: Facts) -> Iterator[Finding]:
    """`LD_LIBRARY_PATH` set anew where it held CUDA's libraries."""
    held: dict[int, Variable] = {}
    for variable in node.variables:
        if variable.name != "LD_LIBRARY_PATH" or variable.conditional or not variable.lasting:
            continue
        before = held.get(variable.stage)
        if "cuda" in variable.value.lower():
            held[variable.stage] = variable
        elif not variable.extends and before is not None:
            yield Finding(
                variable,
                f"This drops CUDA's libraries from `{variable.name}`, which were put there before. Keep them: append `:${variable.name}`.",
                (),
                places((before, "CUDA's libraries are put there here")),
            )
            held.pop(variable.stage)
        elif not variable.extends and node.images and re.search(r"\bcuda|-gpu\b", node.images[variable.stage]):
            yield Finding(
                variable,
                f"This drops the libraries of `{node.images[variable.stage].split()[0]}` from `{variable.name}`. Keep them: append `:${variable.name}`.",
            )


@RULE.check
def too_late_in_notebook(node: Script, facts: Facts) -> Iterator[Finding]:
    """`%env` below the import that reads the variable."""
    for variable in node.variables if node.kind == "notebook" else ():
        packages = "|".join(_READ_ON_IMPORT.get(variable.name, ())) if variable.lasting else ""
        if packages and re.search(rf"^(?:import|from) (?:{packages})\b", node.text[: variable.start], re.MULTILINE):
            yield Finding(variable, f"`{variable.name}` is read by an import above: set here, it changes nothing. Set it before.")


@RULE.check(level=Level.INFORMATION)
def lost_with_its_line(node: Script, facts: Facts) -> Iterator[Finding]:
    """`!export` in a notebook: the shell that it is for ends with the line."""
    for variable in node.variables:
        if not variable.lasting and variable.name in _PATHS | _OF_THE_LOADER | _READ_ON_USE | set(_READ_ON_IMPORT):
            yield Finding(
                variable,
                f"`{variable.name}` is set in a shell that ends with this line: neither the kernel nor the next line sees it. "
                "Use `%env`, before the import that reads it.",
            )


@RULE.check(level=Level.INFORMATION)
def unknown_to_the_loader(node: Script | ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`LD_CONFIG_PATH`, which nothing reads."""
    found = node.variables if isinstance(node, Script) else _set_here(node, facts)
    for variable in found:
        if variable.name == "LD_CONFIG_PATH":
            place = variable if isinstance(variable, Variable) else node
            yield Finding(place, "Nothing reads `LD_CONFIG_PATH`: the loader searches `LD_LIBRARY_PATH`. Was that meant?")
