"""A satellite phone and the person who holds it: a screen, a keypad, a switch."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass

from sim.channel import Channel
from sim.devices.sms_centre import SmsCentre
from sim.devices.sms_wire import Body as SmsBody
from sim.devices.sms_wire import Submitted, read_body, write_bodies
from sim.diary import Diary, NoDiary
from sim.people import Person

MAX_SHOWN = 1000
"""Texts a screen remembers: more than any scenario shows."""

TAKEN = 16
"""Deliveries a phone remembers, so as not to show one twice."""

MAX_PARTS_HELD = 100
"""Parts of unfinished long messages a phone holds."""

_REPORT_TYPE = 2
_KIND_BITS, _INTERNATIONAL = 0x70, 0x10


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that appeared on the screen: seconds on the loop's clock, the sender's number."""

    at_s: float
    sender: str
    text: str


@dataclass(slots=True)
class Typed:
    """A text somebody typed. `outcome` is "sending", then "sent", "delivered" or "failed"."""

    at_s: float
    to: str
    text: str
    outcome: str = "sending"


class Phone:
    """One phone; its person reads and answers to who wrote. `channel` None: a sky without loss."""

    def __init__(
        self,
        number: str,
        centre: SmsCentre,
        *,
        name: str = "",
        person: Person | None = None,
        channel: Channel | None = None,
    ) -> None:
        self.number = number
        self.name = name or number
        self.person = person
        self.diary: Diary = NoDiary()
        self.channel = channel or Channel(f"phone {number}", rng=random.Random(0))  # noqa: S311 - draws nothing
        self.screen: list[Shown] = []
        self.typed: list[Typed] = []
        self.data: list[bytes] = []
        self.powered = True
        self._centre = centre
        self._taken: deque[bytes] = deque(maxlen=TAKEN)
        self._parts: dict[tuple[str, int, int, int], str] = {}
        self._reference = 0
        self._awaiting: dict[int, Typed] = {}
        centre.add(self)

    @property
    def reachable(self) -> bool:
        """Whether the network has it registered."""
        return self.powered and self.channel.passes

    def switch_on(self) -> None:
        """Register; what the centre kept arrives."""
        self.powered = True
        self._centre.attached(self.number)

    def switch_off(self) -> None:
        """Go dark."""
        self.powered = False

    def type_text(self, text: str, to: str) -> Typed:
        """Type and send; watch `outcome` of what is returned."""
        typed = Typed(asyncio.get_running_loop().time(), to, text)
        self.typed.append(typed)
        self.diary.typed(len(self.typed), to, text)
        self._reference = (self._reference + 1) & 0xFF
        bodies = write_bodies(text, self._reference)
        for number, body in enumerate(bodies):
            self._send(typed, body, last=number == len(bodies) - 1)
        return typed

    def take(self, pdu: bytes) -> bool:
        """Read what the centre sends."""
        at = 1 + pdu[0]
        if pdu[at] & 3 == _REPORT_TYPE:
            typed = self._awaiting.pop(pdu[at + 1], None)
            if typed is not None:
                typed.outcome = "failed" if pdu[-1] else "delivered"
            return True
        # one object is one delivery, as one RP reference is on the air; equal octets may be two texts
        if any(pdu is one for one in self._taken):
            return True  # our confirmation was lost on the way, and the centre sent it again
        self._taken.append(pdu)
        digits, kind = pdu[at + 1], pdu[at + 2]
        end = at + 3 + (digits + 1) // 2
        swapped = "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in pdu[at + 3 : end])
        sender = ("+" if kind & _KIND_BITS == _INTERNATIONAL else "") + swapped[:digits]
        body = SmsBody(pdu[end + 1], bool(pdu[at] & 0x40), pdu[end + 9], pdu[end + 10 :])
        self._read(sender, body)
        return True

    def _send(self, typed: Typed, body: SmsBody, *, last: bool) -> None:
        def arrive() -> None:
            taken = self._centre.submit(self.number, reference, Submitted(typed.to, last, 172_800.0, body))
            if last or not taken:
                typed.outcome = "sent" if taken else "failed"
                if taken:
                    self.diary.taken(number)

        number = len(self.typed)
        reference = number & 0xFF
        if last:
            self._awaiting[reference] = typed
        self.channel.carry(len(body.user_data) + 20, arrive)

    def _read(self, sender: str, body: SmsBody) -> None:
        piece = read_body(body)
        if piece.data:
            self.data.append(piece.data)
        elif piece.part is None:
            self._show(sender, piece.text)
        else:
            reference, total, number = piece.part
            if len(self._parts) >= MAX_PARTS_HELD:
                self._parts.pop(next(iter(self._parts)))
            self._parts[sender, reference, total, number] = piece.text
            keys = [(sender, reference, total, n) for n in range(1, total + 1)]
            if all(key in self._parts for key in keys):
                self._show(sender, "".join(self._parts.pop(key) for key in keys))

    def _show(self, sender: str, text: str) -> None:
        if len(self.screen) < MAX_SHOWN:
            self.screen.append(Shown(asyncio.get_running_loop().time(), sender, text))
        self.diary.shown(sender, text)
        if self.person is not None:
            self.person.read(text, lambda answer: void(self.type_text(answer, sender)))


def void(_typed: Typed) -> None:
    """Drop what typing returned: the log keeps it."""
