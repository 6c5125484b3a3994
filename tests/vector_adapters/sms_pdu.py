"""Maps the records of `sms_pdu.json` to the short message codec."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from protocols.sms import (
    MAX_UD_OCTETS,
    Address,
    Assembled,
    Concat,
    Deliver,
    Invalid,
    Outcome,
    Pdu,
    Reassembler,
    StatusReport,
    Submit,
    cmgs_length,
    dcs_for,
    decode_hex,
    encode,
    message_class_of,
    split_text,
)

TYPES = {"SUBMIT": Submit, "DELIVER": Deliver, "STATUS-REPORT": StatusReport}
PROSE = {"permanent": Outcome.PERMANENT, "temporary": None, "delivered": Outcome.DELIVERED}
WRONG_MARKS = ("wrong", "refuse", "invalid", "negative")


def records(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record of every list of the file, with a label."""
    for name, value in document.items():
        if isinstance(value, list):
            for number, record in enumerate(value):
                if isinstance(record, dict):
                    yield f"{name}[{number}] {record.get('name', '')}", record


def check(record: dict[str, Any]) -> str:
    """Return "right" or "refused"; AssertionError says what differs.

    Marked wrong or not, a PDU with more than the 140 octets of user data that TS 23.040 clause 9.2.3.24
    allows must be refused: the constructed record `ref_ucs2_16bit_ref` puts 67 characters behind a 16-bit
    reference, 141 octets, which no network carries (66 fit).
    """
    if _marked_wrong(record) or _too_long(record):
        pdus = [decode_hex(part["pdu"]) for part in record.get("parts", [record])]
        assert any(isinstance(pdu, Invalid) for pdu in pdus), pdus
        return "refused"
    if "parts" in record:
        _check_parts(record["parts"], record["expect"])
    else:
        pdu = _check_pdu(record)
        _check_fields(_view(pdu), record["expect"])
        if "decoder_time" in record:
            assert isinstance(pdu, Deliver)
            assert pdu.time.moment is not None
            wanted = datetime.fromisoformat(record["decoder_time"])
            assert pdu.time.moment.astimezone(UTC) == wanted, pdu.time.moment
    return "right"


def _marked_wrong(record: dict[str, Any]) -> bool:
    marked = any(record.get(mark) or record.get("expect", {}).get(mark) for mark in WRONG_MARKS)
    return marked or record.get("valid") is False or str(record.get("note", "")).startswith("NEGATIVE")


def _too_long(record: dict[str, Any]) -> bool:
    """Whether the tail of a SUBMIT without validity is longer than allowed, by counting its octets alone."""
    for part in record.get("parts", []):
        octets = bytes.fromhex(part["pdu"])
        smsc, digits = octets[0], octets[octets[0] + 3]
        fields_octets = 1 + smsc + 2 + 2 + (digits + 1) // 2 + 2
        has_validity = bool(octets[1 + smsc] & 0x18)
        if not has_validity and len(octets) - fields_octets - 1 > MAX_UD_OCTETS:
            return True
    return False


def _check_pdu(record: dict[str, Any]) -> Pdu:
    """One PDU is readable, has the stated length and is written again octet for octet."""
    octets = bytes.fromhex(record["pdu"])
    pdu = decode_hex(record["pdu"])
    assert not isinstance(pdu, Invalid), pdu
    assert encode(pdu) == octets, f"written as {encode(pdu).hex()}"
    if "cmgs_length" in record:
        assert cmgs_length(octets) == record["cmgs_length"]
    return pdu


def _check_parts(parts: list[dict[str, Any]], expect: dict[str, Any]) -> None:
    """The parts join to the stated text, and the stated fields are split and written as the same parts."""
    decoded = [_check_pdu(part) for part in parts]
    submits = [pdu for pdu in decoded if isinstance(pdu, Submit)]
    assert len(submits) == len(parts) == expect.get("parts", len(parts))
    first = submits[0]
    joined = _join(submits)
    wanted = {key: value for key, value in expect.items() if key not in ("parts", "text")}
    for pdu in submits:
        _check_fields(_view(pdu), wanted)
    if "text" not in expect:
        return
    assert joined == expect["text"], joined
    concat = first.user_data.concat or Concat(0, 1, 1, wide=False)
    pieces = split_text(expect["text"], reference=concat.reference, wide=concat.wide)
    reference, to = expect.get("mr", first.reference), Address.of(expect["to"])
    again = [
        Submit(
            smsc=first.smsc, reference=reference, destination=to,
            pid=first.pid, dcs=dcs_for(piece.alphabet), user_data=piece, validity=first.validity,
            status_report=first.status_report,
        )
        for piece in pieces
    ]  # fmt: skip
    assert [encode(pdu).hex() for pdu in again] == [part["pdu"].lower() for part in parts]


