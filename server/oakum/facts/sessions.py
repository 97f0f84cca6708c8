"""Questions about sessions of TensorFlow 1.x: who opens them, and whether anybody closes them."""

from __future__ import annotations

import ast

from oakum.facts.resources import ResourceFacts
from oakum.knowledge import tensorflow as knowledge
from oakum.semantics.ownership import End, Owned

_RELEASES = frozenset({"close", "__exit__", "__del__"})
_OPENING = {name.rpartition(".")[2] for name in knowledge.SESSIONS}


class SessionFacts(ResourceFacts):
    """What becomes of sessions."""

    def opened_session(self, node: ast.Call) -> str | None:
        """The class of the session that a call itself opens: `Session`, `InteractiveSession` ..."""
        last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        name = self.qualified(node.func) if last in _OPENING or isinstance(node.func, ast.Name) else None
        return name.rpartition(".")[2] if name in knowledge.SESSIONS else None

    def owned_session(self, made: ast.Call) -> Owned:
        """What becomes of a session that a call opens."""
        return self.ownership.owned(made, _RELEASES)

    def leaves_open(self, made: ast.Call) -> bool:
        """Whether nobody surely or possibly closes a session, also one that is dropped at once or not even bound."""
        if isinstance(self.parent(made), ast.Expr):
            return True
        return self.owned_session(made).end in (End.NEVER, End.LEFT)

    def own_session(self, item: ast.expr) -> ast.Call | None:
        """The call that opens the session which an expression is, or which an object of a class in sight owns and never closes."""
        for obj in self.value(item):
            if obj.kind == "session" and isinstance(obj.site, ast.Call):
                return obj.site
            if obj.kind == "instance" and isinstance(obj.node, ast.ClassDef):
                for call in self.calls_in(obj.node, *_OPENING):
                    if self.opened_session(call) is not None and self.owned_session(call).end is End.NEVER:
                        return call
        return None

    def closes_sessions(self, container: ast.expr) -> bool:
        """Whether somebody may close what a container holds."""
        key = self.kept_key(container)
        return key is None or self.ownership.contents_released(key, container, _RELEASES)
