"""What a rule remembers of a key's anomalies, beside the baseline.

An anomaly goes on until none was seen for `cooldown`, and one that goes on is one firing. After a day it is told anew,
so that none is silent for ever.
"""

import msgspec

from cepd.model.duration import DAY, HOUR, Span
from cepd.model.instant import Instant


class Mark(msgspec.Struct):
    run: int = 0
    """Anomalies in a row so far."""
    seen: Instant = 0
    """Time of the newest anomaly."""
    fired: Instant | None = None
    hours: dict[int, int] = msgspec.field(default_factory=dict)
    """Firings by the hour since the epoch, of those within a day before the newest."""

    def goes_on(self, time: Instant, cooldown: Span) -> bool:
        if self.fired is None or not cooldown:
            return False
        return time < self.seen + cooldown and time < self.fired + max(cooldown, DAY)

    def fire(self, time: Instant) -> None:
        self.fired = time
        hour = time // HOUR
        self.hours[hour] = self.hours.get(hour, 0) + 1
        newest = max(self.hours)
        self.hours = {one: count for one, count in self.hours.items() if one > newest - 24}

    def fired_since(self, time: Instant) -> int:
        return sum(count for hour, count in self.hours.items() if hour * HOUR > time)
