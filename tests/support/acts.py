"""Acts of people on alerts, for tests of stores."""

from typing import Any

import msgspec

from cepd.model.act import Act
from cepd.ports import Recording, Store
from tests.support.alerts import alert


def act(kind: str, by: str = "alice", at: int = 10, **more: Any) -> Act:
    return msgspec.convert({"kind": kind, "by": by, "at": at, **more}, Act)


async def lines(store: Store, event_id: str = "a1") -> list[tuple[int, str, str, str, str]]:
    history = (await store.alert(event_id)).history
    return [(line.at, line.kind, line.by, line.before, line.after) for line in history]


async def opened(store: Store, *event_ids: str, at: int = 5, **more: Any) -> None:
    await store.record(Recording(seq=1, alerts=[alert(one, **more) for one in event_ids], at=at))
