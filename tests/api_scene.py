"""A morning in the field for the API's tests and for the page: three gateways, handhelds, one SOS."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from drivers.base import Clock, Log
from gateway.api.settings import ApiConfig, TokenConfig, Tokens, hash_token
from gateway.domain import (
    Alarm,
    AlarmKind,
    Attempt,
    Bearer,
    Evidence,
    LinkReport,
    LinkState,
    Message,
    MessageId,
    MessageKind,
    Position,
    Precedence,
    Recipient,
    RecipientState,
    Stage,
    TimeQuality,
)
from tests.api_backend import MemoryBackend, StationRow

TOKEN = "operator-token-of-the-tests"  # noqa: S105 - known to everybody
VIEWER = "viewer-token-of-the-tests"
CHIEF = "chief-token-of-the-tests"

R = RecipientState
E = Evidence


def tokens() -> Tokens:
    """Return an operator with ceiling IMMEDIATE, a viewer, and a chief who may everything."""
    return Tokens(
        (
            TokenConfig(name="值班员甲", role="operator", ceiling="IMMEDIATE", sha256=hash_token(TOKEN)),
            TokenConfig(name="wall", role="viewer", ceiling="ROUTINE", sha256=hash_token(VIEWER, "salt")),
            TokenConfig(name="chief", role="admin", ceiling="SOS", sha256=hash_token(CHIEF)),
        )
    )


def config(**changes: Any) -> ApiConfig:
    """Return the `[api]` table with these keys changed."""
    return ApiConfig(**changes)


def log() -> Log:
    """Return a log that says nothing below errors."""
    made: Log = structlog.wrap_logger(
        structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    return made


def station(number: int, call_sign: str, name: str, kind: str) -> StationRow:
    """Return a station nobody has heard."""
    unit = "示范市/应急管理局" if number == 1 else "示范市/消防救援支队/一大队"
    return StationRow(number, call_sign, name, unit, kind)


def empty(clock: Clock) -> MemoryBackend:
    """Return a headquarters, two vehicles and two handhelds before anything happened."""
    rows = [
        station(1, "HQ-1", "市应急指挥中心", "gateway"),
        station(21, "VEH-1", "一号指挥车", "gateway"),
        station(23, "VEH-3", "三号指挥车", "gateway"),
        station(301, "PD-01", "张建国", "handheld"),
        station(302, "PD-02", "李卫东", "handheld"),
    ]
    return MemoryBackend(
        clock,
        roster={row.number: row for row in rows},
        groups={"vehicles": (21, 23)},
        silent={"ip": False, "pdt1": False, "tt1": False, "bd1": False},
    )


HANDHELDS = (
    ("PD-03", "王海涛"),
    ("PD-04", "赵敏"),
    ("PD-05", "孙立军"),
    ("PD-06", "周洋"),
    ("PD-07", "吴桂兰"),
    ("PD-08", "郑浩"),
    ("PD-09", "冯晓燕"),
    ("PD-10", "陈志强"),
)


def busy(clock: Clock) -> MemoryBackend:
    """Return a gateway in the middle of an exercise with the network cut."""
    backend = empty(clock)
    backend.exercise = True
    for offset, (sign, name) in enumerate(HANDHELDS):
        backend.roster[303 + offset] = station(303 + offset, sign, name, "handheld")
    backend.silent["bd1"] = True
    _links(backend)
    _presence(backend)
    _messages(backend)
    _roll_call(backend)
    _alarms(backend)
    backend.strangers.append(
        {
            "id": "q1",
            "link": "tt1",
            "bearer": "tiantong",
            "address": "+861740012****",
            "text": "请问这里是指挥部吗？桥头有三户没有转移",
            "heard_unix_ms": clock.unix_ms() - 340_000,
        }
    )
    return backend


def _links(backend: MemoryBackend) -> None:
    now = backend.clock.unix_ms()

    def add(
        number: int, link: str, bearer: Bearer, state: LinkState, reason: str, age_s: float, by: Bearer | None
    ) -> None:
        evidence = E.INFERRED if state is LinkState.SUSPECT else E.OBSERVED if number == 1 else E.PROTOCOL
        quality = 84 if state is LinkState.UP else 20 if state is LinkState.SUSPECT else None
        backend.reports.append(
            LinkReport(
                station=number,
                link=link,
                bearer=bearer,
                state=state,
                evidence=evidence,
                reason=reason,
                age_s=age_s,
                quality_pct=quality,
                learnt_unix_ms=now - (0 if number == 1 else 9_000),
                learnt_by=by,
            )
        )

    add(1, "ip", Bearer.CELLULAR, LinkState.DOWN, "no heartbeat for 12 s", 41, None)
    add(1, "pdt1", Bearer.PDT, LinkState.UP, "voice in progress", 2, None)
    add(1, "tt1", Bearer.TIANTONG, LinkState.UP, "", 14, None)
    add(1, "bd1", Bearer.BEIDOU, LinkState.BLOCKED, "service interval", 6, None)
    add(21, "ip", Bearer.CELLULAR, LinkState.DOWN, "no heartbeat for 12 s", 38, Bearer.TIANTONG)
    add(21, "pdt1", Bearer.PDT, LinkState.UP, "", 5, Bearer.TIANTONG)
    add(21, "tt1", Bearer.TIANTONG, LinkState.UP, "", 9, Bearer.TIANTONG)
    add(21, "bd1", Bearer.BEIDOU, LinkState.SUSPECT, "no receipt", 75, Bearer.TIANTONG)
    add(23, "ip", Bearer.CELLULAR, LinkState.DOWN, "", 1260, Bearer.BEIDOU)
    add(23, "pdt1", Bearer.PDT, LinkState.ABSENT, "no such port", 1260, Bearer.BEIDOU)
    add(23, "bd1", Bearer.BEIDOU, LinkState.UP, "", 1260, Bearer.BEIDOU)


def _presence(backend: MemoryBackend) -> None:
    now = backend.clock.unix_ms()
    for number, row in backend.roster.items():
        if number in {1, 309, 310}:
            continue
        ago_ms = 1_000 * (number * 37 % 600) if number != 23 else 1_260_000
        row.heard = {
            "unix_ms": now - ago_ms,
            "link": "pdt1" if number > 300 else "tt1",
            "bearer": "pdt" if number > 300 else "tiantong",
            "how": "online_check" if number % 2 else "text",
            "via": 21 if number > 304 else 1,
            "online": number != 307,
        }
        if number in {21, 302, 305}:
            row.position = {"latitude_deg": 31.02417, "longitude_deg": 103.61883, "fix_age_s": 40.0}


def message(  # noqa: PLR0913 - one row of a table
    backend: MemoryBackend,
    number: int,
    ago_s: int,
    text: str,
    precedence: Precedence,
    recipients: tuple[Recipient, ...],
    *,
    sender: int = 1,
    unauthenticated: bool = False,
    ack_wanted: bool = False,
) -> str:
    """Store a message and return its id."""
    made = Message(
        id=MessageId(sender if sender < 300 else 21, 0x3FA2, number),
        kind=MessageKind.TEXT,
        precedence=precedence,
        text=text,
        sender=sender,
        unauthenticated=unauthenticated,
        exercise=True,
        ack_wanted=ack_wanted,
        lifetime_s=86_400,
        accepted_unix_ms=backend.clock.unix_ms() - ago_s * 1_000,
        time_quality=TimeQuality.NTP,
        came_from=0 if sender == 1 else 21,
        recipients=recipients,
    )
    backend.stored[str(made.id)] = made
    backend.emit("message.changed", id=str(made.id))
    return str(made.id)


def attempt(
    backend: MemoryBackend, message_id: str, station: int, link: str, stage: Stage, reason: str
) -> None:
    """Store one try."""
    tries = backend.tries.setdefault(message_id, [])
    made = backend.stored[message_id].accepted_unix_ms + 4_000 * (len(tries) + 1)
    tries.append(
        Attempt(
            handle=len(tries) + 1,
            message=MessageId.parse(message_id),
            station=station,
            link=link,
            next_hop=station,
            stage=stage,
            reason=reason,
            octets=97,
            created_unix_ms=made,
            updated_unix_ms=made + 2_300,
        )
    )


def to(
    backend: MemoryBackend, number: int, state: R, evidence: E, ago_s: int, detail: str = "", by: str = ""
) -> Recipient:
    """Return one recipient's copy, last changed `ago_s` ago."""
    updated = backend.clock.unix_ms() - 1_000 * ago_s
    return Recipient(
        station=number, state=state, evidence=evidence, detail=detail, by=by, updated_unix_ms=updated
    )


