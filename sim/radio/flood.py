"""A LoRa-like mesh: every station passes on what it hears for the first time, unless others do it sooner."""

from __future__ import annotations

import math
import random
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from typing_extensions import override

from sim.physics.gilbert import GilbertSpec
from sim.radio.csma import Access, Csma
from sim.radio.mac import Mac, Outgoing
from sim.radio.medium import Medium
from sim.radio.mesh import Mesh, Parcel
from sim.radio.reception import Antenna
from sim.radio.station import Burst, Link
from sim.radio.timing import ns

MTU_OCTETS: Final = 233
"""What one packet of such a radio carries (reference page "mesh", section 1)."""
HOP_LIMIT: Final = 3
"""Passed on three times at most, as shipped."""
TRIES: Final = 3
"""The origin sends again when it hears nobody pass its packet on; then it gives up."""
SEEN_PACKETS: Final = 512
"""Packets a station remembers: minutes of the busiest channel of this kind."""
SNR_WORST_DB, SNR_BEST_DB = -20.0, 10.0
"""Who hears a packet worse is farther away, and passes it on sooner."""
WINDOWS: Final = (2, 8)
"""The wait before passing on is drawn from 2^2 to 2^8 slots, by how well the packet was heard."""


def lora_airtime_s(
    octets: int, *, spreading: int = 9, bandwidth_hz: float = 125e3, coding: int = 1, preamble: int = 16
) -> float:
    """Return the airtime of a LoRa packet with header and checksum (Semtech AN1200.13)."""
    symbol_s = 2**spreading / bandwidth_hz
    slow = 2 if symbol_s >= 0.016 else 0  # noqa: PLR2004 - low data rate optimisation from 16 ms on
    blocks = math.ceil((8 * octets - 4 * spreading + 44) / (4 * (spreading - slow)))
    return float((preamble + 4.25 + 8 + max(0, blocks) * (coding + 4)) * symbol_s)


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow the channel is: airtime of a packet's fixed part, rate of the rest, one slot of waiting."""

    spreading: int = 9
    bandwidth_hz: float = 125e3
    header_octets: int = 16
    slot_s: float = 0.03

    def airtime_s(self, octets: int) -> float:
        """Return the airtime of a packet with so many octets inside."""
        whole = octets + self.header_octets
        return lora_airtime_s(whole, spreading=self.spreading, bandwidth_hz=self.bandwidth_hz)


class FloodMesh(Mesh):
    """Managed flooding with a hop limit; the origin repeats until it hears its packet passed on."""

    def __init__(
        self,
        medium: Medium,
        *,
        pace: Pace | None = None,
        access: Access | None = None,
        losses: GilbertSpec | None = None,
        hop_limit: int = HOP_LIMIT,
    ) -> None:
        super().__init__(medium, mtu_octets=MTU_OCTETS, losses=losses)
        self.pace = pace or Pace()
        self.access: Access = access or Csma(p=0.3, slot_s=self.pace.slot_s)
        self._hop_limit = hop_limit
        self._nodes: dict[str, _Flooder] = {}

    @property
    @override
    def hop_limit(self) -> int:
        return self._hop_limit

    @override
    def add(self, host: str, antenna: Antenna) -> None:
        """Give a host its station."""
        self._nodes[host] = _Flooder(self, host, antenna)

    @override
    def _send(self, parcel: Parcel) -> None:
        self._nodes[parcel.origin].start(parcel)

    def arrived(self, parcel: Parcel) -> None:
        """Count and hand over what reached its host."""
        self._deliver(parcel)

    def join(self, node: _Flooder, antenna: Antenna) -> Mac:
        """Give a node its station and transmit queue."""
        radio = self._join(node.host, antenna, node.hear)
        return Mac(self.medium, radio, self.access, node.rng)


class _Flooder:
    """One station: what it has seen, what it is about to pass on."""

    def __init__(self, mesh: FloodMesh, host: str, antenna: Antenna) -> None:
        self.host = host
        self.rng: random.Random = mesh.medium.streams.stream(f"{mesh.medium.name}/{host}/mesh")
        self._mesh = mesh
        self._mac = mesh.join(self, antenna)
        self._seen: OrderedDict[tuple[str, int], bool] = OrderedDict()
        """By packet: whether somebody else passed it on."""

    def start(self, parcel: Parcel) -> None:
        """Send a packet of this host."""
        self._remember((parcel.origin, parcel.number))
        self._try((parcel, 1))

    def hear(self, burst: Burst, link: Link) -> None:
        """Deliver, pass on, or keep still."""
        parcel = burst.frame
        if not isinstance(parcel, Parcel):
            return
        key = (parcel.origin, parcel.number)
        if key in self._seen:
            # the origin's own repeat is no relay
            self._seen[key] = self._seen[key] or burst.tx.name != parcel.origin
            return
        self._remember(key)
        if parcel.to == self.host:
            self._mesh.arrived(parcel)
            # heard by its origin, this tells it that the packet arrived
            self._offer(replace(parcel, hops_left=0), 0)
        elif parcel.hops_left > 0:
            self._mesh.tally.relayed += 1
            self._offer(replace(parcel, hops_left=parcel.hops_left - 1), self._wait_ns(link))

    def _try(self, what: tuple[Parcel, int]) -> None:
        parcel, tries = what
        if self._seen.get((parcel.origin, parcel.number), True):
            return
        if tries > TRIES:
            self._mesh.tally.given_up += 1
            return
        if not self._offer(parcel, 0):
            self._mesh.tally.refused += 1
            return
        pace, timeline = self._mesh.pace, self._mesh.medium.timeline
        slowest_s = (1 << WINDOWS[1]) * pace.slot_s
        wait_s = 3 * pace.airtime_s(parcel.octets) + slowest_s * (1.0 + 0.5 * self.rng.random())
        timeline.post(timeline.now_ns + ns(wait_s), self._try, (parcel, tries + 1))

    def _offer(self, parcel: Parcel, after_ns: int) -> bool:
        key = (parcel.origin, parcel.number)
        arrived = parcel.to == self.host
        airtime_ns = ns(self._mesh.pace.airtime_s(parcel.octets))
        return self._mac.offer(
            Outgoing(
                parcel,
                parcel.octets,
                airtime_ns,
                wanted=None if arrived else lambda: not self._seen.get(key, True),
            ),
            after_ns=after_ns,
        )

    def _wait_ns(self, link: Link) -> int:
        medium = self._mesh.medium
        snr_db = medium.rssi_dbm(link) - medium.reception.noise_dbm
        share = (min(max(snr_db, SNR_WORST_DB), SNR_BEST_DB) - SNR_WORST_DB) / (SNR_BEST_DB - SNR_WORST_DB)
        low, high = WINDOWS
        slots = self.rng.randrange(1 << round(low + share * (high - low)))
        return ns((slots + 1) * self._mesh.pace.slot_s)

    def _remember(self, key: tuple[str, int]) -> None:
        self._seen[key] = False
        if len(self._seen) > SEEN_PACKETS:
            self._seen.popitem(last=False)
