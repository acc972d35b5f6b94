"""Every metric of cepd, in one table, and how they are rendered for Prometheus.

Nothing here is called once per event. A count that belongs to a moving part is a plain number of that part, read at
the scrape by a source; only what happens seldom is counted here. Labels come from the configuration, never from
events, and the children of a rule go with the rule, because its source no longer names it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Literal, NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector


class Metric(NamedTuple):
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Of a histogram: the highest values of its buckets but the last, which has none; ascending."""


TABLE: tuple[Metric, ...] = (
    Metric("cepd_build_info", "gauge", "Always 1, with the version of cepd.", ("version",)),
    Metric("cepd_config_info", "gauge", "Always 1, with the revision of the rules that run.", ("revision",)),
    Metric("cepd_config_last_reload_successful", "gauge", "1 where the last reading of the tree had no error."),
    Metric(
        "cepd_config_last_reload_success_timestamp_seconds", "gauge", "When the tree was last read without an error."
    ),
    Metric("cepd_config_reloads_total", "counter", "Readings of a changed tree by what came of them.", ("outcome",)),
    Metric("cepd_config_files_rejected", "gauge", "Files whose newest content does not run."),
    Metric("cepd_config_problems", "gauge", "Findings in the tree as it is now.", ("severity",)),
    Metric("cepd_rules_loaded", "gauge", "Rules in the generation that runs, by pack.", ("pack",)),
    Metric("cepd_rules", "gauge", "Rules in the generation that runs, active or not.", ("state",)),
    Metric("cepd_rules_disabled", "gauge", "Rules that are disabled at run time, for a while."),
    Metric("cepd_rules_unindexed", "gauge", "Rules that cost a test at each event, as no index serves them."),
    Metric("cepd_events_received_total", "counter", "Events that were accepted and are on disk."),
    Metric("cepd_events_duplicates_total", "counter", "Events that had been accepted before."),
    Metric("cepd_events_ids_reused_total", "counter", "Events with a known id and other content."),
    Metric("cepd_events_rejected_total", "counter", "Refused input: single lines, or bodies as a whole.", ("reason",)),
    Metric("cepd_events_applied_total", "counter", "Events that the engine has seen."),
    Metric(
        "cepd_events_times_replaced_total",
        "counter",
        "Events whose time was unreadable or too far ahead, so that the time of arrival counts.",
        ("reason",),
    ),
    Metric(
        "cepd_events_out_of_range_total",
        "counter",
        "Events with a number that does not fit where rules name it; it counts as missing.",
    ),
    Metric("cepd_events_undecodable_total", "counter", "Events that did not decode; they have no fields."),
    Metric("cepd_events_unknown_targets_total", "counter", "Events for one rule that did not run."),
    Metric("cepd_events_quarantined", "gauge", "Events that are left out, as the daemon died over them."),
    Metric("cepd_event_queue_length", "gauge", "Events that wait for the engine."),
    Metric("cepd_event_queue_capacity", "gauge", "Events that may wait before intake answers 429."),
    Metric("cepd_event_queue_bytes", "gauge", "Bytes of the events that wait for the engine."),
    Metric("cepd_event_queue_capacity_bytes", "gauge", "Bytes that may wait before intake answers 429."),
    Metric("cepd_journal_size_bytes", "gauge", "Size of the journal."),
    Metric("cepd_journal_limit_bytes", "gauge", "Size of the journal from which on intake answers 503."),
    Metric("cepd_recorder_queue_length", "gauge", "Firings that wait for the store."),
    Metric("cepd_recorder_queue_capacity", "gauge", "Firings that may wait before the engine stops."),
    Metric("cepd_rule_matches_total", "counter", "Events that met the rule, before suppress.", ("rule",)),
    Metric("cepd_rule_firings_total", "counter", "Firings of the rule, before suppress and storm guard.", ("rule",)),
    Metric("cepd_rule_suppressed_total", "counter", "Firings folded into an alert by suppress.", ("rule",)),
    Metric("cepd_rule_stormed_total", "counter", "Firings folded into a storm alert.", ("rule",)),
    Metric("cepd_rule_muted_total", "counter", "Firings nobody is told of, as the rule is disabled.", ("rule",)),
    Metric("cepd_rule_errors_total", "counter", "Evaluations that failed; the event was skipped.", ("rule",)),
    Metric("cepd_rule_keys_skipped_total", "counter", "Events whose key is an object or a list.", ("rule",)),
    Metric("cepd_rule_keys_refused_total", "counter", "Firings let through unsuppressed beyond max_keys.", ("rule",)),
    Metric("cepd_rule_continued_total", "counter", "True evaluations of alerts that are open anyway.", ("rule",)),
    Metric("cepd_rule_events_late_total", "counter", "Events that came after their window had closed.", ("rule",)),
    Metric("cepd_rule_events_refused_total", "counter", "Events left out of a window beyond max_keys.", ("rule",)),
    Metric(
        "cepd_rule_events_out_of_order_total", "counter", "Events of a sequence that came after a later one.", ("rule",)
    ),
    Metric("cepd_rule_values_unusable_total", "counter", "Events without a value that can be used.", ("rule",)),
    Metric("cepd_rule_entries_evicted_total", "counter", "Baselines and values that were forgotten.", ("rule",)),
    Metric("cepd_rule_anomalies_muted_total", "counter", "Anomalies within the cooldown of another.", ("rule",)),
    Metric("cepd_alerts_total", "counter", "Alerts of the rule, of storms and muted ones too.", ("rule",)),
    Metric("cepd_alerts_unacknowledged", "gauge", "Open alerts that nobody has acknowledged.", ("severity",)),
    Metric(
        "cepd_alerts_unacknowledged_over_sla",
        "gauge",
        "Open alerts that have waited for an acknowledgement for longer than ack_sla.",
        ("severity",),
    ),
    Metric("cepd_acks_total", "counter", "Acknowledgements by people, taken over ones too.", ("source",)),
    Metric(
        "cepd_time_to_ack_seconds",
        "histogram",
        "How long open alerts waited before they were acknowledged.",
        ("severity",),
        (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400),
    ),
    Metric("cepd_rule_alerts_judged", "gauge", "Alerts that people judged.", ("rule", "verdict")),
    Metric("cepd_rule_false_positive_ratio", "gauge", "False positives among the alerts that were judged.", ("rule",)),
    Metric("cepd_action_plan_errors_total", "counter", "Actions that could not be planned.", ("rule",)),
    Metric("cepd_snapshots_total", "counter", "Snapshots of the engine that were written."),
    Metric("cepd_snapshot_errors_total", "counter", "Snapshots, or what is trimmed behind them, that failed."),
    Metric("cepd_snapshot_age_seconds", "gauge", "Age of the newest row that the newest snapshot holds."),
    Metric("cepd_snapshot_size_bytes", "gauge", "Size of the newest snapshot that this process wrote."),
    Metric("cepd_snapshot_stall_seconds", "gauge", "For how long rows waited for that snapshot to be cut."),
    Metric("cepd_store_errors_total", "counter", "Recordings that had to be tried again."),
    Metric("cepd_delivery_attempts_total", "counter", "Tries of deliveries by how they ended.", ("channel", "result")),
    Metric(
        "cepd_happenings_total",
        "counter",
        "What cepd itself told its rules, by what came of it.",
        ("type", "outcome"),
    ),
    Metric(
        "cepd_delivery_attempt_duration_seconds",
        "histogram",
        "How long one try of a delivery took.",
        ("channel",),
        (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    ),
    Metric(
        "cepd_delivery_latency_seconds",
        "histogram",
        "From the recording of what fired until the receiver took it.",
        ("channel",),
        (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
    ),
    Metric("cepd_deliveries_total", "counter", "Deliveries that came to an end, by which one.", ("channel", "outcome")),
    Metric("cepd_fallbacks_total", "counter", "Deliveries that another channel took over.", ("channel",)),
    Metric("cepd_possible_duplicates_total", "counter", "Tries of what may have arrived before.", ("channel",)),
    Metric("cepd_leases_lost_total", "counter", "Tries that ended after somebody else had taken the delivery over."),
    Metric("cepd_channel_breaker_state", "gauge", "0 closed, 1 half-open, 2 open.", ("channel",)),
    Metric("cepd_channel_paused", "gauge", "1 while the channel is left alone because it asked for it.", ("channel",)),
    Metric("cepd_outbox_pending", "gauge", "Deliveries that are owed or under way.", ("channel",)),
    Metric("cepd_outbox_oldest_pending_seconds", "gauge", "Age of the oldest delivery that is owed.", ("channel",)),
    Metric("cepd_outbox_dead", "gauge", "Deliveries that were given up.", ("channel",)),
    Metric("cepd_stream_clients", "gauge", "Clients that follow the stream of alerts."),
    Metric("cepd_stream_gaps_total", "counter", "Times that a client missed what is kept no more."),
    Metric("cepd_retention_deleted_total", "counter", "Rows that were kept long enough, and went.", ("table",)),
    Metric("cepd_event_loop_lag_seconds", "gauge", "How late the event loop was at its worst of late."),
)


class Observed(NamedTuple):
    """What a histogram has seen: how many values in each bucket, the last without a bound, and their sum."""

    counts: tuple[int, ...]
    sum: float


Sample: TypeAlias = tuple[str, tuple[str, ...], float]
"""(name of a metric, its label values, its value)."""

Source: TypeAlias = Callable[[], Iterable[Sample]]
"""Reads plain numbers at a scrape. It runs in another thread than the loop: it may only read, and copies first."""


class Metrics(Collector):
    """Counts what happens seldom, reads the rest from its sources, renders the text format."""

    def __init__(self) -> None:
        self._table = {metric.name: metric for metric in TABLE}
        self._counts: dict[tuple[str, tuple[str, ...]], float] = {
            (metric.name, ()): 0.0 for metric in TABLE if metric.kind == "counter" and not metric.labels
        }
        self._observed: dict[tuple[str, tuple[str, ...]], Observed] = {
            (metric.name, ()): _nothing(metric) for metric in TABLE if metric.kind == "histogram" and not metric.labels
        }
        self._sources: list[Source] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Adds to a counter of the table. KeyError for another name, ValueError for a histogram and for missing labels:
        bugs."""
        self._check(name, labels, observed=False)
        key = (name, labels)
        self._counts[key] = self._counts.get(key, 0.0) + by

    def observe(self, name: str, *labels: str, value: float) -> None:
        """Puts a value into a histogram of the table. Raises as `count` does."""
        self._check(name, labels, observed=True)
        metric, key = self._table[name], (name, labels)
        counts, total = self._observed.get(key) or _nothing(metric)
        place = bisect_left(metric.buckets, value)
        more = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
        self._observed[key] = Observed(more, total + value)

    def read_from(self, source: Source) -> None:
        """From now on each scrape reads `source` too."""
        self._sources.append(source)

    def forget_rules(self, running: Iterable[str]) -> None:
        """Drops the counts of rules that are not among the running ones."""
        kept = frozenset(running)
        for held in (self._counts, self._observed):
            gone = [key for key in held if self._table[key[0]].labels == ("rule",) and key[1][0] not in kept]
            for key in gone:
                del held[key]

    def collect(self) -> Iterator[Family]:
        summed = dict(self._counts)
        for source in self._sources:
            for name, labels, value in source():
                summed[name, labels] = summed.get((name, labels), 0.0) + value
        numbers = {metric.name: _numbers(metric) for metric in TABLE if metric.kind != "histogram"}
        histograms = {metric.name: _histogram(metric) for metric in TABLE if metric.kind == "histogram"}
        for (name, labels), value in summed.items():
            numbers[name].add_metric(labels, value)
        for (name, labels), seen in dict(self._observed).items():
            histograms[name].add_metric(labels, _cumulative(self._table[name], seen), seen.sum)
        yield from numbers.values()
        yield from histograms.values()

    def render(self) -> bytes:
        """The text format of Prometheus. Takes its time with many rules: call it in a thread."""
        return generate_latest(self._registry)

    def _check(self, name: str, labels: tuple[str, ...], *, observed: bool) -> None:
        metric = self._table[name]
        if observed is not (metric.kind == "histogram"):
            raise ValueError(f"{name} is a {metric.kind}")
        if len(labels) != len(metric.labels):
            raise ValueError(f"{name} has the labels {metric.labels}, not {labels}")


def _numbers(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return made(metric.name, metric.help, labels=metric.labels)


def _histogram(metric: Metric) -> HistogramMetricFamily:
    return HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)


def _nothing(metric: Metric) -> Observed:
    return Observed((0,) * (len(metric.buckets) + 1), 0.0)


def _cumulative(metric: Metric, seen: Observed) -> list[tuple[str, float]]:
    """As Prometheus counts: each bucket holds what is below it too."""
    bounds = [*(str(float(bound)) for bound in metric.buckets), "+Inf"]
    return list(zip(bounds, accumulate(seen.counts), strict=True))
