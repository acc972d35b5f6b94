"""A firing: the engine's verdict that a rule fired for a key. A pure value, the same at every replay."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Severity

FiringKind: TypeAlias = Literal["fired", "continued", "resolved", "summary", "storm"]
"""`continued`: a further true evaluation of an open episode. It raises its alert's count and makes nothing else."""


class StepSeen(msgspec.Struct, frozen=True, gc=False):
    """The events that served one step of a sequence."""

    id: str
    """The step's id; its place, from 1, where it has none."""
    first: Instant
    last: Instant
    event_ids: tuple[str, ...]


class Firing(msgspec.Struct, frozen=True, gc=False):
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
    """Aggregates of a window; the verdict of an anomaly; of a summary and a storm `count` and `folded`."""
    events: int = 1
    """How many events it stands for: those of the window or of the steps."""
    event_ids: tuple[str, ...] = ()
    """The event; the first and the last of a window; those of all steps."""
    payload: bytes = b""
    """The last event's line as it came; of a window and an absence an object with the fields that the rule `carries`;
    empty where no event is the cause."""
    event_type: str | None = None
    event_source: str | None = None
    severity: Severity | None = None
    """Of a firing that opens no alert: what the event of its alert's first firing said, if anything."""
    began: Instant | None = None
    """When the hold began that led to it."""
    steps: tuple[StepSeen, ...] = ()
    reason: str | None = None
    """Why a summary, storm or resolve came: suppress, storm, cleared, no_data, rule_changed, rule_removed."""

    @property
    def opens(self) -> bool:
        """Whether it opens an alert of its own; otherwise it folds into one, or tells of one."""
        return self.alert_id == self.id

    @property
    def is_told(self) -> bool:
        """Whether the rule's actions tell of it. More of the same is not told, nor is what an edit of the rule ends."""
        return self.opens or (self.kind in ("resolved", "summary", "storm") and self.reason != "rule_changed")
