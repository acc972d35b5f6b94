"""Operations that work the outbox off: who may try what now, how a try ended, what stands in for what was given up.

A claim writes the attempt's row, so nothing is sent that is not written down before; the attempt's number is the token
by which alone it is settled. Claims of several daemons take turns, so that the limits hold over all of them.
"""

import msgspec

from cepd.model.delivery import Delivery, Draft
from cepd.model.errors import ConflictError, NotFoundError
from cepd.model.instant import Instant
from cepd.model.terms import Terms
from cepd.policies.breaker import Breaker, after
from cepd.ports import Settled, Settlement
from cepd.stores.operations import Operation, Row, Rows, many, one
from cepd.stores.rows import delivery_of, draft_row
from cepd.stores.stream import tell_ends

_RESOLVED = "its alert was resolved before it could be told"
_LAPSED = "whoever claimed it did not come back in time"
_STOPPED = "cepd stopped before an answer came"
_OPEN = "the circuit breaker is open"
_LATE = "its deadline passed"


def claim(now: Instant, per_target: int, owner: str) -> Operation[list[Delivery]]:
    yield one("take_turns")
    lapsed = yield one("lapsed", now=now)
    ended = yield from _cut_off(lapsed, now, _LAPSED)
    late = yield one("past_deadline", now=now)
    for row in late:
        yield from _give_up(row, "expired", _LATE, now)
    superseded = yield one("supersede", now=now, reason=_RESOLVED)
    ended += [row["id"] for row in (*late, *superseded)]
    targets = yield one("targets")
    due: list[int] = []
    for target in targets:
        if (target["open_until"] or 0) > now:
            urgent = yield one("urgent_of", target=target["target"])
            for row in urgent:
                yield from _give_up(row, "dead", _OPEN, now)
            ended += [row["id"] for row in urgent]
        elif (limit := _limit(target, now, per_target)) > 0:
            found = yield one("claimable", target=target["target"], now=now, limit=limit)
            due.extend(row["seq"] for row in found)
    claimed = (yield from _take(due, now, owner)) if due else []
    yield from tell_ends(ended, now)
    return claimed


def _take(seqs: list[int], now: Instant, owner: str) -> Operation[list[Delivery]]:
    rows = yield one("claim", seqs=msgspec.json.encode(seqs).decode(), now=now, owner=owner)
    claimed = [delivery_of(row) for row in sorted(rows, key=lambda row: int(row["seq"]))]
    yield many("begin_attempt", [{"id": each.id, "number": each.tries, "at": now} for each in claimed])
    return claimed


def settle(settlement: Settlement) -> Operation[Settled]:
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
    if settlement.pause_target_until is not None:
        yield one("pause", target=row["target"], until=settlement.pause_target_until)
    fallback = (yield from _fall_back(row, settlement.at)) if settlement.falls_back else None
    held = yield one("hold_target", target=row["target"])
    before = Breaker(held[0]["failures"], held[0]["open_until"]) if held else Breaker()
    terms = msgspec.json.decode(row["terms"], type=Terms)
    now = after(before, terms.breaker, outcome.result, settlement.at)
    if now != before:
        yield one(
            "set_breaker",
            target=row["target"],
            failures=now.failures,
            open_until=now.open_until,
            trials=terms.breaker.half_open_max_requests,
        )
    yield from tell_ends([] if owed else [row["id"]], settlement.at)
    if (now.open_until is None) == (before.open_until is None):
        return Settled(fallback=fallback)
    return Settled(fallback=fallback, breaker="closed" if now.open_until is None else "opened")


def reclaim(at: Instant, owner: str) -> Operation[int]:
    rows = yield one("own_claims", owner=owner)
    ended = yield from _cut_off(rows, at, _STOPPED)
    yield from tell_ends(ended, at)
    return len(rows)


def next_due(now: Instant, owner: str) -> Operation[Instant | None]:
    rows = yield one("next_due", now=now, owner=owner)
    due: Instant | None = rows[0]["due"]
    return due


def _limit(target: Row, now: Instant, per_target: int) -> int:
    """How many more of a target may be claimed."""
    if (target["paused_until"] or 0) > now:
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


def _cut_off(rows: Rows, at: Instant, why: str) -> Operation[list[str]]:
    """Tries of which nobody will hear: they may have arrived. They do not count against the schedule. The deliveries
    that this is the end of."""
    ended: list[str] = []
    for row in rows:
        yield one("cut_off", id=row["id"], attempt=row["tries"], at=at, detail=why)
        held = msgspec.json.decode(row["terms"], type=Terms).on_unknown == "hold"
        state, settled = ("unknown", at) if held else ("pending", None)
        yield one("release", id=row["id"], state=state, reason=why if held else None, settled_at=settled)
        if held:
            ended.append(row["id"])
    return ended


def _give_up(row: Row, state: str, why: str, at: Instant) -> Operation[None]:
    yield one("release", id=row["id"], state=state, reason=why, settled_at=at)
    yield from _fall_back(row, at)


def _fall_back(row: Row, at: Instant) -> Operation[str | None]:
    """What stands in for a delivery is owed from now on; its target, None where nothing does or it is owed already."""
    if row["fallback"] is None:
        return None
    draft = msgspec.json.decode(row["fallback"], type=Draft)
    values = draft_row(msgspec.structs.replace(draft, due_at=at)) | {"fallback_of": row["id"]}
    yield one("insert_delivery", **values)
    yield one("insert_delivery_alert", id=draft.id, alert_id=draft.alert_id)
    yield one("fall_back", id=row["id"])
    return draft.target
