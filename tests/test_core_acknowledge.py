"""`收到` speaks of what the device has shown, of the newest of that, and of nothing else."""

from __future__ import annotations

from pathlib import Path

from sim.fleet import SEAT, until
from tests.core_scene import passes, scene, shown_at_hq, texts


async def test_received_does_not_acknowledge_what_was_never_sent(tmp_path: Path) -> None:
    """A message still queued here is not acknowledged by `收到`; headquarters reads the text."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.quiet("pdt", on=True)
        waiting = await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        field.one.type_text("收到")

        assert [message.text for message in await shown_at_hq(field, 1)] == ["收到"]
        assert (await field.veh.state(waiting)).startswith("queued")


async def test_received_does_not_acknowledge_what_was_cancelled_unsent(tmp_path: Path) -> None:
    """A message cancelled before it left stays cancelled whatever the person types."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.quiet("pdt", on=True)
        cancelled = await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        await field.veh.backend.cancel(str(cancelled.id), SEAT)
        field.one.type_text("收到")
        await shown_at_hq(field, 1)

        assert (await field.veh.state(cancelled)).startswith("cancelled")


async def test_received_passes_over_what_never_left(tmp_path: Path) -> None:
    """With a newer message still queued, `收到` acknowledges the one that the device has shown."""
    async with scene(tmp_path, "pdt") as field:
        shown = await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        await field.veh.reaches(shown, "delivered", limit_s=120)
        await field.veh.quiet("pdt", on=True)
        waiting = await field.veh.send("ZHANG", "改走东线", ack_wanted=True)
        field.one.type_text("收到")

        await field.veh.reaches(shown, "acknowledged", limit_s=60)
        assert (await field.veh.state(waiting)).startswith("queued")


async def test_second_received_touches_nothing_older(tmp_path: Path) -> None:
    """`收到` twice acknowledges the newest message once; an older one stays open, the text is passed on."""
    async with scene(tmp_path, "pdt") as field:
        old = await field.veh.send("ZHANG", "旧", ack_wanted=True)
        await field.veh.reaches(old, "delivered", limit_s=120)
        new = await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        await field.veh.reaches(new, "delivered", limit_s=120)
        field.one.type_text("收到")
        await field.veh.reaches(new, "acknowledged", limit_s=60)
        field.one.type_text("收到")
        await passes(60)

        assert (await field.veh.state(old)).startswith("delivered")
        assert await texts(field.hq) == ["收到"]


async def test_received_counts_for_a_text_of_unknown_outcome(tmp_path: Path) -> None:
    """A text whose outcome a power cut took from us may be on the screen: `收到` acknowledges it."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        await until(lambda: bool(field.one.screen), limit_s=60)
        (sent,) = await field.veh.backend.messages(limit=1, before=None, state=None, station="ZHANG")
        await field.veh.reaches(sent, "at_modem", "queued", limit_s=0.1)
        await field.veh.restart()
        field.one.type_text("收到")

        await field.veh.reaches(sent, "acknowledged", limit_s=120)
        await passes(600)
        assert len(field.one.screen) == 1


async def test_received_may_overtake_the_delivery_report(tmp_path: Path) -> None:
    """`收到` the moment the text is on the screen acknowledges it, before the radio told the delivery."""
    async with scene(tmp_path, "pdt") as field:
        sent = await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        await until(lambda: bool(field.one.screen), limit_s=60)
        assert (await field.veh.state(sent)).startswith("at_modem")
        field.one.type_text("收到")

        await field.veh.reaches(sent, "acknowledged", limit_s=60)
        assert await texts(field.hq) == []


async def test_received_speaks_of_what_was_surely_shown(tmp_path: Path) -> None:
    """A newer text that a power cut left unknown does not take the word meant for the one on the screen."""
    async with scene(tmp_path, "pdt") as field:
        shown = await field.veh.send("ZHANG", "请撤离", ack_wanted=True)
        await field.veh.reaches(shown, "delivered", limit_s=120)
        field.one.powered = False
        unknown = await field.veh.send("ZHANG", "改走东线", ack_wanted=True)
        await field.veh.reaches(unknown, "at_modem", limit_s=60)
        await field.veh.restart()
        field.one.powered = True
        field.one.type_text("收到")

        await field.veh.reaches(shown, "acknowledged", limit_s=20)
        assert not (await field.veh.state(unknown)).startswith("acknowledged")
