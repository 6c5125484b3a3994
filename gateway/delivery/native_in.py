"""Native texts and emergency calls coming in from devices that know nothing of us."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from drivers.base import Emergency, Received, Stage
from gateway import native
from gateway.core import Core
from gateway.delivery.distress import LIFETIME_S, Emergencies, cries_anew, forward, sign_of_life
from gateway.delivery.incoming import After
from gateway.delivery.outbox import Outbox
from gateway.delivery.states import accepted_event, move
from gateway.delivery.work import WorkKey
from gateway.domain import (
    Evidence,
    Message,
    MessageKind,
    Precedence,
    Recipient,
    RecipientState,
)
from gateway.ledger import attempts, events, hops, messages, presence
from gateway.ledger import native as native_ledger
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.roster import Station

AUTOMATIC_EVERY_S = 600.0
"""At most one automatic reply to a station in this time: machines must not converse, bearers cost."""

MAX_TEXT_CHARS = 1_000
"""More than any native bearer carries; a longer text is cut and marked."""

LOOK_BACK = 50
"""Messages to a station looked through for the one it acknowledges."""


class RollCallAnswers(Protocol):
    """Takes native answers to a running roll call."""

    def native_answer(self, tx: Tx, station: Station, text: str, link: LinkRunner) -> After | None:
        """Count the text as an answer if a running call has asked this station.

        Runs in the ledger's thread; what it returns is done after the commit. None: no call asked.
        """


class NativeIn:
    """Turns native texts into messages, acknowledgements, alarms and answers."""

    def __init__(self, core: Core, outbox: Outbox, roll_calls: RollCallAnswers) -> None:
        self._core = core
        self._outbox = outbox
        self._roll_calls = roll_calls
        self._emergencies = Emergencies(core, outbox)

    async def emergency_event(self, link: LinkRunner, event: Emergency) -> None:
        """Take an emergency call, or its cancellation, from a device. Raises LedgerError."""
        await self._emergencies.event(link, event)

    async def text(self, link: LinkRunner, event: Received) -> None:
        """Take one native text: on disk, then confirmed to the device, then answered if it wants that."""
        try:
            await self._text(link, event)
        except LedgerError as error:
            self._core.count("texts_not_stored")
            self._core.probe("native_in.not_stored")
            self._core.log.warning("text_not_stored", link=link.name, error=str(error))
            return  # not confirmed: the device keeps it and offers it again
        await link.confirm(event.receipt)

    async def _text(self, link: LinkRunner, event: Received) -> None:
        core = self._core
        station = core.roster.at_address(link.capabilities.bearer, event.source)
        if station is None:
            await core.ledger.write(lambda tx: _keep_stranger(tx, link.name, event))
            core.count("texts_quarantined")
            return
        link.health.heard(station.number, core.now_s())
        self._outbox.station_heard(station.number)
        urgent = isinstance(native.read(event.text), native.Distress | native.Acknowledge)
        after: list[After] = []

        def take(tx: Tx) -> tuple[list[Message], list[hops.OwedReceipt]]:
            after.clear()  # on a full disk it runs twice
            newest = hops.newest_owed(tx)
            return self._take(tx, link, event, station, after), hops.owed(tx, above=newest)

        made, owed = await core.ledger.write(take, urgent=urgent)
        for receipt in owed:
            self._outbox.add_receipt(receipt)
        for action in after:
            action()
        for message in made:
            forward(self._outbox, message)

    def _take(
        self, tx: Tx, link: LinkRunner, event: Received, station: Station, after: list[After]
    ) -> list[Message]:
        """Do all that one text asks for, in one transaction with the note that it was taken."""
        presence.heard(tx, sign_of_life(tx, self._core, link, event.source, station, "text"))
        events.append(tx, "station.heard", {"station": station.number, "link": link.name, "how": "text"})
        if native_ledger.seen_before(tx, link.name, event.source, event.native_ref):
            self._core.count("texts_repeat_absorbed")
            self._core.probe("native_in.repeat_absorbed")
            return []
        text = event.text[:MAX_TEXT_CHARS].strip()
        intent = native.read(text)
        match intent:
            case native.Help():
                return self._automatic(tx, station, native.HELP_TEXT)
            case native.Acknowledge() if (key := self._acknowledge(tx, station)) is not None:
                after.append(partial(self._settle, key))
                return []
            case native.Distress() if cries_anew(tx, self._core, station):
                return self._emergencies.cry(tx, station, text, None, anew=True)
            case native.Present() | native.Plain():
                answer = self._roll_calls.native_answer(tx, station, text, link)
                after.extend([answer] if answer is not None else [])
                if answer is not None and isinstance(intent, native.Present):
                    return []
            case _:
                pass
        return self._pass_on(tx, station, text, intent, event)

    def _pass_on(
        self, tx: Tx, station: Station, text: str, intent: native.Intent, event: Received
    ) -> list[Message]:
        """Accept it as a message to the station it names, or to headquarters."""
        to, replies = self._default_to(station), list[Message]()
        if isinstance(intent, native.To):
            named = self._core.roster.find(intent.word)
            if named is None or named.number == station.number:
                words = f"{native.AUTOMATIC}没有呼号 {intent.word}，已转指挥部"
                replies = self._automatic(tx, station, words)
            else:
                to, text = named.number, intent.text
        # Words of distress while the alarm is up are news to those who look after it.
        urgent = text.startswith(URGENT_MARKS) or isinstance(intent, native.Distress)
        precedence = Precedence.PRIORITY if urgent else Precedence.ROUTINE
        group = f"【组呼 {event.group}】" if event.group else ""
        return [self._accept(tx, station, group + text, to, precedence, event.source), *replies]

    def _default_to(self, station: Station) -> int:
        """Headquarters; from headquarters' own radios, this gateway itself."""
        hq = self._core.headquarters()
        return hq.number if hq is not None and hq.number != station.number else self._core.own

    def _accept(
        self, tx: Tx, station: Station, text: str, to: int, precedence: Precedence, address: str
    ) -> Message:
        core = self._core
        here = to == core.own
        recipient = Recipient(
            station=to,
            state=RecipientState.DELIVERED if here else RecipientState.QUEUED,
            evidence=Evidence.PROTOCOL if here else Evidence.OBSERVED,
        )
        message = Message(
            id=messages.next_id(tx, core.own),
            kind=MessageKind.TEXT,
            precedence=precedence,
            text=text,
            sender=station.number,
            sender_address=address,
            unauthenticated=True,
            exercise=core.config.gateway.exercise,
            lifetime_s=LIFETIME_S,
            time_quality=core.time_quality(),
            recipients=(recipient,),
        )
        messages.insert(tx, message)
        accepted_event(tx, message)
        return message

    def _settle(self, key: WorkKey) -> None:
        self._outbox.settle(key)

    def _acknowledge(self, tx: Tx, station: Station) -> WorkKey | None:
        """The newest message asking for it that the device has shown is acknowledged.

        Nothing older is touched when that one already was: who says it twice speaks of the same. When none
        was shown for certain it is the newest that may have been, or else the text that the radio has at this
        moment: a quick thumb overtakes the report.
        """
        number = station.number
        perhaps: Message | None = None
        under_way: Message | None = None
        for _, message in messages.list_messages(tx, limit=LOOK_BACK, station=number):
            copy = next(r for r in message.recipients if r.station == number)
            if not message.ack_wanted:
                continue
            if copy.state is RecipientState.ACKNOWLEDGED:
                return None if perhaps is None else _acknowledged(tx, perhaps, number)
            if copy.state in _SHOWN:
                return _acknowledged(tx, message, number)
            if perhaps is None and _may_be_shown(tx, message, copy):
                perhaps = message
            elif under_way is None and Stage.AT_MODEM in _text_stages(tx, message, number):
                under_way = message
        chosen = perhaps or under_way
        if chosen is not None:
            self._core.probe("native_in.acknowledged_unreported")
        return None if chosen is None else _acknowledged(tx, chosen, number)

    # --- automatic replies -------------------------------------------------------------------------------

    def _automatic(self, tx: Tx, station: Station, text: str) -> list[Message]:
        """Make an automatic reply; never to a gateway, at most one per station in ten minutes."""
        if station.gateway or self._answered_lately(tx, station):
            self._core.count("automatic_replies_held_back")
            self._core.probe("native_in.reply_held_back")
            return []
        message = Message(
            id=messages.next_id(tx, self._core.own),
            kind=MessageKind.NOTICE,
            precedence=Precedence.ROUTINE,
            text=text,
            sender=self._core.own,
            exercise=self._core.config.gateway.exercise,
            lifetime_s=int(AUTOMATIC_EVERY_S),
            time_quality=self._core.time_quality(),
            recipients=(Recipient(station=station.number),),
        )
        messages.insert(tx, message)
        accepted_event(tx, message)
        return [message]

    def _answered_lately(self, tx: Tx, station: Station) -> bool:
        """Whether it had an automatic reply from us in the last ten minutes, restarts or not."""
        for _, message in messages.list_messages(tx, limit=LOOK_BACK, station=station.number):
            if message.sender == self._core.own and message.text.startswith(native.AUTOMATIC):
                age = messages.age_s(tx, message.id)
                return age is not None and age.seconds < AUTOMATIC_EVERY_S
        return False


