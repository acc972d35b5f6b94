"""Every metric of cepd, in one table, and how they are rendered for Prometheus.

Nothing here is called once per event. A count that belongs to a moving part is a plain number of that part, read at
the scrape by a source; only what happens seldom is counted here. Labels come from the configuration, never from
events, and the children of a rule go with the rule, because its source no longer names it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector


class Metric(NamedTuple):
    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()


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
    Metric("cepd_alerts_total", "counter", "Alerts that were opened, storm alerts too.", ("rule",)),
    Metric("cepd_alerts_unacknowledged", "gauge", "Open alerts that nobody has acknowledged.", ("severity",)),
    Metric("cepd_action_plan_errors_total", "counter", "Actions that could not be planned.", ("rule",)),
    Metric("cepd_snapshots_total", "counter", "Snapshots of the engine that were written."),
    Metric("cepd_snapshot_errors_total", "counter", "Snapshots, or what is trimmed behind them, that failed."),
    Metric("cepd_snapshot_age_seconds", "gauge", "Age of the newest row that the newest snapshot holds."),
    Metric("cepd_snapshot_size_bytes", "gauge", "Size of the newest snapshot that this process wrote."),
    Metric("cepd_snapshot_stall_seconds", "gauge", "For how long rows waited for that snapshot to be cut."),
    Metric("cepd_store_errors_total", "counter", "Recordings that had to be tried again."),
    Metric("cepd_delivery_attempts_total", "counter", "Tries of deliveries by how they ended.", ("channel", "result")),
    Metric("cepd_outbox_pending", "gauge", "Deliveries that are owed or under way.", ("channel",)),
    Metric("cepd_outbox_oldest_pending_seconds", "gauge", "Age of the oldest delivery that is owed; 0 without one."),
    Metric("cepd_outbox_dead", "gauge", "Deliveries that were given up.", ("channel",)),
    Metric("cepd_event_loop_lag_seconds", "gauge", "How late the event loop was at its worst of late."),
)

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
        self._sources: list[Source] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Adds to a counter of the table. KeyError for another name, ValueError for missing labels: bugs."""
        if len(labels) != len(self._table[name].labels):
            raise ValueError(f"{name} has the labels {self._table[name].labels}, not {labels}")
        key = (name, labels)
        self._counts[key] = self._counts.get(key, 0.0) + by

    def read_from(self, source: Source) -> None:
        """From now on each scrape reads `source` too."""
        self._sources.append(source)

    def forget_rules(self, running: Iterable[str]) -> None:
        """Drops the counts of rules that are not among the running ones."""
        kept = frozenset(running)
        gone = [key for key in self._counts if self._table[key[0]].labels == ("rule",) and key[1][0] not in kept]
        for key in gone:
            del self._counts[key]

    def collect(self) -> Iterator[Family]:
        families = {name: _family(metric) for name, metric in self._table.items()}
        summed = dict(self._counts)
        for source in self._sources:
            for name, labels, value in source():
                summed[name, labels] = summed.get((name, labels), 0.0) + value
        for (name, labels), value in summed.items():
            families[name].add_metric(labels, value)
        yield from families.values()

    def render(self) -> bytes:
        """The text format of Prometheus. Takes its time with many rules: call it in a thread."""
        return generate_latest(self._registry)


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return made(metric.name, metric.help, labels=metric.labels)
