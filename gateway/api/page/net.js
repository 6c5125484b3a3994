// Talking to the gateway: requests with the token, and events by WebSocket or, failing that, long poll.

const KEPT = "fieldgate.token";
const REQUEST_TIMEOUT_MS = 15000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 8000;
const POLL_AFTER_FAILURES = 3; // a proxy that forbids WebSockets must not blind the page

let token = "";

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.en ?? `HTTP ${status}`);
    this.status = status;
    this.body = body ?? {};
  }

  text(language) {
    return this.body[language] ?? this.message;
  }
}

export function restoreToken() {
  const offered = new URLSearchParams(location.hash.slice(1)).get("token");
  if (offered) {
    history.replaceState(null, "", location.pathname);
    saveToken(offered);
  } else {
    try {
      token = sessionStorage.getItem(KEPT) ?? "";
    } catch {
      token = "";
    }
  }
  return token !== "";
}

export function saveToken(value) {
  token = value.trim();
  try {
    sessionStorage.setItem(KEPT, token);
  } catch {
    // without storage the token lives as long as the page
  }
}

export async function request(method, path, body = undefined, headers = {}) {
  const timeout = AbortSignal.timeout ? AbortSignal.timeout(REQUEST_TIMEOUT_MS) : undefined;
  const response = await fetch(`/api/v1/${path}`, {
    method,
    cache: "no-store",
    signal: timeout,
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const json = response.headers.get("Content-Type")?.startsWith("application/json");
  const answer = json ? await response.json() : await response.text();
  if (!response.ok) throw new ApiError(response.status, json ? answer.error : undefined);
  return answer;
}

export const get = (path) => request("GET", path);
export const post = (path, body = undefined, headers = {}) => request("POST", path, body, headers);

// Follow events for ever. `handlers`: event(event), gap(), online(), offline().
export class Stream {
  constructor(handlers) {
    this.handlers = handlers;
    this.failures = 0;
    this.cursor = null;
    this.epoch = null;
  }

  start(cursor, epoch) {
    const running = this.epoch !== null;
    this.cursor = cursor;
    this.epoch = epoch;
    if (!running) this.next();
  }

  next() {
    if (this.failures >= POLL_AFTER_FAILURES && this.failures % 2 === 1) this.poll();
    else this.open();
  }

  again() {
    this.handlers.offline();
    this.failures += 1;
    setTimeout(() => this.next(), Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.failures, 5)));
  }

  query() {
    return `cursor=${this.cursor}&epoch=${encodeURIComponent(this.epoch)}`;
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/events?${this.query()}`, ["fieldgate.v1", `bearer.${token}`]);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      this.again();
    };
    socket.onmessage = (message) => this.take(JSON.parse(message.data));
    socket.onclose = end;
    socket.onerror = () => socket.close();
  }

  take(message) {
    if (message.type === "hello") {
      this.failures = 0;
      this.epoch = message.epoch;
      this.handlers.online();
    } else if (message.type === "gap") {
      this.epoch = message.epoch;
      this.cursor = Math.max(0, message.to - 1);
      this.handlers.gap();
    } else if (message.type === "event") {
      this.cursor = message.cursor;
      this.handlers.event(message);
    }
  }

  async poll() {
    try {
      const answer = await get(`events?${this.query()}&wait_s=10`);
      this.handlers.online();
      this.epoch = answer.epoch;
      if (answer.gap) this.handlers.gap();
      for (const event of answer.events) this.handlers.event(event);
      this.cursor = answer.cursor;
      this.poll();
    } catch {
      this.again();
    }
  }
}
