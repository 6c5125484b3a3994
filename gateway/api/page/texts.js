// Every word on the page, in Chinese and English; tests compare the two and the gateway's own words.

export const TEXTS = {
  zh: {
    "app.exercise": "演练", "app.actual": "实战", "app.language": "EN", "app.title": "状态页",
    "time.ntp": "时间已校准", "time.system": "时间未校准", "time.unknown": "时间不可信",
    "top.queued": "待发 {n}", "top.stop": "停止发射", "top.stopped": "已停发 {n} 条", "top.sound_on": "告警声开",
    "top.sound_off": "告警声关",
    "away.lost": "与网关失去连接，正在重连。以下是 {time} 的数据。", "away.never": "尚未连上网关，正在重试。",
    "age.s": "{n}秒", "age.m": "{n}分", "age.h": "{n}小时", "age.d": "{n}天", "age.ago": "{age}前", "age.bare": "{age}前",
    "tab.links": "链路", "tab.messages": "报文", "tab.roll": "点名",
    "links.title": "各网关链路", "links.own": "本机", "links.ask": "询问", "links.asked": "已询问 {who}，等待回报",
    "links.lost": "失联", "links.learnt": "经{bearer}获知", "links.none": "尚未收到任何链路信息",
    "links.quality": "质量 {n}%", "links.voice": "话音中", "links.quiet": "停发", "links.direct": "本机直接获知",
    "stations.title": "台站", "stations.never": "从未听到", "stations.offline": "离线", "stations.via": "经 {who}",
    "stations.unit": "{n} 个", "stations.unknown": "台站 {n}",
    "messages.title": "报文", "messages.all": "全部", "messages.open": "未完成", "messages.ours": "发给本台",
    "messages.none": "没有报文", "messages.native": "未认证", "messages.why": "经过", "messages.less": "收起",
    "messages.cancel": "撤销", "messages.read": "已读", "messages.ack": "回复收到", "messages.ack_wanted": "须回复",
    "messages.by": "{who}", "messages.lifetime": "有效期 {age}", "messages.no_attempts": "尚未尝试发送",
    "messages.octets": "{n} 字节", "messages.via": "经 {links}", "messages.more": "还有 {n} 个台站",
    "messages.to": "发往", "messages.at_least": "至少 {age}",
    "quarantine.title": "隔离", "quarantine.text": "来自名册外地址的文字：未认证，不回复，不转发。",
    "compose.title": "发报", "compose.to": "收件（呼号、台号、组名，空格分隔）", "compose.text": "正文",
    "compose.precedence": "等级", "compose.lifetime": "有效期", "compose.ack": "须回复收到",
    "compose.keep": "过大时留待大承载", "compose.send": "发送", "compose.count": "{chars} 字 · {octets} 字节",
    "compose.sent": "已受理 {id}", "compose.replayed": "此前已受理 {id}，未重复发送",
    "compose.sos": "以“求救”等级发送，将抢占所有链路。确定？", "compose.ceiling": "超出本令牌上限",
    "compose.sending": "正在发送…",
    "roll.title": "点名", "roll.start": "开始点名", "roll.none": "尚未点过名", "roll.report": "报告",
    "roll.running": "进行中", "roll.ended": "已结束", "roll.deadline": "剩余 {age}", "roll.over": "已到时限",
    "roll.elapsed": "已用 {age}", "roll.stations": "台站（留空为全部）", "roll.name": "名称",
    "roll.minutes": "时限（分钟）", "roll.exercise": "演练", "roll.default_name": "点名", "roll.note": "备注",
    "roll.mark": "人工标记", "roll.tries": "呼叫 {n} 次", "roll.took": "用时 {age}", "roll.native": "未认证",
    "roll.rate": "实到/应到", "roll.beside": "另：{list}", "roll.print": "打印", "roll.pick": "选择点名",
    "quiet.title": "停止发射", "quiet.text": "停止后不再发出任何信号，接收照常；重启后仍保持。", "quiet.all": "全部停止发射",
    "quiet.resume_all": "全部恢复发射", "quiet.stop": "停止", "quiet.resume": "恢复", "quiet.on": "已停发",
    "quiet.off": "可发射", "quiet.confirm": "确定停止 {link} 发射？", "quiet.confirm_all": "确定停止全部链路发射？",
    "quiet.done": "已更新发射开关",
    "alarm.ack": "确认告警", "alarm.acked": "{who} 已确认", "alarm.unauthenticated": "未认证",
    "alarm.position": "位置 {lat}, {lon}", "alarm.no_position": "位置未知", "alarm.fix_age": "定位于 {age}前",
    "alarm.clear": "解除告警", "alarm.clear_text": "确定解除 {what}？仅表示本站事毕；该台再次求救将重新告警。",
    "alarm.cleared": "已解除", "alarm.stranger": "不明台站", "alarm.exercise": "演练", "alarm.ask": "呼叫该台确认",
    "dialog.close": "关闭", "dialog.cancel": "取消", "dialog.confirm": "确定", "dialog.yes_stop": "确定停止发射",
    "token.title": "输入令牌", "token.text": "令牌只保存在此标签页，关闭即清除。", "token.enter": "进入",
    "token.bad": "令牌无效", "error.unreachable": "无法连接网关", "error.role": "此令牌只能查看",
    "precedence.0": "平件", "precedence.1": "平急", "precedence.2": "加急", "precedence.3": "特急",
    "precedence.4": "特提", "precedence.5": "求救",
    "bearer.pdt": "PDT", "bearer.beidou": "北斗", "bearer.tiantong": "天通", "bearer.iridium": "铱星",
    "bearer.vsat": "卫星站", "bearer.mesh": "自组网", "bearer.cellular": "公网", "bearer.lan": "局域网",
    "link.absent": "未接入", "link.starting": "启动中", "link.up": "正常", "link.suspect": "可疑",
    "link.down": "中断", "link.recovering": "恢复中", "link.blocked": "受阻",
    "state.queued": "排队", "state.unknown": "结果未知", "state.at_modem": "已到终端", "state.on_air": "已发射",
    "state.at_network": "已到网络", "state.relayed": "已转交", "state.delivered": "已送达", "state.read": "已读",
    "state.acknowledged": "已收到", "state.expired": "已过期", "state.refused": "已拒绝",
    "state.cancelled": "已撤销", "state.superseded": "已被取代", "state.failed": "失败",
    "evidence.protocol": "协议", "evidence.observed": "观测", "evidence.inferred": "推断",
    "evidence.operator": "人工",
    "kind.sos": "求救", "kind.lost_contact": "失联", "kind.reused_counter": "计数器重用",
    "kind.reused_identity": "报文编号重用",
    "kind.ledger_set_aside": "台账损坏，已另存", "kind.unacknowledged": "无人回复收到", "kind.refused_frames": "拒收帧过多",
    "kind.disk_full": "磁盘已满",
    "roll.expected": "应到", "roll.answered": "已到", "roll.late": "迟到", "roll.relayed": "代转",
    "roll.substitute": "代答", "roll.inferred": "推断", "roll.absent": "缺席", "roll.fault": "故障",
    "roll.wrong_station": "错位", "roll.excused": "请假", "roll.maintenance": "检修", "roll.pending": "待答",
    "how.registration": "注册", "how.reported": "网关转报", "how.online_check": "在线检查", "how.text": "文字", "how.voice": "话音",
    "how.position": "定位", "how.frame": "数据帧", "how.emergency": "紧急按键", "how.heartbeat": "心跳",
  },
  en: {
    "app.exercise": "EXERCISE", "app.actual": "ACTUAL", "app.language": "中文", "app.title": "Status",
    "time.ntp": "clock synchronised", "time.system": "clock not synchronised", "time.unknown": "clock not trusted",
    "top.queued": "{n} queued", "top.stop": "Stop transmitting", "top.stopped": "{n} link(s) stopped", "top.sound_on": "Sound on",
    "top.sound_off": "Sound off",
    "away.lost": "Gateway out of reach, trying again. This is the data of {time}.", "away.never": "Gateway not reached yet, trying again.",
    "age.s": "{n} s", "age.m": "{n} min", "age.h": "{n} h", "age.d": "{n} d", "age.ago": "{age} ago", "age.bare": "{age}",
    "tab.links": "Links", "tab.messages": "Messages", "tab.roll": "Roll call",
    "links.title": "Links of all gateways", "links.own": "this box", "links.ask": "Ask", "links.asked": "Asked {who}; waiting for its report",
    "links.lost": "lost contact", "links.learnt": "learnt by {bearer}", "links.none": "No link report yet",
    "links.quality": "quality {n} %", "links.voice": "voice in progress", "links.quiet": "stopped", "links.direct": "known here directly",
    "stations.title": "Stations", "stations.never": "never heard", "stations.offline": "offline", "stations.via": "via {who}",
    "stations.unit": "{n}", "stations.unknown": "station {n}",
    "messages.title": "Messages", "messages.all": "All", "messages.open": "Open", "messages.ours": "For us",
    "messages.none": "No messages", "messages.native": "unauthenticated", "messages.why": "Why", "messages.less": "Less",
    "messages.cancel": "Cancel", "messages.read": "Read", "messages.ack": "Acknowledge", "messages.ack_wanted": "ack wanted",
    "messages.by": "{who}", "messages.lifetime": "lifetime {age}", "messages.no_attempts": "Not tried yet",
    "messages.octets": "{n} octets", "messages.via": "via {links}", "messages.more": "{n} more stations",
    "messages.to": "to", "messages.at_least": "at least {age}",
    "quarantine.title": "Quarantine", "quarantine.text": "Texts from addresses not in the roster: unauthenticated, not answered, not forwarded.",
    "compose.title": "Send", "compose.to": "To (call signs, numbers, groups; spaces between)", "compose.text": "Text",
    "compose.precedence": "Precedence", "compose.lifetime": "Lifetime", "compose.ack": "Acknowledgement wanted",
    "compose.keep": "If too large, wait for a bigger bearer", "compose.send": "Send", "compose.count": "{chars} characters · {octets} octets",
    "compose.sent": "Accepted as {id}", "compose.replayed": "Was accepted before as {id}; not sent twice",
    "compose.sos": "Send as SOS? It pre-empts everything on every link.", "compose.ceiling": "above this token's ceiling",
    "compose.sending": "Sending…",
    "roll.title": "Roll call", "roll.start": "Start roll call", "roll.none": "No roll call yet", "roll.report": "Report",
    "roll.running": "running", "roll.ended": "ended", "roll.deadline": "{age} left", "roll.over": "deadline passed",
    "roll.elapsed": "{age} elapsed", "roll.stations": "Stations (empty: all)", "roll.name": "Title",
    "roll.minutes": "Deadline (minutes)", "roll.exercise": "Exercise", "roll.default_name": "Roll call", "roll.note": "Note",
    "roll.mark": "Mark by hand", "roll.tries": "called {n} times", "roll.took": "took {age}", "roll.native": "unauthenticated",
    "roll.rate": "present", "roll.beside": "beside: {list}", "roll.print": "Print", "roll.pick": "Choose a roll call",
    "quiet.title": "Stop transmitting", "quiet.text": "Nothing is sent while stopped; receiving goes on. Kept over a restart.", "quiet.all": "Stop all transmitting",
    "quiet.resume_all": "Resume all", "quiet.stop": "Stop", "quiet.resume": "Resume", "quiet.on": "stopped",
    "quiet.off": "may transmit", "quiet.confirm": "Stop transmitting on {link}?", "quiet.confirm_all": "Stop transmitting on all links?",
    "quiet.done": "Transmit switches updated",
    "alarm.ack": "Acknowledge", "alarm.acked": "acknowledged by {who}", "alarm.unauthenticated": "unauthenticated",
    "alarm.position": "position {lat}, {lon}", "alarm.no_position": "position unknown", "alarm.fix_age": "fix {age} old",
    "alarm.clear": "Clear", "alarm.clear_text": "Clear {what}? It is over for this station; another call for help is a new alarm.",
    "alarm.cleared": "cleared", "alarm.stranger": "unknown station", "alarm.exercise": "exercise", "alarm.ask": "call the station to confirm",
    "dialog.close": "Close", "dialog.cancel": "Cancel", "dialog.confirm": "Confirm", "dialog.yes_stop": "Yes, stop transmitting",
    "token.title": "Enter your token", "token.text": "Kept in this tab only, gone when it is closed.", "token.enter": "Enter",
    "token.bad": "Unknown token", "error.unreachable": "Gateway out of reach", "error.role": "This token may only look",
    "precedence.0": "Deferred", "precedence.1": "Routine", "precedence.2": "Priority", "precedence.3": "Immediate",
    "precedence.4": "Flash", "precedence.5": "SOS",
    "bearer.pdt": "PDT", "bearer.beidou": "Beidou", "bearer.tiantong": "Tiantong", "bearer.iridium": "Iridium",
    "bearer.vsat": "VSAT", "bearer.mesh": "Mesh", "bearer.cellular": "Cellular", "bearer.lan": "LAN",
    "link.absent": "absent", "link.starting": "starting", "link.up": "up", "link.suspect": "suspect",
    "link.down": "down", "link.recovering": "recovering", "link.blocked": "blocked",
    "state.queued": "queued", "state.unknown": "unknown", "state.at_modem": "at modem", "state.on_air": "on air",
    "state.at_network": "at network", "state.relayed": "relayed", "state.delivered": "delivered", "state.read": "read",
    "state.acknowledged": "acknowledged", "state.expired": "expired", "state.refused": "refused",
    "state.cancelled": "cancelled", "state.superseded": "superseded", "state.failed": "failed",
    "evidence.protocol": "protocol", "evidence.observed": "observed", "evidence.inferred": "inferred",
    "evidence.operator": "operator",
    "kind.sos": "SOS", "kind.lost_contact": "Lost contact", "kind.reused_counter": "Reused counter",
    "kind.reused_identity": "Reused identity",
    "kind.ledger_set_aside": "Ledger damaged, set aside", "kind.unacknowledged": "Not acknowledged", "kind.refused_frames": "Many refused frames",
    "kind.disk_full": "Disk full",
    "roll.expected": "expected", "roll.answered": "answered", "roll.late": "late", "roll.relayed": "relayed",
    "roll.substitute": "substitute", "roll.inferred": "inferred", "roll.absent": "absent", "roll.fault": "fault",
    "roll.wrong_station": "wrong station", "roll.excused": "excused", "roll.maintenance": "maintenance", "roll.pending": "pending",
    "how.registration": "registration", "how.reported": "reported by gateway", "how.online_check": "online check", "how.text": "text", "how.voice": "voice",
    "how.position": "position", "how.frame": "frame", "how.emergency": "emergency key", "how.heartbeat": "heartbeat",
  },
};

