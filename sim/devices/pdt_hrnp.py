"""The radio's end of HRNP, built from the byte layout alone (reference page, sections 1.2 and 1.4)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

CONNECT, ACCEPT, CLOSE, CLOSE_ACK, DATA, DATA_ACK = 0xFE, 0xFD, 0xFB, 0xFA, 0x00, 0x10
HOST, RADIO = 0x20, 0x10
HEAD = struct.Struct(">BBBBBBHHH")
ACK_WAIT_S = 1.0
TRIES = 4
MAX_QUEUED = 64
"""Frames a radio keeps for its host; the rest is lost, as in a small device."""


@dataclass(slots=True)
class LineFaults:
    """What is wrong with this radio's line; counters count down to 0 as they are used up."""

    lose_acks: int = 0
    """Acknowledgements of ours that are never written."""
    lose_host_acks: int = 0
    """Acknowledgements of the host's that do not arrive."""
    bad_checksums: int = 0
    bad_hdap_checksums: int = 0
    split: bool = False
    silent: bool = False
    boot_garbage: bytes = b""
    noise_before_frame: bytes = b""


class HrnpEnd:
    """Frames, acknowledgements and repeats of one radio; `deliver` takes the HDAP octets of the host."""

    def __init__(
        self, write: Callable[[bytes], None], deliver: Callable[[bytes], None], *, version: int
    ) -> None:
        self.faults = LineFaults()
        self.connected = False
        self.version = version
        self.received: list[bytes] = []
        self._write = write
        self._deliver = deliver
        self._buffer = b""
        self._number = 0
        self._last: tuple[int, bytes] | None = None
        self._queue: list[bytes] = []
        self._tries = 0
        self._timer: asyncio.TimerHandle | None = None

    def reset(self) -> None:
        """Forget the host, as when it closes the port."""
        self.connected = False
        self._buffer = b""
        self._queue.clear()
        self._stop_timer()

    def feed(self, data: bytes) -> None:
        """Take octets of the host."""
        self._buffer += data
        while len(self._buffer) >= HEAD.size:
            head, _version, _block, opcode, _source, _to, number, length, check = HEAD.unpack_from(
                self._buffer
            )
            if head != 0x7E or not HEAD.size <= length <= 1500:  # noqa: PLR2004
                self._buffer = self._buffer[1:]
                continue
            if len(self._buffer) < length:
                return
            frame = self._buffer[:length]
            if internet_checksum(frame[:10] + frame[12:]) != check:
                self._buffer = self._buffer[1:]
                continue
            self._buffer = self._buffer[length:]
            if not self.faults.silent:
                self._frame(opcode, number, frame[12:])

    def send(self, hdap: bytes) -> None:
        """Give the host an HDAP frame, repeated until it is acknowledged; one at a time."""
        if self.connected and not self.faults.silent and len(self._queue) < MAX_QUEUED:
            self._queue.append(hdap)
            if len(self._queue) == 1:
                self._number = (self._number + 1) & 0xFFFF
                self._tries = 0
                self._push()

    def raw(self, octets: bytes) -> None:
        """Put octets on the line as they are, split if the line is bad."""
        if self.faults.split:
            for octet in octets:
                self._write(bytes([octet]))
        else:
            self._write(octets)

    def _frame(self, opcode: int, number: int, payload: bytes) -> None:
        if opcode == CONNECT:
            self.reset()
            self.connected = True
            self._last = None
            self._put(ACCEPT, 0, b"")
        elif opcode == CLOSE:
            self.reset()
            self._put(CLOSE_ACK, number, b"")
        elif opcode == DATA and self.connected:
            if self.faults.lose_acks:
                self.faults.lose_acks -= 1
            else:
                self._put(DATA_ACK, number, b"")
            if self._last != (number, payload):
                self._last = (number, payload)
                self.received.append(payload)
                self._deliver(payload)
        elif opcode == DATA_ACK and self.faults.lose_host_acks:
            self.faults.lose_host_acks -= 1
        elif opcode == DATA_ACK and self._queue and number == self._number:
            self._advance()

    def _advance(self) -> None:
        self._stop_timer()
        self._queue.pop(0)
        self._tries = 0
        if self._queue:
            self._number = (self._number + 1) & 0xFFFF
            self._push()

    def _push(self) -> None:
        self._timer = None
        if self._tries == TRIES:
            self._advance()
            return
        self._tries += 1
        self._put(DATA, self._number, self._queue[0])
        self._timer = asyncio.get_running_loop().call_later(ACK_WAIT_S, self._push)

    def _put(self, opcode: int, number: int, payload: bytes) -> None:
        if self.faults.silent:
            return
        length = HEAD.size + len(payload)
        head = struct.pack(">BBBBBBHH", 0x7E, self.version, 0, opcode, RADIO, HOST, number, length)
        check = internet_checksum(head + payload)
        if self.faults.bad_checksums and opcode == DATA:
            self.faults.bad_checksums -= 1
            check ^= 0x5555
        self.raw(self.faults.noise_before_frame + head + struct.pack(">H", check) + payload)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def internet_checksum(octets: bytes) -> int:
    """Sum 16-bit words with end-around carry and complement."""
    padded = octets + b"\0" * (len(octets) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack(">H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def hdap(service: int, opcode: int, payload: bytes, *, little: bool = False, spoil: bool = False) -> bytes:
    """Build one HDAP frame; `spoil` puts a wrong checksum."""
    body = struct.pack("<HH" if little else ">HH", opcode, len(payload)) + payload
    check = (((~sum(body)) & 0xFF) + 0x33) & 0xFF
    return bytes([service]) + body + bytes([check ^ 0x5A if spoil else check, 0x03])
