"""The questions that a rule may ask. Every answer is True, or a proof, only when it is proven.

A rule stays silent where a fact is not sure; so a fact that is silent where it isn't sure raises no false alarm. The questions are
grouped by what they are about, each group built on the one before: `syntax`, `objects`, `lifetimes`, `autograd`, `training`, `tensors`,
`tensorflow`, `graphs`, `tracing`, `models`, `functional`, `sessions`.
"""

from __future__ import annotations

from oakum.facts.autograd import Attached
from oakum.facts.custom_function import CustomFunction, Kept, Role
from oakum.facts.environment import Setting
from oakum.facts.functional import FunctionalFacts
from oakum.facts.holders import Holder
from oakum.facts.models import Pass
from oakum.facts.objects import FILLING
from oakum.facts.sessions import SessionFacts
from oakum.facts.state import Update
from oakum.knowledge.objects import Resource
from oakum.semantics.cycles import Link
from oakum.semantics.execution import Execution
from oakum.semantics.ownership import End, Owned
from oakum.semantics.repetition import Again
from oakum.semantics.values import Obj
from oakum.syntax.scripts import Script, Variable

__all__ = [
    "FILLING",
    "Again",
    "Attached",
    "CustomFunction",
    "End",
    "Execution",
    "Facts",
    "Holder",
    "Kept",
    "Link",
    "Obj",
    "Owned",
    "Pass",
    "Resource",
    "Role",
    "Script",
    "Setting",
    "Update",
    "Variable",
]


class Facts(FunctionalFacts, SessionFacts):
    """What is known of one file. Node arguments are nodes of that file."""
