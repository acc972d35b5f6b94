-- name: take_turns
-- One transaction writes at a time anyway.
SELECT 1

-- name: take_turns_in_stream
SELECT 1

-- name: where_q
-- A to Z in either case; the key as JSON.
AND (instr(lower(summary), lower(:q)) > 0 OR instr(lower(key), lower(:in_key)) > 0)
