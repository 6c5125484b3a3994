"""A headquarters, a command vehicle and people with handhelds, over up to four bearers, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.base import LinkState
from gateway.domain import AlarmKind, Message
from sim.devices.beidou import BeidouTerminal
from sim.devices.beidou_handset import BeidouHandset
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_radio import PdtRadio
from sim.devices.sat_phone import Phone
from sim.devices.tiantong import TiantongModem
from sim.fleet import Box, Fleet, until
from sim.people import Habit, Person
from sim.ports import MemoryPort

HQ, VEH, VEH2 = 1, 3, 4
"""Station numbers of the gateways."""

ONE, TWO, PHONE, CARD, BASE = 4001, 4002, 4003, 4004, 4005
"""Stations that know nothing of us: two handhelds, a satellite phone and a Beidou handset behind the
vehicle, and a handheld at headquarters."""

ROSTER = """
version = 1
city = "示范市"
[[station]]
number = 1
call_sign = "HQ"
name = "指挥中心"
gateway = true
headquarters = true
[station.address]
cellular = "10.0.0.1:7000"
vsat = "10.1.0.1:7000"
pdt = "2101"
tiantong = "17410000001"
beidou = "166001"
[[station]]
number = 3
call_sign = "VEH-3"
name = "三号指挥车"
gateway = true
[station.address]
cellular = "10.0.0.3:7000"
vsat = "10.1.0.3:7000"
pdt = "2103"
tiantong = "17410000003"
beidou = "166003"
[[station]]
number = 4
call_sign = "VEH-4"
name = "四号指挥车"
gateway = true
address = { cellular = "10.0.0.4:7000" }
[[station]]
number = 4001
call_sign = "ZHANG"
name = "张三"
path = "示范市/一大队"
address = { pdt = "3001" }
via = ["VEH-3"]
[[station]]
number = 4002
call_sign = "LI"
name = "李四"
path = "示范市/一大队"
address = { pdt = "3002" }
via = ["VEH-3"]
[[station]]
number = 4003
call_sign = "WANG"
name = "王五"
address = { tiantong = "17410004003" }
via = ["VEH-3"]
[[station]]
number = 4004
call_sign = "ZHAO"
name = "赵六"
address = { beidou = "244884" }
via = ["VEH-3"]
[[station]]
number = 4005
call_sign = "BASE-1"
name = "值班手台"
address = { pdt = "3005", tiantong = "17410004005" }
via = ["HQ"]
[[station]]
number = 4006
call_sign = "LEAVE"
name = "休假"
address = { pdt = "3006" }
via = ["HQ"]
excused = "休假"
[[group]]
name = "ALL-CARS"
members = ["VEH-3", "VEH-4"]
"""

UDP = """
[[link]]
name = "ip"
driver = "udp"
bearer = "{bearer}"
bind = "{own}:7000"
peers = {peers}
"""
PDT = """
[[link]]
name = "pdt"
driver = "hytera"
device = "/dev/pdt"
"""
TIANTONG = """
[[link]]
name = "tiantong"
driver = "at_modem"
device = "/dev/tiantong"
"""
BEIDOU = """
[[link]]
name = "beidou"
driver = "beidou"
device = "/dev/beidou"
data_peers = [166001, 166003]
"""
CARD_PERIOD_S = 10.0
SILENT = Habit(share=0.0)


def udp(own: int, *peers: int, bearer: str = "cellular", net: str = "10.0.0") -> str:
    """One udp link of station `own` towards others."""
    addresses = [f"{net}.{peer}:7000" for peer in peers]
    return UDP.format(bearer=bearer, own=f"{net}.{own}", peers=addresses).replace("'", '"')


class Scene:
    """The two gateways with what is plugged into them; `links` names the bearers beside the IP path."""

    def __init__(
        self, folder: Path, *links: str, seed: int | str = 1, extra: str = "", ip: bool = True
    ) -> None:
        self.fleet = fleet = Fleet(folder, ROSTER, seed=seed)
        rng = fleet.streams.stream
        texts = {"pdt": PDT, "tiantong": TIANTONG, "beidou": BEIDOU}
        more = "".join(texts[name] for name in links) + extra
        self.hq = fleet.box("HQ", HQ, (udp(HQ, VEH) if ip else "") + more)
        self.veh = fleet.box("VEH-3", VEH, (udp(VEH, HQ) if ip else "") + more)
        self.ports: dict[str, dict[str, MemoryPort]] = {}
        self.hq_radio = PdtRadio(2101, fleet.pdt, rng=rng("hq/radio"))
        self.veh_radio = PdtRadio(2103, fleet.pdt, rng=rng("veh/radio"))
        self.hq_modem = TiantongModem("17410000001", fleet.sms, fleet.sms_channel, rng=rng("hq/modem"))
        self.veh_modem = TiantongModem("17410000003", fleet.sms, fleet.sms_channel, rng=rng("veh/modem"))
        period = CARD_PERIOD_S
        self.hq_card = BeidouTerminal(166001, fleet.space, rng=rng("hq/card"), period_s=period)
        self.veh_card = BeidouTerminal(166003, fleet.space, rng=rng("veh/card"), period_s=period)
        for box, radio, modem, card in (
            (self.hq, self.hq_radio, self.hq_modem, self.hq_card),
            (self.veh, self.veh_radio, self.veh_modem, self.veh_card),
        ):
            self.ports[box.name] = {
                "pdt": box.connector.add_serial("/dev/pdt", radio),
                "tiantong": box.connector.add_serial("/dev/tiantong", modem),
                "beidou": box.connector.add_serial("/dev/beidou", card),
            }
        self.one = Handheld(3001, fleet.pdt, name="张三", home=2103, position=(30.25, 102.5))
        self.two = Handheld(3002, fleet.pdt, name="李四", home=2103)
        self.base = Handheld(3005, fleet.pdt, name="值班", home=2101)
        self.phone = Phone("17410004003", fleet.sms)
        self.handset = BeidouHandset(244884, fleet.space, rng=rng("handset"), home=166003, period_s=period)

    @property
    def boxes(self) -> tuple[Box, Box]:
        """Both."""
        return self.hq, self.veh

    def replay(self, sender: Box, datagram: bytes) -> None:
        """Send a datagram of a box again, from its own address to the other's."""
        own, other = ("10.0.0.1", "10.0.0.3") if sender is self.hq else ("10.0.0.3", "10.0.0.1")
        self.fleet.network.carry(datagram, (own, 7000), (other, 7000))

    def person(self, habit: Habit, name: str) -> Person:
        """Somebody with a stream of their own."""
        return Person(habit, rng=self.fleet.streams.stream(f"person/{name}"))

    def cut_ip(self) -> None:
        """Cut the network between the two."""
        self.fleet.network.channel("10.0.0.1", "10.0.0.3").cut = True

    def heal_ip(self) -> None:
        """Mend it."""
        self.fleet.network.channel("10.0.0.1", "10.0.0.3").cut = False

    async def up(self, *links: str, limit_s: float = 120.0) -> None:
        """Wait until these links of both gateways are up."""
        for box in (self.hq, self.veh):
            for name in links:
                await link_is(box, name, LinkState.UP, limit_s=limit_s)


