"""What lies in the terminal's store: read, joined, handed on, and deleted only when it is on our disk."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.base import Notice, Received, Service
from protocols.sms import (
    Alphabet,
    Assembled,
    Deliver,
    Invalid,
    Pdu,
    Reassembler,
    StatusReport,
    UserData,
    decode_hex,
)

MAX_STORED = 512
"""Places of a store that are followed; terminals have 20 to 255."""

INCOMPLETE_S = 6 * 3600.0
"""A long message whose parts do not come is shown with its gaps after this long: the centre has retried."""

REPORT_KEPT_S = 20.0
"""A status report stays stored this long after it was told, so that a power cut does not swallow it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One short message: its place (0: none) and octets, when first seen, its time stamp, which part."""

    index: int
    raw: str
    seen_s: float
    stamp: bytes
    number: int


@dataclass(slots=True)
class _Waiting:
    """A message that was handed on and is not confirmed: the parts it lies in."""

    received: Received
    parts: list[Part] = field(default_factory=list)
    told: bool = False


class Inbox:
    """Follows the store; the driver lists it, and deletes what `doomed` names."""

    def __init__(
        self, put: Callable[[Received | Notice], None], on_report: Callable[[StatusReport], None]
    ) -> None:
        self.invalid = 0
        self._put = put
        self._on_report = on_report
        self._parts: Reassembler[Part] = Reassembler()
        self._known: dict[int, str] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._doomed: dict[int, tuple[float, str]] = {}
        self._foreign: set[int] = set()
        self._next_receipt = 1

    def listed(self, stored: dict[int, str], now_s: float) -> None:
        """Take the whole listing (index: hexadecimal PDU)."""
        for index in [index for index, pdu in self._known.items() if stored.get(index) != pdu]:
            self.deleted(index)  # somebody else did
        for index, pdu in stored.items():
            if index not in self._known and len(self._known) < MAX_STORED:
                self._known[index] = pdu
                self._take(index, decode_hex(pdu), pdu, now_s)
        while (oldest := self._parts.oldest()) and now_s - oldest[0].seen_s > INCOMPLETE_S:
            self._assembled(self._parts.give_up(1))

    def pushed(self, pdu_hex: str, now_s: float) -> None:
        """Take a message that the terminal did not store."""
        self._take(0, decode_hex(pdu_hex), pdu_hex, now_s)

    def again(self, room: Callable[[], bool]) -> None:
        """Hand on what found no room in the queue of events."""
        for waiting in self._waiting.values():
            if not waiting.told and room():
                waiting.told = True
                self._put(waiting.received)

    def confirm(self, receipt: int, now_s: float) -> bool:
        """Mark the places of a confirmed message for deletion; False for an unknown receipt."""
        waiting = self._waiting.pop(receipt, None)
        if waiting is None:
            return False
        for part in waiting.parts:
            self._doom(part.index, now_s, part.raw)
        return True

    def doomed(self, now_s: float) -> list[int]:
        """Return the places to delete now: those that still hold what was confirmed."""
        self._doomed = {i: (s, raw) for i, (s, raw) in self._doomed.items() if self._known.get(i) == raw}
        return [index for index, (from_s, _) in self._doomed.items() if from_s <= now_s]

    def deleted(self, index: int) -> None:
        """Note that a place is empty."""
        self._doomed.pop(index, None)
        self._known.pop(index, None)
        self._foreign.discard(index)

    def full(self, now_s: float) -> int:
        """Make room: doom what nobody waits for, show unfinished messages with gaps; return how much."""
        before = len(self.doomed(now_s))
        for index in (*self._foreign, *self._doomed):
            self._doom(index, now_s, self._known.get(index, ""))
        if len(self.doomed(now_s)) == 0 and len(self._parts):
            self._assembled(self._parts.give_up(1))
        return len(self.doomed(now_s)) - before

    def _take(self, index: int, pdu: Pdu | Invalid, raw: str, now_s: float) -> None:
        if isinstance(pdu, Invalid):
            self.invalid += 1
            self._put(Notice(event="sms_undecodable", detail=f"{pdu.reason}: {raw[:400]}"))
            self._doom(index, now_s, raw)
        elif isinstance(pdu, StatusReport):
            self._on_report(pdu)
            self._doom(index, now_s + REPORT_KEPT_S, raw)
        elif isinstance(pdu, Deliver):
            concat = pdu.user_data.concat
            part = Part(index, raw, now_s, pdu.time.octets, concat.part if concat else 1)
            if concat is None:
                self._hand_on(
                    pdu.sender.text, pdu.user_data, (part,), f"{zlib.crc32(pdu.user_data.content):08x}"
                )
            else:
                self._assembled(self._parts.add(pdu.sender.text, pdu.user_data, part))
        else:
            self._foreign.add(index)  # a message somebody prepared in the terminal: not ours to delete

    def _doom(self, index: int, from_s: float, raw: str) -> None:
        if index:
            self._doomed[index] = (from_s, raw)

    def _assembled(self, messages: list[Assembled[Part]]) -> None:
        for message in messages:
            data = message.user_data
            check = f"{message.concat.reference}/{message.concat.total}-{zlib.crc32(data.content):08x}"
            if not message.complete:
                self._put(Notice(event="sms_incomplete", detail=f"{message.source}: {gaps_of(message)}"))
                if data.alphabet is Alphabet.OCTETS:  # a frame with a hole in it opens for nobody
                    for part in message.tags:
                        self._doom(part.index, 0.0, part.raw)
                    continue
            self._hand_on(
                message.source, data, message.tags, check, gap="" if message.complete else gaps_of(message)
            )

    def _hand_on(
        self, source: str, data: UserData, parts: tuple[Part, ...], check: str, gap: str = ""
    ) -> None:
        stamp = min(parts, key=lambda part: part.number).stamp.hex()
        text = "" if data.alphabet is Alphabet.OCTETS else data.text + gap
        payload = data.content if data.alphabet is Alphabet.OCTETS else b""
        stored = [part for part in parts if part.index]
        reference = f"{stamp}-{check}"
        for waiting in self._waiting.values():
            if waiting.received.native_ref == reference and waiting.received.source == source:
                waiting.parts += stored  # the centre sent it again: one message, one confirmation
                return
        receipt, self._next_receipt = self._next_receipt, self._next_receipt + 1
        received = Received(
            service=Service.DATA if payload else Service.TEXT, source=source, payload=payload, text=text,
            native_ref=reference, receipt=receipt if stored else 0,
        )  # fmt: skip
        if stored:
            self._waiting[receipt] = _Waiting(received, stored)
        else:
            self._put(received)


def gaps_of(message: Assembled[Part]) -> str:
    """Return the words that stand after a message with missing parts."""
    gaps = ",".join(map(str, message.missing))
    return f"［缺第{gaps}段，共{message.concat.total}段 / parts {gaps} of {message.concat.total} missing］"