URGENT_MARKS = ("!", "！", "急", "加急")
"""A text that begins so is PRIORITY, the ceiling of native text."""


_SHOWN = frozenset({RecipientState.DELIVERED, RecipientState.READ, RecipientState.ACKNOWLEDGED})
_PERHAPS_SHOWN = frozenset({RecipientState.ON_AIR, RecipientState.AT_NETWORK, RecipientState.UNKNOWN})
_PERHAPS_THERE = frozenset({Stage.ON_AIR, Stage.AT_NETWORK, Stage.UNKNOWN})


def _may_be_shown(tx: Tx, message: Message, copy: Recipient) -> bool:
    """Whether the device may have shown it: what only waited here was seen by nobody.

    The attempts tell more than the state: unknown is less than "at modem", and an end hides both.
    """
    stages = _text_stages(tx, message, copy.station)
    return bool(stages) and (copy.state in _PERHAPS_SHOWN or not _PERHAPS_THERE.isdisjoint(stages))


def _text_stages(tx: Tx, message: Message, station: int) -> set[Stage | None]:
    """How far the native texts of a copy got; of one in parts the last, which asks for the answer."""
    tried = attempts.of_message(tx, message.id, station)
    return {one.stage for one in tried if one.next_hop == 0 and one.part == one.parts}


def _acknowledged(tx: Tx, message: Message, number: int) -> WorkKey:
    move(tx, message.id, number, RecipientState.ACKNOWLEDGED, Evidence.OBSERVED, by=str(number))
    return ("m", str(message.id), str(number))


def _keep_stranger(tx: Tx, link: str, event: Received) -> None:
    row = native_ledger.quarantine(tx, link, event.source, event.text[:MAX_TEXT_CHARS])
    events.append(tx, "quarantine.added", {"id": row, "link": link, "address": event.source})
