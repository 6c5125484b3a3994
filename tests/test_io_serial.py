"""The real serial transport on real PTYs: nothing is lost silently, nothing is left open."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import NoReturn

import pytest
from typing_extensions import override

from drivers.base import ByteStream, PortUnavailableError, StreamLostError
from drivers.io.connector import SystemConnector
from drivers.io.descriptor import READ_BUFFER_OCTETS
from sim.device import SerialDevice
from sim.pty import BACKLOG_OCTETS, PtyPort
from sim.rng import Streams
from tests.waiting import until

pytestmark = pytest.mark.real

MEGABYTE = 1_000_000


class Far(SerialDevice):
    """Keeps what it hears; echoes when asked to."""

    def __init__(self, *, echo: bool = False) -> None:
        super().__init__()
        self.heard = bytearray()
        self._echo = echo

    @override
    def receive(self, data: bytes) -> None:
        self.heard += data
        if self._echo:
            self.write(data)


async def _open(path: Path, baud_bps: int = 115_200) -> ByteStream:
    return await SystemConnector().open_serial(str(path), baud_bps=baud_bps)


async def _read_exactly(stream: ByteStream, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        data += await stream.read(size - len(data))
    return bytes(data)


async def _write_for_ever(stream: ByteStream) -> NoReturn:
    while True:
        await stream.write(bytes(1_000))


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_megabyte_passes_unharmed_both_ways(tmp_path: Path) -> None:
    """Short writes and a slow reader cost no octet, in either direction."""
    sent = Streams(1).stream("megabyte").randbytes(MEGABYTE)
    device = Far(echo=True)
    with PtyPort(device, tmp_path / "tty") as port:
        stream = await _open(port.path)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(stream.write(sent))
            back = await _read_exactly(stream, MEGABYTE)
        await stream.aclose()

    assert device.heard == sent
    assert back == sent
    assert port.overruns == 0


async def test_unplugging_while_reading_ends_the_read(tmp_path: Path) -> None:
    """A waiting read returns b"" within a second of the hang-up, and again every time after."""
    with PtyPort(Far(), tmp_path / "tty") as port:
        stream = await _open(port.path)
        async with asyncio.timeout(1), asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(stream.read(100))
            await asyncio.sleep(0)
            port.unplug()

        assert reader.result() == b""
        assert await stream.read(100) == b""
        await stream.aclose()


async def test_unplugging_while_a_write_waits_raises(tmp_path: Path) -> None:
    """A write that waits for a stuck device raises StreamLostError when the port vanishes."""
    with PtyPort(Far(), tmp_path / "tty") as port:
        stream = await _open(port.path)
        port.stuck = True
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(_write_until_lost(stream))
            await asyncio.sleep(0.05)
            assert not writer.done()
            port.unplug()

        assert "the port is gone" in writer.result()
        await stream.aclose()


async def _write_until_lost(stream: ByteStream) -> str:
    try:
        await _write_for_ever(stream)
    except StreamLostError as error:
        return error.en


async def test_a_write_after_loss_raises_every_time(tmp_path: Path) -> None:
    """No octet is silently accepted once the port is gone."""
    with PtyPort(Far(), tmp_path / "tty") as port:
        stream = await _open(port.path)
        port.unplug()
        await stream.read(1)

        for _ in range(3):
            with pytest.raises(StreamLostError):
                await stream.write(b"AT\r")
        await stream.aclose()


async def test_a_blocked_write_can_be_cancelled(tmp_path: Path) -> None:
    """After the cancellation the port still works in both directions."""
    device = Far(echo=True)
    with PtyPort(device, tmp_path / "tty") as port:
        stream = await _open(port.path)
        port.stuck = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await _write_for_ever(stream)
        port.stuck = False

        async with asyncio.timeout(5):
            await stream.write(b"END")
            while not device.heard.endswith(b"END"):
                await stream.read(4_096)
        await stream.aclose()


async def test_a_second_open_is_refused_until_the_first_closes(tmp_path: Path) -> None:
    """The lock is exclusive, says so, and ends with the stream."""
    with PtyPort(Far(), tmp_path / "tty") as port:
        stream = await _open(port.path)
        with pytest.raises(PortUnavailableError, match="in use"):
            await _open(port.path)

        await stream.aclose()
        await stream.aclose()

        await (await _open(port.path)).aclose()


async def test_replugging_works_behind_the_same_path(tmp_path: Path) -> None:
    """Absent while unplugged; a new PTY behind the same link opens and carries octets."""
    device = Far()
    with PtyPort(device, tmp_path / "tty") as port:
        port.unplug()
        with pytest.raises(PortUnavailableError, match="absent"):
            await _open(port.path)
        port.replug()

        stream = await _open(port.path)
        await stream.write(b"hello")
        await until(lambda: device.heard == b"hello")
        await stream.aclose()


async def test_a_reader_that_sleeps_is_bounded(tmp_path: Path) -> None:
    """A flooding device costs us one buffer; the rest waits in the kernel and is lost at its source."""
    device = Far()
    with PtyPort(device, tmp_path / "tty") as port:
        stream = await _open(port.path)
        for _ in range(100):
            device.write(bytes(4_096))
            await asyncio.sleep(0.001)

        assert port.overruns > 0
        held = 0
        async with asyncio.timeout(5):
            while held < READ_BUFFER_OCTETS + BACKLOG_OCTETS:
                held += len(await stream.read(1_000_000))
        assert held + port.overruns <= 100 * 4_096
        await stream.aclose()


@pytest.mark.parametrize(
    ("device", "baud_bps", "reason"),
    [
        ("/dev/null", 9_600, "not a serial port"),
        ("/dev/does-not-exist", 9_600, "absent"),
        ("rfc2217://10.0.0.1:4001", 9_600, "remote ports are not supported"),
        ("/dev/ptmx", -1, "not possible"),
    ],
)
async def test_what_cannot_be_opened_says_why(device: str, baud_bps: int, reason: str) -> None:
    """The error names the port and a short reason, in English and Chinese, and leaves nothing open."""
    before = _open_descriptors()

    with pytest.raises(PortUnavailableError, match=re.escape(reason)) as caught:
        await SystemConnector().open_serial(device, baud_bps=baud_bps)

    assert device in caught.value.en
    assert caught.value.zh != caught.value.en
    assert _open_descriptors() == before


async def test_open_and_close_leave_no_descriptor(tmp_path: Path) -> None:
    """Fifty reopenings, unplugged ones included, cost no descriptor."""
    before = _open_descriptors()
    with PtyPort(Far(), tmp_path / "tty") as port:
        for number in range(50):
            stream = await _open(port.path)
            if number % 2:
                port.unplug()
            await stream.aclose()
            port.replug()

    assert _open_descriptors() == before
