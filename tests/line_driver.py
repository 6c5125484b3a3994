"""The smallest driver that keeps the contract, and the flaws that the kit must find in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum, auto

import msgspec
from typing_extensions import override

from drivers.base import (
    Bearer,
    ByteStream,
    Capabilities,
    DriverEnv,
    Handle,
    Link,
    LinkDownError,
    LinkEvent,
    LinkRefusedError,
    LinkState,
    PortUnavailableError,
    Progress,
    Received,
    Service,
    Stage,
    StateChanged,
    StreamLostError,
    Transmission,
)
from drivers.io.backoff import Backoff
from sim.device import SerialDevice

TEXT_MAX_OCTETS = 100
EVENTS_MAX = 256
LINE_MAX_OCTETS = 400


class Flaw(Enum):
    """One broken promise each."""

    DIES_WHEN_ABSENT = auto()
    KEEPS_THE_PORT = auto()
    SENDS_OVERSIZE = auto()
    HOLDS_ALL_EVENTS = auto()
    DIES_OF_GARBAGE = auto()
    NEVER_REOPENS = auto()
    SILENT_WHEN_DOWN = auto()


class LineConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a line link."""

    device: str


class LineDevice(SerialDevice):
    """Answers each line with `OK`; says what it is told to say."""

    @override
    def receive(self, data: bytes) -> None:
        self.write(b"OK\n" * data.count(b"\n"))


class LineLink:
    """Texts as lines of UTF-8; one port."""

    def __init__(self, name: str, config: LineConfig, env: DriverEnv, flaws: frozenset[Flaw]) -> None:
        self.name = name
        self._config = config
        self._env = env
        self._flaws = flaws
        self._stream: ByteStream | None = None
        self._events: deque[LinkEvent] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            bearer=Bearer.PDT,
            services=frozenset({Service.TEXT}),
            mtu_octets=0,
            text_max_octets=TEXT_MAX_OCTETS,
            nominal_bps=9_600,
        )

    async def send(self, transmission: Transmission) -> Handle:
        size = len(transmission.text.encode("utf-16-le"))
        if transmission.service is not Service.TEXT:
            raise LinkRefusedError(self.name, f"no {transmission.service} service", "不支持此业务")
        if size > TEXT_MAX_OCTETS and Flaw.SENDS_OVERSIZE not in self._flaws:
            reason = f"text of {size} octets, limit {TEXT_MAX_OCTETS}"
            raise LinkRefusedError(self.name, reason, f"报文 {size} 字节，限制 {TEXT_MAX_OCTETS}")
        if self._stream is None:
            if Flaw.SILENT_WHEN_DOWN in self._flaws:
                return transmission.handle
            raise LinkDownError(self.name, "the port is missing")
        line = transmission.text.encode() + b"\n"
        self._env.trace.record(self.name, "tx", line)
        try:
            await self._stream.write(line)
        except StreamLostError as error:
            raise LinkDownError(self.name, "the port vanished") from error
        self._emit(Progress(handle=transmission.handle, stage=Stage.ON_AIR))
        return transmission.handle

    async def events(self) -> AsyncGenerator[LinkEvent]:
        while True:
            while self._events:
                yield self._events.popleft()
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()

    async def confirm(self, receipt: int) -> None:
        """Nothing waits for it."""

    async def probe(self) -> None:
        """Nothing to ask."""

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        backoff = Backoff(self._env.random, max_s=8.0)
        while True:
            try:
                stream = await self._env.connector.open_serial(self._config.device, baud_bps=115_200)
            except PortUnavailableError as error:
                if Flaw.DIES_WHEN_ABSENT in self._flaws:
                    raise
                self._emit(StateChanged(state=LinkState.ABSENT, reason=error.reason))
                await self._env.clock.sleep(backoff.next_s())
                continue
            backoff.reset()
            self._stream = stream
            self._emit(StateChanged(state=LinkState.UP, reason="the port is open"))
            try:
                await self._listen(stream)
            finally:
                self._stream = None
                if Flaw.KEEPS_THE_PORT not in self._flaws:
                    await stream.aclose()
            self._emit(StateChanged(state=LinkState.ABSENT, reason="the port vanished"))
            if Flaw.NEVER_REOPENS in self._flaws:
                return

    async def _listen(self, stream: ByteStream) -> None:
        held = bytearray()
        errors = "strict" if Flaw.DIES_OF_GARBAGE in self._flaws else "replace"
        while data := await stream.read(4_096):
            held += data
            *lines, rest = bytes(held).split(b"\n")
            held = bytearray(rest[-LINE_MAX_OCTETS:])
            for line in lines:
                text = line.decode("utf-8", errors)
                if text and text != "OK":
                    self._emit(Received(service=Service.TEXT, source="1", text=text))

    def _emit(self, event: LinkEvent) -> None:
        kept = isinstance(event, StateChanged) or Flaw.HOLDS_ALL_EVENTS in self._flaws
        if kept or len(self._events) < EVENTS_MAX:
            self._events.append(event)
            self._wake.set()


class LineDriver:
    """The driver, with the flaws it is given."""

    config_type = LineConfig

    def __init__(self, *flaws: Flaw) -> None:
        self._flaws = frozenset(flaws)

    @asynccontextmanager
    async def open(self, name: str, config: LineConfig, env: DriverEnv) -> AsyncGenerator[Link]:
        """Open the port and listen until the context is left."""
        link = LineLink(name, config, env, self._flaws)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(link.run())
                yield link
                running.cancel()
        finally:
            link.close()
