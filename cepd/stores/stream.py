"""Operations on the stream: what happened to alerts, one short row each, in the order in which it could be seen.

A row is written in the transaction of what it tells of. Writers take turns, so that a row with a lower number is never
seen after one with a higher.
"""

from collections.abc import Sequence

from cepd.model.alert import NoticeKind
from cepd.model.instant import Instant
from cepd.stores.operations import Operation, many, one


def tell(kind: NoticeKind, event_ids: Sequence[str], at: Instant) -> Operation[None]:
    if event_ids:
        yield one("take_turns_in_stream")
        yield many("insert_notice", [{"kind": kind, "event_id": event_id, "at": at} for event_id in event_ids])
