"""What people do to deliveries that are over or stuck: send them again, or drop them.

A message goes out late, but never after one that tells what came next: a begin behind its end would open what nobody
closes. So a delivery that was overtaken is refused unless somebody insists. All of it takes turns with the claims, so
that none of them acts on what another is about to change.
"""

from collections.abc import Iterable

import msgspec

from cepd.model.delivery import REVIVABLE, Delivery
from cepd.model.errors import ConflictError, NotFoundError
from cepd.model.instant import Instant
from cepd.ports import Overtaken, Redriven, RedriveQuery, Tally
from cepd.stores.operations import Operation, one
from cepd.stores.rows import delivery_of
from cepd.stores.stream import tell_ends

_FILTERS = ("target", "rule_id")


def redrive(delivery_id: str, *, by: str, at: Instant, force: bool) -> Operation[Delivery]:
    yield one("take_turns")
    delivery = yield from _held(delivery_id)
    if delivery.state not in REVIVABLE:
        raise ConflictError(f"delivery {delivery_id} is {delivery.state}", help=_REMEDIES[delivery.state])
    rows = yield one("revived", filters=["revived_id"], id=delivery_id, limit=1)
    if rows[0]["overtaken_by"] is not None and not force:
        later = yield from _find(rows[0]["overtaken_by"])
        raise ConflictError(
            f"delivery {delivery_id} ({delivery.kind}) was overtaken: {later.id} ({later.kind}), the next of the same "
            f"rule and key, went out or may have, so that it would tell the past",
            help="drop it, or send it all the same with force",
        )
    yield from _revive([delivery_id], by, at)
    return (yield from _find(delivery_id))


def redrive_all(query: RedriveQuery, *, by: str, at: Instant, dry_run: bool) -> Operation[Redriven]:
    yield one("take_turns")
    values = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
    filters = ["delivery_where_revivable", *(f"delivery_where_{name}" for name in values)]
    values["state"] = query.state
    in_turn = [] if query.force else ["revived_in_turn"]
    rows = yield one("revived", filters=[*filters, *in_turn], limit=query.most + 1, **values)
    found = [delivery_of(row) for row in rows[: query.most]]
    refused = []
    if not query.force:
        held = yield one("revived", filters=[*filters, "revived_overtaken"], limit=query.most, **values)
        refused = [Overtaken(delivery=delivery_of(row), by=row["overtaken_by"]) for row in held]
    if found and not dry_run:
        yield from _revive([delivery.id for delivery in found], by, at)
    return Redriven(deliveries=found, overtaken=refused, more=len(rows) > query.most)


def drop(delivery_id: str, *, by: str, at: Instant, note: str | None, tally: Tally) -> Operation[Delivery]:
    yield one("take_turns")
    delivery = yield from _held(delivery_id)
    if delivery.state not in ("pending", *REVIVABLE):
        raise ConflictError(f"delivery {delivery_id} is {delivery.state}", help=_KEPT[delivery.state])
    yield one("drop", id=delivery_id, at=at, reason=f"dropped by {by}: {note}" if note else f"dropped by {by}")
    tally.ended("suppressed", [{"id": delivery.id, "target": delivery.target}])
    dropped = yield from _find(delivery_id)
    yield from tell_ends(tally.over, at)
    return dropped


_REMEDIES = {
    "pending": "it goes out by itself; look at its next_at, and at what its target is held back by",
    "sending": "a try is under way; look again once it has ended",
    "sent": "the receiver took it; only what is dead, unknown or expired can be sent again",
    "superseded": "the resolve went in its stead; only what is dead, unknown or expired can be sent again",
    "suppressed": "a person dropped it; only what is dead, unknown or expired can be sent again",
}
"""What to do about a delivery that cannot be sent again, by its state."""
_KEPT = {
    "sending": "a try is under way; look again once it has ended",
    "sent": "the receiver took it; only what is pending, dead, unknown or expired can be dropped",
    "superseded": "it is over; only what is pending, dead, unknown or expired can be dropped",
    "suppressed": "it was dropped before",
}
"""What to do about a delivery that cannot be dropped, by its state."""


def _revive(ids: Iterable[str], by: str, at: Instant) -> Operation[None]:
    yield one("redrive", ids=msgspec.json.encode(list(ids)).decode(), by=by, at=at)


def _held(delivery_id: str) -> Operation[Delivery]:
    yield one("hold_delivery", id=delivery_id)
    return (yield from _find(delivery_id))


def _find(delivery_id: str) -> Operation[Delivery]:
    rows = yield one("find_delivery", id=delivery_id)
    if not rows:
        raise NotFoundError(f"there is no delivery {delivery_id}")
    return delivery_of(rows[0])
