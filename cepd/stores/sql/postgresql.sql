-- name: take_turns
-- The number is any, and the same in all of cepd's daemons.
SELECT pg_advisory_xact_lock(727362001)

-- name: take_turns_in_stream
SELECT pg_advisory_xact_lock(727362002)

-- name: where_q
-- A to Z in either case; the key as JSON.
AND (
  strpos(lower(summary COLLATE "C"), lower(CAST(:q AS TEXT) COLLATE "C")) > 0
  OR strpos(lower(key COLLATE "C"), lower(CAST(:in_key AS TEXT) COLLATE "C")) > 0
)
