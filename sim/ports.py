"""Simulated serial ports in memory, and the connector that opens them for a driver."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from drivers.base import ByteStream, Connector, Datagrams, PortUnavailableError, StreamLostError
from drivers.waiting import Bell
from sim.device import SerialDevice
from sim.later import after
from sim.network import SimNetwork
from sim.uart import octet_time_s, resample

__all__ = ["MemoryPort", "SimConnector", "SimNetwork"]

HOST_BUFFER_OCTETS: Final = 4_096
"""What a port takes from a host that writes faster than the line, as Linux' tty transmit buffer."""

READ_BUFFER_OCTETS: Final = 20_480
"""What a port keeps for a host that does not read; more is overrun and lost. A PTY keeps as much."""

DEVICE_BUFFER_OCTETS: Final = 262_144
"""What a device may queue for its line (minutes at any rate); a flooding device loses the rest."""

SLICE_OCTETS: Final = 64
"""Longest run that arrives at once; a UART's interrupt does not wait longer."""


class _Line:
    """One direction of a serial line: octets leave in order, each run when its last bit has passed."""

    def __init__(self, limit_octets: int, deliver: Callable[[bytes], None]) -> None:
        self.limit_octets = limit_octets
        self.baud_bps = 0
        self.chunks: random.Random | None = None
        self.slowness = 1.0
        self.space = asyncio.Event()
        self._deliver = deliver
        self._queue = bytearray()
        self._under_way = 0
        """Octets whose run arrives next; 0: none."""
        self._runs = 0

    def push(self, data: bytes) -> int:
        """Take what fits; return how many octets that was."""
        taken = min(len(data), self.limit_octets - len(self._queue))
        self._queue += data[:taken]
        if len(self._queue) >= self.limit_octets:
            self.space.clear()
        if not self._under_way and self._queue:
            self._start()
        return taken

    def clear(self) -> None:
        """Forget what is under way."""
        self._under_way = 0
        self._runs += 1
        self._queue.clear()
        self.space.set()

    def _start(self) -> None:
        size = min(len(self._queue), SLICE_OCTETS)
        if self.chunks is not None:
            size = self.chunks.randint(1, size)
        wait_s = size * octet_time_s(self.baud_bps) if self.baud_bps else 0.0
        self._under_way = size
        after(wait_s * self.slowness, self._arrive, self._runs)

    def _arrive(self, run: int) -> None:
        if run != self._runs:
            return  # it was cleared away
        size, self._under_way = self._under_way, 0
        data = bytes(self._queue[:size])
        del self._queue[:size]
        if not self.space.is_set():
            self.space.set()
        if self._queue:
            self._start()
        self._deliver(data)


class MemoryPort:
    """A serial port in memory with `device` on its far end; one host at a time.

    Both directions are paced at their sender's rate (10 bits an octet); a host at another rate than the
    device's exchanges garbage with it. `paced=False` is a port without a rate (USB, TCP). `chunks` cuts what
    arrives into runs of random length.
    """

    def __init__(
        self,
        device: SerialDevice,
        *,
        path: str = "memory",
        paced: bool = True,
        chunks: random.Random | None = None,
    ) -> None:
        self.device = device
        self.path = path
        self.present = True
        self.overruns = 0
        self.deaf = False
        """The device hears nothing of what the host writes."""
        self.slowness = 1.0
        """Octets take this many times as long (of a paced port)."""
        self.corrupt = 0.0
        """Share (0..1) of the runs that pass, either way, with one octet changed; needs `noise`."""
        self.noise: random.Random | None = None
        self.chunks = chunks
        self._paced = paced
        self._stuck = False
        self._stream: _MemoryStream | None = None

    @property
    def is_open(self) -> bool:
        """Whether a host has the port open."""
        return self._stream is not None

    @property
    def stuck(self) -> bool:
        """Whether nothing passes and writes block, as when flow control never lets go. Settable."""
        return self._stuck

    @stuck.setter
    def stuck(self, value: bool) -> None:
        self._stuck = value
        if self._stream is not None:
            self._stream.wake()

    def open(self, baud_bps: int) -> ByteStream:
        """Open for a host; raises PortUnavailableError when absent or in use."""
        if not self.present:
            raise PortUnavailableError(self.path, "absent", "不存在")
        if self._stream is not None:
            raise PortUnavailableError(self.path, "in use", "被占用")
        self._stream = stream = _MemoryStream(self, baud_bps if self._paced else 0)
        self.device.attach(stream.from_device)
        return stream

    def garble(self, rng: random.Random, octets: int) -> None:
        """Let noise arrive at the host."""
        if self._stream is not None:
            self._stream.from_device(rng.randbytes(octets))

    def spoilt(self, data: bytes) -> bytes:
        """Return a run as it arrives over a line with `corrupt`."""
        if not (self.corrupt and data) or self.noise is None or self.noise.random() >= self.corrupt:
            return data
        at = self.noise.randrange(len(data))
        return data[:at] + bytes([data[at] ^ self.noise.randrange(1, 256)]) + data[at + 1 :]

    def unplug(self) -> None:
        """Take the port away: the host reads end of stream, its writes raise, opening finds nothing."""
        self.present = False
        if self._stream is not None:
            self._stream.lose()
            self.release(self._stream)

    def replug(self) -> None:
        """Bring the port back."""
        self.present = True

    def release(self, stream: _MemoryStream) -> None:
        """Let go of the device if `stream` still holds it."""
        if self._stream is stream:
            self._stream = None
            self.device.attach(None)


