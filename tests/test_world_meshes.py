"""A world's bearer "mesh" may be routed and fast, or flooded and slow; each hop may lose in runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import groupby

from sim.fleet import until
from sim.radio.flood import FloodMesh
from sim.radio.routed import RoutedMesh
from sim.scenario.model import Area, Scenario
from tests.world_scene import FLAT, living, node, scenario

LAND = Area(size_km=(60.0, 60.0), sigma_db=0.0, mesh="lora")


def chain(area: Area, *km: float) -> Scenario:
    """Mesh nodes along a line."""
    nodes = [node(f"N-{n}", "mesh", at=(x, 5.0), headquarters=n == 0) for n, x in enumerate(km)]
    return scenario(tuple(nodes), area=area)


async def test_a_lora_mesh_carries_over_hops() -> None:
    """Short datagrams come through three hops of one slow channel; without the node between, none do."""
    async with living(chain(LAND, 5.0, 10.0, 15.0, 20.0)) as scene:
        mesh = scene.world.air.mesh
        assert isinstance(mesh, FloodMesh)
        arrived = 0
        for _ in range(10):
            arrived += len(await scene.datagrams("mesh", "N-0", "N-3", 1))
            await asyncio.sleep(5.0)
        assert arrived >= 8
        assert mesh.tally.relayed >= 2 * arrived
        scene.world.units["N-1"].drain()
        assert await scene.datagrams("mesh", "N-0", "N-3", 1) == []


async def test_gateways_talk_over_a_lora_mesh() -> None:
    """Real gateways find each other through a hop, and a message that fits a packet arrives in a minute."""
    async with living(chain(LAND, 5.0, 10.0, 15.0), gateways=True) as scene:
        await scene.up("N-0", "N-1", "N-2")
        far = scene.world.units["N-2"]
        await asyncio.sleep(120.0)
        text = "桥面沉降三厘米，禁止重车通行；" * 3
        message = await scene.world.units["N-0"].desk.send("N-2", text)
        assert message is not None
        await until(lambda: str(message.id) in far.desk.shown, limit_s=60.0)
        assert far.desk.shown[str(message.id)] == text
        link = scene.world.units["N-0"].box.gateway.core.links["mesh"]
        assert link.capabilities.mtu_octets == 200


async def test_a_long_datagram_does_not_fit_a_lora_packet() -> None:
    """What is longer than a packet is refused by the radio, and counted."""
    async with living(chain(LAND, 5.0, 6.0)) as scene:
        mesh = scene.world.air.mesh
        assert mesh is not None
        mesh.carry(234, lambda: None, "N-0", "N-1")
        mesh.carry(233, lambda: None, "N-0", "N-1")
        assert (mesh.tally.offered, mesh.tally.refused) == (2, 1)


async def acknowledged(area: Area) -> list[bool]:
    """Send 600 datagrams over one hop, four a second; return which were acknowledged."""
    async with living(chain(area, 5.0, 6.0)) as scene:
        mesh = scene.world.air.mesh
        assert isinstance(mesh, RoutedMesh)
        luck: list[bool] = []
        for _ in range(600):
            before = mesh.tally.given_up
            mesh.carry(40, lambda: None, "N-0", "N-1")
            await asyncio.sleep(0.25)
            luck.append(mesh.tally.given_up == before)
        return luck


async def test_hops_lose_in_runs() -> None:
    """Seven tries would mend single losses of a third; what is lost in bad stretches stays lost, in rows."""
    assert all(await acknowledged(FLAT))
    luck = await acknowledged(replace(FLAT, mesh_loss=0.3))
    lost = 1.0 - sum(luck) / len(luck)
    runs = [len(list(run)) for came, run in groupby(luck) if not came]
    assert 0.05 < lost < 0.4
    assert sum(runs) / len(runs) > 1.15 / (1.0 - lost)
