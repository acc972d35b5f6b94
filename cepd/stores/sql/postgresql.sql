-- name: take_turns
-- The number is any, and the same in all of cepd's daemons.
SELECT pg_advisory_xact_lock(727362001)

-- name: join_writers
-- Any number of writers hold it at a time, each until its rows can be seen.
SELECT pg_advisory_xact_lock_shared(727362002)

-- name: hurry
-- Those who come behind it wait with it, so it gives up soon where a writer is frozen.
SELECT set_config('lock_timeout', '500ms', true)

-- name: outwait_writers
-- Whoever gets it knows that all who wrote before have ended; whoever writes from here on draws a higher number.
SELECT pg_advisory_xact_lock(727362002)

-- name: where_q
-- A to Z in either case; the key as JSON.
AND (
  strpos(lower(summary COLLATE "C"), lower(CAST(:q AS TEXT) COLLATE "C")) > 0
  OR strpos(lower(key COLLATE "C"), lower(CAST(:in_key AS TEXT) COLLATE "C")) > 0
)

-- name: before_alerts
SELECT 0 AS seq

-- name: fresh_alerts
-- Rows that this very transaction has made.
SELECT event_id FROM alert
WHERE event_id IN (SELECT value FROM json_each(:event_ids)) AND xmin = pg_current_xact_id()::xid
ORDER BY seq
