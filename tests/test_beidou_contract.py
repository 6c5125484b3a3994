"""The Beidou driver keeps the contract of every driver, in memory and on a pseudo-terminal."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from drivers.base import Handle, Precedence, Service, Transmission
from drivers.beidou import DRIVER
from drivers.beidou.config import BeidouConfig
from sim.channel import Channel
from sim.devices.beidou import BeidouTerminal
from sim.devices.beidou_handset import BeidouHandset
from sim.devices.rdss import RdssMessage, RdssSpace
from sim.rng import Streams
from tests.contract import ContractCase, DriverContract, InMemoryContract, Place, SerialCase

OURS, PEER = 166001, 166002


def _one(service: Service, *, payload: bytes = b"", text: str = "") -> Transmission:
    return Transmission(
        handle=Handle(1),
        service=service,
        destination=str(PEER),
        precedence=Precedence.ROUTINE,
        payload=payload,
        text=text,
    )


def _case(place: Place, folder: Path) -> SerialCase:
    rng = Streams("contract").stream
    space = RdssSpace(Channel("rdss", rng=rng("channel"), delay_s=0.1), rng=rng("space"))
    terminal = BeidouTerminal(OURS, space, rng=rng("terminal"), period_s=1)
    terminal.feedback_s = 0.05
    BeidouHandset(PEER, space, rng=rng("handset"))
    numbers = itertools.count(1)

    def peer_sends() -> None:
        words = f"到 {next(numbers)}".encode("gbk")
        terminal.deliver(RdssMessage(PEER, OURS, express=False, mode=0, content=words, sent="0430"), 1)

    return SerialCase(
        place,
        folder,
        driver=DRIVER,
        device=terminal,
        config=lambda path: BeidouConfig(device=path, margin_s=0.2, bsi_period_s=1.0),
        transmissions=(_one(Service.DATA, payload=b"sealed"), _one(Service.TEXT, text="收到请回")),
        peer_sends=peer_sends,
    )


class TestContractInMemory(InMemoryContract):
    def make_case(self, folder: Path) -> ContractCase:
        return _case(Place.MEMORY, folder)


@pytest.mark.real
class TestContractOnPty(DriverContract):
    def make_case(self, folder: Path) -> ContractCase:
        return _case(Place.PTY, folder)
