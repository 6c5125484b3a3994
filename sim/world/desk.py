"""The desk at a gateway: a program on its API that sends, follows its events, and shows what it is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

from drivers.base import Precedence
from gateway.api.backend import Caller, NewMessage, Refusal, RefusedError, Role
from gateway.backend import GatewayBackend
from gateway.domain import Message
from gateway.ledger.errors import LedgerError
from protocols.errors import BadInputError
from sim.fleet import Box
from sim.record import Record, What
from sim.world.clerk import Clerk
from sim.world.texts import Texts

PAGE: Final = 500
"""Events asked for at once."""

RETRY_S: Final = 5.0
"""How soon a client whose request was not answered sends it again, with the same Idempotency-Key."""

RETRIES: Final = 2_000
"""Bounds that: some hours."""

LOST_ANSWERS: Final = 0.2
ASK_AGAIN_S: Final = (0.0, 120.0)
"""So many answers are lost on their way to the client, which then asks again so much later."""

CALLER: Final = Caller(name="desk", role=Role.ADMIN, ceiling=Precedence.SOS)


class Desk:
    """One API client. It remembers its cursor and what it has shown, whatever happens to the box."""

    def __init__(self, sign: str, box: Box, record: Record, texts: Texts) -> None:
        self.sign = sign
        self.shown: dict[str, str] = {}
        """Texts on the screen by message id."""
        self.shown_s: dict[str, float] = {}
        """When each appeared first."""
        self.told: dict[tuple[str, int], str] = {}
        """The state that events told last, by message id and station."""
        self.odd: list[tuple[str, str]] = []
        """What no client should ever be told: promise and words."""
        self.clerk: Clerk | None = None
        """Who sits here, where somebody does."""
        self._accepted: dict[tuple[str, int], int] = {}
        self._box = box
        self._record = record
        self._texts = texts
        self._cursor = 0
        self._number = 0

    # --- sending -----------------------------------------------------------------------------------------

    async def send(
        self,
        to: str,
        text: str,
        precedence: Precedence = Precedence.ROUTINE,
        *,
        lifetime_s: int | None = None,
        ack_wanted: bool = False,
    ) -> Message | None:
        """Send a message as a careful client does: until it is answered. None when it was refused.

        `to` may name several, with commas between. Now and then the answer does not reach the client, and it
        asks again with the same key.
        """
        self._number += 1
        key = f"{self.sign}-{self._number}"
        ack_wanted = ack_wanted or (self.clerk is not None and self.clerk.wants_acknowledgement(text))
        first, _, also = to.partition(",")
        facts: dict[str, Any] = {
            "key": key,
            "by": self.sign,
            "to": first,
            "also": also,
            "ack_wanted": ack_wanted,
            "text": text,
            "precedence": int(precedence),
            "native": False,
            "lifetime_s": lifetime_s,
            "followed": self._texts.typed(key, text),
        }
        self._record.note(What.TYPED, self.sign, **facts, accepted=None)
        new = NewMessage(
            to=tuple(to.split(",")),
            text=text,
            precedence=precedence,
            lifetime_s=lifetime_s,
            ack_wanted=ack_wanted,
        )
        message = await self._submit(new, key)
        ref = "" if message is None else str(message.id)
        self._record.note(What.TYPED, self.sign, **facts, accepted=message is not None, id=ref)
        if message is not None:
            if self.clerk is not None:
                self.clerk.sent(message)
            await self._ask_again(new, key, ref)
        return message

    async def _ask_again(self, new: NewMessage, key: str, ref: str) -> None:
        """Act as one of those clients whose answer got lost."""
        dice = random.Random(f"{key} {new.text}")  # noqa: S311 - repeatable on purpose
        if dice.random() < LOST_ANSWERS:
            await asyncio.sleep(dice.uniform(*ASK_AGAIN_S))
            again = await self._submit(new, key)
            if again is not None and str(again.id) != ref:
                self.odd.append(("P2", f"one Idempotency-Key made {ref} and {again.id}"))

    async def _submit(self, new: NewMessage, key: str) -> Message | None:
        for _ in range(RETRIES):
            if self._box.on:
                life = self._box.starts
                try:
                    message, _ = await self._box.backend.submit(new, CALLER, key)
                except BadInputError:
                    return None
                except (RefusedError, LedgerError) as error:
                    if not _worth_retrying(error):
                        return None
                else:
                    if self._lives(life):
                        return message
            await asyncio.sleep(RETRY_S)
        return None

    async def call_roll(self, stations: tuple[str, ...], deadline_s: int) -> None:
        """Call the roll; tried again while the box is off or holds another call."""

        async def start(backend: GatewayBackend) -> None:
            call = await backend.start_roll_call(
                stations=stations, title="点名", exercise=False, deadline_s=deadline_s, caller=CALLER
            )
            entries = call["entries"]
            assert isinstance(entries, list)  # noqa: S101 - the API's own shape
            for entry in entries:
                station, state = entry["station"], entry["state"]
                self._record.note(
                    What.ROLL_CALL,
                    self.sign,
                    call=call["id"],
                    station=station,
                    state=state,
                    within_s=deadline_s,
                )

        await self._insist(start)

    async def quiet(self, link: str, *, on: bool) -> None:
        """Stop or resume transmitting on a link, or on all."""

        async def set_quiet(backend: GatewayBackend) -> None:
            await backend.quiet(link, on, CALLER)

        await self._insist(set_quiet)
        self._record.note(
            What.FAULT,
            self.sign,
            link,
            name="quiet",
            target=self.sign if link == "all" else f"{self.sign}/{link}",
            state="begins" if on else "ends",
            cause="scenario",
        )

    async def _insist(self, act: Callable[[GatewayBackend], Awaitable[None]]) -> None:
        for _ in range(RETRIES):
            if self._box.on:
                life = self._box.starts
                try:
                    await act(self._box.backend)
                except (RefusedError, LedgerError):
                    pass  # the box is in trouble or busy: a person tries again
                else:
                    if self._lives(life):
                        return
            await asyncio.sleep(RETRY_S)

    def _lives(self, life: int) -> bool:
        """Whether the box still runs as it did: else it died with its answer."""
        return self._box.on and self._box.starts == life

    # --- seeing ------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Show what the gateway tells for as long as it answers; ends when the box goes off."""
        box, backend = self._box, self._box.backend
        try:
            if self._cursor > box.gateway.core.ledger.newest_cursor:
                self._cursor = 0  # another ledger, or an older one: read everything anew
            while box.on:
                _, rows = await backend.events_after(self._cursor, PAGE)
                newest = box.gateway.core.ledger.newest_cursor
                for cursor, kind, body, _ in rows:
                    if cursor > newest:
                        break  # its sync is under way: no reader of a real disk would see it
                    if cursor <= self._cursor:
                        self.odd.append(("P2", f"event {cursor} came again behind {self._cursor}"))
                        return
                    await self._take(backend, cursor, kind, body)
                    self._cursor = cursor
                await backend.wait_events(self._cursor)
        except LedgerError:
            return

    async def _take(self, backend: GatewayBackend, cursor: int, kind: str, body: dict[str, Any]) -> None:
        note = self._record.note
        if kind == "message.state":
            self.told[str(body["id"]), int(body["station"])] = str(body["state"])
            facts: dict[str, Any] = {
                key: body.get(key) for key in ("id", "station", "state", "evidence", "by")
            }
            note(What.MESSAGE, self.sign, **facts)
        elif kind == "message.accepted":
            for station in body["to"]:
                if self._accepted.setdefault((body["id"], station), cursor) != cursor:
                    self.odd.append(("P2", f"{body['id']} was accepted twice for {station}: news again"))
            await self._arrived(backend, body)
        elif kind.startswith("alarm."):
            note(What.ALARM, self.sign, key=body.get("key"), state=kind.removeprefix("alarm."))
        elif kind.startswith("rollcall."):
            self._roll_call(kind.removeprefix("rollcall."), body)

    def _roll_call(self, happening: str, body: dict[str, Any]) -> None:
        facts: dict[str, Any] = {k: v for k, v in body.items() if isinstance(v, str | int | float)}
        counts = body.get("counts")
        if isinstance(counts, dict):
            facts |= counts
        call = facts.pop("id", "")
        self._record.note(What.ROLL_CALL, self.sign, call=call, happening=happening, **facts)

    async def _last_link(self, backend: GatewayBackend, ref: str) -> str:
        """Return the link of a message's latest attempt, for reports."""
        attempts = await backend.attempts(ref)
        return attempts[-1].link if attempts else ""

    async def _arrived(self, backend: GatewayBackend, body: dict[str, Any]) -> None:
        own = self._box.config.gateway.station
        if own not in body["to"] or body["sender"] == own or body["id"] in self.shown:
            return
        message = await backend.message(body["id"])
        if message is None:
            return
        self.shown[body["id"]] = message.text
        self.shown_s[body["id"]] = asyncio.get_running_loop().time()
        self._record.note(
            What.SHOWN,
            self.sign,
            by=self.sign,
            sender=message.sender,
            text=message.text,
            id=body["id"],
            precedence=int(message.precedence),
            key=self._texts.key(message.text),
            repeat=False,
        )
        if self.clerk is not None:
            self.clerk.arrived(message)

    async def missing(self) -> list[str]:
        """Return the ids of messages that were on the screen once and that the gateway no longer knows."""
        return [ref for ref in self.shown if await self._box.backend.message(ref) is None]


def _worth_retrying(error: RefusedError | LedgerError) -> bool:
    """Whether a careful client tries again: the box was in trouble, the request was not wrong."""
    if isinstance(error, LedgerError):
        return True
    return error.reason in (Refusal.NO_SPACE, Refusal.UNAVAILABLE)
