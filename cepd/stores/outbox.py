"""Operations that work the outbox off: who may try what now, how a try ended, what stands in for what was given up.

A claim writes the attempt's row, so nothing is sent that is not written down before; the attempt's number is the token
by which alone it is settled. Claims of several daemons take turns, so that the limits hold over all of them.
"""

import msgspec

from cepd.model.delivery import Delivery, DeliveryState, Draft
from cepd.model.errors import ConflictError, NotFoundError
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant
from cepd.model.terms import Terms
from cepd.policies.breaker import Breaker, after
from cepd.ports import PutAside, Settled, Settlement, Tally
from cepd.ports.store import BreakerChange
from cepd.stores.happenings import hears_of, tell_breaker, tell_failure
from cepd.stores.operations import Operation, Row, Rows, many, one
from cepd.stores.owing import owe
from cepd.stores.rows import delivery_of
from cepd.stores.stream import tell_ends

GIVEN_UP: tuple[DeliveryState, ...] = ("dead", "unknown", "expired")
"""What rules hear of as failed."""

_RESOLVED = "its alert was resolved before it could be told"
_LAPSED = "whoever claimed it did not come back in time"
_STOPPED = "cepd stopped before an answer came"
_OPEN = "the circuit breaker is open"
_LATE = "its deadline passed"


def claim(
    now: Instant, per_target: int, owner: str, tally: Tally, listening: Listening = NOBODY
) -> Operation[list[Delivery]]:
    yield one("take_turns")
    yield from _put_aside(now, tally, listening)
    targets = yield one("targets")
    due: list[int] = []
    for target in targets:
        limit = _limit(target, now, per_target)
        if limit > 0:
            found = yield one("claimable", target=target["target"], now=now, limit=limit)
            due.extend(row["seq"] for row in found)
    claimed = (yield from _take(due, now, owner, tally)) if due else []
    yield from tell_ends(tally.over, now)
    return claimed


def _take(seqs: list[int], now: Instant, owner: str, tally: Tally) -> Operation[list[Delivery]]:
    rows = yield one("claim", seqs=msgspec.json.encode(seqs).decode(), now=now, owner=owner)
    tally.possible_duplicates.update(row["target"] for row in rows if row["doubtful"])
    claimed = [delivery_of(row) for row in sorted(rows, key=lambda row: int(row["seq"]))]
    yield many("begin_attempt", [{"id": each.id, "number": each.tries, "at": now} for each in claimed])
    return claimed


def settle(settlement: Settlement, tally: Tally) -> Operation[Settled]:
    """Takes turns with claims and other settles where something else is owed then: in the order in which it is
    written, it can be seen. The turn comes before the row, as with everybody who takes both."""
    falls_back = settlement.falls_back
    if settlement.state == "sent":
        falls_back = yield from _begun_elsewhere(settlement.delivery_id)
    if falls_back or hears_of(settlement):
        yield one("take_turns")
    row = yield from _under_way(settlement.delivery_id, settlement.attempt)
    outcome = settlement.outcome
    values = msgspec.structs.asdict(outcome)
    yield one("end_attempt", id=row["id"], at=settlement.at, attempt=settlement.attempt, **values)
    sent, owed = settlement.state == "sent", settlement.state == "pending"
    yield one(
        "settle",
        id=row["id"],
        state=settlement.state,
        attempts=settlement.attempts,
        next_at=settlement.next_at,
        reason=None if sent else outcome.detail or outcome.result,
        settled_at=None if owed else settlement.at,
    )
    if not owed:
        tally.ended(settlement.state, [row])
    if settlement.pause_target_until is not None:
        yield one("pause", target=row["target"], until=settlement.pause_target_until)
    fallback = (yield from _fall_back(row, settlement.at, tally)) if falls_back else None
    if settlement.state in GIVEN_UP:
        yield from tell_failure(row["id"], settlement.at, settlement.listening, fallback)
    breaker = yield from _learn(row, settlement)
    yield from tell_ends(tally.over, settlement.at)
    return Settled(fallback=fallback, breaker=breaker)


def reclaim(at: Instant, owner: str, tally: Tally, listening: Listening = NOBODY) -> Operation[int]:
    rows = yield one("own_claims", owner=owner)
    yield from _cut_off(rows, at, _STOPPED, tally, listening)
    yield from tell_ends(tally.over, at)
    return len(rows)


def next_due(now: Instant) -> Operation[Instant | None]:
    rows = yield one("next_due", now=now)
    due: Instant | None = rows[0]["due"]
    return due


def _limit(target: Row, now: Instant, per_target: int) -> int:
    """How many more of a target may be claimed."""
    if max(target["paused_until"] or 0, target["open_until"] or 0) > now:
        return 0
    most = per_target if target["open_until"] is None else min(per_target, target["trials"])
    return int(most - target["in_flight"])


