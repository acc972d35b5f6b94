-- name: targets
-- Those with something owed or under way, and what holds them back.
SELECT owed.target, owed.in_flight, target.paused_until, target.open_until, target.trials
FROM (
  SELECT target, sum(CASE WHEN state = 'sending' THEN 1 ELSE 0 END) AS in_flight FROM delivery
  WHERE state IN ('pending', 'sending') GROUP BY target
) AS owed LEFT JOIN target ON target.target = owed.target

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
UPDATE delivery
SET state = 'sending', tries = tries + 1, owner = :owner, lease_until = lease + :now
WHERE seq IN (SELECT CAST(value AS BIGINT) FROM json_each(:seqs))
RETURNING *, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id

-- name: begin_attempt
INSERT INTO attempt (delivery_id, number, started_at) VALUES (:id, :number, :at)

-- name: next_due
SELECT min(due) AS due FROM (
  SELECT CASE
    WHEN target.paused_until > candidate.next_at AND target.paused_until > coalesce(target.open_until, 0)
      THEN target.paused_until
    WHEN target.open_until > candidate.next_at THEN target.open_until
    ELSE candidate.next_at
  END AS due
  FROM delivery AS candidate LEFT JOIN target ON target.target = candidate.target
  WHERE candidate.state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM delivery AS other
    WHERE other.order_key = candidate.order_key AND other.state IN ('pending', 'sending')
      AND (other.seq < candidate.seq OR other.state = 'sending')
  )
  UNION ALL
  SELECT min(lease_until) FROM delivery WHERE state = 'sending' AND owner <> :owner
  UNION ALL
  SELECT min(deadline) + 1 FROM delivery WHERE state = 'pending' AND deadline IS NOT NULL
) AS waits
WHERE due > :now

-- name: find_delivery
SELECT delivery.*, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id
FROM delivery WHERE id = :id

-- name: hold_delivery
SELECT * FROM delivery WHERE id = :id /*postgresql: FOR UPDATE */

-- name: end_attempt
UPDATE attempt
SET ended_at = :at, result = :result, detail = :detail, status = :status, retry_after = :retry_after
WHERE delivery_id = :id AND number = :attempt

-- name: settle
UPDATE delivery
SET state = :state, attempts = :attempts, next_at = :next_at, reason = :reason, settled_at = :settled_at,
  lease_until = NULL
WHERE id = :id

-- name: fall_back
UPDATE delivery SET fell_back = 1, fallback = NULL WHERE id = :id

-- name: hold_target
SELECT failures, open_until, trials FROM target WHERE target = :target /*postgresql: FOR UPDATE */

-- name: set_breaker
INSERT INTO target (target, failures, open_until, trials) VALUES (:target, :failures, :open_until, :trials)
ON CONFLICT (target) DO UPDATE
SET failures = excluded.failures, open_until = excluded.open_until, trials = excluded.trials

-- name: pause
INSERT INTO target (target, paused_until) VALUES (:target, :until)
ON CONFLICT (target) DO UPDATE
SET paused_until = CASE WHEN target.paused_until > excluded.paused_until THEN target.paused_until
  ELSE excluded.paused_until END

-- name: lapsed
-- Claims whose holder did not come back within the lease.
SELECT * FROM delivery WHERE state = 'sending' AND lease_until <= :now
ORDER BY seq /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: own_claims
SELECT * FROM delivery WHERE state = 'sending' AND owner = :owner ORDER BY seq /*postgresql: FOR UPDATE */

-- name: cut_off
UPDATE attempt SET ended_at = :at, result = 'unknown', detail = :detail
WHERE delivery_id = :id AND number = :attempt AND ended_at IS NULL

-- name: release
UPDATE delivery SET state = :state, reason = :reason, settled_at = :settled_at, lease_until = NULL WHERE id = :id

-- name: past_deadline
SELECT * FROM delivery WHERE state = 'pending' AND deadline IS NOT NULL AND deadline < :now
ORDER BY seq LIMIT 100 /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: urgent_of
SELECT * FROM delivery WHERE state = 'pending' AND urgent = 1 AND fell_back = 0 AND target = :target
ORDER BY seq LIMIT 100 /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: supersede
-- Only what surely never arrived.
UPDATE delivery SET state = 'superseded', settled_at = :now, reason = :reason
WHERE state = 'pending' AND attempts > 0 AND next_at <= :now AND kind IN ('fired', 'storm')
  AND EXISTS (
    SELECT 1 FROM delivery AS later
    JOIN delivery_alert AS theirs ON theirs.delivery_id = later.id
    JOIN delivery_alert AS mine ON mine.alert_id = theirs.alert_id AND mine.delivery_id = delivery.id
    WHERE later.order_key = delivery.order_key AND later.seq > delivery.seq
      AND later.state = 'pending' AND later.kind = 'resolved'
  )
  AND NOT EXISTS (
    SELECT 1 FROM attempt WHERE attempt.delivery_id = delivery.id AND attempt.result = 'unknown'
  )
RETURNING id

-- name: delivery_counts
SELECT target, state, count(*) AS number FROM delivery
WHERE state IN ('pending', 'sending', 'dead', 'unknown')
GROUP BY target, state

-- name: oldest_pending
SELECT min(due_at) AS due_at FROM delivery WHERE state = 'pending'

-- name: held_targets
SELECT * FROM target WHERE failures > 0 OR open_until IS NOT NULL OR paused_until IS NOT NULL

-- name: deliveries_page
SELECT delivery.*, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id
FROM delivery WHERE seq < :before {filters} ORDER BY seq DESC LIMIT :limit

-- name: delivery_where_state
AND state = :state

-- name: delivery_where_target
AND target = :target

-- name: delivery_where_rule_id
AND rule_id = :rule_id

-- name: delivery_where_alert_id
AND id IN (SELECT delivery_id FROM delivery_alert WHERE alert_id = :alert_id)

-- name: delivery_where_since
AND due_at >= :since

-- name: delivery_where_until
AND due_at < :until

-- name: attempts_of_delivery
SELECT * FROM attempt WHERE delivery_id = :id ORDER BY number

-- name: redrive
UPDATE delivery
SET state = 'pending', attempts = 0, next_at = :at, deadline = NULL, reason = NULL, settled_at = NULL,
  redriven_by = :by, redriven_at = :at
WHERE id = :id

-- name: drop
UPDATE delivery SET state = 'suppressed', reason = :reason, settled_at = :at WHERE id = :id
