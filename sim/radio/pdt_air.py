"""Who hears whom on a PDT net: loss, shadow and fading for each receiver, directly or through a relay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from sim.devices.pdt_net import BURST_S, Air, Station, bursts
from sim.physics.burst import p_burst
from sim.physics.fading import Fader, doppler_hz
from sim.radio.physics import FourFsk
from sim.radio.reception import Antenna, Propagation
from sim.radio.station import Fate
from sim.radio.timing import NS, running_timeline
from sim.record import Record, What
from sim.rng import Streams

PDT_MHZ: Final = 370.0

BEARER: Final = "pdt"

CLEAR_DB: Final = 35.0
"""So far above the noise a burst is lost once in some thousand times, however it fades: no walk is kept."""

Speed = Callable[[], float]
"""Tells how fast an antenna goes now, km/h."""


class RelaySite:
    """A repeater on a hill: what it hears it sends at once on its own frequency. `on` is its power.

    `number` names it among the stations of the channel; below 0, where there is one.
    """

    def __init__(self, antenna: Antenna, number: int = 0) -> None:
        self.antenna = antenna
        self.number = number
        self.on = True


class Others(Protocol):
    """What else is on the channel."""

    def spoilt(self, source: int, to: int) -> bool:
        """Whether others spoilt at `to` what `source` sent last."""

    def sending(self, source: int, to: int) -> bool:
        """Whether `to` was sending itself during what `source` sent last."""


class PdtAir:
    """An Ether with geometry. A station without a place is heard everywhere and hears everything.

    A transmission of n bursts arrives if all of them do. Each burst fades on its own, Rayleigh or, with
    `rice_db`, around a direct path: quickly where somebody drives, while who stands stays in a fade for
    seconds. With `direct` handhelds also hear each other without the relay. Each pair draws from its own
    stream.
    """

    apart = False

    def __init__(
        self,
        streams: Streams,
        propagation: Propagation,
        *,
        reception: FourFsk | None = None,
        rice_db: float | None = None,
        direct: bool = True,
        record: Record | None = None,
    ) -> None:
        self.relays: list[RelaySite] = []
        self.others: Others | None = None
        """Who shares the channel; None: nobody, and each transmission has it for itself."""
        self.direct = direct
        self._streams = streams
        self._propagation = propagation
        self._reception = reception or FourFsk()
        self._rice_db = rice_db
        self._record = record
        self._places: dict[int, Antenna] = {}
        self._speeds: dict[str, Speed] = {}
        self._faders: dict[tuple[str, str], Fader] = {}

    def place(self, station_id: int, antenna: Antenna, speed: Speed | None = None) -> None:
        """Say where a station is, and how fast it goes (without: it stands); the antenna may move later."""
        self._places[station_id] = antenna
        if speed is not None:
            self._speeds[antenna.name] = speed

    def rssi_dbm(self, tx: Antenna, rx: Antenna) -> float:
        """Return the mean level of one antenna at another now."""
        return self._propagation.rssi_dbm(tx, rx, running_timeline().now_ns / NS)

    def chance(self, tx: Antenna, rx: Antenna, count: int) -> float:
        """Return how likely so many bursts arrive whole where each fades on its own."""
        mean_cn_db = self.rssi_dbm(tx, rx) - self._reception.noise_dbm
        return float(self._reception.p_noise(mean_cn_db) ** count)

    def begins(self, source: Station, airtime_s: float) -> float:
        """Let it transmit at once."""
        del source, airtime_s
        return 0.0

    def lost(self, source: Station, air: Air, fate: str) -> None:
        """Tell of what the channel swallowed."""
        tx, rx = self._places.get(source.id), self._places.get(air.destination)
        if tx is not None and self._record is not None and self._record.wants(What.AIR):
            self._note(tx, rx, bursts(air), len(air.body), fate, None)

    def sent(self, source: Station, count: int, octets: int) -> Callable[[Station], bool]:
        """Let the relays hear it; return what decides for each station."""
        tx = self._places.get(source.id)
        if tx is None:
            return lambda _: True
        ways = [
            relay.antenna
            for relay in self.relays
            if self._arrives(tx, relay.antenna, count)
            and relay.on
            and not (self.others is not None and self.others.spoilt(source.id, relay.number))
        ]

        def heard(station: Station) -> bool:
            rx = self._places.get(station.id)
            if rx is None:
                return True
            direct = self._arrives(tx, rx, count) and self.direct
            relayed = [self._arrives(way, rx, count) for way in ways]
            fate = self._fate(source.id, station.id, direct=direct, relayed=any(relayed))
            if self._record is not None and self._record.wants(What.AIR):
                levels_dbm = [self.rssi_dbm(way, rx) for way in ([tx, *ways] if self.direct else ways)]
                self._note(tx, rx, count, octets, fate.value, max(levels_dbm, default=None))
            return fate is Fate.CARRIED

        return heard

    def _fate(self, source: int, to: int, *, direct: bool, relayed: bool) -> Fate:
        others = self.others
        if not (direct or relayed):
            return Fate.FADED
        if others is not None and others.sending(source, to):
            return Fate.DEAF
        if not relayed and others is not None and others.spoilt(source, to):
            return Fate.COLLIDED
        return Fate.CARRIED

    def _note(
        self, tx: Antenna, rx: Antenna | None, count: int, octets: int, fate: str, rssi_dbm: float | None
    ) -> None:
        assert self._record is not None  # noqa: S101 - only called when watched
        self._record.note(
            What.AIR,
            tx.name,
            bearer=BEARER,
            to="" if rx is None else rx.name,
            octets=octets,
            airtime_s=round(count * BURST_S, 3),
            fate=fate,
            rssi_dbm=None if rssi_dbm is None else round(rssi_dbm, 1),
        )

    def _arrives(self, tx: Antenna, rx: Antenna, count: int) -> bool:
        """Decide one transmission that ends now on one path."""
        rng = self._streams.stream(f"{BEARER}/{tx.name}>{rx.name}")
        mean_cn_db = self.rssi_dbm(tx, rx) - self._reception.noise_dbm
        if mean_cn_db >= CLEAR_DB:
            return rng.random() < self.chance(tx, rx, count)
        pair = (tx.name, rx.name)
        fader = self._faders.get(pair)
        if fader is None:
            fader = self._faders[pair] = Fader(rng, self._rice_db)
        speed_kmh = sum(self._speeds[name]() for name in pair if name in self._speeds)
        doppler = doppler_hz(speed_kmh, PDT_MHZ)
        start_s = running_timeline().now_ns / NS - count * BURST_S
        whole = 1.0
        for burst in range(count):
            whole *= p_burst(mean_cn_db + fader.gain_db(start_s + burst * BURST_S, doppler))
        return rng.random() < whole
