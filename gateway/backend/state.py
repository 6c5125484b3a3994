"""How the gateway, its links and its stations are; alarms, stop transmitting, events."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from gateway.api.backend import Caller, EventRow, NotFoundError, Refusal, RefusedError
from gateway.backend.parts import Parts
from gateway.domain import Alarm, LinkReport, Position, Presence
from gateway.ledger import events, limits, messages, notes, presence
from gateway.ledger import native as native_ledger
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from protocols.errors import BadInputError


class StateSide:
    """The reading side of the backend, and the switches."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def health(self) -> dict[str, object]:
        """How this gateway is."""
        core = self._parts.core
        waiting, used, active, epoch = await core.ledger.read(
            lambda tx: (
                messages.waiting_count_by_precedence(tx),
                tx.used_octets(),
                len(_active(presence.alarm_list(tx))),
                f"{tx.epoch:04x}",
            )
        )
        ledger = core.ledger
        state = (
            "broken"
            if ledger.broken
            else "full"
            if ledger.disk_full
            else "set_aside"
            if ledger.set_aside
            else "ok"
        )
        return {
            "station": core.own,
            "call_sign": core.me.call_sign,
            "name": core.me.name,
            "version": version("fieldgate"),
            "uptime_s": round(core.now_s() - self._parts.started_s, 3),
            "unix_ms": core.clock.unix_ms(),
            "time_quality": core.time_quality().value,
            "exercise": core.config.gateway.exercise,
            "ledger": {"state": state, "octets": used, "octets_max": limits.MAX_LEDGER_OCTETS},
            "quiet": {name: link.quiet for name, link in core.links.items()},
            "counts": {"queued": sum(waiting.values()), **core.counts},
            "alarms": active,
            "events": {"epoch": epoch, "newest": core.ledger.newest_cursor},
        }

    async def links(self, station: str | None) -> list[LinkReport]:
        """Links of all gateways known here, own first."""
        own = self._parts.reports.own_now()
        known = await self._parts.core.ledger.read(presence.list_link_reports)
        everything = own + [report for report in known if report.station != self._parts.core.own]
        if station is None:
            return everything
        number = self._parts.station(station).number
        return [report for report in everything if report.station == number]

    async def ask_links(self, station: str) -> None:
        """Ask a gateway for its links."""
        found = self._parts.station(station)
        if found.number not in self._parts.core.keys.pairs:
            raise BadInputError("station", limit="another gateway", found=station, zh="不是其他网关台站")
        self._parts.reports.ask(found.number)

    async def stations(self) -> list[dict[str, object]]:
        """The roster with presence."""
        core = self._parts.core
        heard: dict[int, Any] = {}
        positions: dict[int, Any] = {}
        for note in await core.ledger.read(presence.list_presence):
            known = heard.get(note.station)
            if known is None or note.heard_unix_ms >= known.heard_unix_ms:
                heard[note.station] = note
            if note.position is not None:
                positions[note.station] = note.position
        groups = {
            number: [name for name, members in core.roster.groups.items() if number in members]
            for number in core.roster.stations
        }
        return [
            {
                "number": station.number,
                "call_sign": station.call_sign,
                "name": station.name,
                "path": station.path,
                "kind": station.kind,
                "groups": groups[station.number],
                "heard": _heard(heard.get(station.number)),
                "online": heard[station.number].online if station.number in heard else None,
                "position": _position(positions.get(station.number)),
            }
            for _, station in sorted(core.roster.stations.items())
        ]

    # --- switches and alarms -----------------------------------------------------------------------------

    async def quiet(self, link: str, on: bool, caller: Caller) -> dict[str, bool]:  # noqa: FBT001
        """Stop or resume transmitting; kept over a restart. Stopping waits for nothing, resuming for disk."""
        core = self._parts.core
        if link != "all" and link not in core.links:
            raise NotFoundError("link", link)
        names = list(core.links) if link == "all" else [link]

        def keep(tx: Tx) -> None:
            for name in names:
                notes.meta_set(tx, f"quiet.{name}", "on" if on else "")
            notes.audit(tx, caller.name, "quiet", f"{link} {'on' if on else 'off'}")
            events.append(tx, "quiet.changed", {"links": names, "on": on, "station": core.own})

        if on:
            self._silence(names, on=True)
        try:
            await core.ledger.write(keep, urgent=True)
        except LedgerError as error:
            core.log.error("quiet_not_stored", links=names, on=on, by=caller.name, error=error.en)  # noqa: TRY400
            raise _not_kept(on=on, error=error) from error
        self._silence(names, on=on)
        core.log.warning(
            "transmitting_stopped" if on else "transmitting_resumed", links=names, by=caller.name
        )
        core.wake.ring()
        return {name: runner.quiet for name, runner in core.links.items()}

    def _silence(self, names: list[str], *, on: bool) -> None:
        for name in names:
            self._parts.core.links[name].quiet = on

    async def alarms(self, *, active_only: bool) -> list[Alarm]:
        """Alarms, newest first."""
        found = await self._parts.core.ledger.read(presence.alarm_list)
        return _active(found) if active_only else found

    async def acknowledge_alarm(self, key: str, caller: Caller) -> Alarm:
        """Record who looks after an alarm; the first name stays."""

        def note(tx: Tx) -> Alarm | None:
            if presence.alarm_acknowledge(tx, key, caller.name):
                notes.audit(tx, caller.name, "acknowledge_alarm", key)
                events.append(tx, "alarm.acknowledged", {"key": key, "by": caller.name})
            return next((alarm for alarm in presence.alarm_list(tx) if alarm.key == key), None)

        alarm = await self._parts.core.ledger.write(note, urgent=True)
        if alarm is None:
            raise NotFoundError("key", key)
        return alarm

    async def clear_alarm(self, key: str, caller: Caller) -> Alarm:
        """End an alarm in an operator's name, and acknowledge it if nobody has; the first name stays."""

        def note(tx: Tx) -> Alarm | None:
            if presence.alarm_clear(tx, key, by=caller.name):
                presence.alarm_acknowledge(tx, key, caller.name)
                notes.audit(tx, caller.name, "clear_alarm", key)
                station = next(alarm.station for alarm in presence.alarm_list(tx) if alarm.key == key)
                events.append(tx, "alarm.cleared", {"key": key, "station": station, "by": caller.name})
            return next((alarm for alarm in presence.alarm_list(tx) if alarm.key == key), None)

        alarm = await self._parts.core.ledger.write(note, urgent=True)
        if alarm is None:
            raise NotFoundError("key", key)
        return alarm

    async def quarantine(self) -> list[dict[str, object]]:
        """Texts from addresses not in the roster."""
        core = self._parts.core
        found = await core.ledger.read(native_ledger.list_quarantine)
        bearers = {name: runner.bearer.value if runner.bearer else "" for name, runner in core.links.items()}
        return [
            {
                "id": text.row,
                "link": text.link,
                "bearer": bearers.get(text.link, ""),
                "address": text.source,
                "text": text.text,
                "heard_unix_ms": text.unix_ms,
            }
            for text in found
        ]

    async def events_after(self, cursor: int, limit: int) -> tuple[int, list[EventRow]]:
        """Events behind a cursor, and the oldest cursor kept."""
        return await self._parts.core.ledger.read(
            lambda tx: (events.oldest_cursor(tx), events.after(tx, cursor, limit))
        )

    async def wait_events(self, cursor: int) -> None:
        """Return when something newer is durable."""
        await self._parts.core.ledger.wait_events(cursor)


def _not_kept(*, on: bool, error: LedgerError) -> RefusedError:
    if on:
        en = f"transmitting is stopped, but that could not be stored: a restart transmits again ({error.en})"
        zh = f"已停止发射，但未能存盘：重启后将恢复发射（{error.zh}）"
    else:
        en = f"still not transmitting: the change could not be stored ({error.en})"
        zh = f"仍未恢复发射：更改未能存盘（{error.zh}）"
    return RefusedError(Refusal.UNAVAILABLE, en=en, zh=zh, field="ledger")


def _active(alarms: list[Alarm]) -> list[Alarm]:
    return [alarm for alarm in alarms if not (alarm.cleared_unix_ms and alarm.acknowledged_by)]


def _heard(note: Presence | None) -> dict[str, Any] | None:
    if note is None:
        return None
    return {
        "unix_ms": note.heard_unix_ms,
        "link": note.link,
        "bearer": note.bearer.value,
        "how": note.how,
        "via": note.via,
        "online": note.online,
    }


def _position(position: Position | None) -> dict[str, Any] | None:
    if position is None:
        return None
    return {
        "latitude_deg": position.latitude_deg,
        "longitude_deg": position.longitude_deg,
        "fix_age_s": position.fix_age_s,
    }
