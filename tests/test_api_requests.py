"""The API takes what is right, and answers what is wrong with field, limit and both languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from gateway.api.app import build
from gateway.api.auth import DELAY_MAX_S, FIRST_DELAY_S, MAX_WAITING
from gateway.domain import RecipientState
from tests import api_scene
from tests.api_backend import LoopClock, MemoryBackend
from tests.api_scene import CHIEF, TOKEN, VIEWER
from tests.memory_http import client_of

Json = dict[str, Any]
MESSAGE: Json = {"to": ["VEH-1"], "text": "收到请回"}


class Api:
    """A client with a token over a gateway in memory."""

    def __init__(self, client: aiohttp.ClientSession, backend: MemoryBackend) -> None:
        self.client = client
        self.backend = backend

    async def call(
        self, method: str, path: str, json: object = None, token: str = TOKEN, **more: Any
    ) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        async with self.client.request(
            method, f"/api/v1/{path}", json=json, headers=headers, **more
        ) as response:
            answer: Json = await response.json()
            return response.status, answer


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    backend = api_scene.empty(LoopClock())
    app = build(backend, api_scene.tokens(), api_scene.config(), backend.clock, api_scene.log())
    async with client_of(app) as client:
        yield Api(client, backend)


async def test_health_says_who_is_asked_and_who_asks(api: Api) -> None:
    """Health names the station, its clock's quality and the caller's role and ceiling."""
    status, health = await api.call("GET", "health")

    assert status == 200
    assert (health["call_sign"], health["time_quality"]) == ("HQ-1", "ntp")
    assert health["caller"] == {"name": "值班员甲", "role": "operator", "ceiling": "IMMEDIATE"}


async def test_message_is_taken_and_found_again(api: Api) -> None:
    """POST answers 201 with the id and a Location; GET of it has recipients and attempts."""
    status, taken = await api.call("POST", "messages", {**MESSAGE, "precedence": 3, "lifetime_s": 60})
    found = await api.call("GET", f"messages/{taken['id']}")

    assert status == 201
    assert (taken["precedence_name"], taken["lifetime_s"], taken["replayed"]) == ("IMMEDIATE", 60, False)
    assert found[0] == 200
    assert found[1]["recipients"][0]["state"] == "queued"
    assert found[1]["attempts"] == []


async def test_same_idempotency_key_takes_the_message_once(api: Api) -> None:
    """The second POST with the same key and body answers 200 with the same message, marked replayed."""
    headers = {"Idempotency-Key": "k-1"}
    first = await api.call("POST", "messages", MESSAGE, headers=headers)
    second = await api.call("POST", "messages", MESSAGE, headers=headers)

    assert (first[0], second[0]) == (201, 200)
    assert (first[1]["id"], True) == (second[1]["id"], second[1]["replayed"])
    assert len(api.backend.stored) == 1


async def test_idempotency_key_with_another_message_is_a_conflict(api: Api) -> None:
    """One key is one message: another body under it is 409 and changes nothing."""
    headers = {"Idempotency-Key": "k-1"}
    await api.call("POST", "messages", MESSAGE, headers=headers)
    status, answer = await api.call("POST", "messages", {**MESSAGE, "text": "别的"}, headers=headers)

    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert len(api.backend.stored) == 1


BAD_MESSAGES: list[tuple[object, str, str]] = [
    ({**MESSAGE, "to": ["NOBODY"]}, "to", "NOBODY"),
    ({**MESSAGE, "to": []}, "to", "array of length >= 1"),
    ({**MESSAGE, "to": "VEH-1"}, "to", "str"),
    ({"to": ["VEH-1"]}, "text", "required"),
    ({**MESSAGE, "text": ""}, "text", "1..4000"),
    ({**MESSAGE, "text": "字" * 4001}, "text", "4001"),
    ({**MESSAGE, "text": "a\x1b[2J"}, "text", "U+001B"),
    ({**MESSAGE, "lifetime_s": 0}, "lifetime_s", "seconds"),
    ({**MESSAGE, "lifetime_s": -5}, "lifetime_s", "-5"),
    ({**MESSAGE, "lifetime_s": 9_999_999}, "lifetime_s", "2592000"),
    ({**MESSAGE, "lifetime_s": "soon"}, "lifetime_s", "str"),
    ({**MESSAGE, "precedence": 6}, "precedence", "5=SOS"),
    ({**MESSAGE, "precedence": "LOUD"}, "precedence", "LOUD"),
    ({**MESSAGE, "precedense": 1}, "precedense", "precedence"),
    ({**MESSAGE, "kind": "notice"}, "kind", "notice"),
    ([1, 2], "body", "array"),
]


@pytest.mark.parametrize(("body", "field", "words"), BAD_MESSAGES)
async def test_bad_message_is_refused_by_field_and_limit(
    api: Api, body: object, field: str, words: str
) -> None:
    """400 names the field, what holds or what was found, in English and Chinese; nothing is stored."""
    status, answer = await api.call("POST", "messages", body)

    error = answer["error"]
    assert (status, error["field"]) == (400, field)
    assert words in error["en"]
    assert any("\u4e00" <= character <= "\u9fff" for character in error["zh"])
    assert not api.backend.stored


@pytest.mark.parametrize("data", [b"{", b"", b'{"to": ["VEH-1"], "text": "\xff"}', b"NaN", b"[" * 5000])
async def test_malformed_json_is_refused(api: Api, data: bytes) -> None:
    """What is no JSON in UTF-8 is 400 for the field `body`."""
    status, answer = await api.call("POST", "messages", data=data)

    assert (status, answer["error"]["field"]) == (400, "body")


async def test_refused_text_is_not_repeated(api: Api) -> None:
    """An error about a text never holds the text: errors reach logs."""
    _, answer = await api.call("POST", "messages", {**MESSAGE, "text": "秘密" * 3000})

    assert "秘密" not in str(answer)


async def test_oversized_body_is_refused_with_the_limit(api: Api) -> None:
    """A body over the limit is 413 naming the octets allowed."""
    status, answer = await api.call("POST", "messages", {**MESSAGE, "text": "a" * 70_000})

    assert (status, answer["error"]["code"]) == (413, "too_large")
    assert answer["error"]["limit"] == "65536 octets"


async def test_text_too_large_for_living_bearers_names_octets(api: Api) -> None:
    """What fits no living bearer is 413 with octets found and allowed; asked to keep it, it is taken."""
    long = {**MESSAGE, "text": "字" * 500}
    status, answer = await api.call("POST", "messages", long)
    kept, _ = await api.call("POST", "messages", {**long, "keep": True})

    assert (status, answer["error"]["limit"], answer["error"]["found"]) == (413, "1200 octets", "1500 octets")
    assert kept == 201


async def test_precedence_above_the_ceiling_is_refused(api: Api) -> None:
    """403 names the ceiling; the same message passes with a token whose ceiling is higher."""
    body = {**MESSAGE, "precedence": "FLASH"}
    status, answer = await api.call("POST", "messages", body)
    passed, _ = await api.call("POST", "messages", body, token=CHIEF)

    assert (status, answer["error"]["limit"], answer["error"]["found"]) == (403, "IMMEDIATE", "FLASH")
    assert "特急" in answer["error"]["zh"]
    assert passed == 201


ACTS = [
    ("messages", MESSAGE),
    ("messages/1-3fa2-1/cancel", None),
    ("rollcalls", {}),
    ("rollcalls/x/entries/21", {"state": "excused"}),
    ("quiet", {"on": True}),
    ("links/ask", {"station": "VEH-1"}),
    ("alarms/x/acknowledge", None),
    ("alarms/x/clear", None),
]


@pytest.mark.parametrize(("path", "body"), ACTS)
async def test_viewer_may_only_look(api: Api, path: str, body: object) -> None:
    """Every act needs the operator's role: a viewer gets 403 before anything else is looked at."""
    status, answer = await api.call("POST", path, body, token=VIEWER)

    assert (status, answer["error"]["field"]) == (403, "role")
    assert not api.backend.acts


