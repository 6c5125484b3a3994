"""The person at a desk: acknowledges what asks for it, reads, and now and then takes a message back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from gateway.api.backend import Caller, NotFoundError, RefusedError
from gateway.backend import GatewayBackend
from gateway.domain import Message, RecipientState
from gateway.ledger.errors import LedgerError
from protocols.errors import BadInputError
from sim.fleet import Box

ASKING_SHARE: Final = 0.2
"""Of messages so many ask for an acknowledgement by a person."""

DUTIFUL_SHARE: Final = 0.8
"""Of those asked so many acknowledge."""

READING_SHARE: Final = 0.3
"""Of other messages so many are marked as read."""

REGRET_SHARE: Final = 0.03
"""Of messages so many are taken back."""

WITHIN_S: Final = (1.0, 40.0)
"""How soon."""

RETRY_S: Final = 5.0
TRIES: Final = 200
"""A click that was not answered is repeated for some minutes."""

Act = Callable[[GatewayBackend, str, Caller], Awaitable[Message]]
Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Clerk:
    """Clicks at one gateway. What was begun and what was answered is kept, by message id."""

    def __init__(self, sign: str, box: Box, caller: Caller, spawn: Spawn) -> None:
        self.acknowledging: set[str] = set()
        self.acknowledged: set[str] = set()
        """Those that the gateway said it has noted."""
        self.reading: set[str] = set()
        self.regretting: set[str] = set()
        self.never_left: set[str] = set()
        """Taken back before anything of them was handed to a link."""
        self._sign = sign
        self._box = box
        self._caller = caller
        self._spawn = spawn

    def wants_acknowledgement(self, text: str) -> bool:
        """Whether the sender of this text asks for one."""
        return self._dice("asks", text).random() < ASKING_SHARE

    def sent(self, message: Message) -> None:
        """Think again about a message of one's own."""
        dice = self._dice("regrets", message.text)
        if dice.random() < REGRET_SHARE:
            self._spawn(self._regret(str(message.id), dice.uniform(*WITHIN_S)), f"{self._sign}.regret")

    def arrived(self, message: Message) -> None:
        """Act on a message that appeared on the screen."""
        dice, ref = self._dice("reads", message.text), str(message.id)
        if dice.random() >= (DUTIFUL_SHARE if message.ack_wanted else READING_SHARE):
            return
        begun = self.acknowledging if message.ack_wanted else self.reading
        act = GatewayBackend.acknowledge if message.ack_wanted else GatewayBackend.mark_read
        self._spawn(self._note(act, ref, dice.uniform(*WITHIN_S), begun), f"{self._sign}.clerk")

    def _dice(self, what: str, text: str) -> random.Random:
        return random.Random(f"{self._sign} {what} {text}")  # noqa: S311 - repeatable on purpose

    async def _regret(self, ref: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        untouched = await self._untouched(ref)
        done = await self._click(GatewayBackend.cancel, ref, self.regretting)
        if untouched and done and not await self._tried(ref):
            self.never_left.add(ref)

    async def _untouched(self, ref: str) -> bool:
        """Whether a message of ours still waits whole."""
        if not self._box.on:
            return False
        try:
            message = await self._box.backend.message(ref)
        except LedgerError:
            return False
        return message is not None and all(r.state is RecipientState.QUEUED for r in message.recipients)

    async def _tried(self, ref: str) -> bool:
        try:
            return not self._box.on or bool(await self._box.backend.attempts(ref))
        except LedgerError:
            return True

    async def _note(self, act: Act, ref: str, delay_s: float, begun: set[str]) -> None:
        await asyncio.sleep(delay_s)
        if await self._click(act, ref, begun) and begun is self.acknowledging:
            self.acknowledged.add(ref)

    async def _click(self, act: Act, ref: str, begun: set[str]) -> bool:
        """Do it until the gateway answers; whether it said that it is done."""
        for _ in range(TRIES):
            if self._box.on:
                begun.add(ref)
                life = self._box.starts
                try:
                    await act(self._box.backend, ref, self._caller)
                except LedgerError:
                    pass
                except (RefusedError, NotFoundError, BadInputError):
                    return False
                else:
                    if self._box.starts == life:
                        return True
            await asyncio.sleep(RETRY_S)
        return False
