"""From a transmission to the PDUs that carry it; refuses what no short message can carry."""

from __future__ import annotations

import re

from drivers.at_modem.config import AtModemConfig
from drivers.base import LinkRefusedError, Service, Transmission
from protocols.errors import LocalProtocolError
from protocols.sms import (
    MAX_UD_OCTETS,
    Address,
    Alphabet,
    Submit,
    UserData,
    Validity,
    dcs_for,
    encode,
    split_text,
)

PART_OCTETS = 132
"""UTF-16 octets of one part of a long text with a 16-bit reference."""

ALONE_OCTETS = 140
"""UTF-16 octets of a text that needs no parts."""

_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def text_max_octets(config: AtModemConfig) -> int:
    """Return the longest text in UTF-16 octets that surely fits the configured number of parts.

    One character less per part than fits, where there are parts: surrogate pairs are not cut.
    """
    parts = config.text_max_parts
    return ALONE_OCTETS if parts == 1 else max(ALONE_OCTETS, (PART_OCTETS - 2) * parts)


def check(link: str, transmission: Transmission, config: AtModemConfig) -> None:
    """Raise LinkRefusedError for what can never go."""
    if transmission.service is Service.STATUS:
        raise LinkRefusedError(link, "no status enquiry on this link", "本链路不支持状态查询")
    if transmission.group or not _NUMBER.fullmatch(transmission.destination):
        found = transmission.destination[:40]
        raise LinkRefusedError(
            link,
            f"destination {found!r} is no phone number (3 to 20 digits, + allowed)",
            f"目的地址 {found!r} 不是电话号码（3 至 20 位数字，可带 +）",
        )
    if transmission.service is Service.DATA:
        size, limit = len(transmission.payload), MAX_UD_OCTETS
        if not 0 < size <= limit:
            raise LinkRefusedError(
                link, f"frame of {size} octets, limit {limit}", f"帧长 {size} 字节，限制 {limit} 字节"
            )
        return
    size, limit = len(transmission.text.encode("utf-16-le", "surrogatepass")), text_max_octets(config)
    if size > limit:
        raise LinkRefusedError(
            link, f"text of {size} octets, limit {limit}", f"短信文本 {size} 字节，限制 {limit} 字节"
        )
    if not transmission.text:
        raise LinkRefusedError(link, "empty text", "文本为空")


def is_long(transmission: Transmission) -> bool:
    """Whether the text needs parts, and so a reference of its own."""
    return transmission.service is Service.TEXT and len(split(transmission, 0)) > 1


def split(transmission: Transmission, reference: int) -> tuple[UserData, ...]:
    """Return the user data of each part."""
    if transmission.service is Service.DATA:
        return (UserData(Alphabet.OCTETS, transmission.payload),)
    return split_text(transmission.text, reference=reference)


def pdus(link: str, transmission: Transmission, config: AtModemConfig, reference: int) -> list[bytes]:
    """Return service centre and TPDU of each part; raises LinkRefusedError."""
    try:
        return [
            encode(
                Submit(
                    destination=Address.of(transmission.destination),
                    dcs=dcs_for(data.alphabet),
                    user_data=data,
                    smsc=Address.of(config.smsc) if config.smsc else None,
                    validity=Validity.relative(config.validity_s),
                    status_report=config.status_reports and transmission.service is Service.TEXT,
                )
            )
            for data in split(transmission, reference)
        ]
    except LocalProtocolError as error:
        raise LinkRefusedError(link, error.en, error.zh) from error
