"""A simulated device on a real pseudo-terminal, for real processes: gateways, gammu, minicom."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import random
import struct
import termios
import tty
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sim.device import SerialDevice
from sim.uart import octet_time_s, resample

BACKLOG_OCTETS: Final = 65_536
"""What we hold for a client that does not read, beyond the kernel's own 20 KiB; the newest is lost."""

READ_SLICE_OCTETS: Final = 4_096
"""Octets taken from the client at once."""

BAUD_BPS: Final = {
    getattr(termios, f"B{rate}"): rate
    for rate in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}
"""Line rates by their termios constant."""


class PtyPort:
    """`device` on a PTY whose client side is found at the symlink `link_path`; make it on the running loop.

    Our own descriptor of the client side keeps the PTY alive while nobody has it open. `check_baud` makes a
    client at another rate than the device's exchange garbage with it. A client that flushes its input on
    opening (pyserial does) starts without what was said before. `overruns` counts octets no client took.
    Leave it as a context manager, or call `unplug`, to free everything.
    """

    def __init__(self, device: SerialDevice, link_path: Path, *, check_baud: bool = False) -> None:
        self.device = device
        self.path = link_path
        self.overruns = 0
        self.deaf = False
        """The device hears nothing of what the client writes."""
        self.slowness = 1.0
        """What the device says takes this many times as long as its rate has it; 1: at once."""
        self._free_at_s = 0.0
        self._check_baud = check_baud
        self._stuck = False
        self._master = -1
        self._client = -1
        self._backlog = bytearray()
        self._loop = asyncio.get_running_loop()
        self.replug()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    @property
    def present(self) -> bool:
        """Whether the port can be opened."""
        return self._master >= 0

    @property
    def stuck(self) -> bool:
        """Whether the device neither hears nor speaks, so that buffers fill and writes block. Settable."""
        return self._stuck

    @stuck.setter
    def stuck(self, value: bool) -> None:
        if value == self._stuck:
            return
        self._stuck = value
        if self.present and value:
            self._loop.remove_reader(self._master)
            self._loop.remove_writer(self._master)
        elif self.present:
            self._loop.add_reader(self._master, self._on_readable)
            self._flush()

    def garble(self, rng: random.Random, octets: int) -> None:
        """Let noise arrive at the client."""
        self._to_client(rng.randbytes(octets))

    def unplug(self) -> None:
        """Hang up: the client reads end of file, its writes fail, the link is gone. Safe to repeat."""
        if not self.present:
            return
        self.device.attach(None)
        self.path.unlink(missing_ok=True)
        if not self._loop.is_closed():
            self._loop.remove_reader(self._master)
            self._loop.remove_writer(self._master)
        os.close(self._client)
        os.close(self._master)
        self._master = self._client = -1
        self._backlog.clear()

    def replug(self) -> None:
        """Bring the port back: a new PTY behind the same link, swapped in atomically."""
        if self.present:
            return
        self._master, self._client = os.openpty()
        tty.setraw(self._client)
        fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
        os.set_blocking(self._master, False)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._client))
        fresh.replace(self.path)
        if not self._stuck:
            self._loop.add_reader(self._master, self._on_readable)
        self.device.attach(self._from_device)

    def _client_bps(self) -> int:
        """The rate the client set; the device's own where the check is off or the rate has no name."""
        if not self._check_baud:
            return self.device.baud_bps
        return BAUD_BPS.get(termios.tcgetattr(self._client)[5], self.device.baud_bps)

    def _on_readable(self) -> None:
        try:
            packet = os.read(self._master, READ_SLICE_OCTETS)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EIO}:
                return  # EIO: the client closed; our own descriptor keeps the PTY alive
            raise
        # packet mode (ioctl_tty(2), TIOCPKT): one control octet, 0 = data follows, bit 0 = input flushed
        if packet[:1] != b"\0":
            if packet and packet[0] & termios.TIOCPKT_FLUSHREAD:
                self._backlog.clear()
            return
        data = resample(packet[1:], sent_bps=self._client_bps(), read_bps=self.device.baud_bps)
        if data and not self.deaf:
            self.device.receive(data)

    def _from_device(self, data: bytes) -> None:
        now_s = self._loop.time()
        if self.slowness > 1 or self._free_at_s > now_s:
            took_s = len(data) * octet_time_s(self.device.baud_bps) * self.slowness
            self._free_at_s = max(self._free_at_s, now_s) + took_s
            self._loop.call_at(self._free_at_s, self._to_client, data)
        else:
            self._to_client(data)

    def _to_client(self, data: bytes) -> None:
        if not self.present:
            return
        data = resample(data, sent_bps=self.device.baud_bps, read_bps=self._client_bps())
        room = BACKLOG_OCTETS - len(self._backlog)
        self.overruns += max(0, len(data) - room)
        self._backlog += data[:room]
        if not self._stuck:
            self._flush()

    def _flush(self) -> None:
        try:
            sent = os.write(self._master, self._backlog) if self._backlog else 0
        except BlockingIOError:
            sent = 0
        del self._backlog[:sent]
        if self._backlog:
            self._loop.add_writer(self._master, self._flush)
        else:
            self._loop.remove_writer(self._master)
