"""What must not be believed: restored ledgers, cloned boxes, foreign and unkeyed frames, old echoes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from gateway.api.backend import NewMessage
from gateway.domain import AlarmKind, MessageKind
from gateway.keys import Master
from protocols import air
from sim.fleet import SEAT, Box
from sim.rng import Streams
from tests.core_scene import HQ, VEH, Scene, alarms, passes, scene, texts


def datagram(frame: bytes) -> bytes:
    """A data datagram of the udp link (docs/air-protocol.md, "Over UDP")."""
    return b"\xf6\x00" + frame


async def copy_ledger(box: Box, to: Path) -> None:
    """Stop a box and copy its disk."""
    await box.stop()
    shutil.copytree(box.ledger_path.parent, to)


def put_back(box: Box, copy: Path) -> None:
    """Restore a copied disk."""
    shutil.rmtree(box.ledger_path.parent)
    shutil.copytree(copy, box.ledger_path.parent)


async def exchange(field: Scene, number: int, *, first: int = 0) -> None:
    """Send so many messages up and see them delivered."""
    for count in range(first, first + number):
        message = await field.veh.send("HQ", f"电文 {count}")
        await field.veh.reaches(message, "delivered")


async def test_restored_box_is_noticed_and_works_again(tmp_path: Path) -> None:
    """A box restored from an old copy raises the reused-counter alarm, is told, jumps ahead, and delivers."""
    async with scene(tmp_path / "field") as field:
        await exchange(field, 3)
        await copy_ledger(field.veh, tmp_path / "copy")
        await field.veh.power_on()
        await field.up("ip")
        await exchange(field, 20, first=3)
        await field.veh.stop()
        put_back(field.veh, tmp_path / "copy")
        await field.veh.power_on()
        await field.up("ip")

        message = await field.veh.send("HQ", "恢复之后")
        took_s = await field.veh.reaches(message, "delivered", limit_s=300)

        assert took_s < 60
        assert await alarms(field.hq, AlarmKind.REUSED_COUNTER) == ["reused:3"]
        assert await texts(field.hq) == [*(f"电文 {n}" for n in range(23)), "恢复之后"]


async def test_clone_raises_the_alarm_and_is_heard(tmp_path: Path) -> None:
    """A copy of a box is noticed at once, and what it says is not taken for a repeat."""
    async with scene(tmp_path / "field") as field:
        await exchange(field, 3)
        await copy_ledger(field.veh, tmp_path / "copy")
        await field.veh.power_on()
        await field.up("ip")
        await exchange(field, 3, first=3)
        await field.veh.stop()
        put_back(field.veh, tmp_path / "copy")
        await field.veh.power_on()
        await field.up("ip")
        await field.veh.send("HQ", "克隆")
        await passes(300)

        assert await alarms(field.hq, AlarmKind.REUSED_COUNTER) == ["reused:3"]
        assert (await texts(field.hq)).count("克隆") == 1


async def test_restored_box_sends_nothing_twice_that_it_had_sent_before(tmp_path: Path) -> None:
    """What waited when the copy was made, and was delivered since, is absorbed after the restoration."""
    async with scene(tmp_path / "field") as field:
        await exchange(field, 3)
        field.cut_ip()
        await field.veh.send("HQ", "在副本中等待")
        await copy_ledger(field.veh, tmp_path / "copy")
        field.heal_ip()
        await field.veh.power_on()
        await field.up("ip")
        await exchange(field, 20, first=3)
        await field.veh.stop()
        put_back(field.veh, tmp_path / "copy")
        await field.veh.power_on()
        await passes(300)

        assert (await texts(field.hq)).count("在副本中等待") == 1


async def test_foreign_and_unkeyed_frames_are_refused_and_counted(tmp_path: Path) -> None:
    """Frames under another net's keys, junk and text change nothing; twenty forgeries raise an alarm."""
    async with scene(tmp_path) as field:
        stranger = Master(net_id=7, epoch=0, key=Streams("other").stream("key").randbytes(32)).ring(VEH, [HQ])
        lie = air.MessageElement(message_id=air.MessageId(VEH, 1, 1), body="撤离", precedence=4)
        for counter in range(1, 25):
            frame = air.seal_frame(stranger, counter=1000 + counter, destination=HQ, elements=[lie])
            field.replay(field.veh, datagram(frame))
            await passes(0.5)
        field.replay(field.veh, datagram("明文 撤离".encode()))
        await passes(5)

        counts = field.hq.gateway.core.counts
        refused = sum(n for name, n in counts.items() if name.startswith("frames_refused_"))
        assert refused >= 24
        assert await texts(field.hq) == []
        assert await alarms(field.hq, AlarmKind.REFUSED_FRAMES) == ["refused:ip"]


