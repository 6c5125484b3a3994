"""Keeping house: what waited before a restart is taken up again, lifetimes end."""

from __future__ import annotations

from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.receiver import MAX_OWED, RELAYED_CHECK_S
from gateway.delivery.states import REPORTED
from gateway.domain import Evidence, Message, MessageId, RecipientState
from gateway.ledger import attempts, events, hops, messages
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx

LOOK_S = 5.0
"""Lifetimes are looked at this often; the shortest lifetime that makes sense on any bearer is a minute."""

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
            try:
                await self._expire()
                if len(self._outbox.works) < LOAD_BELOW:
                    await self._load_due()
            except LedgerError as error:
                self._core.log.warning("housekeeping_refused", error=str(error))

    async def _load_due(self) -> None:
        def due(tx: Tx) -> list[tuple[Message, int, int, float]]:
            rows: list[tuple[Message, int, int, float]] = []
            for message, station in messages.due(tx):
                age = messages.age_s(tx, message.id)
                unknowns = attempts.unknown_count(tx, message.id, station)
                rows.append((message, station, unknowns, age.seconds if age else message.age_s))
            return rows

        for message, station, unknowns, age_s in await self._core.ledger.read(due):
            self._take_up(message, station, unknowns, age_s)

    def _take_up(self, message: Message, station: int, unknowns: int, age_s: float) -> None:
        key = ("m", str(message.id), str(station))
        if self._outbox.works.get(key) is not None:
            return
        self._outbox.add_message(message, station, unknowns=unknowns)
        work = self._outbox.works.get(key)
        if work is None:
            return
        now_s = self._core.now_s()
        work.born_s = now_s - age_s
        state = next(r.state for r in message.recipients if r.station == station)
        if state is RecipientState.RELAYED:
            work.relayed, work.not_before_s = True, now_s + RELAYED_CHECK_S
        elif state is RecipientState.AT_NETWORK:
            work.not_before_s = now_s + NETWORK_HAS_IT_S

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
