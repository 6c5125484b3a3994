"""An IP mesh: each hop is acknowledged and repeated, the way is the one with the fewest expected bursts."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from heapq import heappop, heappush
from typing import Final, NamedTuple

from typing_extensions import override

from sim.physics.gilbert import GilbertSpec
from sim.radio.csma import Access, Csma
from sim.radio.medium import Medium
from sim.radio.mesh import Mesh, Parcel
from sim.radio.reception import Antenna
from sim.radio.station import Burst, Link, Radio
from sim.radio.timing import ns

MTU_OCTETS: Final = 2_304
"""What a wireless LAN frame carries (IEEE 802.11)."""
HOP_LIMIT: Final = 16
"""A way that is longer is a loop."""
TRIES: Final = 7
"""Sendings of one hop, as wireless LANs do by default."""
QUEUE_PARCELS: Final = 64
"""What a station keeps for its neighbours; more is lost, as in any router."""
REFRESH_S: Final = 5.0
"""How old a station's picture of the mesh may be: routing protocols say hello about as often."""
WORST_SHARE: Final = 0.1
"""A neighbour that gets less than a tenth of the bursts is none."""
OVERHEAD_S: Final = 0.0003
"""Preamble, header and spacing of one frame."""
ACK_OCTETS: Final = 14


class _Ack(NamedTuple):
    number: int
    hop: str


class RoutedMesh(Mesh):
    """Stations at `rate_bps`. Ways are looked up anew every REFRESH_S, and at once when a hop gives up."""

    def __init__(
        self,
        medium: Medium,
        *,
        rate_bps: float = 6e6,
        access: Access | None = None,
        losses: GilbertSpec | None = None,
    ) -> None:
        super().__init__(medium, mtu_octets=MTU_OCTETS, losses=losses)
        self.access: Access = access or Csma(p=0.2, slot_s=0.0001)
        self._rate_bps = rate_bps
        self._nodes: dict[str, _Router] = {}
        self._ways: dict[str, tuple[int, dict[str, str]]] = {}
        self.gap_ns = ns(0.00001) + medium.turnaround_ns
        self.patience_ns = self.gap_ns + self.airtime_ns(ACK_OCTETS) + ns(0.0001)

    @property
    @override
    def hop_limit(self) -> int:
        return HOP_LIMIT

    @override
    def add(self, host: str, antenna: Antenna) -> None:
        """Give a host its station."""
        self._nodes[host] = node = _Router(self, host)
        node.radio = self._join(host, antenna, node.hear)
        self._ways.clear()

    def airtime_ns(self, octets: int) -> int:
        """Return how long one frame is on the air."""
        return ns(OVERHEAD_S + octets * 8 / self._rate_bps)

    def next_hop(self, host: str, to: str) -> str | None:
        """Return the neighbour to hand a parcel to, as `host` saw the mesh last; None: no way."""
        now_ns = self.medium.timeline.now_ns
        seen = self._ways.get(host)
        if seen is None or now_ns - seen[0] > ns(REFRESH_S):
            seen = self._ways[host] = (now_ns, self._look(host))
        return seen[1].get(to)

    def distrust(self, host: str) -> None:
        """Look anew at the next parcel."""
        self._ways.pop(host, None)

    @override
    def _send(self, parcel: Parcel) -> None:
        self._nodes[parcel.origin].route(parcel)

    def arrived(self, parcel: Parcel) -> None:
        """Count and hand over what reached its host."""
        self._deliver(parcel)

    def _look(self, host: str) -> dict[str, str]:
        """Find the first hop of the cheapest way to each host: Dijkstra over expected sendings."""
        names = {radio.number: name for name, radio in self.radios.items()}
        hops: dict[str, str] = {}
        heap: list[tuple[float, str, str]] = [(0.0, host, "")]
        while heap:
            cost, name, first = heappop(heap)
            if name in hops:
                continue
            hops[name] = first
            for link in self.medium.neighbours(self.radios[name]):
                other = names.get(link.rx.number)
                share = 1.0 - link.least
                if other is not None and other not in hops and link.rx.on and share >= WORST_SHARE:
                    heappush(heap, (cost + 1.0 / share, other, first or other))
        return hops


