-- name: take_turns
-- One transaction writes at a time anyway.
SELECT 1

-- name: join_writers
SELECT 1

-- name: hurry
SELECT 1

-- name: outwait_writers
SELECT 1

-- name: before_alerts
SELECT coalesce(max(seq), 0) AS seq FROM alert

-- name: fresh_alerts
-- What stands behind the newest row that was there before; no number is used twice.
SELECT event_id FROM alert WHERE seq > :before ORDER BY seq
