-- Times are microseconds since the epoch, spans are microseconds, JSON is text.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);

CREATE TABLE alert (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order of recording
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
  time BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  count BIGINT NOT NULL,
  "window" TEXT NOT NULL,
  trace TEXT NOT NULL,
  generation TEXT NOT NULL,
  revision TEXT NOT NULL,
  recorded_at BIGINT NOT NULL,
  acked_by TEXT,
  acked_at BIGINT,
  ack_note TEXT,
  ack_source TEXT,
  ack_until BIGINT,
  unacked_since BIGINT,
  resolved_at BIGINT,
  resolved_by TEXT,
  verdict TEXT,
  verdict_by TEXT
);

CREATE INDEX alert_of_rule ON alert (rule_id, seq);
CREATE INDEX alert_by_time ON alert (time);
CREATE INDEX alert_recorded ON alert (recorded_at);
CREATE INDEX alert_unacked ON alert (severity) WHERE resolved = 0 AND acked_by IS NULL;
CREATE INDEX alert_ack_ends ON alert (ack_until) WHERE resolved = 0 AND ack_until IS NOT NULL;
CREATE INDEX alert_judged ON alert (rule_id, verdict) WHERE verdict IS NOT NULL;

CREATE TABLE alert_change (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id TEXT NOT NULL REFERENCES alert (event_id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  by TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  note TEXT,
  source TEXT NOT NULL,
  until BIGINT,
  verdict TEXT,
  idempotency_key TEXT
);

CREATE INDEX alert_change_of_alert ON alert_change (event_id, seq);
CREATE UNIQUE INDEX alert_change_once ON alert_change (event_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE delivery (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order within an order_key
  id TEXT NOT NULL UNIQUE,
  firing_id TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  action INTEGER NOT NULL,
  type TEXT NOT NULL,
  target TEXT NOT NULL,
  order_key TEXT NOT NULL,
  request BYTEA NOT NULL,
  terms TEXT NOT NULL,
  lease BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL,
  deadline BIGINT,
  urgent INTEGER NOT NULL,
  fallback BYTEA, -- a draft as JSON, until it is owed
  fell_back INTEGER NOT NULL DEFAULT 0,
  fallback_of TEXT,
  owner TEXT NOT NULL DEFAULT '',
  lease_until BIGINT,
  reason TEXT,
  settled_at BIGINT,
  redriven_by TEXT,
  redriven_at BIGINT,
  depth INTEGER NOT NULL DEFAULT 0, -- of the chain of rules that led to it
  progress BYTEA -- what an action of several steps has done
);

CREATE INDEX delivery_unfinished ON delivery (order_key, seq) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_pending ON delivery (target, seq) WHERE state = 'pending';
CREATE INDEX delivery_targets ON delivery (target, state) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_counted ON delivery (target, state) WHERE state IN ('pending', 'sending', 'dead', 'unknown');
CREATE INDEX delivery_waiting ON delivery (next_at) WHERE state = 'pending';
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE state = 'sending';
CREATE INDEX delivery_ends ON delivery (deadline) WHERE state = 'pending' AND deadline IS NOT NULL;
CREATE INDEX delivery_urgent ON delivery (target, seq) WHERE state = 'pending' AND urgent = 1 AND fell_back = 0;
CREATE INDEX delivery_retried ON delivery (next_at) WHERE state = 'pending' AND attempts > 0;
CREATE INDEX delivery_of_rule ON delivery (rule_id, seq);
CREATE INDEX delivery_settled ON delivery (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX delivery_over ON delivery (order_key, seq) WHERE settled_at IS NOT NULL;
CREATE INDEX delivery_resolves ON delivery (order_key, seq) WHERE kind = 'resolved';
CREATE INDEX delivery_revivable ON delivery (state, seq) WHERE state IN ('dead', 'unknown', 'expired');

-- A delivery can outlive its alerts, so only its own side is enforced.
CREATE TABLE delivery_alert (
  delivery_id TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  alert_id TEXT NOT NULL,
  PRIMARY KEY (delivery_id, alert_id)
);

CREATE INDEX delivery_of_alert ON delivery_alert (alert_id);

CREATE TABLE attempt (
  delivery_id TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT, -- NULL: it may have arrived
  result TEXT,
  detail TEXT,
  status INTEGER,
  retry_after BIGINT,
  PRIMARY KEY (delivery_id, number)
);

CREATE INDEX attempt_open ON attempt (delivery_id) WHERE ended_at IS NULL;

CREATE TABLE target (
  target TEXT PRIMARY KEY,
  paused_until BIGINT,
  failures INTEGER NOT NULL DEFAULT 0,
  open_until BIGINT,
  trials INTEGER NOT NULL DEFAULT 1
);

-- What happened to alerts, in the order in which it could be seen.
CREATE TABLE stream (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind TEXT NOT NULL,
  event_id TEXT NOT NULL,
  delivery_id TEXT, -- of a delivery that has ended
  at BIGINT NOT NULL
);

-- Runs that were asked for. What became of their actions, and all other runs, deliveries tell.
CREATE TABLE execution (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  exec_id TEXT NOT NULL UNIQUE,
  rule_id TEXT NOT NULL,
  firing_id TEXT,
  alert_id TEXT,
  status TEXT NOT NULL,
  condition_met INTEGER,
  started_at BIGINT NOT NULL,
  error_message TEXT,
  executed_by TEXT NOT NULL,
  asked TEXT NOT NULL,
  revision TEXT NOT NULL,
  generation TEXT NOT NULL
);
CREATE INDEX execution_of_rule ON execution (rule_id, seq);
CREATE INDEX execution_started ON execution (started_at);
CREATE INDEX execution_of_firing ON execution (firing_id);
