"""P6 at the device and on the air: periods, orders to stop transmitting, voice first, no storms.

A card is not asked to transmit before its service period is over, restarts or not. While a link may not
transmit nothing leaves it, acknowledgements and heartbeats included. While somebody speaks on the PDT net,
and in the hang time after it, a gateway orders nothing from its radio but SOS. What is sent over a bearer
that costs money or time stays in proportion to what people said.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from sim.devices.beidou import BeidouTerminal
from sim.devices.pdt_net import HANG_S, Air, Kind
from sim.faults.model import Kind as Fault
from sim.record import Event, What
from sim.run.breaches import Breaches
from sim.run.calm import Calm, bearer_of, node_of, way
from sim.run.truth import Truth
from sim.scenario.model import Do
from sim.world.files import NETS, PDT_BASE
from sim.world.world import World

ORDERS: Final = {"tiantong": b"+CMGS=", "beidou": b"CCTXA,"}
"""What a line to a device begins with that makes it transmit, by bearer."""

GRACE_S: Final = {"tiantong": 30.0, "beidou": 5.0, "pdt": 20.0}
"""What was under way when transmitting was stopped may end; a radio tries three times by itself."""

GRACE_IP_S: Final = 1.0

SPOKEN_S: Final = 2.0
"""How long a call is on before every gateway in reach has been told by its radio."""

ORDERED: Final = frozenset({Kind.TEXT, Kind.DATA, Kind.CHECK, Kind.WHERE})
"""What a radio transmits because its host said so; acknowledgements answer somebody who had the air."""

DISTRESS_S: Final = 180.0
"""So long after a cry for help data to another gateway may be it."""

FREE_ORDERS: Final = 60
ORDERS_PER_TEXT: Final = 8
"""Transmissions on a paid bearer in a run: so many, and so many for each thing that somebody said."""


class AirWatch:
    """Looks at what leaves the devices of one world."""

    def __init__(self, world: World, truth: Truth, calm: Calm, breaches: Breaches) -> None:
        self._world = world
        self._truth = truth
        self._calm = calm
        self._breaches = breaches
        self._quiet: dict[tuple[str, str], float] = {}
        self.ordered_s: dict[tuple[str, str], list[float]] = {}
        """When a node ordered its device on a paid bearer to transmit, by node and link."""
        self._set_forward: Counter[str] = Counter()
        """By node: steps of its date into the future. After a restart one try may then come too early, which
        the card refuses: nothing is sent, and from then on monotonic time counts."""
        self._known: set[tuple[Kind, int, int, int]] = set()
        self.asked_s: dict[int, list[float]] = {}
        """When a person's set was asked whether it is there, or sent a text, by radio id."""
        self.answered_s: dict[int, list[float]] = {}
        """When a set answered such a check by itself."""
        self._radios = {PDT_BASE + unit.node.station: unit.id for unit in world.units.values()}
        self._calls = [
            (one.t.low, one.t.low + one.for_s.low + HANG_S)
            for one in world.scenario.actions
            if one.do is Do.VOICE
        ]
        world.record.watch(self._fault, What.FAULT)
        world.record.watch(self._frame, What.FRAME)
        world.fleet.pdt.on_transmit = self._aired

    def finish(self) -> None:
        """Judge what can only be judged at the end."""
        said = len(self._truth.texts) + len(self._truth.pressed_s)
        limit = (FREE_ORDERS + ORDERS_PER_TEXT * said) * max(1.0, self._world.now_s() / 3600.0)
        for (node, link), ordered in self.ordered_s.items():
            times = len(ordered)
            if times > limit:
                self._breaches.add("P6", node, f"{link} transmitted {times} times, {said} things were said")
        for unit in self._world.units.values():
            for device, _ in unit.plugged.values():
                allowed = self._world.second_lives.get(unit.id, 0) + self._set_forward[unit.id]
                if isinstance(device, BeidouTerminal) and device.too_early > allowed:
                    detail = f"asked the card to transmit {device.too_early} times before its period was over"
                    self._breaches.add("P6", unit.id, detail)

    # --- orders to stop ----------------------------------------------------------------------------------

    def _fault(self, event: Event) -> None:
        if event.facts["name"] == Fault.CLOCK_STEP.value and float(str(event.facts["value"])) > 0:
            self._set_forward[event.node] += 1
        if event.facts["name"] != "quiet":
            return
        node, _, link = str(event.facts["target"]).partition("/")
        unit = self._world.units[node]
        for name in [link] if link in unit.node.links else unit.node.links:
            if event.facts["state"] == "begins":
                self._quiet.setdefault((node, name), event.at_s)
            else:
                self._quiet.pop((node, name), None)

    def _frame(self, event: Event) -> None:
        if event.facts["direction"] != "tx" or event.link == "pdt":
            return
        order = ORDERS.get(event.link)
        if order is not None:
            if order not in event.data:
                return
            self.ordered_s.setdefault((event.node, event.link), []).append(event.at_s)
        self._while_quiet(event.node, event.link)

    def _while_quiet(self, node: str, link: str) -> None:
        since_s = self._quiet.get((node, link))
        if since_s is None or self._world.second_lives.get(node):
            return
        quiet_s = self._world.now_s() - since_s
        if quiet_s > (GRACE_IP_S if link in NETS else GRACE_S[link]):
            self._breaches.once(
                "P6", node, link, f"{link} transmits {quiet_s:.0f} s after it was told to stop"
            )

    # --- the PDT net -------------------------------------------------------------------------------------

    def _aired(self, air: Air) -> None:
        """Look at one transmission as it is handed to the net."""
        now_s = self._world.now_s()
        if air.kind is Kind.CHECK_ANSWER:
            self.answered_s.setdefault(air.source, []).append(now_s)
        node = self._radios.get(air.source)
        if node is None or air.kind not in ORDERED:
            return
        if air.kind in (Kind.CHECK, Kind.TEXT):
            self.asked_s.setdefault(air.destination, []).append(now_s)
        self._while_quiet(node, "pdt")
        call = (air.kind, air.source, air.destination, air.request_id)
        again = air.kind in (Kind.TEXT, Kind.DATA) and call in self._known
        self._known.add(call)
        if not again:
            self._while_spoken(node, air, now_s)

    def _while_spoken(self, node: str, air: Air, now_s: float) -> None:
        if air.kind is Kind.DATA and any(
            now_s - at_s < DISTRESS_S for at_s in self._truth.pressed_s.values()
        ):
            return
        places = [bearer_of("pdt"), way("pdt", node), node_of(node)]
        for begin_s, end_s in self._calls:
            told = begin_s + SPOKEN_S < now_s < end_s
            if told and self._calm.holds(places, begin_s - 60.0, now_s):
                self._breaches.once(
                    "P6", node, f"voice {begin_s}", f"{air.kind.name} ordered while voice is up"
                )
