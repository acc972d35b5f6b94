"""How long what cepd has done is kept, and how much of it."""

import msgspec

from cepd.model.duration import DAY, Span


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """Spans count from when something was over; numbers are of rows, of which the oldest go. What is still owed or
    under way stays."""

    alerts: Span = 90 * DAY
    max_alerts: int = 1_000_000
    deliveries: Span = 30 * DAY
    """With their attempts."""
    max_deliveries: int = 3_000_000
    executions: Span = 90 * DAY
    executions_per_rule: int = 50
    stream: Span = 7 * DAY
    """For so long a client of the stream may stay away and lose nothing."""
    max_stream: int = 1_000_000


_ENDLESS = 2**62
EVERYTHING = Retention(
    alerts=_ENDLESS,
    max_alerts=_ENDLESS,
    deliveries=_ENDLESS,
    max_deliveries=_ENDLESS,
    executions=_ENDLESS,
    executions_per_rule=_ENDLESS,
    stream=_ENDLESS,
    max_stream=_ENDLESS,
)
"""Nothing goes."""
