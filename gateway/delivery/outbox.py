"""What waits, what is under way, and which of it a free link should carry next. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from drivers.base import Service
from gateway.core import Core
from gateway.delivery import wire
from gateway.delivery.hops import SAME_FRAME_TRIES, Frame, HopFrames
from gateway.delivery.planner import Planner
from gateway.delivery.work import MAX_RECEIPTS, Work, WorkKey, WorkList
from gateway.domain import Message, Precedence
from gateway.ledger.hops import OwedReceipt
from gateway.links import LinkRunner
from gateway.native import AUTOMATIC
from gateway.routing import Candidate, doubled

HEAD_WORKS = 512
"""Waiting things looked at per decision; what stands behind them waits its turn."""

MAX_ELEMENTS = 24
"""Elements packed into one frame: a frame of acknowledgements and short texts never holds more."""

ACK_DELAY_S = 0.03
"""An acknowledgement waits this long for company on a link without service interval."""

MAX_NATIVE_REPEATS = 2
"""A native text whose outcome is unknown is repeated at most this often (promise P2)."""

BLIND_CHECKS = 2
"""A set that left so many checks unanswered may have them off: one repeat is spent unasked, not the last."""


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


@dataclass(frozen=True, slots=True)
class CheckJob:
    """Ask a station whether it is there before a text of unknown outcome is repeated."""

    way: Candidate
    work: Work


Job = FrameJob | ResendJob | TextJob | CheckJob


class Outbox:
    """Everything one gateway has to send."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.works = WorkList()
        self.frames = HopFrames()
        self.acks: dict[int, AckOwed] = {}
        self.more_receipts: set[int] = set()
        """Gateways to which more receipts are owed than are here."""
        self._unproved: dict[WorkKey, Work] = {}
        self.planner = Planner(core)

    # --- filling -----------------------------------------------------------------------------------------

    def add_message(
        self, message: Message, station: int, *, unknowns: int = 0, age_s: float | None = None
    ) -> Work | None:
        """Add one recipient's copy, `age_s` old (by default as it came); None if it is there or cannot be.

        What finds no room waits in the ledger until the housekeeper finds it some.
        """
        key: WorkKey = ("m", str(message.id), str(station))
        if station == self._core.own or self.works.get(key) is not None:
            return None
        work = Work(
            key=key,
            station=station,
            precedence=message.precedence,
            born_s=self._core.now_s() - (message.age_s if age_s is None else age_s),
            message=message,
            unknowns=unknowns,
        )
        if not self.works.make_room(work):
            return None
        self._core.wake.ring()
        if self._served_here(station) and not message.keep_for_bigger:
            self._unproved[key] = work
        return self.works.add(work)

    def unproved(self) -> list[Work]:
        """Copies for native devices served here of which it is not known that a link could carry them."""
        for key, work in list(self._unproved.items()):
            if self.works.get(key) is not work or self.planner.fits(work):
                del self._unproved[key]
        return list(self._unproved.values())

    def _served_here(self, number: int) -> bool:
        station = self._core.roster.stations.get(number)
        return (
            station is not None and not station.gateway and (not station.via or self._core.own in station.via)
        )

    def add_receipt(self, owed: OwedReceipt) -> None:
        """Add a receipt from the ledger; nothing if it is there or there are many to that gateway."""
        if self.works.get(("r", str(owed.row))) is not None:
            return
        if self.works.count("r", owed.to_station) >= MAX_RECEIPTS:
            self.more_receipts.add(owed.to_station)
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
        self._core.wake.ring()

    def add_control(self, work: Work) -> None:
        """Add a control element; an older one with the same key is replaced."""
        self.works.add(work)
        self._core.wake.ring()

    def owe_ack(self, peer: int, link: LinkRunner) -> None:
        """Owe a neighbour an acknowledgement of what is now on disk."""
        delay_s = 0.0 if link.capabilities.min_interval_s else ACK_DELAY_S
        due_s = self._core.now_s() + delay_s
        known = self.acks.get(peer)
        self.acks[peer] = AckOwed(min(due_s, known.due_s) if known else due_s, link.name)
        self._core.wake.ring()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to send at all."""
        return not (len(self.works) or self.acks or self.frames.any)

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
        self._core.wake.ring()

    def disown_frames(self, peer: int, highest: int) -> None:
        """Pack anew what is under way under counters that stand for other frames at a neighbour."""
        for frame in self.frames.disown(peer, highest):
            self.release(frame)
        self._core.wake.ring()

    def overdue(self, now_s: float) -> list[tuple[Frame, str, float]]:
        """Return (frame, link, sent at) where no acknowledgement came; after some tries it is packed anew."""
        late = self.frames.overdue(now_s)
        for frame, _, _ in late:
            self._again(frame)
        return late

    def failed(self, frame: Frame, link: str) -> None:
        """Take back a frame that a link could not get across."""
        frame.under_way.pop(link, None)
        self._again(frame)

    def _again(self, frame: Frame) -> None:
        if frame.tries >= SAME_FRAME_TRIES and not frame.under_way:
            self._core.probe("outbox.packed_anew")
            self.frames.give_up(frame)
            self.release(frame)

    # --- choosing ----------------------------------------------------------------------------------------

    def next_job(self, link: LinkRunner, now_s: float) -> Job | None:
        """What this free link should carry now: most urgent first, oldest first within a class."""
        if self.idle:
            return None
        for kind, thing in self._entries(link, now_s):
            if kind == "ack":
                way = self._ack_way(thing, link)
                if way is not None:
                    return self._packed(way, [], link, now_s)
            elif isinstance(thing, Frame):
                way = self._resend_way(thing, link)
                if way is not None:
                    return ResendJob(way, thing)
            elif isinstance(thing, Work):
                way = next((w for w in self.planner.ways_of(thing) if w.link == link.name), None)
                if way is None:
                    continue
                if way.service is Service.TEXT:
                    return self._native(way, thing, link)
                if self.frames.window_open(way.next_hop):
                    return self._packed(way, [thing], link, now_s)
        return None

    def _native(self, way: Candidate, work: Work, link: LinkRunner) -> TextJob | CheckJob:
        """Spend a repeat only on a station heard since the try before, where it can be asked."""
        deaf = work.checks >= BLIND_CHECKS and work.unknowns < MAX_NATIVE_REPEATS
        askable = Service.STATUS in link.capabilities.services and not deaf
        if work.unknowns and askable and not link.health.heard_since(work.station, work.last_try_s):
            self._core.probe("outbox.asks_before_repeat")
            return CheckJob(way, work)
        if work.unknowns:
            self._core.probe("outbox.native_repeated")
        return TextJob(way, work)

    def station_heard(self, number: int) -> None:
        """A station is there: what waits to be repeated to it need not wait longer."""
        for work in self.works.of_stations(lambda station: station == number):
            if work.checks and work.not_before_s > self._core.now_s():
                work.checks = 0
                self.works.hold(work, self._core.now_s())
        if not self.idle:
            self._core.wake.ring()

    def _waiting(self, link: LinkRunner, now_s: float) -> Iterator[Work]:
        """What could leave over this link now, in order; dead stations and what cannot fit cost nothing."""
        planner, works = self.planner, self.works
        ready = (
            work
            for work in works.of_stations(
                lambda number: works.any_free(number, now_s) and planner.room(number, link.name) > 0
            )
            if work.free(now_s) and not self.exhausted(work) and not planner.too_large(work, link.name)
        )
        return islice(ready, HEAD_WORKS)

    def _entries(self, link: LinkRunner, now_s: float) -> Iterator[tuple[str, Work | Frame | int]]:
        """SOS, then acknowledgements owed (so that nobody repeats), then the rest in order."""
        entries: list[tuple[tuple[float, float], str, Work | Frame | int]] = [
            ((-frame.precedence - 0.1, frame.serial), "frame", frame)
            for frame in self.frames
            if not frame.handing_over and (not frame.under_way or frame.precedence >= Precedence.IMMEDIATE)
        ]  # what is under way is sent again later; only what is urgent may go over a second link at once
        for peer, owed in self.acks.items():
            if now_s >= owed.due_s:
                entries.append(((-Precedence.SOS + 0.5, owed.due_s), "ack", peer))
        entries += [
            ((-work.precedence, work.born_s), "work", work)
            for work in self._waiting(link, now_s)
            if work.alone_ok
        ]
        entries.sort(key=lambda entry: entry[0])
        return ((kind, thing) for _, kind, thing in entries)

    def exhausted(self, work: Work) -> bool:
        """Whether it was sent as often as it may be; automatic replies are never repeated."""
        automatic = work.message is not None and work.message.text.startswith(AUTOMATIC)
        return work.unknowns > (0 if automatic else MAX_NATIVE_REPEATS)

    def _ack_way(self, peer: Work | Frame | int, link: LinkRunner) -> Candidate | None:
        assert isinstance(peer, int)  # noqa: S101 - by construction of the entries
        found = self.planner.hop_ways(peer, Precedence.IMMEDIATE, ACK_FRAME_OCTETS, self.acks[peer].link)
        return found[0] if found and found[0].link == link.name else None

    def _resend_way(self, frame: Frame, link: LinkRunner) -> Candidate | None:
        found = self.planner.hop_ways(frame.peer, frame.precedence, len(frame.octets), "")
        if not frame.under_way:
            return found[0] if found and found[0].link == link.name else None
        second = doubled(found, frame.precedence)[1:]
        if second and second[0].link == link.name and link.name not in frame.under_way:
            self._core.probe("outbox.second_link")
            return second[0]
        return None

    def _packed(self, way: Candidate, first: list[Work], link: LinkRunner, now_s: float) -> FrameJob:
        """Fill the frame: the acknowledgement owed to this hop, then all that goes the same way and fits."""
        ack = way.next_hop in self.acks
        taken = list(first)
        planner = self.planner
        room = way.limit_octets - planner.frame_octets(way.next_hop, taken, ack=ack)
        misfits = 0
        most = 1 if self._core.hooks.buggify("outbox.full_frame") else MAX_ELEMENTS
        for work in self._waiting(link, now_s):
            if len(taken) >= most or misfits >= MAX_MISFITS:
                break
            if work in taken:
                continue
            if not self.frames.window_open(way.next_hop) and not taken:
                break
            if not any(
                w.link == link.name and w.next_hop == way.next_hop and w.service is Service.DATA
                for w in planner.ways_of(work)
            ):
                continue
            cost = planner.added_octets(work, way, taken)
            fits = cost <= room
            if fits or planner.frame_octets(way.next_hop, [*taken, work], ack=ack) <= way.limit_octets:
                taken.append(work)
                room -= cost
            else:
                misfits += 1
        return FrameJob(way, tuple(taken), ack)


MAX_MISFITS = 8
"""Things that did not fit after which a frame counts as full."""

ACK_FRAME_OCTETS = 24
"""Room an acknowledgement alone needs at most."""
