"""One configured link at run time: opens its driver, keeps it open, and knows the link's state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.base import (
    Capabilities,
    ChannelBusy,
    Driver,
    DriverEnv,
    Link,
    LinkBusyError,
    LinkDownError,
    LinkEvent,
    LinkRefusedError,
    Quality,
    Service,
    StateChanged,
    Transmission,
)
from gateway.config import LinkConfig
from gateway.domain import Bearer, LinkState
from gateway.health import LinkHealth

REOPEN_FIRST_S = 1.0
"""Wait before a driver that failed is opened again; doubles to REOPEN_MAX_S."""

REOPEN_MAX_S = 60.0
"""Longest wait: a crew that plugs a cable in again looks at the page for about a minute."""

STABLE_S = 60.0
"""A driver that ran this long starts again at REOPEN_FIRST_S."""

_NOTHING = Capabilities(bearer=Bearer.LAN, services=frozenset(), mtu_octets=0, nominal_bps=1)
"""Promises of a link whose driver is not open."""


class DriverFailedError(LinkDownError):
    """The driver broke its contract while it took a transmission; whether the device has it, nobody knows."""


EventSink = Callable[["LinkRunner", LinkEvent], Awaitable[None]]


class LinkRunner:
    """Supervises one link; `on_event` is awaited for every event, in order."""

    def __init__(
        self,
        config: LinkConfig,
        driver: Driver[Any],
        env: DriverEnv,
        *,
        recovery_hold_s: float,
        on_event: EventSink,
    ) -> None:
        self.name = config.name
        self.config = config
        self.health = LinkHealth(recovery_hold_s)
        self._quiet = False
        self._voice = False
        self.quality_pct: int | None = None
        self.detail = ""
        self.sending = False
        """Set by the sending loop while it has given this link something to do."""
        self.not_before_s = 0.0
        self.sent_octets = 0
        self.sent_frames = 0
        self._driver = driver
        self._env = env
        self._on_event = on_event
        self._link: Link | None = None
        self._one_at_a_time = asyncio.Lock()
        self._reading: asyncio.Timeout | None = None
        self._taking_event = False
        self._failed = ""
        """Why the driver is not to be used any more; "" while it is."""

    @property
    def quiet(self) -> bool:
        """Whether an operator stopped transmitting here. Settable."""
        return self._quiet

    @quiet.setter
    def quiet(self, value: bool) -> None:
        self._quiet = value
        self.health.changed()

    @property
    def voice(self) -> bool:
        """Whether people talk on its channel. Settable."""
        return self._voice

    @voice.setter
    def voice(self, value: bool) -> None:
        if value != self._voice:
            self._voice = value
            self.health.changed()

    @property
    def capabilities(self) -> Capabilities:
        """What the link promises now; nothing while its driver is not open."""
        return self._link.capabilities if self._link is not None else _NOTHING

    @property
    def bearer(self) -> Bearer | None:
        """The link's bearer; None while its driver is not open."""
        return self._link.capabilities.bearer if self._link is not None else None

    @property
    def free_of_charge(self) -> bool:
        """Whether sending costs neither money nor a service interval."""
        capabilities = self.capabilities
        money = capabilities.cost.fen_per_frame + capabilities.cost.fen_per_kilooctet
        return money == 0 and capabilities.min_interval_s == 0

    async def run(self) -> None:
        """Keep the driver open until cancelled; a driver that fails is a state of this link, not an end."""
        wait_s = REOPEN_FIRST_S
        while True:
            started_s = self._env.clock.monotonic_s()
            reason = await self._run_once()
            self._failed = ""
            now_s = self._env.clock.monotonic_s()
            gone = StateChanged(state=LinkState.DOWN, reason=reason)
            self._note(gone)
            await self._on_event(self, gone)
            wait_s = REOPEN_FIRST_S if now_s - started_s >= STABLE_S else wait_s
            await self._env.clock.sleep(wait_s * (1 + self._env.random.random() / 4))
            wait_s = min(2 * wait_s, REOPEN_MAX_S)

    async def _run_once(self) -> str:
        try:
            async with self._driver.open(self.name, self.config.config, self._env) as link:
                self._link = link
                try:
                    async with asyncio.timeout(None) as self._reading:
                        await self._read(link)
                finally:
                    self._link = self._reading = None
        except Exception as error:  # noqa: BLE001 - a task's root: what the driver did wrong is a state
            return self._failed or self._log_failure(error)
        return self._failed or "driver ended"

    async def _read(self, link: Link) -> None:
        """Take the driver's events until it ends or is given up; an event begun is taken to its end."""
        async for event in link.events():
            self._taking_event = True
            try:
                self._note(event)
                await self._on_event(self, event)
            finally:
                self._taking_event = False
            if self._failed:
                return

    def _log_failure(self, error: Exception) -> str:
        self._env.log.error("link_driver_failed", link=self.name, error=repr(error), exc_info=error)
        return f"driver failed: {type(error).__name__}"

    def _give_up(self, link: Link, error: Exception) -> DriverFailedError:
        """Use a driver no more that broke its contract: the link is down, and opened again by `run`."""
        reason = self._log_failure(error)
        if link is self._link:  # not one that ended while it was taking this
            self._failed = reason
            self._link = None
            self._note(StateChanged(state=LinkState.DOWN, reason=reason))
            if self._reading is not None and not self._taking_event:
                self._reading.reschedule(0.0)
        return DriverFailedError(self.name, reason)

    def _note(self, event: LinkEvent) -> None:
        now_s = self._env.clock.monotonic_s()
        match event:
            case StateChanged(state=state, reason=reason, until_s=until_s):
                self.health.device_changed(state, reason, until_s, now_s)
                if state is LinkState.UP:
                    self.not_before_s = min(self.not_before_s, now_s)
            case Quality(quality_pct=quality_pct, detail=detail):
                self.quality_pct = quality_pct if quality_pct is not None else self.quality_pct
                self.detail = detail or self.detail
            case ChannelBusy(busy=busy, voice=voice):
                self.voice = busy and voice
                if not busy:
                    self.not_before_s = min(self.not_before_s, now_s)
            case _:
                pass

    async def send(self, transmission: Transmission) -> None:
        """Hand one transmission to the device. Raises the three link errors; nothing is sent while quiet."""
        if self._link is None:
            raise LinkDownError(self.name, "driver not open")
        if self.quiet:
            raise LinkDownError(self.name, "transmitting stopped by an operator")
        if transmission.service not in self.capabilities.services:
            raise LinkRefusedError(self.name, f"no {transmission.service} service")
        async with self._one_at_a_time:
            if (link := self._link) is None:
                raise LinkDownError(self.name, "driver not open")
            if self.quiet:  # again: the wait for the one before may have been long
                raise LinkDownError(self.name, "transmitting stopped by an operator")
            try:
                await link.send(transmission)
            except (LinkDownError, LinkBusyError, LinkRefusedError):
                raise
            except Exception as error:
                # The seam to code that is not ours: one bad driver stops nothing else (promise P8).
                raise self._give_up(link, error) from error
        if transmission.service is not Service.STATUS:
            self.sent_frames += 1
            self.sent_octets += len(transmission.payload) or len(transmission.text.encode())

    async def confirm(self, receipt: int) -> None:
        """Tell the device that what it gave us is on disk."""
        if self._link is not None and receipt:
            await self._link.confirm(receipt)

    async def probe(self) -> None:
        """Ask the far end for a sign of life, at the least cost."""
        if self._link is not None and not self.quiet:
            try:
                await asyncio.wait_for(self._link.probe(), PROBE_MAX_S)
            except TimeoutError:
                self._env.log.warning("link_probe_stuck", link=self.name)


PROBE_MAX_S = 30.0
"""A probe that takes longer is stuck in its driver."""
