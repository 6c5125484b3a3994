"""The scenarios that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

LIBRARY: Final = Path(__file__).resolve().parent.parent / "scenarios"
"""Where they are."""


def shipped() -> list[str]:
    """Return their names."""
    return sorted(file.stem for file in LIBRARY.glob("*.toml"))


def find(name: str) -> Path:
    """Return the file of this path or, where none is there, of the shipped scenario of this name."""
    return Path(name) if name.endswith(".toml") or name not in shipped() else LIBRARY / f"{name}.toml"