// What drivers and the gateway say in English; anything else is shown as it came. A number stands for itself.
export const REASONS_ZH = {
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
};

const BILINGUAL = /^([a-z][\x20-\x7e]*?)(?: \/ | (?=[\u4e00-\u9fff]+$))([^/]*[\u4e00-\u9fff][^/]*)$/;
const NUMBERS = /\d+(?:\.\d+)?/g;
const KEPT = "fieldgate.lang";
let language = "zh";

export function currentLanguage() {
  return language;
}

export function setLanguage(wanted) {
  language = wanted === "en" ? "en" : "zh";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // a kiosk may forbid storage; the choice then lasts until reload
  }
}

export function restoreLanguage() {
  let kept = "zh";
  try {
    kept = localStorage.getItem(KEPT) ?? "zh";
  } catch {
    kept = "zh";
  }
  setLanguage(kept);
}

export function has(key) {
  return key in TEXTS[language];
}

export function t(key, values = {}) {
  let text = TEXTS[language][key] ?? key.slice(key.indexOf(".") + 1).replaceAll("_", " ");
  for (const [name, value] of Object.entries(values)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
}

const PLANNED = /^([A-Za-z_]\w*): (?=up|down|absent|starting|suspect|recovering|blocked|needs|bearer|reported)/;
const PLANNED_ZH = [
  [/^(\w+), first in order (.+)$/, "{0}，按 {1} 的次序最先"],
  [/^needs (\d+) octets, limit (\d+)$/, "需 {0} 字节，上限 {1}"],
  [/^bearer (\w+) not in the order for this precedence$/, "承载{0}不在此等级的次序内"],
  [/^reported down by (\S+)$/, "{0} 报告此链路中断"],
];

function planned(text) {
  const named = text.match(PLANNED);
  if (!named) return text;
  let said = text.slice(named[0].length);
  const word = (one) => (has(`link.${one}`) ? t(`link.${one}`) : has(`bearer.${one}`) ? t(`bearer.${one}`) : one);
  const rule = PLANNED_ZH.find(([pattern]) => pattern.test(said));
  said = rule ? rule[1].replace(/\{(\d)\}/g, (_, place) => word(said.match(rule[0])[Number(place) + 1])) : word(said);
  return `${named[1]}：${said}`;
}

export function reason(text) {
  if (language === "zh" && PLANNED.test(text)) return text.split("; ").map(planned).join("；");
  const both = text.match(BILINGUAL);
  if (both) return language === "zh" ? both[2] : both[1];
  if (language !== "zh") return text;
  const numbers = text.match(NUMBERS) ?? [];
  const known = REASONS_ZH[text.replace(NUMBERS, "#").toLowerCase()];
  return known === undefined ? text : known.replace(/#/g, () => numbers.shift());
}

export function ageText(seconds) {
  const value = Math.max(0, Math.floor(seconds));
  if (value < 60) return t("age.s", { n: value });
  if (value < 3600) return t("age.m", { n: Math.floor(value / 60) });
  if (value < 86400) return t("age.h", { n: Math.floor(value / 3600) });
  return t("age.d", { n: Math.floor(value / 86400) });
}
