"""Who answers on an IP path: a pure machine of heartbeats, evidence and loss; it is told the time."""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from math import inf

HISTORY = 20
"""Heartbeats of one peer that are remembered, for their replies and for the quality: eight seconds of a
cellular path in doubt, some minutes of a quiet one. A reply to an older one says nothing new."""

LEARNED_MAX = 64
"""Addresses learnt from traffic (vehicles behind a carrier's NAT); the one silent longest goes first."""

PROOF_EVERY = 10
"""Idle intervals after which mere hearing is not enough and our own way out is proven by a heartbeat."""

EAGERNESS = 0.25
"""Idle intervals are shortened by up to this share, drawn anew each time: one of two peers then asks first,
and its question is the other's evidence."""

LEARNT_SHARE = 2
"""Longest round trip that is learnt, in silences that count as a loss: what answers later was held up by a
clog or by a pause of ours, and one such sample would blind the detector for minutes."""

LOST_INTERVAL_MAX_S = 15.0
"""Slowest pace of asking a lost peer: a healed path is found within it, a wreck costs 17 kB an hour."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to ask, and how long a silence is a loss; seconds."""

    heartbeat_min_s: float
    heartbeat_max_s: float
    loss_detect_s: float


@dataclass(slots=True)
class Question:
    """One heartbeat sent."""

    nonce: int
    sent_s: float
    held: bool
    """The peer was lost then or later: a reply tells how long it was away, not how long the path takes."""
    answered: bool = False


@dataclass(slots=True)
class Peer:
    """One address and its evidence. `online` None: not known yet."""

    address: str
    to: tuple[str, int]
    configured: bool
    since_s: float
    interval_s: float
    eager: float = 0.0
    """Share by which the present idle interval is shortened, 0..EAGERNESS."""
    online: bool | None = None
    heard_s: float | None = None
    proven_s: float | None = None
    asked_s: float | None = None
    told_s: float | None = None
    traffic: bool = False
    """Data went out since we last heard the peer: doubt is dearer."""
    questions: deque[Question] = field(default_factory=lambda: deque(maxlen=HISTORY))
    rtt_s: float | None = None
    rtt_var_s: float = 0.0
    unanswered: int = 0
    """Questions among those remembered that no reply has come to."""
    look_at_s: float = inf
    """When it is to be looked after; inf: not before something happens."""

    @property
    def patience_s(self) -> float:
        """A reply may take this long: RFC 6298's smoothed round trip plus four deviations."""
        return 0.0 if self.rtt_s is None else self.rtt_s + 4 * self.rtt_var_s

    def answers(self, now_s: float, pace: Pace) -> tuple[int, int]:
        """How many of how many heartbeats were answered since it came up; those under way do not count."""
        if not self.unanswered:
            return len(self.questions), len(self.questions)
        patience_s = max(self.patience_s, pace.heartbeat_min_s)
        due = [q for q in self.questions if q.answered or now_s - q.sent_s > patience_s]
        return sum(q.answered for q in due), len(due)

    def last_s(self) -> float:
        """When it was last heard; when we began to listen, if never."""
        return self.since_s if self.heard_s is None else self.heard_s

    def loss_at_s(self, pace: Pace) -> float:
        """When silence becomes a loss, or hearing without being heard does."""
        silent_s = max(pace.loss_detect_s, pace.heartbeat_max_s + self.patience_s)
        at_s = self.last_s() + silent_s
        if self.proven_s is None:
            return at_s
        return min(at_s, self.proven_s + PROOF_EVERY * pace.heartbeat_max_s + silent_s)

    def ask_at_s(self, pace: Pace) -> float:
        """When the next heartbeat is due; passive evidence puts it off."""
        if self.online is False:
            return (self.asked_s or self.since_s) + self.interval_s
        interval_s = pace.heartbeat_min_s if self.traffic else self.interval_s * (1 - self.eager)
        due_s = self.last_s() + interval_s if self.online else self.since_s
        if self.proven_s is not None:
            proof_s = self.proven_s + PROOF_EVERY * pace.heartbeat_max_s
            if proof_s < due_s:  # noqa: PLR1730 - asked twice a datagram: `min` costs three times as much
                due_s = proof_s
        if self.asked_s is not None:
            again_s = self.asked_s + pace.heartbeat_min_s
            if again_s > due_s:  # noqa: PLR1730 - same
                due_s = again_s
        return due_s

    def next_s(self, pace: Pace) -> float:
        """When its next heartbeat or its loss is due, as it is now; inf if neither will be."""
        at_s = self.ask_at_s(pace) if self.configured or self.online else inf
        if self.online is False:
            return at_s
        surely_s = self.last_s() if self.proven_s is None else min(self.last_s(), self.proven_s)
        if at_s <= surely_s + pace.loss_detect_s:  # before any loss can be
            return at_s
        return min(at_s, self.loss_at_s(pace))

    def asked(self, nonce: int, now_s: float, pace: Pace) -> None:
        """Note a heartbeat sent; what stays unanswered counts against the quality."""
        if len(self.questions) == HISTORY:
            self.unanswered -= not self.questions[0].answered
        self.questions.append(Question(nonce, now_s, self.online is False))
        self.unanswered += 1
        self.asked_s = now_s
        if self.online is False:
            self.interval_s = min(max(self.interval_s, pace.heartbeat_min_s) * 2, LOST_INTERVAL_MAX_S)

    def replied(self, nonce: int, now_s: float, pace: Pace) -> bool:
        """Take a reply; False for a nonce that is not waiting (late, repeated or invented)."""
        question = next((q for q in self.questions if q.nonce == nonce and not q.answered), None)
        if question is None:
            return False
        question.answered = True
        self.unanswered -= 1
        if not question.held:
            self._learn(min(max(0.0, now_s - question.sent_s), LEARNT_SHARE * pace.loss_detect_s))
        if self.online and not self.traffic:
            self.interval_s = min(self.interval_s * 2, pace.heartbeat_max_s)
        self.proven_s = now_s
        return True

    def _learn(self, sample_s: float) -> None:
        if self.rtt_s is None:
            self.rtt_s, self.rtt_var_s = sample_s, sample_s / 2
        else:
            self.rtt_var_s += (abs(self.rtt_s - sample_s) - self.rtt_var_s) / 4
            self.rtt_s += (sample_s - self.rtt_s) / 8

    def heard(self, now_s: float, pace: Pace, chance: float) -> bool:
        """Take a sign of life (`chance`: a random number 0..1); True if that is news."""
        news = self.online is not True
        self.heard_s = now_s
        self.eager = EAGERNESS * chance
        self.traffic = False
        if news:
            self.interval_s = pace.heartbeat_min_s
            # Nobody was there to answer before: that was told by the state, and is no fault of the path now.
            answered = next((q for q in reversed(self.questions) if q.answered), None)
            while self.questions and self.questions[0] is not answered:
                self.unanswered -= not self.questions.popleft().answered
        self.online = True
        return news

    def sent_data(self, pace: Pace) -> None:
        """Note traffic: ask soon if nothing comes back, and stay quick for a while."""
        self.traffic = True
        self.interval_s = pace.heartbeat_min_s

    def lost(self, now_s: float, pace: Pace) -> bool:
        """Whether it is lost now; True once per loss, also for one that never answered."""
        if self.online is False or now_s < self.loss_at_s(pace):
            return False
        self.online = False
        for question in self.questions:
            question.held = True
        self.interval_s = pace.heartbeat_min_s
        self.traffic = False
        return True


