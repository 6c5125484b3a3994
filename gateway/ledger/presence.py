"""Who was heard where, what every gateway's links are, and what somebody must look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drivers.base import Bearer, LinkState, Position
from gateway.domain import Alarm, AlarmKind, Evidence, LinkReport, Presence
from gateway.ledger.tx import Tx

MAX_ALARMS = 1_000
"""Alarms kept: the oldest that are over go first, an open SOS last."""

MAX_PRESENCE = 10_000
"""Most rows answered: a large county's stations on two links each."""

MAX_LINK_REPORTS = 10_000
"""Most rows answered: a thousand gateways with ten links each."""

ROUNDED_S, ROUNDED_SHARE = 2.0, 1 / 16
"""How much older an age may look than it is: a sixteenth and a second on the air, a second under way."""


def heard(tx: Tx, presence: Presence) -> None:
    """Note that a station was heard; the latest per gateway that heard it and link is kept.

    A position stays when the newer note brings none.
    """
    position = presence.position
    tx.execute(
        "INSERT INTO presence VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
        "bearer = excluded.bearer, address = excluded.address, how = excluded.how, online = excluded.online, "
        "heard_unix_ms = excluded.heard_unix_ms, heard_s = excluded.heard_s, "
        "latitude_deg = coalesce(excluded.latitude_deg, latitude_deg), "
        "longitude_deg = coalesce(excluded.longitude_deg, longitude_deg), "
        "fix_age_s = CASE WHEN excluded.latitude_deg IS NULL THEN fix_age_s + excluded.heard_s - heard_s "
        "ELSE excluded.fix_age_s END",
        (
            presence.station,
            presence.link,
            presence.via,
            presence.bearer.value,
            presence.address,
            presence.how,
            presence.online,
            presence.heard_unix_ms or tx.now_unix_ms,
            *_flat(position),
            tx.now_s,
        ),
    )


def list_presence(tx: Tx, station: int | None = None) -> list[Presence]:
    """Return what is known of all stations, or of one: one entry per gateway that heard it and link."""
    found = tx.all(
        "SELECT station, link, via, bearer, address, how, online, heard_unix_ms, latitude_deg, "
        "longitude_deg, "
        "fix_age_s FROM presence WHERE ?1 IS NULL OR station = ?1 ORDER BY station, via, link LIMIT ?2",
        station,
        MAX_PRESENCE,
    )
    return [
        Presence(
            station=row[0],
            link=row[1],
            via=row[2],
            bearer=Bearer(row[3]),
            address=row[4],
            how=row[5],
            online=bool(row[6]),
            heard_unix_ms=row[7],
            position=_position(row[8:11]),
        )
        for row in found
    ]


def heard_ages_s(tx: Tx, station: int | None = None) -> dict[tuple[int, int, str], float]:
    """Seconds since each (station, via, link) was heard, by ledger time: no clock step can shorten them."""
    found = tx.all(
        "SELECT station, via, link, heard_s FROM presence WHERE ?1 IS NULL OR station = ?1 "
        "ORDER BY station LIMIT ?2",
        station,
        MAX_PRESENCE,
    )
    return {(row[0], row[1], row[2]): tx.now_s - row[3] for row in found}


def link_report(tx: Tx, report: LinkReport, *, newest: bool = False) -> bool:
    """Keep a link's report unless newer evidence is known (it came over a slower bearer); return if kept.

    `newest`: its sender said nothing later, so it holds whatever ages say; one that waited for a satellite
    looks that much too young, and would keep out what followed. Else: ages are rounded up on the air, and
    evidence that looks older by no more than that is the same evidence, of which the report that came last
    says what follows now.
    """
    evidence_s = tx.now_s - report.age_s
    return (
        tx.execute(
            "INSERT INTO link_reports VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT DO UPDATE SET "
            "bearer = excluded.bearer, state = excluded.state, evidence = excluded.evidence, "
            "reason = excluded.reason, age_s = excluded.age_s, quality_pct = excluded.quality_pct, "
            "learnt_unix_ms = excluded.learnt_unix_ms, learnt_by = excluded.learnt_by, "
            "evidence_s = CASE WHEN ?12 THEN excluded.evidence_s "
            "ELSE max(evidence_s, excluded.evidence_s) END "
            "WHERE ?12 OR excluded.evidence_s + ?13 >= evidence_s",
            (
                report.station,
                report.link,
                report.bearer.value,
                report.state.value,
                report.evidence.value,
                report.reason,
                report.age_s,
                report.quality_pct,
                report.learnt_unix_ms or tx.now_unix_ms,
                None if report.learnt_by is None else report.learnt_by.value,
                evidence_s,
                newest,
                ROUNDED_S + report.age_s * ROUNDED_SHARE,
            ),
        ).rowcount
        > 0
    )


