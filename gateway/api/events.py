"""Events with a durable cursor: a WebSocket, and a long poll for those who cannot hold one.

Nothing is queued per client: each reads the durable log at its own pace, so a slow one costs one batch
and the transport's buffer, and is cut off after SEND_TIMEOUT_S; it resumes by its cursor.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from drivers.base import Log
from gateway.api.auth import WS_PROTOCOL, Gatekeeper, need_role
from gateway.api.backend import Backend, EventRow, Refusal, RefusedError, Role
from gateway.api.bodies import known_query, query_int, query_name
from gateway.api.errors import json_response

BATCH_EVENTS = 100
"""Events read and sent at a time."""
HEARTBEAT_S = 20.0
"""Pings of the event stream: a seat whose network was cut is noticed within half a minute."""
SEND_TIMEOUT_S = 10.0
"""Longest wait for a client to take a batch; then it is disconnected."""
CLIENT_MESSAGE_MAX_OCTETS = 1_024
"""Clients have nothing to say on the stream; bounds what they may send."""
WAIT_MAX_S = 60
"""Longest long poll, below the idle limit of common proxies."""
WAITING_POLLS_MAX = 64
"""Long polls open at once."""
SEND_BUFFER_OCTETS = 64 * 1024
"""Octets written to a client before its transport must have taken them."""
MAX_CURSOR = 2**53
"""Greatest cursor: JSON numbers are exact up to here."""


CLOSE_TIMEOUT_S = 0.5
"""Wait for a client's goodbye at the end; the daemon stops within two seconds."""


