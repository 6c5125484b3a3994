"""A wire trace opens in Wireshark and says link, direction, octets and note."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from drivers.io.clock import SystemClock
from gateway.trace import FileTrace


def _trace(folder: Path) -> None:
    trace = FileTrace(folder, SystemClock())
    trace.record("pdt", "tx", bytes.fromhex("7e0400fe20100000000c60e1"), "connect")
    trace.record("beidou", "rx", b"$BDFKI,TXA,Y,Y,0,0000*12\r\n")
    trace.record("pdt", "rx", b"\x7e")
    trace.close()


def test_lines_are_complete(tmp_path: Path) -> None:
    """Every record is one JSON line with its octets in hexadecimal."""
    _trace(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text("utf-8").splitlines()]

    assert [(line["link"], line["dir"], line["hex"][:4], line["note"]) for line in lines] == [
        ("pdt", "tx", "7e04", "connect"),
        ("beidou", "rx", "2442", ""),
        ("pdt", "rx", "7e", ""),
    ]


@pytest.mark.peers
def test_tshark_reads_it(tmp_path: Path) -> None:
    """Tshark finds three packets on two named interfaces, with their octets, and the note as a comment."""
    _trace(tmp_path)
    fields = ["frame.interface_name", "frame.len", "frame.comment", "frame.packet_flags_direction"]
    command = ["tshark", "-r", str(tmp_path / "trace.pcapng"), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    rows = [line.split("\t") for line in shown.splitlines()]
    assert [row[0] for row in rows] == ["pdt", "beidou", "pdt"]
    assert [row[1] for row in rows] == ["12", "26", "1"]
    assert rows[0][2] == "connect"
    assert [int(row[3], 0) for row in rows] == [2, 1, 1]
