"""Every key of a scenario file: its place in the model, unit, limits and meaning, one line each.

Reading, writing and the reference page all go by these lines, so that they cannot differ.
`name!` must be given; `name=place` where the model calls it otherwise (times end in `_s` there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from sim.scenario.kinds import Key, Kind
from sim.scenario.model import Action, Area, Expect, Group, Node, Road, Scenario, Site, Swarm, Zone
from sim.scenario.values import RANGE, read_time

GROUP_BEARERS: Final[Mapping[str, str]] = MappingProxyType(
    {"handheld": "pdt", "phone": "tiantong", "handset": "beidou"}
)
"""Kinds of people's devices, and the bearer each is on."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of table: `name` in the file, `attr` in the Scenario, what it becomes, and its keys."""

    name: str
    attr: str
    model: type[Any]
    keys: Mapping[str, Key]

    def default(self, key: Key) -> Any:
        """Return what holds where the key is left out; None where nothing does."""
        model: type[Any] = self.model
        value: Any = None
        for step in key.attr.split("."):
            found = next((field.default for field in fields(model) if field.name == step), MISSING)
            value = None if found is MISSING else found
            model = type(value)
        return value


def _part(name: str, attr: str, model: type[Any], rows: str) -> Part:
    keys = [_key(row) for row in rows.strip().splitlines()]
    return Part(name, attr, model, MappingProxyType({key.name: key for key in keys}))


def _key(row: str) -> Key:
    named, kind_word, unit, limits, en, zh = (part.strip() for part in row.split("|"))
    kind = Kind[kind_word.upper()]
    timed = kind in {Kind.TIME, Kind.TIME_SPAN}
    name, _, attr = named.partition("=")
    name, required = name.rstrip("!"), "!" in name
    count, _, limits = limits.rpartition(" * ")
    low, dots, high = limits.partition(RANGE)
    more: dict[str, Any] = {"low": read_time(low), "high": read_time(high)} if dots else {}
    return Key(
        name=name,
        attr=attr or name + "_s" * timed,
        kind=kind,
        en=en,
        zh=zh,
        unit=unit,
        count=int(count or 0),
        words=() if dots else tuple(limits.split()),
        required=required,
        **more,
    )


SCENARIO: Final = _part(
    "",
    "",
    Scenario,
    """
name! | id | | | short name | 短名
duration! | time | | 1s..366d | safety phase | 安全阶段时长
seed | whole | | 0..9007199254740992 | seed unless --seed says | 默认种子
""",
)

AREA: Final = _part(
    "area",
    "area",
    Area,
    """
model | word | | hata flat | hata: physics; flat: perfect | hata 有物理，flat 为理想信道
env | word | | urban_large urban suburban open | what stands around | 周围环境
sigma_db | number | dB | 0..20 | spread of shadowing | 阴影衰落标准差
shadow_m | number | m | 1..5000 | length of a shadow | 阴影相关距离
size_km | numbers | km | 2 * 0.1..1000 | east, north | 东西、南北
origin | numbers | ° | 2 * -180..180 | latitude, longitude of the south-west corner | 西南角纬度、经度
mesh | word | | ip lora | routed and fast, or flooded and slow | 自组网：IP 路由，或 LoRa 洪泛
mesh_loss | number | | 0..0.6 | share that each hop loses besides, in runs | 每跳另外成串丢失的比例
""",
)

ROAD: Final = _part(
    "road",
    "roads",
    Road,
    """
id! | id | | | its name, unique in the file | 名称，全文件唯一
points! | pairs | km | 2 * 0..1000 | corners, at least two | 折点，至少两个
tunnels | pairs | km | 2 * 0..1000 | stretches from, to along the road | 隧道：自、至（沿路）
""",
)

ZONE: Final = _part(
    "zone",
    "zones",
    Zone,
    """
id! | id | | | its name, unique in the file | 名称，全文件唯一
box! | numbers | km | 4 * 0..1000 | west, south, east, north | 西、南、东、北
tunnel | flag | | | no sky and no cells inside | 其内无天空、无公网
""",
)

