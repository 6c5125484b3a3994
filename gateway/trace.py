"""`run --trace DIR`: every frame and line of every port, as pcapng and as one JSON line each.

pcapng (draft-ietf-opsawg-pcapng): one interface per link with link type USER0 (147) and nanosecond stamps;
direction in the packet flags (bit 0 inbound, bit 1 outbound), notes as comments.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from drivers.base import Clock
from gateway import pcapng

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
        self._pcap.write(pcapng.section())

    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        """Write one record; nothing once the files are at their limit."""
        if self._written > MAX_FILE_OCTETS:
            return
        unix_ms = self._clock.unix_ms()
        line = {"unix_ms": unix_ms, "link": link, "dir": direction, "hex": data.hex(), "note": note}
        self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        index = self._interface(link)
        block = pcapng.packet(
            index,
            unix_ms * 1_000_000,
            data,
            flags=pcapng.INBOUND if direction == "rx" else pcapng.OUTBOUND,
            comments=(note,) if note else (),
        )
        self._written += len(data) + self._pcap.write(block)
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
            self._pcap.write(pcapng.interface(link))
        return index
