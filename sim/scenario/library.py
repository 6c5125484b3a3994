"""The scenarios that are shipped."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from protocols.errors import BadInputError

LIBRARY: Final = Path(__file__).resolve().parent.parent / "scenarios"
"""Where they are."""


def shipped() -> list[str]:
    """Return their names."""
    return sorted(file.stem for file in LIBRARY.glob("*.toml"))


def find(name: str) -> Path:
    """Return the file of this path or, where none is there, of the shipped scenario of this name.

    Raises BadInputError for a bare word that is neither.
    """
    if not name.endswith(".toml") and name in shipped():
        return LIBRARY / f"{name}.toml"
    path = Path(name)
    if path.name == name and not path.suffix and not path.exists():
        near = get_close_matches(name, shipped(), n=1)
        hint = (f": did you mean {near[0]}?", f"：是否指 {near[0]}？") if near else ("", "")
        raise BadInputError(
            name,
            limit=f"a TOML file, or {', '.join(shipped())}",
            found="no file, no shipped scenario",
            en=f"no such scenario{hint[0]}",
            zh=f"没有这个场景{hint[1]}",
        )
    return path
