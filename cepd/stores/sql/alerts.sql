-- name: alerts_page
SELECT * FROM alert WHERE seq < :before {filters} ORDER BY seq DESC LIMIT :limit

-- name: where_rule_id
AND rule_id = :rule_id

-- name: where_severity
AND severity = :severity

-- name: where_since
AND time >= :since

-- name: where_until
AND time < :until

-- name: where_acked
AND (CASE WHEN acked_by IS NULL THEN 0 ELSE 1 END) = :acked

-- name: where_state_open
AND resolved = 0 AND acked_by IS NULL

-- name: where_state_acked
AND resolved = 0 AND acked_by IS NOT NULL

-- name: where_state_resolved
AND resolved = 1

-- name: newest_delivery_states
SELECT alert_id, target, state FROM (
  SELECT delivery_alert.alert_id, delivery.target, delivery.state,
    row_number() OVER (PARTITION BY delivery_alert.alert_id, delivery.target ORDER BY delivery.seq DESC) AS place
  FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
  WHERE delivery_alert.alert_id IN (SELECT value FROM json_each(:event_ids))
) AS ranked
WHERE place = 1

-- name: alert
SELECT * FROM alert WHERE event_id = :event_id

-- name: hold_alert
SELECT * FROM alert WHERE event_id = :event_id /*postgresql: FOR UPDATE */

-- name: alert_history
SELECT * FROM alert_change WHERE event_id = :event_id ORDER BY seq

-- name: deliveries_of_alert
SELECT delivery.*, delivery_alert.alert_id
FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
WHERE delivery_alert.alert_id = :event_id
ORDER BY delivery.seq

-- name: attempts_of_alert
SELECT attempt.*
FROM delivery_alert
JOIN delivery ON delivery.id = delivery_alert.delivery_id
JOIN attempt ON attempt.delivery_id = delivery.id
WHERE delivery_alert.alert_id = :event_id
ORDER BY delivery.seq, attempt.number

-- name: acknowledge
UPDATE alert SET acked_by = :by, acked_at = :at, ack_note = :note WHERE event_id = :event_id

-- name: insert_change
INSERT INTO alert_change (event_id, at, kind, by, before, after, note, source)
VALUES (:event_id, :at, :kind, :by, :before, :after, :note, 'api')

-- name: unacked
SELECT severity, count(*) AS number FROM alert WHERE resolved = 0 AND acked_by IS NULL GROUP BY severity
