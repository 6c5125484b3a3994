"""Stop transmitting holds at once: whatever the ledger says, and for what already waits for its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import (
    Bearer,
    Capabilities,
    DriverEnv,
    Handle,
    LinkDownError,
    LinkEvent,
    LinkState,
    Precedence,
    Service,
    StateChanged,
    Transmission,
)
from gateway.api.backend import Refusal, RefusedError
from gateway.config import LinkConfig
from gateway.ledger import LedgerFaultError
from gateway.links import LinkRunner
from sim.fleet import Box, until
from sim.kit import SimSerial
from tests.core_scene import scene

TAKES_S = 5.0


class SlowLink:
    """Takes a while over every transmission, as a satellite terminal does."""

    name = "slow"
    capabilities = Capabilities(
        bearer=Bearer.LAN, services=frozenset({Service.DATA}), mtu_octets=100, nominal_bps=100
    )

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, transmission: Transmission) -> Handle:
        """Send; it is on the air when this returns."""
        await asyncio.sleep(TAKES_S)
        self.sent.append(transmission.payload)
        return transmission.handle

    async def events(self) -> AsyncGenerator[LinkEvent]:
        """Tell that it is up, then nothing."""
        yield StateChanged(state=LinkState.UP, reason="")
        await asyncio.Event().wait()

    async def probe(self) -> None:
        """Do nothing."""

    async def confirm(self, receipt: int) -> None:
        """Do nothing."""


class SlowDriver:
    """Opens one slow link."""

    config_type = dict

    def __init__(self) -> None:
        self.link = SlowLink()

    @asynccontextmanager
    async def open(self, name: str, config: Any, env: DriverEnv) -> AsyncGenerator[SlowLink]:
        """Yield the link."""
        assert (name, config) == ("slow", {})
        assert env.may_transmit()
        yield self.link


def _data(handle: int, payload: bytes) -> Transmission:
    return Transmission(
        handle=Handle(handle),
        service=Service.DATA,
        precedence=Precedence.SOS,
        destination="",
        payload=payload,
    )


async def test_what_waits_for_its_turn_stays_when_transmitting_is_stopped(sim_serial: SimSerial) -> None:
    """A transmission that waits behind another one does not leave once the operator has stopped the link."""
    driver = SlowDriver()

    async def ignore(_link: LinkRunner, _event: LinkEvent) -> None:
        pass

    config = LinkConfig(name="slow", driver="slow", config={})
    runner = LinkRunner(config, driver, sim_serial.env("slow"), recovery_hold_s=0.0, on_event=ignore)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(runner.run())
        await until(lambda: runner.bearer is not None)
        first = tasks.create_task(runner.send(_data(1, b"first")))
        second = tasks.create_task(_refused(runner, _data(2, b"second")))
        await asyncio.sleep(TAKES_S / 2)
        runner.quiet = True
        await asyncio.wait([first, second])
        running.cancel()

    assert second.result() is True
    assert driver.link.sent == [b"first"]


async def _refused(runner: LinkRunner, transmission: Transmission) -> bool:
    try:
        await runner.send(transmission)
    except LinkDownError:
        return True
    return False


async def test_stop_holds_though_the_ledger_cannot_keep_it(tmp_path: Path) -> None:
    """With a ledger that refuses every write the links stop at once; the operator is told what is missing."""
    async with scene(tmp_path, "pdt") as field:
        await _spoil(field.veh)
        with pytest.raises(RefusedError) as caught:
            await field.veh.quiet("all", on=True)

        assert all(link.quiet for link in field.veh.gateway.core.links.values())
        assert caught.value.reason is Refusal.UNAVAILABLE
        assert "stopped" in caught.value.en
        assert "已停止发射" in caught.value.zh
        assert "quiet_not_stored" in field.veh.log.events()


async def test_resuming_that_cannot_be_kept_is_not_done(tmp_path: Path) -> None:
    """A link stays quiet when the ledger cannot keep that it may transmit again."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.quiet("pdt", on=True)
        await _spoil(field.veh)
        with pytest.raises(RefusedError):
            await field.veh.quiet("pdt", on=False)

        assert field.veh.gateway.core.links["pdt"].quiet


async def _spoil(box: Box) -> None:
    """Let SQLite refuse every write from now on, as a card does that has gone read-only."""
    with pytest.raises(LedgerFaultError):
        await box.gateway.core.ledger.write(lambda tx: tx.execute("PRAGMA query_only = ON"))
