"""The air of a world: who hears whom on PDT and on the mesh, what crowds do, and what all of it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from sim.channel import Channel
from sim.devices.pdt_net import Air, Station
from sim.devices.rdss import RdssMessage
from sim.devices.sat_phone import Phone
from sim.devices.tiantong import TiantongModem
from sim.fleet import Fleet
from sim.physics.ground import Ground
from sim.radio.medium import Medium
from sim.radio.mesh import Mesh
from sim.radio.pdt_air import PDT_MHZ, PdtAir, RelaySite
from sim.radio.physics import FourFsk, OverLand, Reach
from sim.radio.reception import Flat, Propagation
from sim.record import Record
from sim.scenario.model import Env, Group, Scenario
from sim.world.background import Background
from sim.world.files import BEIDOU_BASE, NETS, PDT_BASE
from sim.world.ip import bearer_of
from sim.world.masts import HANDHELD, RELAY_GAIN_DB, Figures, Mast, gateway_figures
from sim.world.meshes import KINDS, make_mesh
from sim.world.meter import SKY_BPS, Meter
from sim.world.motion import Place
from sim.world.people import Man
from sim.world.sites import Hill
from sim.world.unit import Unit

OPEN_RICE_DB: Final = 6.0
"""Over open land some of a signal comes straight (our figure); among houses none does: Rayleigh."""

WALKING_KMH: Final = 4.0
"""Whoever has a set in the hand does not stand still."""

MESH_HOSTS: Final = NETS["mesh"] + "."


class AirSpace:
    """What lies between the radios of one world. In a flat area everybody hears everybody."""

    def __init__(
        self,
        scenario: Scenario,
        fleet: Fleet,
        units: Mapping[str, Unit],
        people: Mapping[str, Man],
        record: Record,
    ) -> None:
        self.meter = Meter(record)
        self.pdt: PdtAir | None = None
        self.mesh: Mesh | None = None
        self.crowd: Background | None = None
        self._scenario = scenario
        self._fleet = fleet
        self._units = units
        self._people = people
        self._record = record
        self._crowded: list[Group] = [group for group in scenario.groups if group.tier == "crowd"]
        self.masts = {unit.id: self._mast(unit) for unit in units.values()}
        self.masts |= {man.id: Mast(man.id, man.place, HANDHELD) for man in people.values()}
        self._signs = {PDT_BASE + unit.node.station: unit.id for unit in units.values()}
        self._signs |= {PDT_BASE + man.group.station: man.id for man in people.values()}
        self._counted: RdssMessage | None = None
        self._begun_s = 0.0
        self._mesh_ns: dict[str, int] = {}
        self._make_pdt()
        self._make_mesh()
        self._make_crowd()
        self._listen()

    # --- making ------------------------------------------------------------------------------------------

    def _mast(self, unit: Unit) -> Mast:
        return Mast(unit.id, unit.mover.place, gateway_figures(unit.node.antenna_m))

    def _land(self, f_mhz: float) -> Propagation:
        area = self._scenario.area
        if area.model == "flat":
            return Flat()
        ground = Ground(
            f_mhz=f_mhz,
            env=area.env,
            sigma_db=area.sigma_db,
            shadow_m=area.shadow_m,
            seed=self._fleet.streams.seed,
        )
        return OverLand(ground)

    @property
    def apart(self) -> bool:
        """Whether each radio listens for itself: wherever there is land between them."""
        return self.pdt is not None

    def _make_pdt(self) -> None:
        self._fleet.pdt.ether = self
        area = self._scenario.area
        if area.model == "flat":
            return
        rice_db = OPEN_RICE_DB if area.env is Env.OPEN else None
        land = self._land(PDT_MHZ)
        self.pdt = PdtAir(self._fleet.streams, land, rice_db=rice_db, record=self._record)
        for radio_id, sign in self._signs.items():
            self.pdt.place(radio_id, self.masts[sign], partial(self._speed_kmh, sign))

    def _speed_kmh(self, sign: str) -> float:
        """Return how fast somebody goes now; people with a set in their hand walk about."""
        now_s = asyncio.get_running_loop().time()
        if sign in self._units:
            return self._units[sign].mover.speed_kmh(now_s)
        mover = self._people[sign].mover
        return max(WALKING_KMH, mover.speed_kmh(now_s) if mover is not None else 0.0)

    def add_hill(self, hill: Hill) -> None:
        """Let a relay site repeat what it hears for as long as it has power."""
        site = hill.site
        figures = Figures(site.power_dbm, RELAY_GAIN_DB, site.antenna_m)
        self.masts[site.id] = mast = Mast(site.id, lambda _: site.at, figures)
        relay = RelaySite(mast)
        if self.pdt is not None:
            self.pdt.relays.append(relay)
        if self.crowd is not None:
            self.crowd.relay(relay)
        hill.told = partial(setattr, relay, "on")

    def _make_mesh(self) -> None:
        meshed = [unit for unit in self._units.values() if "mesh" in unit.node.links]
        if meshed:
            streams = self._fleet.streams
            self.mesh = make_mesh(self._scenario.area, streams, self._land, meshed, self._record)
            self._fleet.network.carrier = self._carrier

    def _make_crowd(self) -> None:
        """Let whoever is on the frequency share it; in a flat area without a crowd all just take turns."""
        if not self._crowded and self.pdt is None:
            return
        area, reception = self._scenario.area, FourFsk()
        reach = None
        if area.model != "flat":
            reach = Reach(f_mhz=PDT_MHZ, env=area.env, sigma_db=area.sigma_db, floor_dbm=reception.noise_dbm)
        land = self._land(PDT_MHZ)

        def slot(name: str) -> Medium:
            return Medium(
                name,
                self._fleet.streams,
                land,
                reception=reception,
                floor_dbm=reception.noise_dbm,
                reach_km=reach,
                record=self._record,
            )

        second = slot("pdt-2") if any(group.slot > 1 for group in self._crowded) else None
        self.crowd = crowd = Background(slot("pdt"), self._fleet.streams, second)
        for unit in self._units.values():
            if "pdt" in unit.node.links:
                crowd.gateway(PDT_BASE + unit.node.station, self.masts[unit.id])
        for man in self._people.values():
            if man.group.kind == "handheld":
                crowd.handheld(PDT_BASE + man.group.station, self.masts[man.id])
        for group in self._crowded:
            serving = self._units[group.via]
            place = self._somewhere(group, serving)
            crowd.member(group, place, PDT_BASE + serving.node.station)
        if self.pdt is not None:
            self.pdt.others = crowd

    def _somewhere(self, group: Group, serving: Unit) -> Place:
        rng = self._fleet.streams.stream(f"{group.id}/place")
        x, y = group.at or serving.mover.place(0.0)
        return x + rng.uniform(-group.within_km, group.within_km), y + rng.uniform(
            -group.within_km, group.within_km
        )

    def _listen(self) -> None:
        self._fleet.space.tell = self._beidou
        for unit in self._units.values():
            for device, _ in unit.plugged.values():
                if isinstance(device, TiantongModem):
                    device.channel.tap = partial(self._tiantong, unit.id)
        for man in self._people.values():
            if isinstance(man.device, Phone):
                man.device.channel.tap = partial(self._tiantong, man.id)

    def listen(self, channel: Channel, low: str, high: str) -> None:
        """Count what passes between two hosts; a mesh's bursts are counted where they are sent."""
        bearer = bearer_of(low)
        if bearer == "mesh":
            channel.tap = partial(self._unmeshed, low, high)
        else:
            channel.tap = partial(self._datagram, bearer, low, high, channel.rate_bps)

    # --- living ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let crowds' batteries run."""
        if self.crowd is not None:
            self.crowd.start()

    def heal(self) -> None:
        """Give the crowd fresh batteries."""
        if self.crowd is not None:
            self.crowd.heal()

    def set_mains(self, there: Callable[[Place], bool], *, on: bool) -> None:
        """Switch the mains of the crowd's chargers in some places."""
        if self.crowd is not None:
            self.crowd.set_mains(there, on=on)

    def moved(self, unit: Unit) -> None:
        """Look anew at who hears a node that has moved."""
        if self.mesh is not None and unit.id in self.mesh.radios:
            self.mesh.medium.moved(self.mesh.radios[unit.id])
        if self.crowd is not None:
            self.crowd.moved(PDT_BASE + unit.node.station)

    def powered(self, unit: Unit, *, on: bool) -> None:
        """Switch what a node's battery feeds beside its gateway: its mesh radio."""
        if self.mesh is not None and unit.id in self.mesh.radios:
            medium = self.mesh.medium
            self.mesh.radios[unit.id].switch(on=on, now_ns=medium.timeline.now_ns)

    def drawn_wh(self, unit: Unit) -> float:
        """Return what a node's transmitters took since this was asked last."""
        if self.mesh is not None and unit.id in self.mesh.radios:
            sent_ns = self.mesh.radios[unit.id].sent_ns
            before_ns, self._mesh_ns[unit.id] = self._mesh_ns.get(unit.id, 0), sent_ns
            if sent_ns > before_ns:
                watts = KINDS[self._scenario.area.mesh].send_w
                self.meter.drew(unit.id, watts * (sent_ns - before_ns) / 1e9)
        return self.meter.drawn_wh(unit.id)

    def figures(self, lasted_s: float) -> dict[str, float]:
        """Return the metrics of the air: shares of time, and what became of the crowd's words."""
        airtime_s = dict(self.meter.airtime_s)
        if self.mesh is not None:
            airtime_s["mesh"] = self.mesh.medium.sent_ns / 1e9
        found: dict[str, float] = {}
        if self.crowd is not None:
            airtime_s["pdt"] = airtime_s.get("pdt", 0.0) + self.crowd.airtime_s
            tally = self.crowd.tally()
            if self.crowd.members:
                found["crowd.sent"] = tally.offered
                found["crowd.acked"] = tally.delivered
                found["crowd.collided"] = self.crowd.collided
            if tally.offered:
                found["crowd.delivered"] = tally.delivered / tally.offered
        for bearer, busy_s in airtime_s.items():
            found[f"airtime.{bearer}"] = busy_s / lasted_s if lasted_s else 0.0
        return found

    # --- what the nets ask and tell ----------------------------------------------------------------------

    def begins(self, source: Station, airtime_s: float) -> float:
        """Let a radio begin, or wait for what it hears."""
        if self.crowd is not None:
            wait_s = self.crowd.begins(source.id, airtime_s)
            if wait_s:
                return wait_s
        self.meter.sent("pdt", self._signs.get(source.id, ""), airtime_s)
        self._begun_s = airtime_s
        return 0.0

    def sent(self, source: Station, count: int, octets: int) -> Callable[[Station], bool]:
        """Take one transmission; return what tells of a station whether it heard it."""
        if self.pdt is not None:
            return self.pdt.sent(source, count, octets)
        if self.meter.watched:
            return partial(self._heard_flat, source, octets)
        return _everybody

    def lost(self, source: Station, air: Air, fate: str) -> None:
        """Take one transmission that the channel swallowed."""
        if self.pdt is not None:
            self.pdt.lost(source, air, fate)
        elif self.meter.watched:
            names = self._signs.get(source.id, ""), self._signs.get(air.destination, "")
            self.meter.tell("pdt", *names, len(air.body), self._begun_s, fate)

    def _heard_flat(self, source: Station, octets: int, station: Station) -> bool:
        names = self._signs.get(source.id, ""), self._signs.get(station.id, "")
        self.meter.tell("pdt", *names, octets, self._begun_s, "carried")
        return True

    def _tiantong(self, owner: str, octets: int, back: bool, fate: str) -> None:  # noqa: FBT001 - a channel's tap
        airtime_s = octets * 8 / SKY_BPS["tiantong"]
        self.meter.sent("tiantong", "" if back else owner, airtime_s)
        if self.meter.watched:
            node, to = ("", owner) if back else (owner, "")
            self.meter.tell("tiantong", node, to, octets, airtime_s, fate)

    def _beidou(self, message: RdssMessage, number: int, fate: str) -> None:
        octets = len(message.content)
        airtime_s = octets * 8 / SKY_BPS["beidou"]
        node = self._signs.get(message.sender - BEIDOU_BASE + PDT_BASE, "")
        if message is not self._counted:  # a broadcast has several receivers
            self._counted = message
            self.meter.sent("beidou", node, airtime_s)
        if self.meter.watched:
            to = self._signs.get(number - BEIDOU_BASE + PDT_BASE, "")
            self.meter.tell("beidou", node, to, octets, airtime_s, fate)

    def _datagram(
        self,
        bearer: str,
        low: str,
        high: str,
        rate_bps: float,
        octets: int,
        back: bool,  # noqa: FBT001
        fate: str,
    ) -> None:
        node, to = self._ends(low, high, back=back)
        airtime_s = octets * 8 / rate_bps if rate_bps else 0.0
        self.meter.sent(bearer, node, airtime_s)
        if self.meter.watched:
            self.meter.tell(bearer, node, to, octets, airtime_s, fate)

    def _unmeshed(self, low: str, high: str, octets: int, back: bool, fate: str) -> None:  # noqa: FBT001
        if fate != "carried" and self.meter.watched:
            self.meter.tell("mesh", *self._ends(low, high, back=back), octets, 0.0, fate)

    def _ends(self, low: str, high: str, *, back: bool) -> tuple[str, str]:
        one, other = self._sign_at(low), self._sign_at(high)
        return (other, one) if back else (one, other)

    def _sign_at(self, host: str) -> str:
        """Return whose host it is; a clone's is its original's."""
        host = self._fleet.network.same.get(host, host)
        _, _, third, fourth = host.split(".")
        return self._signs.get(PDT_BASE + int(third) * 256 + int(fourth), "")

    # --- the mesh carries --------------------------------------------------------------------------------

    def _carrier(self, source: str, to: str) -> AirSpace | None:
        return self if source.startswith(MESH_HOSTS) and to.startswith(MESH_HOSTS) else None

    def carry(self, size_octets: int, deliver: Callable[[], None], source: str, to: str) -> None:
        """Take a datagram from one node's mesh radio to another's."""
        assert self.mesh is not None  # noqa: S101 - hosts of a mesh have one
        a, b = self._sign_at(source), self._sign_at(to)
        if a == b:
            deliver()  # two machines at one radio
        else:
            self.mesh.carry(size_octets, deliver, a, b)


def _everybody(_: Station) -> bool:
    return True
