"""A shared radio channel: overlapping bursts, one decision for each burst and receiver.

All of it is callbacks on the loop's heap. A burst has one draw for each neighbour, of the link's own stream:
its quantile says how the burst faded there, its low bits decide where the tables say "perhaps". The draw is a
hash of the link and the burst's number, so that what nobody asks for is never computed. Interference
counts with the worst instant of all bursts that overlap; a station that sends, or has just done so, is deaf.
A burst for one station disturbs all of its neighbours, but is decided at that one alone: nobody else asks.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sim.radio.dice import hashed, seed_of
from sim.radio.physics import FourFsk
from sim.radio.reception import Antenna, Propagation, Reception
from sim.radio.station import Burst, Fate, Link, Radio
from sim.radio.timing import NS, Timeline, ns, running_timeline
from sim.record import Record, What
from sim.rng import Streams

CARRIED, FADED = Fate.CARRIED, Fate.FADED

Draws = Callable[[Radio, Radio, random.Random], Callable[[], float]]
"""Gives a link a source of quantiles that remembers (walkers); without one each burst's is independent."""

LOW_BITS: Final = float(1 << 20)
"""The decision is drawn from the bits of the quantile below the 20th: more than fading needs."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a station's receiver needs: to notice a carrier, and to hear again after its own burst."""

    detect_s: float = 0.002
    turnaround_s: float = 0.001


