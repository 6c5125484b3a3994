"""What the API needs of the gateway behind it. The service implements `Backend`; tests bring their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from gateway.domain import Alarm, Attempt, LinkReport, Message, MessageKind, Precedence
from protocols.errors import FieldgateError

DEFAULT_LIFETIME_S = 24 * 3600
"""Lifetime of a message whose sender names none: a day's shift sees it or it is history."""


class Role(IntEnum):
    """What a token may do; each role may do what the lesser ones may."""

    VIEWER = 0
    """Reads."""
    OPERATOR = 1
    """Sends, cancels, acknowledges, calls the roll, stops transmitting."""
    ADMIN = 2
    """Keeps the box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who acts: the name of the token goes into the record of every act."""

    name: str
    role: Role
    ceiling: Precedence
    """The most urgent precedence this caller may send with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message as typed. `to` holds call signs, station numbers or group names, unresolved."""

    to: tuple[str, ...]
    text: str
    precedence: Precedence = Precedence.ROUTINE
    kind: MessageKind = MessageKind.TEXT
    lifetime_s: int | None = None
    """None: DEFAULT_LIFETIME_S."""
    ack_wanted: bool = False
    keep: bool = False
    """Keep it for a bigger bearer instead of refusing it when it fits no living one."""
    exercise: bool = False


class Refusal(StrEnum):
    """Why a request that is well formed is not done; each is one HTTP status."""

    NOT_ALLOWED = "not_allowed"
    """403: the caller's role or ceiling does not reach."""
    CONFLICT = "conflict"
    """409: the thing's state does not allow it, or an idempotency key came back with another body."""
    TOO_LARGE = "too_large"
    """413: the text fits no living bearer; `limit` and `found` are octets."""
    NO_ROUTE = "no_route"
    """422: no link could ever reach the recipient."""
    TOO_MANY = "too_many"
    """429: a rate or a number is exhausted for now."""
    UNAVAILABLE = "unavailable"
    """503: cannot be taken now, try again."""
    NO_SPACE = "no_space"
    """507: the disk is full for this precedence."""


