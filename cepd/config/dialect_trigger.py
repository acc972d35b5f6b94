"""The dialect's `trigger_spec`, by type of trigger: what the canonical trigger takes of it, and what else it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cepd.config.dialect_conditions import (
    FIELD,
    OPERATOR,
    ORDERING,
    VALUE,
    bare,
    read_number,
    read_tree,
    with_number,
)
from cepd.config.dialect_fields import Fields, Finding, Taken, wrong_type
from cepd.model.json import Json

_MATCH = {"event_type": ("event_type",), "source": ("source",)}
_TREE = {"conditions": ("conditions",), "logic": ("logic",)}
_TEST = {"field": FIELD, "op": OPERATOR, "value": VALUE, "ignore_case": ("ignore_case",)}
_THRESHOLD = {"metric": FIELD, "op": OPERATOR, "threshold": VALUE}
_SCHEDULE = {
    "cron": ("cron", "scheduleExpression", "schedule_expression"),
    **{name: (name,) for name in ("timezone", "catchup", "overlap", "jitter")},
}
_POLL = {
    "url": ("endpoint",),
    "method": ("method",),
    "headers": ("headers",),
    "value_path": ("value_path",),
    "every": ("every",),
}
_ANOMALY = {
    "value": ("value_path", *FIELD),
    "method": ("anomaly_method", "method"),
    "threshold": VALUE[::-1],
    **{
        name: (name,)
        for name in (
            "window",
            "multiplier",
            "alpha",
            "sensitivity",
            "season",
            "min_baseline",
            "direction",
            "consecutive",
            "cooldown",
            "min_change",
        )
    },
}
_DOCUMENTS_BASELINE = 30
_DOCUMENTS_ZSCORE = 3.0
_THRESHOLD_OPERATORS = (*ORDERING, "==", "!=")


@dataclass(slots=True)
class Spec:
    """What a `trigger_spec` says. Where a metric's threshold is tested depends on the rule's window, so it stands
    apart from the trigger."""

    trigger: dict[str, Json]
    pointer: str = ""
    when: list[Json] = field(default_factory=list)
    threshold: dict[str, Taken] = field(default_factory=dict)
    """`metric`, `op` and `threshold`, those that are given."""
    duration: Taken | None = None
    aggregation: Taken | None = None

    def test_on(self, field: Json) -> list[Json]:
        """The threshold as a condition on `field`; none where the rule gives none."""
        test = {"field": field, "op": self.threshold.get("op"), "value": self.threshold.get("threshold")}
        given = {name: part for name, part in test.items() if part is not None}
        return [Taken(given, self.pointer)] if len(given) > 1 else []

    @property
    def fits_trigger(self) -> bool:
        """Whether a metric trigger can hold the threshold; a test on text is a condition like any other."""
        op, threshold = bare(self.threshold.get("op")), bare(self.threshold.get("threshold"))
        return op is None or threshold is None or (op in _THRESHOLD_OPERATORS and not isinstance(threshold, str))


def read_trigger(kind: Taken | None, spec: Taken | None, label: str, findings: list[Finding]) -> Spec:
    """`kind` is `trigger_type`, by default `event`. Without a spec only what is sent to the rule by name fires it."""
    name = "event" if kind is None else kind.value
    if spec is None:
        by_name: dict[str, Json] = {"event_type": []} if name in ("event", "metric") else {}
        return Spec({"type": kind or "event", **by_name})
    if not isinstance(spec.value, dict):
        findings.append(wrong_type(spec, f"trigger_spec of {label}", "a mapping"))
        return Spec({"type": kind or "event"})
    read = _READERS.get(name) if isinstance(name, str) else None
    if read is None:
        return Spec({"type": kind, **spec.members()}, spec.pointer)
    fields = Fields(spec, f"trigger_spec of {label}", findings)
    result = read(fields)
    fields.end()
    result.trigger = {"type": kind or "event", **result.trigger}
    result.pointer = spec.pointer
    return result


def _event(fields: Fields) -> Spec:
    test = with_number(fields.take_all(_TEST), fields.findings)
    when = [Taken(test, fields.mapping.pointer)] if test else []
    return Spec(fields.take_all(_MATCH), when=when + _tree(fields))


def _metric(fields: Fields) -> Spec:
    trigger: dict[str, Json] = {**fields.take_all(_MATCH)}
    if poll := fields.take_all(_POLL):
        trigger["poll"] = poll
    threshold = fields.take_all(_THRESHOLD)
    if "threshold" in threshold and bare(threshold.get("op")) in _THRESHOLD_OPERATORS:
        threshold["threshold"] = read_number(threshold["threshold"], fields.findings)
    return Spec(
        trigger,
        when=_tree(fields),
        threshold=threshold,
        duration=fields.take("duration"),
        aggregation=fields.take("aggregation"),
    )


def _schedule(fields: Fields) -> Spec:
    return Spec({**fields.take_all(_SCHEDULE)})


def _anomaly(fields: Fields) -> Spec:
    """The documents' figures where the rule gives none: z-score 3.0, 30 values of baseline, no cooldown. The threshold
    of iqr is its multiplier."""
    given: dict[str, Json] = {**fields.take_all(_ANOMALY)}
    if "threshold" in given:
        given["threshold"] = read_number(given["threshold"], fields.findings)
    given.setdefault("method", "zscore")
    if bare(given["method"]) == "zscore":
        given.setdefault("threshold", _DOCUMENTS_ZSCORE)
    if bare(given["method"]) == "iqr" and "threshold" in given and "multiplier" not in given:
        given["multiplier"] = given.pop("threshold")
    given.setdefault("min_baseline", _DOCUMENTS_BASELINE)
    given.setdefault("cooldown", "0s")
    return Spec(fields.take_all(_MATCH) | given, when=_tree(fields))


def _tree(fields: Fields) -> list[Json]:
    tree = fields.take_all(_TREE)
    return [read_tree(Taken(tree, fields.mapping.pointer), fields.findings)] if tree else []


_Reader: TypeAlias = Callable[[Fields], Spec]
_READERS: Mapping[str, _Reader] = {"event": _event, "metric": _metric, "schedule": _schedule, "anomaly": _anomaly}
