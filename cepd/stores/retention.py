"""Operations that delete old rows, a small batch each, so that whoever else writes waits for no more than that.

What hangs on a row goes with it: an alert's history, a delivery's attempts. Nothing that is owed or under way goes.
"""

from collections.abc import Callable

import msgspec

from cepd.model.instant import Instant
from cepd.ports.retention import Table, Trim
from cepd.stores.operations import Operation, one
from cepd.stores.stream import TRIMMED

_ANY: Instant = 2**63 - 1


def count(table: Table) -> Operation[int]:
    rows = yield one(f"count_{table}")
    return int(rows[0]["number"])


def trim(asked: Trim) -> Operation[int]:
    return (yield from _BY_TABLE[asked.table](asked))


def _alerts(asked: Trim) -> Operation[int]:
    deleted = yield from _delete_alerts(asked.before, asked.before, asked.most)
    surplus = min(asked.most, asked.excess) - deleted
    if surplus > 0:
        deleted += yield from _delete_alerts(asked.final_before, _ANY, surplus)
    return deleted


def _delete_alerts(recorded_before: Instant, last_before: Instant, most: int) -> Operation[int]:
    rows = yield one("old_alerts", recorded_before=recorded_before, last_before=last_before, most=most)
    ids = [row["event_id"] for row in rows]
    yield one("delete_alerts", ids=msgspec.json.encode(ids).decode())
    return len(ids)


def _deliveries(asked: Trim) -> Operation[int]:
    deleted = yield from _delete_deliveries(asked.before, asked.most)
    surplus = min(asked.most, asked.excess) - deleted
    if surplus > 0:
        deleted += yield from _delete_deliveries(asked.final_before, surplus)
    return deleted


def _delete_deliveries(before: Instant, most: int) -> Operation[int]:
    rows = yield one("old_deliveries", before=before, most=most)
    ids = [row["id"] for row in rows]
    yield one("delete_deliveries", ids=msgspec.json.encode(ids).decode())
    return len(ids)


def _executions(asked: Trim) -> Operation[int]:
    rows = list((yield one("old_executions", before=asked.before, most=asked.most)))
    if len(rows) < asked.most and asked.per_rule is not None:
        rows += yield one(
            "surplus_executions", per_rule=asked.per_rule, before=asked.final_before, most=asked.most - len(rows)
        )
    seqs = sorted({int(row["seq"]) for row in rows})
    deleted = yield one("delete_executions", seqs=msgspec.json.encode(seqs).decode())
    return len(deleted)


def _stream(asked: Trim) -> Operation[int]:
    """It goes from the front, so that what is kept has no gap: what is young holds back the older behind it."""
    rows = yield one("first_notices", most=asked.most)
    old = 0
    for place, row in enumerate(rows):
        if row["at"] >= asked.before and place >= asked.excess:
            break
        old = int(row["seq"])
    if not old:
        return 0
    deleted = yield one("delete_notices", seq=old)
    yield one("raise_recorded_seq", name=TRIMMED, seq=old)
    return len(deleted)


def _targets(asked: Trim) -> Operation[int]:
    deleted = yield one("idle_targets", before=asked.before)
    return len(deleted)


_BY_TABLE: dict[Table, Callable[[Trim], Operation[int]]] = {
    "alert": _alerts,
    "delivery": _deliveries,
    "execution": _executions,
    "stream": _stream,
    "target": _targets,
}
