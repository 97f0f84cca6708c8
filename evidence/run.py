"""Run leaking programs before and after `oakum fix`, and compare what they print and hold.

    python evidence/run.py [--update] [NAME ...]

Each program says in its first lines what a fix is to do: `# falls: held, nodes` names the counts of `meter.py` that are to fall to
less than nine tenths, or `nothing`; `# prints: the same` allows for the error of floating point, `# prints: something else` is for
fixes that mend results. `results.json` holds the counts, `README.md` shows them; a count that has moved by more than a twentieth
ends with 1. `--update` writes both anew.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
FRAMEWORKS = ROOT / ".frameworks" / "bin" / "python"
RESULTS = HERE / "results.json"
TABLE = HERE / "README.md"
TOLERANCE = 0.05
FALLS = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description="Run leaking programs before and after their fix.")
    parser.add_argument("--update", action="store_true", help="write results.json and README.md anew")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only the programs of these rules")
    arguments = parser.parse_args()
    codes = _codes()
    on_file: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for framework in ("torch", "tensorflow"):
        programs = [
            path for path in sorted((HERE / framework).glob("*.py")) if not arguments.names or path.stem in arguments.names
        ]
        with tempfile.TemporaryDirectory() as folder:
            fixed = [_fixed(path, codes[path.stem], Path(folder)) for path in programs]
            runs = _measured(framework, [*programs, *fixed])
        for program, before, after in zip(programs, runs, runs[len(programs) :], strict=False):
            name = f"{framework}/{program.stem}"
            promise = dict(re.findall(r"^# (falls|prints): (.+)$", program.read_text(encoding="utf-8"), re.MULTILINE))
            found[name] = {"code": codes[program.stem], **promise, "before": before["counts"], "after": after["counts"]}
            wrong += [f"{name}: {problem}" for problem in _problems(promise, before, after)]
            if not arguments.update:
                wrong += [f"{name}: {problem}" for problem in _moved(on_file.get(name), found[name])]
    if arguments.update:
        on_file = {**(on_file if arguments.names else {}), **found}
        RESULTS.write_text(json.dumps(on_file, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        TABLE.write_text(_table(on_file), encoding="utf-8")
    elif not arguments.names:
        wrong += [f"{name}: on file, and no program" for name in on_file.keys() - found.keys()]
    print(_table(found), end="")
    print(*wrong, sep="\n", file=sys.stderr)
    print(f"{len(found)} programs, {len(wrong)} problems")
    return 1 if wrong or not found else 0


def _oakum(*arguments: str) -> str:
    run = subprocess.run([sys.executable, "-m", "oakum", *arguments], capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise SystemExit(f"oakum {' '.join(arguments)}\n{run.stdout}{run.stderr}")
    return run.stdout


def _codes() -> dict[str, str]:
    """The code of the rule that a file is named after."""
    listed = json.loads(_oakum("rules", "--output-format", "json"))
    return {rule["name"].replace("-", "_"): rule["code"] for rule in listed}


def _fixed(program: Path, code: str, folder: Path) -> Path:
    """A copy of a program in which the rule finds something before the fix, and nothing after it."""
    copy = Path(shutil.copy(program, folder))
    check = ("check", "--no-cache", "--select", code, "--output-format", "json-lines", "--quiet", str(copy))
    if not _oakum(*check).strip():
        raise SystemExit(f"{program}: {code} finds nothing")
    _oakum("fix", "--unsafe", "--no-cache", "--quiet", "--select", code, str(copy))
    if left := _oakum(*check).strip():
        raise SystemExit(f"{program}: left after the fix\n{left}")
    return copy


def _measured(framework: str, programs: list[Path]) -> list[dict[str, Any]]:
    if not programs:
        return []
    command = [str(FRAMEWORKS), str(HERE / "meter.py"), framework, *map(str, programs)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(run.stdout + run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"printed"')]


def _problems(promise: dict[str, str], before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Where a fix doesn't do what the program says it does."""
    problems: list[str] = []
    same = _same(before["printed"], after["printed"])
    if same != (promise["prints"] == "the same"):
        problems.append(f"prints {promise['prints']}? before: {before['printed'].strip()}; after: {after['printed'].strip()}")
    for name in promise["falls"].split(", "):
        if name != "nothing" and after["counts"][name] > FALLS * before["counts"][name]:
            problems.append(f"{name} doesn't fall: {before['counts'][name]} to {after['counts'][name]}")
    return problems


def _same(before: str, after: str) -> bool:
    """Whether two outputs are equal but for the last digits of numbers."""
    number = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
    numbers = zip(map(float, number.findall(before)), map(float, number.findall(after)), strict=False)
    return number.sub("", before) == number.sub("", after) and all(
        math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) for one, other in numbers
    )


def _moved(old: Any, new: dict[str, Any]) -> list[str]:
    if old is None:
        return ["not on file: run with --update"]
    return [
        f"{name} {when} the fix was {old[when].get(name)}, is {count}"
        for when in ("before", "after")
        for name, count in new[when].items()
        if not math.isclose(old[when].get(name, -1), count, rel_tol=TOLERANCE, abs_tol=2)
    ]


def _table(results: dict[str, Any]) -> str:
    """The counts before and after the fix, in Markdown."""
    lines = [
        "# Fixes, measured",
        "",
        "Programs that leak, run with PyTorch 2.13 and TensorFlow on a CPU, before and after `oakum fix --unsafe`. Written by",
        "`evidence/run.py --update`; `make evidence` runs it all again and compares. What is counted: `meter.py`.",
        "",
        "| rule | program | count | before | after | prints |",
        "|---|---|---|---:|---:|---|",
    ]
    for name, result in sorted(results.items(), key=lambda item: item[1]["code"]):
        row = f"| {result['code']} | [{name}]({name}.py)"
        for count in result["falls"].split(", "):
            before, after = (f"{result[when][count]:,}" if count != "nothing" else "" for when in ("before", "after"))
            lines.append(f"{row} | {count} | {before} | {after} | {result['prints']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
