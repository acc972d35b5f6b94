"""What is asked of the store when old rows go."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.instant import Instant

Table: TypeAlias = Literal["alert", "delivery", "execution", "stream", "target"]


class Trim(msgspec.Struct, frozen=True, kw_only=True):
    """One small batch of one table."""

    table: Table
    most: int
    """Rows of the batch."""
    before: Instant
    """What was over by then goes. Of `target`, what holds nothing back by then."""
    excess: int = 0
    """So many of the oldest go even if they are younger."""
    per_rule: int | None = None
    """Of `execution`: beyond so many of each rule the older ones go even if they are younger."""
    final_before: Instant = 0
    """Only what is older may go for its number: the rest may be derived again, and would come back."""
