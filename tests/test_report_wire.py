"""A run opens in Wireshark, and fieldgate.lua says what its frames are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sim.record import Event, What
from sim.report.digest import digest_of
from sim.report.pcapng import MAX_COMMENTS, capture
from sim.report.writer import write_report
from tests import report_events

pytestmark = pytest.mark.peers


def tshark(folder: Path, *fields: str, lua: bool = False, only: str = "") -> list[list[str]]:
    """Return the fields of every packet; fails when tshark complains."""
    command = ["tshark", "-r", str(folder / "wire.pcapng"), "-T", "fields"]
    command += ["-X", f"lua_script:{folder / 'fieldgate.lua'}"] if lua else []
    command += ["-Y", only] if only else []
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "root" not in line]
    assert complaints == []
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write the made-up run."""
    write_report(tmp_path, report_events.summary(), report_events.events())
    return tmp_path


def test_one_interface_per_node_and_link(run: Path) -> None:
    """Every frame stands on the interface of its node and link."""
    found = {row[0] for row in tshark(run, "frame.interface_name")}
    links = {f"{node}/{link.name}" for node in ("hq", "veh-3") for link in report_events.LINKS}
    assert links <= found <= links | {"world"}


def test_stamps_are_virtual_nanoseconds(run: Path) -> None:
    """Every frame has the nanosecond of its event, and they are in order."""
    expected = [event.at_ns for event in report_events.events() if event.what is What.FRAME]
    rows = tshark(run, "frame.time_epoch", only='frame.interface_name != "world"')
    found = [int(row[0].replace(".", "")) for row in rows]
    assert found == expected
    everything = [row[0] for row in tshark(run, "frame.time_epoch")]
    assert everything == sorted(everything, key=float)


def test_faults_are_comments(run: Path) -> None:
    """The cut of the network is a comment of a frame near it; one with no frame near has its own packet."""
    rows = tshark(run, "frame.interface_name", "frame.comment", only="frame.comment")
    told = "\n".join(row[1] for row in rows)
    assert "FAULT cut begins on cellular (cause: cut_network cell-3)" in told
    assert "POWER off at veh-3 (power_cut)" in told
    assert "BROKEN P1" in told
    assert "world" in {row[0] for row in rows}
    assert len({row[0] for row in rows}) > 1


def test_many_faults_at_once_are_all_told(tmp_path: Path) -> None:
    """More faults than one packet bears spill over; none is lost."""
    number = 3 * MAX_COMMENTS
    events = [Event(5, What.FAULT, "hq", "ip", {"name": f"f{n}", "state": "begins"}) for n in range(number)]
    events.append(Event(9, What.FRAME, "hq", "ip", {"direction": "tx"}, b"\xf6\x01abcd\x01"))
    summary = report_events.summary()
    (tmp_path / "wire.pcapng").write_bytes(b"".join(capture(summary, digest_of(summary, events))))
    rows = tshark(tmp_path, "frame.interface_name", "frame.comment")
    assert sum(row[1].count("FAULT") for row in rows) == number


def test_dissector_shows_datagrams(run: Path) -> None:
    """A datagram shows the header of its air frame: stations, counter, sealed octets, tag."""
    fields = [f"fieldgate.air.{name}" for name in ("epoch", "source", "destination", "counter", "tag")]
    rows = tshark(run, *fields, lua=True, only='frame.interface_name == "hq/ip" && fieldgate.air.source')
    assert rows
    assert {tuple(row) for row in rows} == {("1", "1", "3", "42", b"TAGTAGTA".hex())}


def test_dissector_shows_hrnp_with_what_is_inside(run: Path) -> None:
    """A frame of the radio shows HRNP, HDAP, and the air frame inside its short data."""
    fields = [
        "fieldgate.hrnp.opcode",
        "fieldgate.hdap.service",
        "fieldgate.hdap.opcode",
        "fieldgate.air.counter",
    ]
    rows = tshark(run, *fields, lua=True, only='frame.interface_name == "veh-3/pdt"')
    assert {tuple(row) for row in rows} == {("0x00", "0x09", "0x80ae", "42")}


def test_dissector_shows_sentences(run: Path) -> None:
    """A Beidou sentence shows its name, its meaning and its fields; the columns say so too."""
    fields = [
        "fieldgate.beidou.name",
        "fieldgate.beidou.field",
        "fieldgate.beidou.checksum",
        "_ws.col.Protocol",
    ]
    rows = tshark(run, *fields, lua=True, only='frame.interface_name == "hq/beidou"')
    assert ["CCTXA", "0166001,1,2,A4C4E3BAC3", "58", "BEIDOU"] in rows
    assert ["BDFKI", "TXA,Y,Y,0,0000", "12", "BEIDOU"] in rows


def test_dissector_bears_any_octets(tmp_path: Path) -> None:
    """Cut, empty and foreign frames on every link raise no error in the dissector."""
    samples = [
        b"",
        b"\x7e",
        b"\x7e\x04\x00\x00",
        b"\xf6",
        b"\xf6\x00\xff",
        b"$",
        b"$BD",
        b"AT",
        b"\r\nOK\r\n",
        b"\xff" * 9,
    ]
    samples += [
        report_events.wire(link, 1)[:size] for link in ("ip", "pdt", "beidou") for size in range(1, 60)
    ]
    events = [
        Event(n * 1000 + place, What.FRAME, "hq", link.name, {"direction": "rx"}, sample)
        for n, sample in enumerate(samples)
        for place, link in enumerate(report_events.LINKS)
    ]
    write_report(tmp_path, report_events.summary(), events)
    rows = tshark(tmp_path, "frame.number", "_ws.expert.message", "_ws.lua.error", lua=True)
    assert len(rows) == len(events)
    assert [row for row in rows if "".join(row[1:])] == []


def test_dissector_shows_at_dialogue(tmp_path: Path) -> None:
    """A module's lines are shown one by one."""
    events = [Event(1, What.FRAME, "x", "tiantong", {"direction": "rx"}, b"\r\n+CREG: 1\r\n\r\nOK\r\n")]
    write_report(tmp_path, report_events.summary(), events)
    assert tshark(tmp_path, "fieldgate.at.line", "_ws.col.Protocol", lua=True) == [["+CREG: 1,OK", "AT"]]
