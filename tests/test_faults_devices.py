"""Each fault of a device on its serial port does what its description says, and healing undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from drivers.base import ByteStream, PortUnavailableError, StreamLostError
from sim.devices.beidou import BeidouTerminal
from sim.devices.pdt_radio import PdtRadio
from sim.devices.tiantong import TiantongModem
from sim.faults.model import Kind
from sim.ports import MemoryPort
from tests.world_scene import Scene, living, node, scenario

PAIR = scenario(
    (node("HQ", "tiantong", "beidou", "pdt", headquarters=True), node("VEH", "tiantong", "beidou", "pdt"))
)

TIANTONG = "VEH/tiantong"


@dataclass
class Host:
    """A program on the port of the vehicle's modem."""

    scene: Scene
    port: MemoryPort
    stream: ByteStream

    async def say(self, data: bytes = b"AT\r", wait_s: float = 1.0) -> bytes:
        """Write; return what is heard within a second."""
        await self.stream.write(data)
        return await self.hear(wait_s)

    async def hear(self, wait_s: float = 1.0) -> bytes:
        heard = b""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    data = await self.stream.read(4096)
                    if not data:
                        return heard
                    heard += data
        except TimeoutError:
            return heard


@asynccontextmanager
async def host(bearer: str = "tiantong") -> AsyncGenerator[Host]:
    async with living(PAIR) as scene:
        device, port = scene.world.units["VEH"].plugged[bearer]
        assert isinstance(port, MemoryPort)
        program = Host(scene, port, port.open(device.baud_bps))
        await program.hear(5.0)
        yield program


async def test_an_unplugged_port_is_gone() -> None:
    """Reading ends, writing raises, opening finds nothing; plugged in again the port opens and answers."""
    async with host() as program:
        program.scene.fault(Kind.UNPLUG, TIANTONG, for_s=30.0)
        assert await program.stream.read(100) == b""
        with pytest.raises(StreamLostError):
            await program.stream.write(b"AT\r")
        with pytest.raises(PortUnavailableError):
            program.port.open(115_200)
        await asyncio.sleep(31.0)
        program.stream = program.port.open(115_200)
        assert b"OK" in await program.say()


async def test_a_hung_device_takes_octets_and_answers_nothing() -> None:
    """Writing goes on, no answer comes; afterwards it answers."""
    async with host() as program:
        program.scene.fault(Kind.HANG, TIANTONG, for_s=30.0)
        assert b"OK" not in await program.say()
        await asyncio.sleep(31.0)
        assert b"OK" in await program.say()


async def test_a_stuck_port_blocks_whoever_writes() -> None:
    """A write does not return while the port is stuck, and does when it is not."""
    async with host() as program:
        program.scene.fault(Kind.STUCK, TIANTONG, for_s=30.0)
        writing = program.scene.world.tasks.create_task(program.stream.write(b"AT\r"))
        await asyncio.sleep(20.0)
        before = writing.done()
        await asyncio.sleep(15.0)
        assert (before, writing.done()) == (False, True)
        assert b"OK" in await program.hear()


async def test_a_slow_line_takes_longer() -> None:
    """Octets take as many times as long as the value says."""
    async with host() as program:

        async def took_s() -> float:
            begun_s = program.scene.world.now_s()
            await program.stream.write(b"A" * 576 + b"\r")
            await program.stream.read(576)
            return program.scene.world.now_s() - begun_s

        usual_s = await took_s()
        await program.hear()
        program.scene.fault(Kind.SLOW, TIANTONG, value=20.0)
        assert await took_s() > 5 * usual_s
        await program.hear(30.0)
        program.scene.breaker.heal()
        await program.hear(30.0)
        assert await took_s() == pytest.approx(usual_s, rel=0.2)


async def test_a_line_with_garbage_brings_so_many_octets() -> None:
    """Random octets arrive at the rate given, until healed."""
    async with host() as program:
        program.scene.fault(Kind.GARBAGE, TIANTONG, value=100.0)
        assert len(await program.hear(10.0)) == pytest.approx(1000, abs=60)
        program.scene.breaker.heal()
        await program.hear(1.0)
        assert len(await program.hear(10.0)) == 0


async def test_a_wrong_baud_rate_makes_garbage_of_both_ways() -> None:
    """Nothing that makes sense is heard either way; with the right rate again everything is."""
    async with host() as program:
        device = program.port.device
        assert isinstance(device, TiantongModem)
        before = list(device.commands)
        program.scene.fault(Kind.WRONG_BAUD, TIANTONG, for_s=10.0)
        assert b"OK" not in await program.say()
        assert "AT" not in device.commands[len(before) :]
        await asyncio.sleep(10.0)
        await program.say(b"\r")
        assert b"OK" in await program.say()


@pytest.mark.parametrize("bearer", ["tiantong", "beidou", "pdt"])
async def test_a_device_restarts_with_its_boot_text(bearer: str) -> None:
    """Something that is no answer comes on the line, and after its boot the device works."""
    async with host(bearer) as program:
        program.scene.fault(Kind.DEVICE_REBOOT, f"VEH/{bearer}")
        assert await program.hear(20.0)
        assert not list(program.scene.breaker.since())
        if bearer == "tiantong":
            assert b"OK" in await program.say()


async def test_a_device_in_error_refuses_everything() -> None:
    """The modem answers each command with ERROR; radio and terminal refuse to transmit; then they obey."""
    async with living(PAIR) as scene:
        units = scene.world.units["VEH"].plugged
        radio, terminal = units["pdt"][0], units["beidou"][0]
        assert isinstance(radio, PdtRadio)
        assert isinstance(terminal, BeidouTerminal)
        for bearer in units:
            scene.fault(Kind.ERROR, f"VEH/{bearer}")
        broken = (radio.faults.result is None, terminal.inhibit == 0)
        scene.breaker.heal()
        assert broken == (False, False)
        assert (radio.faults.result is None, terminal.inhibit == 0) == (True, True)
    async with host() as program:
        program.scene.fault(Kind.ERROR, TIANTONG, for_s=10.0)
        assert b"ERROR" in await program.say()
        await asyncio.sleep(10.0)
        assert b"OK" in await program.say()


async def test_two_faults_of_one_device_end_each_by_itself() -> None:
    """A device that hangs twice answers when the second has ended."""
    async with host() as program:
        program.scene.fault(Kind.HANG, TIANTONG, for_s=10.0)
        program.scene.fault(Kind.HANG, TIANTONG, for_s=30.0)
        await asyncio.sleep(15.0)
        assert b"OK" not in await program.say()
        await asyncio.sleep(20.0)
        assert b"OK" in await program.say()
