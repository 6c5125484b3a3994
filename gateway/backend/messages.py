"""Messages as programs and people use them: submit, look, cancel, read, acknowledge."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from gateway.api.backend import (
    DEFAULT_LIFETIME_S,
    Caller,
    NewMessage,
    NotFoundError,
    Refusal,
    RefusedError,
)
from gateway.backend.parts import Parts
from gateway.delivery.planner import Misfit
from gateway.delivery.states import accepted_event, move
from gateway.delivery.work import Work
from gateway.domain import (
    MAX_LIFETIME_S,
    MAX_TEXT_CHARS,
    Attempt,
    Evidence,
    Message,
    MessageId,
    Precedence,
    Recipient,
    RecipientState,
)
from gateway.ledger import attempts, hops, idempotency, messages, notes, rows
from gateway.ledger.hops import OwedReceipt
from gateway.ledger.tx import Tx
from gateway.roster import Station
from gateway.routing import last_hop_ways, ways
from protocols.errors import BadInputError

MAX_RECIPIENTS = 1_000
"""Recipients of one message after groups are expanded."""


class MessageSide:
    """The messages of the backend."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def submit(
        self, new: NewMessage, caller: Caller, idempotency_key: str | None
    ) -> tuple[Message, bool]:
        """Take a message; on disk when this returns."""
        core = self._parts.core
        stations = core.roster.resolve(new.to)
        _check(new, stations)
        draft = self._draft(new, stations)
        if not new.keep:
            for station in stations:
                self._require_fit(draft, station)
        digest = hashlib.sha256(repr(new).encode()).digest()

        def accept(tx: Tx) -> tuple[Message, bool]:
            if idempotency_key is not None:
                known = idempotency.idempotent(tx, caller.name, idempotency_key, digest)
                if known is not None and (kept := messages.get(tx, known)) is not None:
                    return kept, True
            message = replace(draft, id=messages.next_id(tx, core.own))
            messages.insert(tx, message)
            if idempotency_key is not None:
                idempotency.remember_idempotency(tx, caller.name, idempotency_key, digest, message.id)
            accepted_event(tx, message)
            notes.audit(tx, caller.name, "send", str(message.id))
            kept = messages.get(tx, message.id)
            return kept or message, False

        message, replayed = await core.ledger.write(accept, urgent=new.precedence is Precedence.SOS)
        if not replayed:
            for recipient in message.recipients:
                self._parts.outbox.add_message(message, recipient.station)
        return message, replayed

    def _draft(self, new: NewMessage, stations: tuple[Station, ...]) -> Message:
        core = self._parts.core
        own = Recipient(station=core.own, state=RecipientState.DELIVERED, evidence=Evidence.PROTOCOL)
        return Message(
            id=MessageId(core.own, core.ledger.incarnation, 0),
            kind=new.kind,
            precedence=new.precedence,
            text=new.text,
            sender=core.own,
            exercise=new.exercise or core.config.gateway.exercise,
            ack_wanted=new.ack_wanted or new.precedence >= Precedence.FLASH,
            lifetime_s=DEFAULT_LIFETIME_S if new.lifetime_s is None else new.lifetime_s,
            time_quality=core.time_quality(),
            keep_for_bigger=new.keep,
            recipients=tuple(
                own if station.number == core.own else Recipient(station=station.number)
                for station in stations
            ),
        )

    def _require_fit(self, draft: Message, station: Station) -> None:
        """Refuse what no living bearer can carry, or, when none lives, what no bearer ever could."""
        core, planner = self._parts.core, self._parts.outbox.planner
        if station.number == core.own:
            return
        planner.begin()
        found = ways(station, own=core.own, roster=core.roster, links=core.route_links())
        if not found:
            if planner.all_open():
                raise RefusedError(
                    Refusal.NO_ROUTE,
                    en=f"no link of this gateway could ever reach {station.call_sign}",
                    zh=f"本网关没有任何链路可达 {station.call_sign}",
                    field="to",
                    limit="a station with an address on one of this gateway's bearers",
                    found=station.call_sign,
                )
            return
        probe = Work(
            key=("m", "", ""),
            station=station.number,
            precedence=draft.precedence,
            born_s=core.now_s(),
            message=draft,
        )
        living = [way for way in found if way.state.value in ("up", "suspect", "recovering")]
        if misfit := planner.too_long(probe, living or found):
            raise _too_large(misfit, station, "living" if living else "")
        if misfit := planner.too_long(probe, last_hop_ways(station, own=core.own, links=core.route_links())):
            raise _too_large(misfit, station, "known")

    async def messages(
        self, *, limit: int, before: str | None, state: str | None, station: str | None
    ) -> list[Message]:
        """Messages, newest first."""
        wanted = _state(state) if state is not None else None
        number = self._parts.station(station).number if station is not None else None
        identity = MessageId.parse(before) if before is not None else None

        def page(tx: Tx) -> list[Message]:
            row = rows.row_of(tx, identity) if identity is not None else None
            found = messages.list_messages(tx, limit=limit, before_row=row, state=wanted, station=number)
            return [message for _, message in found]

        return [self._explained(m) for m in await self._parts.core.ledger.read(page)]

    async def message(self, message_id: str) -> Message | None:
        """One message."""
        identity = MessageId.parse(message_id)
        found = await self._parts.core.ledger.read(lambda tx: messages.get(tx, identity))
        return self._explained(found) if found is not None else None

    def _explained(self, message: Message) -> Message:
        """Name who relayed or acknowledged, and say why a copy still waits, as it is this moment."""
        sign = self._parts.core.roster.sign
        if any(r.by.isdecimal() for r in message.recipients):
            named = (replace(r, by=sign(int(r.by))) if r.by.isdecimal() else r for r in message.recipients)
            message = replace(message, recipients=tuple(named))
        if all(r.state is not RecipientState.QUEUED or r.detail for r in message.recipients):
            return message
        self._parts.outbox.planner.begin()
        return replace(message, recipients=tuple(self._why(message, r) for r in message.recipients))

    def _why(self, message: Message, recipient: Recipient) -> Recipient:
        work = self._parts.outbox.works.get(("m", str(message.id), str(recipient.station)))
        if work is None or recipient.state is not RecipientState.QUEUED or recipient.detail:
            return recipient
        return replace(recipient, detail="; ".join(self._parts.outbox.planner.plan_for(work).why))

    async def attempts(self, message_id: str) -> list[Attempt]:
        """Every try for a message."""
        identity = MessageId.parse(message_id)
        return await self._parts.core.ledger.read(lambda tx: attempts.of_message(tx, identity))

    async def cancel(self, message_id: str, caller: Caller) -> Message:
        """Stop trying for recipients not yet reached."""
        identity = MessageId.parse(message_id)

        def cancel(tx: Tx) -> list[int]:
            message = _kept(tx, identity)
            open_ones = [r.station for r in message.recipients if not r.state.settled]
            for station in open_ones:
                move(tx, identity, station, RecipientState.CANCELLED, Evidence.OPERATOR, by=caller.name)
            notes.audit(tx, caller.name, "cancel", message_id)
            return open_ones

        stopped = await self._parts.core.ledger.write(cancel, urgent=True)
        if not stopped:
            raise RefusedError(
                Refusal.CONFLICT,
                en="every recipient has been reached or given up",
                zh="所有收件台站均已送达或已终止，无法撤销",
                field="id",
                found=message_id,
            )
        for station in stopped:
            self._parts.outbox.settle(("m", str(identity), str(station)))
        return await self._get(identity)

    async def mark_read(self, message_id: str, caller: Caller) -> Message:
        """A person here has read it."""
        return await self._person(message_id, caller, RecipientState.READ)

    async def acknowledge(self, message_id: str, caller: Caller) -> Message:
        """A person here acknowledges it."""
        return await self._person(message_id, caller, RecipientState.ACKNOWLEDGED)

    async def _person(self, message_id: str, caller: Caller, state: RecipientState) -> Message:
        identity, own = MessageId.parse(message_id), self._parts.core.own

        def note(tx: Tx) -> list[OwedReceipt]:
            newest = hops.newest_owed(tx)
            message = _kept(tx, identity)
            if all(r.station != own for r in message.recipients):
                raise RefusedError(
                    Refusal.CONFLICT,
                    en="not addressed to this station",
                    zh="此报文不是发给本台的",
                    field="id",
                )
            move(tx, identity, own, state, Evidence.OPERATOR, by=caller.name)
            messages.read_by(tx, identity, own, caller.name)
            notes.audit(tx, caller.name, state.value, message_id)
            return hops.owed(tx, above=newest)

        for receipt in await self._parts.core.ledger.write(note, urgent=True):
            self._parts.outbox.add_receipt(receipt)
        return await self._get(identity)

    async def _get(self, identity: MessageId) -> Message:
        return self._explained(await self._parts.core.ledger.read(lambda tx: _kept(tx, identity)))


