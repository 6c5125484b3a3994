"""Echoes and counter notices: proof that a neighbour speaks now, and the way back for one behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.core import Core
from gateway.delivery import wire
from gateway.delivery.outbox import Outbox
from gateway.delivery.states import accepted_event, move, superseded_event
from gateway.delivery.streams import Streams, stream_key
from gateway.delivery.work import Work
from gateway.domain import Evidence, Message, MessageId, Precedence, RecipientState
from gateway.ledger import hops, messages
from gateway.ledger.errors import LedgerError
from gateway.ledger.reissue import reissue
from gateway.ledger.tx import Tx
from protocols import air

ASK_FIRST_S = 10.0
"""Least time between two echo requests to one neighbour; doubles to ASK_MAX_S while no answer comes."""

ASK_MAX_S = 600.0
"""Longest time between two echo requests."""

NOTICE_S = 60.0
"""Least time between two counter notices to one neighbour: a clone must not make us talk."""

REUSED_AGAIN_S = 10.0
"""Least time between two notices about one identity: its frame is repeated until the notice arrives."""

CONTROL_LIFE_S = 300.0
"""An echo or notice older than this is worth nothing."""


class Freshness:
    """Of all neighbours of one gateway."""

    def __init__(self, core: Core, outbox: Outbox, streams: Streams) -> None:
        self._core = core
        self._outbox = outbox
        self._streams = streams
        self._asked: dict[int, tuple[int, float, float]] = {}
        self._told: dict[int, float] = {}
        self._told_identity: dict[MessageId, float] = {}
        self.on_proven: Callable[[int], Awaitable[None]] = _nobody
        """Awaited with a neighbour's number once it has proved that it speaks now."""
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue(MAX_JOBS)

    async def run(self) -> None:
        """Do the durable part of what replies and notices ask for, until cancelled."""
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except LedgerError as error:
                self._core.log.warning("freshness_not_stored", error=str(error))

    def ask(self, peer: int, link: str) -> None:
        """Ask a neighbour to prove that it speaks now, not too often."""
        now_s = self._core.now_s()
        nonce, not_before_s, wait_s = self._asked.get(peer, (0, 0.0, ASK_FIRST_S))
        if now_s < not_before_s:
            return
        nonce = nonce or self._core.random.getrandbits(32)
        self._asked[peer] = (nonce, now_s + wait_s, min(2 * wait_s, ASK_MAX_S))
        self._control("echo", peer, air.EchoRequest(nonce), link)

    def reply(self, peer: int, nonce: int, link: str) -> None:
        """Send a neighbour's nonce back."""
        self._control("echoed", peer, air.EchoReply(nonce), link)

    def replied(self, stream: air.StreamId, nonce: int) -> None:
        """A neighbour sent a nonce back: if it is ours, it speaks now."""
        asked = self._asked.get(stream.source)
        if asked is not None and asked[0] == nonce and self._do(lambda: self._prove(stream)):
            del self._asked[stream.source]

    def behind(self, peer: int, highest: int) -> None:
        """A neighbour says our counter towards it is behind: go on above."""
        self._core.count("counter_notices")
        self._do(lambda: self._jump(peer, highest))

    def tell_behind(self, peer: int, highest: int, link: str) -> None:
        """Tell a neighbour that its counter is behind, not too often."""
        now_s = self._core.now_s()
        if now_s >= self._told.get(peer, 0.0):
            self._told[peer] = now_s + NOTICE_S
            self._control("notice", peer, air.CounterNotice(highest), link)

    def reused(self, peer: int, identity: MessageId) -> None:
        """A neighbour knows another message by this identity: it was used before.

        One of ours is given a new identity. Another's goes no further: it is refused, and its origin told.
        """
        self._core.count("identity_notices")
        own = identity.origin == self._core.own
        self._do(lambda: self._reissue(peer, identity) if own else self._refuse(identity))

    def tell_reused(self, peer: int, identity: MessageId, link: str) -> None:
        """Tell a neighbour that an identity it used stands for another message here, not too often."""
        now_s = self._core.now_s()
        if now_s >= self._told_identity.get(identity, 0.0):
            while len(self._told_identity) >= MAX_JOBS:
                del self._told_identity[next(iter(self._told_identity))]
            self._told_identity[identity] = now_s + REUSED_AGAIN_S
            self._control(f"reused {identity}", peer, air.IdentityNotice(wire.id_to_air(identity)), link)

    def _do(self, job: Callable[[], Awaitable[None]]) -> bool:
        """Take on a durable step; False when too many wait."""
        if self._jobs.full():
            return False
        self._jobs.put_nowait(job)
        return True

    async def _jump(self, peer: int, highest: int) -> None:
        """Go on above; what is under way at or below stands for other frames there, and is packed anew."""
        self._outbox.disown_frames(peer, highest)
        if not await self._streams.is_behind(peer, highest):
            return
        if await self._core.ledger.new_epoch():
            self._core.log.warning("restored_ledger_noticed", peer=peer)
            self._core.probe("freshness.restore_noticed")
        await self._streams.jump(peer, highest)
        self._outbox.give_up_frames(peer)

    async def _reissue(self, peer: int, identity: MessageId) -> None:
        """Give what goes that way a new identity, under a new tag if the present one is the used one."""
        core = self._core
        behind = {number for number, station in core.roster.stations.items() if peer in station.via}

        def again(tx: Tx) -> Message | None:
            made = reissue(tx, identity, (behind | {peer}).__contains__)
            if made is not None:
                accepted_event(tx, made)
                for copy in made.recipients:
                    superseded_event(tx, identity, copy.station, made.id)
            return made

        if identity.incarnation == core.ledger.incarnation:
            made = await core.ledger.new_incarnation(again)
        else:
            made = await core.ledger.write(again, urgent=True)
        core.log.warning("reused_identity_noticed", peer=peer, reissued=made is not None)
        if made is not None:
            core.probe("freshness.message_reissued")
            for copy in made.recipients:
                self._outbox.settle(("m", str(identity), str(copy.station)))
                self._outbox.add_message(made, copy.station)

    async def _refuse(self, identity: MessageId) -> None:
        def refuse(tx: Tx) -> tuple[list[int], list[hops.OwedReceipt]]:
            newest = hops.newest_owed(tx)
            kept = messages.get(tx, identity)
            waiting = [r.station for r in kept.recipients if not r.state.settled] if kept else []
            for station in waiting:
                move(tx, identity, station, RecipientState.REFUSED, Evidence.PROTOCOL, detail=wire.USED_TWICE)
            return waiting, hops.owed(tx, above=newest)

        ended, owed = await self._core.ledger.write(refuse, urgent=True)
        for station in ended:
            self._outbox.settle(("m", str(identity), str(station)))
        for receipt in owed:
            self._outbox.add_receipt(receipt)

    async def _prove(self, stream: air.StreamId) -> None:
        window = self._streams.windows.get(stream)
        if window is not None:
            proven = window.proven_fresh()
            await self._core.ledger.write(
                lambda tx: hops.save_window(tx, stream_key(stream), proven.to_bytes()), urgent=True
            )
            newest = self._streams.windows.get(stream, proven)
            self._streams.windows[stream] = newest.proven_fresh()
        await self.on_proven(stream.source)

    def _control(self, name: str, peer: int, element: air.Element, link: str) -> None:
        now_s = self._core.now_s()
        self._outbox.add_control(
            Work(
                key=("c", name, str(peer)),
                station=peer,
                precedence=Precedence.FLASH,
                born_s=now_s,
                element=lambda _now_s: element,
                elicits_ack=False,
                expires_s=now_s + CONTROL_LIFE_S,
                prefer_link=link,
            )
        )


async def _nobody(_peer: int) -> None:
    """Nobody waits for a proof yet."""


MAX_JOBS = 256
"""Durable steps waiting; a neighbour repeats what does not fit."""

_Job = Callable[[], Awaitable[None]]
