"""gammu and smstools take the simulated Tiantong module on a pseudo-terminal for a modem."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sim.devices.sms_wire import write_bodies
from sim.pty import PtyPort
from tests.at_modem_scene import HQ, PHONE, Scene
from tests.waiting import until

pytestmark = [pytest.mark.peers, pytest.mark.real]
LIMIT_S = 100.0


@asynccontextmanager
async def on_pty(folder: Path) -> AsyncGenerator[tuple[Scene, Path]]:
    """Put headquarters' module of a scene on a PTY; leave frees it."""
    scene = Scene()
    scene.sky.delay_s, scene.sky.jitter_s = 0.2, 0.1
    with PtyPort(scene.hq, folder / "tty"):
        scene.hq.power_on(boot_s=0.0)
        await until(lambda: scene.hq.registration == 1, limit_s=10)
        yield scene, folder / "tty"


async def run(*command: str) -> str:
    """Run a program to its end; return what it printed. Fails when it fails."""
    assert shutil.which(command[0]), f"{command[0]} is missing: packaging/install-peers.sh installs it"
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(LIMIT_S):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = printed.decode("utf-8", "replace")
    assert process.returncode == 0, text
    return text


def gammu_config(folder: Path, tty: Path) -> str:
    """Write gammu's configuration; return its path."""
    path = folder / "gammurc"
    path.write_text(f"[gammu]\ndevice = {tty}\nconnection = at115200\n", "utf-8")
    return str(path)


async def test_gammu_identifies_the_module(tmp_path: Path) -> None:
    """Manufacturer, model, serial numbers of module and card."""
    async with on_pty(tmp_path) as (_, tty):
        text = await run("gammu", "-c", gammu_config(tmp_path, tty), "identify")
    assert "TT-SIM" in text
    assert "860000000000017" in text
    assert "460110000000017" in text


async def test_gammu_sees_it_registered(tmp_path: Path) -> None:
    """The home network and its name."""
    async with on_pty(tmp_path) as (_, tty):
        text = await run("gammu", "-c", gammu_config(tmp_path, tty), "networkinfo")
    assert "home network" in text
    assert "460 11" in text


async def test_gammu_sends_a_chinese_text_to_a_phone(tmp_path: Path) -> None:
    """Long enough for two parts; it appears on the phone's screen as typed."""
    long = "点名：各单位收到请回答。" * 8
    async with on_pty(tmp_path) as (scene, tty):
        config = gammu_config(tmp_path, tty)
        await run(
            "gammu", "-c", config, "sendsms", "TEXT", PHONE, "-unicode", "-len", "200", "-text", long
        )  # fmt: skip
        await until(lambda: bool(scene.phone.screen), limit_s=20)
    assert [shown.text for shown in scene.phone.screen] == [long]


async def test_gammu_lists_what_a_phone_sent(tmp_path: Path) -> None:
    """Sender and text."""
    async with on_pty(tmp_path) as (scene, tty):
        scene.phone.type_text("到，12人", HQ)
        await until(lambda: bool(scene.hq.stores.receiving.slots), limit_s=10)
        text = await run("gammu", "-c", gammu_config(tmp_path, tty), "getallsms")
    assert PHONE in text
    assert "到，12人" in text


async def test_smstools_registers_sends_and_receives(tmp_path: Path) -> None:
    """The daemon's own checks pass, its text reaches the phone, the phone's text reaches its spool."""
    for name in ("incoming", "outgoing", "checked", "sent", "failed"):
        (tmp_path / name).mkdir()
    async with on_pty(tmp_path) as (scene, tty):
        config = tmp_path / "smsd.conf"
        config.write_text(_smsd_config(tmp_path, tty), "utf-8")
        scene.centre.inject(PHONE, HQ, write_bodies("phone to smsd", 1)[0])
        (tmp_path / "outgoing" / "one").write_text(f"To: {PHONE}\n\nsmsd to phone\n", "utf-8")
        assert shutil.which("smsd"), "smsd is missing: packaging/install-peers.sh installs it"
        daemon = await asyncio.create_subprocess_exec("smsd", "-t", f"-c{config}", stdout=PIPE, stderr=STDOUT)
        try:
            await until(
                lambda: bool(scene.phone.screen and list((tmp_path / "incoming").iterdir())), limit_s=60
            )
        except TimeoutError:
            pytest.fail((tmp_path / "log").read_text("utf-8", "replace")[-4000:])
        finally:
            if daemon.returncode is None:
                daemon.terminate()
            async with asyncio.timeout(30):
                await daemon.wait()
    assert [shown.text.strip() for shown in scene.phone.screen] == ["smsd to phone"]
    (incoming,) = (tmp_path / "incoming").iterdir()
    head, _, body = incoming.read_bytes().partition(b"\n\n")
    assert f"From: {PHONE}".encode() in head
    assert body.decode("utf-16-be") == "phone to smsd"


def _smsd_config(folder: Path, tty: Path) -> str:
    return f"""devices = SAT
outgoing = {folder}/outgoing
checked = {folder}/checked
incoming = {folder}/incoming
sent = {folder}/sent
failed = {folder}/failed
logfile = {folder}/log
infofile = {folder}/info
pidfile = {folder}/pid
stats = {folder}
loglevel = 7
delaytime = 1

[SAT]
device = {tty}
incoming = yes
baudrate = 115200
memory_start = 1
rtscts = no
"""
