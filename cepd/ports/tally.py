"""What one instance of a store has brought to an end since it was opened: plain numbers that a scrape reads.

The outbox gives up, supersedes and takes over on its own, in the middle of a claim, so that nobody else could count it.
Only what is committed counts.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol


class Ended(Protocol):
    """A row of a delivery."""

    def __getitem__(self, name: str, /) -> Any: ...


class PutAside(NamedTuple):
    """A delivery that a claim gave up without a try; `state` is `pending` where it is still tried, but not waited for.
    `fallback` is the target of what stands in for it."""

    delivery_id: str
    target: str
    rule_id: str
    state: str
    reason: str
    fallback: str | None


class Tally:
    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Deliveries by target and the final state they came to; one that is redriven comes to another."""
        self.fallbacks: Counter[str] = Counter()
        """Deliveries that another one stands in for, by the target that was given up."""
        self.possible_duplicates: Counter[str] = Counter()
        """Tries of what may have arrived before, by target."""
        self.over: list[str] = []
        """The ids of what one operation brought to an end, until it has told the stream."""
        self.put_aside: list[PutAside] = []
        """What one claim gave up; it is not added up."""
        self.leases_lost = 0
        """Tries that ended after another daemon, or a person, had taken the delivery over."""

    def ended(self, state: str, deliveries: Iterable[Ended]) -> None:
        for delivery in deliveries:
            self.outcomes[delivery["target"], state] += 1
            self.over.append(delivery["id"])

    def add(self, other: "Tally") -> None:
        self.outcomes.update(other.outcomes)
        self.fallbacks.update(other.fallbacks)
        self.possible_duplicates.update(other.possible_duplicates)
        self.leases_lost += other.leases_lost