class Peers:
    """Configured peers, and a bounded number of learnt ones."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._by_address: OrderedDict[str, Peer] = OrderedDict()
        self._looks: list[tuple[float, int, Peer]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._by_address)

    def add(self, address: str, to: tuple[str, int], now_s: float, *, configured: bool) -> Peer:
        """Return the peer of an address, made if need be; the stalest learnt one makes room."""
        if address in self._by_address:
            return self._by_address[address]
        learned = [peer for peer in self._by_address.values() if not peer.configured]
        if not configured and len(learned) >= LEARNED_MAX:
            del self._by_address[min(learned, key=Peer.last_s).address]
        peer = Peer(address, to, configured, now_s, self.pace.heartbeat_min_s)
        self._by_address[address] = peer
        return peer

    def get(self, address: str) -> Peer | None:
        """Return the peer of an address, if it is known."""
        return self._by_address.get(address)

    def forget(self, peer: Peer) -> None:
        """Drop a learnt peer that fell silent."""
        self._by_address.pop(peer.address, None)

    def all(self) -> list[Peer]:
        """Return everyone known, in order of acquaintance."""
        return list(self._by_address.values())

    def answers(self, now_s: float) -> tuple[int, int]:
        """How many of how many heartbeats the peers that are there have answered."""
        counts = [peer.answers(now_s, self.pace) for peer in self._by_address.values() if peer.online]
        return sum(answered for answered, _ in counts), sum(asked for _, asked in counts)

    @property
    def any_online(self) -> bool:
        """Whether anybody answers."""
        return any(peer.online for peer in self._by_address.values())

    def watch(self, peer: Peer) -> None:
        """Put its next look forward if what happened to it asks for an earlier one."""
        at_s = peer.next_s(self.pace)
        if at_s < peer.look_at_s:
            peer.look_at_s = at_s
            heapq.heappush(self._looks, (at_s, next(self._numbers), peer))

    def next_look_s(self, now_s: float) -> float:
        """When somebody has to be looked after, `now_s` or earlier for at once; inf with nobody to watch."""
        looks = self._looks
        while looks and (at_s := looks[0][0]) <= now_s:
            peer = looks[0][2]
            if at_s == peer.look_at_s and self._by_address.get(peer.address) is peer:
                later_s = peer.next_s(self.pace)
                if later_s <= now_s:
                    return at_s
                peer.look_at_s = later_s  # it has been heard since
                if later_s < inf:
                    heapq.heapreplace(looks, (later_s, next(self._numbers), peer))
                    continue
            heapq.heappop(looks)
        return looks[0][0] if looks else inf

    def due(self, now_s: float) -> list[Peer]:
        """Take those to be looked after now; `watch` each again afterwards."""
        found: list[Peer] = []
        while self.next_look_s(now_s) <= now_s:
            _, _, peer = heapq.heappop(self._looks)
            peer.look_at_s = inf
            found.append(peer)
        return found
