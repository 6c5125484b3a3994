"""What a test of a driver or a gateway is given: one seed's randomness, clock, ports, PDT net and folder."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from drivers.base import Clock, Connector, DriverEnv
from protocols.errors import FieldgateError
from sim.clock import SimClock
from sim.device import SerialDevice, SerialPort
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import PdtNet
from sim.devices.pdt_radio import PdtRadio
from sim.env import SimParts, sim_env
from sim.loop import VirtualLoop
from sim.network import SimNetwork
from sim.people import ROLL_CALL_ONLY, Habit, Person
from sim.ports import SimConnector
from sim.pty import PtyPort
from sim.rng import Streams

if TYPE_CHECKING:
    from sim.channel import Channel
    from sim.scenario.draw import Drawn
    from sim.scenario.model import Scenario

HOST: Final = "10.0.0.1"
"""The address of the one box of a test on its simulated network."""


class RealTimeError(FieldgateError):
    """Something that needs virtual time was asked for in real time."""


class VirtualClock(SimClock):
    """A clock of virtual time: `await sleep(3600)` takes no time, `step` sets the date wrong.

    In real time it raises RealTimeError instead of letting a test wait.
    """

    @override
    def monotonic_s(self) -> float:
        if not in_virtual_time():
            raise RealTimeError(
                "virtual_clock in real time: use @sim_test, or set fieldgate_virtual_time = true",
                "virtual_clock 不能用于实时测试：请用 @sim_test，或设置 fieldgate_virtual_time = true",
            )
        return super().monotonic_s()

    @override
    async def sleep(self, delay_s: float) -> None:
        self.monotonic_s()
        await super().sleep(delay_s)


@dataclass(frozen=True, slots=True)
class Plug:
    """A device that is plugged in: what a driver's `device` key must say, and the port to pull and spoil."""

    path: str
    port: SerialPort


class SimSerial:
    """Serial ports: in memory and paced by their baud rate in virtual time, PTYs in real time.

    `env` gives the world of a driver that opens them; `parts` keeps its log, trace, probes and memory.
    """

    def __init__(self, streams: Streams, folder: Callable[[], Path], clock: Clock) -> None:
        self.streams = streams
        self.network = SimNetwork(streams)
        self.parts = SimParts()
        self._memory = SimConnector(network=self.network, host=HOST)
        self._folder = folder
        self._clock = clock
        self._ptys: list[PtyPort] = []

    @property
    def connector(self) -> Connector:
        """What a driver opens ports with."""
        if in_virtual_time():
            return self._memory
        from drivers.io.connector import SystemConnector  # noqa: PLC0415 - virtual time does without

        return SystemConnector()

    def plug(self, device: SerialDevice, name: str = "radio", *, chunks: random.Random | None = None) -> Plug:
        """Plug a device in; call it in the running test. `chunks` cuts what arrives (virtual time only)."""
        if in_virtual_time():
            path = f"/dev/{name}"
            return Plug(path, self._memory.add_serial(path, device, chunks=chunks))
        port = PtyPort(device, self._folder() / name)
        self._ptys.append(port)
        return Plug(str(port.path), port)

    def env(self, link: str = "radio", *, parts: SimParts | None = None) -> DriverEnv:
        """Return the world of the driver of `link`; its randomness is the stream `link/driver`."""
        env = sim_env(link, connector=self.connector, streams=self.streams, parts=parts or self.parts)
        if in_virtual_time():
            return replace(env, clock=self._clock)
        from drivers.io.clock import SystemClock  # noqa: PLC0415 - virtual time does without

        return replace(env, clock=SystemClock())

    def close(self) -> None:
        """Free the PTYs."""
        for port in self._ptys:
            port.unplug()
        self._ptys.clear()


@dataclass(frozen=True, slots=True)
class Mobile:
    """A mobile radio on the net, and where its serial port is."""

    radio: PdtRadio
    path: str
    port: SerialPort


class RadioNet:
    """One PDT net: mobiles on serial ports for drivers, handhelds with people for the other end.

    `channel` is the air: `cut`, `loss`, `delay_s`. Everybody hears everybody; voice goes first.
    """

    def __init__(self, streams: Streams, serial: SimSerial) -> None:
        from sim.channel import Channel  # noqa: PLC0415 - only a net needs it

        self.channel: Channel = Channel("pdt", rng=streams.stream("pdt/channel"))
        self.net = PdtNet(self.channel)
        self.serial = serial
        self._streams = streams

    def mobile(self, radio_id: int, *, groups: frozenset[int] = frozenset()) -> Mobile:
        """Add a mobile and plug it in; its `path` is what the `hytera` driver's `device` must say."""
        rng = self._streams.stream(f"{radio_id}/radio")
        radio = PdtRadio(radio_id, self.net, rng=rng, groups=groups)
        plug = self.serial.plug(radio, f"pdt-{radio_id}")
        return Mobile(radio, plug.path, plug.port)

    def handheld(
        self,
        radio_id: int,
        *,
        home: int,
        name: str = "",
        habit: Habit = ROLL_CALL_ONLY,
        groups: frozenset[int] = frozenset(),
    ) -> Handheld:
        """Add somebody with a handheld whose texts go to the mobile `home`; switched off until `switch_on`.

        `habit` says what the person answers, and when.
        """
        person = Person(habit, rng=self._streams.stream(f"{radio_id}/person"))
        made = Handheld(
            radio_id, self.net, name=name or str(radio_id), home=home, person=person, groups=groups
        )
        made.powered = False
        return made


class Sim:
    """Everything of one seed, fresh: `streams`, `clock`, `serial`, `radio_net` and an empty `folder`."""

    def __init__(self, seed: int, replayed: Drawn | None = None) -> None:
        self.seed = seed
        self.streams = Streams(seed)
        self.clock = VirtualClock()
        self._replayed = replayed
        self._stack = ExitStack()
        self._folder: Path | None = None
        self.serial = SimSerial(self.streams, lambda: self.folder, self.clock)
        self.radio_net = RadioNet(self.streams, self.serial)

    @property
    def folder(self) -> Path:
        """A directory of this seed's own; it goes when the seed is over."""
        if self._folder is None:
            self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="sim-test-")))
        return self._folder

    def draw(self, scenario: Scenario) -> Drawn:
        """Draw this seed's run of a scenario; the one of the replay file where one of that name is given."""
        from sim.scenario.draw import draw  # noqa: PLC0415 - most tests play no scenario

        if self._replayed is not None and self._replayed.scenario.name == scenario.name:
            return self._replayed
        return draw(scenario, self.seed)

    def close(self) -> None:
        """Free everything."""
        self.serial.close()
        self._stack.close()


def in_virtual_time() -> bool:
    """Whether the running loop's time is virtual. Raises RuntimeError where no loop runs."""
    return isinstance(asyncio.get_running_loop(), VirtualLoop)
