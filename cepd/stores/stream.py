"""Operations on the stream: what happened to alerts, one short row each, in the order in which it could be seen.

A row is written in the transaction of what it tells of, and its number is drawn before that transaction ends: a lower
number may be seen after a higher one. So writers are counted in, and `end` waits until those before it are out; up to
the number that it gives nothing is still to come. Writers do not wait for one another, on their way to the disk either.

Nobody who is counted in may wait for anything else, or two would wait for each other: telling is the last thing that an
operation does.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from cepd.model.alert import Fold, NoticeKind
from cepd.model.delivery import DeliveryState
from cepd.model.instant import Instant
from cepd.ports.stream import Notice, NoticePage
from cepd.stores.operations import Operation, Row, Rows, one
from cepd.stores.rows import alert_of, delivery_of

TRIMMED = "stream_trimmed"
"""The name of the highest number that was deleted."""


def tell(kind: NoticeKind, event_ids: Sequence[str], at: Instant) -> Operation[None]:
    """The last thing of an operation."""
    if event_ids:
        yield one("join_writers")
        yield one("insert_notices", kind=kind, event_ids=_list(event_ids), at=at)


def tell_ends(delivery_ids: Sequence[str], at: Instant) -> Operation[None]:
    """Of deliveries that have ended for good. The last thing of an operation."""
    if delivery_ids:
        yield one("join_writers")
        yield one("insert_ends", ids=_list(delivery_ids), at=at)


def changes(folds: Sequence[Fold]) -> Operation[list[tuple[NoticeKind, str]]]:
    """What folds are going to change; nobody else changes those alerts until the operation is over."""
    rows = yield one("hold_alerts", event_ids=_list([fold.event_id for fold in folds]))
    stored = {row["event_id"]: row for row in rows}
    return [(kind, fold.event_id) for fold in folds if (kind := _change(fold, stored.get(fold.event_id)))]


def tell_changes(changed: Sequence[tuple[NoticeKind, str]], at: Instant) -> Operation[None]:
    for kind, group in groupby(sorted(changed), key=lambda change: change[0]):
        yield from tell(kind, [event_id for _, event_id in group], at)


def _change(fold: Fold, row: Row | None) -> NoticeKind | None:
    """A fold counts where its count is higher; or where it is as high, and what is open is resolved."""
    if row is None or fold.count < row["count"]:
        return None
    if fold.resolved and not row["resolved"]:
        return "resolved"
    return "updated" if fold.count > row["count"] else None


def end() -> Operation[int]:
    """The newest number; no row up to it is still to come. To be run as a write: it sees what ended while it waited."""
    yield one("hurry")
    yield one("outwait_writers")
    newest = yield one("newest_notice")
    trimmed = yield one("recorded_seq", name=TRIMMED)
    return max(int(newest[0]["seq"]), int(trimmed[0]["value"]))


def page(after: int, until: int, limit: int) -> Operation[NoticePage]:
    trimmed = yield one("recorded_seq", name=TRIMMED)
    oldest = yield one("oldest_notice")
    begin = int(trimmed[0]["value"])
    rows = yield one("notices", after=max(after, begin), until=until, limit=limit)
    notices = yield from _whole(rows)
    full = len(rows) == limit
    return NoticePage(
        notices=notices,
        last=int(rows[-1]["seq"]) if full else max(until, begin),
        oldest=None if after >= begin else int(oldest[0]["seq"] or begin + 1),
    )


def _whole(rows: Rows) -> Operation[list[Notice]]:
    """With the alerts and deliveries as they are now; what is of an alert that is kept no more is left out."""
    if not rows:
        return []
    event_ids = _list(sorted({row["event_id"] for row in rows}))
    ids = sorted({row["delivery_id"] for row in rows if row["delivery_id"] is not None})
    alerts = yield one("alerts_among", event_ids=event_ids)
    states = yield one("newest_delivery_states", event_ids=event_ids)
    deliveries = (yield one("deliveries_by_id", ids=_list(ids))) if ids else ()
    known = {row["event_id"]: alert_of(row) for row in alerts}
    channels: dict[str, dict[str, DeliveryState]] = {event_id: {} for event_id in known}
    for row in states:
        channels.get(row["alert_id"], {})[row["target"]] = row["state"]
    ended: Mapping[str, Row] = {row["id"]: row for row in deliveries}
    return [
        Notice(
            seq=row["seq"],
            kind=row["kind"],
            at=row["at"],
            alert=known[row["event_id"]],
            channels=channels[row["event_id"]],
            delivery=delivery_of(ended[row["delivery_id"]]) if row["delivery_id"] in ended else None,
        )
        for row in rows
        if row["event_id"] in known and (row["delivery_id"] is None or row["delivery_id"] in ended)
    ]


def _list(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
