-- name: alerts_among
SELECT * FROM alert WHERE event_id IN (SELECT value FROM json_each(:event_ids))

-- name: hold_alerts
-- In one order, so that two who hold many do not wait for each other.
SELECT * FROM alert WHERE event_id IN (SELECT value FROM json_each(:event_ids))
ORDER BY event_id /*postgresql: FOR UPDATE */

-- name: alert_ids
SELECT event_id FROM alert WHERE 1 = 1 {filters} ORDER BY seq DESC LIMIT :limit

-- name: changes_under
SELECT * FROM alert_change
WHERE event_id IN (SELECT value FROM json_each(:event_ids)) AND idempotency_key = :key

-- name: change_alert
UPDATE alert
SET resolved = :resolved, resolved_at = :resolved_at, resolved_by = :resolved_by, acked_by = :acked_by,
  acked_at = :acked_at, ack_note = :ack_note, ack_source = :ack_source, ack_until = :ack_until,
  unacked_since = :unacked_since, verdict = :verdict, verdict_by = :verdict_by
WHERE event_id = :event_id

-- name: insert_change
INSERT INTO alert_change (event_id, at, kind, by, before, after, note, source, until, verdict, idempotency_key)
VALUES (:event_id, :at, :kind, :by, :before, :after, :note, :source, :until, :verdict, :idempotency_key)

-- name: ended_acks
SELECT * FROM alert WHERE resolved = 0 AND ack_until IS NOT NULL AND ack_until <= :now
ORDER BY ack_until LIMIT :limit /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: next_ack_end
SELECT min(ack_until) AS due FROM alert WHERE resolved = 0 AND ack_until IS NOT NULL

-- name: overdue
SELECT severity, count(*) AS number FROM alert
WHERE resolved = 0 AND acked_by IS NULL AND coalesce(unacked_since, recorded_at) < :before
GROUP BY severity

-- name: judged
SELECT rule_id, verdict, count(*) AS number FROM alert WHERE verdict IS NOT NULL GROUP BY rule_id, verdict
