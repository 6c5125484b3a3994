"""The keys of `[[at]]`: which go with which doing, and what each kind of fault takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.faults.model import Fault
from sim.faults.model import Kind as FaultKind
from sim.scenario.model import Do


@dataclass(frozen=True, slots=True)
class Step:
    """What one doing takes: keys that must be there, and keys that may."""

    must: tuple[str, ...]
    may: tuple[str, ...]
    en: str
    zh: str


DOINGS: Final = {
    Do.SEND: Step(
        ("who", "to", "text"),
        ("precedence", "count", "every", "lifetime"),
        "a client of a gateway sends",
        "网关用户发报",
    ),
    Do.TYPE: Step(("who", "text"), ("count", "every"), "a person types", "人员在设备上键入"),
    Do.SOS: Step(("who",), (), "the emergency button", "紧急按键"),
    Do.CANCEL: Step(("who",), (), "the emergency is cancelled", "解除紧急"),
    Do.REGISTER: Step(("who",), (), "a handheld registers again", "手持台重新登记"),
    Do.ROLL_CALL: Step(("who", "to"), ("within",), "a gateway calls the roll", "网关点名"),
    Do.QUIET: Step(("who", "link"), ("for",), "stop transmitting", "停发"),
    Do.VOICE: Step(("for",), ("who",), "somebody speaks on the PDT net", "PDT 网上有人讲话"),
    Do.MOVE: Step(("who",), ("to",), "drives on, or to a place", "继续行驶或移到某处"),
    Do.CUT_ROAD: Step(("road",), ("at_km", "for"), "the road is gone behind at_km", "道路在 at_km 后中断"),
    Do.CUT_NETWORK: Step((), ("area", "site", "for"), "backhaul dies, cells stay", "回传中断，基站仍在"),
    Do.CUT_POWER: Step((), ("area", "for"), "mains off; batteries last as they do", "市电中断，各靠电池"),
    Do.FAULT: Step(("target",), ("value", "for"), "one fault", "一个故障"),
    Do.HEAL: Step((), (), "everything is mended", "全部恢复"),
}
CUTS: Final = {"road": Do.CUT_ROAD, "network": Do.CUT_NETWORK, "power": Do.CUT_POWER}
"""Words after `cut`."""
DO_WORDS: Final = {do.value: do for do in Do if do not in {*CUTS.values(), Do.FAULT}}
"""Words after `do`."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What a kind of fault takes. `on` is "bearer", "node" or "device"; `value`: unit, least, most."""

    on: str
    en: str
    zh: str
    value: tuple[str, float, float] | None = None
    instant: bool = False
    """It has no length: `for_s` must be 0."""
    bearers: frozenset[str] = frozenset()
    """The bearers it can happen on; empty: all."""


YEAR_S: Final = 366 * 86_400.0
"""Longest time in a scenario."""
WRONG_DATE_S: Final = 100 * YEAR_S
"""How far a date may jump: a flat battery brings 1970, a bad receiver 2069."""
IP: Final = frozenset({"vsat", "cellular", "mesh", "lan"})
SKY: Final = frozenset({"tiantong", "beidou", "vsat"})
SERIAL: Final = frozenset({"pdt", "tiantong", "beidou"})
"""Bearers whose device is on a serial port."""
_SHARE: Final = ("share", 0.0, 1.0)

FAULTS: Final = {
    FaultKind.CUT: FaultRule("bearer", "nothing passes", "不通"),
    FaultKind.LOSS: FaultRule("bearer", "a share is lost", "按比例丢失", _SHARE),
    FaultKind.DUPLICATE: FaultRule(
        "bearer", "a share comes twice", "按比例重复", _SHARE, bearers=IP | {"beidou"}
    ),
    FaultKind.REORDER: FaultRule(
        "bearer", "longest extra delay", "乱序时延上限", ("s", 0.0, 600.0), bearers=IP
    ),
    FaultKind.CORRUPT: FaultRule("bearer", "a share has one octet changed", "按比例改一字节", _SHARE),
    FaultKind.CLOG: FaultRule("bearer", "waits, then all comes at once", "堵住，之后一齐到达"),
    FaultKind.SWIZZLE: FaultRule("bearer", "nodes clogged one by one", "逐个堵塞、乱序放开"),
    FaultKind.BLOCKED: FaultRule("bearer", "no view of the satellite", "卫星被遮挡", bearers=SKY),
    FaultKind.CRASH: FaultRule("node", "the process is killed", "进程被杀"),
    FaultKind.POWER_CUT: FaultRule(
        "node", "the box loses power", "网关断电", ("0 at once, 1 after its next frame", 0.0, 1.0)
    ),
    FaultKind.TORN_WRITE: FaultRule("node", "power cut in mid-commit", "提交中途断电", _SHARE),
    FaultKind.PAUSE: FaultRule("node", "the process is stopped", "进程暂停"),
    FaultKind.REBOOT_LOOP: FaultRule("node", "power comes and goes", "反复重启", ("s", 0.1, 3600.0)),
    FaultKind.DISK_FULL: FaultRule("node", "no more octets fit", "磁盘写满"),
    FaultKind.CLOCK_STEP: FaultRule(
        "node", "the date jumps", "日期跳变", ("s", -WRONG_DATE_S, WRONG_DATE_S), instant=True
    ),
    FaultKind.RESTORED_BACKUP: FaultRule("node", "the disk as it was", "恢复旧备份", ("s ago", 0.0, YEAR_S)),
    FaultKind.CLONED_BOX: FaultRule("node", "a copy runs beside it", "克隆机同时运行"),
    FaultKind.BATTERY_DEATH: FaultRule("node", "the battery is empty", "电池耗尽"),
    FaultKind.UNPLUG: FaultRule("device", "the port vanishes", "串口拔出"),
    FaultKind.HANG: FaultRule("device", "takes octets, says nothing", "收而不答"),
    FaultKind.STUCK: FaultRule("device", "flow control never lets go", "流控卡死"),
    FaultKind.SLOW: FaultRule(
        "device", "octets take so many times as long", "速度变慢的倍数", ("times", 1.0, 1000.0)
    ),
    FaultKind.GARBAGE: FaultRule(
        "device", "random octets a second", "每秒乱码字节数", ("octets/s", 0.0, 10_000.0)
    ),
    FaultKind.WRONG_BAUD: FaultRule("device", "listens at another rate", "波特率不符"),
    FaultKind.DEVICE_REBOOT: FaultRule("device", "restarts in mid-sentence", "终端重启"),
    FaultKind.ERROR: FaultRule("device", "answers every command with an error", "一律回错误"),
}


def fault_problem(fault: Fault) -> tuple[str, str, str, str] | None:
    """Return what a fault's own figures get wrong: key, English, Chinese, limit; None if nothing."""
    rule = FAULTS[fault.kind]
    if rule.value is None and fault.value:
        return ("value", f"{fault.kind.value} takes no value", f"{fault.kind.value} 不带 value", "0")
    if rule.value is not None and not rule.value[1] <= fault.value <= rule.value[2]:
        unit, low, high = rule.value
        return ("value", "outside its limits", "超出限制", f"{low:g}..{high:g} {unit}")
    if rule.instant and fault.for_s:
        return ("for", f"{fault.kind.value} is an instant", f"{fault.kind.value} 是瞬时的", "0")
    return None
