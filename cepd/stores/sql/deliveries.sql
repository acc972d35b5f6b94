-- name: targets
-- Those with something owed, and what holds them back. Skips from one to the next: however much is owed, it is as quick.
WITH RECURSIVE owed (target) AS (
  SELECT min(target) FROM delivery WHERE state = 'pending'
  UNION ALL
  SELECT (SELECT min(target) FROM delivery WHERE state = 'pending' AND target > owed.target)
  FROM owed WHERE owed.target IS NOT NULL
)
SELECT owed.target, target.paused_until, target.open_until, target.trials,
  (SELECT count(*) FROM delivery WHERE target = owed.target AND state = 'sending') AS in_flight
FROM owed LEFT JOIN target ON target.target = owed.target
WHERE owed.target IS NOT NULL

-- name: claimable
-- The oldest of each order key, where none of it is in flight.
SELECT candidate.seq FROM delivery AS candidate
WHERE candidate.target = :target AND candidate.state = 'pending' AND candidate.next_at <= :now
  AND (candidate.deadline IS NULL OR candidate.deadline >= :now) AND NOT EXISTS (
  SELECT 1 FROM delivery AS other
  WHERE other.order_key = candidate.order_key AND other.state IN ('pending', 'sending')
    AND (other.seq < candidate.seq OR other.state = 'sending')
)
ORDER BY candidate.seq
LIMIT :limit

-- name: claim
UPDATE delivery
SET state = 'sending', tries = tries + 1, owner = :owner, lease_until = lease + :now
WHERE seq IN (SELECT CAST(value AS BIGINT) FROM json_each(:seqs)) AND state = 'pending'
RETURNING *, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id,
  EXISTS (SELECT 1 FROM attempt WHERE attempt.delivery_id = delivery.id AND attempt.result = 'unknown') AS doubtful

-- name: begin_attempt
INSERT INTO attempt (delivery_id, number, started_at) VALUES (:id, :number, :at)

-- name: next_due
-- Of what waits for its time, for its target, for the end of a lease, for its deadline. What a claim has not come to
-- yet, as it takes so many at a time, is for the next one, at once.
SELECT min(due) AS due FROM (
  SELECT (
    SELECT candidate.next_at FROM delivery AS candidate
    WHERE candidate.state = 'pending' AND candidate.next_at > :now AND NOT EXISTS (
      SELECT 1 FROM delivery AS other
      WHERE other.order_key = candidate.order_key AND other.state IN ('pending', 'sending')
        AND (other.seq < candidate.seq OR other.state = 'sending')
    ) AND NOT EXISTS (
      SELECT 1 FROM target
      WHERE target = candidate.target AND (paused_until > candidate.next_at OR open_until > candidate.next_at)
    )
    ORDER BY candidate.next_at LIMIT 1
  ) AS due
  UNION ALL
  SELECT min(until) FROM (
    SELECT target, CASE WHEN coalesce(paused_until, 0) > coalesce(open_until, 0) THEN paused_until ELSE open_until END
      AS until
    FROM target WHERE paused_until > :now OR open_until > :now
  ) AS held
  WHERE EXISTS (SELECT 1 FROM delivery WHERE target = held.target AND state = 'pending' AND next_at <= held.until)
  UNION ALL
  SELECT CASE WHEN lease_until > :now THEN lease_until ELSE CAST(:now AS BIGINT) + 1 END FROM (
    SELECT min(lease_until) AS lease_until FROM delivery WHERE state = 'sending'
  ) AS leased WHERE lease_until IS NOT NULL
  UNION ALL
  SELECT CASE WHEN deadline >= :now THEN deadline + 1 ELSE CAST(:now AS BIGINT) + 1 END FROM (
    SELECT min(deadline) AS deadline FROM delivery WHERE state = 'pending' AND deadline IS NOT NULL
  ) AS ends WHERE deadline IS NOT NULL
  UNION ALL
  SELECT CAST(:now AS BIGINT) + 1 FROM target
  WHERE open_until > :now AND EXISTS (
    SELECT 1 FROM delivery
    WHERE delivery.target = target.target AND state = 'pending' AND urgent = 1 AND fell_back = 0
  )
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

-- name: add_target
INSERT INTO target (target) VALUES (:target) ON CONFLICT DO NOTHING

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
ORDER BY lease_until /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: own_claims
SELECT * FROM delivery WHERE state = 'sending' AND owner = :owner ORDER BY lease_until /*postgresql: FOR UPDATE */

-- name: cut_off
UPDATE attempt SET ended_at = :at, result = 'unknown', detail = :detail
WHERE delivery_id = :id AND number = :attempt AND ended_at IS NULL

-- name: release
UPDATE delivery SET state = :state, reason = :reason, settled_at = :settled_at, lease_until = NULL WHERE id = :id

-- name: past_deadline
SELECT * FROM delivery WHERE state = 'pending' AND deadline IS NOT NULL AND deadline < :now
ORDER BY deadline, seq LIMIT 100 /*postgresql: FOR UPDATE SKIP LOCKED */

-- name: urgent
-- What does not wait for an open breaker.
SELECT delivery.* FROM delivery JOIN target ON target.target = delivery.target
WHERE delivery.state = 'pending' AND delivery.urgent = 1 AND delivery.fell_back = 0 AND target.open_until > :now
ORDER BY delivery.target, delivery.seq LIMIT 100 /*postgresql: FOR UPDATE OF delivery SKIP LOCKED */

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
    SELECT 1 FROM attempt
    WHERE attempt.delivery_id = delivery.id AND (attempt.result IS NULL OR attempt.result = 'unknown')
  )
