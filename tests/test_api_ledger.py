"""What the ledger cannot take is answered clearly on every route, and a full disk still takes an SOS."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.api.app import build
from gateway.domain import AlarmKind
from gateway.ledger import LedgerFaultError, LedgerFullError, notes
from sim.fleet import until
from tests import api_scene
from tests.api_scene import CHIEF
from tests.core_scene import Scene, alarms, passes, scene
from tests.memory_http import client_of

Call = Callable[..., Any]

MESSAGE = {"to": ["VEH-3"], "text": "收到请回"}
READS = ["health", "stations", "messages", "messages/1-0a0b-1", "rollcalls", "alarms", "quarantine", "events"]
ACTS: list[tuple[str, object]] = [
    ("messages", MESSAGE),
    ("messages/1-0a0b-1/cancel", None),
    ("messages/1-0a0b-1/acknowledge", None),
    ("rollcalls", {}),
    ("quiet", {"on": False}),
    ("alarms/x/acknowledge", None),
    ("alarms/x/clear", None),
]
IMPOSSIBLE = [
    "1-0a0b-99999999999999999999",
    "1-0a0b-268435456",
    "1-0a0b-0",
    "1-0a0b--5",
    "1-0a0b-1_0",
    "１-0a0b-1",
]


@asynccontextmanager
async def desk(folder: Path) -> AsyncGenerator[tuple[Scene, Call]]:
    """A real gateway at headquarters with its API."""
    async with scene(folder) as field:
        app = build(field.hq.backend, api_scene.tokens(), api_scene.config(), field.hq.clock, api_scene.log())
        async with client_of(app) as client:

            async def call(method: str, path: str, json: object = None) -> tuple[int, dict[str, Any]]:
                headers = {"Authorization": f"Bearer {CHIEF}"}
                async with client.request(method, f"/api/v1/{path}", json=json, headers=headers) as answer:
                    return answer.status, await answer.json()

            yield field, call


async def test_a_failing_ledger_is_503_on_every_act(tmp_path: Path) -> None:
    """With a card that has gone read-only every act is refused with 503 in both languages, none with 500."""
    async with desk(tmp_path) as (field, call):
        with pytest.raises(LedgerFaultError):
            await field.hq.gateway.core.ledger.write(lambda tx: tx.execute("PRAGMA query_only = ON"))
        answers = {path: await call("POST", path, body) for path, body in ACTS}

        found = {path: status for path, (status, _) in answers.items()}
        assert found["messages"] == found["rollcalls"] == found["quiet"] == 503
        assert set(found.values()) <= {404, 503}
        refused = [answer["error"] for status, answer in answers.values() if status == 503]
        assert {error["code"] for error in refused} == {"unavailable"}
        assert all("SQLITE_READONLY" in error["en"] and "台账" in error["zh"] for error in refused)


async def test_a_closed_ledger_is_503_on_every_route(tmp_path: Path) -> None:
    """A request that comes while the gateway stops is told to try again, whatever it asks."""
    async with desk(tmp_path) as (field, call):
        await field.hq.gateway.core.ledger.close()
        found = {path: (await call("GET", path))[0] for path in READS}
        found |= {path: (await call("POST", path, body))[0] for path, body in ACTS}

        assert found == dict.fromkeys(found, 503)
        await field.hq.stop()


@pytest.mark.parametrize("identity", IMPOSSIBLE)
async def test_an_impossible_message_id_is_400(tmp_path: Path, identity: str) -> None:
    """An id that no message can have is refused by its field and limit wherever an id is taken."""
    async with desk(tmp_path) as (_, call):
        for method, path in (
            ("GET", f"messages/{identity}"),
            ("GET", f"messages/{identity}/attempts"),
            ("POST", f"messages/{identity}/cancel"),
            ("POST", f"messages/{identity}/read"),
            ("GET", f"messages?before={identity}"),
        ):
            status, answer = await call(method, path)

            assert (status, answer["error"]["field"]) == (400, "id"), path
            assert "报文编号" in answer["error"]["zh"]


async def test_a_full_disk_takes_sos_and_refuses_routine(tmp_path: Path) -> None:
    """Full: ROUTINE is 507 in both languages, SOS is 201; the alarm stands until there is room again."""
    async with desk(tmp_path) as (field, call):
        field.hq.disk.full = True
        refused, answer = await call("POST", "messages", MESSAGE)
        taken, _ = await call("POST", "messages", {**MESSAGE, "text": "求救", "precedence": "SOS"})
        await passes(6)
        _, shown = await call("GET", "alarms")
        _, health = await call("GET", "health")

        assert (refused, answer["error"]["code"]) == (507, "no_space")
        assert "磁盘已满" in answer["error"]["zh"]
        assert "disk full" in answer["error"]["en"]
        assert taken == 201
        assert [alarm["kind"] for alarm in shown["alarms"]] == ["disk_full"]
        assert health["ledger"]["state"] == "full"


async def test_the_alarm_of_a_full_disk_is_cleared_when_there_is_room(tmp_path: Path) -> None:
    """Within seconds of the disk having room the alarm is over, told by an event, and ROUTINE is taken."""
    async with desk(tmp_path) as (field, call):
        field.hq.disk.full = True
        with pytest.raises(LedgerFullError):
            await field.hq.gateway.core.ledger.write(lambda tx: notes.meta_set(tx, "filler", "x"))
        await passes(20)
        stood = await alarms(field.hq, AlarmKind.DISK_FULL)
        field.hq.disk.full = False

        async def over() -> bool:
            return await alarms(field.hq, AlarmKind.DISK_FULL) == []

        await until(over, limit_s=15)
        _, told = await field.hq.backend.events_after(0, 500)
        kinds = [kind for _, kind, body, _ in told if body.get("key") == "disk_full"]
        status, _ = await call("POST", "messages", MESSAGE)

        assert stood == ["disk_full"]
        assert kinds == ["alarm.raised", "alarm.cleared"]
        assert status == 201


async def test_an_empty_log_tells_the_cursor_that_comes_next(tmp_path: Path) -> None:
    """A client of another epoch is sent to the first event there will be, as documented, not to 0."""
    async with desk(tmp_path) as (field, call):
        await field.hq.gateway.core.ledger.write(lambda tx: tx.execute("DELETE FROM events"))
        newest = field.hq.gateway.core.ledger.newest_cursor
        _, answer = await call("GET", "events?cursor=0&epoch=ffff")

        assert answer["gap"]["to"] == newest + 1
        assert answer["cursor"] == newest