def list_link_reports(tx: Tx, station: int | None = None) -> list[LinkReport]:
    """Return the latest report of every link of all gateways, or of one."""
    found = tx.all(
        "SELECT station, link, bearer, state, evidence, reason, age_s, quality_pct, "
        "learnt_unix_ms, learnt_by "
        "FROM link_reports WHERE ?1 IS NULL OR station = ?1 ORDER BY station, link LIMIT ?2",
        station,
        MAX_LINK_REPORTS,
    )
    return [
        LinkReport(
            station=row[0],
            link=row[1],
            bearer=Bearer(row[2]),
            state=LinkState(row[3]),
            evidence=Evidence(row[4]),
            reason=row[5],
            age_s=row[6],
            quality_pct=row[7],
            learnt_unix_ms=row[8],
            learnt_by=None if row[9] is None else Bearer(row[9]),
        )
        for row in found
    ]


def link_report_ages_s(tx: Tx) -> dict[tuple[int, str], float]:
    """Age now of the evidence behind each (station, link) report, by ledger time."""
    found = tx.all("SELECT station, link, evidence_s FROM link_reports LIMIT ?", MAX_LINK_REPORTS)
    return {(row[0], row[1]): tx.now_s - row[2] for row in found}


def drop_link_reports(tx: Tx, station: int, keep: Sequence[str]) -> int:
    """Forget reports of links that a gateway no longer has; return how many."""
    known = [row[0] for row in tx.all("SELECT link FROM link_reports WHERE station = ?", station)]
    gone = [(station, link) for link in known if link not in keep]
    for key in gone:
        tx.execute("DELETE FROM link_reports WHERE station = ? AND link = ?", key)
    return len(gone)


def alarm_raise(tx: Tx, alarm: Alarm, *, anew: bool = False) -> bool:
    """Raise an alarm, or refresh the one of this key that is still open; return whether it is a new one.

    A refresh keeps when it was raised and who acknowledged it. `anew`: this is another cry, not the same told
    again: an alarm that somebody has acknowledged is raised like the first.
    """
    found = tx.one("SELECT cleared_unix_ms, acknowledged_by FROM alarms WHERE key = ?", alarm.key)
    if found is not None and found[0] == 0 and not (anew and found[1]):
        position = _flat(alarm.position)
        tx.execute(
            "UPDATE alarms SET detail = ?, latitude_deg = coalesce(?, latitude_deg), "
            "longitude_deg = coalesce(?, longitude_deg), fix_age_s = ?, unauthenticated = "
            "min(unauthenticated, ?) "
            "WHERE key = ?",
            (alarm.detail, *position, alarm.unauthenticated, alarm.key),
        )
        return False
    tx.execute(
        "INSERT OR REPLACE INTO alarms (key, kind, station, detail, unauthenticated, latitude_deg, "
        "longitude_deg, fix_age_s, raised_unix_ms, cleared_unix_ms, acknowledged_by, exercise, number) "
        "VALUES (?,?,?,?,?,?,?,?,?,0,?,?,?)",
        (
            alarm.key,
            alarm.kind.value,
            alarm.station,
            alarm.detail,
            alarm.unauthenticated,
            *_flat(alarm.position),
            alarm.raised_unix_ms or tx.now_unix_ms,
            alarm.acknowledged_by,
            alarm.exercise,
            tx.next_number("alarm"),
        ),
    )
    _bound_alarms(tx)
    return True


