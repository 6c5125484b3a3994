-- Times ending in _s are ledger seconds: running time of this ledger plus off-time that is known (times.py).
-- Times ending in _unix_ms are what this box's clock said; nothing is ordered or expired by them.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    session INTEGER NOT NULL,
    ledger_s REAL NOT NULL,
    anchor_session INTEGER NOT NULL DEFAULT 0,
    anchor_s REAL NOT NULL DEFAULT 0,
    anchor_unix_ms INTEGER NOT NULL DEFAULT 0,
    uncertain_session INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE sequences (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE messages (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    origin INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    precedence INTEGER NOT NULL,
    text TEXT NOT NULL,
    sender INTEGER NOT NULL,
    sender_address TEXT NOT NULL,
    unauthenticated INTEGER NOT NULL,
    exercise INTEGER NOT NULL,
    ack_wanted INTEGER NOT NULL,
    lifetime_s INTEGER NOT NULL,
    age_s REAL NOT NULL,
    age_is_lower_bound INTEGER NOT NULL,
    hops_left INTEGER NOT NULL,
    accepted_unix_ms INTEGER NOT NULL,
    time_quality TEXT NOT NULL,
    keep_for_bigger INTEGER NOT NULL,
    came_from INTEGER NOT NULL,
    session INTEGER NOT NULL,
    accepted_s REAL NOT NULL,
    born_s REAL NOT NULL,
    UNIQUE (origin, incarnation, sequence)
);

CREATE TABLE recipients (
    message INTEGER NOT NULL REFERENCES messages (row) ON DELETE CASCADE,
    station INTEGER NOT NULL,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL,
    by TEXT NOT NULL,
    detail TEXT NOT NULL,
    updated_unix_ms INTEGER NOT NULL,
    read_wanted INTEGER NOT NULL,
    precedence INTEGER NOT NULL,
    born_s REAL NOT NULL,
    expires_s REAL NOT NULL,
    settled INTEGER NOT NULL,
    PRIMARY KEY (message, station)
) WITHOUT ROWID;
CREATE INDEX recipients_due ON recipients (precedence DESC, born_s, message, station) WHERE settled = 0;
CREATE INDEX recipients_expiry ON recipients (expires_s) WHERE settled = 0;
CREATE INDEX recipients_station ON recipients (station, message);

CREATE TABLE readers (
    message INTEGER NOT NULL REFERENCES messages (row) ON DELETE CASCADE,
    name TEXT NOT NULL,
    unix_ms INTEGER NOT NULL,
    PRIMARY KEY (message, name)
) WITHOUT ROWID;

CREATE TABLE origins (
    origin INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    PRIMARY KEY (origin, incarnation)
) WITHOUT ROWID;

CREATE TABLE seen (
    origin INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (origin, incarnation, first)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    origin INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    UNIQUE (token, key)
);
CREATE INDEX idempotency_age ON idempotency (token, row);

CREATE TABLE attempts (
    handle INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES messages (row) ON DELETE CASCADE,
    station INTEGER NOT NULL,
    link TEXT NOT NULL,
    next_hop INTEGER NOT NULL,
    native INTEGER NOT NULL,
    stage TEXT,
    reason TEXT NOT NULL,
    device_ref TEXT NOT NULL,
    octets INTEGER NOT NULL,
    created_unix_ms INTEGER NOT NULL,
    updated_unix_ms INTEGER NOT NULL,
    open INTEGER NOT NULL
);
CREATE INDEX attempts_message ON attempts (message, station);
CREATE INDEX attempts_open ON attempts (handle) WHERE open = 1;
CREATE INDEX attempts_device_ref ON attempts (link, device_ref, handle) WHERE device_ref <> '';

CREATE TABLE windows (
    stream TEXT PRIMARY KEY,
    window BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE addresses (
    station INTEGER NOT NULL,
    link TEXT NOT NULL,
    address TEXT NOT NULL,
    learnt_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (station, link)
) WITHOUT ROWID;

CREATE TABLE owed (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    to_station INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL,
    by TEXT NOT NULL,
    owed_s REAL NOT NULL,
    UNIQUE (to_station, origin, incarnation, sequence, recipient)
);

CREATE TABLE native_seen (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    link TEXT NOT NULL,
    source TEXT NOT NULL,
    native_ref TEXT NOT NULL,
    UNIQUE (link, source, native_ref)
);
CREATE INDEX native_seen_age ON native_seen (link, source, row);

CREATE TABLE quarantine (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    link TEXT NOT NULL,
    source TEXT NOT NULL,
    text TEXT NOT NULL,
    unix_ms INTEGER NOT NULL
);
CREATE INDEX quarantine_source ON quarantine (link, source, row);

CREATE TABLE presence (
    station INTEGER NOT NULL,
    link TEXT NOT NULL,
    via INTEGER NOT NULL,
    bearer TEXT NOT NULL,
    address TEXT NOT NULL,
    how TEXT NOT NULL,
    online INTEGER NOT NULL,
    heard_unix_ms INTEGER NOT NULL,
    latitude_deg REAL,
    longitude_deg REAL,
    fix_age_s REAL,
    heard_s REAL NOT NULL,
    PRIMARY KEY (station, via, link)
) WITHOUT ROWID;

CREATE TABLE link_reports (
    station INTEGER NOT NULL,
    link TEXT NOT NULL,
    bearer TEXT NOT NULL,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL,
    reason TEXT NOT NULL,
    age_s REAL NOT NULL,
    quality_pct INTEGER,
    learnt_unix_ms INTEGER NOT NULL,
    learnt_by TEXT,
    evidence_s REAL NOT NULL,
    PRIMARY KEY (station, link)
) WITHOUT ROWID;

CREATE TABLE alarms (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    station INTEGER NOT NULL,
    detail TEXT NOT NULL,
    unauthenticated INTEGER NOT NULL,
    latitude_deg REAL,
    longitude_deg REAL,
    fix_age_s REAL,
    raised_unix_ms INTEGER NOT NULL,
    cleared_unix_ms INTEGER NOT NULL,
    acknowledged_by TEXT NOT NULL,
    exercise INTEGER NOT NULL,
    number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alarms_number ON alarms (number);

CREATE TABLE roll_calls (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id TEXT NOT NULL UNIQUE,
    header TEXT NOT NULL,
    updated_unix_ms INTEGER NOT NULL,
    seal_number INTEGER UNIQUE,
    previous_hash TEXT,
    hash TEXT
);

CREATE TABLE roll_call_entries (
    call INTEGER NOT NULL REFERENCES roll_calls (row) ON DELETE CASCADE,
    station INTEGER NOT NULL,
    body TEXT NOT NULL,
    updated_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (call, station)
) WITHOUT ROWID;

CREATE TABLE events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    unix_ms INTEGER NOT NULL
);

CREATE TABLE link_notes (
    link TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (link, key)
) WITHOUT ROWID;

CREATE TABLE audit (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    act TEXT NOT NULL,
    detail TEXT NOT NULL,
    unix_ms INTEGER NOT NULL
);
