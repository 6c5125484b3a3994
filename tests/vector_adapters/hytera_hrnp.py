"""Maps the records of `hytera_hrnp.json` to the HRNP and HDAP codecs."""

from __future__ import annotations

from typing import Any

from protocols.hytera import hrnp
from protocols.hytera.describe import hrnp_packet
from tests.vector_adapters.hytera_common import check_hdap, compare, encode_hdap, records, wrong

__all__ = ["check", "records"]


def check(record: dict[str, Any]) -> str:
    """Return "right" or "refused"; AssertionError says what differs."""
    octets, listed = bytes.fromhex(record["hex"]), record["fields"]
    decoder = hrnp.Decoder()
    events = decoder.feed(octets) + decoder.idle()
    if listed.get("checksum_ok") is False:
        assert events, "refused but not counted"
        assert not any(isinstance(event, hrnp.Packet) for event in events), events
        return "refused"
    (packet,) = events
    assert isinstance(packet, hrnp.Packet), packet
    told = hrnp_packet(packet)
    compare(listed, told)
    if wrong(listed):
        return check_hdap(packet.payload, listed["hdap"])
    inside = told.get("hdap")
    rebuilt = hrnp.Packet(
        opcode=hrnp.Opcode[told["opcode"]],
        number=told["packet_number"],
        payload=b"" if inside is None else encode_hdap(inside),
        source=told["source"],
        destination=told["destination"],
        version=told["version"],
        block=told["block"],
    )
    assert hrnp.encode(rebuilt) == octets
    return "right"
