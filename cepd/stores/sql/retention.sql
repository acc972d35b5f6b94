-- name: old_alerts
-- Not while a delivery of theirs is owed.
SELECT event_id FROM alert
WHERE recorded_at < :recorded_before AND last_at < :last_before AND NOT EXISTS (
  SELECT 1 FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
  WHERE delivery_alert.alert_id = alert.event_id AND delivery.state IN ('pending', 'sending')
)
ORDER BY recorded_at, seq
LIMIT :most /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: delete_alerts
DELETE FROM alert WHERE event_id IN (SELECT value FROM json_each(:ids))

-- name: count_alert
SELECT count(*) AS number FROM alert

-- name: old_deliveries
SELECT id FROM delivery WHERE settled_at < :before AND state NOT IN ('pending', 'sending')
ORDER BY settled_at, seq
LIMIT :most /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: delete_deliveries
DELETE FROM delivery WHERE id IN (SELECT value FROM json_each(:ids))

-- name: count_delivery
SELECT count(*) AS number FROM delivery

-- name: old_executions
-- Not while what its alert owes is.
SELECT seq FROM execution
WHERE started_at < :before AND NOT EXISTS (
  SELECT 1 FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
  WHERE delivery_alert.alert_id = execution.alert_id AND delivery.state IN ('pending', 'sending')
)
ORDER BY started_at, seq LIMIT :most

-- name: surplus_executions
SELECT seq FROM (
  SELECT seq, alert_id, started_at, row_number() OVER (PARTITION BY rule_id ORDER BY seq DESC) AS place FROM execution
) AS ranked
WHERE place > :per_rule AND started_at < :before AND NOT EXISTS (
  SELECT 1 FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
  WHERE delivery_alert.alert_id = ranked.alert_id AND delivery.state IN ('pending', 'sending')
)
ORDER BY seq LIMIT :most

-- name: delete_executions
DELETE FROM execution WHERE seq IN (SELECT CAST(value AS BIGINT) FROM json_each(:seqs)) RETURNING seq

-- name: first_notices
SELECT seq, at FROM stream ORDER BY seq LIMIT :most

-- name: delete_notices
DELETE FROM stream WHERE seq <= :seq RETURNING seq

-- name: count_stream
-- Its numbers have hardly any gaps, and go from the front.
SELECT coalesce(max(seq) - min(seq) + 1, 0) AS number FROM stream

-- name: idle_targets
-- A target without a row is one that nothing holds back.
DELETE FROM target WHERE failures = 0 AND open_until IS NULL AND coalesce(paused_until, 0) < :before RETURNING target
