"""One conversation with a radio over HRNP: connect, numbered data with acknowledgement and repeats, close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from drivers.base import ByteStream, DriverEnv, StreamLostError
from drivers.hytera.config import (
    ACK_TIMEOUT_S,
    ACK_TRIES,
    CONNECT_TIMEOUT_S,
    CONNECT_TRIES,
    LINE_IDLE_S,
    READ_OCTETS,
    HyteraConfig,
)
from drivers.hytera.counters import Counter
from protocols.errors import FieldgateError
from protocols.hytera import hrnp
from protocols.hytera.hdap import Garbage
from protocols.hytera.hrnp import Opcode, Packet


class RadioLostError(FieldgateError):
    """The port is there, but nobody (any longer) speaks HRNP behind it."""


class Session:
    """Owns the line from the opened port to its loss; `on_frame` and `on_garbage` must not wait."""

    def __init__(
        self,
        name: str,
        stream: ByteStream,
        config: HyteraConfig,
        env: DriverEnv,
        numbers: Counter,
        on_frame: Callable[[bytes], None],
        on_garbage: Callable[[Garbage], None],
    ) -> None:
        self._name = name
        self._stream = stream
        self._config = config
        self._env = env
        self._numbers = numbers
        self._on_frame = on_frame
        self._on_garbage = on_garbage
        self._host = hrnp.HOST
        self._accepted = asyncio.Event()
        self._acked: dict[int, asyncio.Event] = {}
        self._last: tuple[int, bytes] | None = None
        self._line = asyncio.Lock()
        self._turn = asyncio.Lock()
        self.heard_s = env.clock.monotonic_s()
        self.heard = False
        self.ready = False

    async def connect(self) -> None:
        """Greet the radio; raise RadioLostError when it does not answer."""
        for _ in range(CONNECT_TRIES):
            await self._put(Packet(opcode=Opcode.CONNECT, version=self._config.hrnp_version))
            if await _within(self._accepted, CONNECT_TIMEOUT_S):
                return
        raise RadioLostError(
            "radio does not answer" if self.heard else "radio does not answer; check cable and baud_bps",
            "电台无应答" if self.heard else "电台无应答，请检查连线和 baud_bps",
        )

    async def data(self, payload: bytes, *, written: Callable[[], None] | None = None) -> None:
        """Return when the radio has acknowledged one HDAP frame; raise RadioLostError when it never does.

        `written` is called before the first octet goes out.
        """
        async with self._turn:
            number = await self._numbers.take()
            packet = Packet(
                opcode=Opcode.DATA,
                number=number,
                payload=payload,
                source=self._host,
                version=self._config.hrnp_version,
            )
            acked = self._acked[number] = asyncio.Event()
            try:
                if written is not None:
                    written()
                for _ in range(ACK_TRIES):
                    await self._put(packet)
                    if await _within(acked, ACK_TIMEOUT_S):
                        return
            finally:
                del self._acked[number]
        raise RadioLostError("radio stopped answering", "电台停止应答")

    async def read(self) -> None:
        """Read until the port is lost (StreamLostError) or the radio closes (RadioLostError)."""
        decoder = hrnp.Decoder()
        while True:
            try:
                async with asyncio.timeout(LINE_IDLE_S if decoder.held_octets else None):
                    data = await self._stream.read(READ_OCTETS)
            except TimeoutError:
                events = decoder.idle()
            else:
                if not data:
                    raise StreamLostError("port lost", "串口丢失")
                events = decoder.feed(data)
            for event in events:
                if isinstance(event, Garbage):
                    note = f"{event.size_octets} octets dropped: {event.reason}"
                    self._env.trace.record(self._name, "rx", b"", note)
                    self._on_garbage(event)
                else:
                    self._env.trace.record(self._name, "rx", hrnp.encode(event), event.opcode.name)
                    await self._packet(event)

    async def close(self) -> None:
        """Say goodbye if the line still takes it; never raises for a lost or stuck port."""
        with suppress(StreamLostError, TimeoutError):
            async with asyncio.timeout(ACK_TIMEOUT_S):
                await self._put(
                    Packet(opcode=Opcode.CLOSE, source=self._host, version=self._config.hrnp_version)
                )

    async def _packet(self, packet: Packet) -> None:
        self.heard_s = self._env.clock.monotonic_s()
        self.heard = True
        if packet.opcode is Opcode.ACCEPT:
            self._host = packet.destination
            self._accepted.set()
        elif packet.opcode is Opcode.REJECT:
            raise RadioLostError("radio refused the connection", "电台拒绝连接")
        elif packet.opcode is Opcode.CLOSE:
            await self._answer(Opcode.CLOSE_ACK, packet.number)
            raise RadioLostError("radio closed the connection", "电台关闭了连接")
        elif packet.opcode is Opcode.DATA_ACK and packet.number in self._acked:
            self._acked[packet.number].set()
        elif packet.opcode is Opcode.DATA:
            await self._answer(Opcode.DATA_ACK, packet.number)
            if self._last != (packet.number, packet.payload):
                self._last = (packet.number, packet.payload)
                self._on_frame(packet.payload)

    async def _answer(self, opcode: Opcode, number: int) -> None:
        await self._put(
            Packet(opcode=opcode, number=number, source=self._host, version=self._config.hrnp_version)
        )

    async def _put(self, packet: Packet) -> None:
        octets = hrnp.encode(packet)
        async with self._line:
            self._env.trace.record(self._name, "tx", octets, packet.opcode.name)
            await self._stream.write(octets)


async def _within(event: asyncio.Event, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
