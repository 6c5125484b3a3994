"""A gateway's node: its box and devices, where it is, what it lives on, and who sits at its desk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from gateway.ledger.errors import LedgerError
from sim.device import SerialDevice, SerialPort
from sim.devices.beidou import Sky
from sim.disk import Image
from sim.fleet import Box
from sim.loop import NEUTRAL
from sim.physics.energy import Battery
from sim.record import Record, What
from sim.scenario.model import Node
from sim.world import devices
from sim.world.desk import Desk
from sim.world.motion import Mover
from sim.world.shade import Shade, shade_of

RESTART_S: Final = 1.0
"""How soon a gateway that ended by itself is started again: `RestartSec` of the systemd unit."""

CHARGE_SHARE: Final = 0.1
"""A charger fills a battery in ten hours."""

EMPTY: Final = "battery empty"


class Unit:
    """One node with a gateway, off until `live` runs.

    What keeps it off is a set of reasons; it runs while there is none. A power cut leaves on the disk what
    was synced, a killed process what was written.
    """

    def __init__(
        self,
        node: Node,
        box: Box,
        mover: Mover,
        plugged: dict[str, tuple[SerialDevice, SerialPort]],
        desk: Desk,
        record: Record,
    ) -> None:
        self.node = node
        self.id = node.id
        self.box = box
        self.mover = mover
        self.plugged = plugged
        self.desk = desk
        self.failures: list[Exception] = []
        """Errors by which its gateway ended, those of a full or damaged disk left out."""
        self.on_since_s = inf
        """Since when the gateway has run without a break; inf while it does not."""
        wh = node.battery_wh.low
        self.battery = Battery(
            wh, node.load_w, charge_w=node.load_w + wh * CHARGE_SHARE, supply_w=inf if node.mains else 0.0
        )
        self.shades: dict[str, Shade] = {}
        """By satellite bearer: what hides its device's sky."""
        for bearer, (device, _) in plugged.items():
            if (shade := shade_of(device)) is not None:
                self.shades[bearer] = shade
        self.told: Callable[[bool], None] = _to_nobody
        """Told when what its battery feeds goes on or off."""
        self._record = record
        self._mains = node.mains
        self._dead = False
        """Whether its power supply has failed: then no mains help."""
        self._reasons: set[str] = set()
        self._killed = False
        self._put_back: Image | None = None
        self._changed = asyncio.Event()
        self._follow: asyncio.Task[None] | None = None
        self._empty_timer: asyncio.TimerHandle | None = None
        box.on_end = self._ended

    # --- power -------------------------------------------------------------------------------------------

    def off(self, reason: str, *, killed: bool = False) -> None:
        """Take the gateway down until `on` with the same reason: its power, or its process alone."""
        self._killed = killed
        self._reasons.add(reason)
        self._changed.set()

    def on(self, reason: str) -> None:
        """Take a reason away."""
        self._reasons.discard(reason)
        self._changed.set()

    @property
    def powered(self) -> bool:
        """Whether anything at this node has power."""
        return EMPTY not in self._reasons

    def restore(self, image: Image) -> None:
        """Exchange the disk as soon as the box is off; call `off` first."""
        self._put_back = image
        self._changed.set()

    def set_mains(self, *, on: bool) -> None:
        """Switch the mains; without them it lives on its battery."""
        self._mains = on and self.node.mains
        self._feed()

    def spend(self, wh: float) -> None:
        """Take a lump from the battery: what its transmitters drew."""
        if wh > 0:
            self.battery.spend(_now_s(), wh)
            self._look_at_battery()

    def tell_battery(self) -> None:
        """Tell reports how much is left, unless the mains feed it."""
        if self.battery.supply_w <= 0:
            self._record.draw(What.POWER, self.id, left_wh=round(self.battery.left_wh(_now_s()), 2))

    def drain(self) -> None:
        """Empty the battery at once, and let nothing charge or replace it until another is put in."""
        self._dead = True
        self.battery.swap(_now_s(), 0.0)
        self._feed()

    def swap_battery(self) -> None:
        """Put a full battery in."""
        self._dead = False
        self.battery.swap(_now_s())
        self._feed()

    def _feed(self) -> None:
        self.battery.set_supply(_now_s(), inf if self._mains and not self._dead else 0.0)
        self._look_at_battery()

    def _look_at_battery(self) -> None:
        if self._empty_timer is not None:
            self._empty_timer.cancel()
            self._empty_timer = None
        now_s = _now_s()
        if self.battery.alive(now_s):
            if EMPTY in self._reasons:
                self._light_up()
            left_s = self.battery.empty_in_s(now_s)
            if left_s < inf:
                loop = asyncio.get_running_loop()
                self._empty_timer = loop.call_later(left_s, self._look_at_battery, context=NEUTRAL)
        elif EMPTY not in self._reasons:
            self._record.note(What.POWER, self.id, state="off", why=EMPTY, left_wh=0.0)
            self.off(EMPTY)
            self._switch(on=False)

    def _light_up(self) -> None:
        self._record.note(
            What.POWER, self.id, state="on", why="power is back", left_wh=self.battery.left_wh(_now_s())
        )
        self._switch(on=True)
        self.on(EMPTY)

    def _switch(self, *, on: bool) -> None:
        for device, _ in self.plugged.values():
            devices.switch(device, on=on)
        if "beidou" in self.shades:
            self.shades["beidou"].put(EMPTY, Sky.OPEN if on else Sky.TUNNEL)
        self.told(on)

    # --- life --------------------------------------------------------------------------------------------

    async def live(self, tasks: asyncio.TaskGroup) -> None:
        """Run the gateway while nothing keeps it off, until cancelled."""
        self._look_at_battery()
        while True:
            self._changed.clear()
            if self._reasons and self.box.on:
                await self._go_down()
            elif self._put_back is not None and not self.box.on:
                self.box.disk.put_back(self._put_back)
                self._put_back = None
            elif not self._reasons and not self.box.on:
                await self._start(tasks)
            else:
                await self._changed.wait()

    async def _start(self, tasks: asyncio.TaskGroup) -> None:
        await self.hang_up()
        await self.box.power_on()
        if self.box.on:
            self.on_since_s = _now_s()
            self._follow = tasks.create_task(self.desk.follow(), name=f"{self.id}.desk")
        else:
            await asyncio.sleep(RESTART_S)

    async def _go_down(self) -> None:
        self.on_since_s = inf
        await self.hang_up()
        if self._killed:
            await self.box.kill()
        else:
            await self.box.cut_power()

    async def hang_up(self) -> None:
        """Let the desk's program stop following."""
        if self._follow is not None:
            self._follow.cancel()
            await asyncio.wait([self._follow])
            self._follow = None

    def _ended(self, error: Exception) -> None:
        """Note a gateway that ended by itself; it is started again, as systemd does."""
        self.on_since_s = inf
        if not isinstance(error, LedgerError):
            self.failures.append(error)
        self._record.note(What.POWER, self.id, state="off", why=f"ended: {type(error).__name__}")
        self._changed.set()


def _to_nobody(_on: bool) -> None:  # noqa: FBT001 - a callback
    """Tell nobody."""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