class _MemoryStream(ByteStream):
    """The host's end of an open MemoryPort."""

    def __init__(self, port: MemoryPort, baud_bps: int) -> None:
        self._port = port
        self._baud_bps = baud_bps
        self._received = bytearray()
        self._wake_reader = Bell()
        self._gone = False
        self._closed = False
        self._to_device = _Line(HOST_BUFFER_OCTETS, self._arrive_at_device)
        self._to_host = _Line(DEVICE_BUFFER_OCTETS, self._arrive_at_host)
        self._to_device.baud_bps = baud_bps
        self._to_device.space.set()

    @override
    async def read(self, max_octets: int) -> bytes:
        while not self._received:
            if self._gone or self._closed:
                return b""
            await self._wake_reader.wait(None)
        data = bytes(self._received[:max_octets])
        del self._received[:max_octets]
        return data

    @override
    async def write(self, data: bytes) -> None:
        left = memoryview(bytes(data))
        while True:
            if self._gone or self._closed:
                raise StreamLostError(
                    f"{self._port.path}: the port is gone", f"{self._port.path}：端口已消失"
                )
            if not self._port.stuck:
                self._to_device.slowness = self._port.slowness
                left = left[self._to_device.push(bytes(left)) :]
                if not left:
                    return
            self._to_device.space.clear()
            await self._to_device.space.wait()

    @override
    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._received.clear()
            self._to_host.clear()
            self.wake()
            self._port.release(self)

    def lose(self) -> None:
        """Vanish: nothing of what was under way arrives."""
        self._gone = True
        self._to_device.clear()
        self._to_host.clear()
        self.wake()

    def wake(self) -> None:
        """Let whoever reads or writes look again."""
        self._wake_reader.ring()
        self._to_device.space.set()

    def from_device(self, data: bytes) -> None:
        """Take octets from the device onto the line; what does not fit is lost and counted."""
        self._to_host.baud_bps = self._port.device.baud_bps if self._baud_bps else 0
        self._to_host.chunks = self._port.chunks
        self._to_host.slowness = self._port.slowness
        self._port.overruns += len(data) - self._to_host.push(data)

    def _arrive_at_device(self, data: bytes) -> None:
        if self._port.stuck or self._port.deaf or self._gone:
            return
        if self._baud_bps:
            data = resample(data, sent_bps=self._baud_bps, read_bps=self._port.device.baud_bps)
        if data:
            self._port.device.receive(self._port.spoilt(data))

    def _arrive_at_host(self, data: bytes) -> None:
        if self._port.stuck or self._gone or self._closed:
            return
        if self._baud_bps:
            data = resample(data, sent_bps=self._port.device.baud_bps, read_bps=self._baud_bps)
        data = self._port.spoilt(data)
        room = READ_BUFFER_OCTETS - len(self._received)
        self._port.overruns += max(0, len(data) - room)
        self._received += data[:room]
        self._wake_reader.ring()


class SimConnector(Connector):
    """What one simulated box can open: its serial ports, and a network on which it has the address `host`."""

    def __init__(self, *, network: SimNetwork | None = None, host: str = "10.0.0.1") -> None:
        self.host = host
        self.network = network
        self._ports: dict[str, MemoryPort] = {}

    def add_serial(
        self, path: str, device: SerialDevice, *, chunks: random.Random | None = None
    ) -> MemoryPort:
        """Plug `device` in at `path`."""
        self._ports[path] = port = MemoryPort(device, path=path, chunks=chunks)
        return port

    def add_tcp(self, host: str, port: int, device: SerialDevice) -> MemoryPort:
        """Let `device` answer one TCP client at a time on `host:port`, as behind a serial device server."""
        path = f"{host}:{port}"
        self._ports[path] = twin = MemoryPort(device, path=path, paced=False)
        return twin

    @override
    async def open_serial(self, device: str, *, baud_bps: int) -> ByteStream:
        return self._port(device).open(baud_bps)

    @override
    async def open_tcp(self, host: str, port: int) -> ByteStream:
        return self._port(f"{host}:{port}").open(0)

    @override
    async def open_udp(self, host: str, port: int) -> Datagrams:
        if self.network is None:
            raise PortUnavailableError(f"{host}:{port}", "no network", "没有网络")
        own = self.host if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
        return self.network.bind(own, port)

    def _port(self, path: str) -> MemoryPort:
        found = self._ports.get(path)
        if found is None:
            raise PortUnavailableError(path, "absent", "不存在")
        return found
