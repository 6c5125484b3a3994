"""What result codes mean to people, in English and Chinese, and how far an attempt got by them."""

from __future__ import annotations

from drivers.base import Stage
from protocols.hytera.data import DdsResult
from protocols.hytera.tmp import Result

TMP_WORDS = {
    Result.FAIL: "failed 发送失败",
    Result.INVALID_PARAMS: "invalid parameters 参数无效",
    Result.CHANNEL_BUSY: "channel busy 信道忙",
    Result.RX_ONLY: "channel is receive only 信道只收",
    Result.LOW_BATTERY: "battery low 电量低",
    Result.PLL_UNLOCK: "synthesiser unlocked 频率合成器失锁",
    Result.PRIVATE_CALL_NO_ACK: "no acknowledgement from the station 对方未应答",
    Result.REPEATER_WAKEUP_FAIL: "repeater did not wake 中转台唤醒失败",
    Result.NO_CONTACT: "no such contact 无此联系人",
    Result.TX_DENY: "transmission denied 禁止发射",
    Result.TX_INTERRUPTED: "transmission interrupted 发射被打断",
}
DDS_WORDS = {
    DdsResult.FAIL: "failed 发送失败",
    DdsResult.LIMITED_TIMEOUT: "timed out 超时",
    DdsResult.NO_ACK: "no acknowledgement from the station 对方未应答",
    DdsResult.ERROR_ACK: "wrong acknowledgement 应答错误",
    DdsResult.WAKEUP_FAIL: "repeater did not wake 中转台唤醒失败",
    DdsResult.TX_INTERRUPTED: "transmission interrupted 发射被打断",
    DdsResult.TX_DENY: "transmission denied 禁止发射",
    DdsResult.INVALID_PARAMS: "invalid parameters 参数无效",
}
VOICE = "voice in progress"
VOICE_ZH = "话音占用"
QUIET = "transmitting is stopped"
QUIET_ZH = "发射已停止"


def tmp_words(result: int) -> str:
    """Words for a TMP result; the number where it has none."""
    known = {int(code): words for code, words in TMP_WORDS.items()}
    return f"{known.get(result, 'unknown result 未知结果')} ({result})"


def dds_words(result: int) -> str:
    """Words for a delivery state; the number where it has none."""
    known = {int(code): words for code, words in DDS_WORDS.items()}
    return f"{known.get(result, 'unknown result 未知结果')} ({result})"


def tmp_stage(result: int, *, group: bool, native: bool) -> Stage:
    """How far a message got.

    No acknowledgement is no failure: the text may stand on the screen and only the answer be lost. A group
    has nobody who acknowledges, so its success is "on air".
    """
    if result == Result.PRIVATE_CALL_NO_ACK:
        return Stage.UNKNOWN
    if result != Result.OK:
        return Stage.FAILED
    if group:
        return Stage.ON_AIR
    return Stage.DELIVERED if native else Stage.AT_NETWORK
