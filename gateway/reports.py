"""Every gateway's links at headquarters: our own report on change and on request, others' as they come."""

from __future__ import annotations

import asyncio
from math import inf

from drivers.waiting import Bell
from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.work import Work
from gateway.domain import Alarm, AlarmKind, Bearer, Evidence, LinkReport, LinkState, Precedence
from gateway.health import LinkView
from gateway.ledger import events, presence
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.roster import Station
from gateway.routing import ways
from protocols import air

LOOK_S = 1.0
"""A change is looked at so long after it, and the next no earlier: several links change at once."""

SETTLE_S = 1.0
"""A change waits this long for the next one: a cut takes several links with it."""

FIRST_PAID_S = 10.0
"""Links come up one after the other; until then nothing is paid to tell of each."""

REPORT_LIFE_S = 600.0
"""A report not sent by then is replaced or worthless."""

_REASONS: tuple[tuple[str, air.LinkReason], ...] = (
    ("no beam", air.LinkReason.ANTENNA_BLOCKED),
    ("no peer", air.LinkReason.NO_PEER),
    ("regist", air.LinkReason.NOT_REGISTERED),
    ("signal", air.LinkReason.NO_SIGNAL),
    ("snr", air.LinkReason.NO_SIGNAL),
    ("silence", air.LinkReason.INHIBITED),
    ("suppress", air.LinkReason.INHIBITED),
    ("silent", air.LinkReason.DEVICE_SILENT),
    ("answer", air.LinkReason.DEVICE_SILENT),
)
_REASON_WORDS = {
    air.LinkReason.OTHER: "",
    air.LinkReason.QUIET: "stopped by an operator",
    air.LinkReason.DEVICE_ABSENT: "device absent",
    air.LinkReason.DEVICE_SILENT: "device silent",
    air.LinkReason.NOT_REGISTERED: "not registered",
    air.LinkReason.NO_SIGNAL: "no signal",
    air.LinkReason.ANTENNA_BLOCKED: "antenna blocked",
    air.LinkReason.NO_PEER: "no peer answers",
    air.LinkReason.SERVICE_INTERVAL: "service interval",
    air.LinkReason.VOICE: "voice in progress",
    air.LinkReason.BUDGET: "budget used up",
    air.LinkReason.INHIBITED: "transmission inhibited",
}


def own_reason(link: LinkRunner, view: LinkView) -> str:
    """What people read beside a link's state."""
    if link.quiet:
        return "transmitting stopped by an operator"
    if link.voice:
        return "voice in progress"
    return view.reason


def _reason_to_air(link: LinkRunner, view: LinkView) -> air.LinkReason | None:
    if link.quiet:
        return air.LinkReason.QUIET
    if link.voice:
        return air.LinkReason.VOICE
    if view.state is LinkState.UP:
        return None
    if view.state is LinkState.ABSENT:
        return air.LinkReason.DEVICE_ABSENT
    words = view.reason.casefold()
    return next((reason for part, reason in _REASONS if part in words), air.LinkReason.OTHER)


