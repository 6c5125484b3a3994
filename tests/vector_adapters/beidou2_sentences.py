"""Maps the records of `beidou2_sentences.json` to the 2.1 codec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from protocols.beidou import content
from protocols.beidou.framing import (
    DECODE_ONLY,
    SELF_DESTRUCT,
    TEXT,
    Decoder,
    Event,
    Garbage,
    Sentence,
    encode,
    seal,
)
from protocols.beidou.layout import Layout
from protocols.beidou.reports import BoxCommand
from protocols.beidou.sentences import Malformed, parse
from protocols.errors import LocalProtocolError

BOX_ARGUMENTS = {
    "SET": ("value", "period", "sos_ic", "flag"),
    "SOS": ("value", "on", "period", "sos_ic", "text"),
}


def records(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record of every list of the file, with a label."""
    for name, value in document.items():
        if isinstance(value, list):
            for number, record in enumerate(value):
                if isinstance(record, dict):
                    yield f"{name}[{number}] {record.get('raw', record.get('raw_hex', ''))}", record


def check(record: dict[str, Any]) -> str:
    """Return "right" or "refused"; AssertionError says what differs."""
    if "raw_hex" in record:
        return _check_framing(bytes.fromhex(record["raw_hex"]), record.get("expect_id"))
    octets = bytes.fromhex(record["bytes_hex"])
    events = Decoder().feed(octets)
    wrong = not record.get("checksum_ok", True) or str(record.get("note", "")).startswith("NEGATIVE")
    if wrong:
        return _check_refused(events)
    (sentence,) = events
    assert isinstance(sentence, Sentence), sentence
    assert (sentence.talker, sentence.id) == (record["talker"], record["id"].rstrip(","))
    assert list(sentence.texts) == record["fields_raw"]
    _check_encode(sentence, octets)
    typed = parse(sentence)
    assert not isinstance(typed, Malformed), typed
    if isinstance(typed, Layout):
        again = parse(Sentence(sentence.talker, sentence.id, typed.to_fields()))
        assert again == typed, f"{typed} was written as {again}"
    seen = _view(typed)
    for key, expected in record.get("expect", {}).items():
        _check_field(key, expected, seen, sentence)
    return "right"


def _check_framing(octets: bytes, expect_id: str | None) -> str:
    events = Decoder().feed(octets)
    sentences = [event for event in events if isinstance(event, Sentence)]
    if expect_id is None:
        assert not sentences, sentences
        return _check_refused(Decoder().feed(octets + b"\r\n"))
    (sentence,) = sentences
    assert sentence.id == expect_id
    assert encode(sentence).rstrip() in octets
    return "right"


def _check_refused(events: list[Event]) -> str:
    parsed = [parse(event) for event in events if isinstance(event, Sentence)]
    assert all(isinstance(value, Malformed) for value in parsed), parsed
    assert parsed or any(isinstance(event, Garbage) for event in events), "refused but not counted"
    return "refused"


def _check_encode(sentence: Sentence, octets: bytes) -> None:
    framed = seal(sentence.talker, sentence.id, sentence.fields)
    assert framed.rstrip(b"\r\n") == octets.rstrip(b"\r\n")
    if sentence.talker == "CC" and sentence.id in {*DECODE_ONLY, SELF_DESTRUCT}:
        try:
            encode(sentence)
        except LocalProtocolError:
            return
        raise AssertionError(f"CC{sentence.id} must never be sent")
    assert encode(sentence) == framed


def _view(typed: Layout | Sentence) -> dict[str, Any]:
    """Name what was decoded as the vectors name it."""
    if not isinstance(typed, Layout):
        return {}
    seen: dict[str, Any] = {field.name: getattr(typed, field.name) for field in fields(typed)}  # type: ignore[arg-type]
    for name in ("card_present", "service_level"):
        if hasattr(typed, name):
            seen[name] = getattr(typed, name)
    if isinstance(typed, BoxCommand):
        seen |= dict(zip(BOX_ARGUMENTS.get(typed.cmd, ("value",)), typed.args, strict=False))
    if isinstance(raw := seen.get("content"), bytes):
        decoded = content.decode(seen["mode"], raw)
        seen |= {
            "text": decoded.text,
            "data_hex": decoded.octets.hex().upper(),
            "data_digits": raw.decode("ascii", "replace"),
            "payload_after_A4": raw.removeprefix(content.MIXED_PREFIX).decode(TEXT, "replace"),
            "form": decoded.form,
        }
    return seen


def _check_field(key: str, expected: Any, seen: dict[str, Any], sentence: Sentence) -> None:
    """Compare by name; a name we do not know is right when its value is one that was decoded."""
    if key in seen:
        assert _same(seen[key], expected), f"{key}: {seen[key]!r}, expected {expected!r}"
        return
    values = [*seen.values(), *sentence.texts]
    assert any(_same(value, expected) for value in values), f"{key}={expected!r} is not in {values}"


def _same(value: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return (
            isinstance(value, tuple | list)
            and len(value) == len(expected)
            and all(map(_same, value, expected))
        )
    if isinstance(expected, bool):
        return value is expected
    if isinstance(expected, int | float):
        try:
            return value is not None and abs(float(value) - expected) < 1e-6
        except (TypeError, ValueError):
            return False
    if isinstance(expected, str) and isinstance(value, str):
        return value.removesuffix(".00").casefold() == expected.removesuffix(".00").casefold()
    return bool(value == expected)
