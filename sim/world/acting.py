"""What the scenario's actions do to a world: people and clients act, roads, networks and mains are cut."""

from __future__ import annotations

import asyncio
from typing import Final

from sim.devices.pdt_handheld import Handheld
from sim.loop import NEUTRAL
from sim.record import What
from sim.scenario.model import Action, Do, Zone
from sim.scenario.patterns import matching
from sim.world.sites import inside
from sim.world.unit import Unit
from sim.world.world import World

SPEAKER: Final = 2_999_999
"""Radio id of somebody on the PDT net who only speaks."""

TALK_GROUP: Final = 1


class Actors:
    """Lets actions happen at their times."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cut: dict[str, list[asyncio.TimerHandle]] = {}

    def schedule(self) -> None:
        """Set every action of the run; call when the world starts."""
        loop = asyncio.get_running_loop()
        for action in self._world.scenario.actions:
            loop.call_at(action.t.low, self.do, action, context=NEUTRAL)

    def do(self, action: Action) -> None:
        """Do one now."""
        world = self._world
        match action.do:
            case Do.SEND:
                world.spawn(self._send(action), f"{action.who}.send")
            case Do.ROLL_CALL:
                world.spawn(self._call(action), f"{action.who}.rollcall")
            case Do.QUIET:
                world.spawn(self._quiet(action), f"{action.who}.quiet")
            case Do.TYPE | Do.SOS | Do.CANCEL | Do.REGISTER:
                self._by_hand(action)
            case Do.VOICE:
                self._voice(action)
            case Do.MOVE:
                self._move(action)
            case Do.CUT_ROAD:
                self._road(action)
            case Do.CUT_NETWORK:
                self._network(action)
            case Do.CUT_POWER:
                self._power(action)
            case Do.HEAL:
                self.heal()
            case Do.FAULT:
                pass  # stands in the schedule

    def heal(self) -> None:
        """Mend everything that was cut, fill every battery; faults are mended by their own keeper."""
        world = self._world
        for handles in self._cut.values():
            for handle in handles:
                handle.cancel()
        self._cut.clear()
        world.cells.backhaul = True
        for hill in world.hills.values():
            hill.set_mains(on=True)
        world.air.heal()
        for tower in world.cells.towers.values():
            tower.set_mains(on=True)
            tower.set_backhaul(on=True)
        for unit in world.units.values():
            unit.swap_battery()
            unit.set_mains(on=True)
            unit.mover.mend_road(world.now_s())
            world.watch_road(unit)
        for man in world.people.values():
            man.life.set_mains(on=True)
            man.life.renew()
        world.look_anew()

    # --- people and clients ------------------------------------------------------------------------------

    async def _send(self, action: Action) -> None:
        desk = self._world.units[action.who].desk
        lifetime_s = round(action.lifetime_s) or None
        await desk.send(action.to, action.text, action.precedence, lifetime_s=lifetime_s)

    async def _call(self, action: Action) -> None:
        known = [*self._world.units, *self._world.people]
        stations = () if action.to == "all" else tuple(matching(action.to, known))
        await self._world.units[action.who].desk.call_roll(stations, round(action.within_s))

    async def _quiet(self, action: Action) -> None:
        desk = self._world.units[action.who].desk
        await desk.quiet(action.link, on=True)
        if action.for_s.low > 0:
            await asyncio.sleep(action.for_s.low)
            await desk.quiet(action.link, on=False)

    def _by_hand(self, action: Action) -> None:
        man = self._world.people[action.who]
        if action.do is Do.TYPE:
            man.type_text(action.text)
        elif isinstance(man.device, Handheld) and man.device.powered:
            match action.do:
                case Do.SOS:
                    man.device.press_emergency()
                case Do.CANCEL:
                    man.device.cancel_emergency()
                case _:
                    man.device.register()

    def _voice(self, action: Action) -> None:
        net = self._world.fleet.pdt
        net.start_voice(SPEAKER, TALK_GROUP)
        asyncio.get_running_loop().call_later(action.for_s.low, net.end_voice, context=NEUTRAL)

    # --- the three cuts ----------------------------------------------------------------------------------

    def _move(self, action: Action) -> None:
        unit, now_s = self._world.units[action.who], self._world.now_s()
        x, comma, y = action.to.partition(",")
        if not comma:
            unit.mover.drive_on(now_s)
        elif unit.node.speed_kmh > 0:
            unit.mover.drive_to((float(x), float(y)), unit.node.speed_kmh, now_s)
        else:
            unit.mover.put((float(x), float(y)), now_s)
        self._world.watch_road(unit)
        self._world.tell_place(unit)
        self._world.look_anew()

    def _road(self, action: Action) -> None:
        self._fault(action, "begins")
        for unit in self._on_road(action.who):
            unit.mover.lose_road(action.at_km, self._world.now_s())
            self._world.watch_road(unit)
        self._later(action, lambda: self._mend_road(action))

    def _mend_road(self, action: Action) -> None:
        for unit in self._on_road(action.who):
            unit.mover.find_road(action.at_km, self._world.now_s())
            self._world.watch_road(unit)
        self._fault(action, "ends")

    def _on_road(self, road: str) -> list[Unit]:
        return [unit for unit in self._world.units.values() if unit.node.route == road]

    def _network(self, action: Action) -> None:
        self._backhaul(action, on=False)
        self._later(action, lambda: self._backhaul(action, on=True))

    def _backhaul(self, action: Action, *, on: bool) -> None:
        cells = self._world.cells
        if not action.area and not action.who:
            cells.backhaul = on
        for tower in cells.within(self._zone(action), action.who):
            tower.set_backhaul(on=on)
        self._fault(action, "ends" if on else "begins")

    def _power(self, action: Action) -> None:
        self._mains(action, on=False)
        self._later(action, lambda: self._mains(action, on=True))

    def _mains(self, action: Action, *, on: bool) -> None:
        world, zone = self._world, self._zone(action)
        for tower in world.cells.within(zone, ""):
            tower.set_mains(on=on)
        for hill in world.hills.values():
            if zone is None or inside(hill.site.at, zone):
                hill.set_mains(on=on)
        for unit in world.units.values():
            if zone is None or inside(world.place(unit), zone):
                unit.set_mains(on=on)
        for man in world.people.values():
            if zone is None or inside(man.place(world.now_s()), zone):
                man.life.set_mains(on=on)
        world.air.set_mains(lambda place: zone is None or inside(place, zone), on=on)
        self._fault(action, "ends" if on else "begins")

    def _zone(self, action: Action) -> Zone | None:
        return self._world.zones[action.area] if action.area else None

    def _later(self, action: Action, mend: object) -> None:
        if action.for_s.low > 0 and callable(mend):
            handle = asyncio.get_running_loop().call_later(action.for_s.low, mend, context=NEUTRAL)
            self._cut.setdefault(action.do.value, []).append(handle)

    def _fault(self, action: Action, state: str) -> None:
        target = action.area or action.who or "all"
        self._world.look_anew()
        self._world.record.note(
            What.FAULT, "", name=action.do.value, target=target, state=state, cause="scenario"
        )
