"""Roll calls as programs and people use them: start, look, mark."""

from __future__ import annotations

from gateway.api.backend import Caller, NotFoundError, Refusal, RefusedError
from gateway.backend.parts import Parts
from gateway.ledger import notes, roll_calls
from gateway.ledger.roll_calls import StoredCall
from gateway.rollcall.call import EntryState, counts
from gateway.rollcall.manager import CallRunningError
from protocols.errors import BadInputError

MIN_DEADLINE_S, MAX_DEADLINE_S = 5, 86_400
"""A roll call lasts at least one pass over a fast bearer, at most a day."""

MARKS = tuple(state.value for state in EntryState if state is not EntryState.PENDING)
"""States an operator may set: what has an end cannot be open again."""


class RollCallSide:
    """The roll calls of the backend."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def start_roll_call(
        self, *, stations: tuple[str, ...], title: str, exercise: bool, deadline_s: int | None, caller: Caller
    ) -> dict[str, object]:
        """Begin a roll call; no stations named = the whole roster."""
        parts, core = self._parts, self._parts.core
        length_s = core.config.roll_call.deadline_s if deadline_s is None else deadline_s
        if not MIN_DEADLINE_S <= length_s <= MAX_DEADLINE_S:
            raise BadInputError(
                "deadline_s", limit=f"{MIN_DEADLINE_S}..{MAX_DEADLINE_S} s", found=length_s, zh="时限超出范围"
            )
        chosen = core.roster.resolve(stations) if stations else tuple(core.roster.stations.values())
        try:
            call = await parts.roll_calls.start(
                stations=chosen,
                title=title,
                exercise=exercise or core.config.gateway.exercise,
                deadline_s=length_s,
                caller=caller.name,
            )
        except CallRunningError as error:
            raise RefusedError(
                Refusal.CONFLICT,
                en=str(error),
                zh=error.zh,
                field=error.field,
                limit=error.limit,
                found=error.call_id,
            ) from error
        await core.ledger.write(lambda tx: notes.audit(tx, caller.name, "rollcall", call.call_id))
        shown = await self.roll_call(call.call_id)
        return shown or {}

    async def roll_calls(self, limit: int) -> list[dict[str, object]]:
        """Headers with counts, newest first."""
        stored = await self._parts.core.ledger.read(lambda tx: roll_calls.list_calls(tx, limit=limit))
        return [self._shown(call, entries=False) for call in stored]

    async def roll_call(self, call_id: str) -> dict[str, object] | None:
        """One roll call with its entries."""
        stored = await self._parts.core.ledger.read(lambda tx: roll_calls.get(tx, call_id))
        if stored is None or stored.header.get("reply_to"):
            return None
        return self._shown(stored, entries=True)

    async def mark_entry(
        self, call_id: str, station: str, state: str, note: str, caller: Caller
    ) -> dict[str, object]:
        """Let an operator set one entry."""
        if state.lower() not in MARKS:
            raise BadInputError("state", limit=" ".join(MARKS), found=state, zh="没有此点名状态")
        wanted = EntryState(state.lower())
        number = self._parts.station(station).number
        await self._parts.roll_calls.mark(call_id, number, wanted, note, caller.name)
        shown = await self.roll_call(call_id)
        if shown is None:
            raise NotFoundError("id", call_id)
        return shown

    def _shown(self, call: StoredCall, *, entries: bool) -> dict[str, object]:
        header = call.header
        shown: dict[str, object] = {
            "id": call.call_id,
            "title": header["title"],
            "exercise": header["exercise"],
            "caller": header["caller"],
            "scheme": header["scheme"],
            "state": "ended" if header["ended"] else "running",
            "started_unix_ms": header["started_unix_ms"],
            "deadline_unix_ms": header["deadline_unix_ms"],
            "ended_unix_ms": header["ended_unix_ms"],
            "hash": call.hash,
            "previous_hash": call.previous_hash,
            "counts": counts([EntryState(body["state"]) for body in call.entries.values()]),
        }
        if entries:
            roster = self._parts.core.roster
            shown["entries"] = [
                {
                    **body,
                    "call_sign": roster.sign(number),
                    "name": roster.stations[number].name if number in roster.stations else "",
                }
                for number, body in sorted(call.entries.items())
            ]
        return shown
