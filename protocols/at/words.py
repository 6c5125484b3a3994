"""What numbered errors of AT terminals and short message centres mean, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Words(NamedTuple):
    """One fact in two languages."""

    en: str
    zh: str


CME: Mapping[int, Words] = MappingProxyType(
    {
        0: Words("terminal failure", "终端故障"),
        3: Words("operation not allowed", "操作不允许"),
        4: Words("operation not supported", "操作不支持"),
        5: Words("PH-SIM PIN required", "需要机卡锁密码"),
        10: Words("SIM not inserted", "未插卡"),
        11: Words("SIM PIN required", "需要 PIN 码"),
        12: Words("SIM PUK required", "需要 PUK 码"),
        13: Words("SIM failure", "卡故障"),
        14: Words("SIM busy", "卡忙"),
        15: Words("SIM wrong", "卡错误"),
        16: Words("incorrect password", "密码错误"),
        17: Words("SIM PIN2 required", "需要 PIN2 码"),
        18: Words("SIM PUK2 required", "需要 PUK2 码"),
        20: Words("memory full", "存储已满"),
        21: Words("invalid index", "序号无效"),
        22: Words("not found", "未找到"),
        23: Words("memory failure", "存储故障"),
        24: Words("text string too long", "字符串过长"),
        25: Words("invalid characters in text string", "字符串含无效字符"),
        26: Words("dial string too long", "拨号串过长"),
        27: Words("invalid characters in dial string", "拨号串含无效字符"),
        30: Words("no network service", "无网络服务"),
        31: Words("network timeout", "网络超时"),
        32: Words("network not allowed, emergency calls only", "网络不允许，仅限紧急呼叫"),
        50: Words("incorrect parameters", "参数错误"),
        100: Words("unknown error", "未知错误"),
        103: Words("illegal terminal", "终端非法"),
        106: Words("illegal equipment", "设备非法"),
        107: Words("service not allowed", "业务不允许"),
        111: Words("network not allowed here", "此网络不允许"),
        112: Words("area not allowed", "此区域不允许"),
        113: Words("roaming not allowed here", "此区域不允许漫游"),
        148: Words("unspecified packet service error", "分组业务未明错误"),
    }
)
"""3GPP TS 27.007 clause 9.2."""

CMS: Mapping[int, Words] = MappingProxyType(
    {
        1: Words("unassigned number", "空号"),
        8: Words("operator determined barring", "运营商限制"),
        10: Words("call barred", "呼叫受限"),
        21: Words("short message transfer rejected", "短信被拒绝"),
        27: Words("destination out of service", "对方不在服务区"),
        28: Words("unidentified subscriber", "用户无法识别"),
        29: Words("facility rejected", "业务被拒绝"),
        30: Words("unknown subscriber", "用户不存在"),
        38: Words("network out of order", "网络故障"),
        41: Words("temporary failure", "临时故障"),
        42: Words("congestion", "网络拥塞"),
        47: Words("resources unavailable", "资源不足"),
        50: Words("facility not subscribed", "业务未开通"),
        69: Words("facility not implemented", "业务未实现"),
        300: Words("terminal failure", "终端故障"),
        301: Words("SMS service reserved", "短信业务保留"),
        302: Words("operation not allowed", "操作不允许"),
        303: Words("operation not supported", "操作不支持"),
        304: Words("invalid PDU mode parameter", "PDU 参数无效"),
        305: Words("invalid text mode parameter", "文本参数无效"),
        310: Words("SIM not inserted", "未插卡"),
        311: Words("SIM PIN required", "需要 PIN 码"),
        313: Words("SIM failure", "卡故障"),
        314: Words("SIM busy", "卡忙"),
        315: Words("SIM wrong", "卡错误"),
        316: Words("SIM PUK required", "需要 PUK 码"),
        320: Words("memory failure", "存储故障"),
        321: Words("invalid memory index", "存储序号无效"),
        322: Words("memory full", "存储已满"),
        330: Words("SMSC address unknown", "短信中心号码未知"),
        331: Words("no network service", "无网络服务"),
        332: Words("network timeout", "网络超时"),
        340: Words("no acknowledgement expected", "无需确认"),
        500: Words("unknown error", "未知错误"),
    }
)
"""3GPP TS 27.005 clause 3.2.5; 0 to 127 are causes of TS 24.011 clause E.2."""

REPORT: Mapping[int, Words] = MappingProxyType(
    {
        0x00: Words("delivered", "已送达"),
        0x01: Words("forwarded, delivery not confirmed", "已转交，送达未经证实"),
        0x02: Words("replaced by the centre", "已被中心替换"),
        0x40: Words("remote procedure error", "远端流程错误"),
        0x41: Words("incompatible destination", "目的终端不兼容"),
        0x42: Words("rejected by the recipient", "被接收方拒绝"),
        0x43: Words("not obtainable", "无法接通"),
        0x44: Words("quality of service not available", "服务质量不可用"),
        0x45: Words("no interworking", "网间不互通"),
        0x46: Words("validity period expired", "有效期已过"),
        0x47: Words("deleted by the sender", "被发送方删除"),
        0x48: Words("deleted by the centre", "被中心删除"),
        0x49: Words("message does not exist", "短信不存在"),
        0x60: Words("congestion, given up", "网络拥塞，已放弃"),
        0x61: Words("recipient busy, given up", "对方忙，已放弃"),
        0x62: Words("no response from the recipient, given up", "对方无响应，已放弃"),
        0x63: Words("service rejected, given up", "业务被拒绝，已放弃"),
        0x64: Words("quality of service not available, given up", "服务质量不可用，已放弃"),
        0x65: Words("error at the recipient, given up", "对方终端错误，已放弃"),
    }
)
"""TP-Status, 3GPP TS 23.040 clause 9.2.3.15."""

MEMORY_FULL = frozenset({("CME", 20), ("CMS", 322)})
"""Errors that mean there is no place left for messages."""

NO_SIM = frozenset({("CME", 10), ("CME", 13), ("CME", 15), ("CMS", 310), ("CMS", 313), ("CMS", 315)})
"""Errors that mean no usable card is in the terminal."""

PERMANENT = frozenset({1, 8, 10, 21, 28, 29, 30, 50, 69, 304, 305})
"""CMS errors that the same message to the same number will meet again."""


def error_words(family: str, code: int | None) -> Words:
    """Return what `+CME ERROR` or `+CMS ERROR` says; an unnumbered or unknown one says its number."""
    table = CME if family == "CME" else CMS
    if code is None:
        return Words("error without a reason", "未说明原因的错误")
    return table.get(code, Words(f"+{family} ERROR {code}", f"+{family} 错误 {code}"))


def report_words(status: int) -> Words:
    """Return what the status octet of a status report says."""
    if status in REPORT:
        return REPORT[status]
    classes = (
        Words("delivered", "已送达"),
        Words("not delivered yet, still trying", "尚未送达，仍在尝试"),
        Words("permanent error", "永久性错误"),
        Words("given up after a temporary error", "临时错误后放弃"),
    )
    words = classes[status >> 5 & 3] if status < 0x80 else Words("reserved status", "保留状态")  # noqa: PLR2004
    return Words(f"{words.en} (0x{status:02X})", f"{words.zh}（0x{status:02X}）")
