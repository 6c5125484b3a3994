"""Ten virtual minutes of two real gateways over IP, PDT and Beidou, with every frame and state recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from typing_extensions import override

from drivers.base import Precedence, Trace
from sim.fleet import Box
from sim.record import Record, What
from sim.report.summary import LinkInfo, NodeInfo, Summary
from tests.core_scene import HQ, VEH, Scene

KEEP = frozenset(What)
LINKS = (LinkInfo("ip", "cellular"), LinkInfo("pdt", "pdt"), LinkInfo("beidou", "beidou"))
TEXTS = ("请报告位置", "东门集合", "水位上涨", "增援两个小组", "道路已通")


class RecordedTrace(Trace):
    """Hands every frame of a box to the record."""

    def __init__(self, record: Record, node: str) -> None:
        self._record = record
        self._node = node

    @override
    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        self._record.note(What.FRAME, self._node, link, bytes(data), direction=direction, note=note)


class Watch:
    """Looks at a box every half second: link states, states of what was sent, what its screen shows."""

    def __init__(self, record: Record, box: Box) -> None:
        self._record, self._box = record, box
        self._links: dict[str, str] = {}
        self._copies: dict[tuple[str, int], str] = {}
        self._shown: set[str] = set()

    async def look(self) -> None:
        """Note what is new."""
        box, note = self._box, self._record.note
        for name, link in box.gateway.core.links.items():
            seen = link.health.view(box.gateway.core.now_s())
            if self._links.get(name) != seen.state.value:
                self._links[name] = seen.state.value
                note(What.LINK, box.name, name, state=seen.state.value, why=seen.reason)
        for message in await box.backend.messages(limit=100, before=None, state=None, station=None):
            for copy in message.recipients:
                key = (str(message.id), copy.station)
                if self._copies.get(key) != copy.state.value:
                    self._copies[key] = copy.state.value
                    state, evidence = copy.state.value, copy.evidence.value
                    tried = await box.backend.attempts(key[0])
                    note(
                        What.MESSAGE,
                        box.name,
                        tried[-1].link if tried else "",
                        id=key[0],
                        station=copy.station,
                        state=state,
                        evidence=evidence,
                    )
        for message in await box.inbox():
            if str(message.id) not in self._shown:
                self._shown.add(str(message.id))
                note(What.SHOWN, box.name, id=str(message.id), key="", by="screen", text=message.text)


async def ten_minutes(folder: Path) -> tuple[Summary, Record]:
    """Run it: ten messages, the IP path cut from minute 3 to minute 7."""
    record = Record(keep=KEEP)
    made = Scene(folder, "pdt", "beidou")
    for box in made.boxes:
        box.wire = RecordedTrace(record, box.name)
    async with made.fleet:
        record.note(What.PHASE, name="start")
        await made.hq.power_on()
        await made.veh.power_on()
        await made.up("ip", "pdt", "beidou")
        record.note(What.PHASE, name="safety")
        watches = [Watch(record, box) for box in made.boxes]
        loop = asyncio.get_running_loop()
        begin_s, sent, cut = loop.time(), 0, False
        while loop.time() - begin_s < 600:
            for watch in watches:
                await watch.look()
            now_s = loop.time() - begin_s
            if (180 <= now_s < 420) != cut:
                cut = not cut
                (made.cut_ip if cut else made.heal_ip)()
                state, cause = "begins" if cut else "ends", "cut_network cell-3"
                record.note(What.FAULT, name="cut", target="cellular", state=state, cause=cause)
            if now_s >= sent * 60 and sent < 10:
                await _send(record, made, sent)
                sent += 1
            await asyncio.sleep(0.5)
        record.note(What.PHASE, name="end")
    return _summary(record), record


async def _send(record: Record, made: Scene, number: int) -> None:
    box, other = (made.hq, made.veh) if number % 2 else (made.veh, made.hq)
    text, precedence = TEXTS[number % len(TEXTS)], Precedence(number % 5)
    message = await box.send(other.name, text, precedence)
    record.note(
        What.TYPED,
        box.name,
        key=f"m-{number}",
        id=str(message.id),
        by="seat",
        to=other.name,
        text=text,
        precedence=precedence,
        accepted=True,
    )


def _summary(record: Record) -> Summary:
    return Summary(
        scenario="ten-minutes",
        title_zh="十分钟两网关",
        title_en="Two gateways for ten minutes",
        seed=1,
        trace=record.trace,
        duration_s=600.0,
        nodes=(
            NodeInfo(id="HQ", name="指挥中心", station=HQ, links=LINKS),
            NodeInfo(id="VEH-3", name="三号指挥车", station=VEH, links=LINKS),
        ),
        version="0.1.0",
        replay="fieldgate sim run ten-minutes.toml --seed 1",
    )