def _messages(backend: MemoryBackend) -> None:
    _order(backend)
    _others(backend)


def _order(backend: MemoryBackend) -> None:
    order = message(
        backend,
        41,
        95,
        "各车注意：上游水位 15 分钟内上涨 0.8 米，沿河人员立即撤至 2 号高地，到位后回复收到。",
        Precedence.IMMEDIATE,
        (
            to(backend, 21, R.ACKNOWLEDGED, E.PROTOCOL, 52, by="一号车 刘队"),
            to(backend, 23, R.AT_NETWORK, E.OBSERVED, 30, "Beidou took it; no receipt yet"),
            to(backend, 302, R.DELIVERED, E.OBSERVED, 61),
            to(backend, 309, R.UNKNOWN, E.INFERRED, 20, "no answer from the radio; asked again at 10:14"),
        ),
        ack_wanted=True,
    )
    attempt(backend, order, 21, "ip", Stage.FAILED, "link down")
    attempt(backend, order, 21, "tt1", Stage.AT_NETWORK, "")
    attempt(backend, order, 23, "bd1", Stage.AT_NETWORK, "")
    attempt(backend, order, 302, "pdt1", Stage.DELIVERED, "")
    attempt(backend, order, 309, "pdt1", Stage.UNKNOWN, "no answer within 6 s")


