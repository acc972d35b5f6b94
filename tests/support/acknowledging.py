"""The acknowledgement of an alert in a store, without an end."""

from cepd.model.act import Act
from cepd.model.alert import Alert
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant
from cepd.ports import Store


async def acknowledge(
    store: Store, event_id: str, *, by: str, at: Instant, note: str | None, steal: bool, listening: Listening = NOBODY
) -> Alert:
    """The alert after it. Raises what `Store.change` raises."""
    return (await store.change(event_id, Act(kind="ack", by=by, at=at, note=note, steal=steal), listening)).alert
