-- name: alerts_page
SELECT * FROM alert WHERE seq < :before {filters} ORDER BY seq DESC LIMIT :limit

-- name: where_rule_id
AND rule_id = :rule_id

-- name: where_severity
AND severity IN (SELECT value FROM json_each(:severity))

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

-- name: where_channel_state
AND EXISTS (
  SELECT 1 FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
  WHERE delivery_alert.alert_id = alert.event_id AND delivery.state = :channel_state
)

-- name: where_among
AND event_id IN (SELECT value FROM json_each(:among))

-- name: alerts_by_delivery
SELECT delivery_alert.alert_id
FROM delivery JOIN delivery_alert ON delivery_alert.delivery_id = delivery.id
WHERE 1 = 1 {filters} LIMIT :limit

-- name: where_verdict
AND verdict = :verdict

-- name: where_unjudged
AND verdict IS NULL

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

-- name: unacked
SELECT severity, count(*) AS number FROM alert WHERE resolved = 0 AND acked_by IS NULL GROUP BY severity
