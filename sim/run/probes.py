"""Every rare path that shipped code marks, found in its source, so that a sweep can say what it never saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from sim.world.hooks import NASTY

PACKAGES: Final = ("drivers", "gateway", "sim.world")

_PROBE = re.compile(r"""\.probe\(\s*f?["']([a-z0-9_.]+)["']""")
_NASTY = re.compile(r"""\.buggify(?:\(|,)\s*["']([a-z0-9_.]+)["']""")


@cache
def known() -> tuple[str, ...]:
    """Return the names of all probes and nasty places in drivers and gateway, in order."""
    found: set[str] = set()
    for package in PACKAGES:
        for file in _sources(resources.files(package)):
            text = file.read_text(encoding="utf-8")
            found.update(_PROBE.findall(text))
            found.update(f"{NASTY}{name}" for name in _NASTY.findall(text))
    return tuple(sorted(found))


def never_reached(reached: Mapping[str, int]) -> list[str]:
    """Return the probes that no run reached."""
    return [name for name in known() if name not in reached]


def _sources(folder: Traversable) -> Iterable[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry
