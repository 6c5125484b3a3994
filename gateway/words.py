"""The field's own words in Chinese and English, for people's eyes: reports, the command line, errors."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

ZH: Mapping[str, str] = MappingProxyType(
    {
        # precedence
        "DEFERRED": "平件",
        "ROUTINE": "平急",
        "PRIORITY": "加急",
        "IMMEDIATE": "特急",
        "FLASH": "特提",
        "SOS": "求救",
        # roles of a token
        "viewer": "查看",
        "operator": "操作员",
        "admin": "管理员",
        # bearers
        "pdt": "PDT电台",
        "beidou": "北斗",
        "tiantong": "天通",
        "iridium": "铱星",
        "vsat": "卫星便携站",
        "mesh": "自组网",
        "cellular": "公网",
        "lan": "局域网",
        # link states
        "absent": "未接入",
        "starting": "启动中",
        "up": "正常",
        "suspect": "可疑",
        "down": "中断",
        "recovering": "恢复中",
        "blocked": "受阻",
        # states of a recipient and of an attempt
        "queued": "排队",
        "unknown": "结果未知",
        "at_modem": "已到终端",
        "on_air": "已发射",
        "at_network": "已到网络",
        "relayed": "已转交",
        "delivered": "已送达",
        "read": "已读",
        "acknowledged": "已签收",
        "expired": "已过期",
        "refused": "已拒绝",
        "cancelled": "已撤销",
        "superseded": "已被取代",
        "failed": "失败",
        # evidence
        "protocol": "协议",
        "observed": "观测",
        "inferred": "推断",
        # alarms
        "sos": "求救",
        "lost_contact": "失联",
        "reused_counter": "计数器重用",
        "ledger_set_aside": "台账损坏已另存",
        "unacknowledged": "无人签收",
        "refused_frames": "拒收帧",
        "disk_full": "磁盘已满",
        # how a station was heard
        "registration": "注册",
        "online_check": "在线检查",
        "text": "文字",
        "voice": "话音",
        "position": "定位",
        # health
        "ntp": "NTP",
        "system": "本机时钟",
        "ok": "正常",
        "set_aside": "已另存",
        "full": "已满",
        "running": "进行中",
        "ended": "已结束",
    }
)
"""A word of the API and its Chinese; English readers get the word itself, spaces for underscores."""

ROLL_CALL_ZH: Mapping[str, str] = MappingProxyType(
    {
        "expected": "应到",
        "answered": "已到",
        "late": "迟到",
        "relayed": "代转",
        "substitute": "代答",
        "inferred": "推断在线",
        "absent": "缺席",
        "fault": "故障",
        "wrong_station": "错位",
        "excused": "请假",
        "maintenance": "检修",
        "pending": "待答",
    }
)
"""States and counts of a roll call; some words mean other things elsewhere (absent, relayed)."""


def say(word: str, lang: str) -> str:
    """Return a word of the API in `lang` (zh or en); an unknown one as it is."""
    return ZH.get(word, word) if lang == "zh" else word.replace("_", " ")


def say_roll_call(word: str, lang: str) -> str:
    """Return a state or count of a roll call in `lang`."""
    return ROLL_CALL_ZH.get(word, word) if lang == "zh" else word.replace("_", " ")


def zh(member: Enum) -> str:
    """Return an enum member's Chinese."""
    for word in (member.value, member.name, member.name.lower()):
        if isinstance(word, str) and word in ZH:
            return ZH[word]
    return member.name
