"""Which ways each waiting thing has now, and how large it is there; decisions share one look at the links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.base import Service
from gateway.core import Core
from gateway.delivery import wire
from gateway.delivery.far_ends import FarEnds
from gateway.delivery.work import Work, WorkKey
from gateway.domain import Bearer, LinkState, MessageId, Precedence
from gateway.native import MAX_PARTS, compose
from gateway.roster import Station
from gateway.routing import USABLE, Candidate, Plan, RouteLink, doubled, native_octets, ordered, plan, ways
from protocols import air

HELD_S = 2.0
"""IMMEDIATE and above pass over a link that may not transmit for longer than this if another can."""

FORM = air.HeaderForm(bearer_tells_destination=True)
"""Every frame goes to one neighbour's own address, so the header need not say whose it is."""

LENGTH_OCTETS = 2
"""Length of an element that is not the last of its frame, at most."""


@dataclass(frozen=True, slots=True)
class NativeText:
    """What goes to a native device in one piece: part `part` of `parts`."""

    text: str
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a copy needs on a way in `parts` parts, and what that takes."""

    way: Candidate
    parts: int
    octets: int
    limit_octets: int


class Planner:
    """Looks at the links when `begin` is called, and answers from that until the next call."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.far_ends = FarEnds(core.config.reports.lost_contact_s)
        self._seen_links: list[RouteLink] | None = None
        self._found: dict[tuple[int, int], list[Candidate]] = {}
        self._plans: dict[WorkKey, tuple[Candidate, ...]] = {}
        self._rooms: dict[tuple[int, str], int] = {}
        self._hops: dict[tuple[int, Precedence, int, str], tuple[Candidate, ...]] = {}

    def begin(self) -> None:
        """Look at the links afresh."""
        self._seen_links = None
        self._found.clear()
        self._plans.clear()
        self._rooms.clear()
        self._hops.clear()

    @property
    def _route_links(self) -> list[RouteLink]:
        """The links as they were at the first question since `begin`."""
        if self._seen_links is None:
            self._seen_links = self._core.route_links()
        return self._seen_links

    # --- ways --------------------------------------------------------------------------------------------

    def plan_for(self, work: Work) -> Plan:
        """Every usable way for this work in order, and why not the others."""
        core = self._core
        station = core.roster.stations.get(work.station)
        if station is None:
            return Plan((), (f"station {work.station} is not in the roster",))
        avoid = work.message.came_from if work.message else 0
        order = core.config.order_by_precedence[work.precedence]
        chosen = plan(self._all_ways(station, avoid), order, lambda way: self.size_octets(work, way))
        candidates, last = self._living_first(chosen.candidates)
        why = tuple(f"{way.link}: reported down by {core.roster.sign(way.next_hop)}" for way in last)
        candidates += last
        if work.cheap_only:
            candidates = [way for way in candidates if core.links[way.link].free_of_charge]
        if work.only_link:
            candidates = [way for way in candidates if way.link == work.only_link]
        if work.prefer_link:
            candidates.sort(key=lambda way: way.link != work.prefer_link)
        if work.precedence >= Precedence.IMMEDIATE:
            candidates = self._passing_held(candidates)
        return Plan(tuple(candidates), (*chosen.why, *why))

    def ways_of(self, work: Work) -> tuple[Candidate, ...]:
        """The ways to use now: one, or two at once for what is urgent."""
        if work.key not in self._plans:
            self._plans[work.key] = doubled(self.plan_for(work).candidates, work.precedence)
        chosen = self._plans[work.key]
        # A native device knows no identities, and what needs no acknowledgement is done once it has left:
        # never two bearers at once there.
        once = not work.elicits_ack or (chosen and chosen[0].service is Service.TEXT)
        return chosen[:1] if once else chosen

    def hop_ways(self, peer: int, precedence: Precedence, size: int, prefer: str) -> tuple[Candidate, ...]:
        """Ways to a neighbour itself for a frame of `size` octets, on any bearer, `prefer` first."""
        key = (peer, precedence, size, prefer)
        if key not in self._hops:
            self._hops[key] = self._hop_ways(*key)
        return self._hops[key]

    def _hop_ways(self, peer: int, precedence: Precedence, size: int, prefer: str) -> tuple[Candidate, ...]:
        station = self._core.roster.stations.get(peer)
        if station is None:
            return ()
        order = self._core.config.order_by_precedence[precedence]
        every = (*order, *(bearer for bearer in Bearer if bearer not in order))
        chosen = ordered(self._all_ways(station, 0), every, size)
        living, last = self._living_first(chosen)
        return tuple(sorted((*living, *last), key=lambda way: way.link != prefer))

    def room(self, number: int, link: str) -> int:
        """Octets that fit on the largest living way to a station over one link; 0 when there is none."""
        key = (number, link)
        if key not in self._rooms:
            station = self._core.roster.stations.get(number)
            found = self._all_ways(station, 0) if station is not None else []
            self._rooms[key] = max(
                (way.limit_octets for way in found if way.link == link and way.state in USABLE), default=0
            )
        return self._rooms[key]

    def too_large(self, work: Work, link: str) -> bool:
        """Whether a frame size known from before rules this link out, without planning."""
        return bool(work.sizes) and min(work.sizes.values()) > self.room(work.station, link)

    def _living_first(self, ways: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
        core = self._core
        return self.far_ends.living_first(
            ways,
            lambda way, since_s: core.links[way.link].health.heard_since(way.next_hop, since_s),
            core.now_s(),
        )

    def _passing_held(self, candidates: list[Candidate]) -> list[Candidate]:
        """Put a way that is up before a first one that may not transmit for a while; doubtful ones stay."""
        soon_s = self._core.now_s() + HELD_S
        held = {way.link for way in candidates if self._core.links[way.link].not_before_s > soon_s}
        if not candidates or candidates[0].link not in held:
            return candidates
        better = [way for way in candidates if way.state is LinkState.UP and way.link not in held]
        return better + [way for way in candidates if way not in better]

    def _all_ways(self, station: Station, avoid: int) -> list[Candidate]:
        key = (station.number, avoid)
        if key not in self._found:
            core = self._core
            self._found[key] = ways(
                station, own=core.own, roster=core.roster, links=self._route_links, avoid=avoid
            )
        return self._found[key]

    # --- sizes and wire forms ----------------------------------------------------------------------------

    def size_octets(self, work: Work, way: Candidate) -> int:
        """Octets of this work alone on that way: a whole frame, or the largest part of a native text."""
        if way.service is Service.TEXT:
            return self.parted(work, way)[1]
        if way.next_hop not in work.sizes:
            work.sizes[way.next_hop] = self.frame_octets(way.next_hop, [work], ack=False)
        return work.sizes[way.next_hop]

    def native_text(self, work: Work, way: Candidate) -> NativeText:
        """What a native device shows next of a copy."""
        parts, _ = self.parted(work, way)
        part = min(work.part, parts - 1) if parts == work.parts else 0
        # Parted anew, its beginning may be on the screen already.
        repeated = work.unknowns > 0 or (parts != work.parts and work.part > 0)
        return NativeText(self._compose(work, part + 1, parts, repeated=repeated), part + 1, parts)

    def parted(self, work: Work, way: Candidate) -> tuple[int, int]:
        """In how many parts a native text goes that way, and octets of the largest, marked as a repeat.

        As few as fit, but not fewer than it was begun in: what is on the screen must go on. When even
        MAX_PARTS do not fit, the octets say so.
        """
        key = (way.limit_octets, way.encoding.value, max(1, work.parts))
        if key not in work.partings:
            found = (0, 0)
            for parts in range(key[2], MAX_PARTS + 1):
                texts = (self._compose(work, part, parts, repeated=True) for part in range(1, parts + 1))
                found = parts, max(native_octets(text, way.encoding) for text in texts)
                if found[1] <= way.limit_octets:
                    break
            work.partings[key] = found
        return work.partings[key]

    def fits(self, work: Work) -> bool:
        """Whether some way, living or not, is large enough for a copy."""
        station = self._core.roster.stations.get(work.station)
        found = self._all_ways(station, work.message.came_from if work.message else 0) if station else []
        return any(self.size_octets(work, way) <= way.limit_octets for way in found)

    def misfit(self, work: Work) -> Misfit | None:
        """Why no way of ours could ever carry a copy to a native device; None when one can, or may yet."""
        core, station = self._core, self._core.roster.stations.get(work.station)
        if station is None or not self.all_open():
            return None
        found = self._all_ways(station, work.message.came_from if work.message else 0)
        known = (LinkState.ABSENT, LinkState.STARTING)
        if any(core.links[way.link].health.view(core.now_s()).state in known for way in found):
            return None
        return self.too_long(work, found)

    def too_long(self, work: Work, found: Sequence[Candidate]) -> Misfit | None:
        """The way that comes nearest to carrying it, when none of these can."""
        misfits: list[Misfit] = []
        for way in found:
            size = self.size_octets(work, way)
            if size <= way.limit_octets:
                return None
            parts = MAX_PARTS if way.service is Service.TEXT else 1
            misfits.append(Misfit(way, parts, size * parts, way.limit_octets * parts))
        return min(misfits, key=lambda misfit: misfit.octets - misfit.limit_octets, default=None)

    def all_open(self) -> bool:
        """Whether every configured link has told what it can carry."""
        opened = {name for name, link in self._core.links.items() if link.bearer is not None}
        return all(link.name in opened for link in self._core.config.links)

    def _compose(self, work: Work, part: int, parts: int, *, repeated: bool) -> str:
        assert work.message is not None  # noqa: S101 - only message copies go as text
        message = work.message
        return compose(
            message.text,
            sender=self._core.roster.sign(message.sender),
            ack_wanted=message.ack_wanted,
            repeated=repeated,
            part=part,
            parts=parts,
        )

    def elements(self, peer: int, works: list[Work]) -> list[air.Element]:
        """The wire forms of several works to one neighbour; copies of one message become one element."""
        built: list[air.Element] = []
        done: set[MessageId] = set()
        for work in works:
            if work.message is None:
                built.append(self._element(work, peer, ()))
                continue
            identity = work.message.id
            if identity in done:
                continue
            done.add(identity)
            others = tuple(w.station for w in works if w.message is not None and w.message.id == identity)
            built.append(self._element(work, peer, others))
        return built

    def frame_octets(self, peer: int, works: list[Work], *, ack: bool) -> int:
        """Size of the frame these would make."""
        elements = self.elements(peer, works)
        if ack:
            elements.insert(0, air.AckElement(0, (1 << 32) - 1))
        own = self._core.own
        return air.elements_size(elements, source=own, destination=peer) + air.frame_overhead(own, peer, FORM)

    def added_octets(self, work: Work, way: Candidate, taken: list[Work]) -> int:
        """What a frame grows by at most: the element, and the lengths that elements before the last carry."""
        overhead = air.frame_overhead(self._core.own, way.next_hop, FORM)
        return self.size_octets(work, way) - overhead + LENGTH_OCTETS * (2 if len(taken) == 1 else 1)

    def _element(self, work: Work, next_hop: int, others: tuple[int, ...]) -> air.Element:
        """The wire form of this work for one hop; `others` are further recipients behind the same hop."""
        now_s = self._core.now_s()
        if work.message is None:
            assert work.element is not None  # noqa: S101 - every work has one or the other
            return work.element(now_s)
        stations = tuple(sorted({work.station, *others}))
        recipients = () if stations == (next_hop,) else stations
        age_s = max(0.0, now_s - work.born_s)
        return wire.message_to_air(work.message, recipients=recipients, age_s=age_s)
