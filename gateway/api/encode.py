"""Domain values as the JSON that programs and the page read."""

from __future__ import annotations

from gateway.domain import Alarm, Attempt, LinkReport, Message, Position


def position(value: Position | None) -> dict[str, object] | None:
    """WGS 84 degrees, or None."""
    if value is None:
        return None
    return {
        "latitude_deg": value.latitude_deg,
        "longitude_deg": value.longitude_deg,
        "fix_age_s": value.fix_age_s,
    }


def message(value: Message) -> dict[str, object]:
    """Return one message with its recipients; `precedence` is the number, `precedence_name` the word."""
    return {
        "id": str(value.id),
        "origin": value.id.origin,
        "kind": value.kind.value,
        "precedence": int(value.precedence),
        "precedence_name": value.precedence.name,
        "text": value.text,
        "sender": value.sender,
        "sender_address": value.sender_address,
        "unauthenticated": value.unauthenticated,
        "exercise": value.exercise,
        "ack_wanted": value.ack_wanted,
        "lifetime_s": value.lifetime_s,
        "age_s": value.age_s,
        "age_is_lower_bound": value.age_is_lower_bound,
        "accepted_unix_ms": value.accepted_unix_ms,
        "time_quality": value.time_quality.value,
        "keep": value.keep_for_bigger,
        "came_from": value.came_from,
        "recipients": [
            {
                "station": recipient.station,
                "state": recipient.state.value,
                "evidence": recipient.evidence.value,
                "settled": recipient.state.settled,
                "by": recipient.by,
                "detail": recipient.detail,
                "updated_unix_ms": recipient.updated_unix_ms,
            }
            for recipient in value.recipients
        ],
    }


def attempt(value: Attempt) -> dict[str, object]:
    """Return one try; `stage` is `queued` while it waits on the link."""
    return {
        "handle": value.handle,
        "message": str(value.message),
        "station": value.station,
        "link": value.link,
        "next_hop": value.next_hop,
        "stage": "queued" if value.stage is None else value.stage.value,
        "reason": value.reason,
        "device_ref": value.device_ref,
        "octets": value.octets,
        "part": value.part,
        "parts": value.parts,
        "created_unix_ms": value.created_unix_ms,
        "updated_unix_ms": value.updated_unix_ms,
    }


def link(value: LinkReport, now_unix_ms: int) -> dict[str, object]:
    """Return one link of some gateway; `age_s` is the evidence's age at this answer."""
    since_s = max(0.0, (now_unix_ms - value.learnt_unix_ms) / 1000)
    return {
        "station": value.station,
        "link": value.link,
        "bearer": value.bearer.value,
        "state": value.state.value,
        "evidence": value.evidence.value,
        "reason": value.reason,
        "age_s": round(value.age_s + since_s, 1),
        "quality_pct": value.quality_pct,
        "learnt_unix_ms": value.learnt_unix_ms,
        "learnt_by": None if value.learnt_by is None else value.learnt_by.value,
    }


def alarm(value: Alarm) -> dict[str, object]:
    """Return one alarm; active until it is cleared and acknowledged."""
    return {
        "key": value.key,
        "kind": value.kind.value,
        "station": value.station,
        "detail": value.detail,
        "unauthenticated": value.unauthenticated,
        "position": position(value.position),
        "raised_unix_ms": value.raised_unix_ms,
        "cleared_unix_ms": value.cleared_unix_ms,
        "cleared_by": value.cleared_by,
        "acknowledged_by": value.acknowledged_by,
        "exercise": value.exercise,
    }