class RefusedError(FieldgateError):
    """The gateway will not do it; nothing was changed. `field`, `limit` and `found` as in BadInputError."""

    def __init__(
        self,
        reason: Refusal,
        *,
        en: str,
        zh: str,
        field: str = "",
        limit: str = "",
        found: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(en, zh)
        self.reason = reason
        self.field = field
        self.limit = limit
        self.found = found
        self.retry_after_s = retry_after_s


class NotFoundError(FieldgateError):
    """Nothing here has that name; answered as 404. `field` says what was looked for."""

    def __init__(self, field: str, found: str) -> None:
        super().__init__(f"{field}: there is no {found!r}", f"{field}：没有 {found!r}")
        self.field = field
        self.found = found


EventRow = tuple[int, str, dict[str, object], int]
"""(cursor, kind, body, unix_ms). The part of `kind` before the first dot names what changed:
`message`, `attempt`, `link`, `alarm`, `rollcall`, `station`, `quiet`, `quarantine`; the body holds at least
the `id`, `station` or `key` of the thing, and never a message's text."""


class Backend(Protocol):
    """The gateway as the API sees it. Raises BadInputError, NotFoundError, RefusedError and LedgerError.

    Dictionaries hold only what JSON holds. Times are `*_unix_ms` by this box's clock, 0 where not yet.
    Every act is recorded with `caller.name`. Precedence ceilings and roles are checked before a call.
    """

    async def health(self) -> dict[str, object]:
        """Return how this gateway is.

        `station` int, `call_sign`, `name`, `version`, `uptime_s`, `unix_ms`, `time_quality` (TimeQuality),
        `exercise` bool (this box stands in an exercise), `ledger` {`state`: `ok`|`set_aside`|`full`|
        `broken`, `octets`, `octets_max`}, `quiet` {link: bool}, `counts` {name: int} (at least `queued`),
        `alarms` (number active), `events` {`epoch`: str, changes when cursors start anew; `newest`: int}.
        """

    async def links(self, station: str | None) -> list[LinkReport]:
        """Return the links of all gateways known here, own first; or those of one, by call sign or number."""

    async def ask_links(self, station: str) -> None:
        """Send a request for a link report; the answer arrives as an event."""

    async def stations(self) -> list[dict[str, object]]:
        """Return the roster with presence.

        `number`, `call_sign`, `name`, `path` (city/district/unit), `kind` (`gateway`, `handheld`, ...),
        `groups` [str], `heard` None or {`unix_ms`, `link`, `bearer`, `how`, `via` (gateway number),
        `online`}, `position` None or {`latitude_deg`, `longitude_deg`, `fix_age_s`}.
        """

    async def submit(
        self, new: NewMessage, caller: Caller, idempotency_key: str | None
    ) -> tuple[Message, bool]:
        """Take a message; it is durable when this returns. The flag says: this key was seen, same answer.

        Keys count per caller name. The same key with another message is RefusedError(CONFLICT).
        """

    async def messages(
        self, *, limit: int, before: str | None, state: str | None, station: str | None
    ) -> list[Message]:
        """Return messages, newest first; `before` is a message id, `state` a recipient's state."""

    async def message(self, message_id: str) -> Message | None:
        """Return one message."""

    async def attempts(self, message_id: str) -> list[Attempt]:
        """Return every try for that message, oldest first; empty for an unknown message."""

    async def cancel(self, message_id: str, caller: Caller) -> Message:
        """Stop trying for recipients not yet reached; CONFLICT when there is none."""

    async def mark_read(self, message_id: str, caller: Caller) -> Message:
        """Record that a person here has read it; the origin is told."""

    async def acknowledge(self, message_id: str, caller: Caller) -> Message:
        """Record that a person here acknowledges it; the origin is told who."""

    async def start_roll_call(
        self, *, stations: tuple[str, ...], title: str, exercise: bool, deadline_s: int | None, caller: Caller
    ) -> dict[str, object]:
        """Begin a roll call; empty `stations` = every station of the roster that can answer.

        Returns what `roll_call` returns.
        """

    async def roll_calls(self, limit: int) -> list[dict[str, object]]:
        """Return headers with counts, newest first (what `roll_call` returns, without `entries`)."""

    async def roll_call(self, call_id: str) -> dict[str, object] | None:
        """Return one roll call.

        `id`, `title`, `exercise`, `caller`, `scheme`, `state` (`running`|`ended`), `started_unix_ms`,
        `deadline_unix_ms`, `ended_unix_ms`, `hash`, `previous_hash`, `counts` {`expected`, `answered`,
        `late`, `relayed`, `substitute`, `inferred`, `absent`, `fault`, `wrong_station`, `excused`,
        `maintenance`, `pending`} (`answered` counts late, relayed and substitute too; `expected` is answered
        + inferred + absent + fault + wrong_station + pending; excused and maintenance stand beside it),
        `entries` [{`station`, `call_sign`, `name`, `state`, `evidence` (or ""), `bearer`,
        `link`, `via`, `by`, `tries`, `called_unix_ms`, `answered_unix_ms`, `note`, `authenticated` bool}].
        An entry's `state` is one of `pending`, `answered`, `late`, `relayed`, `substitute`, `inferred`,
        `absent`, `fault`, `wrong_station`, `excused`, `maintenance`.
        """

    async def mark_entry(
        self, call_id: str, station: str, state: str, note: str, caller: Caller
    ) -> dict[str, object]:
        """Let an operator set one entry (`excused`, `substitute`, ...); returns the roll call."""

    async def quiet(self, link: str, on: bool, caller: Caller) -> dict[str, bool]:  # noqa: FBT001
        """Stop or resume transmitting on one link or `all`; returns every link's switch.

        Stopping holds from the call on. UNAVAILABLE: it holds, but a restart would not know of it; or, when
        resuming, nothing was changed.
        """

    async def alarms(self, *, active_only: bool) -> list[Alarm]:
        """Return alarms, newest first; active = not cleared, or not acknowledged."""

    async def acknowledge_alarm(self, key: str, caller: Caller) -> Alarm:
        """Record who looks after it; a second acknowledgement keeps the first name."""

    async def clear_alarm(self, key: str, caller: Caller) -> Alarm:
        """Record who ended it; acknowledges it too. A second clearing keeps the first name."""

    async def quarantine(self) -> list[dict[str, object]]:
        """Return texts from addresses not in the roster.

        `id`, `link`, `bearer`, `address`, `text`, `heard_unix_ms`.
        """

    async def events_after(self, cursor: int, limit: int) -> tuple[int, list[EventRow]]:
        """Return (oldest cursor kept, at most `limit` rows newer than `cursor`, in order).

        Cursors begin at 1 and rise; when no event is kept, the oldest is the one that comes next.
        """

    async def wait_events(self, cursor: int) -> None:
        """Return when something newer than `cursor` is durable."""