RETURNING id, target

-- name: supersede_late
UPDATE delivery SET state = 'superseded', settled_at = :now, reason = :reason
WHERE id = :id AND kind IN ('fired', 'storm') AND state = 'pending' AND EXISTS (
  SELECT 1 FROM delivery AS resolve
  JOIN delivery_alert AS its_alert ON its_alert.delivery_id = resolve.id
  JOIN delivery_alert AS my_alert ON my_alert.alert_id = its_alert.alert_id AND my_alert.delivery_id = delivery.id
  WHERE resolve.order_key = delivery.order_key AND resolve.seq < delivery.seq AND resolve.kind = 'resolved'
)
RETURNING id, target

-- name: begun_elsewhere
SELECT earlier.id
FROM delivery AS mine
JOIN delivery_alert AS my_alert ON my_alert.delivery_id = mine.id
JOIN delivery_alert AS its_alert ON its_alert.alert_id = my_alert.alert_id
JOIN delivery AS earlier ON earlier.id = its_alert.delivery_id
WHERE mine.id = :id AND mine.kind = 'resolved' AND mine.fallback IS NOT NULL
  AND earlier.order_key = mine.order_key AND earlier.seq < mine.seq AND earlier.fell_back = 1
LIMIT 1

-- name: delivery_counts
SELECT target, state, count(*) AS number FROM delivery
WHERE state IN ('pending', 'sending', 'dead', 'unknown')
GROUP BY target, state

-- name: oldest_pending
SELECT target, min(due_at) AS due_at FROM delivery WHERE state = 'pending' GROUP BY target

-- name: held_targets
SELECT * FROM target

-- name: deliveries_page
SELECT delivery.*, (SELECT min(alert_id) FROM delivery_alert WHERE delivery_id = delivery.id) AS alert_id
FROM delivery WHERE seq < :before {filters} ORDER BY seq DESC LIMIT :limit

-- name: delivery_where_state
AND state = :state

-- name: delivery_where_revivable
-- The list lets a partial index serve.
AND state = :state AND state IN ('dead', 'unknown', 'expired')

-- name: delivery_where_unfinished
AND state = :state AND state IN ('pending', 'sending')

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
