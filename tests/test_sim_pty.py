"""A simulated device on a PTY is a port that any program can open."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from pathlib import Path

import pytest
from typing_extensions import override

from drivers.io.serial import open_serial
from sim.device import SerialDevice
from sim.pty import PtyPort
from tests.waiting import until

pytestmark = pytest.mark.real


class Modem(SerialDevice):
    """Answers each carriage return with OK."""

    baud_bps = 9_600

    def __init__(self) -> None:
        super().__init__()
        self.heard = bytearray()

    @override
    def receive(self, data: bytes) -> None:
        self.heard += data
        self.write(b"OK\r\n" * data.count(b"\r"))


async def test_the_link_always_leads_to_a_terminal(tmp_path: Path) -> None:
    """The path is a symlink to a terminal, the same after replugging, gone while unplugged."""
    path = tmp_path / "ttyPDT0"
    with PtyPort(Modem(), path) as port:
        first = path.readlink()
        assert path.is_char_device()
        port.unplug()
        assert not path.is_symlink()
        port.replug()
        assert path.is_char_device()
        assert first.parent == path.readlink().parent
    assert not path.is_symlink()


async def test_a_client_that_leaves_does_not_end_the_port(tmp_path: Path) -> None:
    """A program that was killed is followed by the next one, which gets its answer."""
    device = Modem()
    with PtyPort(device, tmp_path / "tty") as port:
        killed = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
        os.write(killed, b"AT\r")
        os.close(killed)
        await until(lambda: bytes(device.heard) == b"AT\r")

        stream = await open_serial(str(port.path), baud_bps=9_600)
        await stream.write(b"AT\r")
        async with asyncio.timeout(5):
            assert b"OK" in await stream.read(100)
        await stream.aclose()


async def test_a_client_that_flushes_starts_fresh(tmp_path: Path) -> None:
    """What the device said to nobody is not read by a program that flushes its input when it opens."""
    device = Modem()
    with PtyPort(device, tmp_path / "tty") as port:
        for _ in range(50):
            device.write(b"STALE " * 500)
        stream = await open_serial(str(port.path), baud_bps=9_600)
        await asyncio.sleep(0.05)
        await stream.write(b"AT\r")
        seen = b""
        async with asyncio.timeout(5):
            while not seen.endswith(b"OK\r\n"):
                seen += await stream.read(100_000)
        await stream.aclose()

    assert seen == b"OK\r\n"


@pytest.mark.parametrize(("baud_bps", "understood"), [(9_600, True), (115_200, False)])
async def test_a_wrong_rate_is_garbage(tmp_path: Path, baud_bps: int, *, understood: bool) -> None:
    """With the check on, only a client at the device's rate is understood."""
    device = Modem()
    with PtyPort(device, tmp_path / "tty", check_baud=True) as port:
        stream = await open_serial(str(port.path), baud_bps=baud_bps)
        await stream.write(b"AT\r" * 20)
        await until(lambda: len(device.heard) > 0)
        await stream.aclose()

    assert (b"AT\r" in device.heard) is understood


async def test_a_program_without_settings_finds_a_raw_line(tmp_path: Path) -> None:
    """No echo, no line editing, no translation: octets pass as they are."""
    device = Modem()
    with PtyPort(device, tmp_path / "tty") as port:
        client = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
        flags = termios.tcgetattr(client)[tty.LFLAG]
        every = bytes(range(256))
        os.write(client, every)
        await until(lambda: bytes(device.heard) == every)
        os.close(client)

    assert not flags & (termios.ECHO | termios.ICANON | termios.ISIG)