SITE: Final = _part(
    "site",
    "sites",
    Site,
    """
id! | id | | | its name, unique in the file | 名称，全文件唯一
kind | word | | cell relay | 4G/5G cell or PDT relay | 公网基站或 PDT 中继
at | numbers | km | 2 * 0..1000 | place: east, north | 位置：向东、向北
antenna_m | number | m | 0.5..1000 | antenna height | 天线高度
power_dbm | number | dBm | -30..80 | transmit power | 发射功率
battery_h | span | h | 0..1000 | hours after mains went off | 停电后可用小时数
range_km | number | km | 0..1000 | reach; 0: from the link budget | 覆盖半径；0 为按链路预算
""",
)

NODE: Final = _part(
    "node",
    "nodes",
    Node,
    """
id! | id | | | its name, unique in the file | 名称，全文件唯一
links! | words | | pdt tiantong beidou vsat cellular mesh lan | bearers it has | 所带承载
station | whole | | 0..65535 | station number; 0: by order | 台号；0 为按次序编号
name | text | | | name people say; "{n}" differs | 口头名称，可含 {n}
headquarters | flag | | | has the role of headquarters | 是否指挥部
department | text | | | path in the roster | 名册中的部门路径
at | numbers | km | 2 * 0..1000 | place: east, north | 位置：向东、向北
near | text | | | stands round this node | 位于某节点附近
within_km | number | km | 0..1000 | how far from at or near it may be | 距 at 或 near 的最大距离
route | text | | | road it drives along | 行驶的道路
speed_kmh | number | km/h | 0..300 | speed on its route | 沿路速度
start_km | span | km | 0..10000 | where on its route it starts | 起点（沿路）
leaves | time_span | | 0s..366d | when it sets out | 何时出发
antenna_m | number | m | 0.5..1000 | antenna height | 天线高度
mains | flag | | | has mains until it is cut | 是否有市电
battery_wh | span | Wh | 0..1000000 | battery | 电池容量
load_w | number | W | 0..100000 | load on the battery | 负载
clock_offset=clock.offset_s | time_span | | -36600d..36600d | how wrong its date starts | 开机时日期误差
clock_drift_ppm=clock.drift_ppm | span | ppm | -10000..10000 | how fast its date drifts | 日期漂移
clock_kept=clock.kept | flag | | | date outlives a power loss | 断电后日期是否保持
beidou_period | time | | 1s..1h | service period of its Beidou card | 北斗卡服务频度
heartbeat | time_span | | 0s..30s | longest between heartbeats; 0: as shipped | 链路心跳最长间隔，0 为出厂值
settings | text | | | more TOML for the gateway | 网关配置补充（TOML）
""",
)

GROUP: Final = _part(
    "group",
    "groups",
    Group,
    """
id! | id | | | its name, unique in the file | 名称，全文件唯一
kind | word | | handheld phone handset | PDT, Tiantong or Beidou device | 手持台、卫星电话、北斗手持
tier | word | | person crowd | person: byte-level; crowd: callbacks | person 逐字节，crowd 为背景人群
slot | whole | | 1..2 | of a crowd: 1 is the gateways' slot | 背景人群的时隙，1 与网关同隙
station | whole | | 0..65535 | station number; 0: by order | 台号；0 为按次序编号
name | text | | | name people say; "{n}" differs | 口头名称，可含 {n}
via! | text | | | nodes that serve them, spread evenly | 为其服务的节点，均匀分配
at | numbers | km | 2 * 0..1000 | place: east, north | 位置：向东、向北
within_km | number | km | 0..1000 | how far from at, or else from via | 距 at（或 via）的最大距离
every | time_span | | 0s..366d | each types a text so often; 0: never | 各自多久键入一次；0 为不键入
answers | text | | | what they say to a roll call; "": nothing | 点名时回什么；空为不答
answer | time_span | | 0s..24h | how long an answer takes | 多久后回答
share | number | | 0..1 | share of texts answered | 回答的比例
battery_h | span | h | 0..1000 | hours of battery | 电池小时数
mains | flag | | | on a charger until mains are cut there | 有市电可充，停电后才耗电池
department | text | | | path in the roster | 名册中的部门路径
excused | flag | | | excused from roll calls | 点名免答
checked | flag | | | the set answers an online check itself | 设备自动应答在线检查
off | flag | | | switched off | 关机
""",
)