class Medium:
    """One frequency, on the running loop's heap or another `timeline`; `cut` loses what is on the air.

    Neighbours below `floor_dbm` (default 10 dB below the noise) are left out for good: neither heard nor
    felt. Beyond `reach_km` of two antennas no link is computed at all. Carriers are sensed from `sense_dbm`
    on (default 6 dB above the noise).
    """

    def __init__(  # noqa: PLR0913 - a channel has this many facts
        self,
        name: str,
        streams: Streams,
        propagation: Propagation,
        *,
        reception: Reception | None = None,
        draws: Draws | None = None,
        timing: Timing | None = None,
        floor_dbm: float | None = None,
        sense_dbm: float | None = None,
        reach_km: Callable[[Antenna, Antenna], float] | None = None,
        record: Record | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        self.name = name
        self.streams = streams
        self.propagation = propagation
        self.reception = reception or FourFsk()
        self.draws = draws
        timing = timing or Timing()
        self.detect_ns = ns(timing.detect_s)
        self.turnaround_ns = ns(timing.turnaround_s)
        noise_dbm = self.reception.noise_dbm
        self.reach_km = reach_km
        self.timeline = timeline or running_timeline()
        self.radios: list[Radio] = []
        self.cut = False
        self._names: set[str] = set()
        self.bursts = 0
        self.sent_ns = 0
        self.counts: dict[Fate, int] = dict.fromkeys(Fate, 0)
        self._post = self.timeline.post
        self._record = record
        self._noise_mw = _mw(noise_dbm)
        self._floor_mw = _mw(noise_dbm - 10.0 if floor_dbm is None else floor_dbm)
        self._sense_mw = _mw(noise_dbm + 6.0 if sense_dbm is None else sense_dbm)

    # --- who is there ------------------------------------------------------------------------------------

    def join(self, radio: Radio) -> None:
        """Add a station; names are its streams', so two of one name are refused."""
        if radio.name in self._names:
            raise ValueError(f"{self.name}: {radio.name} is there already")
        self._names.add(radio.name)
        radio.number = len(self.radios)
        self.radios.append(radio)
        self.moved(radio)

    def moved(self, radio: Radio) -> None:
        """Compute anew who hears this station and whom it hears; what is on the air keeps its strength."""
        radio.scanned = False
        for other in self.radios:
            if other is not radio and (other.scanned or radio.number in other.peers):
                self._measure(other, radio)
        for link in radio.peers.values():
            self._measure(radio, link.rx)

    def block(self, tx: Radio, rx: Radio, *, blocked: bool = True) -> None:
        """Cut one direction between two stations, as an obstacle or a partition does."""
        self._link(tx, rx).blocked = blocked
        self._measure(tx, rx)

    def neighbours(self, radio: Radio) -> list[Link]:
        """Return the links on which this station is heard or felt, in the order stations joined."""
        if not radio.scanned:
            radio.scanned = True
            for other in self.radios:
                if other is not radio and other.number not in radio.peers:
                    self._measure(radio, other)
        if radio.ways is None:
            found = [link for link in radio.peers.values() if link.mean_mw >= self._floor_mw]
            found.sort(key=_number)
            radio.ways = [(link, link.rx, link.rx.active) for link in found]
        return [way[0] for way in radio.ways]

    def _link(self, tx: Radio, rx: Radio) -> Link:
        found = tx.peers.get(rx.number)
        if found is None:
            name = f"{self.name}/{tx.name}>{rx.name}"
            found = tx.peers[rx.number] = Link(tx, rx, seed_of(self.streams.seed, name))
            if self.draws is not None:
                found.draw = self.draws(tx, rx, self.streams.stream(name))
        return found

    def _measure(self, tx: Radio, rx: Radio) -> None:
        known = rx.number in tx.peers
        if not known and self._beyond(tx, rx):
            return
        rssi_dbm = self.propagation.rssi_dbm(tx.antenna, rx.antenna, self.timeline.now_ns / NS)
        mean_mw = _mw(rssi_dbm)
        if mean_mw < self._floor_mw and not known:
            return
        tx.ways = None
        link = self._link(tx, rx)
        link.mean_mw = 0.0 if link.blocked else mean_mw
        link.sensed = link.mean_mw >= self._sense_mw
        link.least = 1.0 - self.reception.p_noise(rssi_dbm - self.reception.noise_dbm)

    def _beyond(self, tx: Radio, rx: Radio) -> bool:
        if self.reach_km is None:
            return False
        here, there = tx.antenna, rx.antenna
        apart_km = math.hypot(here.x_km - there.x_km, here.y_km - there.y_km)
        return apart_km > self.reach_km(here, there)

    def rssi_dbm(self, link: Link) -> float:
        """Return how strong the burst that a link carries, or carried last, is at its receiver."""
        return _db(self._level_mw(link))

    def _level_mw(self, link: Link) -> float:
        return link.mean_mw * self.reception.gain(self._quantile(link))

    def _quantile(self, link: Link) -> float:
        return link.drawn if self.draws is not None else hashed(link.seed, link.tx.bursts)

    # --- the air -----------------------------------------------------------------------------------------

    def busy(self, radio: Radio, now_ns: int) -> bool:
        """Whether the station senses a carrier, or sends itself; a carrier shows only after some time."""
        if radio.until_ns > now_ns:
            return True
        if not radio.active:
            return False
        shown_ns = now_ns - self.detect_ns
        return any(
            link.sensed and link.tx.started_ns <= shown_ns and link.tx.until_ns > now_ns
            for link in radio.active
        )

    def clear_ns(self, radio: Radio) -> int:
        """Return when the last of the carriers that it senses now will be over."""
        latest_ns = max(self.timeline.now_ns, radio.until_ns)
        for link in radio.active:
            if link.sensed and link.tx.until_ns > latest_ns:
                latest_ns = link.tx.until_ns
        return latest_ns

    def transmit(
        self,
        radio: Radio,
        frame: object,
        *,
        octets: int,
        airtime_ns: int,
        to: Radio | None = None,
        spoilt: Callable[[Radio], None] | None = None,
    ) -> bool:
        """Put a burst on the air now; False if the station is off or still sends.

        With `spoilt` it is a transmission of another layer, which judges fading itself: nobody hears it here,
        and `spoilt` is called for each receiver at which others, or its own sending, spoilt it.
        """
        now_ns = self.timeline.now_ns
        if not radio.on or radio.until_ns > now_ns:
            return False
        burst = Burst(radio, to, frame, octets, airtime_ns, spoilt)
        radio.started_ns = now_ns
        radio.until_ns = now_ns + airtime_ns
        radio.deaf_until_ns = radio.until_ns + self.turnaround_ns
        radio.bursts += 1
        radio.sent_ns += airtime_ns
        self.bursts += 1
        self.sent_ns += airtime_ns
        if radio.ways is None:
            self.neighbours(radio)
        ways = radio.ways
        assert ways is not None  # noqa: S101 - just made
        burst.ways = ways
        radio.to = to
        if self.draws is not None:
            for link, _, _ in ways:
                link.drawn = link.draw()
        for link, rx, active in ways:
            if active:
                active.append(link)
                self._overlap(rx, now_ns)
            else:
                active.append(link)
        self._post(radio.until_ns, self._end, burst)
        return True

    def _overlap(self, rx: Radio, now_ns: int) -> None:
        """Tell each burst that is for this receiver how much all the others disturb it now."""
        # a burst that ends at this very instant overlaps nothing, whether or not its end was already told
        living = [link for link in rx.active if link.tx.until_ns > now_ns]
        for link in living:
            to = link.tx.to
            if to is None or to is rx:
                others_mw = [self._level_mw(other) for other in living if other is not link]
                link.worst_mw = max(link.worst_mw, math.fsum(others_mw))

    def _end(self, burst: Burst) -> None:
        for link, _, active in burst.ways:
            active.remove(link)
        if burst.spoilt is not None:
            for link, rx, _ in burst.ways:
                if self._spoils(link, burst):
                    burst.spoilt(rx)
            return
        to = burst.to
        if to is None:
            told = [way[0] for way in burst.ways]
        else:
            direct = burst.tx.peers.get(to.number)
            told = [] if direct is None or direct.mean_mw < self._floor_mw else [direct]
        watched = self._record is not None and self._record.wants(What.AIR)
        heard: list[Link] = []
        for link in told:
            fate = self._judge(link, burst)
            self.counts[fate] += 1
            if fate is CARRIED:
                heard.append(link)
            if watched:
                self._note(burst, link.rx, fate, self.rssi_dbm(link))
        if watched and to is not None and not told:
            self._note_missed(burst, to)
        for link in heard:
            link.rx.hear(burst, link)

    def _judge(self, link: Link, burst: Burst) -> Fate:
        """Decide what became of a burst at a receiver it is for."""
        worst_mw, link.worst_mw = link.worst_mw, 0.0
        if self.cut:
            return Fate.CUT
        if link.rx.deaf_until_ns > burst.tx.until_ns - burst.airtime_ns:  # it has sent meanwhile, or was off
            return Fate.DEAF
        quantile = self._quantile(link)
        if quantile < link.least:
            return FADED
        if worst_mw:
            ci_db = _db(self._level_mw(link) / worst_mw)
            if quantile * LOW_BITS % 1.0 >= self.reception.p_capture(ci_db):
                return Fate.COLLIDED
        return CARRIED

    def _spoils(self, link: Link, burst: Burst) -> bool:
        worst_mw, link.worst_mw = link.worst_mw, 0.0
        if link.rx.deaf_until_ns > burst.tx.until_ns - burst.airtime_ns:
            return True
        if not worst_mw:
            return False
        chance = self.reception.p_capture(_db(link.mean_mw / worst_mw))
        return self._quantile(link) * LOW_BITS % 1.0 >= chance

    def _note_missed(self, burst: Burst, to: Radio) -> None:
        link = burst.tx.peers.get(to.number)
        blocked = self.cut or (link is not None and link.blocked)
        rssi_dbm = self.propagation.rssi_dbm(burst.tx.antenna, to.antenna, self.timeline.now_ns / NS)
        self._note(burst, to, Fate.CUT if blocked else FADED, rssi_dbm)

    def _note(self, burst: Burst, rx: Radio, fate: Fate, rssi_dbm: float) -> None:
        assert self._record is not None  # noqa: S101 - only called when watched
        self._record.note(
            What.AIR,
            burst.tx.name,
            bearer=self.name,
            to=rx.name,
            octets=burst.octets,
            airtime_s=burst.airtime_ns / NS,
            fate=fate.value,
            rssi_dbm=round(rssi_dbm, 1),
        )


def _number(link: Link) -> int:
    return link.rx.number


def _mw(dbm: float) -> float:
    return float(10.0 ** (dbm / 10.0))


def _db(ratio: float) -> float:
    return 10.0 * math.log10(ratio) if ratio > 0 else -math.inf
