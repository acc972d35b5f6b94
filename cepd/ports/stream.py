"""What the store tells of the stream: what happened to alerts, in the order in which it could be seen."""

from collections.abc import Mapping, Sequence

import msgspec

from cepd.model.alert import Alert, NoticeKind
from cepd.model.delivery import Delivery, DeliveryState
from cepd.model.instant import Instant


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to an alert; the alert as it was when this was read, at the earliest right after it."""

    seq: int
    kind: NoticeKind
    at: Instant
    alert: Alert
    channels: Mapping[str, DeliveryState]
    """Target to the state of its newest delivery."""
    delivery: Delivery | None = None
    """The one that ended, where that is what happened."""


class NoticePage(msgspec.Struct, frozen=True, kw_only=True):
    notices: Sequence[Notice]
    last: int
    """The number up to which this page tells everything that is kept; the next page begins behind it."""
    oldest: int | None = None
    """The oldest number that is kept, where some that were asked for are not."""
