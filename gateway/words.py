"""The field's own words in Chinese and English, for people's eyes: reports, the command line, errors."""

from __future__ import annotations

import re
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
        "acknowledged": "已收到",
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
        "reused_identity": "报文编号重用",
        "ledger_set_aside": "台账损坏，已另存",
        "unacknowledged": "无人回复收到",
        "refused_frames": "拒收帧过多",
        "disk_full": "磁盘已满",
        # how a station was heard
        "registration": "注册",
        "online_check": "在线检查",
        "text": "文字",
        "voice": "话音",
        "position": "定位",
        "frame": "数据帧",
        "heartbeat": "心跳",
        "emergency": "紧急按键",
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

REASONS_ZH: Mapping[str, str] = MappingProxyType(
    {
        "voice in progress": "话音中",
        "service interval": "等待服务间隔",
        "transmitting stopped by an operator": "操作员已停发",
        "stopped by an operator": "操作员已停发",
        "device absent": "设备未接入",
        "device silent": "设备无响应",
        "not registered": "未入网",
        "not registered, searching": "未入网，正在搜索",
        "registration denied": "入网被拒",
        "no signal": "无信号",
        "antenna blocked": "天线受遮挡",
        "no peer answers": "对端无应答",
        "no peer known": "无已知对端",
        "waiting for a peer": "等待对端",
        "budget used up": "预算已用尽",
        "transmission inhibited": "发射被抑制",
        "not opened yet": "尚未打开",
        "opening": "正在打开",
        "port lost": "端口断开",
        "the port is gone": "端口断开",
        "no such port": "端口不存在",
        "no such file or directory": "端口不存在",
        "no acknowledgement": "无应答确认",
        "acknowledgements missing": "应答确认缺失",
        "no answer": "无应答",
        "no answer within # s": "# 秒内无应答",
        "radio does not answer": "电台无应答",
        "radio stopped answering": "电台停止应答",
        "port open, greeting the radio": "端口已开，正在连接电台",
        "port opened, initialising": "端口已开，正在初始化",
        "the terminal does not answer": "终端无应答",
        "no satellite signal": "无卫星信号",
        "poor satellite signal": "卫星信号弱",
        "the socket was lost": "套接字丢失",
        "no heartbeat for # s": "# 秒无心跳",
        "not heard for # s": "已 # 秒未听到",
        "not heard for # min (limit # min)": "已 # 分钟未听到（限 # 分钟）",
        "no way on from here": "本网关无法继续转发",
        "needs # octets, limit #": "需 # 字节，上限 # 字节",
        "identity used twice": "报文编号重复使用",
        "link down": "链路中断",
        "no receipt": "无回执",
        "emergency button": "紧急按键",
    }
)
"""Reasons given by drivers and the gateway, in Chinese; `#` stands for a number. The page has the same."""

BILINGUAL = re.compile(r"([a-z][\x20-\x7e]*?)(?: / | (?=[\u4e00-\u9fff]+$))([^/]*[\u4e00-\u9fff][^/]*)")
"""A reason that says itself twice: English, then Chinese, with or without a stroke between."""
NUMBERS = re.compile(r"\d+(?:\.\d+)?")

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


PLANNED = re.compile(
    r"([A-Za-z_]\w*): (?=up|down|absent|starting|suspect|recovering|blocked|needs|bearer|reported)"
)
"""How a planner's word on one link begins: the link's name."""

PLANNED_ZH = (
    (re.compile(r"(\w+), first in order (.+)"), "{0}，按 {1} 的次序最先"),
    (re.compile(r"needs (\d+) octets, limit (\d+)"), "需 {0} 字节，上限 {1}"),
    (re.compile(r"bearer (\w+) not in the order for this precedence"), "承载{0}不在此等级的次序内"),
    (re.compile(r"reported down by (\S+)"), "{0} 报告此链路中断"),
)
"""What it says, in Chinese; the page has the same."""


def say(word: str, lang: str) -> str:
    """Return a word of the API in `lang` (zh or en); an unknown one as it is."""
    return ZH.get(word, word) if lang == "zh" else word.replace("_", " ")


def say_roll_call(word: str, lang: str) -> str:
    """Return a state or count of a roll call in `lang`."""
    return ROLL_CALL_ZH.get(word, word) if lang == "zh" else word.replace("_", " ")


def say_reason(text: str, lang: str) -> str:
    """Return a reason, or a list of them, in `lang`; one we have no Chinese for as it came."""
    if lang == "zh" and PLANNED.match(text):
        return "；".join(_say_planned(one) for one in text.split("; "))
    if both := BILINGUAL.fullmatch(text):
        return both[2] if lang == "zh" else both[1]
    if lang != "zh":
        return text
    known = REASONS_ZH.get(NUMBERS.sub("#", text).lower())
    if known is None:
        return text
    for number in NUMBERS.findall(text):
        known = known.replace("#", number, 1)
    return known


def _say_planned(text: str) -> str:
    """Say what the planner says of one link; what it does not know as it came."""
    named = PLANNED.match(text)
    if named is None:
        return text
    said = text[named.end() :]
    for pattern, words in PLANNED_ZH:
        if found := pattern.fullmatch(said):
            said = words.format(*(ZH.get(word, word) for word in found.groups()))
            break
    else:
        said = ZH.get(said, said)
    return f"{named[1]}：{said}"


def zh(member: Enum) -> str:
    """Return an enum member's Chinese."""
    for word in (member.value, member.name, member.name.lower()):
        if isinstance(word, str) and word in ZH:
            return ZH[word]
    return member.name
