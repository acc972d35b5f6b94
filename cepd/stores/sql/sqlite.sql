-- name: take_turns
-- One transaction writes at a time anyway.
SELECT 1

-- name: take_turns_in_stream
SELECT 1
