-- Times are microseconds since the epoch, spans are microseconds, JSON is text.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

CREATE TABLE alert (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of recording; never used twice
  event_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  rule_name TEXT NOT NULL,
  pack TEXT NOT NULL,
  severity TEXT NOT NULL,
  resolved INTEGER NOT NULL,
  summary TEXT NOT NULL,
  key TEXT NOT NULL,
  "values" TEXT NOT NULL,
  payload TEXT NOT NULL,
  source_event_ids TEXT NOT NULL,
  time INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  "window" TEXT NOT NULL,
  generation TEXT NOT NULL,
  revision TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  acked_by TEXT,
  acked_at INTEGER,
  ack_note TEXT
) STRICT;

CREATE INDEX alert_of_rule ON alert (rule_id, seq);
CREATE INDEX alert_by_time ON alert (time);
CREATE INDEX alert_unacked ON alert (severity) WHERE resolved = 0 AND acked_by IS NULL;

CREATE TABLE alert_change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL REFERENCES alert (event_id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  by TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  note TEXT
) STRICT;

CREATE INDEX alert_change_of_alert ON alert_change (event_id, seq);

CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, -- the order within an order_key
  id TEXT NOT NULL UNIQUE,
  firing_id TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  action INTEGER NOT NULL,
  type TEXT NOT NULL,
  target TEXT NOT NULL,
  order_key TEXT NOT NULL,
  request BLOB NOT NULL,
  delays TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  reason TEXT,
  settled_at INTEGER
) STRICT;

CREATE INDEX delivery_unfinished ON delivery (order_key, seq) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_pending ON delivery (target, seq) WHERE state = 'pending';
CREATE INDEX delivery_targets ON delivery (target, state) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_counted ON delivery (target, state) WHERE state IN ('pending', 'sending', 'dead', 'unknown');

-- A delivery can outlive its alerts, so only its own side is enforced.
CREATE TABLE delivery_alert (
  delivery_id TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  alert_id TEXT NOT NULL,
  PRIMARY KEY (delivery_id, alert_id)
) STRICT;

CREATE INDEX delivery_of_alert ON delivery_alert (alert_id);

CREATE TABLE attempt (
  delivery_id TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER, -- NULL: it may have arrived
  result TEXT,
  detail TEXT,
  status INTEGER,
  retry_after INTEGER,
  PRIMARY KEY (delivery_id, number)
) STRICT;

CREATE INDEX attempt_open ON attempt (delivery_id) WHERE ended_at IS NULL;
