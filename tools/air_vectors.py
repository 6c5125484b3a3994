"""Write `tests/vectors/air_frames.json` from fixed test keys: `python -m tools.air_vectors`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protocols.air import (
    AckElement,
    AirBearer,
    AirLinkState,
    CounterNotice,
    EchoReply,
    EchoRequest,
    Element,
    Evidence,
    HeaderForm,
    LinkEntry,
    LinkReason,
    LinkReportElement,
    LinkReportRequest,
    MessageElement,
    MessageId,
    MessageKind,
    PositionElement,
    ReceiptElement,
    ReceiptState,
    RefusedReason,
    RollCallAnswer,
    RollCallPoll,
    RollCallResult,
    StationPresence,
    UnknownElement,
    derive_net_key,
    derive_pair_key,
    parse_header,
    seal_frame,
)
from protocols.air.frame import Garbage
from protocols.air.packing import BadBody, pack, unpack
from protocols.air.packing_message import Ends
from protocols.air.seal import seal
from tests.vector_adapters.air_frames import element_to_json, ring

TARGET = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "air_frames.json"
MASTER = bytes(range(0x40, 0x60))
NET_ID, EPOCH = 0x5A17C0DE, 6
HQ, VEHICLE, FAR = 1, 2, 300
TEXT30 = "三号桥已断路请立即派冲锋舟两艘到东门集合点接应被困群众三十人"
BEARER_TELLS = HeaderForm(bearer_tells_source=True, bearer_tells_destination=True)
ABOUT = (
    "Frames of the air protocol, suite 1 (docs/air-protocol.md). Keys follow from master_hex; every value "
    "between is given. elements is what the receiver reads, as far as it can be said. highest_seen "
    "is the highest counter of the window (0: never heard); bearer_source is the station the bearer "
    "names (null: none). Made by tools/air_vectors.py from test keys, of nobody."
)


def _frame(
    name: str,
    elements: Sequence[Element],
    *,
    counter: int = 5,
    ends: tuple[int, int, int] = (HQ, VEHICLE, VEHICLE),
    form: HeaderForm | None = None,
    highest_seen: int = 0,
) -> dict[str, Any]:
    source, destination, receiver = ends
    form = form or HeaderForm()
    base = {"master_hex": MASTER.hex(), "net_id": NET_ID, "epoch": EPOCH}
    sender = ring(base, source, receiver)
    octets = seal_frame(sender, counter=counter, destination=destination, elements=elements, form=form)
    header, keys = parse_header(octets), sender.stream_keys(source, destination)
    body = pack(elements, Ends(source, destination))
    read = unpack(body, Ends(source, destination))
    if isinstance(header, Garbage) or isinstance(read, BadBody) or keys is None:
        raise ValueError(name)
    pair_or_net = (
        derive_pair_key(MASTER, source, destination, EPOCH)
        if destination
        else derive_net_key(MASTER, NET_ID, EPOCH)
    )
    return {
        "name": name,
        **base,
        "source": source,
        "destination": destination,
        "receiver": receiver,
        "bearer_source": source if form.bearer_tells_source else None,
        "highest_seen": highest_seen,
        "counter": counter,
        "form": {
            "bearer_tells_source": form.bearer_tells_source,
            "bearer_tells_destination": form.bearer_tells_destination,
            "wide_counter": form.wide_counter,
        },
        "pair_or_net_key_hex": pair_or_net.hex(),
        "mac_key_hex": keys.mac.hex(),
        "encryption_key_hex": keys.encryption.hex(),
        "header_hex": header.octets.hex(),
        "elements": [element_to_json(element) for element in read],
        "body_hex": body.hex(),
        "frame_hex": octets.hex(),
    }


def _message(body: str | bytes = TEXT30, **more: Any) -> MessageElement:
    return MessageElement(message_id=MessageId(HQ, 0x1234, 1000), body=body, **more)


def _good() -> list[dict[str, Any]]:
    return [*_messages(), *_others()]


def _messages() -> list[dict[str, Any]]:
    full = _message(
        "Dam at 95 %, evacuate 东门村",
        precedence=4,
        kind=MessageKind.ORDER,
        ack_wanted=True,
        lifetime_s=3712,
        age_s=90,
        age_is_lower_bound=True,
        exercise=True,
        hops_left=2,
        recipients=(17, 40000),
        sender=17,
    )
    forwarded = MessageElement(
        message_id=MessageId(FAR, 0xBEEF, 300_000), body=b"\x00\xff", unauthenticated=True
    )
    to_far, from_far, to_net = (HQ, FAR, FAR), (FAR, HQ, HQ), (HQ, 0, VEHICLE)
    return [
        _frame("thirty characters", [_message()]),
        _frame("the same, bearer tells both ends", [_message()], form=BEARER_TELLS),
        _frame("to a wide station number", [_message("到")], ends=to_far),
        _frame(
            "from a wide station number",
            [EchoRequest(0xDEADBEEF)],
            ends=from_far,
            form=HeaderForm(wide_counter=True),
        ),
        _frame("every option of a message, then an echo reply", [full, EchoReply(0xDEADBEEF)]),
        _frame("to the whole net", [_message("全体注意", precedence=3), LinkReportRequest()], ends=to_net),
        _frame(
            "acknowledgement without gaps rides along", [AckElement.of(20_000, 0xFFFFFFFF), _message("ok")]
        ),
        _frame("forwarded native octets, unknown skippable element", [UnknownElement(3, b"new"), forwarded]),
        _frame("a gap of a million", [_message("久违")], counter=1_000_005, highest_seen=5),
        _frame("last counter", [_message("末")], counter=(1 << 48) - 1, highest_seen=(1 << 48) - 100),
    ]


def _others() -> list[dict[str, Any]]:
    links = (
        LinkEntry(bearer=AirBearer.PDT, state=AirLinkState.UP, quality_pct=79, age_s=3),
        LinkEntry(bearer=AirBearer.CELLULAR, state=AirLinkState.DOWN, age_s=19, reason=LinkReason.NO_PEER),
        LinkEntry(
            bearer=AirBearer.BEIDOU, state=AirLinkState.BLOCKED, evidence=Evidence.INFERRED, age_s=None
        ),
    )
    answer = RollCallAnswer(
        call_id=7,
        nonce=0xA1B2,
        station=17,
        result=RollCallResult.ANSWERED,
        evidence=Evidence.OBSERVED,
        bearer=AirBearer.PDT,
        head_count=6,
        battery_pct=80,
        text="到",
    )
    receipt = ReceiptElement(
        message_id=MessageId(VEHICLE, 0x0102, 42), recipient=17, state=ReceiptState.ACKNOWLEDGED
    )
    by_person = ReceiptElement(
        message_id=MessageId(FAR, 1, 2),
        recipient=HQ,
        state=ReceiptState.READ,
        evidence=Evidence.OPERATOR,
        by="王强",
    )
    position = PositionElement(station=HQ, latitude_deg=30.65985, longitude_deg=104.06332, age_s=32)
    elsewhere = PositionElement(station=17, latitude_deg=-90.0, longitude_deg=180.0)
    return [
        _frame("acknowledgements with gaps", [AckElement.of(5, 0b10111), AckElement.of(1 << 40, 0x80000001)]),
        _frame("receipts", [receipt, by_person]),
        _frame("link report", [LinkReportElement(station=HQ, sequence=65535, entries=links)]),
        _frame("link report of another", [LinkReportElement(station=17, sequence=0, entries=links[:1])]),
        _frame("poll", [RollCallPoll(call_id=7, nonce=0xA1B2, deadline_s=594, stations=(17, 300))]),
        _frame("answer", [answer], ends=(VEHICLE, HQ, HQ)),
        _frame(
            "positions and presence",
            [position, elsewhere, StationPresence(station=17, bearer=AirBearer.PDT, age_s=9)],
        ),
        _frame("counter notice", [CounterNotice((1 << 48) - 1)]),
    ]


def _bad() -> list[dict[str, Any]]:
    base = _frame("", [_message("到")])
    octets = bytes.fromhex(base["frame_hex"])
    header = bytes.fromhex(base["header_hex"])
    stream = ring(base, HQ, VEHICLE).stream_keys(HQ, VEHICLE)
    net = ring(base, HQ, VEHICLE).stream_keys(HQ, 0)
    if stream is None or net is None:
        raise ValueError("no keys")
    to_net = bytes.fromhex(_frame("", [LinkReportRequest()], ends=(HQ, 0, VEHICLE))["header_hex"])
    order = pack([_message("撤", kind=MessageKind.ORDER)], Ends(HQ, 0))
    cases = [
        ("body changed", octets[:-9] + bytes([octets[-9] ^ 1]) + octets[-8:], RefusedReason.FORGED),
        ("tag changed", octets[:-1] + bytes([octets[-1] ^ 0x80]), RefusedReason.FORGED),
        ("counter changed", octets[:3] + b"\x06" + octets[4:], RefusedReason.FORGED),
        ("cut", octets[:-1], RefusedReason.FORGED),
        ("extended", octets + b"\x00", RefusedReason.FORGED),
        ("too short", octets[:9], RefusedReason.GARBAGE),
        ("special form", bytes([octets[0] | 0x18]) + octets[1:], RefusedReason.GARBAGE),
        ("short tag", bytes([octets[0] | 0x20]) + octets[1:], RefusedReason.GARBAGE),
        ("another epoch", bytes([octets[0] ^ 0x40]) + octets[1:], RefusedReason.EPOCH),
        ("for another station", octets[:2] + b"\x09" + octets[3:], RefusedReason.NOT_FOR_US),
        ("source 0", octets[:1] + b"\x00" + octets[2:], RefusedReason.GARBAGE),
        (
            "critical unknown element",
            header + seal(stream, 5, header, b"\x02\x00"),
            RefusedReason.CRITICAL_UNKNOWN,
        ),
        ("precedence 6", header + seal(stream, 5, header, b"\xe2\x00\x01\x01"), RefusedReason.MALFORMED),
        ("ends inside an element", header + seal(stream, 5, header, b"\x27\x00"), RefusedReason.MALFORMED),
        ("order under the net key", to_net + seal(net, 5, to_net, order), RefusedReason.NEEDS_PAIR_KEY),
    ]
    kept = (
        "master_hex",
        "net_id",
        "epoch",
        "source",
        "destination",
        "receiver",
        "bearer_source",
        "highest_seen",
    )
    shared = {key: base[key] for key in kept}
    return [
        {"name": name, **shared, "frame_hex": bad.hex(), "refused": reason} for name, bad, reason in cases
    ]


def document() -> str:
    """Return the whole file."""
    content = {"about": ABOUT, "frames": _good(), "refused": _bad()}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
    print(TARGET)
