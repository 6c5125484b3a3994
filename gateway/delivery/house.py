"""Keeping house: what waited before a restart is taken up again, lifetimes end."""

from __future__ import annotations

from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.receiver import MAX_OWED, RELAYED_CHECK_S
from gateway.delivery.states import REPORTED
from gateway.delivery.work import Work
from gateway.domain import Evidence, Message, MessageId, Precedence, RecipientState, Service, Stage
from gateway.ledger import attempts, events, hops, messages
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from protocols import air

LOOK_S = 5.0
"""Lifetimes are looked at this often; the shortest lifetime that makes sense on any bearer is a minute."""

PROBE_LIFE_S = 60.0
"""A question for a sign of life that could not be put by then is put anew later."""

LOAD_BELOW = 250
"""When fewer things wait in memory, more are loaded from the ledger."""


class Housekeeper:
    """Runs beside delivery."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox

    async def load(self) -> None:
        """Take up what was under way: in-flight attempts are now of unknown outcome."""
        while await self._core.ledger.write(attempts.settle_after_restart):
            pass
        await self._load_due()
        for receipt in await self._core.ledger.read(lambda tx: hops.owed(tx, limit=MAX_OWED)):
            self._outbox.add_receipt(receipt)

    async def run(self) -> None:
        """Look after lifetimes and the rest of the queue until cancelled."""
        while True:
            await self._core.clock.sleep(LOOK_S)
            self._probe()
            try:
                await self._expire()
                if len(self._outbox.works) < LOAD_BELOW:
                    await self._load_due()
            except LedgerError as error:
                self._core.log.warning("housekeeping_refused", error=str(error))

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

    async def _load_due(self) -> None:
        def due(tx: Tx) -> list[tuple[Message, int, int, float, bool]]:
            rows: list[tuple[Message, int, int, float, bool]] = []
            for message, station in messages.due(tx):
                age = messages.age_s(tx, message.id)
                unknowns = attempts.unknown_count(tx, message.id, station)
                kept = _network_keeps(tx, message, station)
                rows.append((message, station, unknowns, age.seconds if age else message.age_s, kept))
            return rows

        for message, station, unknowns, age_s, kept in await self._core.ledger.read(due):
            self._take_up(message, station, unknowns, age_s, kept=kept)

    def _take_up(self, message: Message, station: int, unknowns: int, age_s: float, *, kept: bool) -> None:
        work = self._outbox.add_message(message, station, unknowns=unknowns, age_s=age_s)
        if work is None:
            return
        work.last_try_s = now_s = self._core.now_s()
        state = next(r.state for r in message.recipients if r.station == station)
        if state is RecipientState.RELAYED:
            work.relayed = True
            self._outbox.works.hold(work, now_s + RELAYED_CHECK_S)
        elif kept:
            self._outbox.works.hold(work, now_s + NETWORK_HAS_IT_S)

    async def _expire(self) -> None:
        def expire(tx: Tx) -> list[tuple[MessageId, int]]:
            wait_s = messages.next_expiry_s(tx)
            if wait_s is None or wait_s > 0:
                return []
            ended = messages.expire(tx)
            for identity, station in ended:
                _tell_expired(tx, identity, station)
            return ended

        if (wait_s := await self._core.ledger.read(messages.next_expiry_s)) is None or wait_s > 0:
            return
        for identity, station in await self._core.ledger.write(expire):
            self._outbox.settle(("m", str(identity), str(station)))
        for receipt in await self._core.ledger.read(lambda tx: hops.owed(tx, limit=MAX_OWED)):
            self._outbox.add_receipt(receipt)


NETWORK_HAS_IT_S = 1e12
"""The network delivers on its own: nothing is repeated in the lifetime of any message."""


def _network_keeps(tx: Tx, message: Message, station: int) -> bool:
    """Whether a network has this copy as a native text, and will deliver it or say that it could not.

    A sealed frame that a network took may be lost behind it: only our own acknowledgement ends its repeats.
    """
    state = next(r.state for r in message.recipients if r.station == station)
    if state is not RecipientState.AT_NETWORK:
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
