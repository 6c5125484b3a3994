"""Draws without memory: one number for each link and burst, the same whoever asks and however often."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_MASK: Final = (1 << 64) - 1
_STEP: Final = 0x9E37_79B9_7F4A_7C15
_FIRST, _SECOND = 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB
_UNIT: Final = 2.0**-53


def seed_of(seed: int | str, name: str) -> int:
    """Return the 64-bit seed of a named link in a world."""
    return int.from_bytes(blake2b(f"{seed}|{name}".encode(), digest_size=8).digest(), "big")


def hashed(seed: int, number: int) -> float:
    """Return the number-th draw of a link, 0 to 1: SplitMix64 (Steele, Lea, Flood, 2014), 53 bits of it."""
    value = (seed + number * _STEP) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return ((value ^ (value >> 31)) >> 11) * _UNIT
