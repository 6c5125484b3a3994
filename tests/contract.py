"""What every driver must keep, as tests that a driver's own test file inherits.

    def _case(place: Place, folder: Path) -> SerialCase:
        device = PdtRadio(...)                                  # the simulated device, any SerialDevice
        return SerialCase(
            place, folder, driver=DRIVER, device=device,
            config=lambda path: HyteraConfig(device=path),      # the driver's typed configuration
            transmissions=(DATA, TEXT, STATUS),                 # one valid Transmission per service
            peer_sends=lambda: device.hears("到"),              # makes one Received event come
        )

    class TestContractInMemory(InMemoryContract):
        def make_case(self, folder: Path) -> ContractCase:
            return _case(Place.MEMORY, folder)

    @pytest.mark.real
    class TestContractOnPty(DriverContract):
        def make_case(self, folder: Path) -> ContractCase:
            return _case(Place.PTY, folder)

`make_case` is called on the running loop, once per test. A link that is no serial port overrides
ContractCase's methods instead, see DatagramCase. Handles are given by the kit; those of `transmissions`
do not matter.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from drivers.base import Capabilities, LinkRefusedError, LinkState, Received, Service, Transmission
from sim.rng import Streams
from tests.contract_case import (
    LINK,
    ContractCase,
    DatagramCase,
    Opened,
    Place,
    SerialCase,
    numbers_in,
    opened,
    send_or_down,
    up,
)

__all__ = [
    "ContractCase",
    "DatagramCase",
    "DriverContract",
    "InMemoryContract",
    "Opened",
    "Place",
    "SerialCase",
    "opened",
    "up",
]

GARBAGE_OCTETS: Final = 3_000
"""Junk in one go: more than any frame of any device, so that a decoder must give up on it."""

RESYNC_TRIES: Final = 3
"""How often the far end may have to speak before a decoder that saw garbage follows again."""

RESYNC_S: Final = 6.0
"""How long one such word may take: the junk before it needs 4 s at 9 600 bit/s."""

RECEIPT_NOBODY_GAVE: Final = 2**40 + 7

FLOOD_EVENTS: Final = 3_000
"""What the device sends while nobody reads the link's events."""

EVENTS_HELD_MAX: Final = 2_048
"""The longest queue of events a driver may hold for a gateway that does not read."""


