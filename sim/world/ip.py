"""Which hosts can talk over which IP bearer now, and how long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from sim.world.files import NETS

DELAY_S: Final = {"lan": 0.001, "cellular": 0.04, "mesh": 0.0, "vsat": 0.08}
"""One way: a cable, a public network, a dish's framing beside its hop; a mesh takes what its hops take."""

JITTER_S: Final = {"lan": 0.0, "cellular": 0.02, "mesh": 0.0, "vsat": 0.03}

RATE_BPS: Final = {"lan": 0.0, "cellular": 2_000_000.0, "mesh": 0.0, "vsat": 512_000.0}
"""What a busy public network and a small VSAT leave for one; 0: no limit worth a name, or a mesh's own."""

LOOK_S: Final = 2.0
"""How long an answer holds: nobody drives far in that time."""

BEARER_OF: Final = {net: bearer for bearer, net in NETS.items()}


def bearer_of(host: str) -> str:
    """Return the bearer whose network a host belongs to."""
    return BEARER_OF[host[: host.index(".", host.index(".") + 1)]]


class Reach:
    """Remembers for a moment who reaches whom."""

    def __init__(self, judge: Callable[[str, str, str], bool]) -> None:
        self._judge = judge
        self._known: dict[tuple[str, str], tuple[float, bool]] = {}

    def open(self, a: str, b: str) -> bool:
        """Whether physics lets two hosts talk now."""
        now_s = asyncio.get_running_loop().time()
        found = self._known.get((a, b))
        if found is None or now_s - found[0] >= LOOK_S:
            found = self._known[a, b] = (now_s, self._judge(bearer_of(a), a, b))
        return found[1]

    def forget(self) -> None:
        """Look anew: something has changed at once."""
        self._known.clear()
