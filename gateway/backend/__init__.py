"""What the API asks of the gateway, answered: `gateway.api.backend.Backend` on the real parts."""

from __future__ import annotations

from gateway.backend.messages import MessageSide
from gateway.backend.parts import Parts
from gateway.backend.rollcalls import RollCallSide
from gateway.backend.state import StateSide
from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.reports import Reports
from gateway.rollcall.manager import RollCalls


class GatewayBackend(StateSide, MessageSide, RollCallSide):
    """Implements every method of the API's Protocol."""

    def __init__(self, core: Core, outbox: Outbox, reports: Reports, roll_calls: RollCalls) -> None:
        super().__init__(Parts(core, outbox, reports, roll_calls, core.now_s()))