class DriverContract(ABC):
    """The promises of drivers/base.py, tried on one driver; inherit and give `make_case`."""

    @abstractmethod
    def make_case(self, folder: Path) -> ContractCase:
        """Build the case, plugged in; `folder` is empty and the test's own."""

    @pytest.fixture
    async def case(self, tmp_path: Path) -> AsyncGenerator[ContractCase]:
        """The case of one test."""
        made = self.make_case(tmp_path)
        yield made
        await made.aclose()

    async def test_a_missing_port_is_a_state_until_it_appears(self, case: ContractCase) -> None:
        """Absent, with a reason people can read; up once the port is there; the context stays open."""
        await case.unplug()
        async with opened(case) as seen:
            absent = await seen.state(LinkState.ABSENT)
            assert absent.reason
            await case.replug()
            await seen.state(LinkState.UP)

    async def test_a_port_in_use_is_a_state(self, case: ContractCase) -> None:
        """A second opener of the same port gets ABSENT and the reason, the first goes on undisturbed."""
        async with up(case) as first:
            async with opened(case) as second:
                assert "in use" in (await second.state(LinkState.ABSENT)).reason
            await first.send(case.transmissions[0])

    async def test_capabilities_are_sane(self, case: ContractCase) -> None:
        """Limits are given for the services there are, and for no other."""
        async with up(case) as seen:
            can = seen.link.capabilities
            assert seen.link.name == LINK
            assert can.services
            assert (can.mtu_octets > 0) is (Service.DATA in can.services)
            assert (can.text_max_octets > 0) is (Service.TEXT in can.services)
            assert can.nominal_bps > 0
            assert can.latency_s > 0
            assert can.min_interval_s >= 0

    async def test_every_service_is_sent_and_answered(self, case: ContractCase) -> None:
        """Each service's transmission is taken, traced, and followed by an event with its handle."""
        async with up(case) as seen:
            assert {t.service for t in case.transmissions} == seen.link.capabilities.services
            for transmission in case.transmissions:
                before = seen.octets_sent()
                await seen.answered(await seen.send(transmission))
                assert seen.octets_sent() > before

    async def test_what_the_peer_sends_is_received(self, case: ContractCase) -> None:
        """It arrives with its source, and can be confirmed once or twice."""
        async with up(case) as seen:
            await case.peer_sends()
            received = await seen.until(Received)
            assert received.source
            assert received.payload or received.text
            await seen.link.confirm(received.receipt)
            await seen.link.confirm(received.receipt)

    async def test_an_unknown_receipt_is_ignored(self, case: ContractCase) -> None:
        """Confirming what nobody received changes nothing."""
        async with up(case) as seen:
            await seen.link.confirm(RECEIPT_NOBODY_GAVE)
            await seen.link.confirm(0)
            await seen.send(case.transmissions[0])

    async def test_a_probe_is_harmless(self, case: ContractCase) -> None:
        """Asking whether the far end is there neither raises nor disturbs what is sent next."""
        async with up(case) as seen:
            await seen.link.probe()
            await seen.send(case.transmissions[0])

    async def test_sending_while_the_port_is_gone_says_down(self, case: ContractCase) -> None:
        """LinkDownError names the link and a reason."""
        async with up(case) as seen:
            mark = len(seen.events)
            await case.unplug()
            await seen.state(LinkState.ABSENT, since=mark)
            for transmission in case.transmissions:
                error = await send_or_down(seen.link, seen.numbered(transmission))
                assert error is not None
                assert error.link == LINK
                assert error.reason

    async def test_oversize_is_refused_before_anything_is_written(self, case: ContractCase) -> None:
        """One octet too long names octets and limit, in both languages, and writes nothing."""
        async with up(case) as seen:
            can = seen.link.capabilities
            for transmission in case.transmissions:
                if transmission.service is Service.STATUS:
                    continue
                long, size, limit = _too_long(transmission, can)
                before = seen.octets_sent()
                with pytest.raises(LinkRefusedError) as caught:
                    await seen.link.send(seen.numbered(long))
                assert seen.octets_sent() == before
                for text in (caught.value.en, caught.value.zh):
                    assert limit in numbers_in(text)
                    assert size in numbers_in(text)

    async def test_a_service_the_link_lacks_is_refused(self, case: ContractCase) -> None:
        """It can never go over this link, so it is refused, not busy."""
        async with up(case) as seen:
            for service in set(Service) - seen.link.capabilities.services:
                alien = replace(case.transmissions[0], service=service, payload=b"x", text="x")
                with pytest.raises(LinkRefusedError):
                    await seen.link.send(seen.numbered(alien))

    async def test_a_cancelled_send_leaves_the_link_usable(self, case: ContractCase) -> None:
        """Cancelled half-way: the outcome is told if anything was written, and the next one goes."""
        async with up(case) as seen:
            before = seen.octets_sent()
            cancelled = seen.numbered(case.transmissions[0])
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(send_or_down(seen.link, cancelled))
                for _ in range(3):
                    await asyncio.sleep(0)
                was_written = seen.octets_sent() > before
                sending.cancel()
            if was_written:
                await seen.answered(cancelled)
            await seen.send(case.transmissions[0])

    async def test_unplugging_while_sending_is_survived(self, case: ContractCase) -> None:
        """The sender learns it, by LinkDownError or by progress; the link recovers when the port is back."""
        async with up(case) as seen:
            mark = len(seen.events)
            torn = seen.numbered(case.transmissions[0])
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(send_or_down(seen.link, torn))
                for _ in range(3):
                    await asyncio.sleep(0)
                await case.unplug()
            await seen.state(LinkState.ABSENT, since=mark)
            if sending.result() is None:
                await seen.answered(torn)
            mark = len(seen.events)
            await case.replug()
            await seen.state(LinkState.UP, since=mark)
            await seen.send(case.transmissions[0])

    async def test_garbage_does_not_kill_the_link(self, case: ContractCase) -> None:
        """Whatever octets come, the link still sends and still hears the far end."""
        rng = Streams(LINK).stream("garbage")
        async with up(case) as seen:
            for junk in (bytes(200), b"\xff" * 200, b"\r\n" * 100, rng.randbytes(GARBAGE_OCTETS)):
                await case.inject(junk)
            await seen.send(case.transmissions[0])
            assert await _heard_again(case, seen)

    async def test_leaving_frees_port_and_tasks(self, case: ContractCase) -> None:
        """After the context no task is left, the events have ended, and the port can be opened again."""
        before = asyncio.all_tasks()
        async with up(case) as seen:
            await seen.send(case.transmissions[0])
        assert asyncio.all_tasks() == before
        async with up(case):
            pass

    async def test_leaving_by_an_error_frees_too(self, case: ContractCase) -> None:
        """The error comes out, alone or in a group, and the port is free."""
        before = asyncio.all_tasks()
        with pytest.raises((ZeroDivisionError, ExceptionGroup)):
            async with up(case):
                raise ZeroDivisionError
        assert asyncio.all_tasks() == before
        async with up(case):
            pass

    async def test_leaving_while_the_port_is_missing_frees_too(self, case: ContractCase) -> None:
        """A driver in its back-off lets go at once."""
        await case.unplug()
        before = asyncio.all_tasks()
        async with opened(case) as seen:
            await seen.state(LinkState.ABSENT)
        assert asyncio.all_tasks() == before


class InMemoryContract(DriverContract):
    """The whole contract, in virtual time: what would take too long on a real port is tried here too."""

    async def test_events_nobody_reads_are_bounded(self, case: ContractCase) -> None:
        """A device that talks to a gateway that does not read costs a bounded queue, no more."""
        async with opened(case, reading=False) as seen:
            for _ in range(FLOOD_EVENTS):
                await case.peer_sends()
                await asyncio.sleep(0.1)
            seen.start_reading()
            await asyncio.sleep(0.001)
            assert 0 < len(seen.events) <= EVENTS_HELD_MAX
            await seen.send(case.transmissions[0])

    async def test_a_port_that_comes_and_goes_is_followed(self, case: ContractCase) -> None:
        """Twenty times gone for a minute and back for a minute: up each time."""
        async with up(case) as seen:
            for _ in range(20):
                mark = len(seen.events)
                await case.unplug()
                await asyncio.sleep(60)
                await case.replug()
                await seen.state(LinkState.UP, since=mark)


def _too_long(transmission: Transmission, can: Capabilities) -> tuple[Transmission, int, int]:
    """Return the transmission made one unit too long, its octets, and the limit."""
    if transmission.service is Service.DATA:
        size = can.mtu_octets + 1
        return replace(transmission, payload=bytes(size)), size, can.mtu_octets
    characters = can.text_max_octets // 2 + 1  # every encoding of TextEncoding takes two octets for this one
    return replace(transmission, text="汉" * characters), 2 * characters, can.text_max_octets


async def _heard_again(case: ContractCase, seen: Opened) -> bool:
    for _ in range(RESYNC_TRIES):
        mark = len(seen.events)
        await case.peer_sends()
        try:
            async with asyncio.timeout(RESYNC_S):
                await seen.until(Received, since=mark)
        except TimeoutError:
            continue
        return True
    return False
