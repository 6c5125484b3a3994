"""The devices of one vehicle on PTYs, in a process of their own that ends with its standard input.

It says `ready`, takes lines `unplug NAME`, `mute NAME` (the device neither hears nor speaks) and `mend NAME`,
and says `done`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sim.channel import Channel
from sim.device import SerialDevice
from sim.devices.beidou import BeidouTerminal
from sim.devices.pdt_net import PdtNet
from sim.devices.pdt_radio import PdtRadio
from sim.devices.rdss import RdssSpace
from sim.devices.sms_centre import SmsCentre
from sim.devices.tiantong import TiantongModem
from sim.pty import PtyPort
from sim.relay import udp_relay
from sim.rng import Streams

RADIO_ID, CARD, NUMBER = 80, 142_020, "17400000002"
PERIOD_S = 10.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class IpPath:
    """UDP ports on loopback: each gateway's own, and what it finds in the place of the other."""

    vehicle: int
    headquarters: int
    seen_by_vehicle: int
    seen_by_headquarters: int
    delay_s: float


async def serve(folder: Path, ip: IpPath) -> None:
    """Keep a PDT mobile, a Tiantong module and a Beidou terminal in the folder, and the IP path."""
    streams = Streams(1)

    def channel(name: str, delay_s: float = 0.3) -> Channel:
        return Channel(name, rng=streams.stream(name), delay_s=delay_s)

    radio = PdtRadio(RADIO_ID, PdtNet(channel("pdt")), rng=streams.stream("radio"))
    modem = TiantongModem(NUMBER, SmsCentre(), channel("tiantong"), rng=streams.stream("modem"))
    space = RdssSpace(channel("beidou"), rng=streams.stream("space"))
    terminal = BeidouTerminal(CARD, space, rng=streams.stream("card"), period_s=PERIOD_S)
    devices: dict[str, SerialDevice] = {"pdt": radio, "tiantong": modem, "beidou": terminal}
    path = udp_relay(
        listen_a=(LOOPBACK, ip.seen_by_vehicle),
        target_a=(LOOPBACK, ip.vehicle),
        listen_b=(LOOPBACK, ip.seen_by_headquarters),
        target_b=(LOOPBACK, ip.headquarters),
        channel=channel("ip", ip.delay_s),
    )
    async with path:
        with ExitStack() as stack:
            ports = {n: stack.enter_context(PtyPort(one, folder / n)) for n, one in devices.items()}
            print("ready", flush=True)
            loop = asyncio.get_running_loop()
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                _act(ports, *line.split())
                print("done", flush=True)


def _act(ports: Mapping[str, PtyPort], act: str, name: str) -> None:
    port = ports[name]
    port.stuck = act == "mute"
    if act == "unplug":
        port.unplug()
    else:
        port.replug()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), IpPath(**json.loads(sys.argv[2]))))
