-- name: insert_alert
INSERT INTO alert (
  event_id, kind, rule_id, rule_name, pack, severity, resolved, summary, key, "values", payload, source_event_ids,
  time, last_at, count, "window", trace, generation, revision, recorded_at, acked_by, acked_at,
  ack_note
) VALUES (
  :event_id, :kind, :rule_id, :rule_name, :pack, :severity, :resolved, :summary, :key, :values, :payload,
  :source_event_ids, :time, :last_at, :count, :window, :trace, :generation, :revision, :recorded_at, :acked_by,
  :acked_at, :ack_note
) ON CONFLICT (event_id) DO NOTHING

-- name: fold_alert
UPDATE alert
SET
  resolved = CASE
    WHEN resolved_by IS NOT NULL THEN 1 -- for good
    WHEN :count > count OR :resolved > resolved THEN :resolved
    ELSE resolved END,
  resolved_at = CASE
    WHEN :resolved = 1 THEN coalesce(resolved_at, :at)
    WHEN :count > count AND resolved_by IS NULL THEN NULL
    ELSE resolved_at END,
  last_at = CASE WHEN :count > count THEN :last_at ELSE last_at END,
  count = :count
WHERE event_id = :event_id AND count <= :count

-- name: insert_delivery
INSERT INTO delivery (
  id, firing_id, rule_id, kind, action, type, target, order_key, request, terms, lease, due_at, state, attempts,
  next_at, deadline, urgent, depth, fallback, fallback_of
) VALUES (
  :id, :firing_id, :rule_id, :kind, :action, :type, :target, :order_key, :request, :terms, :lease, :due_at, 'pending',
  0, :due_at, :deadline, :urgent, :depth, :fallback, :fallback_of
) ON CONFLICT (id) DO NOTHING

-- name: insert_delivery_alert
INSERT INTO delivery_alert (delivery_id, alert_id) VALUES (:id, :alert_id) ON CONFLICT DO NOTHING

-- name: raise_recorded_seq
INSERT INTO meta (name, value) VALUES (:name, :seq)
ON CONFLICT (name) DO UPDATE
SET value = CASE WHEN meta.value > excluded.value THEN meta.value ELSE excluded.value END

-- name: recorded_seq
SELECT coalesce(max(value), 0) AS value FROM meta WHERE name = :name

-- name: lower_recorded_seq
UPDATE meta SET value = :seq WHERE name = :name AND value > :seq
