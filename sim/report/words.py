"""Words of the simulator that the gateway does not have: faults and what became of bursts, in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sim.faults.model import Kind
from sim.scenario.model import Do

FATES_ZH: Mapping[str, str] = MappingProxyType(
    {
        "carried": "送达",
        "lost": "丢失",
        "cut": "被切断",
        "collided": "碰撞",
        "faded": "衰落",
        "deaf": "对方正在发射",
    }
)
"""What became of a burst; English readers get the word itself."""

FAULTS_ZH: Mapping[str, str] = MappingProxyType(
    {
        Do.CUT_ROAD.value: "断路",
        Do.CUT_NETWORK.value: "断网",
        Do.CUT_POWER.value: "断电（市电）",
        Kind.CUT.value: "切断",
        Kind.LOSS.value: "丢包",
        Kind.DUPLICATE.value: "复制",
        Kind.REORDER.value: "乱序",
        Kind.CORRUPT.value: "误码",
        Kind.CLOG.value: "堵塞",
        Kind.SWIZZLE.value: "逐台堵塞",
        Kind.BLOCKED.value: "遮挡",
        Kind.CRASH.value: "进程崩溃",
        Kind.POWER_CUT.value: "断电",
        Kind.TORN_WRITE.value: "写入中断电",
        Kind.PAUSE.value: "进程停顿",
        Kind.REBOOT_LOOP.value: "反复重启",
        Kind.DISK_FULL.value: "磁盘已满",
        Kind.CLOCK_STEP.value: "时钟跳变",
        Kind.RESTORED_BACKUP.value: "恢复旧备份",
        Kind.CLONED_BOX.value: "克隆机",
        Kind.BATTERY_DEATH.value: "电池耗尽",
        Kind.UNPLUG.value: "拔出串口",
        Kind.HANG.value: "设备无响应",
        Kind.STUCK.value: "串口卡死",
        Kind.SLOW.value: "串口变慢",
        Kind.GARBAGE.value: "线路乱码",
        Kind.WRONG_BAUD.value: "波特率不符",
        Kind.DEVICE_REBOOT.value: "设备重启",
        Kind.ERROR.value: "设备报错",
    }
)
"""What broke; a fault of another name is shown as it is."""


WHY_ZH: Mapping[str, str] = MappingProxyType(
    {"battery empty": "电池耗尽", "power is back": "恢复供电", "cell": "基站", "relay": "转信台"}
)
"""Why something has power or none."""


def say_fault(name: str, lang: str) -> str:
    """Return a fault's name in `lang` (zh or en)."""
    return FAULTS_ZH.get(name, name) if lang == "zh" else name.replace("_", " ")
