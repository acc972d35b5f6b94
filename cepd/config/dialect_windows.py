"""The dialect's windows and aggregates, and where a metric's threshold is tested: on events, for a while, or on an
aggregate when a window closes."""

import re
from dataclasses import dataclass, field

from cepd.config.dialect_conditions import bare, conjuncts, fields_of, with_field
from cepd.config.dialect_fields import Fields, Finding, Taken, plain, wrong_type
from cepd.config.dialect_trigger import Spec
from cepd.model.duration import parse_duration
from cepd.model.errors import InputError
from cepd.model.json import Json

GROUP_BY = ("group_by", "groupBy")

_AGGREGATE = {"fn": ("type", "fn", "function"), "field": ("field",), "p": ("p", "percentile")}
_ALIAS = ("outputAlias", "output_alias", "alias", "name")
_NOT_IN_NAMES = re.compile(r"\W+")


@dataclass(slots=True)
class Aggregates:
    """The aggregates of one rule, by name, and the keys that they are grouped by."""

    label: str
    findings: list[Finding]
    metric: Taken | None
    named: dict[str, Json] = field(default_factory=dict)
    group_by: list[Taken] = field(default_factory=list)

    def read(self, aggregation: Taken) -> list[str]:
        """Adds what an `aggregation` says: one aggregate or a list; returns their names."""
        if isinstance(aggregation.value, list):
            return [name for item in aggregation.items() for name in self.read(item)]
        if isinstance(aggregation.value, str):
            return [self._add(self._of_metric({"fn": aggregation}), None, aggregation.pointer)]
        if not isinstance(aggregation.value, dict):
            self.findings.append(wrong_type(aggregation, f"aggregation of {self.label}", "a mapping or a function"))
            return []
        fields = Fields(aggregation, f"aggregation of {self.label}", self.findings)
        spec, alias, keys = fields.take_all(_AGGREGATE), fields.take(*_ALIAS), fields.take(*GROUP_BY)
        fields.end()
        if keys is not None:
            self.group_by.append(keys)
        return [self._add(self._of_metric(spec), alias, aggregation.pointer)]

    def over(self, field: Json) -> str | None:
        """The name of the first aggregate over a field."""
        return next((name for name, spec in self.named.items() if plain(spec).get("field") == field), None)

    def _of_metric(self, spec: dict[str, Taken]) -> dict[str, Json]:
        if "field" in spec or self.metric is None or bare(spec.get("fn")) == "count":
            return {**spec}
        return {**spec, "field": self.metric}

    def _add(self, spec: dict[str, Json], alias: Taken | None, pointer: str) -> str:
        if bare(spec.get("fn")) == "std":
            spec["fn"] = Taken("stddev", spec["fn"].pointer)
        name = _name(plain(spec)) if alias is None else str(alias.value)
        if alias is None:
            same = (known for known, other in self.named.items() if plain(other) == plain(spec))
            name = next(same, name)
        if name in self.named and plain(self.named[name]) != plain(spec):
            message = f"two aggregates of {self.label} are called {name!r}"
            self.findings.append(Finding("CEP112", pointer, message, "give one of them another outputAlias"))
        self.named.setdefault(name, Taken(spec, pointer))
        return name


def _name(spec: dict[str, Json]) -> str:
    """`avg_cpu_usage`, `p95_ms`, `count`."""
    fn = f"p{spec['p']}" if "p" in spec else str(spec.get("fn", "aggregate"))
    return _NOT_IN_NAMES.sub("_", f"{fn}_{spec['field']}" if "field" in spec else fn)


@dataclass(slots=True)
class Timing:
    """What a threshold, a window and aggregates make of a rule together."""

    trigger: dict[str, Json]
    when: list[Json]
    having: list[Json] = field(default_factory=list)
    window: Json = None
    hold: Taken | None = None
    aggregates: dict[str, Json] = field(default_factory=dict)
    group_by: list[Taken] = field(default_factory=list)


