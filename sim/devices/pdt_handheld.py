"""A handheld on a PDT net: a screen, a keypad, an emergency button, and the person who holds it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sim.devices.pdt_net import Air, Kind, PdtNet, Station
from sim.diary import Diary, NoDiary
from sim.people import Person

RESEND_S = (5.0, 10.0, 15.0, 20.0, 30.0, 30.0)
"""Waits before an unanswered text is sent again with the same request id; then the set gives up."""
EMERGENCY_REPEAT_S = (4.0, 8.0)
"""An alarm is sent again after these waits, whether or not somebody heard it."""
SEEN = 16
"""Texts a set remembers by sender and request id, so that what is sent again is not shown again."""
MAX_SHOWN = 1000
"""Texts a screen remembers: more than any scenario shows, and no more than a test can wade through."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that appeared on a screen: seconds on the loop's clock, the sender's radio id, group or 0."""

    at_s: float
    sender: int
    text: str
    group: int = 0


@dataclass(slots=True)
class Typed:
    """A text somebody typed. `outcome` is "sending", then "delivered" or "failed"."""

    at_s: float
    to: int
    text: str
    request_id: int
    outcome: str = "sending"


class Handheld(Station):
    """One set. `home` is the mobile its texts and registrations go to unless another id is given."""

    def __init__(
        self,
        station_id: int,
        net: PdtNet,
        *,
        name: str,
        home: int,
        person: Person | None = None,
        groups: frozenset[int] = frozenset(),
        position: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(station_id, net, groups)
        self.name = name
        self.home = home
        self.person = person
        self.diary: Diary = NoDiary()
        self.position = position
        self.locate: Callable[[], tuple[float, float]] | None = None
        """Tells the place of one who moves, instead of `position`."""
        self.answers_checks = True
        """Whether it answers online checks by itself; with these switched off only its person can answer."""
        self.screen: list[Shown] = []
        self.typed: list[Typed] = []
        self.registered = False
        self.in_emergency = False
        self._request_id = 0
        self._seen: deque[tuple[int, int]] = deque(maxlen=SEEN)

    def switch_on(self) -> None:
        """Power up: the set's own message counter starts anew, and it registers."""
        self.powered = True
        self._request_id = 0
        self.register()

    def switch_off(self) -> None:
        """Say goodbye and power down."""
        self._send(Kind.OFFLINE)
        asyncio.get_running_loop().call_later(2.0, self._dark)

    def register(self) -> None:
        """Tell the home mobile that this set is here."""
        self.registered = False
        self._send(Kind.REGISTER)

    def type_text(self, text: str, to: int = 0) -> Typed:
        """Type and send; the set repeats until answered or tired. Watch `outcome` of what is returned."""
        self._request_id += 1
        typed = Typed(asyncio.get_running_loop().time(), to or self.home, text, self._request_id)
        self.typed.append(typed)
        self.diary.typed(len(self.typed), str(typed.to), text)
        self._try(typed, 0)
        return typed

    def press_emergency(self) -> None:
        """Press the orange button; the alarm goes out several times."""
        self.in_emergency = True
        self.diary.pressed(on=True)
        self._alarm()
        for wait_s in EMERGENCY_REPEAT_S:
            asyncio.get_running_loop().call_later(wait_s, self._alarm)

    def cancel_emergency(self) -> None:
        """End the alarm."""
        self.in_emergency = False
        self.diary.pressed(on=False)
        self._send(Kind.EMERGENCY_END, to=0)

    def hear(self, air: Air) -> None:
        """React as the set does: show, answer, count."""
        if air.kind is Kind.TEXT:
            self._show(air)
        elif air.kind is Kind.ACK:
            for number, typed in enumerate(self.typed, start=1):
                if (
                    typed.request_id == air.request_id
                    and typed.to == air.source
                    and typed.outcome == "sending"
                ):
                    typed.outcome = "delivered"
                    self.diary.taken(number)
        elif air.kind is Kind.REGISTERED:
            self.registered = True
        elif air.kind is Kind.CHECK:
            if self.answers_checks:
                self._send(Kind.CHECK_ANSWER, to=air.source)
        elif air.kind is Kind.WHERE:
            self._send(Kind.POSITION, to=air.source, request_id=air.request_id)

    def texts(self) -> list[str]:
        """Return what the screen shows, oldest first."""
        return [shown.text for shown in self.screen]

    def _show(self, air: Air) -> None:
        if not air.group:
            self._send(Kind.ACK, to=air.source, request_id=air.request_id, acked=Kind.TEXT)
        if (air.source, air.request_id) in self._seen:
            return  # the radio sent it again: our acknowledgement was not heard
        self._seen.append((air.source, air.request_id))
        text = air.body.decode("utf-16-le", "replace")
        group = air.destination if air.group else 0
        self.screen.append(Shown(asyncio.get_running_loop().time(), air.source, text, group))
        del self.screen[:-MAX_SHOWN]
        self.diary.shown(str(air.source), text)
        if self.person is not None:
            self.person.read(text, lambda reply: self._answer(reply, air.source))

    def _answer(self, reply: str, to: int) -> None:
        if self.powered:
            self.type_text(reply, to)

    def _try(self, typed: Typed, tries: int) -> None:
        if typed.outcome != "sending" or not self.powered:
            return
        if tries > len(RESEND_S):
            typed.outcome = "failed"
            return
        self._send(Kind.TEXT, to=typed.to, request_id=typed.request_id, body=typed.text.encode("utf-16-le"))
        wait_s = RESEND_S[min(tries, len(RESEND_S) - 1)]
        asyncio.get_running_loop().call_later(wait_s, self._try, typed, tries + 1)

    def _alarm(self) -> None:
        if self.in_emergency:
            self._send(Kind.EMERGENCY, to=0)

    def _dark(self) -> None:
        self.powered = self.registered = False

    def _send(
        self,
        kind: Kind,
        *,
        to: int | None = None,
        request_id: int = 0,
        body: bytes = b"",
        acked: Kind | None = None,
    ) -> None:
        if self.powered:
            self.net.transmit(
                Air(
                    kind=kind,
                    source=self.id,
                    destination=self.home if to is None else to,
                    request_id=request_id,
                    body=body,
                    position=self.position if self.locate is None else self.locate(),
                    acked=acked,
                )
            )
