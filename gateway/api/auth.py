"""Who calls: bearer tokens, roles, and a wrong token that costs only its sender time."""

from __future__ import annotations

from collections import OrderedDict

from aiohttp import web

from drivers.base import Clock, Log
from gateway.api.backend import Caller, Refusal, RefusedError, Role
from gateway.api.errors import UnauthorizedError
from gateway.api.settings import Tokens
from gateway.domain import Precedence
from gateway.words import zh

FIRST_DELAY_S = 0.5
"""Delay of the answer to a first wrong token; doubles with each further one from the same address."""
DELAY_MAX_S = 8.0
"""Longest delay: a mistyped token must not look like a dead gateway."""
MAX_WAITING = 32
"""Answers delayed at once; more are refused at once with 429, so that guessing holds no memory."""
MAX_ADDRESSES = 256
"""Addresses whose failures are remembered; the oldest is forgotten first."""
MAX_TOKEN_CHARS = 256
"""Longer ones are wrong without hashing them."""

WS_PROTOCOL = "fieldgate.v1"
"""The subprotocol of the event stream; beside it a browser passes `bearer.TOKEN`, which is never answered."""
WS_BEARER = "bearer."


class Gatekeeper:
    """Finds the caller of a request, or makes a wrong token wait and raises."""

    def __init__(self, tokens: Tokens, clock: Clock, log: Log) -> None:
        self._tokens = tokens
        self._clock = clock
        self._log = log
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._waiting = 0

    async def caller(self, request: web.Request) -> Caller:
        """Return who calls; raises UnauthorizedError after a delay, or RefusedError(TOO_MANY)."""
        token = _offered(request)
        address = request.remote or "?"
        caller = self._tokens.find(token) if 0 < len(token) <= MAX_TOKEN_CHARS else None
        if caller is not None:
            self._failures.pop(address, None)
            return caller
        if token:
            await self._make_wait(address)
        raise UnauthorizedError

    async def _make_wait(self, address: str) -> None:
        count = self._failures.pop(address, 0) + 1
        self._failures[address] = count
        if len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)
        self._log.warning("token_refused", address=address, count=count)
        if self._waiting >= MAX_WAITING:
            raise RefusedError(
                Refusal.TOO_MANY,
                field="Authorization",
                limit=f"{MAX_WAITING} wrong tokens at once",
                en="token: too many wrong ones at this moment",
                zh="令牌：错误尝试过多，请稍后再试",
                retry_after_s=DELAY_MAX_S,
            )
        self._waiting += 1
        try:
            await self._clock.sleep(min(DELAY_MAX_S, FIRST_DELAY_S * 2 ** min(count - 1, 8)))
        finally:
            self._waiting -= 1


def _offered(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    for protocol in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        if protocol.strip().startswith(WS_BEARER):
            return protocol.strip().removeprefix(WS_BEARER)
    return ""


def need_role(caller: Caller, role: Role) -> None:
    """Raise RefusedError(NOT_ALLOWED) naming both roles if the caller's does not reach."""
    if caller.role < role:
        needed, has = role.name.lower(), caller.role.name.lower()
        raise RefusedError(
            Refusal.NOT_ALLOWED,
            field="role",
            limit=needed,
            found=has,
            en=f"role: {caller.name} is {has}; this needs {needed}",
            zh=f"角色：{caller.name} 为“{zh(caller.role)}”，此操作需要“{zh(role)}”",
        )


def need_precedence(caller: Caller, precedence: Precedence) -> None:
    """Raise RefusedError(NOT_ALLOWED) naming the ceiling if the caller may not send that urgently."""
    if precedence > caller.ceiling:
        raise RefusedError(
            Refusal.NOT_ALLOWED,
            field="precedence",
            limit=caller.ceiling.name,
            found=precedence.name,
            en=f"precedence: {precedence.name} is above the ceiling of {caller.name}, {caller.ceiling.name}",
            zh=f"等级：{zh(precedence)}超出 {caller.name} 的上限（{zh(caller.ceiling)}）",
        )
