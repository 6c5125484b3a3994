"""Names an expectation may use: promises, things that become true after healing, and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from drivers.base import Bearer, Precedence

PROMISES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "promises": ("all of P1 to P8", "P1 至 P8 全部"),
        "P1": ("nothing accepted is lost", "已受理的一条不丢"),
        "P2": ("nobody reads a message twice", "谁也不会把一条报文读两遍"),
        "P3": ("delivery state is honest", "送达状态真实"),
        "P4": ("precedence counts on the air", "空口按等级先后"),
        "P5": ("any living bearer carries it", "只要有一种承载活着就能送"),
        "P6": ("airtime budgets and transmit clocks hold", "空口预算与发射计时不破"),
        "P7": ("no clock, internet or DNS needed", "不依赖时钟、互联网和 DNS"),
        "P8": ("one bad device stops nothing else", "一台坏设备不拖累其他"),
    }
)
"""Names after `always`."""

EVENTUALLY: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "all_delivered": (
            "every accepted message was shown to its recipient",
            "每条已受理报文都已在收方显示",
        ),
        "all_settled": ("every copy is settled at its origin", "每份报文在发方都有了结"),
        "queues_empty": ("no gateway holds anything that waits for a link", "各网关没有等待发送的东西"),
        "links_up": ("every link that is not cut is shown as up", "凡未被切断的链路都显示正常"),
        "gateways_up": ("every gateway runs", "每台网关都在运行"),
        "hq_sees_all": ("headquarters has lost contact with nobody", "指挥部没有失联的网关"),
        "roll_calls_ended": ("every roll call has ended with its record", "每次点名都已结束并留有记录"),
        "alarms_told": ("every emergency was shown at headquarters", "每次求救都已在指挥部显示"),
    }
)
"""Names after `eventually`."""

_COUNTED: Final = {
    "messages.typed": ("texts typed or handed to an API", "键入或提交的报文数", "count"),
    "messages.delivered": ("share shown to its recipient", "已送达的比例", "0..1"),
    "messages.lost": ("accepted and never shown", "已受理却未送达的条数", "count"),
    "messages.duplicates": ("shown twice", "重复显示的条数", "count"),
    "messages.repeats": ("shown again, marked （重发）", "标明（重发）的条数", "count"),
    "messages.refused": ("not accepted", "未受理的条数", "count"),
    "rollcall.answered": ("share of the expected, late ones too", "应到者中应答的比例（含迟到）", "0..1"),
    "rollcall.accounted": ("share answered or inferred", "应答或推定在岗的比例", "0..1"),
    "rollcall.absent": ("share absent", "缺席的比例", "0..1"),
    "rollcall.took": ("longest roll call", "最长一次点名用时", "s"),
    "sos.delivered": ("share of emergencies shown at headquarters", "求救到达指挥部的比例", "0..1"),
    "sos.latency": ("longest time from the button to headquarters", "按键到指挥部的最长时间", "s"),
    "failover.latency": (
        "95th percentile: link cut until the state shows it",
        "链路中断到状态更新（95 分位）",
        "s",
    ),
    "crowd.sent": ("reports of the crowd", "背景人群的上报数", "count"),
    "crowd.acked": ("reports of the crowd that were acknowledged", "其中得到确认的", "count"),
    "crowd.collided": ("bursts of the crowd lost to others at a receiver", "背景人群被碰撞掉的突发", "count"),
    "crowd.delivered": ("share of the crowd's reports acknowledged", "背景人群上报得到确认的比例", "0..1"),
    "energy.died": ("gateways whose battery ran empty", "电池耗尽的网关数", "count"),
}
_TIMES: Final = ("p50", "p95", "max")


def _metrics() -> dict[str, tuple[str, str, str]]:
    found = dict(_COUNTED)
    for time in _TIMES:
        found[f"latency.{time}"] = (f"typed until shown, {time}", f"键入到显示的时间，{time}", "s")
    for word in (*(p.name.lower() for p in Precedence), *(b.value for b in Bearer)):
        found[f"delivered.{word}"] = (f"share shown, {word} only", f"仅 {word}：已送达的比例", "0..1")
        for time in _TIMES:
            found[f"latency.{time}.{word}"] = (f"the same, {word} only", f"同上，仅 {word}", "s")
    for bearer in Bearer:
        found[f"airtime.{bearer.value}"] = ("share of time on the air", "空口占用的比例", "0..1")
        found[f"octets.{bearer.value}"] = ("octets sent", "发送的字节数", "count")
    return found


METRICS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(_metrics())
"""Names after `metric`: meaning in English and Chinese, and unit."""
