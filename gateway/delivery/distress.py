"""Tells another cry for help from the same one told again: a finger on the button, or words."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from drivers.base import Emergency, Position, Precedence
from gateway.core import Core
from gateway.ledger import messages, presence
from gateway.ledger.tx import Tx
from gateway.roster import Station

NEW_PRESS_S = 20.0
"""Sets repeat an alarm for a dozen seconds; the same again after this silence is another press: better loud
twice than silent once."""

SOS_AGAIN_S = 30.0
"""Headquarters is told of one station's distress as SOS at most so often, unless somebody here looks after it
already: later words go as PRIORITY. A frightened thumb must not fill the air; half a minute is a new cry."""

LOOK_BACK = 50
"""Messages of a station looked through for the SOS told last."""

MAX_PRESSED = 256
"""Devices remembered; the one longest silent is forgotten first, and is loud again when it comes back."""


@dataclass(frozen=True, slots=True)
class _Press:
    ref: str
    position: Position | None
    heard_s: float


class Presses:
    """The latest emergency event of each device on each link."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], _Press] = OrderedDict()

    def anew(self, link: str, event: Emergency, now_s: float) -> bool:
        """Note an event; return whether it is another press.

        It is one when the device gives it another reference, when nothing is known of the device, or when the
        same comes again after NEW_PRESS_S. A place that moved is the same alarm on its way.
        """
        key = (link, event.address)
        last = self._last.pop(key, None)
        if not event.active:
            return False
        self._last[key] = _Press(event.ref, event.position, now_s)
        if len(self._last) > MAX_PRESSED:
            self._last.popitem(last=False)
        if last is None or last.ref != event.ref:
            return True
        return now_s - last.heard_s >= NEW_PRESS_S and event.position == last.position


def cries_anew(tx: Tx, core: Core, station: Station) -> bool:
    """Whether another cry of this station is told as SOS: no alarm is loud here, or not told of late."""
    key = f"sos:{station.number}"
    if not presence.alarm_open(tx, key) or presence.alarm_acknowledged(tx, key):
        return True
    hq = core.headquarters()
    return hq is not None and hq.number != core.own and not _told_lately(tx, station)


def _told_lately(tx: Tx, station: Station) -> bool:
    for _, message in messages.list_messages(tx, limit=LOOK_BACK, station=station.number):
        if message.sender == station.number and message.precedence is Precedence.SOS:
            age = messages.age_s(tx, message.id)
            return age is not None and age.seconds < SOS_AGAIN_S
    return False
