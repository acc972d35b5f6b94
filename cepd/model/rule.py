"""A rule, as the engine takes it: defaults filled in, durations in microseconds, conditions as trees.

The YAML form, its schema and the documents' dialect belong to `cepd.config`; nothing here knows of them.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from cepd.model.condition import Condition
from cepd.model.duration import DAY, HOUR, SECOND, Span
from cepd.model.json import Json

Severity: TypeAlias = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
SEVERITY_ALIASES: dict[str, Severity] = {"warning": "medium", "error": "high"}


def severity_of(value: Json) -> Severity | None:
    """The severity that a word means (`warning` is medium, `error` is high), in any case; None for other values."""
    if value.__class__ is not str:
        return None
    word = value.lower()
    word = SEVERITY_ALIASES.get(word, word)
    return word if word in SEVERITIES else None


class EventTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="event"):
    """None: every event. An empty tuple: only what is sent to the rule by name."""

    event_type: tuple[str, ...] | None = None
    source: tuple[str, ...] | None = None


class MetricTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="metric"):
    """`metric op threshold`, all three or none."""

    metric: str | None = None
    op: Literal[">", "<", ">=", "<=", "==", "!="] | None = None
    threshold: float | int | None = None
    event_type: tuple[str, ...] | None = None
    source: tuple[str, ...] | None = None
    poll: Mapping[str, Any] | None = None


class ScheduleTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="schedule"):
    cron: str
    timezone: str | None = None
    catchup: Literal["last", "none"] = "last"
    overlap: Literal["skip", "queue"] = "skip"
    jitter: Span = 0


class AnomalyTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="anomaly"):
    """`parameters`: whatever of the method's settings the rule gives (window, threshold, alpha, …)."""

    value: str
    method: str = "auto"
    event_type: tuple[str, ...] | None = None
    source: tuple[str, ...] | None = None
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Step(msgspec.Struct, frozen=True):
    """One step of a sequence; `role` says whether it must come, must not come between, or must stay absent."""

    id: str | None = None
    role: Literal["event", "not", "absent"] = "event"
    event_type: tuple[str, ...] | None = None
    when: Condition | None = None
    count: int = 1


class SequenceTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="sequence"):
    within: Span
    steps: tuple[Step, ...]
    order: Literal["strict", "any"] = "strict"
    runs: Literal["one", "all"] = "one"
    max_runs: int = 100


class AbsenceTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="absence"):
    timeout: Span
    event_type: tuple[str, ...] | None = None
    source: tuple[str, ...] | None = None
    forget: Span = 24 * HOUR


class NewValueTrigger(msgspec.Struct, frozen=True, tag_field="type", tag="new_value"):
    field: str
    ttl: Span = 30 * DAY
    learn: Span | None = None
    event_type: tuple[str, ...] | None = None
    source: tuple[str, ...] | None = None


Trigger: TypeAlias = (
    EventTrigger | MetricTrigger | ScheduleTrigger | AnomalyTrigger | SequenceTrigger | AbsenceTrigger | NewValueTrigger
)


class Window(msgspec.Struct, frozen=True):
    """`size` and `slide` for tumbling and sliding windows, `timeout` for sessions."""

    type: Literal["tumbling", "sliding", "session"]
    size: Span | None = None
    slide: Span | None = None
    timeout: Span | None = None
    emit: Literal["close", "eager"] = "close"
    align: Literal["epoch", "calendar"] = "epoch"
    timezone: str | None = None


class Aggregate(msgspec.Struct, frozen=True):
    fn: str
    field: str | None = None
    p: float | int | None = None


class Enrichment(msgspec.Struct, frozen=True):
    type: str
    options: Mapping[str, Any]


class Suppress(msgspec.Struct, frozen=True):
    window: Span
    summary: bool = True


class Resolve(msgspec.Struct, frozen=True):
    """`after` None: when an open episode evaluates false; else also after that much silence."""

    after: Span | None = None


class ActionSpec(msgspec.Struct, frozen=True):
    """One action as written; the module of its type owns and checks `options`."""

    type: str
    options: Mapping[str, Any]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `severity` None: the payload's, else medium."""

    id: str
    name: str
    trigger: Trigger
    actions: tuple[ActionSpec, ...]
    description: str = ""
    severity: Severity | None = None
    priority: str | None = None
    owner: str | None = None
    backup_owner: str | None = None
    runbook: str | None = None
    rollback: str | None = None
    tags: tuple[str, ...] = ()
    enabled: bool = True
    enrich: tuple[Enrichment, ...] = ()
    when: Condition | None = None
    time: Literal["event", "arrival"] = "event"
    group_by: tuple[str, ...] = ()
    window: Window | None = None
    aggregate: Mapping[str, Aggregate] = msgspec.field(default_factory=dict)
    having: Condition | None = None
    hold: Span | None = None
    """`for` in YAML."""
    resolve: Resolve | None = None
    suppress: Suppress | None = None
    concurrency: Literal["queue", "skip"] = "queue"
    timeout: Span = 5 * SECOND
    max_keys: int | None = None
    max_alerts: int = 100
    carries: tuple[str, ...] = ()
    """Fields that the rule's texts name and its state would not keep: top-level names, sorted. A firing without an
    event at hand (a window's, an absence's) brings the last event's values of them; of a sequence, paths that begin
    with a step's id bring that step's."""
