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
AND (acked_by IS NOT NULL) = :acked

-- name: where_state_open
AND resolved = 0 AND acked_by IS NULL

-- name: where_state_acked
AND resolved = 0 AND acked_by IS NOT NULL

-- name: where_state_resolved
AND resolved = 1

-- name: newest_delivery_states
-- The other columns beside a max() are those of its row.
SELECT max(delivery.seq), delivery_alert.alert_id, delivery.target, delivery.state
FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
WHERE delivery_alert.alert_id IN (SELECT value FROM json_each(:event_ids))
GROUP BY delivery_alert.alert_id, delivery.target

-- name: alert
SELECT * FROM alert WHERE event_id = :event_id

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
INSERT INTO alert_change (event_id, at, kind, by, before, after, note)
VALUES (:event_id, :at, :kind, :by, :before, :after, :note)

-- name: unacked
SELECT severity, count(*) FROM alert WHERE resolved = 0 AND acked_by IS NULL GROUP BY severity
