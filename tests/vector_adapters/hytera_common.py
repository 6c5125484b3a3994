"""What the Hytera adapters share: decode, compare every listed field, encode the fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from protocols.hytera import describe, pdu, rcp, tmp, wire
from protocols.hytera.gps import Gps
from protocols.hytera.hdap import Frame, Garbage, Service
from protocols.hytera.wire import RadioIp

COMMENTS = frozenset({"note"})
KNOWN_TYPES = frozenset(cls.__name__ for cls in pdu.SERVICE_OF) | frozenset(describe.TMP_NAMES.values())


def records(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record of the file, with a label."""
    for number, record in enumerate(document["vectors"]):
        yield f"vectors[{number}] {record['hex']}", record


def wrong(listed: Any) -> bool:
    """Whether a record marks its octets as wrong, here or in a frame inside."""
    if not isinstance(listed, dict):
        return False
    return listed.get("checksum_ok") is False or any(wrong(value) for value in listed.values())


def compare(listed: dict[str, Any], told: dict[str, Any], where: str = "") -> None:
    """Every listed field was decoded; an unknown name is right when its value is one that was decoded."""
    for name, expected in listed.items():
        if name in COMMENTS:
            continue
        if name == "type" and expected not in KNOWN_TYPES:
            continue  # a label of the collection's own; the opcode beside it is compared
        if name not in told:
            assert expected in told.values(), f"{where}{name}: {expected!r} was not decoded in {told}"
        elif isinstance(expected, dict):
            compare(expected, told[name], f"{where}{name}.")
        else:
            assert told[name] == expected, f"{where}{name}: {told[name]!r}, expected {expected!r}"


def check_hdap(octets: bytes, listed: dict[str, Any]) -> str:
    """Check one HDAP frame against its listed fields."""
    told = describe.hdap_frame(octets)
    assert not isinstance(told, Garbage), told
    compare(listed, told)
    if wrong(listed):
        refused = pdu.decode(octets)
        assert isinstance(refused, Garbage), refused
        return "refused"
    rebuilt = encode_hdap(told | {name: value for name, value in listed.items() if name in told})
    assert rebuilt == octets, f"{rebuilt.hex()}, expected {octets.hex()}"
    return "right"


def encode_hdap(told: dict[str, Any]) -> bytes:
    """Build the frame from described fields alone: typed where there is a layout, else from raw payload."""
    service = Service[told["service"]]
    opcode = int(told["opcode"], 16)
    known = pdu.parse(Frame(service=service, opcode=opcode, payload=bytes.fromhex(told["payload_hex"])))
    if isinstance(known, pdu.Raw):
        return pdu.encode(known, reliable=told["reliable"])
    if isinstance(known, tmp.Text | tmp.ShortData | tmp.Ack):
        return pdu.encode(_tmp(told, tmp.Op(opcode & 0xFF)), reliable=told["reliable"])
    values = {item.name: _value(known, item.name, told) for item in fields(known)}
    return pdu.encode(type(known)(**values), reliable=told["reliable"], opcode=opcode)


def _value(known: wire.Pdu, name: str, told: dict[str, Any]) -> Any:
    kind = type(getattr(known, name))
    if kind is RadioIp:
        return _ip(told[f"{describe.IP_NAMES[name]}_ip"])
    if kind is Gps:
        return Gps(**told[name])
    if isinstance(known, rcp.RadioIDAndRadioIPQueryReply) and name == "value":
        value = told["value"]
        return _ip(value).octets() if isinstance(value, str) else value.to_bytes(4, "little")
    if kind is bytes:
        return bytes.fromhex(told[f"{name}_hex"])
    if kind is tuple:
        return tuple((first, second) for first, second in told[name])
    if name == "protocol_opcode":
        return int(told[name], 16)
    if name in {"target", "op"} and isinstance(told[name], str):
        return {"radio_id": 0, "radio_ip": 1, "release": 0, "press": 1}[told[name]]
    return told[name] if name in told else told[describe.FIELD_NAMES[name]]


def _ip(text: str) -> RadioIp:
    return RadioIp.from_octets(bytes(int(part) for part in text.split(".")))


def _tmp(told: dict[str, Any], op: tmp.Op) -> tmp.Message:
    shared: dict[str, Any] = {
        "op": op,
        "request_id": int(told["request_id"], 16),
        "destination": _ip(told["dest_ip"]),
        "confirmed": told["flag_confirmed_bit7"],
        "option": bytes.fromhex(told["option_hex"]) if told["flag_option_bit6"] else None,
        "low_flags": told["flag_low6"],
    }
    source = _ip(told["src_ip"]) if "src_ip" in told else None
    if source is not None and "text" in told:
        return tmp.Text(**shared, source=source, text=told["text"])
    if source is not None and "data_hex" in told:
        return tmp.ShortData(**shared, source=source, data=bytes.fromhex(told["data_hex"]))
    return tmp.Ack(**shared, source=source, result=told["result"])
