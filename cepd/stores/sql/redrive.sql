-- name: revived
-- With each, `overtaken_by`: what of its order key came later, and went out or may have, where the key is told of ends.
-- Begin and end may be told in their order alone, so that a message of before would tell the past. What is over and what
-- is not are looked for apart: an index over both would draw the claims away from theirs.
SELECT * FROM (
  SELECT delivery.*,
    (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id,
    CASE WHEN delivery.kind = 'resolved' OR EXISTS (
      SELECT 1 FROM delivery AS ending
      WHERE ending.order_key = delivery.order_key AND ending.seq > delivery.seq AND ending.kind = 'resolved'
    ) THEN coalesce((
      SELECT later.id FROM delivery AS later
      WHERE later.order_key = delivery.order_key AND later.seq > delivery.seq AND later.settled_at IS NOT NULL
        AND (later.state = 'sent' OR EXISTS (
          SELECT 1 FROM attempt WHERE attempt.delivery_id = later.id AND attempt.result = 'unknown'
        ))
      ORDER BY later.seq
      LIMIT 1
    ), (
      SELECT later.id FROM delivery AS later
      WHERE later.order_key = delivery.order_key AND later.seq > delivery.seq AND later.state IN ('pending', 'sending')
        AND (later.state = 'sending' OR EXISTS (
          SELECT 1 FROM attempt WHERE attempt.delivery_id = later.id AND attempt.result = 'unknown'
        ))
      ORDER BY later.seq
      LIMIT 1
    )) END AS overtaken_by
  FROM delivery
) AS asked
WHERE 1 = 1 {filters}
ORDER BY seq
LIMIT :limit

-- name: revived_id
AND id = :id

-- name: revived_in_turn
AND overtaken_by IS NULL

-- name: revived_overtaken
AND overtaken_by IS NOT NULL

-- name: redrive
UPDATE delivery
SET state = 'pending', attempts = 0, next_at = :at, deadline = NULL, reason = NULL, settled_at = NULL,
  redriven_by = :by, redriven_at = :at
WHERE id IN (SELECT value FROM json_each(:ids))

-- name: drop
UPDATE delivery SET state = 'suppressed', reason = :reason, settled_at = :at WHERE id = :id
