"""A PDT handheld that does not answer for its owner."""

from __future__ import annotations

from typing_extensions import override

from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import Air, Kind


class PlainSet(Handheld):
    """A set whose online check is switched off: only its person can answer."""

    @override
    def hear(self, air: Air) -> None:
        if air.kind is not Kind.CHECK:
            super().hear(air)
