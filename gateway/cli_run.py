"""`fieldgate run` and `fieldgate check`: the daemon on the real clock, ports and sockets."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

from drivers.io.clock import SystemClock
from drivers.io.connector import SystemConnector
from gateway import logs
from gateway.config import Config, load_config
from gateway.domain import LinkState, TimeQuality
from gateway.keys import load_station_keys
from gateway.ledger.errors import LedgerBrokenError
from gateway.notify import Notifier
from gateway.service import Gateway, NoHooks, World, open_gateway
from gateway.trace import FileTrace, NoTrace
from protocols.air import KeyRing
from protocols.errors import BadInputError, FieldgateError

BUILT_UNIX_MS = 1_764_000_000_000
"""A clock before November 2025 has lost its time: this program is younger."""

SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd touches this file when the clock follows a server."""

STATUS_S = 10.0
"""How often the service manager is told how many links are up."""


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run` and `check` to the command line."""
    run = subparsers.add_parser("run", help="run the gateway 运行网关")
    run.add_argument("--config", required=True, type=Path, metavar="FILE", help="configuration file (TOML)")
    run.add_argument("--trace", type=Path, metavar="DIR", help="record every frame and line there")
    run.set_defaults(run=_run)
    check = subparsers.add_parser("check", help="check a configuration file 检查配置文件")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    try:
        config = load_config(args.file)
        _keys(config)
    except FieldgateError as error:
        print(error.zh, file=sys.stderr)
        print(error.en, file=sys.stderr)
        return 2
    links = ", ".join(f"{link.name} ({link.driver})" for link in config.links) or "-"
    print(f"{args.file}: 正确 ok; {len(config.roster.stations)} stations, links: {links}")
    return 0


def _run(args: argparse.Namespace) -> int:
    try:
        config = load_config(args.config)
        return asyncio.run(_daemon(config, args.trace))
    except (FieldgateError, ExceptionGroup) as caught:
        error = _first_of_ours(caught)
        print(error.zh, file=sys.stderr)
        print(error.en, file=sys.stderr)
        return 2 if isinstance(error, BadInputError) else 1


def _first_of_ours(caught: FieldgateError | ExceptionGroup[Exception]) -> FieldgateError:
    """Return the error to tell people; a group without any of ours is raised again."""
    if isinstance(caught, FieldgateError):
        return caught
    for one in caught.exceptions:
        if isinstance(one, FieldgateError):
            return one
        if isinstance(one, ExceptionGroup) and one.subgroup(FieldgateError) is not None:
            return _first_of_ours(one)
    raise caught


def _keys(config: Config) -> KeyRing:
    keys = load_station_keys(config.keys_path)
    if keys.own != config.gateway.station:
        raise BadInputError(
            f"{config.keys_path}: station",
            limit=f"the key file of station {config.gateway.station}",
            found=keys.own,
            zh="密钥文件属于其他台站",
        )
    return keys


def time_quality() -> TimeQuality:
    """How far this box's clock can be believed."""
    if SYNCHRONIZED.exists():
        return TimeQuality.NTP
    return TimeQuality.SYSTEM if SystemClock().unix_ms() > BUILT_UNIX_MS else TimeQuality.UNKNOWN


async def _daemon(config: Config, trace_dir: Path | None) -> int:
    keys = _keys(config)
    log = logs.configure(config.gateway.log, config.gateway.log_level)
    clock = SystemClock()
    trace = NoTrace() if trace_dir is None else FileTrace(trace_dir, clock)
    world = World(
        clock=clock,
        random=random.SystemRandom(),
        connector=SystemConnector(),
        log=log,
        trace=trace,
        hooks=NoHooks(),
        time_quality=time_quality,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        async with open_gateway(config, keys, world) as gateway:
            return await _serve(gateway, stop)
    finally:
        if isinstance(trace, FileTrace):
            trace.close()


async def _serve(gateway: Gateway, stop: asyncio.Event) -> int:
    """Run gateway and API until told to stop; 0 after a clean stop, 1 when a part ended by itself."""
    from gateway.api import app  # noqa: PLC0415 - aiohttp is the slowest import, after the configuration is right

    notifier = Notifier()
    log = gateway.world.log
    ready = asyncio.Event()
    config = gateway.config
    application = app.build(gateway.backend, config.tokens, config.api, gateway.world.clock, log)
    failed = False
    try:
        async with app.serve(application, config.api) as url, asyncio.TaskGroup() as tasks:
            running = (
                tasks.create_task(gateway.run(ready.set), name="gateway"),
                tasks.create_task(_beat(gateway, notifier, ready, url), name="beat"),
            )
            await stop.wait()
            notifier.send(STOPPING="1")
            log.info("gateway_stopping")
            for task in running:
                task.cancel()
    except* LedgerBrokenError:
        failed = True  # logged where it was found; the service manager starts a new process
    except* FieldgateError:
        raise
    except* Exception as group:
        log.error(  # noqa: TRY400 - the injected log has no `exception`
            "gateway_failed", error=repr(group.exceptions[0]), exc_info=group
        )
        failed = True
    return 1 if failed else 0


async def _beat(gateway: Gateway, notifier: Notifier, ready: asyncio.Event, url: str) -> None:
    await ready.wait()
    gateway.world.log.info("gateway_ready", url=url, station=gateway.core.me.call_sign)
    notifier.send(READY="1", STATUS=f"{gateway.core.me.call_sign} {url}")
    interval_s = min(STATUS_S, notifier.watchdog_interval_s or STATUS_S)
    while True:
        await gateway.world.clock.sleep(interval_s)
        now_s = gateway.core.now_s()
        states = [link.health.view(now_s).state for link in gateway.core.links.values()]
        up = sum(state is LinkState.UP for state in states)
        notifier.send(WATCHDOG="1", STATUS=f"{gateway.core.me.call_sign} {url} {up}/{len(states)} links up")