def _under_way(delivery_id: str, attempt: int) -> Operation[Row]:
    rows = yield one("hold_delivery", id=delivery_id)
    if not rows:
        raise NotFoundError(f"there is no delivery {delivery_id}")
    row = rows[0]
    if row["state"] != "sending":
        raise ConflictError(f"delivery {delivery_id} is {row['state']}, not sending")
    if row["tries"] != attempt:
        raise ConflictError(f"attempt {attempt} of delivery {delivery_id} is not the one that is open ({row['tries']})")
    return row


def _put_aside(now: Instant, tally: Tally, listening: Listening) -> Operation[None]:
    """What must not be tried as it stands: what nobody works on any more, what is too late, what was resolved, and
    what is not to wait for an open breaker."""
    lapsed = yield one("lapsed", now=now)
    yield from _cut_off(lapsed, now, _LAPSED, tally, listening)
    late = yield one("past_deadline", now=now)
    for row in late:
        yield from _give_up(row, "expired", _LATE, now, tally, listening)
    superseded = yield one("supersede", now=now, reason=_RESOLVED)
    tally.ended("superseded", superseded)
    urgent = yield one("urgent", now=now)
    for row in urgent:
        if row["deadline"] is None:
            yield from _give_up(row, "dead", _OPEN, now, tally, listening)
        else:
            fallback = yield from _fall_back(row, now, tally)
            if fallback is not None:
                tally.put_aside.append(_put(row, "pending", _OPEN, fallback))


def _cut_off(rows: Rows, at: Instant, why: str, tally: Tally, listening: Listening) -> Operation[None]:
    """Tries of which nobody will hear: they may have arrived. They do not count against the schedule."""
    for row in rows:
        yield one("cut_off", id=row["id"], attempt=row["tries"], at=at, detail=why)
        held = msgspec.json.decode(row["terms"], type=Terms).on_unknown == "hold"
        state, settled = ("unknown", at) if held else ("pending", None)
        yield one("release", id=row["id"], state=state, reason=why if held else None, settled_at=settled)
        if held:
            tally.ended(state, [row])
            tally.put_aside.append(_put(row, state, why, None))
            yield from tell_failure(row["id"], at, listening, None)


def _give_up(row: Row, state: str, why: str, at: Instant, tally: Tally, listening: Listening) -> Operation[None]:
    yield one("release", id=row["id"], state=state, reason=why, settled_at=at)
    tally.ended(state, [row])
    fallback = yield from _fall_back(row, at, tally)
    tally.put_aside.append(_put(row, state, why, fallback))
    yield from tell_failure(row["id"], at, listening, fallback)


def _put(row: Row, state: str, why: str, fallback: str | None) -> PutAside:
    return PutAside(row["id"], row["target"], row["rule_id"], state, why, fallback)


def _fall_back(row: Row, at: Instant, tally: Tally) -> Operation[str | None]:
    """What stands in for a delivery is owed from now on; its target, None where nothing does or it is owed already.
    Where it would tell of an alert after that alert's end, it is superseded at once."""
    if row["fallback"] is None:
        return None
    draft = msgspec.json.decode(row["fallback"], type=Draft)
    yield from owe([msgspec.structs.replace(draft, due_at=at)], fallback_of=row["id"])
    late = yield one("supersede_late", id=draft.id, now=at, reason=_RESOLVED)
    tally.ended("superseded", late)
    yield one("fall_back", id=row["id"])
    found = yield one("find_delivery", id=draft.id)
    owed = found[0]["fallback_of"] == row["id"] and found[0]["state"] == "pending"
    if owed:
        tally.fallbacks[row["target"]] += 1
    return draft.target if owed else None


def _begun_elsewhere(delivery_id: str) -> Operation[bool]:
    """Whether it tells of the end of an alert of which something else told before, in the stead of what was given up:
    who heard of the one hears of the other."""
    rows = yield one("begun_elsewhere", id=delivery_id)
    return bool(rows)


def _learn(row: Row, settlement: Settlement) -> Operation[BreakerChange | None]:
    """What the end of a try does to the breaker of its target. Those that end at once are counted one by one, so a
    target must have a row, which is held, before its first failure is."""
    spec = msgspec.json.decode(row["terms"], type=Terms).breaker
    outcome, at = settlement.outcome, settlement.at
    held = yield one("hold_target", target=row["target"])
    if not held:
        if after(Breaker(), spec, outcome, at) == Breaker():
            return None
        yield one("add_target", target=row["target"])
        held = yield one("hold_target", target=row["target"])
    before = Breaker(held[0]["failures"], held[0]["open_until"])
    now = after(before, spec, outcome, at)
    if now != before:
        yield one(
            "set_breaker",
            target=row["target"],
            failures=now.failures,
            open_until=now.open_until,
            trials=spec.half_open_max_requests,
        )
    if (now.open_until is None) == (before.open_until is None):
        return None
    yield from tell_breaker(row["id"], at, settlement.listening, now)
    return "closed" if now.open_until is None else "opened"
