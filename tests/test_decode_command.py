"""`fieldgate decode` tells a tester what octets mean, and refuses what it cannot read by name."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cli import MAX_LINE_CHARS, add_command, decode, octets_of
from protocols.errors import BadInputError
from protocols.families import FAMILIES

HRNP_CONNECT = "7e0400fe20100000000c60e1"
RRS_ANSWER = "91008000090a0000500000000e103103"
RADIO_TEXT = "0891683108100005F011000B817194214365F70000FF09E8329BFD06CDC374"


def _decode(family: str, *words: str, lines: str = "") -> list[dict[str, Any]]:
    return list(decode(family, list(words), io.StringIO(lines)))


@pytest.mark.parametrize(
    ("family", "octets", "expected"),
    [
        ("hrnp", HRNP_CONNECT, {"event": "Packet", "opcode": "CONNECT", "checksum_ok": True}),
        (
            "hdap",
            RRS_ANSWER,
            {"event": "Frame", "service": "RRS", "radio_ip": "10.0.0.80", "renew_seconds": 3600},
        ),
        ("hstrp", "324200020000", {"event": "Datagram", "flags": ["heartbeat"]}),
        (
            "beidou",
            b"$CCICA,0,00*7B\r\n".hex(),
            {"event": "CardQuery", "talker": "CC", "id": "ICA", "frame": 0},
        ),
        ("sms", RADIO_TEXT, {"event": "Submit", "direction": "to_network", "status_report": False}),
        ("air", "0803aabbccddeeff0011223344", {"event": "Header", "source": 3, "sealed_octets": 10}),
        ("at", b"\r\n+CREG: 1\r\n".hex(), {"event": "Line", "name": "+CREG", "parameters": ["1"]}),
        ("at", b"+CME ERROR: 10\r\n".hex(), {"event": "Result", "ok": False, "code": 10, "family": "CME"}),
        ("pdt", "80020200", {"event": "AirId", "air_hex": "0xFC0001", "group": False}),
        ("pdt", "0xFC0001", {"event": "AirId", "dial_individual": "80020200"}),
        ("pdt", "FC0001", {"event": "AirId", "dial_individual": "80020200"}),
    ],
)
def test_each_family_is_told(family: str, octets: str, expected: dict[str, Any]) -> None:
    """One known packet of each family comes out as one event with its fields."""
    (event,) = _decode(family, octets)
    assert {key: event.get(key) for key in expected} == expected


def test_message_behind_an_announcement_is_read() -> None:
    """A short message that an AT terminal hands over is read with the line that announces it."""
    (event,) = _decode("at", f"\r\n+CMGR: 1,,30\r\n{RADIO_TEXT}\r\n".encode().hex())
    assert event["message"]["user_data"]["text"] == "hello sat"


def test_announcement_without_its_message_is_told() -> None:
    """A line that announces a message which does not come is not swallowed."""
    (event,) = _decode("at", b"\r\n+CMGR: 1,,30\r\n".hex())
    assert (event["name"], event["pdu"]) == ("+CMGR", None)


def test_what_a_person_wrote_is_read() -> None:
    """The text of a short message is among the fields, beside its octets."""
    (event,) = _decode("sms", RADIO_TEXT)
    assert (event["destination"]["text"], event["user_data"]["text"]) == ("17491234567", "hello sat")


@pytest.mark.parametrize("text", ["7E:04 00fe2010\t0000000C60E1", "0x7e 0x04 0x00FE20100000000c60e1\n"])
def test_hex_may_be_written_as_people_do(text: str) -> None:
    """Blanks, colons, 0x and capitals are read."""
    assert octets_of(text).hex() == HRNP_CONNECT


def test_words_are_one_stream() -> None:
    """A hex dump split by the shell is one stream of octets."""
    assert _decode("hrnp", HRNP_CONNECT[:8], HRNP_CONNECT[8:]) == _decode("hrnp", HRNP_CONNECT)


def test_lines_of_standard_input_are_read() -> None:
    """With - each line is read, blank ones skipped; a frame may be torn between lines."""
    lines = f"{HRNP_CONNECT}\n\n{HRNP_CONNECT[:6]}\n{HRNP_CONNECT[6:]}\n"
    assert [event["opcode"] for event in _decode("hrnp", "-", lines=lines)] == ["CONNECT"] * 2


def test_garbage_is_an_event() -> None:
    """Octets that mean nothing are told with their number."""
    assert _decode("hrnp", "00ff") == [{"event": "Garbage", "reason": "no frame", "size_octets": 2}]


@pytest.mark.parametrize("family", FAMILIES)
@given(octets=st.binary(min_size=1, max_size=300))
def test_no_octets_raise(family: str, octets: bytes) -> None:
    """Whatever is given, every event is one line of JSON that names itself."""
    text = octets.hex() if FAMILIES[family].hex else octets.decode("latin-1")
    for event in _decode(family, text):
        line = json.dumps(event, ensure_ascii=False)
        assert line.encode()
        assert json.loads(line)["event"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [("7e0g", "'g'"), ("7e 1", "3"), ("点名", "'点'"), ("7e-04", "'-'"), ("0x", "limit: at least")],
)
def test_what_is_no_hex_is_named(text: str, fault: str) -> None:
    """The offending character is named, in both languages."""
    with pytest.raises(BadInputError) as refused:
        octets_of(text)
    assert fault in refused.value.en
    assert refused.value.zh != refused.value.en


def test_endless_line_is_refused() -> None:
    """A file without line ends does not fill the memory."""
    with pytest.raises(BadInputError, match="line too long"):
        _decode("hrnp", "-", lines="0" * (MAX_LINE_CHARS + 2))


def test_binary_input_is_refused_by_name() -> None:
    """Octets piped in as they are, instead of as hex, are refused; there is no traceback."""
    command = [sys.executable, "-P", "-c", PROGRAM, "decode", "hrnp", "-"]
    done = subprocess.run(command, input=b"\x7e\xfe\xff", capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"HEX: character 1 is no hex digit")


PROGRAM = """
import argparse, sys
from protocols.cli import add_command
parser = argparse.ArgumentParser()
add_command(parser.add_subparsers())
arguments = parser.parse_args()
sys.exit(arguments.run(arguments))
"""


def _main(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    parsed = parser.parse_args(["decode", *arguments])
    status: int = parsed.run(parsed)
    return status


def test_command_prints_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is JSON lines and nothing else; the exit status is 0."""
    assert _main("hrnp", HRNP_CONNECT * 2) == 0
    printed = capsys.readouterr()
    assert [json.loads(line)["event"] for line in printed.out.splitlines()] == ["Packet", "Packet"]
    assert printed.err == ""


def test_unknown_family_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown family is refused with status 2 and the list, in both languages."""
    assert _main("hytera", "00") == 2
    printed = capsys.readouterr()
    english, chinese = printed.err.splitlines()
    assert printed.out == ""
    assert all(family in english for family in FAMILIES)
    assert "未知的协议族" in chinese
