"""Maps the records of `tiantong_at.json` to the AT decoder and the typed meanings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from protocols.at import Decoder, Line, Result, encode_line, interpret
from protocols.at.meaning import (
    Call,
    CellSignal,
    Meaning,
    PacketEvent,
    PinState,
    Pushed,
    Registration,
    SatelliteSignal,
    SentReference,
    Setting,
    SimReady,
    SocketEvent,
    Storage,
    Stored,
    StoredMessage,
)

WRONG_MARKS = ("wrong", "refuse", "invalid", "negative")
KINDS = {
    SimReady: ("sim",), Registration: ("creg", "cgreg", "cereg", "registration", "reg"),
    SatelliteSignal: ("signal", "satsignal", "sat signal"), CellSignal: ("csq", "signal"),
}  # fmt: skip


def records(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line of the file, with itself as label."""
    for name, value in document.items():
        if isinstance(value, list):
            for number, record in enumerate(value):
                if isinstance(record, dict):
                    yield f"{name}[{number}] {record.get('line', '')}", record


def check(record: dict[str, Any]) -> str:
    """Return "right" or "refused"; AssertionError says what differs."""
    raw, expect = record["line"], record.get("expect", {})
    events = Decoder().feed(f"\r\n{raw}\r\n".encode())
    if any(record.get(mark) for mark in WRONG_MARKS) or str(record.get("note", "")).startswith("NEGATIVE"):
        typed = [interpret(event) for event in events if isinstance(event, Line)]
        assert not [meaning for meaning in typed if meaning is not None], typed
        return "refused"
    if not events:  # announces a PDU, which the file does not show: an empty result ends the wait
        events = Decoder().feed(f"\r\n{raw}\r\nOK\r\n".encode())[:1]
    (event,) = events
    if isinstance(event, Result):
        _check_result(event, raw, expect)
        return "right"
    assert isinstance(event, Line), event
    again = encode_line(event.name, event.parameters)
    assert again + (f"\r\n{event.pdu}" if event.pdu else "") == raw, again
    meaning = interpret(event)
    view = _view(meaning)
    if "urc" in expect:
        view["urc"] = expect["urc"] if meaning is None else _kind(meaning, expect["urc"])
    for key, value in expect.items():
        if key in view:
            assert view[key] == value, f"{key}: {view[key]!r}, not {value!r}"
        else:
            assert value in _plain(event), f"{key}: {value!r} is not in {event}"
    return "right"


def _check_result(result: Result, raw: str, expect: dict[str, Any]) -> None:
    error = result.word.partition(": ")[2] if result.code is None else result.code
    again = f"+{result.family} ERROR: {error}" if result.family else result.word
    assert again == raw, again
    view = {"error": error, "family": result.family, "ok": result.ok, "result": result.word}
    for key, value in expect.items():
        if key in ("urc", "meaning"):
            continue  # the file's own words for it
        assert view.get(key) == value, f"{key}: {view.get(key)!r}, not {value!r}"


def _plain(line: Line) -> list[Any]:
    """Every parameter of a line, as number and as text: for fields that the file names in its own way."""
    numbers = [parameter.decimal for parameter in line.parameters]
    return [
        line.name,
        *(parameter.text for parameter in line.parameters),
        *(n for n in numbers if n is not None),
    ]


def _kind(meaning: Meaning, wanted: str) -> str:
    """The file's word for a kind of line, or ours if the two do not fit."""
    if isinstance(meaning, Stored):
        return wanted if ("report" in wanted) is meaning.report else "new report or sms"
    if isinstance(meaning, SocketEvent):
        return f"socket {meaning.kind}" if "closed" in (meaning.kind, *wanted.split()) else wanted
    if isinstance(meaning, PacketEvent):
        return wanted if (wanted == "pdp active") is bool(meaning.active) else f"active: {meaning.active}"
    names = KINDS.get(type(meaning))
    return names[0] if names and wanted not in names else wanted


def _view(meaning: Meaning | None) -> dict[str, Any]:
    """A typed line under the names that the file uses."""
    if isinstance(meaning, SimReady):
        return {"ready": meaning.ready}
    if isinstance(meaning, PinState):
        return {"sim": meaning.state}
    if isinstance(meaning, Registration):
        view = {"n": meaning.mode, "stat": meaning.status, "lac": meaning.area, "ci": meaning.cell}
        return view | {"registered": meaning.registered}
    if isinstance(meaning, SatelliteSignal):
        return _signal(meaning)
    if isinstance(meaning, CellSignal):
        return {"rssi": meaning.rssi, "ber": meaning.ber, "rssi_dbm": meaning.rssi_dbm}
    if isinstance(meaning, Call):
        return {
            "idx": meaning.index, "call": meaning.index, "dir": int(meaning.incoming), "stat": meaning.state,
            "state": meaning.state, "state_text": meaning.state_text, "mode": meaning.mode,
            "mpty": meaning.multiparty, "number": meaning.number, "toa": meaning.number_type,
        }  # fmt: skip
    return _small(meaning)


def _signal(signal: SatelliteSignal) -> dict[str, Any]:
    return {
        "rssi": signal.rssi_dbm, "snr": signal.snr_db, "rssi_dbm": signal.rssi_dbm, "snr_db": signal.snr_db,
        "level": signal.level, "quality": signal.quality,
    }  # fmt: skip


def _small(meaning: Meaning | None) -> dict[str, Any]:
    if isinstance(meaning, Stored):
        return {"mem": meaning.memory, "index": meaning.index}
    if isinstance(meaning, Pushed):
        return {"length": meaning.length_octets}
    if isinstance(meaning, StoredMessage):
        return {"index": meaning.index, "stat": meaning.status, "length": meaning.length_octets}
    if isinstance(meaning, SentReference):
        return {"mr": meaning.reference, "ref": meaning.reference}
    if isinstance(meaning, Storage):
        return {"mem": meaning.memory, "used": meaning.used, "total": meaning.total}
    if isinstance(meaning, SocketEvent):
        return {"socket": meaning.socket, "kind": meaning.kind}
    return {"value": meaning.value} if isinstance(meaning, Setting) else {}
