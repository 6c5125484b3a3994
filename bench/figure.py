"""One measured figure, with the bound it was promised and what others reached in the same run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure; `value` None means it could not be measured, and `error` says why.

    `peers` are values of the same unit measured beside it; `how` repeats it.
    """

    name: str
    value: float | None
    unit: str
    how: str
    at_most: float | None = None
    at_least: float | None = None
    peers: Mapping[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def bound(self) -> str:
        """The bound in words, empty where none was promised."""
        parts = [(">=", self.at_least), ("<=", self.at_most)]
        return " and ".join(f"{sign} {limit:g}" for sign, limit in parts if limit is not None)

    @property
    def holds(self) -> bool:
        """Whether it was measured and lies within its bound."""
        if self.error or self.value is None or not math.isfinite(self.value):
            return False
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    def as_json(self) -> dict[str, Any]:
        """Return the object written to the results file."""
        told = {
            "name": self.name,
            "value": self.value if self.value is not None and math.isfinite(self.value) else None,
            "unit": self.unit,
            "bound": self.bound,
            "holds": self.holds,
            "peers": dict(self.peers),
            "how": self.how,
        }
        return told | {"error": self.error} if self.error else told
