"""A busy channel costs a station neither its turn nor its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import Air, Kind
from sim.fleet import SEAT, until
from tests.core_scene import ONE, TWO, scene


class Unchecked(Handheld):
    """A set whose online check is switched off."""

    def hear(self, air: Air) -> None:
        if air.kind is not Kind.CHECK:
            super().hear(air)


NAMES = (str(ONE), str(TWO), "4007", "4008", "4009")


async def test_every_unchecked_set_is_asked_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five sets that answer no online check, on one channel: each gets one check, then the question."""
    extra = "".join(
        f'[[station]]\nnumber = {4000 + n}\ncall_sign = "SET-{n}"\nname = "组{n}"\n'
        f'address = {{ pdt = "{3000 + n}" }}\nvia = ["VEH-3"]\n'
        for n in (7, 8, 9)
    )
    monkeypatch.setattr("tests.core_scene.ROSTER", _with(extra))
    monkeypatch.setattr("tests.core_scene.Handheld", Unchecked)
    async with scene(tmp_path, "pdt") as field:
        sets = [field.one, field.two]
        sets += [Unchecked(3000 + n, field.fleet.pdt, name=f"组{n}", home=2103) for n in (7, 8, 9)]
        await field.hq.backend.start_roll_call(
            stations=NAMES, title="", exercise=False, deadline_s=60, caller=SEAT
        )

        await until(lambda: all(one.texts() for one in sets), limit_s=50)
        assert [len(one.texts()) for one in sets] == [1] * 5


def _with(extra: str) -> str:
    from tests import core_scene  # noqa: PLC0415 - the text before it is replaced

    return core_scene.ROSTER.replace("[[group]]", f"{extra}[[group]]")
