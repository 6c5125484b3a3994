"""What the elements of an authentic frame change here: messages, receipts, reports, roll calls, positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gateway.core import Core
from gateway.delivery import far_ends, wire
from gateway.delivery.far_ends import FarEnd
from gateway.delivery.freshness import Freshness
from gateway.delivery.outbox import Outbox
from gateway.delivery.states import REPORTED, accepted_event, move
from gateway.domain import (
    Alarm,
    AlarmKind,
    Bearer,
    Evidence,
    Message,
    MessageId,
    MessageKind,
    Position,
    Precedence,
    Presence,
    Recipient,
    RecipientState,
)
from gateway.ledger import events, hops, messages, presence
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.native import BUTTON, SOS_CLEARED, SOS_PLACED, Distress
from gateway.native import read as read_native
from protocols import air

After = Callable[[], None]
"""Something to do once the transaction is on disk."""

NEW_PRESS_S = 20.0
"""Sets repeat an alarm for a dozen seconds; the same again after this silence is another press: better loud
twice than silent once."""


class ReusedIdentityError(Exception):
    """Another message than the one kept under this identity; nothing of its frame is taken."""

    def __init__(self, identity: MessageId) -> None:
        super().__init__(f"two messages named {identity}")
        self.identity = identity


class Upper(Protocol):
    """What the layers above do with what a frame brought."""

    def link_report(self, tx: Tx, report: air.LinkReportElement, link: LinkRunner) -> None:
        """Keep a neighbour's link report."""

    def report_requested(self, peer: int, link: LinkRunner) -> None:
        """Send our link report."""

    def polled(self, peer: int, poll: air.RollCallPoll, link: LinkRunner) -> None:
        """Answer a roll call."""

    def answered(self, tx: Tx, peer: int, answer: air.RollCallAnswer, link: LinkRunner) -> After | None:
        """Count an answer to a roll call of ours."""

    def heard(self, peer: int) -> None:
        """Note that an authentic frame of a gateway came in."""


