"""Attributes that faults hold at a value: several may hold one at once, and each lets go by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Undo = Callable[[], None]


def nothing() -> None:
    """Undo nothing."""


def together(undos: list[Undo]) -> Undo:
    """Return what undoes several."""

    def undo() -> None:
        for one in undos:
            one()

    return undo


class Holds:
    """Sets attributes for as long as somebody holds them; the greatest of the held values counts.

    When the last lets go the attribute is what it was before the first came.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[int, str], tuple[Any, Any, list[Any]]] = {}

    def hold(self, owner: object, name: str, value: Any) -> Undo:
        """Hold an attribute at `value`; return what lets go."""
        key = (id(owner), name)
        _, before, values = self._held.setdefault(key, (owner, getattr(owner, name), []))
        values.append(value)
        setattr(owner, name, max(values))

        def let_go() -> None:
            values.remove(value)
            if values:
                setattr(owner, name, max(values))
            else:
                del self._held[key]
                setattr(owner, name, before)

        return let_go
