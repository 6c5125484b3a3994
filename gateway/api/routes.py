"""The routes that answer once; `events` holds the ones that stay open."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from drivers.base import Clock
from gateway.api import encode, report
from gateway.api.auth import Gatekeeper, need_precedence, need_role
from gateway.api.backend import Backend, Caller, NotFoundError, Role
from gateway.api.bodies import (
    AskBody,
    EntryBody,
    MessageBody,
    QuietBody,
    RollCallBody,
    idempotency_key,
    known_query,
    query_int,
    query_name,
    read_body,
)
from gateway.api.errors import json_response
from gateway.domain import RecipientState
from protocols.errors import BadInputError

DEFAULT_LIMIT = 50
"""Rows of a list when nobody says."""
MAX_LIMIT = 500
"""Most rows of one answer; page on with `before`."""
MAX_WITH_ATTEMPTS = 100
"""Most messages of one answer that carries their attempts too: each costs a look-up."""


class Routes:
    """Handlers over one backend."""

    def __init__(self, backend: Backend, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._backend = backend
        self._gatekeeper = gatekeeper
        self._clock = clock

    def add_to(self, app: web.Application) -> None:
        """Register every route under `/api/v1`."""
        get, post = app.router.add_get, app.router.add_post
        get("/api/v1/health", self.health)
        get("/api/v1/links", self.links)
        post("/api/v1/links/ask", self.ask_links)
        get("/api/v1/stations", self.stations)
        get("/api/v1/messages", self.messages)
        post("/api/v1/messages", self.submit)
        get("/api/v1/messages/{id}", self.message)
        get("/api/v1/messages/{id}/attempts", self.attempts)
        post("/api/v1/messages/{id}/{act:cancel|read|acknowledge}", self.act_on_message)
        get("/api/v1/rollcalls", self.roll_calls)
        post("/api/v1/rollcalls", self.start_roll_call)
        get("/api/v1/rollcalls/{id}", self.roll_call)
        post("/api/v1/rollcalls/{id}/entries/{station}", self.mark_entry)
        get("/api/v1/quiet", self.quiet)
        post("/api/v1/quiet", self.set_quiet)
        get("/api/v1/alarms", self.alarms)
        post("/api/v1/alarms/{key}/{act:acknowledge|clear}", self.act_on_alarm)
        get("/api/v1/quarantine", self.quarantine)

    async def health(self, request: web.Request) -> web.Response:
        """Answer how this gateway is, and who asks."""
        caller = await self._allow(request, Role.VIEWER)
        who = {"name": caller.name, "role": caller.role.name.lower(), "ceiling": caller.ceiling.name}
        return json_response({**await self._backend.health(), "caller": who})

    async def links(self, request: web.Request) -> web.Response:
        """Answer the links of all gateways, or of one."""
        await self._allow(request, Role.VIEWER, "station")
        reports = await self._backend.links(query_name(request, "station"))
        now_unix_ms = self._clock.unix_ms()
        return json_response({"links": [encode.link(one, now_unix_ms) for one in reports]})

    async def ask_links(self, request: web.Request) -> web.Response:
        """Ask a gateway for its links."""
        await self._allow(request, Role.OPERATOR)
        body = await read_body(request, AskBody)
        await self._backend.ask_links(body.station)
        return json_response({"asked": body.station}, HTTPStatus.ACCEPTED)

    async def stations(self, request: web.Request) -> web.Response:
        """Answer the roster with presence."""
        await self._allow(request, Role.VIEWER)
        return json_response({"stations": await self._backend.stations()})

    async def submit(self, request: web.Request) -> web.Response:
        """Take a message: 201, or 200 when its Idempotency-Key was seen before."""
        caller = await self._allow(request, Role.OPERATOR)
        key = idempotency_key(request)
        new = (await read_body(request, MessageBody)).new_message()
        need_precedence(caller, new.precedence)
        message, replayed = await self._backend.submit(new, caller, key)
        status = HTTPStatus.OK if replayed else HTTPStatus.CREATED
        body = {**encode.message(message), "replayed": replayed}
        return json_response(body, status, Location=f"/api/v1/messages/{message.id}")

    async def messages(self, request: web.Request) -> web.Response:
        """Answer messages, newest first."""
        await self._allow(request, Role.VIEWER, "limit", "before", "state", "station", "attempts")
        with_attempts = query_int(request, "attempts", 0, 0, 1)
        highest = MAX_WITH_ATTEMPTS if with_attempts else MAX_LIMIT
        state = query_name(request, "state")
        if state is not None and state not in STATES:
            raise BadInputError("state", limit=", ".join(STATES), found=state, zh="没有这个状态")
        found = await self._backend.messages(
            limit=query_int(request, "limit", DEFAULT_LIMIT, 1, highest),
            before=query_name(request, "before"),
            state=state,
            station=query_name(request, "station"),
        )
        rows = [encode.message(one) for one in found]
        if with_attempts:
            for row in rows:
                row["attempts"] = await self._attempts(str(row["id"]))
        return json_response({"messages": rows})

    async def message(self, request: web.Request) -> web.Response:
        """Answer one message with its attempts."""
        await self._allow(request, Role.VIEWER)
        wanted = request.match_info["id"]
        message = await self._backend.message(wanted)
        if message is None:
            raise NotFoundError("id", wanted)
        return json_response({**encode.message(message), "attempts": await self._attempts(wanted)})

    async def attempts(self, request: web.Request) -> web.Response:
        """Answer every try for one message."""
        await self._allow(request, Role.VIEWER)
        wanted = request.match_info["id"]
        if await self._backend.message(wanted) is None:
            raise NotFoundError("id", wanted)
        return json_response({"attempts": await self._attempts(wanted)})

    async def act_on_message(self, request: web.Request) -> web.Response:
        """Cancel a message, or record that a person read or acknowledges it."""
        caller = await self._allow(request, Role.OPERATOR)
        wanted = request.match_info["id"]
        match request.match_info["act"]:
            case "cancel":
                message = await self._backend.cancel(wanted, caller)
            case "read":
                message = await self._backend.mark_read(wanted, caller)
            case _:
                message = await self._backend.acknowledge(wanted, caller)
        return json_response(encode.message(message))

    async def roll_calls(self, request: web.Request) -> web.Response:
        """Answer roll calls, newest first."""
        await self._allow(request, Role.VIEWER, "limit")
        limit = query_int(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
        return json_response({"roll_calls": await self._backend.roll_calls(limit)})

    async def start_roll_call(self, request: web.Request) -> web.Response:
        """Begin a roll call."""
        caller = await self._allow(request, Role.OPERATOR)
        body = await read_body(request, RollCallBody)
        call = await self._backend.start_roll_call(
            stations=tuple(body.stations),
            title=body.title,
            exercise=body.exercise,
            deadline_s=body.deadline_s,
            caller=caller,
        )
        return json_response(call, HTTPStatus.CREATED, Location=f"/api/v1/rollcalls/{call['id']}")

    async def roll_call(self, request: web.Request) -> web.Response:
        """Answer one roll call as JSON, or as the report people print."""
        await self._allow(request, Role.VIEWER, "format", "lang")
        form, lang = request.query.get("format", "json"), request.query.get("lang", "zh")
        if form not in {"json", "text"}:
            raise BadInputError("format", limit="json, text", found=form, zh="没有这种格式")
        if lang not in {"zh", "en"}:
            raise BadInputError("lang", limit="zh, en", found=lang, zh="没有这种语言")
        wanted = request.match_info["id"]
        call = await self._backend.roll_call(wanted)
        if call is None:
            raise NotFoundError("id", wanted)
        if form == "text":
            return web.Response(text=report.text(call, lang), headers={"Cache-Control": "no-store"})
        return json_response(call)

    async def mark_entry(self, request: web.Request) -> web.Response:
        """Let an operator set one entry of a roll call."""
        caller = await self._allow(request, Role.OPERATOR)
        body = await read_body(request, EntryBody)
        call_id, station = request.match_info["id"], request.match_info["station"]
        return json_response(await self._backend.mark_entry(call_id, station, body.state, body.note, caller))

    async def quiet(self, request: web.Request) -> web.Response:
        """Answer which links may not transmit."""
        await self._allow(request, Role.VIEWER)
        return json_response({"quiet": (await self._backend.health())["quiet"]})

    async def set_quiet(self, request: web.Request) -> web.Response:
        """Stop or resume transmitting."""
        caller = await self._allow(request, Role.OPERATOR)
        body = await read_body(request, QuietBody)
        return json_response({"quiet": await self._backend.quiet(body.link, body.on, caller)})

    async def alarms(self, request: web.Request) -> web.Response:
        """Answer alarms, newest first."""
        await self._allow(request, Role.VIEWER, "active")
        active_only = bool(query_int(request, "active", 1, 0, 1))
        found = await self._backend.alarms(active_only=active_only)
        return json_response({"alarms": [encode.alarm(one) for one in found]})

    async def act_on_alarm(self, request: web.Request) -> web.Response:
        """Record who looks after an alarm, or who ended it."""
        caller = await self._allow(request, Role.OPERATOR)
        key = request.match_info["key"]
        if request.match_info["act"] == "clear":
            alarm = await self._backend.clear_alarm(key, caller)
        else:
            alarm = await self._backend.acknowledge_alarm(key, caller)
        return json_response(encode.alarm(alarm))

    async def quarantine(self, request: web.Request) -> web.Response:
        """Answer texts from addresses not in the roster."""
        await self._allow(request, Role.OPERATOR)
        return json_response({"quarantine": await self._backend.quarantine()})

    async def _attempts(self, message_id: str) -> list[dict[str, object]]:
        return [encode.attempt(one) for one in await self._backend.attempts(message_id)]

    async def _allow(self, request: web.Request, role: Role, *parameters: str) -> Caller:
        caller = await self._gatekeeper.caller(request)
        need_role(caller, role)
        known_query(request, *parameters)
        return caller


STATES = tuple(state.value for state in RecipientState)
