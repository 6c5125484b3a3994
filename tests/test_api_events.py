"""Events resume by cursor, say when some are gone, and cost nobody else anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from gateway.api.app import build, running
from gateway.api.events import HEARTBEAT_S, SEND_BUFFER_OCTETS, SEND_TIMEOUT_S
from tests import api_scene
from tests.api_backend import LoopClock, MemoryBackend
from tests.api_scene import TOKEN, VIEWER
from tests.memory_http import MemoryConnector, Pipe, client_at, client_of

Json = dict[str, Any]
AUTH = {"Authorization": f"Bearer {VIEWER}"}


class Seat:
    """One client of a gateway in memory."""

    def __init__(self, client: aiohttp.ClientSession, backend: MemoryBackend) -> None:
        self.client = client
        self.backend = backend
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def open(self, query: str = "") -> aiohttp.ClientWebSocketResponse:
        socket = await self.client.ws_connect(f"/api/v1/events{query}", headers=AUTH)
        self.sockets.append(socket)
        return socket

    async def close(self) -> None:
        for socket in self.sockets:
            await socket.close()

    def pipe(self) -> Pipe:
        """Return the newest connection's end."""
        connector = self.client.connector
        assert isinstance(connector, MemoryConnector)
        return connector.pipes[-1]

    async def poll(self, query: str) -> Json:
        async with self.client.get(f"/api/v1/events{query}", headers=AUTH) as response:
            answer: Json = await response.json()
            return answer


@pytest.fixture
async def seat() -> AsyncGenerator[Seat]:
    backend = api_scene.empty(LoopClock())
    app = build(
        backend, api_scene.tokens(), api_scene.config(ws_clients_max=3), backend.clock, api_scene.log()
    )
    async with client_of(app) as client:
        seat = Seat(client, backend)
        yield seat
        await seat.close()


async def test_events_arrive_in_order_with_stable_ids(seat: Seat) -> None:
    """A stream greets with its cursor, then every event has cursor, id, kind, time and body."""
    async with await seat.open() as socket:
        hello = await socket.receive_json()
        await seat.backend.tell("link.changed", station=1)
        await seat.backend.tell("message.changed", id="1-3fa2-1")
        events = [await socket.receive_json() for _ in range(2)]

    assert hello == {"type": "hello", "epoch": "3fa2", "cursor": 0}
    assert [(e["cursor"], e["id"], e["kind"]) for e in events] == [
        (1, "3fa2-1", "link.changed"),
        (2, "3fa2-2", "message.changed"),
    ]
    assert events[1]["body"] == {"id": "1-3fa2-1"}


async def test_stream_resumes_behind_its_cursor(seat: Seat) -> None:
    """A client that comes back with its cursor gets each later event exactly once, with the same id."""
    for number in range(250):
        seat.backend.emit("station.heard", station=number)
    async with await seat.open("?cursor=17&epoch=3fa2") as socket:
        await socket.receive_json()
        got = [(await socket.receive_json())["cursor"] for _ in range(233)]

    assert got == list(range(18, 251))


async def test_client_behind_retention_is_told_the_gap(seat: Seat) -> None:
    """Events that are no longer kept are a `gap` before the first one that is."""
    seat.backend.events_kept = 10
    for number in range(50):
        seat.backend.emit("station.heard", station=number)
    async with await seat.open("?cursor=5&epoch=3fa2") as socket:
        await socket.receive_json()
        gap, first = await socket.receive_json(), await socket.receive_json()

    assert gap == {"type": "gap", "from": 5, "to": 41, "epoch": "3fa2"}
    assert first["cursor"] == 41


@pytest.mark.parametrize("query", ["?cursor=9&epoch=3fa2", "?cursor=1&epoch=beef"])
async def test_cursor_of_another_ledger_is_a_gap(seat: Seat, query: str) -> None:
    """A cursor from before the ledger was set aside is not taken for one of this ledger."""
    seat.backend.emit("link.changed", station=1)
    async with await seat.open(query) as socket:
        kinds = [(await socket.receive_json())["type"] for _ in range(3)]

    assert kinds == ["hello", "gap", "event"]


async def test_browser_passes_its_token_as_subprotocol(seat: Seat) -> None:
    """`fieldgate.v1, bearer.TOKEN` opens the stream, and the token is not sent back."""
    protocols = ("fieldgate.v1", f"bearer.{TOKEN}")
    async with seat.client.ws_connect("/api/v1/events", protocols=protocols) as socket:
        assert socket.protocol == "fieldgate.v1"
        assert (await socket.receive_json())["type"] == "hello"


