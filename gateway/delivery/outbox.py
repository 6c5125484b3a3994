"""What waits, what is under way, and which of it a free link should carry next. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from drivers.base import Service
from gateway.core import Core
from gateway.delivery import wire
from gateway.delivery.hops import SAME_FRAME_TRIES, Frame, HopFrames
from gateway.delivery.work import Work, WorkKey, WorkList
from gateway.domain import Bearer, Message, MessageId, Precedence
from gateway.ledger.hops import OwedReceipt
from gateway.links import LinkRunner
from gateway.native import AUTOMATIC, compose
from gateway.roster import Station
from gateway.routing import Candidate, Plan, RouteLink, doubled, native_octets, plan, ways
from protocols import air

HEAD_WORKS = 512
"""Waiting things looked at per decision; what stands behind them waits its turn."""

MAX_ELEMENTS = 24
"""Elements packed into one frame: a frame of acknowledgements and short texts never holds more."""

HELD_S = 2.0
"""IMMEDIATE and above pass over a link that may not transmit for longer than this if another can."""

ACK_DELAY_S = 0.03
"""An acknowledgement waits this long for company on a link without service interval."""

MAX_NATIVE_REPEATS = 2
"""A native text whose outcome is unknown is repeated at most this often (promise P2)."""


@dataclass(slots=True)
class AckOwed:
    """An acknowledgement owed to a neighbour since `due_s`; go back over `link` if that is usable."""

    due_s: float
    link: str


@dataclass(frozen=True, slots=True)
class FrameJob:
    """Pack a frame to a neighbour: the first work decides, others ride along; `ack` rides or stands alone."""

    way: Candidate
    works: tuple[Work, ...]
    ack: bool


@dataclass(frozen=True, slots=True)
class ResendJob:
    """Send a frame again (or on a second link), octet for octet."""

    way: Candidate
    frame: Frame


@dataclass(frozen=True, slots=True)
class TextJob:
    """Send a native text."""

    way: Candidate
    work: Work


Job = FrameJob | ResendJob | TextJob


class Outbox:
    """Everything one gateway has to send."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.works = WorkList()
        self.frames = HopFrames()
        self.acks: dict[int, AckOwed] = {}
        self._route_links: list[RouteLink] = []
        self._found: dict[tuple[int, int], list[Candidate]] = {}
        self._plans: dict[WorkKey, tuple[Candidate, ...]] = {}

    def begin(self) -> None:
        """Look at the links afresh; decisions until the next call share what is seen now."""
        self._route_links = self._core.route_links()
        self._found.clear()
        self._plans.clear()

    # --- filling -----------------------------------------------------------------------------------------

    def add_message(self, message: Message, station: int, *, unknowns: int = 0) -> None:
        """Add one recipient's copy; nothing if it is there."""
        key: WorkKey = ("m", str(message.id), str(station))
        if station == self._core.own or self.works.get(key) is not None or self.works.full:
            return
        self.works.add(
            Work(
                key=key,
                station=station,
                precedence=message.precedence,
                born_s=self._core.now_s() - message.age_s,
                message=message,
                unknowns=unknowns,
            )
        )
        self._core.wake.set()

    def add_receipt(self, owed: OwedReceipt) -> None:
        """Add a receipt that stands in the ledger; nothing if it is there."""
        if self.works.get(("r", str(owed.row))) is not None:
            return
        element = wire.receipt_to_air(owed)
        self.works.add(
            Work(
                key=("r", str(owed.row)),
                station=owed.to_station,
                precedence=Precedence.IMMEDIATE,
                born_s=self._core.now_s(),
                element=lambda _now_s: element,
                receipt_row=owed.row,
            )
        )
        self._core.wake.set()

    def add_control(self, work: Work) -> None:
        """Add a control element; an older one with the same key is replaced."""
        self.works.add(work)
        self._core.wake.set()

    def owe_ack(self, peer: int, link: LinkRunner) -> None:
        """Owe a neighbour an acknowledgement of what is now on disk."""
        delay_s = 0.0 if link.capabilities.min_interval_s else ACK_DELAY_S
        due_s = self._core.now_s() + delay_s
        known = self.acks.get(peer)
        self.acks[peer] = AckOwed(min(due_s, known.due_s) if known else due_s, link.name)
        self._core.wake.set()

    # --- emptying ----------------------------------------------------------------------------------------

    def settle(self, key: WorkKey) -> Work | None:
        """Take a thing out; frames that now carry nothing wanted are forgotten."""
        work = self.works.remove(key)
        for frame in self.frames:
            if key in frame.works and not any(self.works.get(k) for k in frame.works):
                self.frames.drop(frame)
        return work

    def release(self, frame: Frame) -> None:
        """Free what a frame carried, to be packed anew."""
        for key in frame.works:
            work = self.works.get(key)
            if work is not None:
                work.frames.discard(frame.serial)

    def give_up_frames(self, peer: int) -> None:
        """Pack anew what is under way to a neighbour: it will not take these frames."""
        for frame in self.frames:
            if frame.peer == peer:
                self.frames.give_up(frame)
                self.release(frame)
        self._core.wake.set()

    def overdue(self, now_s: float) -> list[Frame]:
        """Return frames whose acknowledgement did not come; after some tries they are packed anew."""
        late = self.frames.overdue(now_s)
        for frame in late:
            if frame.tries >= SAME_FRAME_TRIES:
                self.frames.give_up(frame)
                self.release(frame)
        return late

    # --- choosing ----------------------------------------------------------------------------------------

    def plan_for(self, work: Work) -> Plan:
        """Every usable way for this work in order, and why not the others."""
        core = self._core
        station = core.roster.stations.get(work.station)
        if station is None:
            return Plan((), (f"station {work.station} is not in the roster",))
        avoid = work.message.came_from if work.message else 0
        order = core.config.order_by_precedence[work.precedence]
        chosen = plan(self._all_ways(station, avoid), order, lambda way: self.size_octets(work, way))
        candidates = list(chosen.candidates)
        if work.cheap_only:
            candidates = [way for way in candidates if core.links[way.link].free_of_charge]
        if work.prefer_link:
            candidates.sort(key=lambda way: way.link != work.prefer_link)
        if work.precedence >= Precedence.IMMEDIATE:
            now_s = core.now_s()
            candidates.sort(key=lambda way: core.links[way.link].not_before_s > now_s + HELD_S)
        return Plan(tuple(candidates), chosen.why)

    def _all_ways(self, station: Station, avoid: int) -> list[Candidate]:
        key = (station.number, avoid)
        if key not in self._found:
            core = self._core
            self._found[key] = ways(
                station, own=core.own, roster=core.roster, links=self._route_links, avoid=avoid
            )
        return self._found[key]

    def size_octets(self, work: Work, way: Candidate) -> int:
        """Octets of this work alone on that way: a whole frame, or a native text."""
        if way.service is Service.TEXT:
            return native_octets(self.native_text(work), way.encoding)
        if way.next_hop not in work.sizes:
            work.sizes[way.next_hop] = self.frame_octets(way.next_hop, [work], ack=False)
        return work.sizes[way.next_hop]

    def element(self, work: Work, next_hop: int, others: tuple[int, ...]) -> air.Element:
        """The wire form of this work for one hop; `others` are further recipients behind the same hop."""
        now_s = self._core.now_s()
        if work.message is None:
            assert work.element is not None  # noqa: S101 - every work has one or the other
            return work.element(now_s)
        stations = tuple(sorted({work.station, *others}))
        recipients = () if stations == (next_hop,) else stations
        age_s = max(0.0, now_s - work.born_s)
        return wire.message_to_air(work.message, recipients=recipients, age_s=age_s)

    def native_text(self, work: Work) -> str:
        """What a native device shows."""
        assert work.message is not None  # noqa: S101 - only message copies go as text
        message = work.message
        return compose(
            message.text,
            sender=self._core.roster.sign(message.sender),
            ack_wanted=message.ack_wanted,
            repeated=work.unknowns > 0,
        )

    def next_job(self, link: LinkRunner, now_s: float) -> Job | None:
        """What this free link should carry now: most urgent first, oldest first within a class."""
        for kind, thing in self._entries(now_s):
            if kind == "ack":
                way = self._ack_way(thing, link)
                if way is not None:
                    return self._packed(way, [], link, now_s)
            elif isinstance(thing, Frame):
                way = self._resend_way(thing, link)
                if way is not None:
                    return ResendJob(way, thing)
            elif isinstance(thing, Work):
                way = next((w for w in self._ways(thing) if w.link == link.name), None)
                if way is None:
                    continue
                if way.service is Service.TEXT:
                    return TextJob(way, thing)
                if self.frames.window_open(way.next_hop):
                    return self._packed(way, [thing], link, now_s)
        return None

    def _entries(self, now_s: float) -> Iterator[tuple[str, Work | Frame | int]]:
        """SOS, then acknowledgements owed (so that nobody repeats), then the rest in order."""
        entries: list[tuple[tuple[float, float], str, Work | Frame | int]] = [
            ((-frame.precedence - 0.1, frame.serial), "frame", frame)
            for frame in self.frames
            if not frame.handing_over
        ]
        for peer, owed in self.acks.items():
            if now_s >= owed.due_s:
                entries.append(((-Precedence.SOS + 0.5, owed.due_s), "ack", peer))
        entries += [
            ((-work.precedence, work.born_s), "work", work)
            for work in islice(self.works, HEAD_WORKS)
            if work.alone_ok and work.free(now_s) and not self._exhausted(work)
        ]
        entries.sort(key=lambda entry: entry[0])
        return ((kind, thing) for _, kind, thing in entries)

    def _exhausted(self, work: Work) -> bool:
        """Whether it was sent as often as it may be; automatic replies are never repeated."""
        automatic = work.message is not None and work.message.text.startswith(AUTOMATIC)
        return work.unknowns > (0 if automatic else MAX_NATIVE_REPEATS)

    def _ways(self, work: Work) -> tuple[Candidate, ...]:
        if work.key not in self._plans:
            self._plans[work.key] = doubled(self.plan_for(work).candidates, work.precedence)
        chosen = self._plans[work.key]
        # A native device knows no identities: never two bearers at once there.
        return chosen[:1] if chosen and chosen[0].service is Service.TEXT else chosen

    def _hop_ways(self, peer: int, precedence: Precedence, size: int, prefer: str) -> tuple[Candidate, ...]:
        core = self._core
        station = core.roster.stations.get(peer)
        if station is None:
            return ()
        found = self._all_ways(station, 0)
        order = core.config.order_by_precedence[precedence]
        every = (*order, *(bearer for bearer in Bearer if bearer not in order))
        chosen = plan(found, every, lambda _way: size).candidates
        return tuple(sorted(chosen, key=lambda way: way.link != prefer))

    def _ack_way(self, peer: Work | Frame | int, link: LinkRunner) -> Candidate | None:
        assert isinstance(peer, int)  # noqa: S101 - by construction of the entries
        found = self._hop_ways(peer, Precedence.IMMEDIATE, ACK_FRAME_OCTETS, self.acks[peer].link)
        return found[0] if found and found[0].link == link.name else None

    def _resend_way(self, frame: Frame, link: LinkRunner) -> Candidate | None:
        found = self._hop_ways(frame.peer, frame.precedence, len(frame.octets), "")
        if frame.deadline_s is None:
            return found[0] if found and found[0].link == link.name else None
        second = doubled(found, frame.precedence)[1:]
        if second and second[0].link == link.name and link.name not in frame.links:
            return second[0]
        return None

    def _packed(self, way: Candidate, first: list[Work], link: LinkRunner, now_s: float) -> FrameJob:
        """Fill the frame: the acknowledgement owed to this hop, then all that goes the same way and fits."""
        ack = way.next_hop in self.acks
        taken = list(first)
        room = way.limit_octets - self.frame_octets(way.next_hop, taken, ack=ack)
        misfits = 0
        for work in islice(self.works, HEAD_WORKS):
            if len(taken) >= MAX_ELEMENTS or misfits >= MAX_MISFITS:
                break
            if work in taken or not work.free(now_s) or self._exhausted(work):
                continue
            if not self.frames.window_open(way.next_hop) and not taken:
                break
            if not any(
                w.link == link.name and w.next_hop == way.next_hop and w.service is Service.DATA
                for w in self._ways(work)
            ):
                continue
            cost = self._added_octets(work, way, taken)
            if cost <= room or self.frame_octets(way.next_hop, [*taken, work], ack=ack) <= way.limit_octets:
                taken.append(work)
                room -= cost
            else:
                misfits += 1
        return FrameJob(way, tuple(taken), ack)

    def _added_octets(self, work: Work, way: Candidate, taken: list[Work]) -> int:
        """What a frame grows by at most: the element, and the lengths that elements before the last carry."""
        own = self._core.own
        overhead = air.frame_overhead(own, way.next_hop, FORM)
        return self.size_octets(work, way) - overhead + LENGTH_OCTETS * (2 if len(taken) == 1 else 1)

    def elements(self, peer: int, works: list[Work]) -> list[air.Element]:
        """The wire forms of several works to one neighbour; copies of one message become one element."""
        built: list[air.Element] = []
        done: set[MessageId] = set()
        for work in works:
            if work.message is None:
                built.append(self.element(work, peer, ()))
                continue
            identity = work.message.id
            if identity in done:
                continue
            done.add(identity)
            others = tuple(w.station for w in works if w.message is not None and w.message.id == identity)
            built.append(self.element(work, peer, others))
        return built

    def frame_octets(self, peer: int, works: list[Work], *, ack: bool) -> int:
        """Size of the frame these would make."""
        elements = self.elements(peer, works)
        if ack:
            elements.insert(0, air.AckElement(0, (1 << 32) - 1))
        own = self._core.own
        return air.elements_size(elements, source=own, destination=peer) + air.frame_overhead(own, peer, FORM)


FORM = air.HeaderForm(bearer_tells_destination=True)
"""Every frame goes to one neighbour's own address, so the header need not say whose it is."""

LENGTH_OCTETS = 2
"""Length of an element that is not the last of its frame, at most."""

MAX_MISFITS = 8
"""Things that did not fit after which a frame counts as full."""

ACK_FRAME_OCTETS = 24
"""Room an acknowledgement alone needs at most."""
