"""The frequency of a PDT net: the net's own radios, its relays, and a crowd of handhelds as callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

from sim.radio.crowd import Crowd, Habit, Member, Tally
from sim.radio.csma import Csma
from sim.radio.medium import Medium
from sim.radio.pdt_air import RelaySite
from sim.radio.reception import Antenna, Spot
from sim.radio.station import Burst, Fate, Link, Radio
from sim.radio.tdma import BURST_NS, SlotPlan, Tdma
from sim.radio.timing import NS, ns
from sim.rng import Streams
from sim.scenario.model import Group
from sim.world.life import Life
from sim.world.masts import HANDHELD
from sim.world.motion import Place

POLITE: Final = Csma(p=0.1, slot_s=0.01)
"""How the net's radios take turns: they wait a tenth of a second on average, lest all begin at once."""

SECOND: Final = Tdma(SlotPlan(), (1,), p=0.5)
"""How a crowd in the second slot takes turns: bursts begin with its slots, every other one is left out."""

SLOT_GAP_S: Final = SlotPlan().frame_s - BURST_NS / NS
"""From the end of a burst to the next beginning of the same slot: there it is acknowledged."""

FAR_KM: Final = 0.25
"""A station of the net that has gone this far is looked at anew by all: some correlation distances."""


class Background:
    """Whoever is on one frequency, and what they do to each other.

    The net's radios listen before they send, and so do members; who does not hear the other spoils it, who
    sends is deaf, and the stronger of two is often heard all the same. A relay tells whoever hears it that it
    is busy. A member stands where it stood at the start, sends a short report every `every_s` to the gateway
    that serves it, and is acknowledged there. The net has the first slot; a crowd may be in the `second`,
    where neither disturbs the other.
    """

    def __init__(self, medium: Medium, streams: Streams, second: Medium | None = None) -> None:
        self.medium = medium
        self.members: dict[str, Member] = {}
        self._answering = Crowd(medium, Habit(period_s=0.0))
        self._crowds: list[Crowd] = [self._answering]
        self._second = second
        self._second_radios: dict[int, Radio] = {}
        if second is not None:
            self._crowds.append(Crowd(second, _timed(0.0), access=SECOND))
        self._radios: dict[int, Radio] = {}
        self._ids: dict[str, int] = {}
        self._spoilt: dict[int, dict[int, bool]] = {}
        """By source: where its last transmission was spoilt, and whether by the receiver's own sending."""
        self._streams = streams
        self._foreign_ns = 0
        self._looked: dict[int, Place] = {}
        self._lives: list[tuple[Place, Life]] = []
        self._hills: list[_Hill] = []

    def gateway(self, radio_id: int, antenna: Antenna) -> None:
        """Add a gateway's radio: it answers members, and its net's transmissions are heard by them."""
        self._know(radio_id, self._answering.add(antenna).radio)
        if self._second is not None:
            self._second_radios[radio_id] = self._crowds[1].add(antenna).radio

    def handheld(self, radio_id: int, antenna: Antenna) -> None:
        """Add somebody's own set on the net: members hear it, and do not talk to it."""
        radio = Radio(antenna, _unheard)
        self.medium.join(radio)
        self._know(radio_id, radio)

    def relay(self, site: RelaySite) -> None:
        """Add a relay: it hears on this frequency, and sends on one of its own."""
        radio = Radio(site.antenna, _unheard)
        self.medium.join(radio)
        site.number = -1 - len(self._hills)
        self._know(site.number, radio)
        self._hills.append(_Hill(site, radio))

    def member(self, group: Group, place: Place, serving: int) -> None:
        """Add one of the crowd, served by the gateway of a radio id."""
        radios = self._radios
        if group.slot == 1 or self._second is None:
            crowd = Crowd(self.medium, Habit(period_s=group.every_s.low))
        else:
            crowd, radios = Crowd(self._second, _timed(group.every_s.low), access=SECOND), self._second_radios
        self._crowds.append(crowd)
        x_km, y_km = place
        antenna = Spot(group.id, x_km, y_km, power_dbm=HANDHELD.power_dbm, gain_db=HANDHELD.gain_db)
        self.members[group.id] = member = crowd.add(antenna, radios[serving])
        if group.off:
            member.switch(on=False)
        else:
            dark, lit = partial(member.switch, on=False), partial(member.switch, on=True)
            self._lives.append((place, Life(group, dark, lit)))

    def start(self) -> None:
        """Let the batteries run."""
        for _, life in self._lives:
            life.start()

    def heal(self) -> None:
        """Give everybody mains and fresh batteries; who was switched off stays so."""
        for _, life in self._lives:
            life.set_mains(on=True)
            life.renew()

    def set_mains(self, there: Callable[[Place], bool], *, on: bool) -> None:
        """Switch the mains of chargers in some places."""
        for place, life in self._lives:
            if there(place):
                life.set_mains(on=on)

    def moved(self, radio_id: int) -> None:
        """Look anew at who hears a station of the net, if it has gone far enough to matter."""
        radio = self._radios.get(radio_id)
        if radio is None:
            return
        here = radio.antenna.x_km, radio.antenna.y_km
        if math.dist(here, self._looked.setdefault(radio_id, here)) >= FAR_KM:
            self._looked[radio_id] = here
            self.medium.moved(radio)
            if self._second is not None and radio_id in self._second_radios:
                self._second.moved(self._second_radios[radio_id])

    # --- what the net asks -------------------------------------------------------------------------------

    def begins(self, radio_id: int, airtime_s: float) -> float:
        """Put a transmission of the net on the air: 0, or after how many seconds to ask again."""
        radio = self._radios.get(radio_id)
        if radio is None:
            return 0.0
        self.moved(radio_id)
        now_ns = self.medium.timeline.now_ns
        wait_ns = max(hill.busy_ns(self.medium, radio, now_ns) for hill in self._hills) if self._hills else 0
        if not wait_ns:
            wait_ns = POLITE.wait_ns(self.medium, radio, self._streams.stream(f"{radio.name}/polite"), now_ns)
        if wait_ns:
            return wait_ns / NS
        spoilt: dict[int, bool] = {}
        self._spoilt[radio_id] = spoilt
        airtime_ns = ns(airtime_s)
        self._foreign_ns += airtime_ns
        self.medium.transmit(
            radio,
            None,
            octets=0,
            airtime_ns=airtime_ns,
            spoilt=partial(self._spoil, radio, spoilt),
        )
        for hill in self._hills:
            hill.take(radio, now_ns)
        return 0.0

    def _spoil(self, source: Radio, spoilt: dict[int, bool], rx: Radio) -> None:
        """Note that a burst was spoilt at a receiver, and whether that sent itself meanwhile."""
        spoilt[self._ids.get(rx.name, 0)] = rx.deaf_until_ns > source.started_ns

    def spoilt(self, source: int, to: int) -> bool:
        """Whether others spoilt at `to` what `source` sent last."""
        return to in self._spoilt.get(source, ())

    def sending(self, source: int, to: int) -> bool:
        """Whether `to` sent itself during what `source` sent last."""
        return self._spoilt.get(source, {}).get(to, False)

    # --- figures -----------------------------------------------------------------------------------------

    @property
    def airtime_s(self) -> float:
        """What members and the answers to them took of the channel."""
        return (sum(medium.sent_ns for medium in self._media) - self._foreign_ns) / NS

    @property
    def collided(self) -> int:
        """Bursts of members, and of answers to them, that others spoilt at a receiver."""
        return sum(medium.counts[Fate.COLLIDED] for medium in self._media)

    @property
    def _media(self) -> tuple[Medium, ...]:
        return (self.medium,) if self._second is None else (self.medium, self._second)

    def tally(self) -> Tally:
        """Return the sums over all members."""
        whole = Tally()
        for crowd in self._crowds:
            for name in Tally.__slots__:
                setattr(whole, name, getattr(whole, name) + getattr(crowd.tally, name))
        return whole

    def _know(self, radio_id: int, radio: Radio) -> None:
        self._radios[radio_id] = radio
        self._ids[radio.name] = radio_id


