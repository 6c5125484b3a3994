"""A seat at one gateway: sends through the API, reads what the API shows, follows its events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import aiohttp

from protocols.errors import FieldgateError
from sim.demo.counter import Seen, normal

REQUEST_S: Final = 8.0
"""Longest wait for an answer on loopback, also from a busy machine."""

POLL_S: Final = 20
"""One long poll of events."""

RETRY_S: Final = 0.25
"""Pause before a gateway that is off is asked again."""

MAX_LISTED: Final = 100
"""Messages looked at with their attempts; the story has fewer than fifty."""

Json = dict[str, Any]


class SeatError(FieldgateError):
    """The gateway refused or is not there."""


class Seat:
    """One API client. `signs` translates station numbers to call signs."""

    def __init__(self, sign: str, number: int, url: str, token: str, signs: dict[int, str]) -> None:
        self.sign = sign
        self.number = number
        self.url = url
        self.states: dict[tuple[str, int], list[str]] = {}
        """States of each copy in order, as events told them: message id and station."""
        self.seen: list[Seen] = []
        """Messages to this gateway's own station, as its API showed them."""
        self._signs = signs
        self._session = aiohttp.ClientSession(
            base_url=f"{url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=REQUEST_S + POLL_S),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, path: str, **query: object) -> Json:
        """Fetch; raises SeatError."""
        return await self._ask("GET", path, query, None)

    async def post(self, path: str, **body: object) -> Json:
        """Act; raises SeatError."""
        return await self._ask("POST", path, {}, body)

    async def send(self, to: str, text: str, **more: object) -> str:
        """Send a message; return its id once it is on disk there."""
        answer = await self.post("messages", to=[to], text=text, **more)
        return str(answer["id"])

    async def messages(self) -> list[Json]:
        """All messages with their attempts, newest first."""
        found: list[Json] = (await self.get("messages", limit=MAX_LISTED, attempts=1))["messages"]
        return found

    async def inbox(self) -> list[Seen]:
        """Every message to this station as the API shows it now; told twice by events counts twice."""
        first_s = {one.ref: one.at_s for one in reversed(self.seen)}
        listed = [
            m for m in await self.messages() if any(r["station"] == self.number for r in m["recipients"])
        ]
        shown = [self.shown(message, first_s.get(message["id"], 0.0)) for message in listed]
        told = [one.ref for one in self.seen]
        return shown + [one for index, one in enumerate(self.seen) if one.ref in told[:index]]

    async def alive(self) -> bool:
        """Whether the API answers."""
        try:
            await self.get("health")
        except SeatError:
            return False
        return True

    async def links(self, station: str) -> dict[str, Json]:
        """A gateway's links as known here, by name of the link or bearer."""
        return {row["bearer"]: row for row in (await self.get("links", station=station))["links"]}

    async def follow(self) -> None:
        """Follow the events until cancelled, over restarts of the gateway."""
        cursor, epoch = 0, None
        while True:
            query: dict[str, object] = {"cursor": cursor, "wait_s": POLL_S}
            if epoch is not None:
                query["epoch"] = epoch
            try:
                answer = await self.get("events", **query)
                for event in answer["events"]:
                    await self._note(event["kind"], event["body"])
                    cursor = event["cursor"]  # one by one: what was noted is never noted again
            except SeatError:
                await asyncio.sleep(RETRY_S)
                continue
            cursor, epoch = answer["cursor"], answer["epoch"]

    async def _note(self, kind: str, body: Json) -> None:
        if kind == "message.state":
            states = self.states.setdefault((body["id"], body["station"]), [])
            if not states or states[-1] != body["state"]:
                states.append(body["state"])
        elif kind == "message.accepted":
            for station in body["to"]:
                self.states.setdefault((body["id"], station), ["queued"])
            if self.number in body["to"]:
                now_s = asyncio.get_running_loop().time()
                message = await self.get(f"messages/{body['id']}")
                self.seen.append(self.shown(message, now_s))

    def shown(self, message: Json, at_s: float) -> Seen:
        """A message as this API shows it."""
        sender = self._signs.get(message["sender"], str(message["sender"]))
        return Seen(
            where=self.sign, sender=sender, text=normal(message["text"]), at_s=at_s, ref=message["id"]
        )

    def has(self, text: str) -> bool:
        """Whether a message with this text was shown here."""
        return any(one.text == text for one in self.seen)

    def of_message(self, ref: str) -> Iterator[tuple[int, list[str]]]:
        """The states of every copy of a message."""
        for (message, station), states in self.states.items():
            if message == ref:
                yield station, states

    async def _ask(self, method: str, path: str, query: dict[str, object], body: Json | None) -> Json:
        try:
            params = {name: str(value) for name, value in query.items()}
            async with self._session.request(method, path, params=params, json=body) as answer:
                told: Json = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise SeatError(f"{self.sign}: {error}", f"{self.sign}：{error}") from error
        if answer.status >= 400:  # noqa: PLR2004 - HTTP's first refusal
            words = told.get("error", told)
            raise SeatError(f"{self.sign}: {path}: {words}", f"{self.sign}：{path}：{words}")
        return told