class Incoming:
    """Applies elements inside the transaction of their frame."""

    def __init__(self, core: Core, outbox: Outbox, freshness: Freshness, upper: Upper) -> None:
        self._core = core
        self._outbox = outbox
        self._fresh = freshness
        self.upper = upper

    def element(
        self, tx: Tx, link: LinkRunner, opened: air.Opened, element: air.Element, after: list[After]
    ) -> None:
        """Apply one element; what must wait for the commit is appended to `after`."""
        peer = opened.stream.source
        match element:
            case air.MessageElement():
                self._message(tx, peer, element, after)
            case air.ReceiptElement():
                self._receipt(tx, element, after)
            case air.LinkReportElement():
                self.upper.link_report(tx, element, link)
                after.append(self._far_end(element.station, far_ends.read(tx, element.station)))
            case air.LinkReportRequest():
                after.append(lambda: self.upper.report_requested(peer, link))
            case air.RollCallPoll():
                after.append(lambda: self.upper.polled(peer, element, link))
            case air.RollCallAnswer():
                action = self.upper.answered(tx, peer, element, link)
                if action is not None:
                    after.append(action)
            case air.EchoRequest(nonce=nonce):
                after.append(lambda: self._fresh.reply(peer, nonce, link.name))
            case air.EchoReply(nonce=nonce):
                after.append(lambda: self._fresh.replied(opened.stream, nonce))
            case air.CounterNotice(highest=highest):
                after.append(lambda: self._fresh.behind(peer, highest))
            case air.IdentityNotice(message_id=name):
                after.append(lambda: self._fresh.reused(peer, wire.id_from_air(name)))
            case air.PositionElement():
                self._position(tx, peer, link, element)
            case air.StationPresence():
                self._sighting(tx, peer, element)
            case _:
                pass

    def _far_end(self, station: int, told: dict[int, FarEnd]) -> After:
        def note() -> None:
            if station in told:
                self._outbox.planner.far_ends.note(station, told[station], self._core.now_s())

        return note

    def _message(self, tx: Tx, peer: int, element: air.MessageElement, after: list[After]) -> None:
        core = self._core
        message = wire.message_from_air(
            element, own=core.own, came_from=peer, time_quality=core.time_quality()
        )
        if message.id.origin == core.own:
            return  # our own, on a detour
        placed = tuple(self._placed(message, recipient) for recipient in message.recipients)
        message = replace(message, recipients=placed)
        if messages.insert(tx, message):
            accepted_event(tx, message)
            self._raise_alarm(tx, message)
            for recipient in message.recipients:
                if recipient.state is RecipientState.REFUSED:
                    self._owe(tx, peer, message, recipient)
        else:
            if not _same(messages.get(tx, message.id), message):
                raise ReusedIdentityError(message.id)
            core.count("messages_repeat_absorbed")
            core.probe("incoming.message_repeated")
            new = messages.add_recipients(tx, message.id, message.recipients)
            known = messages.get(tx, message.id)
            self._added(tx, known, new)
            for recipient in known.recipients if known else ():
                if recipient.state in REPORTED:
                    self._owe(tx, peer, message, recipient)
        kept = messages.get(tx, message.id)
        if kept is not None:
            onward = [r.station for r in kept.recipients if not r.state.settled]
            after.extend([self._onward(kept, station) for station in onward])

    def _added(self, tx: Tx, known: Message | None, new: tuple[int, ...]) -> None:
        """Tell observers, and raise what is to be raised, for recipients that a later frame named."""
        if known is not None and new:
            self._core.probe("incoming.recipient_added")
            added = replace(known, recipients=tuple(r for r in known.recipients if r.station in new))
            accepted_event(tx, added)
            self._raise_alarm(tx, added)

    def _onward(self, message: Message, station: int) -> After:
        def onward() -> None:
            self._outbox.add_message(message, station)

        return onward

    def _placed(self, message: Message, recipient: Recipient) -> Recipient:
        """Give a recipient its first state here: ours is delivered, what cannot go on is refused."""
        core = self._core
        if recipient.station == core.own:
            return replace(recipient, state=RecipientState.DELIVERED, evidence=Evidence.PROTOCOL)
        if recipient.station not in core.roster.stations or message.hops_left <= 0:
            refused, how = RecipientState.REFUSED, Evidence.PROTOCOL
            return replace(recipient, state=refused, evidence=how, detail=wire.NO_WAY_ON)
        return recipient

    def _owe(self, tx: Tx, peer: int, message: Message, copy: Recipient) -> None:
        if copy.station != self._core.own or copy.state is not RecipientState.DELIVERED:
            told = copy.detail if copy.state is RecipientState.REFUSED else copy.by
            hops.owe_receipt(tx, peer, message.id, copy.station, copy.state, by=told, evidence=copy.evidence)

    def _raise_alarm(self, tx: Tx, message: Message) -> None:
        own_copy = any(r.station == self._core.own for r in message.recipients)
        key = f"sos:{message.sender}"
        if own_copy and (message.precedence is Precedence.SOS or _unheard_distress(tx, message)):
            raise_sos(
                tx,
                self._core,
                message.sender,
                message.text,
                unauthenticated=message.unauthenticated,
                anew=not (message.text.startswith(SOS_PLACED) or _told_already(tx, message, key)),
            )
        elif own_copy and message.text.startswith(SOS_CLEARED) and presence.alarm_clear(tx, key):
            events.append(tx, "alarm.cleared", {"key": key, "station": message.sender})

    def _receipt(self, tx: Tx, element: air.ReceiptElement, after: list[After]) -> None:
        identity = wire.id_from_air(element.message_id)
        state, evidence, by, why = wire.receipt_from_air(element)
        if state is RecipientState.REFUSED:
            self._core.probe("incoming.told_refused")
        move(tx, identity, element.recipient, state, evidence, by=by, detail=why)
        if state.settled:
            after.append(lambda: self._settle(("m", str(identity), str(element.recipient))))

    def _settle(self, key: tuple[str, ...]) -> None:
        self._outbox.settle(key)

    def _sighting(self, tx: Tx, peer: int, element: air.StationPresence) -> None:
        """A neighbour heard a station; dated back by its age, so that a newer note of ours stands."""
        bearer = Bearer(element.bearer.name.lower())
        presence.heard(
            tx,
            Presence(
                station=element.station,
                link=bearer.value,
                bearer=bearer,
                address="",
                how="reported",
                online=True,
                heard_unix_ms=tx.now_unix_ms - 1000 * (element.age_s or 0),
                via=peer,
            ),
        )
        events.append(tx, "station.heard", {"station": element.station, "via": peer, "how": "reported"})

    def _position(self, tx: Tx, peer: int, link: LinkRunner, element: air.PositionElement) -> None:
        fix_age_s = None if element.age_s is None else float(element.age_s)
        position = Position(element.latitude_deg, element.longitude_deg, fix_age_s)
        key = f"sos:{element.station}"
        if presence.alarm_locate(tx, key, position):
            events.append(tx, "alarm.located", {"key": key, "station": element.station})
        presence.heard(
            tx,
            Presence(
                station=element.station,
                link=link.name,
                bearer=link.capabilities.bearer,
                address="",
                how="position",
                online=True,
                heard_unix_ms=tx.now_unix_ms,
                position=position,
                via=peer,
            ),
        )