def _timed(period_s: float) -> Habit:
    """Return the habit of those who send and answer in slots."""
    return Habit(period_s=period_s, ack_gap_s=SLOT_GAP_S, ack_wait_s=SLOT_GAP_S + 1.5 * BURST_NS / NS)


class _Hill:
    """One relay's two frequencies: what it hears here it repeats there, and who hears that waits."""

    def __init__(self, site: RelaySite, radio: Radio) -> None:
        self._site = site
        self._radio = radio
        self._since_ns = 0
        self._until_ns = 0

    def take(self, source: Radio, now_ns: int) -> None:
        """Repeat a burst that begins now, if it is heard here."""
        link = source.peers.get(self._radio.number)
        if self._site.on and link is not None and link.sensed:
            if self._until_ns <= now_ns:
                self._since_ns = now_ns
            self._until_ns = max(self._until_ns, source.until_ns)

    def busy_ns(self, medium: Medium, listener: Radio, now_ns: int) -> int:
        """Return how long somebody who hears this relay has to wait for it."""
        if self._until_ns <= now_ns or self._since_ns > now_ns - medium.detect_ns:
            return 0
        heard = any(link.rx is listener and link.sensed for link in medium.neighbours(self._radio))
        return self._until_ns - now_ns if heard else 0


def _unheard(_burst: Burst, _link: Link) -> None:
    """Hear nothing: what this set hears of its net is decided elsewhere."""
