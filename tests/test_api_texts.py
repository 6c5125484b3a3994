"""A text that nobody could see, or that reads otherwise than it was written, is refused by its character."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.app import build
from tests import api_scene
from tests.api_backend import LoopClock
from tests.api_scene import TOKEN
from tests.memory_http import client_of

Json = dict[str, Any]


async def post(path: str, body: dict[str, object]) -> tuple[int, Json]:
    """Ask a gateway in memory; return status and answer."""
    backend = api_scene.busy(LoopClock())
    app = build(backend, api_scene.tokens(), api_scene.config(), backend.clock, api_scene.log())
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        client_of(app) as client,
        client.post(f"/api/v1/{path}", json=body, headers=headers) as response,
    ):
        answer: Json = await response.json()
        return response.status, answer


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("不要\u202e撤离", "U+202E"),
        ("\u2067撤离\u2069", "U+2067"),
        ("撤\u200f离", "U+200F"),
        ("\u200b\u200d\ufeff", "U+200B"),
        (" \u3164\u2800\u3000 ", "U+3164"),
        ("\u0301", "U+0301"),
    ],
)
async def test_deceptive_text_is_refused_by_its_character(text: str, found: str) -> None:
    """400 names the field and the character in both languages."""
    status, answer = await post("messages", {"to": ["VEH-1"], "text": text})

    error = answer["error"]
    assert (status, error["field"], error["found"].strip("'")) == (400, "text", found)
    assert found in error["en"]
    assert found in error["zh"]
    assert "字符" in error["zh"]


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧 平安", "e\u0301", "。", "\ue000", "a\u200bb"])
async def test_unusual_but_visible_text_is_taken(text: str) -> None:
    """Joined emoji, accents, a lone mark and a vendor's own characters are text like any other."""
    status, taken = await post("messages", {"to": ["VEH-1"], "text": text})

    assert (status, taken["text"]) == (201, text)


@pytest.mark.parametrize(("path", "field"), [("rollcalls", "title"), ("rollcalls/1-r1/entries/21", "note")])
async def test_title_and_note_are_words_only(path: str, field: str) -> None:
    """What is printed in a roll call's report may not turn the direction of writing either."""
    body: dict[str, object] = {field: "晚\u202e点名"}
    status, answer = await post(path, body | ({"state": "excused"} if field == "note" else {}))

    assert (status, answer["error"]["field"], "U+202E" in answer["error"]["found"]) == (400, field, True)