def _same(kept: Message | None, come: Message) -> bool:
    """Whether this is the message kept under its identity, by what its sender wrote.

    One no longer kept is taken for the same; recipients do not tell, since a second copy may name others.
    """
    if kept is None:
        return True
    return (kept.text, kept.kind, kept.sender, kept.precedence) == (
        come.text,
        come.kind,
        come.sender,
        come.precedence,
    )


def _told_already(tx: Tx, message: Message, key: str) -> bool:
    """Whether this tells of a button whose press raised the alarm here already, by a radio of our own.

    What was pressed before the alarm, or within NEW_PRESS_S of it, is that press; words are always new.
    """
    if message.kind is not MessageKind.NOTICE or BUTTON not in message.text:
        return False
    age = messages.age_s(tx, message.id)
    return presence.alarm_young(tx, key, NEW_PRESS_S + (0.0 if age is None else age.seconds))


def _unheard_distress(tx: Tx, message: Message) -> bool:
    """Whether these are words of distress, in a lesser class, that no loud alarm of their sender stands for.

    The gateway that passed them on told the first as SOS; it cannot know what was acknowledged here since.
    """
    said_by_a_person = message.kind is MessageKind.TEXT and message.unauthenticated
    if not said_by_a_person or not isinstance(read_native(message.text), Distress):
        return False
    key = f"sos:{message.sender}"
    return not presence.alarm_open(tx, key) or presence.alarm_acknowledged(tx, key)


def raise_sos(
    tx: Tx,
    core: Core,
    station: int,
    detail: str,
    *,
    unauthenticated: bool,
    position: Position | None = None,
    anew: bool = False,
) -> bool:
    """Raise the SOS alarm of a station; return whether it is a new one. `anew` as in `alarm_raise`."""
    return raise_alarm(
        tx,
        Alarm(
            key=f"sos:{station}",
            kind=AlarmKind.SOS,
            station=station,
            detail=detail,
            unauthenticated=unauthenticated,
            position=position,
            raised_unix_ms=tx.now_unix_ms,
            exercise=core.config.gateway.exercise,
        ),
        anew=anew,
    )


def raise_alarm(tx: Tx, alarm: Alarm, *, anew: bool = False) -> bool:
    """Raise an alarm and tell observers; return whether it is a new one. `anew` as in `alarm_raise`."""
    new = presence.alarm_raise(tx, alarm, anew=anew)
    if new:
        body = {"key": alarm.key, "alarm": alarm.kind.value, "station": alarm.station}
        events.append(tx, "alarm.raised", body)
    return new
