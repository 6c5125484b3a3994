"""`docs/api.md` is true: every route stands in it, every example runs, every answer has the keys shown."""

from __future__ import annotations

import json
import re
import shlex
from itertools import zip_longest

import aiohttp
import pytest
from aiohttp import web

from gateway.api.app import build
from tests import api_scene
from tests.api_backend import LoopClock
from tests.api_scene import TOKEN
from tests.documents import Block, blocks
from tests.memory_http import client_of
from tests.tidy import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text("utf-8")
PLACEHOLDERS = re.compile(r"\{act:[^}]*\}")


def _examples() -> list[tuple[Block, str | None]]:
    every = blocks(TEXT)
    return [
        (block, after.body if after and after.info == "json" else None)
        for block, after in zip_longest(every, every[1:])
        if block.info == "sh curl"
    ]


def application() -> web.Application:
    """Return the API over the busy scene."""
    backend = api_scene.busy(LoopClock())
    return build(backend, api_scene.tokens(), api_scene.config(), backend.clock, api_scene.log())


async def test_every_route_is_documented() -> None:
    """Each method and path of the API stands in the document as it is."""
    routes = {
        f"`{route.method} {PLACEHOLDERS.sub('{act}', route.resource.canonical)}`"
        for route in application().router.routes()
        if route.resource and route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }

    assert len(routes) >= 19
    assert {route for route in routes if route not in TEXT} == set()


@pytest.mark.parametrize(("example", "answer"), _examples())
async def test_example_runs_and_answers_as_shown(example: Block, answer: str | None) -> None:
    """The curl line succeeds, and the JSON below it has the keys the gateway sends, no more and no fewer."""
    method, path, headers, data = _parsed(example.body)
    async with (
        client_of(application()) as client,
        client.request(
            method, path, headers=headers, data=data, timeout=aiohttp.ClientTimeout(60)
        ) as response,
    ):
        assert response.status in {200, 201, 202}, await response.text()
        if answer is not None:
            _same_keys(await response.json(), json.loads(answer), "answer")


def _parsed(command: str) -> tuple[str, str, dict[str, str], bytes | None]:
    words = shlex.split(command.replace("\\\n", " ").replace("$TOKEN", TOKEN).replace("$URL", ""))
    assert words.pop(0) == "curl"
    method, path, headers = "GET", "", {}
    data: bytes | None = None
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case "-d":
                data = words.pop(0).encode()
            case word:
                path = word
    return method, path, headers, data


def _same_keys(got: object, shown: object, where: str) -> None:
    """Compare the keys of objects, in lists by their first member; counts, switches and bodies are free."""
    if isinstance(shown, dict) and isinstance(got, dict):
        if where.rpartition(".")[2] in {"counts", "quiet", "body"}:
            return
        assert got.keys() == shown.keys(), where
        for key in shown:
            _same_keys(got[key], shown[key], f"{where}.{key}")
    elif isinstance(shown, list) and isinstance(got, list) and shown:
        assert got, where
        _same_keys(got[0], shown[0], f"{where}[0]")
