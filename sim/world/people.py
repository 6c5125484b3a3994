"""People with a device of their own: who they are, where they stand, what they type by themselves."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from sim.channel import Channel
from sim.devices.beidou_handset import BeidouHandset
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import PdtNet
from sim.devices.rdss import RdssSpace
from sim.devices.sat_phone import Phone
from sim.devices.sms_centre import SmsCentre
from sim.loop import NEUTRAL
from sim.people import Habit, Reader
from sim.record import Record, What
from sim.scenario.model import Group
from sim.world.files import BEIDOU_BASE, PDT_BASE, TIANTONG_BASE
from sim.world.life import Life
from sim.world.motion import Mover, Place
from sim.world.shade import shade_of
from sim.world.texts import Texts

OWN_WORDS: Final = ("水位平稳", "道路塌方，正在绕行", "伤员已转移", "电池还剩一半", "请求增援沙袋")
"""What people report of their own accord; a number makes each text unique."""

Device = Handheld | Phone | BeidouHandset


class PersonDiary:
    """Tells the record what one person types and sees."""

    def __init__(self, group: Group, record: Record, texts: Texts) -> None:
        self._sign = group.id
        self._station = group.station
        self._via = group.via
        self._record = record
        self._texts = texts
        self._typed: dict[int, str] = {}

    def typed(self, number: int, to: str, text: str) -> None:
        """Tell it; who it is for follows from the words."""
        del to
        self._typed[number] = text
        self._note(number, accepted=None)

    def taken(self, number: int) -> None:
        """Tell that the device's network has it."""
        self._note(number, accepted=True)

    def shown(self, sender: str, text: str) -> None:
        """Tell it."""
        key, repeat = self._texts.native_key(self._sign, text)
        self._record.note(
            What.SHOWN, self._sign, by=self._sign, sender=sender, text=text, key=key, repeat=repeat
        )

    def pressed(self, *, on: bool) -> None:
        """Tell it."""
        state = "pressed" if on else "released"
        self._record.note(What.ALARM, self._sign, key=f"sos:{self._station}", state=state)

    def _note(self, number: int, *, accepted: bool | None) -> None:
        to, text = self._texts.meant(self._typed[number])
        key = f"{self._sign}-{number}"
        self._record.note(
            What.TYPED,
            self._sign,
            key=key,
            by=self._sign,
            to=to,
            text=text,
            native=True,
            accepted=accepted,
            via=self._via,
            followed=self._texts.typed(key, text),
        )


class Man:
    """One person of a group; `home` is the gateway that serves, where `anchor` tells its place."""

    def __init__(
        self,
        group: Group,
        device: Device,
        *,
        home: int,
        offset_km: Place,
        anchor: Mover | None,
        rng: random.Random,
    ) -> None:
        self.id = group.id
        self.group = group
        self.device = device
        self.home = home
        self.shade = shade_of(device)
        """What hides a satellite device's sky; None for a handheld."""
        self.life = Life(group, self.go_dark, self.light_up)
        self._offset_km = offset_km
        self._anchor = anchor
        self._rng = rng
        self._spoken = 0

    @property
    def mover(self) -> Mover | None:
        """The vehicle this person goes with; None on foot, at a place of their own."""
        return self._anchor if self.group.at is None else None

    def place(self, now_s: float) -> Place:
        """Where this person stands: with the vehicle that serves, or at a place of their own."""
        if self._anchor is None or self.group.at is not None:
            return self._offset_km
        x, y = self._anchor.place(now_s)
        return x + self._offset_km[0], y + self._offset_km[1]

    def start(self) -> None:
        """Switch on, and begin to report if that is their habit; the battery lasts as it does."""
        if self.group.off:
            self.device.powered = False
            return
        if isinstance(self.device, Handheld):
            self.device.switch_on()
        self.life.start()
        loop = asyncio.get_running_loop()
        if self.group.every_s.low > 0:
            loop.call_later(self._rng.uniform(0, self.group.every_s.low), self._speak, context=NEUTRAL)

    def go_dark(self) -> None:
        """The battery is empty."""
        self.device.powered = False

    def light_up(self) -> None:
        """There is power again."""
        if not self.device.powered and not self.group.off:
            self.device.powered = True
            if isinstance(self.device, Handheld | Phone):
                self.device.switch_on()

    def type_text(self, text: str) -> None:
        """Type something; a dead device takes nothing."""
        if not self.device.powered:
            return
        if isinstance(self.device, Phone):
            self.device.type_text(text, str(TIANTONG_BASE + self.home))
        else:
            self.device.type_text(text)

    def _speak(self) -> None:
        self._spoken += 1
        self.type_text(f"{self._rng.choice(OWN_WORDS)}（{self.id}第{self._spoken}报）")
        asyncio.get_running_loop().call_later(self.group.every_s.low, self._speak, context=NEUTRAL)


def make_device(
    group: Group,
    home: int,
    *,
    net: PdtNet,
    centre: SmsCentre,
    space: RdssSpace,
    sky: Channel,
    rng: random.Random,
) -> Device:
    """Make the device of one person of a concrete group."""
    habit = Habit(
        roll_call=group.answers, delay_s=(group.answer_s.low, group.answer_s.low), share=group.share
    )
    person, name, number = Reader(habit, rng=rng), group.name or group.id, group.station
    match group.kind:
        case "handheld":
            handheld = Handheld(PDT_BASE + number, net, name=name, home=PDT_BASE + home, person=person)
            handheld.answers_checks = group.checked
            return handheld
        case "phone":
            return Phone(str(TIANTONG_BASE + number), centre, name=name, person=person, channel=sky)
        case _:
            return BeidouHandset(
                BEIDOU_BASE + number, space, rng=rng, name=name, home=BEIDOU_BASE + home, person=person
            )
