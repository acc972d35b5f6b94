-- name: find_run
SELECT * FROM execution WHERE exec_id = :exec_id

-- name: insert_run
INSERT INTO execution (
  exec_id, rule_id, firing_id, alert_id, status, condition_met, started_at, error_message, executed_by, asked, revision,
  generation
) VALUES (
  :exec_id, :rule_id, :firing_id, :alert_id, :status, :condition_met, :started_at, :error_message, :executed_by, :asked,
  :revision, :generation
) ON CONFLICT (exec_id) DO NOTHING

-- name: rule_is_running
-- The first try of some action of it has not ended. Looked for among what is unfinished, not in the rule's past. What
-- cepd tells its own rules is nobody's action, here and below.
SELECT id FROM delivery
WHERE rule_id || '' = :rule_id AND state IN ('pending', 'sending') AND fallback_of IS NULL AND type <> 'happening'
  AND (tries = 0 OR (tries = 1 AND state = 'sending'))
LIMIT 1

-- name: runs_of_rule
SELECT * FROM execution WHERE rule_id = :rule_id ORDER BY seq DESC LIMIT :limit

-- name: owed_by_rule
-- Of firings that nobody asked for.
SELECT seq, firing_id, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id FROM delivery
WHERE rule_id = :rule_id AND seq < :before AND fallback_of IS NULL AND type <> 'happening'
  AND NOT EXISTS (SELECT 1 FROM execution WHERE execution.firing_id = delivery.firing_id)
ORDER BY seq DESC LIMIT :limit

-- name: deliveries_of_firings
SELECT delivery.*, link.alert_id, alert.revision, alert.generation
FROM delivery
JOIN delivery_alert AS link ON link.delivery_id = delivery.id
  AND link.alert_id = (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id)
LEFT JOIN alert ON alert.event_id = link.alert_id
WHERE delivery.id IN (
  SELECT delivery_id FROM delivery_alert WHERE alert_id IN (SELECT value FROM json_each(:alert_ids))
) AND delivery.firing_id IN (SELECT value FROM json_each(:firing_ids)) AND delivery.fallback_of IS NULL
  AND delivery.type <> 'happening'
ORDER BY delivery.seq

-- name: first_attempts
SELECT * FROM attempt WHERE number = 1 AND delivery_id IN (SELECT value FROM json_each(:ids))

-- name: keep_progress
UPDATE delivery SET progress = :progress WHERE id = :id AND tries = :attempt AND state = 'sending' RETURNING id
