"""Operations: what cepd's own rules hear of is owed in the transaction in which it happens."""

from cepd.model.alert import Alert
from cepd.model.delivery import Draft
from cepd.model.happenings import Listening, of_ack, of_breaker, of_failure
from cepd.model.instant import Instant
from cepd.policies.breaker import Breaker
from cepd.ports import Settlement
from cepd.stores.operations import Operation, one
from cepd.stores.owing import owe
from cepd.stores.rows import alert_of, delivery_of

_OF_TRIES = ("cepd.delivery_failed", "cepd.breaker_opened")


def hears_of(settlement: Settlement) -> bool:
    """Whether something may be owed because of how a try ended: most tries end well, and nobody hears of those."""
    return settlement.state != "sent" and not settlement.listening.types.isdisjoint(_OF_TRIES)


def tell_ack(alert: Alert, at: Instant, listening: Listening) -> Operation[None]:
    yield from _owe(of_ack(alert, at, listening))


def tell_failure(delivery_id: str, at: Instant, listening: Listening, fallback: str | None) -> Operation[None]:
    """A delivery was given up: it is in a final state already."""
    if "cepd.delivery_failed" in listening.types:
        rows = yield one("find_delivery", id=delivery_id)
        delivery = delivery_of(rows[0])
        alert = yield from _alert(delivery.alert_id)
        yield from _owe(of_failure(delivery, alert, at, listening, fallback=fallback))


def tell_breaker(delivery_id: str, at: Instant, listening: Listening, breaker: Breaker) -> Operation[None]:
    """A breaker opened when a try of the delivery failed."""
    if "cepd.breaker_opened" in listening.types and breaker.open_until is not None:
        rows = yield one("find_delivery", id=delivery_id)
        delivery = delivery_of(rows[0])
        alert = yield from _alert(delivery.alert_id)
        failures, until = breaker.failures, breaker.open_until
        yield from _owe(of_breaker(delivery, alert, at, listening, failures=failures, until=until))


def _alert(event_id: str) -> Operation[Alert | None]:
    rows = yield one("alert", event_id=event_id)
    return alert_of(rows[0]) if rows else None


def _owe(draft: Draft | None) -> Operation[None]:
    yield from owe([] if draft is None else [draft])
