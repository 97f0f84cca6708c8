"""Pages of the site that are made from what Oakum is: a page a rule, the table of rules, the reference of settings.

A hook of mkdocs. `oakum explain` prints the same pages without a network.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from oakum import catalogue
from oakum.configuration import KEYS
from oakum.rule import Framework, Rule

ROOT = Path(__file__).parent.parent


def on_files(files: Files, config: Any) -> Files:
    rules = catalogue.rules()
    pages = {f"rules/{rule.name}.md": _rule(rule) for rule in rules}
    pages["rules/index.md"] = _rules(rules)
    pages["configuration.md"] = _configuration()
    pages["write-a-rule.md"] = _contributing()
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def _rule(rule: Rule) -> str:
    return _local(catalogue.page(rule)).rpartition("\n\n[http")[0] + "\n"


def _rules(rules: tuple[Rule, ...]) -> str:
    parts = [
        "# Rules",
        f"{len(rules)} of them, after the study *From Code Smells to Best Practices: Tackling Resource Leaks in PyTorch, TensorFlow, "
        "and Keras* (2025), each measured anew. A level belongs to a form: many rules have forms that are quieter than the rule, "
        "or off until selected; a rule's page lists them.",
    ]
    torch = [rule for rule in rules if Framework.TORCH in rule.frameworks]
    others = [rule for rule in rules if rule not in torch]
    for title, some in (("PyTorch", torch), ("TensorFlow and Keras", others)):
        parts += [f"## {title}", _local(catalogue.table(some))]
    return "\n\n".join(parts)


def _local(markdown: str) -> str:
    """Links to the published pages of rules as links inside of this site."""
    return re.sub(rf"{re.escape(catalogue.SITE)}/rules/([\w-]+)/", r"\1.md", markdown)


def _configuration() -> str:
    parts = [
        "# Configuration",
        "In the nearest `oakum.toml`, or in the table `[tool.oakum]` of the nearest `pyproject.toml`. `oakum config` prints this page, "
        "`oakum check --show-settings FILE` what holds for a file. An unknown key or rule is an error that names the nearest known one.",
    ]
    for name, key in KEYS.items():
        parts += [f"## `{name}`", key.text, f"```toml\n[tool.oakum]\n{key.example}\n```"]
    return "\n\n".join(parts) + "\n"


def _contributing() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    text = text.replace("# Contributing", "# Write a rule", 1)
    return re.sub(r"\[([^\]]+)\]\((?!http)[^)]+\)", r"`\1`", text)
