"""A firing: the engine's verdict that a rule fired for a key. A pure value, the same at every replay."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.instant import Instant
from cepd.model.json import Json

FiringKind: TypeAlias = Literal["fired", "resolved", "summary", "storm"]


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, and the absolute facts of the alert it belongs to after it (so that replays may repeat it)."""

    id: str
    kind: FiringKind
    rule_id: str
    key: dict[str, Json]
    """Key values by group_by field; empty without group_by, and for a storm."""
    time: Instant
    alert_id: str
    """The alert this belongs to: its own id where it opens one, else the one it folds into or closes."""
    count: int
    """Firings in that alert so far, this one included."""
    last_at: Instant
    """Firing time of the newest of them."""
    state: Literal["open", "resolved"] = "open"
    window: tuple[Instant, Instant | None] | None = None
    values: dict[str, Json] = msgspec.field(default_factory=dict)
    """Aggregates of a window; of a summary and a storm `count` and `folded`."""
    event_ids: tuple[str, ...] = ()
    payload: bytes = b""
    """The last event's line as it came; empty where no event is the cause."""
    event_type: str | None = None
    event_source: str | None = None
    reason: str | None = None
    """Why a summary, storm or resolve came: suppress, storm, cleared, no_data, rule_changed, rule_removed."""

    @property
    def opens(self) -> bool:
        """Whether it opens an alert of its own; otherwise it folds into one, or tells of one."""
        return self.alert_id == self.id
