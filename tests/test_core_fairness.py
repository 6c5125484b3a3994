"""What waits for the dead never holds up the living: copies and receipts, before and after a restart."""

from __future__ import annotations

from pathlib import Path

from drivers.base import LinkState, Precedence
from gateway.delivery.work import MAX_COPIES
from gateway.domain import Message, MessageId, MessageKind, Recipient
from gateway.ledger import hops
from gateway.ledger.hops import OWED_GRACE_S
from sim.fleet import until
from tests.core_faults import owe
from tests.core_scene import HQ, VEH, VEH2, link_is, passes, scene, texts


def _message(number: int, precedence: Precedence) -> Message:
    """One message of the vehicle to the other vehicle."""
    return Message(
        id=MessageId(VEH, 1, number),
        kind=MessageKind.TEXT,
        precedence=precedence,
        text="无路可走",
        sender=VEH,
        lifetime_s=86_400,
        recipients=(Recipient(station=VEH2),),
    )


async def test_living_station_behind_two_thousand_for_a_dead_one_after_a_restart(tmp_path: Path) -> None:
    """A message accepted before a power cut behind 2 000 for a dead gateway leaves promptly after it."""
    async with scene(tmp_path) as field:
        field.cut_ip()
        await link_is(field.veh, "ip", LinkState.DOWN)
        for number in range(2000):
            await field.veh.send("VEH-4", f"无路可走 {number}", Precedence.PRIORITY, keep=True)
        message = await field.veh.send("HQ", "畅通", Precedence.PRIORITY)
        await field.veh.cut_power()
        field.heal_ip()
        await field.veh.power_on()

        assert await field.veh.reaches(message, "delivered", limit_s=60) < 15


async def test_receipts_owed_to_a_dead_gateway_do_not_hold_up_others(tmp_path: Path) -> None:
    """With 600 receipts owed to a gateway that is gone, the one for headquarters arrives at once."""
    async with scene(tmp_path, "pdt") as field:
        await owe(field.veh, VEH2, 600)
        message = await field.hq.send("ZHANG", "原地待命")

        assert await field.hq.reaches(message, "delivered", limit_s=60) < 20


async def test_receipts_owed_to_a_dead_gateway_do_not_hold_up_others_after_a_restart(tmp_path: Path) -> None:
    """After a power cut the receipt behind 600 for a gateway that is gone arrives as well."""
    async with scene(tmp_path, "pdt") as field:
        await owe(field.veh, VEH2, 600)
        message = await field.hq.send("ZHANG", "原地待命")
        await field.hq.reaches(message, "relayed", limit_s=10)
        field.cut_ip()
        await until(lambda: bool(field.one.screen), limit_s=60)
        await passes(5)
        await field.veh.cut_power()
        field.heal_ip()
        await field.veh.power_on()

        assert await field.hq.reaches(message, "delivered", limit_s=120) < 60


async def test_what_is_settled_meanwhile_is_known_to_who_reads(tmp_path: Path) -> None:
    """Who reads the ledger learns of everything taken out since, so that no copy comes back from the dead."""
    async with scene(tmp_path) as field:
        works = field.veh.gateway.outbox.works
        work = field.veh.gateway.outbox.add_message(_message(1, Precedence.ROUTINE), VEH2)
        assert work is not None
        with works.removals() as gone:
            works.remove(work.key)
            works.remove(("m", "not here", "4"))
        works.remove(("m", "later", "4"))

        assert gone == {work.key, ("m", "not here", "4")}


async def test_urgent_message_enters_a_full_outbox(tmp_path: Path) -> None:
    """With as many copies of a dead station in memory as may be, an SOS to it still gets in, for the last."""
    async with scene(tmp_path) as field:
        works = field.veh.gateway.outbox.works
        for number in range(MAX_COPIES):
            field.veh.gateway.outbox.add_message(_message(number, Precedence.ROUTINE), VEH2)
        refused = field.veh.gateway.outbox.add_message(_message(MAX_COPIES, Precedence.ROUTINE), VEH2)
        taken = field.veh.gateway.outbox.add_message(_message(MAX_COPIES + 1, Precedence.SOS), VEH2)

        assert (refused, works.count("m", VEH2)) == (None, MAX_COPIES)
        assert taken is not None


async def test_what_found_no_room_leaves_when_there_is_room(tmp_path: Path) -> None:
    """More copies than one station may have in memory are all delivered once, in time, without a restart."""
    async with scene(tmp_path) as field:
        field.cut_ip()
        await link_is(field.veh, "ip", LinkState.DOWN)
        sent = [await field.veh.send("HQ", f"积压 {number}") for number in range(40)]
        works = field.veh.gateway.outbox.works
        for message in sent[10:]:
            works.remove(("m", str(message.id), str(HQ)))  # as when there had been no room
        field.heal_ip()
        for message in sent:
            await field.veh.reaches(message, "delivered", limit_s=120)

        assert sorted(await texts(field.hq)) == sorted(m.text for m in sent)


async def test_receipts_end_a_day_after_their_message(tmp_path: Path) -> None:
    """A receipt that nobody collects is given up a day after its message's life, not before."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.hq.send("ZHANG", "原地待命", lifetime_s=600)
        await field.hq.reaches(message, "relayed", limit_s=10)
        await field.hq.cut_power()
        await passes(600 + OWED_GRACE_S - 300)
        ledger = field.veh.gateway.core.ledger
        before = await ledger.read(lambda tx: hops.owed(tx, HQ))
        await passes(600)
        after = await ledger.read(lambda tx: hops.owed(tx, HQ))

        assert ([receipt.message for receipt in before], after) == ([message.id], [])
        assert field.veh.gateway.outbox.works.count("r", HQ) == 0
