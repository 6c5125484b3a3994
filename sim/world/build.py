"""Putting a world together from one drawn run: files, boxes, devices, people, and the air between them."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

from sim.channel import Channel
from sim.clock import EPOCH_UNIX_MS, SimClock
from sim.device import SerialDevice, SerialPort
from sim.devices.pdt_handheld import Handheld
from sim.fleet import Box, Fleet
from sim.physics.geo import BEIDOU_EAST_DEG, TIANTONG_EAST_DEG, hop_s
from sim.record import Record
from sim.scenario.draw import Drawn
from sim.scenario.model import Group, Node, Scenario
from sim.world import devices, files
from sim.world.desk import Desk
from sim.world.files import Post
from sim.world.motion import Leg, Mover, Place, degrees
from sim.world.motion import Path as Way
from sim.world.people import Man, PersonDiary, make_device
from sim.world.texts import Texts
from sim.world.unit import Unit

PEOPLE_BEARER: Final = {"handheld": "pdt", "phone": "tiantong", "handset": "beidou"}


BEIDOU_CENTRE_S: Final = 0.5
"""What access and the centre take beside the two hops (our figure: a message is there in about a second)."""

BEIDOU_LOSS: Final = 0.004
"""Share that never arrives under an open sky: evaluated success is above 99.6 % (kepuchina.cn)."""


def posts_of(scenario: Scenario) -> list[Post]:
    """Return everybody's roster entry, gateways first."""
    gateways = [
        Post(
            number=node.station,
            sign=node.id,
            name=node.name or node.id,
            path=node.department,
            gateway=True,
            headquarters=node.headquarters,
            bearers=node.links,
            settings=node.settings,
            heartbeat_s=node.heartbeat_s.low,
        )
        for node in scenario.nodes
    ]
    people = [
        Post(
            number=group.station,
            sign=group.id,
            name=group.name or group.id,
            path=group.department,
            bearers=(PEOPLE_BEARER[group.kind],),
            via=(group.via,),
            excused="scenario" if group.excused else "",
            kind=group.kind,
        )
        for group in scenario.groups
        if group.tier == "person"
    ]
    return gateways + people


class Builder:
    """Makes the parts of one world, in the order of the scenario."""

    def __init__(self, drawn: Drawn, folder: Path, record: Record) -> None:
        self.scenario = scenario = drawn.scenario
        self.record = record
        self.posts = posts_of(scenario)
        self.hq = next((post.sign for post in self.posts if post.headquarters), "")
        self._texts = Texts(self.hq, [post.sign for post in self.posts])
        self.fleet = Fleet(folder, files.roster(self.posts, scenario.title_zh), seed=drawn.seed)
        self.roads = {road.id: Way.along(road) for road in scenario.roads}
        self._latitude, self._longitude = scenario.area.origin
        self._space()

    def units(self) -> dict[str, Unit]:
        """Make every gateway node."""
        made: dict[str, Unit] = {}
        by_sign = {post.sign: post for post in self.posts}
        for node in self.scenario.nodes:
            post = by_sign[node.id]
            narrow = self.scenario.area.mesh == "lora"
            links = files.links(post, self.posts, narrow_mesh=narrow)
            box = self.fleet.box(node.id, node.station, links)
            box.clock = SimClock(
                epoch_unix_ms=EPOCH_UNIX_MS + round(node.clock.offset_s.low * 1000),
                drift_ppm=node.clock.drift_ppm.low,
            )
            box.keeps_date = node.clock.kept
            made[node.id] = Unit(
                node,
                box,
                self._mover(node, made),
                self._plug(node, box),
                Desk(node.id, box, self.record, self._texts),
                self.record,
            )
        return made

    def people(self, units: dict[str, Unit]) -> dict[str, Man]:
        """Make everybody with a device of their own."""
        return {
            group.id: self._man(group, units[group.via])
            for group in self.scenario.groups
            if group.tier == "person"
        }

    def _mover(self, node: Node, made: dict[str, Unit]) -> Mover:
        if node.route:
            way = self.roads[node.route]
            leg = Leg(
                path=way,
                from_km=node.start_km.low,
                to_km=way.length_km,
                speed_kmh=node.speed_kmh,
                since_s=node.leaves_s.low,
            )
            return Mover(way.at(node.start_km.low), leg)
        if node.near in made:
            centre = made[node.near].mover.place(0.0)
            return Mover(self._somewhere(centre, node.within_km, f"{node.id}/place"))
        return Mover(node.at or (0.0, 0.0))

    def _somewhere(self, centre: Place, within_km: float, stream: str) -> Place:
        rng = self.fleet.streams.stream(stream)
        return (
            centre[0] + rng.uniform(-within_km, within_km),
            centre[1] + rng.uniform(-within_km, within_km),
        )

    def _plug(self, node: Node, box: Box) -> dict[str, tuple[SerialDevice, SerialPort]]:
        fleet = self.fleet
        plugged: dict[str, tuple[SerialDevice, SerialPort]] = {}
        for bearer in node.links:
            if bearer in files.SERIAL_DRIVERS:
                device = devices.make(
                    bearer,
                    node.station,
                    net=fleet.pdt,
                    centre=fleet.sms,
                    space=fleet.space,
                    sky=self._sky(node.id),
                    rng=fleet.streams.stream(f"{node.id}/{bearer}"),
                    period_s=node.beidou_period_s,
                )
                plugged[bearer] = (device, box.connector.add_serial(files.device_path(bearer), device))
        return plugged

    def _man(self, group: Group, unit: Unit) -> Man:
        fleet, rng = self.fleet, self.fleet.streams.stream(f"{group.id}/person")
        device = make_device(
            group,
            unit.node.station,
            net=fleet.pdt,
            centre=fleet.sms,
            space=fleet.space,
            sky=self._sky(group.id),
            rng=rng,
        )
        centre = group.at or (0.0, 0.0)
        offset = self._somewhere(centre, group.within_km, f"{group.id}/place")
        man = Man(
            group,
            device,
            home=unit.node.station,
            offset_km=offset,
            anchor=unit.mover,
            rng=rng,
        )
        device.diary = PersonDiary(group, self.record, self._texts)
        if isinstance(device, Handheld):
            device.locate = partial(_located, man, self.scenario.area.origin)
        return man

    def _space(self) -> None:
        """Give Beidou's channel its two hops (to the centre and back) and, over real land, its usual loss."""
        channel = self.fleet.space.channel
        east_deg = min(BEIDOU_EAST_DEG, key=lambda east: abs(east - self._longitude))
        channel.delay_s = 2 * hop_s(self._latitude, self._longitude, east_deg) + BEIDOU_CENTRE_S
        if self.scenario.area.model != "flat":
            channel.loss = BEIDOU_LOSS

    def _sky(self, name: str) -> Channel:
        """Return the way from a Tiantong terminal to its centre: one hop and the access."""
        one_way_s = hop_s(self._latitude, self._longitude, TIANTONG_EAST_DEG)
        rng = self.fleet.streams.stream(f"{name}/sky")
        return Channel(f"{name} sky", rng=rng, delay_s=one_way_s + 0.2, jitter_s=0.3)


def _located(man: Man, origin: tuple[float, float]) -> tuple[float, float]:
    """Return what a set's receiver knows of its place now."""
    return degrees(man.place(asyncio.get_running_loop().time()), origin)
