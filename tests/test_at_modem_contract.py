"""The AT terminal driver keeps the contract of every driver, in memory and on a pseudo-terminal."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from drivers.at_modem import DRIVER
from drivers.at_modem.config import AtModemConfig
from drivers.base import Handle, Precedence, Service, Transmission
from sim.devices.sms_wire import write_bodies
from tests.at_modem_scene import HQ, PHONE, VEHICLE, Scene
from tests.contract import ContractCase, DriverContract, InMemoryContract, Place, SerialCase


def _one(service: Service, to: str, *, payload: bytes = b"", text: str = "") -> Transmission:
    return Transmission(
        handle=Handle(1), service=service, destination=to, precedence=Precedence.ROUTINE,
        payload=payload, text=text,
    )  # fmt: skip


def _case(place: Place, folder: Path) -> SerialCase:
    scene = Scene()
    scene.sky.delay_s, scene.sky.jitter_s = 0.05, 0.0
    numbers = itertools.count(1)

    def peer_sends() -> None:
        (body,) = write_bodies(f"到 {next(numbers)}", 0)
        scene.centre.inject(PHONE, HQ, body)

    return SerialCase(
        place,
        folder,
        driver=DRIVER,
        device=scene.hq,
        config=lambda path: AtModemConfig(device=path, text_max_parts=2),
        transmissions=(
            _one(Service.DATA, VEHICLE, payload=b"sealed"),
            _one(Service.TEXT, PHONE, text="收到请回"),
        ),
        peer_sends=peer_sends,
    )


class TestContractInMemory(InMemoryContract):
    def make_case(self, folder: Path) -> ContractCase:
        return _case(Place.MEMORY, folder)


@pytest.mark.real
class TestContractOnPty(DriverContract):
    def make_case(self, folder: Path) -> ContractCase:
        return _case(Place.PTY, folder)
