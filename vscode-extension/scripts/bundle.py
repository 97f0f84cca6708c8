"""Build what the extension carries, `bundled/libs`: this checkout's wheel and the pinned libraries that it depends on.

Only wheels that run on every platform and every Python from 3.10 on are taken, so one .vsix serves all.
With --pin, write `bundled/requirements.txt` anew (needs uv).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXTENSION = Path(__file__).resolve().parent.parent
BUNDLED = EXTENSION / "bundled"
REPOSITORY = EXTENSION.parent
OLDEST = "3.10"
# Commands, which name the interpreter of this machine, and stubs of libraries that Oakum never asks jedi about.
UNUSED = ("bin", "Scripts", "jedi/third_party/django-stubs", "jedi/third_party/typeshed/stubs")
NOTE = "# What Oakum depends on, with hashes, for every Python from 3.10 on: `scripts/bundle.py --pin` writes this file.\n"


def main() -> None:
    if "--pin" in sys.argv[1:]:
        pin()
    libs = BUNDLED / "libs"
    shutil.rmtree(libs, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        pip("wheel", "--no-deps", "--wheel-dir", folder, str(REPOSITORY))
        (wheel,) = Path(folder).glob("oakum-*.whl")
        pip("install", "--no-deps", "--no-compile", "--target", str(libs), str(wheel))
    anywhere = (
        "--platform",
        "any",
        "--implementation",
        "py",
        "--abi",
        "none",
        "--python-version",
        OLDEST,
        "--only-binary",
        ":all:",
    )
    pinned = ("--require-hashes", "--requirement", str(BUNDLED / "requirements.txt"))
    pip("install", "--no-deps", "--no-compile", "--target", str(libs), *anywhere, *pinned)
    for unused in UNUSED:
        shutil.rmtree(libs / unused, ignore_errors=True)
    shutil.copy(REPOSITORY / "LICENSE", EXTENSION)  # the .vsix has to have its own
    if compiled := [path.name for path in libs.rglob("*") if path.suffix in {".so", ".pyd", ".dylib"}]:
        sys.exit(f"compiled for one platform: {', '.join(compiled)}")
    found = subprocess.run([sys.executable, "-I", str(BUNDLED / "oakum_server.py"), "--version"], capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"what was bundled doesn't run:\n{found.stderr}")
    size = sum(path.stat().st_size for path in libs.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    print(f"bundled {found.stdout.strip()}: {size / 1e6:.1f} MB")


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def pin() -> None:
    """pip asks the running interpreter whether a marker holds; here all of them do, as the oldest Python needs everything."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST, "--generate-hashes"]
    compiled = subprocess.run(
        [*command, "--no-annotate", "--no-header", str(REPOSITORY / "pyproject.toml")], check=True, capture_output=True, text=True
    )
    (BUNDLED / "requirements.txt").write_text(NOTE + re.sub(r" ; python_full_version < '[\d.]+'", "", compiled.stdout))


if __name__ == "__main__":
    main()