def alarm_open(tx: Tx, key: str) -> bool:
    """Whether the alarm of this key is raised and its cause not gone."""
    return tx.one("SELECT 1 FROM alarms WHERE key = ? AND cleared_unix_ms = 0", key) is not None


def alarm_acknowledged(tx: Tx, key: str) -> bool:
    """Whether the alarm of this key is open and somebody looks after it."""
    return (
        tx.one("SELECT 1 FROM alarms WHERE key = ? AND cleared_unix_ms = 0 AND acknowledged_by != ''", key)
        is not None
    )


def alarm_young(tx: Tx, key: str, age_s: float) -> bool:
    """Whether the open alarm of this key was raised less than `age_s` seconds ago by the wall clock."""
    found = tx.one("SELECT raised_unix_ms FROM alarms WHERE key = ? AND cleared_unix_ms = 0", key)
    return found is not None and 0 <= tx.now_unix_ms - int(found[0]) < age_s * 1000


def alarm_located(tx: Tx, key: str) -> bool:
    """Whether the open alarm of this key has a position."""
    found = tx.one("SELECT latitude_deg FROM alarms WHERE key = ? AND cleared_unix_ms = 0", key)
    return found is not None and found[0] is not None


def alarm_locate(tx: Tx, key: str, position: Position) -> bool:
    """Give the open alarm of this key its latest position; return whether there is one."""
    return (
        tx.execute(
            "UPDATE alarms SET latitude_deg = ?, longitude_deg = ?, fix_age_s = ? "
            "WHERE key = ? AND cleared_unix_ms = 0",
            (*_flat(position), key),
        ).rowcount
        > 0
    )


def alarm_clear(tx: Tx, key: str, *, by: str = "") -> bool:
    """Note that the cause is gone, or who ended it; return whether the alarm was open. It stays listed."""
    return (
        tx.execute(
            "UPDATE alarms SET cleared_unix_ms = ?, cleared_by = ? WHERE key = ? AND cleared_unix_ms = 0",
            (max(1, tx.now_unix_ms), by, key),
        ).rowcount
        > 0
    )


def alarm_acknowledge(tx: Tx, key: str, name: str) -> bool:
    """`name` has seen the alarm; return False when somebody acknowledged it before or it is unknown."""
    return (
        tx.execute(
            "UPDATE alarms SET acknowledged_by = ? WHERE key = ? AND acknowledged_by = ''", (name, key)
        ).rowcount
        > 0
    )


def alarm_list(tx: Tx, *, open_only: bool = False) -> list[Alarm]:
    """Return the alarms, newest first; `open_only`: those whose cause is not gone."""
    found = tx.all(
        "SELECT key, kind, station, detail, unauthenticated, latitude_deg, longitude_deg, "
        "fix_age_s, raised_unix_ms, "
        "cleared_unix_ms, cleared_by, acknowledged_by, exercise FROM alarms "
        "WHERE cleared_unix_ms = 0 OR NOT ?1 ORDER BY number DESC LIMIT ?2",
        open_only,
        MAX_ALARMS,
    )
    return [
        Alarm(
            key=row[0],
            kind=AlarmKind(row[1]),
            station=row[2],
            detail=row[3],
            unauthenticated=bool(row[4]),
            position=_position(row[5:8]),
            raised_unix_ms=row[8],
            cleared_unix_ms=row[9],
            cleared_by=row[10],
            acknowledged_by=row[11],
            exercise=bool(row[12]),
        )
        for row in found
    ]


def _bound_alarms(tx: Tx) -> None:
    row = tx.one("SELECT count(*) FROM alarms")
    if row is not None and row[0] > MAX_ALARMS:
        tx.execute(
            "DELETE FROM alarms WHERE key IN (SELECT key FROM alarms ORDER BY cleared_unix_ms = 0, "
            "kind = 'sos', number LIMIT ?)",
            (row[0] - MAX_ALARMS,),
        )


def _flat(position: Position | None) -> tuple[float | None, float | None, float | None]:
    return (
        (None, None, None)
        if position is None
        else (position.latitude_deg, position.longitude_deg, position.fix_age_s)
    )


def _position(columns: Sequence[Any]) -> Position | None:
    return None if columns[0] is None else Position(columns[0], columns[1], columns[2])
