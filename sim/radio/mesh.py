"""What both kinds of mesh share: hosts as stations of a medium, parcels, and links that lose in runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from sim.physics.gilbert import Gilbert, GilbertSpec
from sim.radio.medium import Medium
from sim.radio.reception import Antenna
from sim.radio.station import Burst, Link, Radio
from sim.radio.timing import NS


@dataclass(frozen=True, slots=True)
class Parcel:
    """A datagram on its way through a mesh; `deliver` puts it before the receiving host."""

    origin: str
    number: int
    to: str
    octets: int
    deliver: Callable[[], None]
    hops_left: int


@dataclass(slots=True)
class MeshTally:
    """What became of datagrams; `bursts` counts every hop, repeat and acknowledgement."""

    offered: int = 0
    delivered: int = 0
    refused: int = 0
    """Too long, a full queue, an unknown host, or no way there."""
    given_up: int = 0
    relayed: int = 0


class Mesh(ABC):
    """Hosts joined by one medium. A `sim.network.Carrier`.

    `losses` None: a burst survives as physics says. With a spec each direction of each pair also loses in
    runs, after Gilbert and Elliott: for meshes without geometry.
    """

    def __init__(self, medium: Medium, *, mtu_octets: int, losses: GilbertSpec | None = None) -> None:
        self.medium = medium
        self.mtu_octets = mtu_octets
        self.tally = MeshTally()
        self.radios: dict[str, Radio] = {}
        self._losses = losses
        self._gilberts: dict[tuple[str, str], Gilbert] = {}
        self._number = 0

    def _join(self, host: str, antenna: Antenna, hear: Callable[[Burst, Link], None]) -> Radio:
        """Make a host's station; what a lossy link swallows never reaches `hear`."""

        def filtered(burst: Burst, link: Link) -> None:
            if self._losses is None or not self._lost(link, self._losses):
                hear(burst, link)

        self.radios[host] = radio = Radio(antenna, filtered, send_w=3.0, listen_w=0.3)
        self.medium.join(radio)
        return radio

    def _lost(self, link: Link, losses: GilbertSpec) -> bool:
        pair = (link.tx.name, link.rx.name)
        gilbert = self._gilberts.get(pair)
        if gilbert is None:
            rng = self.medium.streams.stream(f"{self.medium.name}/{pair[0]}>{pair[1]}/losses")
            gilbert = self._gilberts[pair] = Gilbert(rng, losses)
        return gilbert.lost(self.medium.timeline.now_ns / NS)

    def carry(self, size_octets: int, deliver: Callable[[], None], source: str, to: str) -> None:
        """Take one datagram from a host to another; `deliver` is called when it is there, or never."""
        self.tally.offered += 1
        known = source in self.radios and to in self.radios
        if not known or size_octets > self.mtu_octets or not self.radios[source].on:
            self.tally.refused += 1
            return
        self._number += 1
        self._send(Parcel(source, self._number, to, size_octets, deliver, self.hop_limit))

    @abstractmethod
    def add(self, host: str, antenna: Antenna) -> None:
        """Give a host its station."""

    @property
    @abstractmethod
    def hop_limit(self) -> int:
        """How often a datagram may be passed on."""

    @abstractmethod
    def _send(self, parcel: Parcel) -> None:
        """Start a datagram at its origin."""

    def _deliver(self, parcel: Parcel) -> None:
        self.tally.delivered += 1
        parcel.deliver()
