"""What the README shows is what the tool says: `make readme` writes these blocks anew."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from oakum import catalogue, configuration

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def block_is(name: str, content: str) -> None:
    """The README's block between `<!-- name -->` and `<!-- /name -->` has this content, or gets it when OAKUM_UPDATE is set."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found, f"README.md has no `<!-- {name} -->` block"
    if os.environ.get("OAKUM_UPDATE"):
        README.write_text(text[: found.start(1)] + content + text[found.end(1) :], encoding="utf-8")
    else:
        assert found[1] == content, "README.md is behind: run `make readme`"


def test_table_of_rules() -> None:
    block_is("rules", catalogue.table(catalogue.rules()))


def test_schema() -> None:
    """The JSON Schema that editors use for `oakum.toml` is what the configuration is read by."""
    path = ROOT / "server/oakum/oakum.schema.json"
    content = json.dumps(configuration.schema(), indent=2) + "\n"
    if os.environ.get("OAKUM_UPDATE"):
        path.write_text(content, encoding="utf-8")
    else:
        assert path.read_text(encoding="utf-8") == content, "oakum.schema.json is behind: run `make readme`"


def test_finding() -> None:
    """The first finding of the example that the README quotes."""
    command = [Path(sys.executable).with_name("oakum"), "check", "--select=PT07", "examples/train.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    block_is("finding", f"```text\n{done.stdout.rstrip()}\n```\n")
