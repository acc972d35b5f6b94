-- name: take_turns
-- The number is any, and the same in all of cepd's daemons.
SELECT pg_advisory_xact_lock(727362001)

-- name: take_turns_in_stream
SELECT pg_advisory_xact_lock(727362002)
