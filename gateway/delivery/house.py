"""Keeping house: what waited before a restart is taken up again, lifetimes end."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from drivers.waiting import Bell
from gateway.core import Core
from gateway.delivery import far_ends
from gateway.delivery.outbox import Outbox
from gateway.delivery.receiver import RELAYED_CHECK_S
from gateway.delivery.states import REPORTED, move
from gateway.delivery.work import LEAST_COPIES, MAX_COPIES, MAX_RECEIPTS, MAX_WORKS, Work, WorkKey
from gateway.domain import Evidence, Message, MessageId, Precedence, RecipientState, Service, Stage
from gateway.ledger import attempts, events, hops, messages
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from protocols import air

LOOK_S = 5.0
"""Lifetimes are looked at this often; the shortest lifetime that makes sense on any bearer is a minute."""

PROBE_LIFE_S = 60.0
"""A question for a sign of life that could not be put by then is put anew later."""

LOAD_COPIES = 256
"""Copies read from the ledger at once: some 20 ms on a small box, so that nobody waits behind it."""

RECEIPTS_EVERY_S = 60.0
"""Receipts whose time is over are looked for this often."""

REST_MAX_S = 60.0
"""Longest rest with nothing to send: whatever comes is written, and a commit ends it."""


class Housekeeper:
    """Runs beside delivery."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._settled = False
        self._bell = Bell()
        self._receipts_s = 0.0
        """When receipts are looked for next; inf while none is owed."""
        self._seen: tuple[int, int] | None = None
        """How far ledger and memory were when the ledger was last looked through."""
        self._expiry_s = 0.0
        """When the next lifetime ends, as it was then."""

    async def load(self) -> None:
        """Take up what was under way: in-flight attempts are now of unknown outcome."""
        await self._settle()
        if self._settled:
            counts = await self._core.ledger.read(messages.waiting_counts)
            await self._load_due(counts, first_only=True)
        for station, told in (await self._core.ledger.read(far_ends.read)).items():
            self._outbox.planner.far_ends.note(station, told, self._core.now_s())

    async def run(self) -> None:
        """Take up the rest, then look after lifetimes and what found no room, until cancelled."""
        self._core.ledger.on_change = self._bell.ring
        while True:
            try:
                await self._settle()
                await self._look_through()
                await self._refuse_misfits()
                if self._core.now_s() >= self._receipts_s:
                    await self._end_receipts()
                    self._receipts_s = self._core.now_s() + RECEIPTS_EVERY_S
            except LedgerError as error:
                self._core.log.warning("housekeeping_refused", error=str(error))
            rest_s = self._rest_s()
            if rest_s > 0:
                await self._bell.wait(rest_s)
            await self._core.clock.sleep(LOOK_S)
            self._probe()

    def _rest_s(self) -> float:
        """How long nothing will have to be looked at, short of a look, unless something is written."""
        core, outbox = self._core, self._outbox
        if not outbox.idle or self._seen != (core.ledger.changes, outbox.works.removed):
            return 0.0
        now_s = core.now_s()
        times = [self._expiry_s, self._receipts_s, now_s + REST_MAX_S]
        times += [link.health.next_probe_s() for link in core.links.values()]
        return min(times) - now_s - LOOK_S

    async def _look_through(self) -> None:
        """Look through the ledger, unless nothing was written, no room made and no lifetime ended since."""
        core = self._core
        now = (core.ledger.changes, self._outbox.works.removed)
        if now == self._seen and core.now_s() < self._expiry_s:
            return
        waiting, owed, expiry_s = await core.ledger.read(
            lambda tx: (messages.waiting_counts(tx), hops.owed_counts(tx), messages.next_expiry_s(tx))
        )
        if self._settled:
            await self._load_due(waiting)
        await self._load_owed(owed)
        if not owed:
            self._receipts_s = inf
        elif self._receipts_s == inf:
            self._receipts_s = core.now_s() + RECEIPTS_EVERY_S
        await self._expire(expiry_s)
        self._seen = now if self._settled else None

    async def _settle(self) -> None:
        """Note once that nobody knows what became of attempts before the restart; until then none is made.

        A box that finds its disk full at power-on must still start.
        """
        try:
            while not self._settled:
                self._settled = not await self._core.ledger.write(attempts.settle_after_restart, urgent=True)
        except LedgerError as error:
            self._core.log.warning("attempts_not_settled", error=str(error))
            self._core.probe("house.started_on_full_disk")

    def _probe(self) -> None:
        """Ask for a sign of life on silent paths where that is free; traffic has left them."""
        core = self._core
        now_s = core.now_s()
        for link in core.links.values():
            if link.quiet or not link.free_of_charge or Service.DATA not in link.capabilities.services:
                continue
            for peer in link.health.probes_due(now_s):
                nonce = core.random.getrandbits(32)
                self._outbox.add_control(
                    Work(
                        key=("c", "probe", link.name, str(peer)),
                        station=peer,
                        precedence=Precedence.DEFERRED,
                        born_s=now_s,
                        element=lambda _now_s, nonce=nonce: air.EchoRequest(nonce),  # type: ignore[misc]
                        elicits_ack=False,
                        expires_s=now_s + PROBE_LIFE_S,
                        only_link=link.name,
                    )
                )

    async def _load_due(self, counts: dict[int, int], *, first_only: bool = False) -> None:
        """Bring into memory what of so many copies by station waits in the ledger and finds room there."""
        ledger, works = self._core.ledger, self._outbox.works
        wanted = {station for station, count in counts.items() if self._wanted(station, count)}
        if not wanted:
            return
        with works.removals() as gone:
            named = await ledger.read(
                lambda tx: messages.due(tx, least=LEAST_COPIES, most=MAX_COPIES, limit=MAX_WORKS)
            )
            missing = [c for c in named if c.station in wanted and works.get(_key(c.id, c.station)) is None]
            for start in range(0, LOAD_COPIES if first_only else len(missing), LOAD_COPIES):
                part = missing[start : start + LOAD_COPIES]
                for copy in await ledger.read(lambda tx, part=part: _load(tx, part)):  # type: ignore[misc]
                    if _key(copy.message.id, copy.station) not in gone:
                        self._take_up(copy)

    def _wanted(self, station: int, count: int) -> bool:
        """Whether copies of a station wait in the ledger alone, and it is worth while to load them."""
        works = self._outbox.works
        here, most = works.count("m", station), works.most_copies()
        return station != self._core.own and here < min(count, most) and (count <= most or 2 * here <= most)

    async def _load_owed(self, counts: dict[int, int]) -> None:
        """Bring into memory what is owed to gateways that have few receipts there."""
        ledger, works = self._core.ledger, self._outbox.works
        for station, count in counts.items():
            here = works.count("r", station)
            if here >= min(count, MAX_RECEIPTS) or (count > MAX_RECEIPTS and 2 * here > MAX_RECEIPTS):
                continue
            with works.removals() as gone:
                found = await ledger.read(lambda tx, to=station: hops.owed(tx, to, MAX_RECEIPTS))  # type: ignore[misc]
                for receipt in found:
                    if ("r", str(receipt.row)) not in gone:
                        self._outbox.add_receipt(receipt)

    async def _end_receipts(self) -> None:
        """Give up receipts that interest nobody any more."""
        for row in await self._core.ledger.write(hops.end_owed, urgent=True):
            self._outbox.settle(("r", str(row)))

    def _take_up(self, copy: _Loaded) -> None:
        work = self._outbox.add_message(copy.message, copy.station, unknowns=copy.unknowns, age_s=copy.age_s)
        if work is None:
            return
        self._core.probe("house.taken_up")
        work.last_try_s = now_s = self._core.now_s()
        work.parts, work.part = copy.parts.parts, copy.parts.first
        if _state(copy.message, copy.station) is RecipientState.RELAYED:
            work.relayed = True
            self._outbox.works.hold(work, now_s + RELAYED_CHECK_S)
        elif copy.network_keeps:
            self._outbox.works.hold(work, now_s + NETWORK_HAS_IT_S)

    async def _refuse_misfits(self) -> None:
        """End copies for native devices that no link here could ever carry, and tell their origin why."""
        self._outbox.planner.begin()
        for work in self._outbox.unproved():
            misfit = self._outbox.planner.misfit(work)
            if misfit is None or work.message is None:
                continue
            self._core.probe("house.misfit_refused")
            detail = f"needs {misfit.octets} octets, limit {misfit.limit_octets}"
            await self._refuse(work.message.id, work.station, detail)

    async def _refuse(self, identity: MessageId, station: int, detail: str) -> None:
        def refuse(tx: Tx) -> list[hops.OwedReceipt]:
            newest = hops.newest_owed(tx)
            move(tx, identity, station, RecipientState.REFUSED, Evidence.PROTOCOL, detail=detail)
            return hops.owed(tx, above=newest)

        for receipt in await self._core.ledger.write(refuse, urgent=True):
            self._outbox.add_receipt(receipt)
        self._outbox.settle(_key(identity, station))

    async def _expire(self, wait_s: float | None) -> None:
        """End lifetimes, the next of which does so in `wait_s`."""

        def expire(tx: Tx) -> tuple[list[tuple[MessageId, int]], list[hops.OwedReceipt]]:
            newest = hops.newest_owed(tx)
            ended = messages.expire(tx)
            for identity, station in ended:
                _tell_expired(tx, identity, station)
            return ended, hops.owed(tx, above=newest)

        while wait_s is not None and wait_s <= 0:
            ended, owed = await self._core.ledger.write(expire, urgent=True)
            if not ended:
                break
            self._core.probe("house.expired")
            for identity, station in ended:
                self._outbox.settle(_key(identity, station))
            for receipt in owed:
                self._outbox.add_receipt(receipt)
            wait_s = await self._core.ledger.read(messages.next_expiry_s)
        self._expiry_s = inf if wait_s is None else self._core.now_s() + wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    message: Message
    station: int
    unknowns: int
    parts: attempts.PartsDone
    age_s: float
    network_keeps: bool


