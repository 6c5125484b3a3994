"""On a PDT net with geometry each receiver hears as well as its level allows, and a relay hill helps."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sim.channel import Channel
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import Air, Kind, PdtNet, Voice, bursts
from sim.physics.burst import p_faded
from sim.radio.pdt_air import PdtAir, RelaySite
from sim.radio.reception import Spot
from sim.record import Event, Record, What
from sim.rng import Streams
from tests.radio_world import Table

HQ, ONE, TWO = 2101, 3001, 3002
NAMES = {HQ: "hq", ONE: "one", TWO: "two"}


class Field:
    """Three sets whose levels are a table, and perhaps a relay."""

    def __init__(
        self,
        levels_dbm: dict[tuple[str, str], float],
        *,
        direct: bool = True,
        speed_kmh: float = 0.0,
        rice_db: float | None = None,
    ) -> None:
        streams = Streams(7)
        self.record = Record()
        self.events: list[Event] = []
        self.record.watch(self.events.append, What.AIR)
        self.table = Table(levels_dbm)
        self.air = PdtAir(streams, self.table, direct=direct, rice_db=rice_db, record=self.record)
        self.net = PdtNet(Channel("pdt", rng=streams.stream("channel")), self.air)
        self.sets = {number: Handheld(number, self.net, name=name, home=HQ) for number, name in NAMES.items()}
        for number, name in NAMES.items():
            self.air.place(number, Spot(name), lambda: speed_kmh)

    async def texts(self, source: int, to: int, count: int) -> int:
        """Put texts on the air without repeats; return how many were shown."""
        for number in range(count):
            body = f"{number:02d}".encode("utf-16-le")
            text = Air(kind=Kind.TEXT, source=source, destination=to, request_id=number, body=body)
            self.net.transmit(text)
            await asyncio.sleep(5.0)
        return len(self.sets[to].screen)


def both(a: str, b: str, level_dbm: float) -> dict[tuple[str, str], float]:
    """The same level in both directions."""
    return {(a, b): level_dbm, (b, a): level_dbm}


async def test_a_text_needs_all_its_bursts() -> None:
    """To a fast car the share of texts that arrive is one burst's chance to the power of their number."""
    field = Field(both("one", "hq", -107.0), speed_kmh=150.0)
    chance = p_faded(17.7) ** bursts(Air(kind=Kind.TEXT, source=ONE, body=bytes(4)))

    shown = await field.texts(ONE, HQ, 500)

    assert 0.4 < chance < 0.95
    assert shown / 500 == pytest.approx(chance, abs=3 * (chance * (1 - chance) / 500) ** 0.5)


async def test_who_stands_in_a_fade_stays_in_it() -> None:
    """At one mean level who stands gets more long texts whole than who drives, and loses them in rows."""
    length, count = 120, 250
    arrived: dict[float, list[bool]] = {}
    for speed_kmh in (0.0, 75.0):
        field = Field(both("one", "hq", -108.0), speed_kmh=speed_kmh)
        arrived[speed_kmh] = []
        for number in range(count):
            before = len(field.sets[HQ].screen)
            text = Air(kind=Kind.TEXT, source=ONE, destination=HQ, request_id=number, body=bytes(length))
            field.net.transmit(text)
            await asyncio.sleep(2.0)
            arrived[speed_kmh].append(len(field.sets[HQ].screen) > before)

    def same_again(luck: list[bool]) -> float:
        return sum(a == b for a, b in pairwise(luck)) / (len(luck) - 1)

    standing, driving = arrived[0.0], arrived[75.0]
    assert sum(standing) > sum(driving) + count / 5
    assert same_again(standing) > 0.75
    share = sum(driving) / count
    assert same_again(driving) == pytest.approx(share * share + (1 - share) ** 2, abs=0.1)


async def test_a_direct_path_fades_less() -> None:
    """Around a direct path, as over open land, weak levels carry more than where all is scattered."""
    shown = []
    for rice_db in (None, 6.0):
        field = Field(both("one", "hq", -110.0), speed_kmh=75.0, rice_db=rice_db)
        shown.append(await field.texts(ONE, HQ, 200))
    assert shown[1] > shown[0] + 40


async def test_each_receiver_has_its_own_luck() -> None:
    """What one station hears well another may not hear at all; both directions have a level of their own."""
    field = Field({("hq", "one"): -80.0, ("hq", "two"): -140.0, ("two", "hq"): -80.0})

    assert await field.texts(HQ, ONE, 10) == 10
    assert await field.texts(HQ, TWO, 10) == 0
    assert await field.texts(TWO, HQ, 10) == 10


async def test_a_relay_carries_what_no_direct_way_does() -> None:
    """Through a relay hill two sets behind it hear each other; without its power they do not."""
    field = Field(both("one", "hill", -80.0) | both("hq", "hill", -80.0))
    hill = RelaySite(Spot("hill", height_m=60.0))
    field.air.relays.append(hill)

    assert await field.texts(ONE, HQ, 10) == 10
    hill.on = False
    assert await field.texts(ONE, HQ, 10) == 10
    assert [event.facts["fate"] for event in field.events if event.facts["to"] == "hq"] == (
        ["carried"] * 10 + ["faded"] * 10
    )


async def test_behind_a_relay_nobody_listens_to_the_neighbour() -> None:
    """With `direct` off only the relay's frequency is heard, however near the other set is."""
    field = Field(both("one", "hq", -60.0), direct=False)

    assert await field.texts(ONE, HQ, 5) == 0


async def test_a_set_repeats_until_it_is_answered() -> None:
    """On a poor path a typed text arrives by its repeats, and is shown as delivered."""
    field = Field(both("one", "hq", -111.0))

    typed = field.sets[ONE].type_text("到")
    await asyncio.sleep(300.0)

    assert typed.outcome == "delivered"


async def test_voice_is_heard_all_the_same() -> None:
    """Geometry decides on data; voice holds the channel for everyone in coverage, as before."""
    heard: list[Voice] = []

    class Listener(Handheld):
        def hear_voice(self, state: Voice, group: int, speaker: int) -> None:
            super().hear_voice(state, group, speaker)
            heard.append(state)

    field = Field({})
    Listener(4001, field.net, name="far", home=HQ)
    field.air.place(4001, Spot("far"))
    field.net.start_voice(ONE, 1)
    field.net.end_voice()
    await asyncio.sleep(10.0)

    assert heard == [Voice.STARTED, Voice.HANG, Voice.ENDED]
