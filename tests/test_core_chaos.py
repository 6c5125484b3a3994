"""Half an hour of everything at once: cuts, tunnels, power, people; then quiet, and the books balance."""

from __future__ import annotations

import asyncio

from drivers.base import Precedence
from gateway.domain import Message
from gateway.native import REPEATED
from sim.devices.beidou import Sky
from sim.fleet import Box
from sim.kit import Sim
from sim.pytest_plugin import sim_test
from tests.core_scene import Scene, passes, scene, texts

WORDS = tuple(Precedence)

AIR_TRIES_S = 15.0
"""A radio's own tries of one text follow within this time; the sets of some makers show each."""


async def faults(field: Scene, until_s: float) -> None:
    """Cut and mend things at random; leave everything mended."""
    rng = field.fleet.streams.stream("faults")
    loop = asyncio.get_running_loop()
    path = field.fleet.network.channel("10.0.0.1", "10.0.0.3")
    channels = (path, field.fleet.pdt.channel, field.fleet.sms_channel)
    while loop.time() < until_s:
        await asyncio.sleep(rng.uniform(5, 60))
        match rng.randrange(6):
            case 0 | 1:
                channel = rng.choice(channels)
                channel.cut = not channel.cut
            case 2:
                rng.choice((field.veh_card, field.hq_card)).sky = rng.choice((Sky.OPEN, Sky.TUNNEL))
            case 3:
                path.loss = rng.choice((0.0, 0.3))
            case 4:
                port = rng.choice([p for ports in field.ports.values() for p in ports.values()])
                port.unplug()
                loop.call_later(rng.uniform(1, 60), port.replug)
            case _:
                await rng.choice(field.boxes).restart(off_s=rng.uniform(0.5, 10))
    await asyncio.sleep(60)
    for channel in channels:
        channel.cut = False
    path.loss = 0.0
    field.veh_card.sky = field.hq_card.sky = Sky.OPEN


async def desk(field: Scene, box: Box, to: str, word: str, sent: list[tuple[Box, Message]]) -> None:
    """Send forty messages of any class at random moments, whenever there is power."""
    rng = field.fleet.streams.stream(f"desk/{word}")
    for number in range(40):
        await asyncio.sleep(rng.uniform(5, 60))
        if box.on and box.gateway.core.links:
            precedence = rng.choice(WORDS)
            sent.append(
                (box, await box.send(to, f"{word}{number}号", precedence, keep=True, lifetime_s=86_400))
            )


def as_sent(screen: list[tuple[float, str]]) -> list[str]:
    """What a screen shows, without what a radio repeated on the air because it heard no answer."""
    last: dict[str, float] = {}
    kept: list[str] = []
    for at_s, text in screen:
        if at_s - last.get(text, -AIR_TRIES_S) >= AIR_TRIES_S:
            kept.append(text)
        last[text] = at_s
    return kept


async def chaos(field: Scene) -> None:
    """The story and the balance."""
    loop = asyncio.get_running_loop()
    sent: list[tuple[Box, Message]] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(faults(field, loop.time() + 1800))
        tasks.create_task(desk(field, field.veh, "HQ", "上", sent))
        tasks.create_task(desk(field, field.hq, "VEH-3", "下", sent))
        tasks.create_task(desk(field, field.hq, "ZHANG", "台", sent))
        tasks.create_task(desk(field, field.hq, "WANG", "星", sent))
    for box, message in sent:
        if not message.text.startswith(("台", "星")):
            await box.reaches(message, "delivered", "read", limit_s=3600)
    await passes(3600)

    for box, word in ((field.hq, "上"), (field.veh, "下")):
        shown = [text for text in await texts(box) if text.startswith(word)]
        assert sorted(shown) == sorted(m.text for _, m in sent if m.text.startswith(word))
    screens = {
        "台": as_sent([(shown.at_s, shown.text) for shown in field.one.screen]),
        "星": as_sent([(shown.at_s, shown.text) for shown in field.phone.screen]),
    }
    for word, screen in screens.items():
        once = [text for text in screen if not text.startswith(REPEATED)]
        assert len(once) == len(set(once)), "what is shown again is marked as a repeat"
        for _, message in sent:
            if message.text.startswith(word):
                copies = [
                    text for text in screen if text.removeprefix(REPEATED).startswith(f"HQ：{message.text}")
                ]
                assert len({text.removeprefix(REPEATED) for text in copies}) == 1, message.text
                assert sum(text.startswith(REPEATED) for text in copies) <= 2


@sim_test(seeds=2)
async def test_everything_at_once_loses_and_doubles_nothing(sim: Sim) -> None:
    """160 messages through half an hour of faults over four bearers: all arrive, none is shown twice."""
    async with scene(sim.folder, "pdt", "tiantong", "beidou", seed=sim.seed) as field:
        await chaos(field)
