"""Counters we send with and windows we receive with, per neighbour; the ledger holds both."""

from __future__ import annotations

from gateway.core import Core
from gateway.ledger import hops
from gateway.ledger.tx import Tx
from protocols.air import NET, RESERVE_AHEAD, AckElement, CounterBlock, SearchBudget, StreamId, Window
from protocols.errors import ProtocolError


class Streams:
    """All streams of one gateway."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._blocks: dict[int, CounterBlock] = {}
        self.windows: dict[StreamId, Window] = {}
        self.search = SearchBudget()
        self._contested: dict[StreamId, int] = {}

    async def load(self) -> None:
        """Read the replay windows of all neighbours; a damaged one begins anew, unproven fresh."""
        own = self._core.own
        peers = list(self._core.keys.pairs)
        streams = [StreamId(peer, to) for peer in peers for to in (own, NET)]
        stored = await self._core.ledger.read(
            lambda tx: [hops.load_window(tx, stream_key(stream)) for stream in streams]
        )
        for stream, octets in zip(streams, stored, strict=True):
            if octets is None:
                continue
            try:
                self.windows[stream] = Window.from_bytes(octets)
            except ProtocolError as error:
                self._core.log.warning("replay_window_damaged", stream=stream_key(stream), error=str(error))

    def contest(self, stream: StreamId) -> None:
        """Two frames had one counter: acknowledge nothing up to the highest, which of the two is not said."""
        window = self.windows.get(stream)
        self._contested[stream] = window.highest if window is not None else 0

    def acknowledgement(self, peer: int) -> AckElement | None:
        """What to acknowledge to a neighbour; None when there is nothing."""
        stream = StreamId(peer, self._core.own)
        window = self.windows.get(stream)
        return None if window is None else window.acknowledgement(above=self._contested.get(stream, 0))

    async def next_counter(self, peer: int) -> int:
        """Take a counter for one frame to a neighbour (0: the net); the reservation is on disk before."""
        if self._blocks.get(peer, CounterBlock()).empty:
            stream = stream_key(StreamId(self._core.own, peer))
            first, limit = await self._core.ledger.write(
                lambda tx: hops.reserve(tx, stream, RESERVE_AHEAD), urgent=True
            )
            known = self._blocks.get(peer, CounterBlock())
            if known.empty:
                self._blocks[peer] = CounterBlock(max(1, first), limit)
        counter, self._blocks[peer] = self._blocks[peer].take()
        return counter

    def sent_up_to(self, peer: int) -> int:
        """The next counter that will be used towards a neighbour; needed to read its acknowledgements."""
        return self._blocks.get(peer, CounterBlock()).next

    async def is_behind(self, peer: int, highest_seen: int) -> bool:
        """Whether a neighbour has seen counters that we have still to use."""
        block = self._blocks.get(peer, CounterBlock())
        if not block.empty:
            return highest_seen >= block.next
        stream = stream_key(StreamId(self._core.own, peer))
        return highest_seen >= await self._core.ledger.read(lambda tx: hops.unreserved(tx, stream))

    async def jump(self, peer: int, highest_seen: int) -> None:
        """Go on above what a neighbour says it has seen; on disk when this returns."""
        stream = stream_key(StreamId(self._core.own, peer))
        await self._core.ledger.write(lambda tx: _skip(tx, stream, highest_seen), urgent=True)
        self._blocks[peer] = CounterBlock()


def stream_key(stream: StreamId) -> str:
    """The ledger's name of a stream."""
    return f"{stream.source}>{stream.destination}/{stream.tag_octets}"


def _skip(tx: Tx, stream: str, highest_seen: int) -> None:
    first, limit = hops.reserve(tx, stream, 1)
    if limit <= highest_seen:
        hops.reserve(tx, stream, highest_seen + 1 - first)
