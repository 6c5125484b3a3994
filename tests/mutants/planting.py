"""Planting a bug: one named function of the shipped code is wrapped, in a process that does nothing else.

A mutant is written beside a target such as `gateway.delivery.work:Work.order`; what it is given first is the
function as shipped. Nothing is planted until `plant` is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any, Final

Wrong = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One changed place: `wrong(original, *args)` stands where the original stood."""

    target: str
    wrong: Wrong

    def plant(self) -> None:
        """Change it, for as long as this process lives."""
        module, _, path = self.target.partition(":")
        *holders, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for holder in holders:
            owner = getattr(owner, holder)
        original = getattr(owner, name)
        if not callable(original):
            setattr(owner, name, self.wrong(original))
            return

        @wraps(original)
        def planted(*args: Any, **keys: Any) -> Any:
            return self.wrong(original, *args, **keys)

        setattr(owner, name, planted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A bug that a sweep must find. `story` says what somebody forgot; `seed` once found it."""

    name: str
    story: str
    patches: tuple[Patch, ...]
    scenario: str = "small"
    seed: int = 1

    def plant(self) -> None:
        """Make this process's fieldgate wrong."""
        for patch in self.patches:
            patch.plant()


def mutant(
    story: str, *patches: tuple[str, Wrong], name: str, seed: int = 1, scenario: str = "small"
) -> Mutant:
    """Describe one: (target, what stands there) pairs."""
    return Mutant(
        name=name,
        story=story,
        patches=tuple(Patch(target=target, wrong=wrong) for target, wrong in patches),
        scenario=scenario,
        seed=seed,
    )


def gives(value: Any) -> Wrong:
    """Return what always gives one value, whatever it is asked."""

    def wrong(_original: Any, *_args: Any, **_keys: Any) -> Any:
        return value

    return wrong


async def _nothing(_original: Any, *_args: Any, **_keys: Any) -> None:
    """Do nothing."""


DOES_NOTHING: Final = gives(None)
AWAITS_NOTHING: Final = _nothing


def by_name(mutants: tuple[Mutant, ...]) -> MappingProxyType[str, Mutant]:
    """Index them; two of one name are a mistake."""
    found = {one.name: one for one in mutants}
    assert len(found) == len(mutants), "two mutants of one name"
    return MappingProxyType(found)