def _join(submits: list[Submit]) -> str:
    if submits[0].user_data.concat is None:
        return "".join(pdu.user_data.text for pdu in submits)
    reassembler: Reassembler[int] = Reassembler()
    done: list[Assembled[int]] = []
    for number, pdu in reversed(list(enumerate(submits))):
        done += reassembler.add(pdu.destination.text, pdu.user_data, number)
    (whole,) = done
    assert whole.complete
    return whole.user_data.text


def _check_fields(view: dict[str, Any], expect: dict[str, Any]) -> None:
    for key, value in expect.items():
        if key == "meaning":
            _check_meaning(view["outcome"], str(value))
            continue
        assert key in view, f"no field {key}"
        assert view[key] == value, f"{key}: {view[key]!r}, not {value!r}"


def _check_meaning(outcome: Outcome, prose: str) -> None:
    """The file says the class of a status in words; temporary ones differ in whether the centre goes on."""
    word = prose.replace(",", " ").replace(":", " ").split()[0].lower()
    if word == "temporary":
        trying = "still trying" in prose
        assert outcome is (Outcome.TRYING if trying else Outcome.GIVEN_UP), outcome
    elif PROSE.get(word) is not None:
        assert outcome is PROSE[word], outcome


def _view(pdu: Pdu) -> dict[str, Any]:
    """A decoded PDU under the names that the file uses."""
    view: dict[str, Any] = {
        "type": next(name for name, kind in TYPES.items() if isinstance(pdu, kind)),
        "first_octet": pdu.first_octet,
        "udhi": bool(pdu.first_octet & 0x40),
        "smsc": pdu.smsc.text if pdu.smsc else None,
    }
    if isinstance(pdu, StatusReport):
        recipient = pdu.recipient.text
        return view | {
            "mr": pdu.reference, "to": recipient, "recipient": recipient, "status": pdu.status,
            "outcome": pdu.outcome, "time": _iso(pdu.time.moment), "scts": _iso(pdu.time.moment),
            "discharge": _iso(pdu.discharge.moment), "discharge_time": _iso(pdu.discharge.moment),
        }  # fmt: skip
    data = pdu.user_data
    concat = data.concat
    view |= {
        "text": data.text, "alphabet": data.alphabet.value, "coding": data.alphabet.value,
        "encoding": data.alphabet.value, "flash": message_class_of(pdu.dcs) == 0,
        "dcs": pdu.dcs, "pid": pdu.pid,
        "class": message_class_of(pdu.dcs), "message_class": message_class_of(pdu.dcs),
        "data": data.content.hex(), "data_hex": data.content.hex(), "reply_path": pdu.reply_path,
        "udh": None if data.header is None else data.header.hex(),
        "concat": concat and {"ref": concat.reference, "total": concat.total, "part": concat.part},
    }  # fmt: skip
    if isinstance(pdu, Submit):
        validity = pdu.validity
        return view | {
            "to": pdu.destination.text, "mr": pdu.reference, "vpf": pdu.first_octet >> 3 & 3,
            "status_report_requested": pdu.status_report, "reject_duplicates": pdu.reject_duplicates,
            "vp": validity and validity.octets[0], "validity_s": validity and validity.duration_s,
        }  # fmt: skip
    time = _iso(pdu.time.moment)
    return view | {
        "sender": pdu.sender.text, "from": pdu.sender.text, "time": time, "scts": time,
        "more_messages": not pdu.no_more, "no_more": pdu.no_more,
        "status_report_indication": pdu.status_report_wanted,
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
