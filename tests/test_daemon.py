"""The real daemon as a process: start, stop, watchdog, lock, absent ports, damage, traces, sudden death."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest

from tests.daemon import free_port, running, write_box

pytestmark = pytest.mark.real

ABSENT = '[[link]]\nname = "pdt"\ndriver = "hytera"\ndevice = "absent-port"\n'


def _udp(bind: int, peer: int) -> str:
    return (
        f'[[link]]\nname = "cell"\ndriver = "udp"\nbind = "127.0.0.1:{bind}"\npeers = ["127.0.0.1:{peer}"]\n'
    )


async def test_ready_watchdog_and_clean_stop(tmp_path: Path) -> None:
    """The service manager hears READY, STATUS and WATCHDOG; SIGTERM ends the daemon within two seconds."""
    async with running(write_box(tmp_path, ABSENT), watchdog_usec=600_000) as daemon:
        await daemon.until_told("READY=1")
        await daemon.until_told("WATCHDOG=1")
        await daemon.until_told("STATUS=HQ")
        daemon.process.send_signal(signal.SIGTERM)

        assert await daemon.ended(within_s=2.0) == 0
        await daemon.until_told("STOPPING=1", within_s=1.0)


async def test_second_daemon_is_refused(tmp_path: Path) -> None:
    """A second daemon on the same data directory ends with words and leaves the first alone."""
    config = write_box(tmp_path, ABSENT)
    async with running(config) as first:
        await first.until_told("READY=1")
        async with running(config) as second:
            assert await second.ended(within_s=10.0) == 1
        words = (tmp_path / "gateway-1.log").read_text(encoding="utf-8")

        assert "已有网关" in words
        assert "another gateway" in words
        assert (await first.call("GET", "/health"))[0] == 200


async def test_absent_port_is_a_state(tmp_path: Path) -> None:
    """A port that is not there at start is shown as a state of its link, and the daemon runs."""
    async with running(write_box(tmp_path, ABSENT)) as daemon:
        await daemon.until_told("READY=1")
        _, answer = await daemon.call("GET", "/links")
        for _ in range(50):
            _, answer = await daemon.call("GET", "/links")
            if answer["links"] and answer["links"][0]["state"] == "absent":
                break
            await asyncio.sleep(0.1)

        assert answer["links"][0]["state"] == "absent"
        assert answer["links"][0]["reason"]


async def test_damaged_ledger_is_set_aside(tmp_path: Path) -> None:
    """A damaged ledger is kept aside, the daemon starts with a new one and says so."""
    config = write_box(tmp_path, ABSENT)
    (tmp_path / "data-1").mkdir()
    (tmp_path / "data-1" / "ledger.db").write_bytes(b"not a ledger" * 500)
    async with running(config) as daemon:
        await daemon.until_told("READY=1")
        _, answer = await daemon.call("GET", "/alarms")

    assert [alarm["kind"] for alarm in answer["alarms"]] == ["ledger_set_aside"]
    assert len(list((tmp_path / "data-1").glob("ledger.db.damaged-*"))) == 1


async def test_trace_holds_every_frame(tmp_path: Path) -> None:
    """`run --trace` writes the frames of a port as pcapng and as JSON lines."""
    port = free_port()
    config = write_box(tmp_path, _udp(port, free_port()))
    async with running(config, "--trace", str(tmp_path / "trace")) as daemon:
        await daemon.until_told("READY=1")
        path = tmp_path / "trace" / "trace.jsonl"
        for _ in range(100):
            if path.read_text(encoding="utf-8"):
                break
            await asyncio.sleep(0.1)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    assert {line["link"] for line in lines} == {"cell"}
    assert {line["dir"] for line in lines} == {"tx"}
    assert (tmp_path / "trace" / "trace.pcapng").read_bytes()[:4] == bytes.fromhex("0a0d0d0a")


async def test_accepted_message_survives_sudden_death(tmp_path: Path) -> None:
    """A message accepted just before SIGKILL is delivered once after the restart."""
    hq_port, vehicle_port = free_port(), free_port()
    ports = (hq_port, vehicle_port)
    hq = write_box(tmp_path, _udp(hq_port, vehicle_port), ports=ports)
    vehicle = write_box(tmp_path, _udp(vehicle_port, hq_port), station=3, ports=ports)
    async with running(hq) as daemon:
        await daemon.until_told("READY=1")
        status, accepted = await daemon.call("POST", "/messages", {"to": ["VEH-3"], "text": "断电前一秒"})
        daemon.process.kill()
        await daemon.process.wait()
    assert status == 201
    async with running(hq) as daemon, running(vehicle) as other:
        await other.until_told("READY=1")
        for _ in range(200):
            _, answer = await other.call("GET", "/messages")
            if answer["messages"]:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)
        _, answer = await other.call("GET", "/messages")

    shown = [(message["id"], message["text"]) for message in answer["messages"]]
    assert shown == [(accepted["id"], "断电前一秒")]


async def test_a_taken_address_is_said_in_words(tmp_path: Path) -> None:
    """When another program holds the API's address the daemon ends with words in both languages, no trace."""
    config = write_box(tmp_path, ABSENT)
    port = int(config.read_text(encoding="utf-8").split('bind = "127.0.0.1:')[1].split('"')[0])
    with socket.create_server(("127.0.0.1", port)):
        async with running(config) as daemon:
            assert await daemon.ended(within_s=10.0) == 1
    words = (tmp_path / "gateway-1.log").read_text(encoding="utf-8")

    assert "无法监听" in words
    assert "cannot listen" in words
    assert "Traceback" not in words
