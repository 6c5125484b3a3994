"""What stands between a satellite device and its sky, by reason: tunnel, hill, obstacle, no power."""

from __future__ import annotations

from typing import Final

from sim.devices.beidou import BeidouTerminal, Sky
from sim.devices.beidou_handset import BeidouHandset
from sim.devices.sat_phone import Phone
from sim.devices.tiantong import TiantongModem

Device = TiantongModem | Phone | BeidouTerminal | BeidouHandset

WORSE: Final = (Sky.OPEN, Sky.CANYON, Sky.TUNNEL)
"""From good to bad."""


class Shade:
    """Keeps the reasons for one device: the worst counts, and each goes by itself.

    One satellite is in view or not: anything but an open sky blocks the channel. Beidou's beams come from
    several: a canyon leaves the weaker ones.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._reasons: dict[str, Sky] = {}

    def put(self, reason: str, sky: Sky = Sky.TUNNEL) -> None:
        """Let a reason hide so much of the sky; an open sky takes the reason away."""
        if self._reasons.get(reason, Sky.OPEN) is sky:
            return
        if sky is Sky.OPEN:
            del self._reasons[reason]
        else:
            self._reasons[reason] = sky
        worst = max(self._reasons.values(), key=WORSE.index, default=Sky.OPEN)
        if isinstance(self._device, TiantongModem | Phone):
            self._device.channel.blocked = worst is not Sky.OPEN
        else:
            self._device.sky = worst

    def clear(self, reason: str) -> None:
        """Take a reason away."""
        self.put(reason, Sky.OPEN)


def shade_of(device: object) -> Shade | None:
    """Return the shade of a satellite device; None for any other."""
    return Shade(device) if isinstance(device, Device) else None
