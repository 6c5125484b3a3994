"""Who hears whom on a PDT net: loss, shadow and fading for each receiver, directly or through a relay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.devices.pdt_net import BURST_S, Air, Station, bursts
from sim.radio.physics import FourFsk
from sim.radio.reception import Antenna, Propagation, Reception
from sim.radio.station import Fate
from sim.radio.timing import NS, running_timeline
from sim.record import Record, What
from sim.rng import Streams

BEARER: Final = "pdt"


class RelaySite:
    """A repeater on a hill: what it hears it sends at once on its own frequency. `on` is its power."""

    def __init__(self, antenna: Antenna) -> None:
        self.antenna = antenna
        self.on = True


class PdtAir:
    """An Ether with geometry. A station without a place is heard everywhere and hears everything.

    A transmission of n bursts arrives if all of them do, each with the chance of its mean level, averaged
    over fading. With `direct` handhelds also hear each other without the relay. Each pair draws from its own
    stream: one number for each transmission that could be meant for the receiver.
    """

    def __init__(
        self,
        streams: Streams,
        propagation: Propagation,
        *,
        reception: Reception | None = None,
        direct: bool = True,
        record: Record | None = None,
    ) -> None:
        self.relays: list[RelaySite] = []
        self.spoilt: Callable[[int, int], bool] | None = None
        """Whether others on the channel spoilt what one station id just sent at another; None: no others."""
        self.direct = direct
        self._streams = streams
        self._propagation = propagation
        self._reception = reception or FourFsk()
        self._record = record
        self._places: dict[int, Antenna] = {}

    def place(self, station_id: int, antenna: Antenna) -> None:
        """Say where a station is; the antenna may move later."""
        self._places[station_id] = antenna

    def rssi_dbm(self, tx: Antenna, rx: Antenna) -> float:
        """Return the mean level of one antenna at another now."""
        return self._propagation.rssi_dbm(tx, rx, running_timeline().now_ns / NS)

    def chance(self, tx: Antenna, rx: Antenna, count: int) -> float:
        """Return how likely a transmission of so many bursts arrives whole."""
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
        ways = [relay.antenna for relay in self.relays if self._draw(tx, relay.antenna, count) and relay.on]

        def heard(station: Station) -> bool:
            rx = self._places.get(station.id)
            if rx is None:
                return True
            direct = self._draw(tx, rx, count) and self.direct
            relayed = [self._draw(way, rx, count) for way in ways]
            found = direct or any(relayed)
            fate = Fate.CARRIED if found else Fate.FADED
            if found and self.spoilt is not None and self.spoilt(source.id, station.id):
                fate = Fate.COLLIDED
            if self._record is not None and self._record.wants(What.AIR):
                levels_dbm = [self.rssi_dbm(way, rx) for way in ([tx, *ways] if self.direct else ways)]
                self._note(tx, rx, count, octets, fate.value, max(levels_dbm, default=None))
            return fate is Fate.CARRIED

        return heard

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

    def _draw(self, tx: Antenna, rx: Antenna, count: int) -> bool:
        luck = self._streams.stream(f"{BEARER}/{tx.name}>{rx.name}").random()
        return luck < self.chance(tx, rx, count)
