"""Check released packages and compare what is found in them with what is on file.

    python tests/ecosystem/run.py [--update] [PACKAGE ...]

`packages.toml` pins the packages, `findings.jsonl` holds a line for each finding with what somebody who read the code thinks
of it: `true`, `false`, `arguable`, or `unread`. A change of what is found is shown, and ends with 1; `--update` puts it on file
and keeps the verdicts. Packages are downloaded once, as wheels, and never installed or run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CORPUS = ROOT / ".ecosystem"
PACKAGES = HERE / "packages.toml"
FINDINGS = HERE / "findings.jsonl"
VERDICTS = ("true", "false", "arguable", "unread")
# What Oakum says on standard error where it is the one that failed.
FAILURES = ("Traceback (most recent call last)", "Oakum failed", "failed here and is switched off")


class EcosystemError(Exception):
    """Why a package can't be looked at."""


# --- the corpus ---


@dataclass(frozen=True, slots=True)
class Package:
    """A release. `only`: the parts of a very large one that hold training code. `pip`: how to get one made for other machines."""

    name: str
    version: str
    sha256: str
    only: Sequence[str] = ()
    pip: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """Where its sources lie."""
        return CORPUS / f"{self.name}-{self.version}"

    def holds(self, member: str) -> bool:
        """Whether a file of its archive is wanted."""
        path = PurePosixPath(member)
        return path.suffix == ".py" and (not self.only or any(path.match(pattern) for pattern in self.only))


def pinned() -> dict[str, Package]:
    """The packages, by name."""
    rows: list[dict[str, Any]] = tomllib.loads(PACKAGES.read_text(encoding="utf-8"))["package"]
    return {row["name"]: Package(**row) for row in rows}


def fetch(package: Package) -> None:
    """Lay a package's sources where they belong, unless they are there."""
    if package.folder.exists():
        return
    CORPUS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CORPUS) as scratch:
        archive = _download(package, Path(scratch))
        sources = Path(scratch, "sources")
        with zipfile.ZipFile(archive) as wheel:
            for member in filter(package.holds, wheel.namelist()):
                wheel.extract(member, sources)
        sources.rename(package.folder)  # the last step: a folder that exists is complete


