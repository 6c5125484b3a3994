"""Opens a Beidou terminal's port, keeps it initialised, and reads it.

Order of initialisation: CCICA until BDICI tells card, level and period, then CCRMO for periodic BDBSI. A
terminal silent for three beam reports was restarted (it has forgotten CCRMO) or is dead: asked again, three
times. None of these commands goes on the air.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from drivers.base import ByteStream, DriverEnv, Link, PortUnavailableError, StreamLostError
from drivers.beidou.config import PROBE_BAUDS, BeidouConfig
from drivers.beidou.link import BeidouLink
from drivers.io.backoff import Backoff

ANSWER_S = 2.0
"""How long a terminal may take to tell its card."""

TRIES = 3
"""Asked so often before the terminal counts as dead."""

DEAD_RETRY_S = 5.0
"""How often a dead terminal is asked."""

CARD_CHECK_S = 30.0
"""How often a living terminal is asked for its card: a card pulled out shows in nothing else, nor does a
line that carries its reports to us and nothing of ours to it."""

SILENT_REPORTS = 3
"""Beam reports missed before the terminal is asked."""

REOPEN_FIRST_S = 0.5
REOPEN_MAX_S = 8.0
"""Back-off for a missing port: doubles from the first to the longest; a replugged cable is soon seen."""

READ_OCTETS = 4096
"""Octets taken from the port at once: the buffer of a Linux serial line."""

SHORT_OCTETS = 7
"""What a read brings where the simulator is nasty: less than any sentence."""


class BeidouDriver:
    """The driver `beidou`."""

    config_type = BeidouConfig

    @asynccontextmanager
    async def open(self, name: str, config: BeidouConfig, env: DriverEnv) -> AsyncGenerator[Link]:
        """Own the terminal until the context is left."""
        link = BeidouLink(name, config, env, await env.memory.load())
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(_Keeper(link, config, env).run(), name=f"{name}.keeper")
            try:
                yield link
            finally:
                keeper.cancel()
                link.outbox.close()


class _Keeper:
    """Keeps port and terminal going."""

    def __init__(self, link: BeidouLink, config: BeidouConfig, env: DriverEnv) -> None:
        self._link = link
        self._config = config
        self._env = env
        self._bauds = PROBE_BAUDS if config.baud_bps == 0 else (config.baud_bps,)
        self._rate = 0
        self._changing_rate = False

    async def run(self) -> None:
        """Open, serve, and open again after loss, until cancelled."""
        backoff = Backoff(self._env.random, first_s=REOPEN_FIRST_S, max_s=REOPEN_MAX_S)
        while True:
            baud_bps = self._bauds[self._rate % len(self._bauds)]
            try:
                stream = await self._env.connector.open_serial(self._config.device, baud_bps=baud_bps)
            except PortUnavailableError as error:
                self._link.port_lost(f"{error.reason} / {error.zh.removeprefix(f'{error.device}：')}")
                await self._env.clock.sleep(backoff.next_s())
                continue
            backoff.reset()
            try:
                await self._serve(stream)
            finally:
                self._link.port_closed()
                await stream.aclose()
            if not self._changing_rate:
                self._link.port_lost("port lost / 端口消失")

    async def _serve(self, stream: ByteStream) -> None:
        """Return when the port is gone, or closed to try another rate."""
        self._link.port_opened(stream, again=self._changing_rate)
        self._changing_rate = False
        async with asyncio.TaskGroup() as tasks:
            asker = tasks.create_task(self._keep_alive(stream), name=f"{self._link.name}.asker")
            while True:
                short = self._env.hooks.buggify("beidou.short_read")
                data = await stream.read(SHORT_OCTETS if short else READ_OCTETS)
                if not data:
                    break
                await self._link.feed(data)
            asker.cancel()

    async def _keep_alive(self, stream: ByteStream) -> None:
        try:
            while True:
                while not await self._ask():
                    self._link.terminal_dead()
                    if len(self._bauds) > 1:
                        self._rate += 1
                        self._changing_rate = True
                        await stream.aclose()
                        return
                    await self._env.clock.sleep(DEAD_RETRY_S)
                try:
                    async with asyncio.timeout(ANSWER_S):
                        await self._link.start_reports()
                    await self._watch()
                except TimeoutError:  # the port takes nothing
                    self._link.terminal_silent()
        except StreamLostError:
            return  # the reader sees the end of the stream and tells

    async def _ask(self) -> bool:
        """Return whether the terminal tells its card within TRIES."""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._link.ask_card()
                    await self._link.card_told.wait()
            except TimeoutError:
                self._link.terminal_silent()
            else:
                return True
        return False

    async def _watch(self) -> None:
        """Return when the terminal has been silent for SILENT_REPORTS."""
        clock, period_s = self._env.clock, self._config.bsi_period_s
        check_s = clock.monotonic_s() + CARD_CHECK_S
        while clock.monotonic_s() - self._link.heard_s <= SILENT_REPORTS * period_s:
            await clock.sleep(period_s / 2)
            self._link.publish()
            if clock.monotonic_s() >= check_s:
                answered = await self._ask()
                if not answered:
                    self._link.terminal_deaf()
                check_s = clock.monotonic_s() + (CARD_CHECK_S if answered else DEAD_RETRY_S)


DRIVER = BeidouDriver()
