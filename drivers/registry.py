"""Finds drivers by name among what is installed; imports only the one asked for."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from drivers.base import Driver
from protocols.errors import BadInputError

GROUP: Final = "fieldgate.drivers"
"""The entry-point group of drivers; a package of any name may add to it."""


def names() -> list[str]:
    """Return the installed drivers' names, sorted."""
    return sorted(_installed())


def load(name: str) -> Driver[Any]:
    """Import and return the driver `name`.

    Raises BadInputError when nothing of that name is installed (it lists what is), or when two packages
    claim the name: which one won would depend on the order of installation.
    """
    found = _installed()
    candidates = found.get(name, [])
    if not candidates:
        known = ", ".join(sorted(found))
        raise BadInputError(
            "driver", limit=known, found=name, en="no such driver installed", zh="未安装该驱动"
        )
    if len(candidates) > 1:
        claims = ", ".join(sorted(entry.value for entry in candidates))
        raise BadInputError("driver", limit=claims, found=name, en="claimed twice", zh="被多个软件包重复声明")
    return cast("Driver[Any]", candidates[0].load())


def _installed() -> dict[str, list[EntryPoint]]:
    return _scanned(tuple(sys.path))


@lru_cache(maxsize=1)
def _scanned(_path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    """Look once: reading the metadata of everything installed takes longer than opening a link."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        same_name = found.setdefault(entry.name, [])
        if entry.value not in {other.value for other in same_name}:  # an editable install may be listed twice
            same_name.append(entry)
    return found