SWARM: Final = _part(
    "swarm",
    "swarm",
    Swarm,
    """
loss | span | | 0..1 | share lost | 丢失比例
duplicate | span | | 0..1 | share that comes twice (IP, Beidou) | 重复比例（IP、北斗）
reorder | time_span | | 0s..10m | longest extra delay (IP) | 额外时延上限（IP）
corrupt | span | | 0..1 | share with one octet changed | 改一字节的比例
clog | time_span | | 0s..24h | length of a clog | 每次堵塞时长
clogs_per_h | span | /h | 0..3600 | clogs per station, swizzled too | 每站每承载堵塞次数（含错序）
partitions_per_h | span | /h | 0..3600 | partitions of each bearer | 每种承载的分割次数
crashes_per_h | span | /h | 0..3600 | processes killed, per gateway | 每台网关进程被杀次数
power_cuts_per_h | span | /h | 0..3600 | power cuts per gateway | 每台网关断电次数
torn | span | | 0..1 | share of the last write on the disk | 最后一次写入落盘的比例
pauses_per_h | span | /h | 0..3600 | pauses per gateway | 每台网关暂停次数
disk_full_per_h | span | /h | 0..3600 | full disks, per gateway | 每台网关磁盘写满次数
clock_steps_per_h | span | /h | 0..3600 | jumps of the date, per gateway | 每台网关日期跳变次数
clock_step | time_span | | -36600d..36600d | size of a jump | 跳变幅度
restores_per_h | span | /h | 0..3600 | restored backups, per gateway | 每台网关恢复旧备份次数
clones_per_h | span | /h | 0..3600 | cloned boxes, per gateway | 每台网关被克隆次数
device_faults_per_h | span | /h | 0..3600 | faults of each device | 每台终端的故障次数
messages_per_h | span | /h | 0..3600 | texts per gateway, as many by people | 每台网关发报数（人员另发同样多）
""",
)

EXPECT: Final = _part(
    "expect",
    "expects",
    Expect,
    """
within | time | | 1s..366d | after healing; eventually only | 恢复后多久内（仅 eventually）
min=low | number | | | least; metric only | 下限（仅 metric）
max=high | number | | | most; metric only | 上限（仅 metric）
""",
)

AT: Final = _part(
    "at",
    "actions",
    Action,
    """
t!=t | time_span | | 0s..366d | when, from the start | 何时（自开始）
who | text | | | who acts | 谁做
to | text | | | who receives; move: "x,y" | 给谁；move 为 "x,y"
text | text | | | what is said | 内容
precedence | precedence | | | precedence, zh or en | 等级，中英文均可
count | whole | | 1..10000 | how many times | 次数
every | time_span | | 0s..366d | time between repetitions | 间隔
for | time_span | | 0s..366d | how long; 0: until healed | 多久；0 为直到恢复
within | time | | 1s..24h | time for answers | 点名时限
lifetime=lifetime_s | whole | s | 0..2678400 | how long it is worth telling; 0: default | 有效期；0 用默认
area | text | | | a zone; left out: everywhere | 区域；不写为全境
site=who | text | | | a site | 站点
road=who | text | | | a road | 道路
at_km | number | km | 0..10000 | where on the road | 断点（沿路）
link | text | | | a link of who, or "all" | 链路，或 all
target | text | | | what breaks | 故障对象
value | number | | | how much, see the fault | 程度，见各故障
""",
)

PARTS: Final = (AREA, ROAD, ZONE, SITE, NODE, GROUP, SWARM)
"""The tables whose keys go one to one into the model; [[at]] and [[expect]] have a notation of their own."""
SINGLE: Final = frozenset({"area", "swarm"})
"""Written [so]; the others [[so]]."""