class Events:
    """The routes that stay open."""

    def __init__(self, backend: Backend, gatekeeper: Gatekeeper, log: Log, ws_clients_max: int) -> None:
        self._backend = backend
        self._gatekeeper = gatekeeper
        self._log = log
        self._ws_clients_max = ws_clients_max
        self._sockets: set[web.WebSocketResponse] = set()
        self._waiting = 0
        self._closing = asyncio.Event()

    def add_to(self, app: web.Application) -> None:
        """Register `/api/v1/events` and the orderly end of what is open."""
        app.router.add_get("/api/v1/events", self.serve)
        app.on_shutdown.append(self._close)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a WebSocket upgrade with the stream, anything else with a long poll."""
        caller = await self._gatekeeper.caller(request)
        need_role(caller, Role.VIEWER)
        known_query(request, "cursor", "epoch", "wait_s", "limit")
        asked = query_int(request, "cursor", -1, 0, MAX_CURSOR)
        epoch, newest = _position(await self._backend.health())
        lost = asked > newest or query_name(request, "epoch") not in {None, epoch}
        cursor = newest if asked < 0 else asked
        if web.WebSocketResponse(protocols=(WS_PROTOCOL,)).can_prepare(request).ok:
            return await self._stream(request, Reader(self._backend, epoch, 0 if lost else cursor, lost))
        return await self._poll(request, Reader(self._backend, epoch, 0 if lost else cursor, lost))

    async def _stream(self, request: web.Request, reader: Reader) -> web.WebSocketResponse:
        if len(self._sockets) >= self._ws_clients_max:
            raise _too_many("event streams", self._ws_clients_max)
        socket = web.WebSocketResponse(
            protocols=(WS_PROTOCOL,),
            heartbeat=HEARTBEAT_S,
            timeout=CLOSE_TIMEOUT_S,
            compress=False,
            max_msg_size=CLIENT_MESSAGE_MAX_OCTETS,
            writer_limit=SEND_BUFFER_OCTETS,
        )
        self._sockets.add(socket)
        try:
            await socket.prepare(request)
            async with asyncio.TaskGroup() as tasks:
                feed = tasks.create_task(self._feed(request, socket, reader), name="api.events")
                async for message in socket:  # answers pings, notices the end
                    if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                        await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"read only")
                feed.cancel()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _feed(self, request: web.Request, socket: web.WebSocketResponse, reader: Reader) -> None:
        try:
            await _send(socket, {"type": "hello", "epoch": reader.epoch, "cursor": reader.cursor})
            while not socket.closed:
                gap, events = await reader.next(BATCH_EVENTS)
                if gap is not None:
                    await _send(socket, {"type": "gap", **gap})
                for event in events:
                    await _send(socket, event)
                if not events:
                    await self._backend.wait_events(reader.cursor)
        except TimeoutError:
            self._log.warning("event_client_too_slow", address=request.remote, cursor=reader.cursor)
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            return  # it left; the reading side says so too
        except Exception:  # noqa: BLE001 - the root of this stream
            self._log.error("event_stream_failed", cursor=reader.cursor, exc_info=True)
            await socket.close(code=WSCloseCode.INTERNAL_ERROR)

    async def _poll(self, request: web.Request, reader: Reader) -> web.Response:
        limit = query_int(request, "limit", BATCH_EVENTS, 1, BATCH_EVENTS)
        wait_s = query_int(request, "wait_s", 0, 0, WAIT_MAX_S)
        gap, events = await reader.next(limit)
        if not events and gap is None and wait_s:
            await self._wait(reader.cursor, wait_s)
            gap, events = await reader.next(limit)
        return json_response({"epoch": reader.epoch, "cursor": reader.cursor, "gap": gap, "events": events})

    async def _wait(self, cursor: int, wait_s: int) -> None:
        """Return when there is something, when time is over, or when the gateway stops."""
        if self._waiting >= WAITING_POLLS_MAX:
            raise _too_many("long polls", WAITING_POLLS_MAX)
        self._waiting += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                waits = (
                    tasks.create_task(self._backend.wait_events(cursor), name="api.poll"),
                    tasks.create_task(_until_set(self._closing), name="api.poll_end"),
                )
                await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
        finally:
            self._waiting -= 1

    async def _close(self, _app: web.Application) -> None:
        self._closing.set()
        async with asyncio.TaskGroup() as tasks:
            for socket in self._sockets:
                tasks.create_task(socket.close(code=WSCloseCode.GOING_AWAY, message=b"gateway stops"))


class Reader:
    """One client's walk through the durable log."""

    def __init__(self, backend: Backend, epoch: str, cursor: int, lost: bool) -> None:  # noqa: FBT001
        self.epoch = epoch
        self.cursor = cursor
        self._backend = backend
        self._lost = lost

    async def next(self, limit: int) -> tuple[dict[str, object] | None, list[dict[str, object]]]:
        """Return the gap before the next events, if any, and the events; moves the cursor."""
        oldest, rows = await self._backend.events_after(self.cursor, limit)
        gap: dict[str, object] | None = None
        if self._lost or self.cursor < oldest - 1:
            gap = {"from": self.cursor, "to": oldest, "epoch": self.epoch}
            self._lost = False
        self.cursor = rows[-1][0] if rows else max(self.cursor, oldest - 1)
        return gap, [self._event(row) for row in rows]

    def _event(self, row: EventRow) -> dict[str, object]:
        cursor, kind, body, unix_ms = row
        return {
            "type": "event",
            "cursor": cursor,
            "id": f"{self.epoch}-{cursor}",
            "kind": kind,
            "unix_ms": unix_ms,
            "body": body,
        }


def _position(health: dict[str, object]) -> tuple[str, int]:
    events = msgspec.convert(health["events"], Position)
    return events.epoch, events.newest


class Position(msgspec.Struct, frozen=True):
    """Where the durable log stands, from `Backend.health`."""

    epoch: str
    newest: int


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


async def _send(socket: web.WebSocketResponse, body: dict[str, object]) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await socket.send_str(msgspec.json.encode(body).decode())


def _too_many(what: str, limit: int) -> RefusedError:
    return RefusedError(
        Refusal.UNAVAILABLE,
        field="events",
        limit=f"{limit} {what}",
        found=str(limit),
        en=f"events: too many {what} (limit: {limit})",
        zh=f"事件：连接过多（限制：{limit}）",
        retry_after_s=HEARTBEAT_S,
    )