class _Router:
    """One station: a queue of parcels, each with the neighbour it goes to next."""

    radio: Radio

    def __init__(self, mesh: RoutedMesh, host: str) -> None:
        self.host = host
        self._mesh = mesh
        self._medium = mesh.medium
        self._rng: random.Random = mesh.medium.streams.stream(f"{mesh.medium.name}/{host}/mesh")
        self._queue: deque[tuple[Parcel, str]] = deque()
        self._tries = 0
        self._ticket = 0
        self._last: dict[str, int] = {}

    def route(self, parcel: Parcel) -> None:
        """Queue a parcel towards its host."""
        hop = self._mesh.next_hop(self.host, parcel.to)
        if not hop or len(self._queue) >= QUEUE_PARCELS:
            self._mesh.tally.refused += 1
            return
        self._queue.append((parcel, hop))
        if len(self._queue) == 1:
            self._begin()

    def hear(self, burst: Burst, link: Link) -> None:
        """Acknowledge and pass on; take the acknowledgement of what was sent."""
        del link
        frame = burst.frame
        if isinstance(frame, _Ack):
            if self._queue and self._queue[0][0].number == frame.number and self._queue[0][1] == frame.hop:
                self._done()
        elif isinstance(frame, Parcel):
            timeline = self._medium.timeline
            timeline.post(timeline.now_ns + self._mesh.gap_ns, self._answer, (burst.tx, frame.number))
            if self._last.get(burst.tx.name) == frame.number:
                return  # its acknowledgement was lost
            self._last[burst.tx.name] = frame.number
            if frame.to == self.host:
                self._mesh.arrived(frame)
            elif frame.hops_left > 0:
                self._mesh.tally.relayed += 1
                self.route(replace(frame, hops_left=frame.hops_left - 1))

    def _answer(self, what: tuple[Radio, int]) -> None:
        to, number = what
        airtime_ns = self._mesh.airtime_ns(ACK_OCTETS)
        ack = _Ack(number, self.host)
        self._medium.transmit(self.radio, ack, octets=ACK_OCTETS, airtime_ns=airtime_ns, to=to)

    def _begin(self) -> None:
        self._tries = 0
        self._ticket += 1
        self._ask(self._ticket)

    def _done(self) -> None:
        self._queue.popleft()
        self._ticket += 1
        if self._queue:
            self._begin()

    def _ask(self, ticket: int) -> None:
        if ticket != self._ticket or not self._queue:
            return
        medium, timeline = self._medium, self._medium.timeline
        now_ns = timeline.now_ns
        wait_ns = self._mesh.access.wait_ns(medium, self.radio, self._rng, now_ns)
        if wait_ns:
            timeline.post(now_ns + wait_ns, self._ask, ticket)
            return
        parcel, hop = self._queue[0]
        airtime_ns = self._mesh.airtime_ns(parcel.octets)
        to = self._mesh.radios[hop]
        if not medium.transmit(self.radio, parcel, octets=parcel.octets, airtime_ns=airtime_ns, to=to):
            if self.radio.on:
                timeline.post(now_ns + self._mesh.gap_ns, self._ask, ticket)
            else:
                self._queue.clear()
            return
        self._tries += 1
        timeline.post(self.radio.until_ns + self._mesh.patience_ns, self._unanswered, ticket)

    def _unanswered(self, ticket: int) -> None:
        if ticket != self._ticket:
            return
        if self._tries >= TRIES:
            self._mesh.tally.given_up += 1
            self._mesh.distrust(self.host)
            self._done()
            return
        timeline = self._medium.timeline
        window_ns = self._mesh.patience_ns * (1 << self._tries)
        timeline.post(timeline.now_ns + round(window_ns * self._rng.random()), self._ask, ticket)
