"""Cries for help: another one told from the same again, the alarm here, and the word to headquarters."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from drivers.base import Emergency, Position, Precedence
from gateway import native
from gateway.core import Core
from gateway.delivery.incoming import NEW_PRESS_S, raise_sos
from gateway.delivery.outbox import Outbox
from gateway.delivery.states import accepted_event
from gateway.delivery.work import Work
from gateway.domain import Message, MessageKind, Presence, Recipient
from gateway.ledger import events, messages, presence
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.roster import Station
from protocols import air

SOS_AGAIN_S = 30.0
"""Headquarters is told of one station's distress as SOS at most so often, unless somebody here looks after it
already: later words go as PRIORITY. A frightened thumb must not fill the air; half a minute is a new cry."""

LOOK_BACK = 50
"""Messages of a station looked through for the SOS told last."""

LIFETIME_S = 86_400
"""A native sender cannot say a lifetime: a day, as a shift and its successor see it."""

POSITION_LIFE_S = 600.0
"""A place not told by then is replaced by a newer one or misleads."""

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

    def knows(self, link: str, event: Emergency) -> bool:
        """Whether this link has heard an emergency of this device before."""
        return (link, event.address) in self._last

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


class Emergencies:
    """Raises alarms, and tells headquarters."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._presses = Presses()

    async def event(self, link: LinkRunner, event: Emergency) -> None:
        """Take an emergency call, or its cancellation, from a device. Raises LedgerError."""
        core = self._core
        station = core.roster.at_address(link.capabilities.bearer, event.address)
        if station is None:
            detail = f"emergency from unknown address {event.address} on {link.name}"
            stranger = self._presses.anew(link.name, event, core.now_s())
            await core.ledger.write(
                lambda tx: raise_sos(
                    tx, core, 0, detail, unauthenticated=True, position=event.position, anew=stranger
                ),
                urgent=True,
            )
            return
        link.health.heard(station.number, core.now_s())
        known = self._presses.knows(link.name, event)
        anew = self._presses.anew(link.name, event, core.now_s())

        def op(tx: Tx) -> list[Message]:
            # the same finger, heard first by another's radio, is no second cry when ours hears it
            again = anew and (known or not presence.alarm_young(tx, f"sos:{station.number}", NEW_PRESS_S))
            note = sign_of_life(tx, core, link, event.address, station, "emergency", event.position)
            presence.heard(tx, note)
            if event.active:
                return self.cry(tx, station, native.BUTTON, event.position, anew=again)
            return self._emergency_over(tx, station)

        for message in await core.ledger.write(op, urgent=True):
            forward(self._outbox, message)
        if event.active and event.position is not None:
            self._tell_position(station, event.position)

    def cry(
        self, tx: Tx, station: Station, words: str, position: Position | None, *, anew: bool
    ) -> list[Message]:
        """Raise the alarm here and tell headquarters with a message of precedence SOS, once per cry.

        `anew`: another cry, not a set that repeats itself; it is told though the alarm of the one before is
        still open. Radios tell the button first and the place a moment later: nothing waits for the place,
        and its first one is worth a second message.
        """
        cries = anew and cries_anew(tx, self._core, station)
        where = f" 位置 {position.latitude_deg:.5f},{position.longitude_deg:.5f}" if position else ""
        said = f"{station.call_sign} {station.name}：{words}{where}"
        placed = position is not None and not presence.alarm_located(tx, f"sos:{station.number}")
        text = native.SOS_RAISED + said
        new = raise_sos(
            tx, self._core, station.number, text, unauthenticated=True, position=position, anew=anew
        )
        if not (new or cries or placed):
            return []
        told = text if new or cries else native.SOS_PLACED + said
        return self._report(tx, station, told, Precedence.SOS)

    def _tell_position(self, station: Station, position: Position) -> None:
        """Send headquarters the place in figures; it rides with the message, later ones go by themselves."""
        core, hq = self._core, self._core.headquarters()
        if hq is None or hq.number == core.own:
            return
        fix_s = core.now_s() - (position.fix_age_s or 0.0)

        def element(now_s: float) -> air.PositionElement:
            age_s = None if position.fix_age_s is None else int(now_s - fix_s)
            return air.PositionElement(
                station=station.number,
                latitude_deg=position.latitude_deg,
                longitude_deg=position.longitude_deg,
                age_s=age_s,
            )

        self._outbox.add_control(
            Work(
                key=("c", "position", str(station.number)),
                station=hq.number,
                precedence=Precedence.SOS,
                born_s=core.now_s(),
                element=element,
                elicits_ack=False,
                expires_s=core.now_s() + POSITION_LIFE_S,
            )
        )

    def _emergency_over(self, tx: Tx, station: Station) -> list[Message]:
        if not presence.alarm_clear(tx, f"sos:{station.number}"):
            return []
        events.append(tx, "alarm.cleared", {"key": f"sos:{station.number}", "station": station.number})
        text = f"{native.SOS_CLEARED}{station.call_sign} {station.name}"
        return self._report(tx, station, text, Precedence.FLASH)

    def _report(self, tx: Tx, station: Station, text: str, precedence: Precedence) -> list[Message]:
        hq = self._core.headquarters()
        if hq is None or hq.number == self._core.own:
            return []
        message = Message(
            id=messages.next_id(tx, self._core.own),
            kind=MessageKind.NOTICE,
            precedence=precedence,
            text=text,
            sender=station.number,
            unauthenticated=True,
            exercise=self._core.config.gateway.exercise,
            ack_wanted=True,
            lifetime_s=LIFETIME_S,
            time_quality=self._core.time_quality(),
            recipients=(Recipient(station=hq.number),),
        )
        messages.insert(tx, message)
        accepted_event(tx, message)
        return [message]


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


def sign_of_life(
    tx: Tx,
    core: Core,
    link: LinkRunner,
    address: str,
    station: Station,
    how: str,
    position: Position | None = None,
) -> Presence:
    """Return the note that a station was heard here now."""
    return Presence(
        station=station.number,
        link=link.name,
        bearer=link.capabilities.bearer,
        address=address,
        how=how,
        online=True,
        heard_unix_ms=tx.now_unix_ms,
        position=position,
        via=core.own,
    )


def forward(outbox: Outbox, message: Message) -> None:
    """Put every copy that is not at its end into the outbox."""
    for recipient in message.recipients:
        if not recipient.state.settled:
            outbox.add_message(message, recipient.station)
