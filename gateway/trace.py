"""`run --trace DIR`: every frame and line of every port, as pcapng and as one JSON line each.

pcapng (draft-ietf-opsawg-pcapng): one interface per link with link type USER0 (147) and nanosecond stamps;
direction in the packet flags (bit 0 inbound, bit 1 outbound), notes as comments.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import IO

from drivers.base import Clock

LINKTYPE_USER0 = 147
"""Private link type: what a frame means depends on the link; Wireshark asks which dissector to use."""

MAX_FILE_OCTETS = 512 * 1024 * 1024
"""A trace left running stops here instead of filling the card the ledger lives on."""

MAX_INTERFACES = 64
"""More than the links of any configuration."""


class NoTrace:
    """Records nothing."""

    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        """Do nothing."""


class FileTrace:
    """Writes `trace.pcapng` and `trace.jsonl` in a directory. Raises OSError when they cannot be made."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._pcap: IO[bytes] = (directory / "trace.pcapng").open("wb")
        self._lines: IO[str] = (directory / "trace.jsonl").open("w", encoding="utf-8")
        self._interfaces: dict[str, int] = {}
        self._written = 0
        self._pcap.write(_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))

    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        """Write one record; nothing once the files are at their limit."""
        if self._written > MAX_FILE_OCTETS:
            return
        unix_ms = self._clock.unix_ms()
        line = {"unix_ms": unix_ms, "link": link, "dir": direction, "hex": data.hex(), "note": note}
        self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        index = self._interface(link)
        stamp_ns = unix_ms * 1_000_000
        body = struct.pack("<IIIII", index, stamp_ns >> 32, stamp_ns & 0xFFFFFFFF, len(data), len(data))
        flags = struct.pack("<I", 1 if direction == "rx" else 2)
        options = _option(2, flags) + (_option(1, note.encode()) if note else b"") + _option(0, b"")
        self._written += len(data) + self._pcap.write(_block(6, body + _padded(data) + options))
        self._pcap.flush()
        self._lines.flush()

    def close(self) -> None:
        """Close both files."""
        self._pcap.close()
        self._lines.close()

    def _interface(self, link: str) -> int:
        index = self._interfaces.get(link)
        if index is None:
            if len(self._interfaces) >= MAX_INTERFACES:
                return 0
            index = self._interfaces[link] = len(self._interfaces)
            options = _option(2, link.encode()) + _option(9, b"\x09") + _option(0, b"")
            self._pcap.write(_block(1, struct.pack("<HHI", LINKTYPE_USER0, 0, 0) + options))
        return index


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    size = 12 + len(body)
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)
