"""Run both benchmarks: `make benchmark`. With `--update`, put the tables into README.md beside this file."""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
README = HERE / "README.md"
BENCHMARKS = ("throughput", "latency")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run both benchmarks.")
    parser.add_argument("--update", action="store_true", help="put the tables into README.md")
    update = parser.parse_args().update
    for name in BENCHMARKS:
        print(f"\n{name}\n", flush=True)
        done = subprocess.run([sys.executable, HERE / f"{name}.py"], stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="")
        if done.returncode:
            return done.returncode
        if update:
            _put(name, f"{date.today()}, Python {platform.python_version()}, {platform.machine()}\n\n{done.stdout}")
    return 0


def _put(name: str, text: str) -> None:
    """Write what stands between the marks of a benchmark."""
    marks = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    README.write_text(
        marks.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", README.read_text(encoding="utf-8")), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
