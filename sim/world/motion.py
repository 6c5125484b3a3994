"""Where things are: standing still, or driving along a road until told otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sim.scenario.model import Road

Place = tuple[float, float]
"""Kilometres east and north of the area's south-west corner."""

KM_PER_DEGREE = 111.32
"""Length of a degree of latitude (WGS 84, mean)."""

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Path:
    """A road as a line of points with the kilometres along it."""

    points: tuple[Place, ...]
    marks_km: tuple[float, ...]

    @classmethod
    def along(cls, road: Road) -> Path:
        """Measure a road."""
        marks = [0.0]
        for before, after in zip(road.points, road.points[1:], strict=False):
            marks.append(marks[-1] + math.dist(before, after))
        return cls(road.points, tuple(marks))

    @classmethod
    def between(cls, here: Place, there: Place) -> Path:
        """Measure the straight way from one place to another."""
        return cls((here, there), (0.0, math.dist(here, there)))

    @property
    def length_km(self) -> float:
        """From the first point to the last."""
        return self.marks_km[-1]

    def at(self, km: float) -> Place:
        """Return the place so many kilometres along, held at both ends."""
        if km <= 0 or self.length_km == 0:
            return self.points[0]
        for index in range(1, len(self.marks_km)):
            start, end = self.marks_km[index - 1], self.marks_km[index]
            if km <= end and end > start:
                share = (km - start) / (end - start)
                (x0, y0), (x1, y1) = self.points[index - 1], self.points[index]
                return x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        return self.points[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One stretch of driving: from `from_km` at `since_s` with `speed_kmh` towards `to_km`."""

    path: Path
    from_km: float
    to_km: float
    speed_kmh: float
    since_s: float

    def km(self, now_s: float) -> float:
        """Kilometres along the road now."""
        gone = self.speed_kmh * max(0.0, now_s - self.since_s) / SECONDS_PER_HOUR
        return min(self.from_km + gone, self.to_km)

    def arrives_s(self, km: float) -> float | None:
        """When it passes a mark; None if it does not, or has."""
        if self.speed_kmh <= 0 or not self.from_km < km <= self.to_km:
            return None
        return self.since_s + (km - self.from_km) / self.speed_kmh * SECONDS_PER_HOUR


class Mover:
    """Something with a place: `place(now_s)`; on a road it goes as far as the road is there."""

    __slots__ = ("_driven_km", "_gaps", "_leg", "_on_road", "_place")

    def __init__(self, place: Place, leg: Leg | None = None) -> None:
        self._place = place
        self._leg = leg
        self._on_road = leg is not None
        self._gaps: list[float] = []
        """Marks behind which its road is gone."""
        self._driven_km = 0.0 if leg is None else leg.from_km

    @property
    def leg(self) -> Leg | None:
        """The stretch it drives; None if it stands off the road."""
        return self._leg

    @property
    def on_road(self) -> bool:
        """Whether that stretch is one of its road: the marks of the leg are the road's."""
        return self._on_road

    def place(self, now_s: float) -> Place:
        """Where it is."""
        leg = self._leg
        return self._place if leg is None else leg.path.at(leg.km(now_s))

    def moving(self, now_s: float) -> bool:
        """Whether it drives now."""
        leg = self._leg
        return leg is not None and leg.speed_kmh > 0 and leg.since_s <= now_s and leg.km(now_s) < leg.to_km

    def speed_kmh(self, now_s: float) -> float:
        """How fast it goes now."""
        return self._leg.speed_kmh if self._leg is not None and self.moving(now_s) else 0.0

    def driven_km(self, now_s: float) -> float:
        """What its odometer shows: the mark it started from, and all it drove since."""
        leg = self._leg
        return self._driven_km if leg is None else self._driven_km + leg.km(now_s) - leg.from_km

    def put(self, place: Place, now_s: float) -> None:
        """Set it down off the road."""
        self._driven_km = self.driven_km(now_s)
        self._place, self._leg, self._on_road = place, None, False

    def drive_to(self, place: Place, speed_kmh: float, now_s: float) -> None:
        """Let it leave its road and drive straight to a place."""
        here, self._driven_km = self.place(now_s), self.driven_km(now_s)
        path = Path.between(here, place)
        self._leg = Leg(path=path, from_km=0.0, to_km=path.length_km, speed_kmh=speed_kmh, since_s=now_s)
        self._on_road = False

    def lose_road(self, km: float, now_s: float) -> None:
        """Let its road be gone behind a mark; who is past it stays where it is."""
        self._gaps.append(km)
        self.drive_on(now_s)

    def find_road(self, km: float, now_s: float) -> None:
        """Let the road behind a mark be there again; it drives on, as far as no other gap stops it."""
        if km in self._gaps:
            self._gaps.remove(km)
        self.drive_on(now_s)

    def mend_road(self, now_s: float) -> None:
        """Let its whole road be there again."""
        self._gaps.clear()
        self.drive_on(now_s)

    def drive_on(self, now_s: float) -> None:
        """Let it go on, to the end of its way or as far as its road is there."""
        leg = self._leg
        if leg is not None:
            here = leg.km(now_s)
            self._driven_km = self.driven_km(now_s)
            gaps = self._gaps if self._on_road else []
            to_km = max(here, min([leg.path.length_km, *gaps]))
            self._leg = replace(leg, from_km=here, to_km=to_km, since_s=max(now_s, leg.since_s))


def degrees(place: Place, origin: tuple[float, float]) -> tuple[float, float]:
    """Latitude and longitude (WGS 84) of a place in an area whose corner lies at `origin`."""
    latitude = origin[0] + place[1] / KM_PER_DEGREE
    longitude = origin[1] + place[0] / (KM_PER_DEGREE * math.cos(math.radians(origin[0])))
    return latitude, longitude
