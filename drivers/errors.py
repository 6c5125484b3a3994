"""What a driver or a port raises; each class is a different next step for the caller."""

from __future__ import annotations

from protocols.errors import FieldgateError


class LinkDownError(FieldgateError):
    """The link cannot send at all now: use another one."""

    def __init__(self, link: str, reason: str) -> None:
        super().__init__(f"{link}: down ({reason})", f"{link}：链路中断（{reason}）")
        self.link = link
        self.reason = reason


class LinkBusyError(FieldgateError):
    """The link is up but may not transmit yet: try again here, after `retry_after_s`."""

    def __init__(self, link: str, *, retry_after_s: float, reason: str = "busy", zh: str = "") -> None:
        super().__init__(
            f"{link}: {reason}, again in {retry_after_s:.1f} s",
            f"{link}：{zh or reason}，{retry_after_s:.1f} 秒后再试",
        )
        self.link = link
        self.retry_after_s = retry_after_s
        self.reason = reason


class LinkRefusedError(FieldgateError):
    """This transmission can never go over this link: too long, wrong address, unsupported service."""

    def __init__(self, link: str, reason: str, zh: str = "") -> None:
        super().__init__(f"{link}: refused, {reason}", f"{link}：拒绝，{zh or reason}")
        self.link = link
        self.reason = reason


class StreamLostError(FieldgateError):
    """The port vanished under us; open it again."""


class PortUnavailableError(FieldgateError):
    """The port cannot be opened now: absent, in use or forbidden. `reason` is a short fact."""

    def __init__(self, device: str, reason: str, zh: str = "") -> None:
        super().__init__(f"{device}: {reason}", f"{device}：{zh or reason}")
        self.device = device
        self.reason = reason
