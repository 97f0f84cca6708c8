"""A name for each finding that stays the same while lines come and go around it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from oakum.entry import Entry
from oakum.output.places import posix


def fingerprints(found: Sequence[Entry]) -> Iterator[str]:
    """Of equal findings in a file each has its number, so that no two have one name."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for each in found:
        key = posix(each.path), each.code, each.context
        seen[key] += 1
        text = "\0".join((*key, str(seen[key])))
        yield hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