async def test_stream_without_token_is_refused(seat: Seat) -> None:
    """No token, no upgrade; a token in the address does not count."""
    for query in ("", f"?token={TOKEN}"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await seat.client.ws_connect(f"/api/v1/events{query}")
        assert refused.value.status == 401


async def test_slow_client_is_cut_off_and_resumes(seat: Seat) -> None:
    """A client that takes nothing is disconnected after the time allowed; its cursor still works."""
    slow = await seat.open()
    pipe = seat.pipe()
    pipe.pause_reading()
    for number in range(4 * SEND_BUFFER_OCTETS // 1_000):
        seat.backend.emit("station.heard", station=number, filler="x" * 1_000)
    await seat.backend.tell("link.changed", station=1)
    await asyncio.sleep(SEND_TIMEOUT_S / 2)
    before, held_octets = pipe.is_closing(), pipe.held_octets
    await asyncio.sleep(SEND_TIMEOUT_S)

    assert (before, pipe.is_closing()) == (False, True)
    assert held_octets < 3 * SEND_BUFFER_OCTETS
    await slow.close()
    async with await seat.open("?cursor=1&epoch=3fa2") as socket:
        await socket.receive_json()
        assert (await socket.receive_json())["cursor"] == 2


async def test_slow_client_does_not_hold_up_others(seat: Seat) -> None:
    """While one client takes nothing, another gets every event at once."""
    await seat.open()
    seat.pipe().pause_reading()
    async with await seat.open() as other:
        await other.receive_json()
        begun = asyncio.get_running_loop().time()
        for number in range(300):
            await seat.backend.tell("station.heard", station=number, filler="x" * 1_000)
            assert (await other.receive_json())["cursor"] == number + 1

        assert asyncio.get_running_loop().time() - begun < 0.5


async def test_silent_client_is_noticed_by_heartbeat(seat: Seat) -> None:
    """A client whose network was cut answers no ping and is gone within two heartbeats."""
    await seat.open()
    seat.pipe().pause_reading()
    await asyncio.sleep(2 * HEARTBEAT_S)

    assert seat.pipe().closed


async def test_streams_are_bounded(seat: Seat) -> None:
    """One stream more than configured is refused with 503; the open ones go on."""
    sockets = [await seat.open() for _ in range(3)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await seat.open()
    await sockets[0].close()
    again = await seat.open()

    assert refused.value.status == 503
    assert (await again.receive_json())["type"] == "hello"


async def test_long_poll_answers_when_something_happens(seat: Seat) -> None:
    """A poll waits for the next event, no longer; when nothing happens it ends after `wait_s`, empty."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(seat.poll("?cursor=0&wait_s=50"))
        await asyncio.sleep(7)
        await seat.backend.tell("alarm.raised", key="sos:1")
    begun = loop.time()
    empty = await seat.poll(f"?cursor={poll.result()['cursor']}&wait_s=5")

    assert [event["cursor"] for event in poll.result()["events"]] == [1]
    assert begun == pytest.approx(7, abs=0.1)
    assert (empty["events"], empty["cursor"]) == ([], 1)
    assert loop.time() - begun == pytest.approx(5, abs=0.1)


async def test_long_poll_says_the_gap(seat: Seat) -> None:
    """A poll behind retention gets the gap and at once what is kept."""
    seat.backend.events_kept = 3
    for number in range(9):
        seat.backend.emit("station.heard", station=number)
    answer = await seat.poll("?cursor=2&wait_s=50")

    assert answer["gap"] == {"from": 2, "to": 7, "epoch": "3fa2"}
    assert [event["cursor"] for event in answer["events"]] == [7, 8, 9]


async def test_stop_closes_streams_and_polls_in_time() -> None:
    """At the end every stream gets 1001 and every poll an answer, within the daemon's two seconds."""
    loop = asyncio.get_running_loop()
    backend = api_scene.empty(LoopClock())
    app = build(backend, api_scene.tokens(), api_scene.config(), backend.clock, api_scene.log())
    async with AsyncExitStack() as afterwards, asyncio.TaskGroup() as tasks:
        async with running(app) as runner:
            seat = Seat(await afterwards.enter_async_context(client_at(runner, "10.0.0.9")), backend)
            socket = await seat.open()
            await socket.receive_json()
            reader = tasks.create_task(socket.receive())
            poll = tasks.create_task(seat.poll("?cursor=0&wait_s=50"))
            await asyncio.sleep(1)
            begun = loop.time()
        took_s = loop.time() - begun

    assert took_s < 2
    assert reader.result().data == aiohttp.WSCloseCode.GOING_AWAY
    assert poll.result()["events"] == []
