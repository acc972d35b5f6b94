"""Works a store's outbox off by hand, under a clock that the test moves: what a dispatcher does, step by step."""

from cepd.model.delivery import Delivery, Outcome
from cepd.model.instant import Instant
from cepd.model.terms import BreakerSpec
from cepd.policies.retry import next_step
from cepd.ports import DeliveryDetail, Recording, Settled, Settlement, Store
from tests.support.alerts import SECOND, alert, draft

START: Instant = 1_000 * SECOND

SENT = Outcome(result="sent", detail="HTTP 204", status=204)
DOWN = Outcome(result="retryable", detail="HTTP 503", status=503)
BUSY = Outcome(result="rate_limited", detail="HTTP 429", status=429)
REFUSED = Outcome(result="permanent", detail="HTTP 404", status=404)
FORBIDDEN = Outcome(result="auth", detail="HTTP 403", status=403)
LOST = Outcome(result="unknown", detail="no answer within 10s")
NOT_MADE = Outcome(result="permanent", detail="the secret env:NONE is not set")
"""It never left the house."""

NO_BREAKER = BreakerSpec(failure_threshold=1_000_000)


class Worker:
    """`now` is its clock; `under_way` holds what it claimed and did not end."""

    def __init__(self, store: Store, now: Instant = START, per_target: int = 4) -> None:
        self.store = store
        self.now = now
        self.per_target = per_target
        self.under_way: dict[str, Delivery] = {}

    async def owe(self, *names: str, alert_id: str = "a1", **more: object) -> None:
        """Deliveries of one alert, each by its id."""
        values = {"due_at": self.now} | more
        drafts = [draft(name, alert_id, **values) for name in names]
        await self.store.record(Recording(seq=1, alerts=[alert(alert_id)], drafts=drafts))

    async def claim(self) -> list[str]:
        claimed = await self.store.claim(self.now, self.per_target)
        self.under_way.update({one.id: one for one in claimed})
        return [one.id for one in claimed]

    async def end(self, delivery_id: str, outcome: Outcome = SENT) -> Settled:
        """A try ends, and what comes of it is what a dispatcher would make of it, without jitter."""
        return await self.store.settle(settlement(self.under_way.pop(delivery_id), outcome, self.now))

    async def fail(self, delivery_id: str, outcome: Outcome = DOWN) -> None:
        """Claims it, and nothing else, until it is no longer owed."""
        while await self.state(delivery_id) == "pending":
            if await self.claim() == [delivery_id]:
                await self.end(delivery_id, outcome)
            else:
                self.now = await self.store.next_due(self.now) or self.now

    async def find(self, delivery_id: str) -> DeliveryDetail:
        return await self.store.delivery(delivery_id)

    async def state(self, delivery_id: str) -> str:
        return (await self.find(delivery_id)).delivery.state


def settlement(delivery: Delivery, outcome: Outcome, now: Instant) -> Settlement:
    step = next_step(delivery, outcome, now, 1.0)
    return Settlement(
        delivery_id=delivery.id,
        attempt=delivery.tries,
        outcome=outcome,
        state=step.state,
        attempts=step.attempts,
        next_at=step.next_at,
        at=now,
        pause_target_until=step.next_at if outcome.result == "rate_limited" else None,
        falls_back=step.falls_back,
    )
