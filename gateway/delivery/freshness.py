"""Echoes and counter notices: proof that a neighbour speaks now, and the way back for one behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.states import accepted_event, superseded_event
from gateway.delivery.streams import Streams, stream_key
from gateway.delivery.work import Work
from gateway.domain import Message, MessageId, Precedence
from gateway.ledger import hops
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
        self.on_proven: Callable[[int], Awaitable[None]] = _nobody
        """Awaited with a neighbour's number once it has proved that it speaks now."""
        self._jobs: asyncio.Queue[tuple[str, int, int, air.StreamId | None]] = asyncio.Queue(MAX_JOBS)

    async def run(self) -> None:
        """Do the durable part of what replies and notices ask for, until cancelled."""
        while True:
            kind, peer, highest, stream = await self._jobs.get()
            try:
                if kind == "jump" and await self._streams.is_behind(peer, highest):
                    await self._restored()
                    await self._streams.jump(peer, highest)
                    self._outbox.give_up_frames(peer)
                elif stream is not None and kind == "fresh":
                    await self._prove(stream)
                    await self.on_proven(peer)
            except LedgerError as error:
                self._core.log.warning("freshness_not_stored", peer=peer, error=str(error))

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
        if asked is not None and asked[0] == nonce and not self._jobs.full():
            del self._asked[stream.source]
            self._jobs.put_nowait(("fresh", stream.source, 0, stream))

    def behind(self, peer: int, highest: int) -> None:
        """A neighbour says our counter towards it is behind: go on above."""
        self._core.count("counter_notices")
        if not self._jobs.full():
            self._jobs.put_nowait(("jump", peer, highest, None))

    def tell_behind(self, peer: int, highest: int, link: str) -> None:
        """Tell a neighbour that its counter is behind, not too often."""
        now_s = self._core.now_s()
        if now_s >= self._told.get(peer, 0.0):
            self._told[peer] = now_s + NOTICE_S
            self._control("notice", peer, air.CounterNotice(highest), link)

    async def _restored(self) -> None:
        """Our counter was behind, so this ledger is an old copy: identities made with it were used before."""
        core = self._core
        if core.ledger.incarnation_is_new:
            return
        old, first_row = core.ledger.incarnation, core.ledger.first_row

        def again(tx: Tx) -> list[tuple[MessageId, Message]]:
            made = reissue(tx, old, first_row)
            for identity, message in made:
                accepted_event(tx, message)
                for copy in message.recipients:
                    superseded_event(tx, identity, copy.station, message.id)
            return made

        made = await core.ledger.new_incarnation(again)
        core.log.warning("restored_ledger_noticed", incarnation=f"{core.ledger.incarnation:04x}")
        for identity, message in made:
            for copy in message.recipients:
                self._outbox.settle(("m", str(identity), str(copy.station)))
                self._outbox.add_message(message, copy.station)

    async def _prove(self, stream: air.StreamId) -> None:
        window = self._streams.windows.get(stream)
        if window is None:
            return
        proven = window.proven_fresh()
        await self._core.ledger.write(
            lambda tx: hops.save_window(tx, stream_key(stream), proven.to_bytes()), urgent=True
        )
        newest = self._streams.windows.get(stream, proven)
        self._streams.windows[stream] = newest.proven_fresh()

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