class Reports:
    """Makes our reports, keeps others', and raises the alarm when a gateway is not heard any more."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._shown: dict[str, tuple[LinkState, str, bool, bool]] = {}
        self._sequence = core.random.getrandbits(16)
        self._newest: dict[int, int] = {}
        """By station: the number of the report it sent last, as far as we know."""
        self._started_s = core.now_s()
        self._may_pay_s = self._started_s + FIRST_PAID_S
        self._untold = False
        self._sent_s: float | None = None
        self._heard_s: dict[int, float] = {}
        self._lost: set[int] = set()
        self._bell = Bell()

    async def run(self) -> None:
        """Look after the reports until cancelled; alarms of before a restart stand until one is heard."""
        raised = await self._core.ledger.read(lambda tx: presence.alarm_list(tx, open_only=True))
        self._lost = {alarm.station for alarm in raised if alarm.kind is AlarmKind.LOST_CONTACT}
        for link in self._core.links.values():
            link.health.changed = self._bell.ring
        while True:
            try:
                await self._look()
            except LedgerError as error:
                self._core.log.warning("link_report_not_stored", error=str(error))
            now_s = self._core.now_s()
            wait_s = self._next_s(now_s) - now_s
            if wait_s > LOOK_S and await self._bell.wait(wait_s - LOOK_S):
                wait_s = LOOK_S
            await self._core.clock.sleep(min(max(wait_s, 0.0), LOOK_S) or LOOK_S)

    def _next_s(self, now_s: float) -> float:
        """When there will be something to do by time alone."""
        core = self._core
        next_s = now_s if self._sent_s is None else self._sent_s + core.config.reports.interval_s
        if self._untold:
            next_s = min(next_s, self._may_pay_s)
        for link in core.links.values():
            next_s = min(next_s, link.health.hold_until_s(now_s))
        if core.me.headquarters:
            next_s = min(next_s, self._next_loss_s())
        return max(next_s, now_s + LOOK_S)

    def _next_loss_s(self) -> float:
        """When contact with the next gateway will be lost."""
        limit_s = self._core.config.reports.lost_contact_s
        heard_s = (
            self._heard_s.get(number, self._started_s)
            for number in self._core.keys.pairs
            if number not in self._lost
        )
        return min(heard_s, default=inf) + limit_s

    async def _look(self) -> None:
        core = self._core
        now_s = core.now_s()
        changed = [link for link in core.links.values() if self._changed(link, now_s)]
        if changed:
            reports = [self._own(link, now_s) for link in changed if link.bearer is not None]
            await core.ledger.write(lambda tx: _keep_own(tx, reports), urgent=True)
            core.wake.ring()
        self._untold = self._untold or bool(changed)
        may_pay = self._untold and now_s >= self._may_pay_s
        due = self._sent_s is None or now_s - self._sent_s >= core.config.reports.interval_s
        if changed or due or may_pay:
            self._sent_s = now_s
            paying = [self._tell(station, may_pay=may_pay) for station in self._others()]
            self._untold = self._untold and not may_pay
            if any(paying):
                self._may_pay_s = now_s + core.config.reports.paid_every_s
        await self._contacts(now_s)

    def _others(self) -> list[Station]:
        return [station for station in self._core.roster.headquarters() if station.number != self._core.own]

    def _tell(self, headquarters: Station, *, may_pay: bool) -> bool:
        """Send our report; return whether it will cost something, because no free link is up."""
        core = self._core
        found = ways(headquarters, own=core.own, roster=core.roster, links=core.route_links())
        free = any(way.state is LinkState.UP and core.links[way.link].free_of_charge for way in found)
        self._send(headquarters.number, "", may_pay=may_pay and not free)
        return may_pay and not free

    def _changed(self, link: LinkRunner, now_s: float) -> bool:
        view = link.health.view(now_s)
        shown = (view.state, own_reason(link, view), link.quiet, link.voice)
        if self._shown.get(link.name) == shown:
            return False
        self._shown[link.name] = shown
        return True

    def _own(self, link: LinkRunner, now_s: float) -> LinkReport:
        view = link.health.view(now_s)
        return LinkReport(
            station=self._core.own,
            link=link.name,
            bearer=link.capabilities.bearer,
            state=view.state,
            evidence=view.evidence,
            reason=own_reason(link, view),
            age_s=max(0.0, now_s - view.evidence_s),
            quality_pct=link.quality_pct,
            learnt_unix_ms=self._core.clock.unix_ms(),
            learnt_by=None,
        )

    def own_now(self) -> list[LinkReport]:
        """Our own links as they are this moment."""
        now_s = self._core.now_s()
        return [self._own(link, now_s) for link in self._core.links.values() if link.bearer is not None]

    # --- sending -----------------------------------------------------------------------------------------

    def report_requested(self, peer: int, link: LinkRunner) -> None:
        """Send our report to a neighbour that asks, back over the link it asked on."""
        self._send(peer, link.name, may_pay=True)

    def ask(self, station: int) -> None:
        """Ask a gateway for its report."""
        now_s = self._core.now_s()
        self._outbox.add_control(
            Work(
                key=("c", "ask-links", str(station)),
                station=station,
                precedence=Precedence.PRIORITY,
                born_s=now_s,
                element=lambda _now_s: air.LinkReportRequest(),
                elicits_ack=False,
                expires_s=now_s + REPORT_LIFE_S,
            )
        )

    def _send(self, peer: int, link: str, *, may_pay: bool) -> None:
        now_s = self._core.now_s()
        self._outbox.add_control(
            Work(
                key=("c", "links", str(peer)),
                station=peer,
                precedence=Precedence.PRIORITY,
                born_s=now_s,
                element=self._element,
                elicits_ack=False,
                expires_s=now_s + REPORT_LIFE_S,
                prefer_link=link,
                cheap_only=not may_pay,
                not_before_s=now_s if link else now_s + SETTLE_S,
            )
        )

    def _element(self, now_s: float) -> air.Element:
        entries: list[air.LinkEntry] = []
        for link in self._core.links.values():
            if link.bearer is None:
                continue
            view = link.health.view(now_s)
            entries.append(
                air.LinkEntry(
                    bearer=air.AirBearer[link.bearer.name],
                    state=air.AirLinkState[view.state.name],
                    evidence=air.Evidence[view.evidence.name],
                    age_s=int(max(0.0, now_s - view.evidence_s)),
                    quality_pct=link.quality_pct,
                    reason=_reason_to_air(link, view),
                )
            )
        self._sequence = (self._sequence + 1) & 0xFFFF
        return air.LinkReportElement(
            station=self._core.own, sequence=self._sequence, entries=tuple(entries[:MAX_ENTRIES])
        )

    # --- receiving ---------------------------------------------------------------------------------------

    def link_report(self, tx: Tx, report: air.LinkReportElement, link: LinkRunner) -> None:
        """Keep a gateway's report. Runs in the ledger's thread."""
        names: dict[Bearer, int] = {}
        kept: list[str] = []
        ahead = (report.sequence - self._newest.get(report.station, report.sequence - 1)) & 0xFFFF
        newest = 0 < ahead <= 0xFFFF - LATE_REPORTS
        if newest:
            self._newest[report.station] = report.sequence
        for entry in report.entries:
            bearer = Bearer(entry.bearer.name.lower())
            names[bearer] = names.get(bearer, 0) + 1
            name = bearer.value if names[bearer] == 1 else f"{bearer.value}{names[bearer]}"
            kept.append(name)
            presence.link_report(
                tx,
                LinkReport(
                    station=report.station,
                    link=name,
                    bearer=bearer,
                    state=LinkState(entry.state.name.lower()),
                    evidence=Evidence[entry.evidence.name],
                    reason=_REASON_WORDS[entry.reason] if entry.reason is not None else "",
                    age_s=float(entry.age_s or 0),
                    quality_pct=entry.quality_pct,
                    learnt_unix_ms=tx.now_unix_ms,
                    learnt_by=link.capabilities.bearer,
                ),
                newest=newest,
            )
        presence.drop_link_reports(tx, report.station, kept)
        events.append(
            tx, "link.reported", {"station": report.station, "bearer": link.capabilities.bearer.value}
        )

    def heard(self, peer: int) -> None:
        """Note that an authentic frame of a gateway came in."""
        self._heard_s[peer] = self._core.now_s()
        if peer in self._lost:
            self._bell.ring()

    async def _contacts(self, now_s: float) -> None:
        """Raise or clear the lost-contact alarm of every gateway; headquarters' business alone."""
        core = self._core
        if not core.me.headquarters:
            return
        limit_s = core.config.reports.lost_contact_s
        for number in core.keys.pairs:
            silent_s = now_s - self._heard_s.get(number, self._started_s)
            if silent_s >= limit_s and number not in self._lost:
                await core.ledger.write(lambda tx, n=number, s=silent_s: _lost(tx, n, s))  # type: ignore[misc]
                self._lost.add(number)
            elif silent_s < limit_s and number in self._lost and number in self._heard_s:
                await core.ledger.write(lambda tx, n=number: _found(tx, n))  # type: ignore[misc]
                self._lost.discard(number)
            else:
                continue
            await asyncio.sleep(0)

    def lost(self) -> frozenset[int]:
        """Gateways whose contact is lost."""
        return frozenset(self._lost)


LATE_REPORTS = 256
"""A report whose number is so little behind was overtaken; one further off is the first of another life."""

MAX_ENTRIES = 12
"""Links told of in one report: it must fit the smallest data frame beside header and tag."""


def _keep_own(tx: Tx, reports: list[LinkReport]) -> None:
    for report in reports:
        presence.link_report(tx, report, newest=True)
        events.append(
            tx,
            "link.changed",
            {
                "station": report.station,
                "link": report.link,
                "state": report.state.value,
                "reason": report.reason,
            },
        )


def _lost(tx: Tx, number: int, silent_s: float) -> None:
    alarm = Alarm(
        key=f"lost:{number}",
        kind=AlarmKind.LOST_CONTACT,
        station=number,
        detail=f"not heard for {int(silent_s)} s",
        unauthenticated=False,
        position=None,
        raised_unix_ms=tx.now_unix_ms,
    )
    if presence.alarm_raise(tx, alarm):
        events.append(tx, "alarm.raised", {"key": alarm.key, "alarm": alarm.kind.value, "station": number})


def _found(tx: Tx, number: int) -> None:
    if presence.alarm_clear(tx, f"lost:{number}"):
        events.append(tx, "alarm.cleared", {"key": f"lost:{number}", "station": number})
