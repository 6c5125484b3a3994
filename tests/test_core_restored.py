"""A box that starts on an older image of its disk: what its lost life used up swallows nothing new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.base import Precedence
from gateway.delivery.work import Work
from gateway.domain import AlarmKind, Message
from gateway.ledger.tx import Tx
from protocols.air import IdentityNotice
from protocols.air import MessageId as AirMessageId
from sim.disk import Image
from sim.fleet import Box
from tests.core_scene import VEH, alarms, passes, scene, texts


async def back_to(box: Box, image: Image) -> None:
    """Cut the power and start on an older disk."""
    await box.cut_power()
    box.disk.put_back(image)
    await box.power_on()


async def tell(box: Box, to: str, words: str, count: int) -> list[Message]:
    """Send so many messages at once."""
    return [await box.send(to, f"{words} {number}") for number in range(count)]


async def test_what_the_lost_life_named_does_not_swallow_what_is_new(tmp_path: Path) -> None:
    """Counters reserved ahead look right to the neighbour; still every new text is shown."""
    async with scene(tmp_path) as field:
        await field.veh.reaches(await field.veh.send("HQ", "之前 0"), "delivered")
        image = field.veh.disk.image()
        for message in await tell(field.veh, "HQ", "失去的", 3):
            await field.veh.reaches(message, "delivered")
        await back_to(field.veh, image)
        await field.up("ip")

        for message in await tell(field.veh, "HQ", "恢复后", 3):
            await field.veh.reaches(message, "delivered")

        shown = await texts(field.hq)
        assert shown == ["之前 0", *(f"失去的 {n}" for n in range(3)), *(f"恢复后 {n}" for n in range(3))]


async def test_a_restored_headquarters_reaches_handhelds_behind_a_relay(tmp_path: Path) -> None:
    """The receipt of the lost life's text does not settle the new one; the handheld shows both."""
    async with scene(tmp_path, "pdt") as field:
        image = field.hq.disk.image()
        field.one.powered = False
        lost = await field.hq.send("ZHANG", "失去的电文")
        await field.hq.reaches(lost, "relayed")
        await back_to(field.hq, image)
        await field.up("ip")
        new = await field.hq.send("ZHANG", "恢复后的电文")
        await field.hq.reaches(new, "relayed")
        await passes(60)
        before = await field.hq.state(new)
        field.one.powered = True
        await field.hq.reaches(new, "delivered", limit_s=900)

        assert before == "relayed/protocol"
        assert {text.partition("：")[2] for text in field.one.texts()} == {"失去的电文", "恢复后的电文"}


async def test_a_restored_relay_shows_every_text_on_a_handheld(tmp_path: Path) -> None:
    """A vehicle on an older disk gives handsets no number that its lost life gave: they show what is new."""
    async with scene(tmp_path, "pdt") as field:
        image = field.veh.disk.image()
        await field.hq.reaches(await field.hq.send("ZHANG", "失去之前"), "delivered")
        await back_to(field.veh, image)
        await field.up("ip", "pdt")

        await field.hq.reaches(await field.hq.send("ZHANG", "恢复之后"), "delivered")

        assert field.one.texts() == ["HQ：失去之前", "HQ：恢复之后"]


async def test_used_counters_are_not_acknowledged_for_another_frame(tmp_path: Path) -> None:
    """Frames under counters that the lost life used are not settled by the acknowledgement of later ones."""
    async with scene(tmp_path) as field:
        await field.veh.reaches(await field.veh.send("HQ", "之前 0"), "delivered")
        await field.veh.cut_power()
        image = field.veh.disk.image()
        await field.veh.power_on()
        await field.up("ip")
        for message in await tell(field.veh, "HQ", "失去的", 6):
            await field.veh.reaches(message, "delivered")
        await back_to(field.veh, image)
        await field.up("ip")

        sent = [await field.veh.send("HQ", f"恢复后 {number}" + "长" * 500) for number in range(14)]
        for message in sent:
            await field.veh.reaches(message, "delivered")

        assert {message.text for message in sent} <= set(await texts(field.hq))
        assert await alarms(field.hq, AlarmKind.REUSED_COUNTER) == ["reused:3"]


def live_as(message: Message) -> Callable[[Tx], None]:
    """Go on as a copy of the running process would that knows nothing of this message."""

    def op(tx: Tx) -> None:
        name = f"message.{message.id.origin}.{message.id.incarnation}"
        tx.incarnation = message.id.incarnation
        tx.execute("INSERT OR REPLACE INTO sequences VALUES (?, ?)", (name, message.id.sequence))

    return op


async def test_an_identity_used_twice_is_noticed_and_the_message_gets_another(tmp_path: Path) -> None:
    """A copy of a running process names a second message so: alarm, new identity, both are shown."""
    async with scene(tmp_path) as field:
        await field.veh.reaches(await field.veh.send("HQ", "之前 0"), "delivered")
        image = field.veh.disk.image()
        lost = await field.veh.send("HQ", "原件")
        await field.veh.reaches(lost, "delivered")
        await back_to(field.veh, image)
        await field.up("ip")
        await field.veh.gateway.core.ledger.write(live_as(lost))

        twice = await field.veh.send("HQ", "同号的另一份")
        await field.veh.reaches(twice, "superseded", limit_s=60)
        (new, *_) = await field.veh.backend.messages(limit=1, before=None, state=None, station=None)
        await field.veh.reaches(new, "delivered", limit_s=60)

        assert twice.id == lost.id
        assert await texts(field.hq) == ["之前 0", "原件", "同号的另一份"]
        assert await alarms(field.hq, AlarmKind.REUSED_IDENTITY) == ["reused_identity:3"]


async def test_a_relay_refuses_what_is_known_as_another_message_further_on(tmp_path: Path) -> None:
    """Told that the identity stands for something else, a relay refuses its copy and tells the origin."""
    async with scene(tmp_path, "pdt") as field:
        field.one.powered = False
        message = await field.hq.send("ZHANG", "两用编号")
        await field.hq.reaches(message, "relayed", limit_s=60)
        name = AirMessageId(message.id.origin, message.id.incarnation, message.id.sequence)
        field.hq.gateway.outbox.add_control(
            Work(
                key=("c", "test"),
                station=VEH,
                precedence=Precedence.FLASH,
                born_s=field.hq.gateway.core.now_s(),
                element=lambda _now_s: IdentityNotice(name),
                elicits_ack=False,
            )
        )

        await field.hq.reaches(message, "refused", limit_s=60)
