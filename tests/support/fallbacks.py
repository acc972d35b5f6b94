"""Deliveries to `ops` that something to `mail` stands in for, for tests of stores."""

from cepd.model.delivery import Draft
from cepd.model.terms import Terms
from tests.support.alerts import SECOND, draft
from tests.support.outbox import NO_BREAKER, Worker

ONE_RETRY = Terms(delays=(SECOND,), breaker=NO_BREAKER)


def to(target: str, name: str = "d1", alert_id: str = "a1", **more: object) -> Draft:
    return draft(name, alert_id, **{"target": target, "order_key": f"{target}:k", "terms": ONE_RETRY, **more})


async def owe(worker: Worker, name: str = "d1", **more: object) -> None:
    await worker.owe(name, **{"order_key": "ops:k", "terms": ONE_RETRY, "fallback": to("mail", f"{name}-mail"), **more})
