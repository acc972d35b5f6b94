"""The HTTP application over a real store that holds two alerts."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Draft
from cepd.model.terms import Terms
from cepd.ports import Recording
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from tests.support.web import NOW, asking, services

SECOND = 1_000_000

FIRST = Alert(
    event_id="e1",
    kind="fired",
    rule_id="cpu",
    rule_name="CPU high",
    pack="hosts",
    severity="critical",
    summary="CPU 95 on web-1",
    key={"host": "web-1"},
    values={"avg": 95.5},
    payload={"host": "web-1", "cpu_percent": 95},
    source_event_ids=("s1",),
    time=NOW,
    last_at=NOW + SECOND,
    count=2,
    window=(NOW - 60 * SECOND, NOW),
    generation="a" * 64,
    revision="v1",
    recorded_at=NOW + 2 * SECOND,
)
SECOND_ALERT = msgspec.structs.replace(
    FIRST,
    event_id="e2",
    rule_id="disk",
    severity="medium",
    key={},
    window=None,
    time=NOW + 10 * SECOND,
    payload="{not readable",
)
DRAFT = Draft(
    id="d1",
    firing_id="e1",
    alert_id="e1",
    rule_id="cpu",
    kind="fired",
    action=0,
    type="notify",
    target="ops",
    order_key="ops:cpu",
    request=b"{}",
    terms=Terms((SECOND,)),
    due_at=NOW,
)
Ask = Callable[..., Coroutine[Any, Any, httpx2.Response]]


def with_alerts(
    tmp_path: Path,
    scenario: Callable[[Ask, SqlStore], Coroutine[Any, Any, None]],
    *,
    recorded_at: int = FIRST.recorded_at,
    **given: Any,
) -> None:
    """Runs the scenario over a store with two alerts, the first of which owes a message."""
    first, second = (msgspec.structs.replace(one, recorded_at=recorded_at) for one in (FIRST, SECOND_ALERT))

    async def run() -> None:
        store = open_store(tmp_path / "cepd.db")
        try:
            await store.record(Recording(seq=1, alerts=[first], drafts=[DRAFT], at=NOW))
            await store.record(Recording(seq=2, alerts=[second], at=NOW))

            async def ask(method: str, path: str, **request: Any) -> httpx2.Response:
                return await asking(services(store=store, **given), method, path, **request)

            await scenario(ask, store)
        finally:
            await store.close()

    asyncio.run(run())
