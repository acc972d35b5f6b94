"""A rule that somebody disabled while it runs: an emergency, with an end. The lasting change is made in its file."""

import msgspec

from cepd.model.duration import DAY, Span
from cepd.model.instant import Instant

LONGEST_STOP: Span = 31 * DAY
"""What is to last longer belongs into the rule's file."""


class Stop(msgspec.Struct, frozen=True):
    """From `since` on, and before `until`, the rule opens no alerts."""

    since: Instant
    until: Instant
    by: str
    reason: str


class Wish(msgspec.Struct, frozen=True):
    """That a rule be disabled: what the journal holds of it, as JSON."""

    until: Instant
    by: str
    reason: str
