"""The simulated field: radios on PTYs, people, satellites, an IP path, and the switches of the three cuts."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drivers.io.clock import SystemClock
from sim.channel import Channel
from sim.demo.cast import (
    CARD_PERIOD_S,
    CAST,
    HQ,
    HQ_BEIDOU,
    HQ_TIANTONG,
    MOBILE_RADIO,
    VEHICLE_BEIDOU,
    VEHICLE_TIANTONG,
    Role,
)
from sim.demo.counter import Seen, Sent, on_screen, typed
from sim.devices.beidou import BeidouTerminal
from sim.devices.beidou_handset import BeidouHandset
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import PdtNet
from sim.devices.pdt_radio import PdtRadio
from sim.devices.rdss import RdssSpace
from sim.devices.sat_phone import Phone
from sim.devices.sms_centre import SmsCentre
from sim.devices.tiantong import TiantongModem
from sim.people import Habit, Reader
from sim.pty import PtyPort
from sim.rng import Streams

THINK_S: Final = (1.5, 3.0)
"""How long a prompt person takes to type an answer."""

LATE_S: Final = (29.0, 30.0)
"""How long the late one takes: some seconds beyond the roll call's deadline."""

IP_DELAY_S, TIANTONG_DELAY_S, BEIDOU_DELAY_S = 0.04, 0.5, 0.8
"""One way: a public network, a geostationary short message, a short message through the space segment."""

RESERVOIR: Final = (30.6586, 104.0647)
"""WGS 84 degrees around which the handhelds stand."""


@dataclass(slots=True)
class Field:
    """Everything outside the two gateways."""

    net: PdtNet
    mobile: PdtRadio
    centre: SmsCentre
    space: RdssSpace
    modems: dict[str, TiantongModem]
    terminals: dict[str, BeidouTerminal]
    ip_path: Channel
    handhelds: dict[str, Handheld] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    handsets: dict[str, BeidouHandset] = field(default_factory=dict)

    def sent(self) -> Iterator[Sent]:
        """What people typed on devices."""
        for sign, device in self._devices():
            for one in device.typed:
                yield typed(sign, one.text, default_to=HQ, at_s=one.at_s)

    def seen(self) -> Iterator[Seen]:
        """What their screens show, questions and automatic replies left out."""
        for sign, device in self._devices():
            for one in device.screen:
                shown = on_screen(sign, one.text, one.at_s)
                if shown is not None:
                    yield shown

    def _devices(self) -> Iterator[tuple[str, Handheld | Phone | BeidouHandset]]:
        yield from self.handhelds.items()
        yield from self.phones.items()
        yield from self.handsets.items()

    def cut_network(self) -> None:
        """The IP path carries nothing."""
        self.ip_path.cut = True

    def heal_network(self) -> None:
        """The IP path carries again."""
        self.ip_path.cut = False

    def enter_tunnel(self) -> None:
        """Rock hides Tiantong's one satellite from the vehicle; some Beidou beams stay."""
        self.modems["veh3"].channel.blocked = True

    def leave_tunnel(self) -> None:
        """The sky is open again; the network notices and hands over what it kept."""
        modem = self.modems["veh3"]
        modem.channel.blocked = False
        self.centre.attached(modem.number)

    def switch_on(self) -> None:
        """Everybody who is there switches on."""
        for role in CAST:
            handheld = self.handhelds.get(role.call_sign)
            if handheld is not None and not role.off:
                handheld.switch_on()


def build(streams: Streams, ip_path: Channel) -> Field:
    """Make every device and person."""
    rng = streams.stream
    net = PdtNet(Channel("370 MHz", rng=rng("pdt/air")))
    centre = SmsCentre(epoch_unix_ms=SystemClock().unix_ms())
    space_channel = Channel("rdss", rng=rng("rdss/air"), delay_s=BEIDOU_DELAY_S, jitter_s=0.2)
    space = RdssSpace(space_channel, rng=rng("rdss/space"), clock=SystemClock())

    def modem(name: str, number: str) -> TiantongModem:
        sky = Channel(f"{name} sky", rng=rng(f"{name}/sky"), delay_s=TIANTONG_DELAY_S, jitter_s=0.2)
        return TiantongModem(number, centre, sky, rng=rng(f"{name}/modem"))

    def terminal(name: str, card: int) -> BeidouTerminal:
        return BeidouTerminal(card, space, rng=rng(f"{name}/terminal"), period_s=CARD_PERIOD_S)

    made = Field(
        net=net,
        mobile=PdtRadio(MOBILE_RADIO, net, rng=rng("veh3/radio")),
        centre=centre,
        space=space,
        modems={"hq": modem("hq", HQ_TIANTONG), "veh3": modem("veh3", VEHICLE_TIANTONG)},
        terminals={"hq": terminal("hq", HQ_BEIDOU), "veh3": terminal("veh3", VEHICLE_BEIDOU)},
        ip_path=ip_path,
    )
    for role in CAST:
        _cast(made, role, rng(f"{role.call_sign}/person"))
    return made


def _cast(made: Field, role: Role, rng: random.Random) -> None:
    habit = Habit(roll_call=role.answer, delay_s=LATE_S if role.late else THINK_S)
    person = Reader(habit, rng=rng)
    match role.bearer:
        case "pdt":
            north, east = RESERVOIR
            place = (north + rng.uniform(-0.01, 0.01), east + rng.uniform(-0.01, 0.01))
            handheld = Handheld(
                int(role.address), made.net, name=role.name, home=MOBILE_RADIO, person=person, position=place
            )
            handheld.powered, handheld.answers_checks = False, role.checked
            made.handhelds[role.call_sign] = handheld
        case "tiantong":
            made.phones[role.call_sign] = Phone(role.address, made.centre, name=role.name, person=person)
        case _:
            made.handsets[role.call_sign] = BeidouHandset(
                int(role.address),
                made.space,
                rng=rng,
                name=role.name,
                home=HQ_BEIDOU,
                person=person,
                period_s=CARD_PERIOD_S,
            )


@asynccontextmanager
async def plugged_in(made: Field, directory: Path) -> AsyncGenerator[dict[str, Path]]:
    """Put every device on a PTY below `directory` until the context is left; yields name and path."""
    devices = {"hq-tiantong": made.modems["hq"], "hq-beidou": made.terminals["hq"], "veh3-pdt": made.mobile}
    devices |= {"veh3-tiantong": made.modems["veh3"], "veh3-beidou": made.terminals["veh3"]}
    with ExitStack() as ports:
        yield {
            name: ports.enter_context(PtyPort(device, directory / name)).path
            for name, device in devices.items()
        }
