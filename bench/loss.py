"""How long a lost link goes unnoticed: port unplugged, device mute, path cut; on real processes and PTYs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from bench.box import Box, box
from bench.figure import Figure

SERIAL = ("pdt", "tiantong", "beidou")
LIMIT_S = 180.0
"""Longest wait; what is not noticed by then fails the benchmark."""
HOW = "python -P -m bench.run loss"


def noticed_s(laid: Box, link: str, lose: Callable[[], None]) -> float:
    """Return seconds from the loss until the link is no longer called up."""
    start_s = time.monotonic()
    lose()
    laid.wait_for(lambda states: states.get(link) != "up", LIMIT_S)
    return time.monotonic() - start_s


def run() -> list[Figure]:
    """Lose each link of a standing vehicle gateway in turn; the least certain evidence comes last."""
    figures = []
    with box() as laid, laid.start(laid.headquarters) as headquarters:
        headquarters.wait_ready()
        with laid.start(laid.vehicle) as vehicle:
            vehicle.wait_ready()
            laid.wait_links()
            for act, how_lost in (("unplug", "unplugged"), ("mute", "mute")):
                for link in SERIAL:
                    value = noticed_s(laid, link, partial(laid.field.act, act, link))
                    figures.append(_figure(f"loss_{link}_{how_lost}", value))
                    laid.field.act("mend", link)
                laid.wait_links(LIMIT_S)
            figures.append(_figure("loss_ip_peer_killed", noticed_s(laid, "ip", headquarters.kill)))
    worst = max(figures, key=lambda figure: figure.value or 0.0)
    return [_figure("loss", worst.value or 0.0, peers={worst.name: worst.value or 0.0}), *figures]


def _figure(name: str, value: float, peers: dict[str, float] | None = None) -> Figure:
    return Figure(name=name, value=value, unit="s", how=HOW, peers=peers or {})