def _too_large(misfit: Misfit, station: Station, kind: str) -> RefusedError:
    way, parts = misfit.way, misfit.parts
    bearer = {"living": "living bearer", "known": "bearer", "": "bearer"}[kind]
    words = {"living": "在用", "known": "已知", "": "所有"}[kind]
    largest = (
        f"{misfit.limit_octets} ({way.link})"
        if parts == 1
        else (f"{misfit.limit_octets} in {parts} parts ({way.link})")
    )
    return RefusedError(
        Refusal.TOO_LARGE,
        en=f"{misfit.octets} octets fit no {bearer} to {station.call_sign}; "
        f"the largest takes {largest}; shorten it, or keep it for a bigger one",
        zh=f"{misfit.octets} 字节超过到 {station.call_sign} 的{words}承载；"
        f"最大 {misfit.limit_octets} 字节（{way.link}，共 {parts} 条）；请缩短，或要求等待更大的承载",
        field="text",
        limit=f"{misfit.limit_octets} octets" + (f" in {parts} parts" if parts > 1 else ""),
        found=f"{misfit.octets} octets",
    )


def _check(new: NewMessage, stations: tuple[Station, ...]) -> None:
    if not stations or len(stations) > MAX_RECIPIENTS:
        raise BadInputError(
            "to", limit=f"1..{MAX_RECIPIENTS} recipients", found=len(stations), zh="收件台站数超出范围"
        )
    if not new.text.strip() or len(new.text) > MAX_TEXT_CHARS:
        raise BadInputError(
            "text", limit=f"1..{MAX_TEXT_CHARS} characters", found=len(new.text), zh="报文长度超出范围"
        )
    if new.lifetime_s is not None and not 0 < new.lifetime_s <= MAX_LIFETIME_S:
        raise BadInputError(
            "lifetime_s",
            limit=f"1..{MAX_LIFETIME_S} s from now",
            found=new.lifetime_s,
            en="over before it begins, or too long" if new.lifetime_s <= 0 else "too long",
            zh="有效期已过或超出范围",
        )


def _state(word: str) -> RecipientState:
    try:
        return RecipientState(word.lower())
    except ValueError:
        raise BadInputError(
            "state", limit=" ".join(RecipientState), found=word, zh="没有此报文状态"
        ) from None


def _kept(tx: Tx, identity: MessageId) -> Message:
    message = messages.get(tx, identity)
    if message is None:
        raise NotFoundError("id", str(identity))
    return message