async def test_order_waits_for_the_echo(tmp_path: Path) -> None:
    """From a peer that has not proved that it speaks now an order counts only after the echo."""
    async with scene(tmp_path) as field:
        new = NewMessage(to=("VEH-3",), text="立即转移", kind=MessageKind.ORDER)

        order, _ = await field.hq.backend.submit(new, SEAT, None)
        await field.hq.reaches(order, "delivered", limit_s=60)

        assert field.veh.gateway.core.counts["frames_waiting_for_echo"] >= 1
        assert await texts(field.veh) == ["立即转移"]


async def test_recorded_order_is_not_believed_by_a_box_with_a_new_ledger(tmp_path: Path) -> None:
    """A box whose ledger was lost takes no recorded order: nobody answers the echo for the recorder."""
    async with scene(tmp_path / "field") as field:
        new = NewMessage(to=("VEH-3",), text="立即转移", kind=MessageKind.ORDER)
        order, _ = await field.hq.backend.submit(new, SEAT, None)
        await field.hq.reaches(order, "delivered", limit_s=60)
        recorded = [r.data for r in field.hq.trace.records if r.link == "ip" and r.direction == "tx"]
        await field.hq.stop()
        await field.veh.stop()
        shutil.rmtree(field.veh.ledger_path.parent)
        await field.veh.power_on()

        for data in recorded:
            field.replay(field.hq, data)
            await passes(0.5)
        await passes(120)

        assert await texts(field.veh) == []


async def test_new_ledger_of_the_receiver_is_survived(tmp_path: Path) -> None:
    """After a box lost its ledger the others deliver to it again, and it to them."""
    async with scene(tmp_path / "field") as field:
        await exchange(field, 5)
        await field.veh.stop()
        shutil.rmtree(field.veh.ledger_path.parent)
        await field.veh.power_on()
        await field.up("ip")

        up = await field.veh.send("HQ", "新台账")
        down = await field.hq.send("VEH-3", "收到你了")
        await field.veh.reaches(up, "delivered", limit_s=300)
        await field.hq.reaches(down, "delivered", limit_s=300)

        assert (await texts(field.hq))[-1] == "新台账"
        assert await texts(field.veh) == ["收到你了"]


async def test_damaged_ledger_is_set_aside_and_said(tmp_path: Path) -> None:
    """A gateway whose ledger file is damaged starts with a new one and raises an alarm."""
    async with scene(tmp_path) as field:
        await field.veh.stop()
        octets = bytearray(field.veh.ledger_path.read_bytes())
        octets[100:4000] = bytes(3900)
        field.veh.ledger_path.write_bytes(octets)
        await field.veh.power_on()

        found = await alarms(field.veh, AlarmKind.LEDGER_SET_ASIDE)

        assert len(found) == 1


async def test_box_not_in_the_roster_is_refused(tmp_path: Path) -> None:
    """A station with keys that the roster no longer names is not listened to."""
    async with scene(tmp_path) as field:
        await exchange(field, 1)
        roster = field.hq.gateway.core.roster
        stations = {number: station for number, station in roster.stations.items() if number != VEH}
        kept = replace(field.hq.gateway.core.config, roster=replace(roster, stations=stations))
        field.hq.gateway.core.config = kept
        await field.veh.send("HQ", "已除名")
        await passes(60)

        assert await texts(field.hq) == ["电文 0"]
        assert field.hq.gateway.core.counts["frames_refused_unknown_source"] >= 1