GETS = ["health", "links", "stations", "messages", "rollcalls", "quiet", "alarms", "quarantine", "events"]


@pytest.mark.parametrize("path", GETS)
async def test_nothing_is_told_without_a_token(api: Api, path: str) -> None:
    """Every route answers 401 to a caller without a token."""
    status, answer = await api.call("GET", path, token="")

    assert (status, answer["error"]["code"]) == (401, "unauthorized")


async def test_wrong_token_waits_longer_each_time(api: Api) -> None:
    """The answer to a wrong token is delayed, doubling up to a bound; a right one resets it."""
    loop = asyncio.get_running_loop()

    async def took_s() -> float:
        begun = loop.time()
        await api.call("GET", "health", token="wrong")  # noqa: S106 - it is none
        return loop.time() - begun

    delays = [await took_s() for _ in range(6)]
    await api.call("GET", "health")

    assert delays == pytest.approx([FIRST_DELAY_S, 1.0, 2.0, 4.0, DELAY_MAX_S, DELAY_MAX_S], abs=0.01)
    assert await took_s() == pytest.approx(FIRST_DELAY_S, abs=0.01)


async def test_wrong_token_delays_nobody_else(api: Api) -> None:
    """While wrong tokens wait, a right one is answered at once; too many waiting are 429."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        wrong = [
            tasks.create_task(api.call("GET", "health", token=f"wrong{number}"))
            for number in range(MAX_WAITING + 5)
        ]
        await asyncio.sleep(0.1)
        begun = loop.time()
        status, _ = await api.call("GET", "health")
        assert status == 200
        assert loop.time() - begun < 0.01

    assert sorted(task.result()[0] for task in wrong) == [401] * MAX_WAITING + [429] * 5


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("messages?limit=0", "limit"),
        ("messages?limit=501", "limit"),
        ("messages?limit=-1", "limit"),
        ("messages?limit=x", "limit"),
        ("messages?limit=9999999999999999999999", "limit"),
        ("messages?limit=101&attempts=1", "limit"),
        ("messages?state=lost", "state"),
        ("messages?stat=queued", "stat"),
        ("messages?before=garbage", "id"),
        ("messages?station=NOBODY", "station"),
        ("links?station=", "station"),
        ("alarms?active=2", "active"),
        ("events?cursor=-2", "cursor"),
        ("events?wait_s=61", "wait_s"),
    ],
)
async def test_bad_parameter_is_refused_by_name(api: Api, path: str, field: str) -> None:
    """A parameter that is misspelt or out of bounds is 400, not ignored."""
    status, answer = await api.call("GET", path)

    assert (status, answer["error"]["field"]) == (400, field)


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "键"])
async def test_bad_idempotency_key_is_refused(api: Api, key: str) -> None:
    """Keys are 1..64 printable ASCII characters without a space."""
    status, answer = await api.call("POST", "messages", MESSAGE, headers={"Idempotency-Key": key})

    assert (status, answer["error"]["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "messages/1-3fa2-9"),
        ("GET", "messages/1-3fa2-9/attempts"),
        ("POST", "messages/1-3fa2-9/cancel"),
        ("GET", "rollcalls/none"),
        ("POST", "alarms/none/acknowledge"),
        ("POST", "alarms/none/clear"),
        ("GET", "nowhere"),
    ],
)
async def test_what_is_not_there_is_404(api: Api, method: str, path: str) -> None:
    """Unknown things and unknown paths are 404 as JSON in both languages."""
    status, answer = await api.call(method, path)

    assert (status, answer["error"]["code"]) == (404, "not_found")


async def test_wrong_method_is_405_with_the_right_ones(api: Api) -> None:
    """A method that a path does not know is 405 naming those it knows."""
    status, answer = await api.call("DELETE", "messages")

    assert (status, answer["error"]["limit"]) == (405, "GET, HEAD, POST")


async def test_person_acknowledges_by_name(api: Api) -> None:
    """Read and acknowledge set the recipient's state with the operator's name; cancelling then is 409."""
    _, taken = await api.call("POST", "messages", MESSAGE)
    await api.call("POST", f"messages/{taken['id']}/read")
    _, after = await api.call("POST", f"messages/{taken['id']}/acknowledge")
    status, refused = await api.call("POST", f"messages/{taken['id']}/cancel")

    recipient = after["recipients"][0]
    assert (recipient["state"], recipient["by"], recipient["evidence"]) == (
        "acknowledged",
        "值班员甲",
        "operator",
    )
    assert (status, refused["error"]["code"]) == (409, "conflict")


async def test_messages_are_paged_and_filtered(api: Api) -> None:
    """`limit` and `before` walk back without a hole; `state` filters."""
    for number in range(5):
        await api.call("POST", "messages", {**MESSAGE, "text": str(number)})
    _, newest = await api.call("GET", "messages?limit=2&attempts=1")
    _, older = await api.call("GET", f"messages?limit=9&before={newest['messages'][-1]['id']}")
    _, read = await api.call("GET", f"messages?state={RecipientState.READ}")

    assert [m["text"] for m in newest["messages"] + older["messages"]] == ["4", "3", "2", "1", "0"]
    assert newest["messages"][0]["attempts"] == []
    assert read["messages"] == []


async def test_roll_call_from_start_to_report(api: Api) -> None:
    """A roll call starts, an entry is excused by hand, and the text report counts it."""
    status, call = await api.call("POST", "rollcalls", {"stations": ["vehicles"], "title": "三断点名"})
    _, marked = await api.call(
        "POST", f"rollcalls/{call['id']}/entries/VEH-1", {"state": "excused", "note": "检修"}
    )
    async with api.client.get(
        f"/api/v1/rollcalls/{call['id']}?format=text&lang=zh", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as response:
        text = await response.text()

    assert (status, call["counts"]["expected"]) == (201, 2)
    assert (marked["counts"]["expected"], marked["counts"]["excused"]) == (1, 1)
    assert "三断点名" in text
    assert "应到 1" in text


async def test_stop_transmitting_by_link_and_for_all(api: Api) -> None:
    """`quiet` sets one link or all and answers every switch; an unknown link is 404."""
    _, one = await api.call("POST", "quiet", {"link": "bd1", "on": True})
    _, every = await api.call("POST", "quiet", {"on": True})
    status, _ = await api.call("POST", "quiet", {"link": "xx", "on": True})

    assert [name for name, on in one["quiet"].items() if on] == ["bd1"]
    assert all(every["quiet"].values())
    assert status == 404


async def test_alarm_is_cleared_by_name(api: Api) -> None:
    """Clearing ends an alarm in the operator's name; it is listed only among the old ones then."""
    api.backend.rung = dict(api_scene.busy(api.backend.clock).rung)
    _, cleared = await api.call("POST", "alarms/sos:305/clear")
    _, active = await api.call("GET", "alarms")
    _, every = await api.call("GET", "alarms?active=0")

    assert (cleared["cleared_by"], cleared["acknowledged_by"]) == ("值班员甲", "值班员甲")
    assert cleared["cleared_unix_ms"] > 0
    assert "sos:305" not in [alarm["key"] for alarm in active["alarms"]]
    assert "sos:305" in [alarm["key"] for alarm in every["alarms"]]


async def test_link_ages_count_on(api: Api) -> None:
    """`age_s` of a link is the evidence's age at the answer, not at the report."""
    api.backend.reports = api_scene.busy(api.backend.clock).reports
    await asyncio.sleep(30)
    _, answer = await api.call("GET", "links?station=VEH-1")

    assert answer["links"][0]["age_s"] == pytest.approx(38 + 9 + 30, abs=0.1)
    assert answer["links"][0]["learnt_by"] == "tiantong"


async def test_internal_failure_is_500_without_its_insides(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw answers 500 and says nothing of itself; the next request is served."""
    monkeypatch.delattr(api.backend, "roster")
    status, answer = await api.call("GET", "stations")
    alive, _ = await api.call("GET", "alarms")

    assert (status, answer["error"]["code"]) == (500, "failed")
    assert "roster" not in str(answer)
    assert alive == 200
