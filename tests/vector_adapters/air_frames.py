"""Maps the records of `air_frames.json` to the air protocol: keys, header, body, frames both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any

import msgspec

from protocols.air import (
    Element,
    HeaderForm,
    KeyRing,
    MessageElement,
    MessageId,
    MessageKind,
    Opened,
    Refused,
    SearchBudget,
    StreamId,
    Window,
    derive_net_key,
    derive_pair_key,
    elements,
    open_frame,
    parse_header,
    seal_frame,
)
from protocols.air.frame import Garbage
from protocols.air.packing import pack
from protocols.air.packing_message import Ends


def records(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every frame, good and bad, by its name."""
    for name in ("frames", "refused"):
        for record in document[name]:
            yield f"{name}: {record['name']}", record


def check(record: dict[str, Any]) -> str:
    """Return "right" if all values of the record follow from one another, "refused" if it must not open."""
    octets = bytes.fromhex(record["frame_hex"])
    windows = {}
    if record["highest_seen"]:
        stream = StreamId(record["source"], record["destination"])
        windows[stream] = Window().accept(record["highest_seen"], bytes(8))
    receiver = ring(record, record["receiver"], record["source"])
    result = open_frame(
        receiver, octets, windows, SearchBudget(), bearer_source=record["bearer_source"], now_s=0.0
    )
    if "refused" in record:
        assert isinstance(result, Refused), result
        assert result.reason == record["refused"], result
        return "refused"
    assert isinstance(result, Opened), result
    said = tuple(element_from_json(each) for each in record["elements"])
    assert result.elements == said
    assert result.counter == record["counter"]
    _check_making(record, octets, said)
    return "right"


def _check_making(record: dict[str, Any], octets: bytes, said: tuple[Element, ...]) -> None:
    source, destination = record["source"], record["destination"]
    sender = ring(record, source, record["receiver"])
    form = msgspec.convert(record["form"], HeaderForm)
    assert (
        seal_frame(sender, counter=record["counter"], destination=destination, elements=said, form=form)
        == octets
    )
    header = parse_header(octets)
    assert not isinstance(header, Garbage)
    assert header.octets.hex() == record["header_hex"]
    assert pack(said, Ends(source, destination)).hex() == record["body_hex"]
    keys = sender.stream_keys(source, destination)
    assert keys is not None
    assert (keys.mac.hex(), keys.encryption.hex()) == (record["mac_key_hex"], record["encryption_key_hex"])


def ring(record: dict[str, Any], own: int, other: int) -> KeyRing:
    """Build the keys of one end from the record's master."""
    master, epoch = bytes.fromhex(record["master_hex"]), record["epoch"]
    return KeyRing(
        own=own,
        net_id=record["net_id"],
        epoch=epoch,
        net_key=derive_net_key(master, record["net_id"], epoch),
        pairs={other: derive_pair_key(master, own, other, epoch)},
    )


def element_to_json(element: Element) -> dict[str, Any]:
    """Write an element as its type and fields; octets as `{"hex": ...}`."""
    return {"type": type(element).__name__, **_plain(element)}


def element_from_json(record: dict[str, Any]) -> Element:
    """Read what `element_to_json` wrote."""
    values = {name: value for name, value in record.items() if name != "type"}
    if record["type"] == "MessageElement":
        body = values["body"]
        values |= {
            "message_id": MessageId(**values["message_id"]),
            "kind": MessageKind(values["kind"]),
            "recipients": tuple(values["recipients"]),
            "body": bytes.fromhex(body["hex"]) if isinstance(body, dict) else body,
        }
        return MessageElement(**values)
    if record["type"] == "UnknownElement":
        return elements.UnknownElement(values["type_number"], bytes.fromhex(values["octets"]["hex"]))
    kind = getattr(elements, record["type"])
    element: Element = msgspec.convert(values, kind)
    return element


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, IntEnum) else value
