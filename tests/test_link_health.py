"""What a link is shown to be rests on evidence that says when it was had."""

from __future__ import annotations

from gateway.domain import Evidence, LinkState
from gateway.health import DOWN_MISSES, SUSPECT_MISSES, LinkHealth

PEER = 2


def _up() -> LinkHealth:
    health = LinkHealth(recovery_hold_s=10.0)
    health.device_changed(LinkState.UP, "registered", None, 0.0)
    health.heard(PEER, 100.0)
    return health


def test_doubt_is_as_young_as_what_it_rests_on() -> None:
    """A link in doubt for want of acknowledgements tells when the last one stayed out: news, not old news."""
    health = _up()
    for turn in range(SUSPECT_MISSES):
        health.missed(PEER, 150.0 + turn, 200.0 + turn)
    doubtful = health.view(300.0)
    for turn in range(DOWN_MISSES - SUSPECT_MISSES):
        health.missed(PEER, 250.0 + turn, 400.0 + turn)
    silent = health.view(500.0)

    assert (doubtful.state, doubtful.evidence) == (LinkState.SUSPECT, Evidence.INFERRED)
    assert doubtful.evidence_s == 200.0 + SUSPECT_MISSES - 1
    assert (silent.state, silent.evidence_s) == (LinkState.DOWN, 400.0 + DOWN_MISSES - SUSPECT_MISSES - 1)


def test_a_lost_peer_is_news() -> None:
    """A link whose only peer its driver no longer hears is down since then, not since it came up."""
    health = _up()
    health.lost(PEER, 350.0)

    assert (health.view(400.0).state, health.view(400.0).evidence_s) == (LinkState.DOWN, 350.0)
