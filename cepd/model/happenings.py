"""cepd's own happenings, as events that rules may be written on: an alert, its ACK, a delivery given up, a breaker.

One is made only where a rule names its type, in the transaction of what it tells of, as a delivery to cepd itself; so
a crash loses none, and its id, a function of its cause, doubles none. A rule that hears happenings and so makes some
of its own could go on for ever: each carries a `depth`, and none is heard beyond the deepest.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery, Draft
from cepd.model.duration import SECOND
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.terms import Terms

HappeningType: TypeAlias = Literal["cepd.alert", "cepd.ack", "cepd.delivery_failed", "cepd.breaker_opened"]

OWN = "cepd"
"""The source of happenings, the input they come through, and the target of their deliveries."""
PREFIX = "cepd."
"""How their types begin; nobody else may send such."""
DELIVERY_TYPE = "happening"
DEEPEST = 5
_TERMS = Terms(timeout=10 * SECOND)


class Listening(msgspec.Struct, frozen=True):
    """What the rules of a generation hear of happenings."""

    types: frozenset[str] = frozenset()
    """Types that a rule names. A rule that hears every event hears no happening."""
    rules: frozenset[str] = frozenset()
    """Those rules."""


NOBODY = Listening()


def is_own(event_type: Json) -> bool:
    """Whether a type is one of cepd's own."""
    return isinstance(event_type, str) and event_type.startswith(PREFIX)


def of_alert(alert: Alert, firing_id: str, at: Instant, listening: Listening) -> Draft | None:
    """That an alert opened or was resolved. None where nobody hears it; nor does anybody hear of the alerts of rules
    that hear happenings themselves."""
    if "cepd.alert" not in listening.types or alert.rule_id in listening.rules:
        return None
    more = {"state": alert.state, "count": alert.count, "values": alert.values}
    return _draft("cepd.alert", [firing_id], _about(alert, listening) | more, alert, at)


def of_ack(alert: Alert, at: Instant, listening: Listening) -> Draft | None:
    """That somebody acknowledged an alert, or took it over. None where nobody hears it."""
    if "cepd.ack" not in listening.types:
        return None
    more: dict[str, Json] = {"by": alert.acked_by, "note": alert.ack_note}
    return _draft("cepd.ack", [alert.event_id, at, alert.acked_by], _about(alert, listening) | more, alert, at)


def of_failure(
    delivery: Delivery, alert: Alert | None, at: Instant, listening: Listening, *, fallback: str | None
) -> Draft | None:
    """That a delivery was given up, as it is stored; `fallback` is the target of what stands in for it. `alert` is
    None where it is gone. None where nobody hears it, and of deliveries of happenings."""
    if "cepd.delivery_failed" not in listening.types or delivery.type == DELIVERY_TYPE:
        return None
    more = {"state": delivery.state, "reason": delivery.reason, "fallback": fallback}
    fields = _about_delivery(delivery, alert, listening) | more
    return _draft("cepd.delivery_failed", [delivery.id, delivery.tries], fields, delivery, at)


def of_breaker(
    delivery: Delivery, alert: Alert | None, at: Instant, listening: Listening, *, failures: int, until: Instant
) -> Draft | None:
    """That the breaker of a target opened when a try of this delivery failed. None where nobody hears it."""
    if "cepd.breaker_opened" not in listening.types or delivery.type == DELIVERY_TYPE:
        return None
    more = {"failures": failures, "until": format_instant(until)}
    fields = _about_delivery(delivery, alert, listening) | more
    return _draft("cepd.breaker_opened", [delivery.target, delivery.id, delivery.tries], fields, delivery, at)


def _about(alert: Alert, listening: Listening) -> dict[str, Json]:
    return {
        "alert_id": alert.event_id,
        "rule_id": alert.rule_id,
        "rule_name": alert.rule_name,
        "severity": alert.severity,
        "summary": alert.summary,
        "key": alert.key,
        "depth": depth_after(alert.payload) if alert.rule_id in listening.rules else 1,
    }


def _about_delivery(delivery: Delivery, alert: Alert | None, listening: Listening) -> dict[str, Json]:
    """`retry` counts the tries after the first one. A failure is as deep as its alert leads; without the alert nobody
    knows how deep that is."""
    lost: dict[str, Json] = {
        "alert_id": delivery.alert_id,
        "rule_id": delivery.rule_id,
        "severity": None,
        "depth": DEEPEST + 1 if delivery.rule_id in listening.rules else 1,
    }
    return {
        **(lost if alert is None else _about(alert, listening)),
        "channel": delivery.target,
        "action": delivery.type,
        "delivery_id": delivery.id,
        "retry": max(delivery.tries - 1, 0),
    }


def depth_after(payload: Json) -> int:
    """Of what an alert leads to whose rule hears happenings, and whose newest event this is. Where the event is not
    kept, as with a window, it is beyond the deepest: nobody could tell a loop."""
    if not isinstance(payload, dict) or "type" not in payload:
        return DEEPEST + 1
    depth = payload.get("depth")
    return (depth if isinstance(depth, int) else DEEPEST) + 1 if is_own(payload["type"]) else 1


def _draft(
    event_type: HappeningType, cause: Sequence[Json], fields: dict[str, Json], of: Alert | Delivery, at: Instant
) -> Draft:
    """Happenings of one alert are heard one after the other."""
    own = hashlib.blake2b(msgspec.json.encode([event_type, *cause]), digest_size=16).hexdigest()
    alert_id = of.event_id if isinstance(of, Alert) else of.alert_id
    envelope = {"id": own, "type": event_type, "source": OWN, "time": format_instant(at)}
    return Draft(
        id=own,
        firing_id=of.firing_id if isinstance(of, Delivery) else of.event_id,
        alert_id=alert_id,
        rule_id=of.rule_id,
        kind=event_type,
        action=-1,
        type=DELIVERY_TYPE,
        target=OWN,
        order_key=f"{DELIVERY_TYPE}:{alert_id}",
        request=msgspec.json.encode({**envelope, **fields}),
        terms=_TERMS,
        due_at=at,
    )