@asynccontextmanager
async def scene(
    folder: Path, *links: str, seed: int | str = 1, extra: str = "", ip: bool = True
) -> AsyncGenerator[Scene]:
    """Both gateways with power and all their links up."""
    made = Scene(folder, *links, seed=seed, extra=extra, ip=ip)
    async with made.fleet:
        await made.hq.power_on()
        await made.veh.power_on()
        await made.up(*(("ip",) if ip else ()), *links)
        yield made


def link_state(box: Box, name: str) -> LinkState:
    """The state of a link as shown."""
    return box.gateway.core.links[name].health.view(box.gateway.core.now_s()).state


async def link_is(box: Box, name: str, *states: LinkState, limit_s: float = 120.0) -> float:
    """Wait for a state of a link; return how long."""
    return await until(lambda: link_state(box, name) in states, limit_s=limit_s)


async def texts(box: Box) -> list[str]:
    """What the screen of a gateway shows, oldest first."""
    return [message.text for message in await box.inbox()]


async def shown_at_hq(field: Scene, number: int, *, limit_s: float = 300.0) -> list[Message]:
    """Wait until headquarters' screen shows so many messages."""

    async def there() -> bool:
        return len(await field.hq.inbox()) >= number

    await until(there, limit_s=limit_s)
    return await field.hq.inbox()


async def accepted(box: Box) -> list[str]:
    """Texts of everything a gateway has accepted, oldest first."""
    found = await box.backend.messages(limit=200, before=None, state=None, station=None)
    return [message.text for message in reversed(found)]


async def alarms(box: Box, kind: AlarmKind) -> list[str]:
    """Keys of the alarms of a kind that are not over."""
    found = await box.backend.alarms(active_only=False)
    return [alarm.key for alarm in found if alarm.kind is kind and not alarm.cleared_unix_ms]


async def passes(seconds: float) -> None:
    """Let virtual time go by."""
    await asyncio.sleep(seconds)
