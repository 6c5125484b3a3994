"""The aiohttp application and its server; everything it stands on is handed in."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

from drivers.base import Clock, Log
from gateway.api import errors, page_files
from gateway.api.auth import Gatekeeper
from gateway.api.backend import Backend
from gateway.api.events import Events
from gateway.api.routes import Routes
from gateway.api.settings import ApiConfig, Tokens
from protocols.errors import FieldgateError

SHUTDOWN_S = 1.0
"""Wait for answers under way at the end; the daemon stops within two seconds."""

KEEPALIVE_S = 75.0
"""Idle connections are kept a little longer than a long poll lasts."""


class BindError(FieldgateError):
    """The API's address cannot be taken."""


def build(backend: Backend, tokens: Tokens, config: ApiConfig, clock: Clock, log: Log) -> web.Application:
    """Return the application: API under `/api/v1`, the page at `/` if the configuration wants it."""
    app = web.Application(
        middlewares=[errors.middleware(log, config.body_limit_octets)],
        client_max_size=config.body_limit_octets,
    )
    gatekeeper = Gatekeeper(tokens, clock, log)
    Routes(backend, gatekeeper, clock).add_to(app)
    Events(backend, gatekeeper, log, config.ws_clients_max).add_to(app)
    if config.page:
        page_files.add_to(app)
    return app


@asynccontextmanager
async def running(app: web.Application) -> AsyncGenerator[web.AppRunner]:
    """Start the application without any socket; `runner.server()` makes one protocol per connection."""
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,  # paths and queries are nobody's business; acts are in the audit record
        shutdown_timeout=SHUTDOWN_S,
        keepalive_timeout=KEEPALIVE_S,
    )
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve(app: web.Application, config: ApiConfig) -> AsyncGenerator[str]:
    """Listen on `config.bind` until the context is left; yields the URL. Raises BindError."""
    host, port = config.address()
    async with running(app) as runner:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise BindError(
                f"api.bind: cannot listen on {config.bind} ({error.strerror})",
                f"api.bind：无法监听 {config.bind}（{error.strerror}）",
            ) from error
        bound = runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        yield f"http://{shown}:{bound[1]}"
