"""Texts and short data that came in: what is new, what is a repeat, what is owed an acknowledgement."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from drivers.hytera.config import MAX_RECEIPTS, MAX_SOURCES, RESEND_WINDOW_S
from protocols.hytera import tmp

KEY = "epoch:"
Key = tuple[int, int, int, int]


@dataclass(slots=True)
class Entry:
    """One message: `receipt` for the gateway, `native_ref` for its de-duplication."""

    receipt: int
    native_ref: str
    message: tmp.Text | tmp.ShortData
    epoch: int
    since_s: float
    confirmed: bool = False


class Inbox:
    """Absorbs repeats by (source, request id, contents) within a registration of the source.

    A handset's counter starts anew when it is switched on, and it registers then: the count of registrations
    is part of the reference, so that the first "到" of today is not taken for the first of yesterday.
    """

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._epochs: dict[int, int] = {}
        self._receipts = 0

    def start(self, notes: dict[str, str]) -> None:
        """Take up the registrations counted in the last run."""
        for key, value in notes.items():
            number = key.removeprefix(KEY)
            if (
                key.startswith(KEY)
                and number.isdecimal()
                and value.isdecimal()
                and len(self._epochs) < MAX_SOURCES
            ):
                self._epochs[int(number)] = int(value)

    def registered(self, source: int) -> dict[str, str]:
        """Count a registration; return the note to save."""
        if source not in self._epochs and len(self._epochs) >= MAX_SOURCES:
            return {}
        self._epochs[source] = self._epochs.get(source, 0) + 1
        return {f"{KEY}{source}": str(self._epochs[source])}

    def take(self, message: tmp.Text | tmp.ShortData, now_s: float) -> tuple[Entry, bool] | None:
        """Return the entry of a message and whether it is new; None when there is no room to remember it."""
        source = message.source.id
        key, crc = _key(message)
        epoch = self._epochs.get(source, 0)
        known = self._entries.get(key)
        if known is not None and (known.epoch == epoch or now_s - known.since_s < RESEND_WINDOW_S):
            return known, False
        self._make_room()
        if len(self._entries) >= MAX_RECEIPTS:
            return None
        self._receipts += 1
        ref = f"{source}:{epoch}:{message.request_id:08x}:{crc:08x}"
        entry = Entry(self._receipts, ref, message, epoch, now_s)
        self._entries.pop(key, None)
        self._entries[key] = entry
        return entry, True

    def confirm(self, receipt: int) -> Entry | None:
        """Mark as safe what the gateway has committed; None for a receipt unknown or done."""
        for entry in self._entries.values():
            if entry.receipt == receipt and not entry.confirmed:
                entry.confirmed = True
                return entry
        return None

    def refuse(self, entry: Entry) -> None:
        """Forget a message that could not be handed on; its repeat will be new."""
        self._entries.pop(_key(entry.message)[0], None)

    def _make_room(self) -> None:
        if len(self._entries) >= MAX_RECEIPTS:
            oldest = next((key for key, entry in self._entries.items() if entry.confirmed), None)
            if oldest is not None:
                del self._entries[oldest]


def clean(text: str) -> str:
    """Strip the CR LF that Motorola sets put before a text, and what fills its end."""
    return text.lstrip("\r\n").rstrip("\0")


def _key(message: tmp.Text | tmp.ShortData) -> tuple[Key, int]:
    octets = message.text.encode("utf-16-le") if isinstance(message, tmp.Text) else message.data
    crc = zlib.crc32(octets)
    return (message.source.id, message.request_id, int(message.op), crc), crc
