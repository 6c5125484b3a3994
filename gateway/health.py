"""What a link is, by its evidence: the device's own word, what was heard, and what went unanswered. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from gateway.domain import Evidence, LinkState

SUSPECT_MISSES = 2
"""Frames in a row without acknowledgement, and nothing heard since, that make a path suspect."""

DOWN_MISSES = 4
"""The same, that make it down: at 10 % independent loss both ways a false alarm in 800 frames."""

RETRY_FIRST_S = 15.0
"""A path down for want of acknowledgements is tried again after this long, doubling to RETRY_MAX_S."""

RETRY_MAX_S = 300.0
"""Longest wait between two tries on a silent path."""

MAX_PATHS = 4096
"""Peers remembered per link; bounds what strangers can make us hold."""

_DEAD = frozenset({LinkState.ABSENT, LinkState.STARTING, LinkState.DOWN, LinkState.BLOCKED})


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link's state as shown and reported, with its reason, evidence and the age of that evidence."""

    state: LinkState
    reason: str
    evidence: Evidence
    evidence_s: float
    """Monotonic time of the evidence."""


@dataclass(slots=True)
class _Path:
    misses: int = 0
    lost: bool = False
    doubted_s: float = 0.0
    """When the latest acknowledgement stayed out, or the driver stopped hearing it."""
    heard_s: float | None = None
    retry_s: float = 0.0
    wait_s: float = RETRY_FIRST_S


def _nobody() -> None:
    """Nobody is told."""


