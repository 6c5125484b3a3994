"""What uncoordinated sending yields in theory: the measure that a shared channel is held against."""

from __future__ import annotations

from math import exp


def pure_aloha(load: float) -> float:
    """Throughput S of pure ALOHA at offered load G, both in burst lengths: S = G e^-2G (Abramson, 1970)."""
    return load * exp(-2.0 * load)


def slotted_aloha(load: float) -> float:
    """Throughput S of slotted ALOHA at offered load G: S = G e^-G (Roberts, 1972)."""
    return load * exp(-load)


def overlap_s(start_s: float, other_s: float, airtime_s: float, other_airtime_s: float) -> float:
    """How long two bursts are on the air together; 0 if they only touch."""
    end_s = min(start_s + airtime_s, other_s + other_airtime_s)
    return max(0.0, end_s - max(start_s, other_s))