def _download(package: Package, folder: Path) -> Path:
    print(f"downloading {package.name} {package.version}", file=sys.stderr)
    command = [
        *(sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"),
        *("--only-binary", ":all:", "--ignore-requires-python", *package.pip, "--dest", folder),
        f"{package.name}=={package.version}",
    ]
    for wait in (5, 20, 60, None):  # an index that stumbles once is no finding of ours
        if subprocess.run(command, check=wait is None).returncode == 0:
            break
        time.sleep(wait or 0)
    (archive,) = folder.glob("*.whl")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise EcosystemError(f"{archive.name}: sha256 is {digest}, not {package.sha256}")
    return archive


# --- findings ---


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding on file. It stays the same one while its code and its source line do, wherever the line moves."""

    package: str
    path: str
    line: int
    code: str
    context: str
    message: str
    verdict: str = "unread"
    reason: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return self.package, self.path, self.code, self.context

    @property
    def place(self) -> tuple[str, str, int, str]:
        return self.package, self.path, self.line, self.code

    def __str__(self) -> str:
        return f"{self.package} {self.path}:{self.line} {self.code} {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of one package gave. `failures`: what Oakum said of rules that failed, which none may."""

    package: Package
    files: int
    lines: int
    seconds: float
    findings: tuple[Finding, ...]
    failures: tuple[str, ...]


def check(package: Package) -> Checked:
    """Run the command that users run. Raises `EcosystemError` when it ends without its findings."""
    started = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-m", "oakum", "check", package.folder, "--output-format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    seconds = time.perf_counter() - started
    log = CORPUS / f"{package.folder.name}.log"
    log.write_text(process.stderr, encoding="utf-8")
    said = process.stderr.splitlines()
    if process.returncode not in (0, 1) or not process.stdout:  # Python itself ends with 1 where it can't even begin
        told = "\n".join(said[-20:])
        raise EcosystemError(f"{package.name}: exit code {process.returncode}; {log.relative_to(ROOT)} ends with\n{told}")
    failures = tuple(
        f"{package.name}: " + "\n".join(said[number : number + (40 if line.startswith("Traceback") else 1)])
        for number, line in enumerate(said)
        if any(words in line for words in FAILURES)
    )
    texts: dict[str, list[str]] = {
        path.relative_to(package.folder).as_posix(): path.read_text(encoding="utf-8", errors="replace").split("\n")
        for path in package.folder.rglob("*.py")
    }
    findings = tuple(_finding(row, package, texts) for row in json.loads(process.stdout))
    return Checked(package, len(texts), sum(map(len, texts.values())), seconds, findings, failures)


def _finding(row: dict[str, Any], package: Package, texts: dict[str, list[str]]) -> Finding:
    path = Path(ROOT, row["path"]).relative_to(package.folder).as_posix()
    line: int = row["line"]
    return Finding(package.name, path, line, row["code"], texts[path][line - 1].strip(), row["message"])


def on_file() -> list[Finding]:
    """The findings of the last update."""
    if not FINDINGS.exists():
        return []
    findings = [Finding(**json.loads(line)) for line in FINDINGS.read_text(encoding="utf-8").splitlines()]
    for finding in findings:
        if finding.verdict not in VERDICTS:
            raise EcosystemError(f"{finding}: {finding.verdict!r} is none of {', '.join(VERDICTS)}")
    return findings


def judged(found: Iterable[Finding], known: Iterable[Finding]) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """What is found, with the verdicts that are on file; what of it is new; and what of the file is gone."""
    waiting: dict[tuple[str, str, str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(known, key=lambda finding: finding.place, reverse=True):
        waiting[finding.identity].append(finding)
    everything: list[Finding] = []
    new: list[Finding] = []
    for finding in sorted(found, key=lambda finding: finding.place):
        if same := waiting[finding.identity]:
            old = same.pop()  # equal lines pair up in order
            everything.append(replace(finding, verdict=old.verdict, reason=old.reason))
        else:
            everything.append(finding)
            new.append(finding)
    gone = sorted((finding for rest in waiting.values() for finding in rest), key=lambda finding: finding.place)
    return everything, new, gone


def keep(findings: Iterable[Finding]) -> None:
    """Put findings on file."""
    lines = (json.dumps(asdict(finding), ensure_ascii=False) + "\n" for finding in sorted(findings, key=lambda f: f.place))
    FINDINGS.write_text("".join(lines), encoding="utf-8")


# --- what is printed ---


def difference(new: Sequence[Finding], gone: Sequence[Finding]) -> Iterator[str]:
    """What changed, in the order of the code."""
    signed = [*(("+", finding) for finding in new), *(("-", finding) for finding in gone)]
    for sign, finding in sorted(signed, key=lambda pair: pair[1].place):
        verdict = "" if sign == "+" else f"  [was {finding.verdict}]"
        yield f"{sign} {finding}{verdict}"
        yield f"      {finding.context}"


def summary(checked: Sequence[Checked], findings: Sequence[Finding]) -> Iterator[str]:
    """Numbers for each package, for each rule, and for all."""
    yield f"{'package':26}{'files':>7}{'lines':>10}{'findings':>10}{'per 1,000':>11}{'seconds':>9}"
    for one in checked:
        yield _row(one.package.name, one.files, one.lines, len(one.findings), one.seconds)
    files, lines = sum(one.files for one in checked), sum(one.lines for one in checked)
    yield _row("all", files, lines, len(findings), sum(one.seconds for one in checked))
    yield ""
    yield f"{'rule':26}{'findings':>10}" + "".join(f"{verdict:>10}" for verdict in VERDICTS) + f"{'precision':>11}"
    for code in sorted({finding.code for finding in findings}):
        yield _verdicts(code, [finding for finding in findings if finding.code == code])
    yield _verdicts("all", findings)


def _row(name: str, files: int, lines: int, findings: int, seconds: float) -> str:
    density = 1000 * findings / lines if lines else 0
    return f"{name:26}{files:>7,}{lines:>10,}{findings:>10,}{density:>11.2f}{seconds:>9.1f}"


def _verdicts(name: str, findings: Sequence[Finding]) -> str:
    counts = Counter(finding.verdict for finding in findings)
    decided = counts["true"] + counts["false"]
    precision = f"{counts['true'] / decided:.0%}" if decided else "-"
    return f"{name:26}{len(findings):>10,}" + "".join(f"{counts[one]:>10,}" for one in VERDICTS) + f"{precision:>11}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Check released packages and compare what is found with what is on file.")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="look at these only")
    parser.add_argument("--update", action="store_true", help="put on file what is found; verdicts stay")
    arguments = parser.parse_args()
    known, everything = on_file(), pinned()
    if strange := sorted(set(arguments.packages) - set(everything)):
        parser.error(f"not in {PACKAGES.name}: {', '.join(strange)}")
    checked: list[Checked] = []
    failed = False
    for name in arguments.packages or everything:
        try:
            fetch(everything[name])
            checked.append(check(everything[name]))
        except (EcosystemError, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        for failure in checked[-1].failures:
            print(failure, file=sys.stderr)
            failed = True
    unseen = set(everything) - {one.package.name for one in checked}
    left = [finding for finding in known if finding.package in unseen]
    findings, new, gone = judged(
        (finding for one in checked for finding in one.findings), (finding for finding in known if finding.package not in unseen)
    )
    print(*difference(new, gone), "", *summary(checked, findings), sep="\n")
    if arguments.update:
        keep([*left, *findings])
    elif new or gone:
        print(f"\n{len(new)} new, {len(gone)} gone. Read them; then: python tests/ecosystem/run.py --update")
    return 2 if failed else 1 if (new or gone) and not arguments.update else 0


if __name__ == "__main__":
    sys.exit(main())
