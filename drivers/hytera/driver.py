"""The entry point: opens a link and frees everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from drivers.base import DriverEnv, Link
from drivers.hytera.config import HyteraConfig
from drivers.hytera.link import HyteraLink


@asynccontextmanager
async def open_link(name: str, config: HyteraConfig, env: DriverEnv) -> AsyncGenerator[Link]:
    """Keep the radio connected until the context is left, however it is left."""
    link = HyteraLink(name, config, env)
    try:
        async with asyncio.TaskGroup() as tasks:
            runner = tasks.create_task(link.run(), name=f"{name}.runner")
            yield link
            runner.cancel()
    finally:
        link.close()


class HyteraDriver:
    """Driver of 370 MHz PDT/DMR mobiles (Hytera dialect)."""

    config_type = HyteraConfig

    def open(self, name: str, config: HyteraConfig, env: DriverEnv) -> AbstractAsyncContextManager[Link]:
        """See drivers.base.Driver."""
        return open_link(name, config, env)


DRIVER = HyteraDriver()
