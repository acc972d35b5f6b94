-- name: insert_notices
INSERT INTO stream (kind, event_id, at) SELECT :kind, value, :at FROM json_each(:event_ids)

-- name: insert_ends
-- Of deliveries that have ended, for each alert that one is of.
INSERT INTO stream (kind, event_id, delivery_id, at)
SELECT 'delivery', delivery_alert.alert_id, delivery_alert.delivery_id, :at
FROM delivery_alert JOIN delivery ON delivery.id = delivery_alert.delivery_id
WHERE delivery_alert.delivery_id IN (SELECT value FROM json_each(:ids))
ORDER BY delivery.seq, delivery_alert.alert_id

-- name: newest_notice
SELECT coalesce(max(seq), 0) AS seq FROM stream

-- name: oldest_notice
SELECT min(seq) AS seq FROM stream

-- name: notices
SELECT seq, kind, event_id, delivery_id, at FROM stream WHERE seq > :after AND seq <= :until
ORDER BY seq LIMIT :limit

-- name: deliveries_by_id
SELECT delivery.*, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id
FROM delivery WHERE id IN (SELECT value FROM json_each(:ids))