@dataclass(slots=True)
class LinkHealth:
    """One link's health. Every method takes `now_s` (monotonic); no timers of its own."""

    recovery_hold_s: float
    _device: LinkState = LinkState.STARTING
    _reason: str = "not opened yet"
    _since_s: float = 0.0
    _hold_until_s: float = 0.0
    _was_up: bool = False
    _until_s: float | None = None
    _heard_s: float | None = None
    _paths: dict[int, _Path] = field(default_factory=dict)
    changed: Callable[[], None] = _nobody
    """Called when what `view` shows may have become another state, other than by time alone."""
    _view: LinkView | None = None
    """What `view` showed last; None once something happened that it may show."""
    _view_until_s: float = 0.0

    def device_changed(self, state: LinkState, reason: str, until_s: float | None, now_s: float) -> None:
        """Take the device's own word; hard evidence acts at once."""
        came_up = state is LinkState.UP and self._device is not LinkState.UP
        if came_up and self._was_up:
            self._hold_until_s = now_s + self.recovery_hold_s
        if state is LinkState.UP:
            self._was_up = True
        self._device, self._reason, self._since_s, self._until_s = state, reason, now_s, until_s
        self._moved()

    def heard(self, peer: int, now_s: float) -> None:
        """Note a valid frame or answer from a peer: free proof that this path lives."""
        path = self._path(peer)
        news = path.misses or path.lost or path.heard_s is None
        path.wait_s = RETRY_FIRST_S
        path.misses, path.lost, path.heard_s = 0, False, now_s
        self._heard_s = now_s
        self._view = None
        if news:
            self.changed()

    def heard_since(self, peer: int, since_s: float) -> bool:
        """Whether this station was heard here after a moment."""
        path = self._paths.get(peer)
        return path is not None and path.heard_s is not None and path.heard_s >= since_s

    def lost(self, peer: int, now_s: float) -> None:
        """Note that the driver no longer hears this peer (a heartbeat ran out)."""
        path = self._path(peer)
        path.lost = True
        path.doubted_s = now_s
        path.retry_s = now_s + path.wait_s
        self._moved()

    def missed(self, peer: int, sent_s: float, now_s: float, *, told: bool = False) -> None:
        """Note a frame without acknowledgement; nothing if the peer was heard after it was sent.

        `told`: the device itself reported that the frame did not get across: suspect at once.
        """
        path = self._path(peer)
        if path.heard_s is not None and path.heard_s >= sent_s:
            return
        path.misses = max(path.misses + 1, SUSPECT_MISSES if told else 0)
        path.doubted_s = now_s
        if path.misses >= SUSPECT_MISSES:
            path.retry_s = now_s + path.wait_s
        if path.misses >= DOWN_MISSES:
            path.wait_s = min(2 * path.wait_s, RETRY_MAX_S)
        self._moved()

    def probes_due(self, now_s: float) -> list[int]:
        """Return peers whose silent path should be asked for a sign of life now; each then waits its turn.

        Without that a path that traffic has left would never be known to live again.
        """
        if self._device in _DEAD:
            return []
        due = [
            peer
            for peer, path in self._paths.items()
            if path.misses >= SUSPECT_MISSES and not path.lost and now_s >= path.retry_s
        ]
        for peer in due:
            path = self._paths[peer]
            path.retry_s = now_s + path.wait_s
            path.wait_s = min(2 * path.wait_s, RETRY_MAX_S)
        return due

    def next_probe_s(self) -> float:
        """Return when the next silent path is to be asked; inf while none is."""
        if self._device in _DEAD:
            return inf
        silent = (p.retry_s for p in self._paths.values() if p.misses >= SUSPECT_MISSES and not p.lost)
        return min(silent, default=inf)

    def view(self, now_s: float) -> LinkView:
        """Return the link's state for people and reports."""
        if self._view is None or now_s >= self._view_until_s:
            self._view_until_s = self._hold_until_s if now_s < self._hold_until_s else inf
            self._view = self._look(now_s)
        return self._view

    def hold_until_s(self, now_s: float) -> float:
        """Return when a recovered link counts as up; inf if it is not held back now."""
        return self._hold_until_s if now_s < self._hold_until_s else inf

    def _moved(self) -> None:
        self._view = None
        self.changed()

    def _look(self, now_s: float) -> LinkView:
        if self._device in _DEAD:
            return LinkView(self._device, self._reason, Evidence.OBSERVED, self._since_s)
        if self._device is LinkState.UP and now_s < self._hold_until_s:
            return LinkView(LinkState.RECOVERING, self._reason, Evidence.OBSERVED, self._since_s)
        paths = [path for path in self._paths.values() if path.misses or path.heard_s is not None]
        if paths and all(path.misses >= DOWN_MISSES or path.lost for path in paths):
            return LinkView(LinkState.DOWN, "no acknowledgement", Evidence.INFERRED, _doubted_s(paths))
        if paths and all(path.misses >= SUSPECT_MISSES or path.lost for path in paths):
            doubted_s = _doubted_s(paths)
            return LinkView(LinkState.SUSPECT, "acknowledgements missing", Evidence.INFERRED, doubted_s)
        if self._heard_s is not None and self._heard_s > self._since_s:
            return LinkView(self._device, self._reason, Evidence.PROTOCOL, self._heard_s)
        return LinkView(self._device, self._reason, Evidence.OBSERVED, self._since_s)

    def towards(self, peer: int, now_s: float) -> LinkState:
        """Return the state of the path to one peer; a silent path is RECOVERING when a try is due."""
        if self._device in _DEAD:
            return self._device
        path = self._paths.get(peer)
        if path is not None and (path.lost or path.misses >= DOWN_MISSES):
            return LinkState.RECOVERING if now_s >= path.retry_s else LinkState.DOWN
        if self._device is LinkState.UP and now_s < self._hold_until_s:
            return LinkState.RECOVERING
        if path is not None and path.misses >= SUSPECT_MISSES:
            return LinkState.SUSPECT
        return self._device

    def next_change_s(self, now_s: float) -> float | None:
        """Return when a state may change by time alone; None if none will."""
        soonest_s = self._hold_until_s if self._hold_until_s > now_s else inf
        for path in self._paths.values():
            if (path.lost or path.misses >= DOWN_MISSES) and now_s < path.retry_s < soonest_s:
                soonest_s = path.retry_s
        return None if soonest_s == inf else soonest_s

    def _path(self, peer: int) -> _Path:
        path = self._paths.get(peer)
        if path is None:
            if len(self._paths) >= MAX_PATHS:
                del self._paths[next(iter(self._paths))]
            path = self._paths[peer] = _Path()
        return path


def _doubted_s(paths: list[_Path]) -> float:
    return max(path.doubted_s for path in paths)
