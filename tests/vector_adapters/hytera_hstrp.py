"""Maps the records of `hytera_hstrp.json` to the HSTRP and HDAP codecs."""

from __future__ import annotations

from typing import Any

from protocols.hytera import hstrp
from protocols.hytera.describe import hstrp_datagram
from protocols.hytera.hdap import Garbage
from tests.vector_adapters.hytera_common import check_hdap, compare, encode_hdap, records, wrong

__all__ = ["check", "records"]

COMMANDS = {name: command for command, name in hstrp.OPTION_NAMES.items()}
SIZES = {"DeviceID": 4, "RTP": 0}


def check(record: dict[str, Any]) -> str:
    """Return "right" or "refused"; AssertionError says what differs."""
    octets, listed = bytes.fromhex(record["hex"]), record["fields"]
    told = hstrp_datagram(octets)
    assert not isinstance(told, Garbage), told
    compare(listed, told)
    if wrong(listed):
        datagram = hstrp.decode(octets)
        assert isinstance(datagram, hstrp.Datagram)
        return check_hdap(datagram.payload, listed["hdap"])
    inside = told.get("hdap")
    rebuilt = hstrp.Datagram(
        kind=hstrp.Kind(int(told["type"], 16)),
        sn=told["sn"],
        options=tuple(_option(name, value) for name, value in told.get("options", ())),
        payload=b"" if inside is None else encode_hdap(inside),
        version=told["version"],
    )
    assert hstrp.encode(rebuilt) == octets
    return "right"


def _option(name: str | int, value: int) -> hstrp.Option:
    command = COMMANDS[name] if isinstance(name, str) else name
    return hstrp.Option(command, value.to_bytes(SIZES.get(str(name), 1), "big"))
