-- name: take_turns
-- One transaction writes at a time anyway.
SELECT 1

-- name: join_writers
SELECT 1

-- name: where_q
-- A to Z in either case; the key as JSON.
AND (instr(lower(summary), lower(:q)) > 0 OR instr(lower(key), lower(:in_key)) > 0)

-- name: hurry
SELECT 1

-- name: outwait_writers
SELECT 1

-- name: before_alerts
SELECT coalesce(max(seq), 0) AS seq FROM alert

-- name: fresh_alerts
-- What stands behind the newest row that was there before; no number is used twice.
SELECT event_id FROM alert WHERE seq > :before ORDER BY seq
