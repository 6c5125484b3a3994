"""How long the sending loop thinks: one look at 5 000 waiting messages, with and without a living way."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from bench.figure import Figure
from gateway.domain import Message, MessageId, MessageKind, Precedence, Recipient
from sim.loop import run as run_virtual
from tests.core_scene import HQ, VEH, scene

WAITING = 5_000
LOOKS = 20
MOST_MS = 5.0
"""A look happens at every event: at 20 a second this is a tenth of a small box's one core."""
HOW = "python -P -m bench.run planning"


def message(number: int) -> Message:
    """One ROUTINE message of the vehicle to headquarters."""
    return Message(
        id=MessageId(VEH, 1, number),
        kind=MessageKind.TEXT,
        precedence=Precedence.ROUTINE,
        text=f"三号路口积水约四十公分 {number}",
        sender=VEH,
        lifetime_s=86_400,
        recipients=(Recipient(station=HQ),),
    )


async def look_ms(folder: Path, *, alive: bool) -> float:
    """Fill the outbox and return the mean time of one look at all links."""
    async with scene(folder, "pdt") as field:
        field.cut_ip()
        if not alive:
            field.ports["VEH-3"]["pdt"].unplug()
        await asyncio.sleep(30)
        gateway = field.veh.gateway
        for number in range(1, WAITING + 1):
            gateway.outbox.add_message(message(number), HQ)
        start_s = time.perf_counter()
        for _ in range(LOOKS):
            gateway.outbox.planner.begin()
            for link in gateway.core.links.values():
                gateway.outbox.next_job(link, gateway.core.now_s())
        return (time.perf_counter() - start_s) * 1000 / LOOKS


def run() -> list[Figure]:
    """Measure both."""
    figures = []
    for name, alive in (("planning_dead", False), ("planning_alive", True)):
        with tempfile.TemporaryDirectory() as folder:
            value = run_virtual(look_ms(Path(folder), alive=alive))
        figures.append(Figure(name=name, value=value, unit="ms", how=HOW, at_most=MOST_MS))
    return figures
