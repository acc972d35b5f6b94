-- name: targets
-- Those that are not paused.
SELECT target, sum(state = 'sending') AS in_flight FROM delivery
WHERE state IN ('pending', 'sending') AND target NOT IN (SELECT target FROM pause WHERE until > :now)
GROUP BY target

-- name: claimable
-- The oldest of each order key, where none of it is in flight.
SELECT candidate.seq FROM delivery AS candidate
WHERE candidate.target = :target AND candidate.state = 'pending' AND candidate.next_at <= :now AND NOT EXISTS (
  SELECT 1 FROM delivery AS other
  WHERE other.order_key = candidate.order_key AND other.state IN ('pending', 'sending')
    AND (other.seq < candidate.seq OR other.state = 'sending')
)
ORDER BY candidate.seq
LIMIT :limit

-- name: claim
UPDATE delivery SET state = 'sending' WHERE seq IN (SELECT value FROM json_each(:seqs))
RETURNING *, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id

-- name: next_due
SELECT min(due) FROM (
  SELECT max(candidate.next_at, coalesce(pause.until, 0)) AS due
  FROM delivery AS candidate LEFT JOIN pause ON pause.target = candidate.target
  WHERE candidate.state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM delivery AS other
    WHERE other.order_key = candidate.order_key AND other.state IN ('pending', 'sending')
      AND (other.seq < candidate.seq OR other.state = 'sending')
  )
)
WHERE due > :now

-- name: delivery_state
SELECT state FROM delivery WHERE id = :id

-- name: begin_attempt
INSERT INTO attempt (delivery_id, number, started_at)
SELECT :id, coalesce(max(number), 0) + 1, :at FROM attempt WHERE delivery_id = :id
RETURNING number

-- name: open_attempt
SELECT max(number) FROM attempt WHERE delivery_id = :id AND ended_at IS NULL

-- name: end_attempt
UPDATE attempt
SET ended_at = :at, result = :result, detail = :detail, status = :status, retry_after = :retry_after
WHERE delivery_id = :id AND number = :attempt

-- name: settle
UPDATE delivery
SET state = :state, attempts = :attempts, next_at = :next_at, reason = :reason, settled_at = :settled_at
WHERE id = :id

-- name: pause
INSERT INTO pause (target, until) SELECT target, :until FROM delivery WHERE id = :id
ON CONFLICT (target) DO UPDATE SET until = max(until, excluded.until)

-- name: end_open_attempts
UPDATE attempt SET ended_at = :at, result = 'unknown', detail = 'cepd stopped before an answer came'
WHERE ended_at IS NULL

-- name: reclaim
UPDATE delivery SET state = 'pending' WHERE state = 'sending'

-- name: delivery_counts
SELECT target, state, count(*) FROM delivery
WHERE state IN ('pending', 'sending', 'dead', 'unknown')
GROUP BY target, state

-- name: oldest_pending
SELECT min(due_at) FROM delivery WHERE state = 'pending'