def _load(tx: Tx, copies: list[messages.Copy]) -> list[_Loaded]:
    loaded: list[_Loaded] = []
    for message, station in messages.load(tx, copies):
        age = messages.age_s(tx, message.id)
        done = attempts.parts_done(tx, message.id, station)
        loaded.append(
            _Loaded(
                message=message,
                station=station,
                unknowns=attempts.unknown_count(
                    tx, message.id, station, part=done.first + 1, parts=max(1, done.parts)
                ),
                parts=done,
                age_s=age.seconds if age else message.age_s,
                network_keeps=_network_keeps(tx, message, station),
            )
        )
    return loaded


def _key(identity: MessageId, station: int) -> WorkKey:
    return ("m", str(identity), str(station))


def _state(message: Message, station: int) -> RecipientState:
    return next(r.state for r in message.recipients if r.station == station)


NETWORK_HAS_IT_S = 1e12
"""The network delivers on its own: nothing is repeated in the lifetime of any message."""


def _network_keeps(tx: Tx, message: Message, station: int) -> bool:
    """Whether a network has this copy as a native text, and will deliver it or say that it could not.

    A sealed frame that a network took may be lost behind it: only our own acknowledgement ends its repeats.
    """
    done = attempts.parts_done(tx, message.id, station)
    if done.parts > 1:
        return done.first == done.parts
    if _state(message, station) is not RecipientState.AT_NETWORK:
        return False
    tries = attempts.of_message(tx, message.id, station)
    return any(one.stage is Stage.AT_NETWORK and one.next_hop == 0 for one in tries)


def _tell_expired(tx: Tx, identity: MessageId, station: int) -> None:
    state, evidence = RecipientState.EXPIRED, Evidence.PROTOCOL
    events.append(
        tx,
        "message.state",
        {"id": str(identity), "station": station, "state": state.value, "evidence": evidence.value, "by": ""},
    )
    message = messages.get(tx, identity)
    if message is not None and message.came_from and state in REPORTED:
        hops.owe_receipt(tx, message.came_from, identity, station, state, evidence=evidence)