def read_timing(
    spec: Spec, window: Taken | None, aggregation: Taken | None, when: list[Json], label: str, findings: list[Finding]
) -> Timing:
    """A threshold is tested on each event, over an aggregate where there is one of its metric and a window, and
    otherwise for as long as its duration."""
    metric = spec.threshold.get("metric")
    aggregates = Aggregates(label, findings, metric)
    name = _aggregate_of_metric(aggregates, aggregation, spec.aggregation)
    timing = Timing(spec.trigger, [one for tree in when for one in conjuncts(tree)], aggregates=aggregates.named)
    timing.group_by = aggregates.group_by
    if window is not None:
        timing.window, keys = _without_keys(window)
        timing.group_by += keys
    elif name is not None and spec.duration is not None:
        timing.window = Taken({"type": "tumbling", "size": spec.duration}, spec.pointer)
    elif spec.aggregation is not None:
        message = f"the aggregation of {label} has no window"
        findings.append(Finding("CEP113", spec.aggregation.pointer, message, "add a duration, such as 5m"))
    if timing.window is None or name is None or metric is None:
        timing.hold = spec.duration
        _test_events(timing, spec, metric)
    else:
        _test_aggregate(timing, spec, metric, name, label, findings)
        if window is not None and spec.duration is not None:
            findings.extend(_other_size(window, spec.duration, label))
    return timing


def keys_of(given: list[Taken], label: str, findings: list[Finding]) -> Json:
    """The one `group_by` that several parts of a rule may give; text with commas becomes a list."""
    first, *others = [_listed(keys) for keys in given]
    for keys in others:
        if plain(keys) != plain(first):
            message = f"{label} is grouped by two different lists of fields"
            findings.append(Finding("CEP112", keys.pointer, message, "give one group_by"))
    return first


def _aggregate_of_metric(aggregates: Aggregates, rules: Taken | None, triggers: Taken | None) -> str | None:
    """Reads both places of aggregations; the name of the aggregate that the metric's threshold speaks of."""
    if rules is not None:
        aggregates.read(rules)
    names = aggregates.read(triggers) if triggers is not None else []
    if aggregates.metric is None:
        return None
    return names[0] if names else aggregates.over(aggregates.metric.value)


def _test_events(timing: Timing, spec: Spec, metric: Taken | None) -> None:
    if metric is None or (timing.window is None and spec.fits_trigger):
        timing.trigger |= spec.threshold
    else:
        timing.when = spec.test_on(metric) + timing.when


def _test_aggregate(timing: Timing, spec: Spec, metric: Taken, name: str, label: str, findings: list[Finding]) -> None:
    """What speaks of the metric alone is tested on its aggregate; the rest stays a test of each event."""
    field = str(metric.value)
    tests, stays = spec.test_on(name), []
    for one in timing.when:
        fields = fields_of(one)
        if fields == {field}:
            tests.append(with_field(one, name))
            continue
        if field in fields:
            message = f"a condition of {label} mixes {field!r} with other fields; each event is tested with it"
            remedy = f"write what concerns {field!r} as a condition of its own, joined by AND"
            findings.append(Finding("CEP313", _pointer(one, spec.pointer), message, remedy))
        stays.append(one)
    for test in tests:
        if plain(test) not in [plain(known) for known in timing.having]:
            timing.having.append(test)
    timing.when = stays or [{"field": metric, "op": "exists", "value": True}]


def _pointer(tree: Json, otherwise: str) -> str:
    return tree.pointer if isinstance(tree, Taken) else otherwise


def _without_keys(window: Taken) -> tuple[Taken, list[Taken]]:
    if not isinstance(window.value, dict):
        return window, []
    keys = [window.below(name) for name in GROUP_BY if name in window.value]
    return Taken({name: window.below(name) for name in window.value if name not in GROUP_BY}, window.pointer), keys


def _other_size(window: Taken, duration: Taken, label: str) -> list[Finding]:
    size = window.value.get("size") if isinstance(window.value, dict) else None
    try:
        if size is None or parse_duration(size) == parse_duration(duration.value):
            return []
    except (InputError, TypeError):
        return []
    message = f"{label} has a duration of {duration.value} and a window of {size}; the window counts"
    return [Finding("CEP314", duration.pointer, message, "leave the duration out, or make both the same")]


def _listed(keys: Taken) -> Taken:
    if not isinstance(keys.value, str):
        return keys
    return Taken([Taken(part.strip(), keys.pointer) for part in keys.value.split(",")], keys.pointer)