def _others(backend: MemoryBackend) -> None:
    inbound = message(
        backend,
        7,
        210,
        "一号车到达 2 号高地，转移群众 46 人，2 人轻伤，请求担架 2 副。",
        Precedence.PRIORITY,
        (to(backend, 1, R.DELIVERED, E.PROTOCOL, 205),),
        sender=21,
    )
    attempt(backend, inbound, 1, "tt1", Stage.AT_NETWORK, "")
    message(
        backend,
        8,
        320,
        "到达桥头，水已漫桥面",
        Precedence.ROUTINE,
        (to(backend, 1, R.READ, E.OPERATOR, 300, by="值班员甲"),),
        sender=302,
        unauthenticated=True,
    )
    bulk = message(
        backend,
        40,
        560,
        "今日 18 时前上报各点物资清单（帐篷、饮用水、发电机油料）。",
        Precedence.ROUTINE,
        (
            to(backend, 21, R.READ, E.PROTOCOL, 400),
            to(backend, 23, R.QUEUED, E.PROTOCOL, 560, "waits for a cheap link; only Beidou is up"),
        ),
    )
    attempt(backend, bulk, 21, "ip", Stage.AT_NETWORK, "")
    message(
        backend,
        38,
        2_900,
        "早间链路测试，收到请回。",
        Precedence.DEFERRED,
        (to(backend, 23, R.EXPIRED, E.PROTOCOL, 1_200, "lifetime over after 3 tries"),),
    )


def _roll_call(backend: MemoryBackend) -> None:
    now = backend.clock.unix_ms()
    begun = now - 96_000
    rows = (
        (21, "answered", E.PROTOCOL, "tiantong", 9),
        (23, "late", E.PROTOCOL, "beidou", 74),
        (301, "answered", E.OBSERVED, "pdt", 3),
        (302, "answered", E.OBSERVED, "pdt", 5),
        (303, "relayed", E.PROTOCOL, "pdt", 12),
        (304, "answered", E.OBSERVED, "pdt", 8),
        (305, "inferred", E.INFERRED, "pdt", 0),
        (306, "substitute", E.OPERATOR, "pdt", 41),
        (307, "fault", E.OBSERVED, "pdt", 0),
        (308, "excused", E.OPERATOR, "", 0),
        (309, "absent", E.PROTOCOL, "", 0),
        (310, "pending", E.PROTOCOL, "", 0),
    )
    entries = []
    for number, state, evidence, bearer, took_s in rows:
        called = begun + number % 50 * 1_000
        more: dict[str, object] = {
            "evidence": evidence.value,
            "bearer": bearer,
            "tries": 0 if not bearer else 1,
        }
        if state == "absent":
            more |= {"tries": 3, "note": "pdt ×2, tiantong ×1"}
        if state == "excused":
            more["note"] = "轮休"
        if state == "substitute":
            more["by"] = "郑浩（B角）"
        if took_s:
            more |= {"called_unix_ms": called, "answered_unix_ms": called + took_s * 1_000}
        more["authenticated"] = evidence is E.PROTOCOL
        entries.append(backend.entry(number, state, **more))
    backend.calls["1-r4"] = {
        "id": "1-r4",
        "title": "断网点名",
        "exercise": True,
        "caller": "值班员甲",
        "scheme": "poll",
        "state": "running",
        "started_unix_ms": begun,
        "deadline_unix_ms": now + 504_000,
        "ended_unix_ms": 0,
        "hash": "",
        "previous_hash": "9c1f",
        "entries": entries,
    }


def _alarms(backend: MemoryBackend) -> None:
    now = backend.clock.unix_ms()
    backend.rung["sos:305"] = Alarm(
        key="sos:305",
        kind=AlarmKind.SOS,
        station=305,
        detail="emergency button",
        unauthenticated=True,
        position=Position(31.02417, 103.61883, 12.0),
        raised_unix_ms=now - 47_000,
        exercise=True,
    )
    backend.rung["lost:23"] = Alarm(
        key="lost:23",
        kind=AlarmKind.LOST_CONTACT,
        station=23,
        detail="not heard for 21 min (limit 15 min)",
        unauthenticated=False,
        position=None,
        raised_unix_ms=now - 360_000,
        exercise=True,
    )
