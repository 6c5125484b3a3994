"""The Hytera driver keeps the contract of every driver, in memory and on a pseudo-terminal."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from drivers.base import Handle, Precedence, Service, Transmission
from drivers.hytera import DRIVER
from drivers.hytera.config import HyteraConfig
from sim.devices.pdt_net import Air, Kind
from tests.contract import ContractCase, DriverContract, InMemoryContract, Place, SerialCase
from tests.hytera_scene import HQ, ONE, TWO, VEHICLE, Scene


def _one(service: Service, to: int, *, payload: bytes = b"", text: str = "") -> Transmission:
    return Transmission(
        handle=Handle(1),
        service=service,
        destination=str(to),
        precedence=Precedence.ROUTINE,
        payload=payload,
        text=text,
    )


def _case(place: Place, folder: Path) -> SerialCase:
    radio = Scene().hq
    numbers = itertools.count(1)

    def peer_sends() -> None:
        body = "到".encode("utf-16-le")
        radio.hear(Air(kind=Kind.TEXT, source=ONE, destination=HQ, request_id=next(numbers), body=body))

    return SerialCase(
        place,
        folder,
        driver=DRIVER,
        device=radio,
        config=lambda path: HyteraConfig(device=path),
        transmissions=(
            _one(Service.DATA, VEHICLE, payload=b"sealed"),
            _one(Service.TEXT, ONE, text="收到请回"),
            _one(Service.STATUS, TWO),
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
