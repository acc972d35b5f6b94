-- name: insert_notice
INSERT INTO stream (kind, event_id, at) VALUES (:kind, :event_id, :at)
