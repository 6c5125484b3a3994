"""Frames coming in: authenticate, absorb repeats, one transaction, then acknowledge."""

from __future__ import annotations

import asyncio
from collections import deque

from drivers.base import Received
from gateway.core import Core
from gateway.delivery.freshness import Freshness
from gateway.delivery.incoming import After, Incoming, ReusedIdentityError, raise_alarm
from gateway.delivery.outbox import Outbox
from gateway.delivery.states import move
from gateway.delivery.streams import Streams, stream_key
from gateway.delivery.work import MAX_RECEIPTS, WorkKey
from gateway.domain import (
    Alarm,
    AlarmKind,
    Evidence,
    MessageId,
    Precedence,
    Presence,
    RecipientState,
)
from gateway.ledger import hops, presence
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from protocols import air

REFUSED_ALARM = 20
"""Frames refused as forged since the last alarm that raise one: more than line noise makes in a day."""


class Receiver:
    """Takes frames from links."""

    def __init__(
        self, core: Core, outbox: Outbox, streams: Streams, freshness: Freshness, incoming: Incoming
    ) -> None:
        self._core = core
        self._outbox = outbox
        self._streams = streams
        self._fresh = freshness
        self._incoming = incoming
        self._locks: dict[int, asyncio.Lock] = {}
        self._forged = 0
        self._unproven: dict[int, deque[tuple[LinkRunner, Received]]] = {}
        freshness.on_proven = self._proven

    async def frame(self, link: LinkRunner, event: Received) -> None:
        """Take one frame. Frames of one neighbour are handled one after the other."""
        header = air.parse_header(event.payload)
        known = self._core.roster.at_address(link.capabilities.bearer, event.source)
        bearer_source = known.number if known is not None and known.gateway else None
        source = None if isinstance(header, air.Garbage) else header.source or bearer_source
        ours = source in self._core.keys.pairs and source in self._core.roster.stations
        lock = self._locks.setdefault(source or 0, asyncio.Lock()) if ours else None
        if lock is None:
            await self._refused(link, air.Refused(air.RefusedReason.UNKNOWN_SOURCE))
            return
        if self._core.hooks.buggify("receiver.reordered"):
            await self._core.clock.sleep(NASTY_S * self._core.random.random())
        async with lock:
            result = air.open_frame(
                self._core.keys,
                event.payload,
                self._streams.windows,
                self._streams.search,
                bearer_source=bearer_source,
                now_s=self._core.now_s(),
            )
            await self._judge(link, event, result)

    async def _judge(self, link: LinkRunner, event: Received, result: air.OpenResult) -> None:
        match result:
            case air.Opened():
                await self._opened(link, event, result)
            case air.Repeat(stream=stream):
                self._core.count("frames_repeat_absorbed")
                self._core.probe("receiver.repeat_absorbed")
                link.health.heard(stream.source, self._core.now_s())
                if stream.destination == self._core.own:
                    self._outbox.owe_ack(stream.source, link)
            case air.ReusedCounter(stream=stream, counter=counter, highest=highest):
                self._streams.contest(stream)
                await self._reused(stream.source, counter, highest, link)
            case air.Behind(stream=stream, highest=highest):
                self._core.count("frames_behind")
                self._core.probe("receiver.sender_behind")
                self._fresh.tell_behind(stream.source, highest, link.name)
            case air.Refused():
                await self._refused(link, result)

    async def _opened(self, link: LinkRunner, event: Received, opened: air.Opened) -> None:
        core, peer = self._core, opened.stream.source
        now_s = core.now_s()
        link.health.heard(peer, now_s)
        if not opened.fresh:
            self._fresh.ask(peer, link.name)
            if any(map(air.needs_fresh_peer, opened.elements)):
                # Not taken and not acknowledged. It is judged again when the echo comes, or repeated if the
                # power goes: on a bearer with a service interval a repeat alone would cost minutes.
                core.count("frames_waiting_for_echo")
                core.probe("receiver.waits_for_echo")
                self._unproven.setdefault(peer, deque(maxlen=MAX_UNPROVEN)).append((link, event))
                return
        acked = self._acknowledged(peer, opened.elements)
        refill = peer in self._outbox.more_receipts and 2 * self._outbox.works.count("r", peer) < MAX_RECEIPTS
        after: list[After] = []

        def take(tx: Tx) -> list[hops.OwedReceipt]:
            after.clear()  # on a full disk it runs twice
            newest = hops.newest_owed(tx)
            hops.save_window(tx, stream_key(opened.stream), opened.window.to_bytes())
            self._note_heard(tx, link, event, peer)
            self._settle_acked(tx, peer, acked)
            for element in opened.elements:
                self._incoming.element(tx, link, opened, element, after)
            more = hops.owed(tx, peer, MAX_RECEIPTS) if refill else []
            return [*more, *hops.owed(tx, above=newest)]

        try:
            owed = await core.ledger.write(take, urgent=_is_urgent(opened.elements))
        except ReusedIdentityError as error:
            await self._reused_identity(peer, error.identity, link)
            return  # no acknowledgement: it would say that the other message is here
        except LedgerError as error:
            core.count("frames_not_stored")
            core.probe("receiver.not_stored")
            core.log.warning("frame_not_stored", link=link.name, peer=peer, error=str(error))
            return  # no acknowledgement: the neighbour keeps custody
        self._streams.windows[opened.stream] = opened.window
        core.learnt.setdefault(link.name, {})[peer] = event.source
        self._incoming.upper.heard(peer)
        if air.elicits_ack(opened.elements) and opened.under_pair_key:
            self._outbox.owe_ack(peer, link)
        self._outbox.frames.forget(peer, acked)
        for keys in acked.values():
            for key in keys:
                self._after_ack(key, peer)
        if refill:
            self._outbox.more_receipts.discard(peer)
        for receipt in owed:
            self._outbox.add_receipt(receipt)
        for action in after:
            action()
        core.wake.ring()

    async def _proven(self, peer: int) -> None:
        """Judge again what waited for the proof that this neighbour speaks now."""
        for link, event in self._unproven.pop(peer, ()):
            await self.frame(link, event)

    def _note_heard(self, tx: Tx, link: LinkRunner, event: Received, peer: int) -> None:
        hops.learn_address(tx, peer, link.name, event.source)
        presence.heard(
            tx,
            Presence(
                station=peer,
                link=link.name,
                bearer=link.capabilities.bearer,
                address=event.source,
                how="frame",
                online=True,
                heard_unix_ms=tx.now_unix_ms,
                via=self._core.own,
            ),
        )

    # --- acknowledgements --------------------------------------------------------------------------------

    def _acknowledged(self, peer: int, elements: tuple[air.Element, ...]) -> dict[int, tuple[WorkKey, ...]]:
        """What is acknowledged, by counter; the frames stay under way until that is on disk."""
        acked: dict[int, tuple[WorkKey, ...]] = {}
        for element in elements:
            if isinstance(element, air.AckElement):
                acked |= self._outbox.frames.acknowledged(peer, element, self._streams.sent_up_to(peer))
        return acked

    def _settle_acked(self, tx: Tx, peer: int, acked: dict[int, tuple[WorkKey, ...]]) -> None:
        """A neighbour has it on disk: delivered if it is the recipient, else relayed; receipts are done."""
        for keys in acked.values():
            for key in keys:
                if key[0] == "r":
                    hops.receipt_acked(tx, [int(key[1])])
                elif key[0] == "m":
                    station = int(key[2])
                    here = station == peer
                    state = RecipientState.DELIVERED if here else RecipientState.RELAYED
                    by = "" if here else str(peer)
                    move(tx, MessageId.parse(key[1]), station, state, Evidence.PROTOCOL, by=by)

    def _after_ack(self, key: WorkKey, peer: int) -> None:
        work = self._outbox.works.get(key)
        if work is None:
            return
        if key[0] == "m" and int(key[2]) != peer:
            # The relay has custody now; we look after it only if no receipt comes for a long time.
            work.frames.clear()
            work.relayed = True
            self._outbox.works.hold(work, self._core.now_s() + RELAYED_CHECK_S)
        else:
            self._outbox.settle(key)

    # --- what must not be believed -----------------------------------------------------------------------

    async def _refused(self, link: LinkRunner, refused: air.Refused) -> None:
        core = self._core
        core.count(f"frames_refused_{refused.reason.value}")
        if refused.reason not in (air.RefusedReason.FORGED, air.RefusedReason.UNKNOWN_SOURCE):
            return
        self._forged += 1
        if self._forged < REFUSED_ALARM:
            return
        self._forged = 0
        await self._alarm(
            f"refused:{link.name}",
            AlarmKind.REFUSED_FRAMES,
            refused.source or 0,
            f"{link.name}: {REFUSED_ALARM} frames refused",
        )

    async def _reused(self, peer: int, counter: int, highest: int, link: LinkRunner) -> None:
        self._core.count("frames_reused_counter")
        self._core.probe("receiver.counter_reused")
        self._fresh.tell_behind(peer, highest, link.name)
        await self._alarm(
            f"reused:{peer}",
            AlarmKind.REUSED_COUNTER,
            peer,
            f"counter {counter} used twice: a cloned or restored box",
        )

    async def _reused_identity(self, peer: int, identity: MessageId, link: LinkRunner) -> None:
        self._core.count("frames_reused_identity")
        self._core.probe("receiver.identity_reused")
        self._fresh.tell_reused(peer, identity, link.name)
        await self._alarm(
            f"reused_identity:{identity.origin}",
            AlarmKind.REUSED_IDENTITY,
            identity.origin,
            f"two messages named {identity}: a cloned or restored box",
        )

    async def _alarm(self, key: str, kind: AlarmKind, station: int, detail: str) -> None:
        alarm = Alarm(
            key=key,
            kind=kind,
            station=station,
            detail=detail,
            unauthenticated=False,
            position=None,
            raised_unix_ms=self._core.clock.unix_ms(),
        )
        try:
            await self._core.ledger.write(lambda tx: raise_alarm(tx, alarm), urgent=True)
        except LedgerError as error:
            self._core.log.warning("alarm_not_stored", key=key, error=str(error))


NASTY_S = 1.5
"""How long the simulator may hold a frame back, so that the next overtakes it."""

MAX_UNPROVEN = 8
"""Frames of one neighbour kept until its echo comes: polls and orders of a minute; the rest is repeated."""

RELAYED_CHECK_S = 1_800.0
"""After a relay took custody, offer the message again this much later if no receipt came."""


def _is_urgent(elements: tuple[air.Element, ...]) -> bool:
    return any(
        isinstance(e, air.AckElement)
        or (isinstance(e, air.MessageElement) and e.precedence >= Precedence.SOS)
        for e in elements
    )
