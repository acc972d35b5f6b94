-- What a target's trouble and a delivery's terms are; who holds a delivery, and until when.
ALTER TABLE delivery ADD COLUMN terms TEXT NOT NULL DEFAULT '{}';
UPDATE delivery SET terms = json_object('delays', json(delays));
ALTER TABLE delivery DROP COLUMN delays;
ALTER TABLE delivery ADD COLUMN lease INTEGER NOT NULL DEFAULT 25000000;
ALTER TABLE delivery ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN lease_until INTEGER;
ALTER TABLE delivery ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET tries = (SELECT coalesce(max(number), 0) FROM attempt WHERE delivery_id = delivery.id);
ALTER TABLE delivery ADD COLUMN deadline INTEGER;
ALTER TABLE delivery ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN fallback BLOB; -- a draft as JSON, until it is owed
ALTER TABLE delivery ADD COLUMN fell_back INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN fallback_of TEXT;
ALTER TABLE delivery ADD COLUMN redriven_by TEXT;
ALTER TABLE delivery ADD COLUMN redriven_at INTEGER;
ALTER TABLE delivery ADD COLUMN depth INTEGER NOT NULL DEFAULT 0; -- of the chain of rules that led to it
ALTER TABLE delivery ADD COLUMN progress BLOB; -- what an action of several steps has done

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

CREATE TABLE target (
  target TEXT PRIMARY KEY,
  paused_until INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  open_until INTEGER,
  trials INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO target (target, paused_until) SELECT target, until FROM pause;
DROP TABLE pause;

-- An alert is acknowledged for a time, resolved by a person, judged.
ALTER TABLE alert ADD COLUMN ack_source TEXT;
ALTER TABLE alert ADD COLUMN ack_until INTEGER;
ALTER TABLE alert ADD COLUMN unacked_since INTEGER;
ALTER TABLE alert ADD COLUMN resolved_at INTEGER;
ALTER TABLE alert ADD COLUMN resolved_by TEXT;
ALTER TABLE alert ADD COLUMN verdict TEXT;
ALTER TABLE alert ADD COLUMN verdict_by TEXT;
ALTER TABLE alert_change ADD COLUMN source TEXT NOT NULL DEFAULT 'api';
ALTER TABLE alert_change ADD COLUMN until INTEGER;
ALTER TABLE alert_change ADD COLUMN verdict TEXT;
ALTER TABLE alert_change ADD COLUMN idempotency_key TEXT;
CREATE INDEX alert_ack_ends ON alert (ack_until) WHERE resolved = 0 AND ack_until IS NOT NULL;
CREATE INDEX alert_judged ON alert (rule_id, verdict) WHERE verdict IS NOT NULL;
CREATE UNIQUE INDEX alert_change_once ON alert_change (event_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX alert_recorded ON alert (recorded_at);

-- What happened to alerts, in the order in which it could be seen.
CREATE TABLE stream (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  event_id TEXT NOT NULL,
  delivery_id TEXT, -- of a delivery that has ended
  at INTEGER NOT NULL
) STRICT;

-- Runs that were asked for. What became of their actions, and all other runs, deliveries tell.
CREATE TABLE execution (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  exec_id TEXT NOT NULL UNIQUE,
  rule_id TEXT NOT NULL,
  firing_id TEXT,
  alert_id TEXT,
  status TEXT NOT NULL,
  condition_met INTEGER,
  started_at INTEGER NOT NULL,
  error_message TEXT,
  executed_by TEXT NOT NULL,
  asked TEXT NOT NULL,
  revision TEXT NOT NULL,
  generation TEXT NOT NULL
) STRICT;
CREATE INDEX execution_of_rule ON execution (rule_id, seq);
CREATE INDEX execution_started ON execution (started_at);
CREATE INDEX execution_of_firing ON execution (firing_id);
