"""Puts one transmission through the terminal, part by part, and tells honestly what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.at_modem.compose import pdus
from drivers.at_modem.config import AtModemConfig
from drivers.at_modem.health import bilingual, result_words
from drivers.at_modem.reports import Reports
from drivers.at_modem.session import NoAnswerError, Prompted, Session
from drivers.base import (
    Clock,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    Progress,
    Stage,
    StreamLostError,
    Transmission,
)
from protocols.at import Result, Words, interpret
from protocols.at.meaning import SentReference
from protocols.at.words import PERMANENT
from protocols.sms import cmgs_length

TRIES = 3
"""How often a part is offered while the terminal refuses before the PDU; nothing is on the air yet."""

BACKOFF_S = (1.0, 2.0, 4.0, 8.0)
"""Waits between tries, as terminals of this kind do themselves."""

NETWORK_TIMEOUT = ("CMS", 332)
"""The network did not answer the terminal: it may have the message all the same."""

NO_REFERENCE = -1

CANCELLED = Words("cancelled before it was submitted", "提交前已取消")
NO_ANSWER = Words("no answer after the PDU was submitted", "提交后无应答")


@dataclass(slots=True)
class Job:
    """One transmission under way. `cancelled` stops it before its next PDU."""

    transmission: Transmission
    reference: int
    cancelled: bool = False
    commanded: bool = False
    """Whether any octet was written for it."""
    written: bool = False
    """Whether a PDU was written: from then on progress tells the outcome, not an exception."""

    def begin(self) -> None:
        """Note that octets go out for it now."""
        self.commanded = True


class _Ended(Exception):  # noqa: N818 - not an error: what became of the transmission
    """Leaves the parts: this is the outcome."""

    def __init__(self, stage: Stage, words: Words) -> None:
        super().__init__(words.en)
        self.stage = stage
        self.words = words


class Transmitter:
    """Sends through one session; `put` takes the progress, `reports` awaits the reports."""

    def __init__(
        self,
        name: str,
        config: AtModemConfig,
        clock: Clock,
        put: Callable[[Progress], None],
        reports: Reports,
    ) -> None:
        self.unanswered = 0
        """Commands running that the terminal did not answer."""
        self._name = name
        self._config = config
        self._clock = clock
        self._put = put
        self._reports = reports

    async def run(self, session: Session, job: Job) -> None:
        """Send all parts. Raises while nothing is on the air; afterwards Progress tells."""
        transmission = job.transmission
        try:
            for pdu in pdus(self._name, transmission, self._config, job.reference):
                reference = await self._part(session, job, pdu)
                if reference != NO_REFERENCE:
                    self._reports.part(transmission.destination, reference, transmission.handle)
        except _Ended as ended:
            self._reports.given_up(transmission.handle)
            self.tell(job, ended.stage, reason=bilingual(ended.words))
            return
        device_ref, delivered = self._reports.sent(transmission.handle)
        self.tell(job, Stage.AT_NETWORK, device_ref=device_ref)
        if delivered:
            self.tell(job, Stage.DELIVERED, device_ref=device_ref)

    def tell(self, job: Job, stage: Stage, *, device_ref: str = "", reason: str = "") -> None:
        """Report progress of a job."""
        self._put(Progress(handle=job.transmission.handle, stage=stage, device_ref=device_ref, reason=reason))

    async def _part(self, session: Session, job: Job, pdu: bytes) -> int:
        """Return the network's reference; raises _Ended, or a link error while nothing was submitted."""
        command = f"AT+CMGS={cmgs_length(pdu)}"
        refused = Result(ok=False, word="ERROR")
        for attempt in range(TRIES):
            if attempt:
                await self._clock.sleep(BACKOFF_S[attempt - 1])
            if job.cancelled:
                raise _Ended(Stage.FAILED, CANCELLED)
            outcome = await self._offer(session, job, command, pdu)
            if isinstance(outcome, int):
                return outcome
            refused = outcome
            if refused.family == "CMS" and refused.code in PERMANENT:
                break
        words = result_words(refused)
        if job.written:
            raise _Ended(Stage.FAILED, words)
        if refused.family == "CMS" and refused.code in PERMANENT:
            raise LinkRefusedError(self._name, words.en, words.zh)
        raise LinkBusyError(self._name, retry_after_s=BACKOFF_S[-1], reason=bilingual(words))

    async def _offer(self, session: Session, job: Job, command: str, pdu: bytes) -> int | Result:
        """Try one part once: the network's reference, or the terminal's refusal before the PDU."""
        submitted = False
        try:
            async with session.prompted(command, self._config.command_timeout_s, job.begin) as prompted:
                if prompted.refused is not None:
                    return prompted.refused
                if job.cancelled:
                    await prompted.give_up(self._config.command_timeout_s)
                    raise _Ended(Stage.FAILED, CANCELLED)
                submitted = True
                return await self._submit(prompted, job, pdu)
        except NoAnswerError as error:
            self.unanswered += 1
            if submitted:
                raise _Ended(Stage.UNKNOWN, NO_ANSWER) from error
            if job.written:
                raise _Ended(Stage.FAILED, Words(str(error), "终端无应答")) from error
            raise LinkBusyError(self._name, retry_after_s=BACKOFF_S[-1], reason=str(error)) from error
        except StreamLostError as error:
            if submitted:
                raise _Ended(Stage.UNKNOWN, NO_ANSWER) from error
            if job.written:
                raise _Ended(Stage.FAILED, Words(error.en, error.zh)) from error
            raise LinkDownError(self._name, error.en) from error

    async def _submit(self, prompted: Prompted, job: Job, pdu: bytes) -> int:
        if not job.written:
            job.written = True
            self.tell(job, Stage.AT_MODEM)
        answer = await prompted.send(pdu, self._config.send_timeout_s)
        self.unanswered = 0
        if answer.result.ok:
            line = answer.find("+CMGS")
            meaning = interpret(line) if line is not None else None
            return meaning.reference if isinstance(meaning, SentReference) else NO_REFERENCE
        unknown = (answer.result.family, answer.result.code) == NETWORK_TIMEOUT
        raise _Ended(Stage.UNKNOWN if unknown else Stage.FAILED, result_words(answer.result))
