"""Questions about time: what repeats, and what lives on when it does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from oakum.facts.invariance import Invariance
from oakum.facts.objects import ObjectFacts
from oakum.semantics.flow import FunctionNode, key_of
from oakum.semantics.lifetimes import Lifetime
