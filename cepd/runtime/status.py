"""What the running daemon says of itself in the numbers of a scrape. Reads, and changes nothing."""

from collections.abc import Callable, Container, Iterator

import cepd
from cepd.engine.costs import unindexed_count
from cepd.model.duration import SECOND
from cepd.model.instant import Instant
from cepd.policies.breaker import Breaker
from cepd.ports import AckCounts, Clock, Journal, Quarantine, StoreCounts, Tally
from cepd.runtime.feed import Feed
from cepd.runtime.heartbeat import Heartbeat
from cepd.runtime.machine import Machine
from cepd.runtime.recorder import Recorder
from cepd.runtime.reloader import Reloader
from cepd.runtime.snapshots import Snapshotter
from cepd.telemetry.metrics import Sample, Source

OWED = ("pending", "sending")
DEAD = ("dead", "unknown")
BREAKERS = {"closed": 0, "half_open": 1, "open": 2}


def part_samples(
    feed: Feed, recorder: Recorder, machine: Machine, heartbeat: Heartbeat, id_reused: Callable[[], int]
) -> Source:
    """The numbers of the moving parts."""

    def read() -> Iterator[Sample]:
        yield "cepd_build_info", (cepd.__version__,), 1
        yield "cepd_event_queue_length", (), feed.length
        yield "cepd_event_queue_capacity", (), feed.capacity_events
        yield "cepd_event_queue_bytes", (), feed.size
        yield "cepd_event_queue_capacity_bytes", (), feed.capacity_bytes
        yield "cepd_recorder_queue_length", (), recorder.length
        yield "cepd_recorder_queue_capacity", (), recorder.capacity
        yield "cepd_event_loop_lag_seconds", (), heartbeat.lag
        yield "cepd_events_ids_reused_total", (), id_reused()
        yield from _engine(machine)

    return read


def _engine(machine: Machine) -> Iterator[Sample]:
    stats = machine.engine.stats
    yield "cepd_events_applied_total", (), stats.events
    yield "cepd_events_times_replaced_total", ("future",), stats.decode.future_times
    yield "cepd_events_times_replaced_total", ("unreadable",), stats.decode.unreadable_times
    yield "cepd_events_out_of_range_total", (), stats.decode.out_of_range
    yield "cepd_events_undecodable_total", (), stats.decode.undecodable
    yield "cepd_events_unknown_targets_total", (), stats.unknown_targets
    for rule_id, rule in list(stats.rules.items()):
        label = (rule_id,)
        yield "cepd_rule_matches_total", label, rule.matched
        yield "cepd_rule_firings_total", label, rule.fired
        yield "cepd_alerts_total", label, rule.alerts
        yield "cepd_rule_suppressed_total", label, rule.suppressed
        yield "cepd_rule_stormed_total", label, rule.stormed
        yield "cepd_rule_muted_total", label, rule.muted
        yield "cepd_rule_errors_total", label, rule.errors
        yield "cepd_rule_keys_skipped_total", label, rule.skipped_keys
        yield "cepd_rule_keys_refused_total", label, rule.refused_keys
        yield "cepd_rule_continued_total", label, rule.continued
    for rule_id, unit in stats.units:
        label = (rule_id,)
        yield "cepd_rule_events_late_total", label, unit.late
        yield "cepd_rule_events_refused_total", label, unit.refused_keys
        yield "cepd_rule_events_out_of_order_total", label, unit.out_of_order
        yield "cepd_rule_values_unusable_total", label, unit.unusable
        yield "cepd_rule_entries_evicted_total", label, unit.evicted
        yield "cepd_rule_anomalies_muted_total", label, unit.muted


def journal_samples(journal: Journal, quarantine: Quarantine) -> Source:
    """What the journal holds, and what of it is left out."""

    def read() -> Iterator[Sample]:
        yield "cepd_journal_size_bytes", (), journal.size
        yield "cepd_journal_limit_bytes", (), journal.limit
        yield "cepd_events_quarantined", (), len(quarantine)

    return read


def snapshot_samples(snapshotter: Snapshotter, clock: Clock) -> Source:
    """The newest snapshot; none before the first."""

    def read() -> Iterator[Sample]:
        if snapshotter.taken_at is not None:
            yield "cepd_snapshot_age_seconds", (), max(clock.now() - snapshotter.taken_at, 0) / SECOND
            yield "cepd_snapshot_size_bytes", (), snapshotter.size
            yield "cepd_snapshot_stall_seconds", (), snapshotter.stall / SECOND

    return read


def config_samples(reloader: Reloader, machine: Machine) -> Source:
    """What was read from the folder, and what of it runs."""

    def read() -> Iterator[Sample]:
        last = reloader.last
        yield "cepd_config_last_reload_successful", (), bool(last and last.ok and reloader.failure is None)
        if last is not None:
            if last.good_at is not None:
                yield "cepd_config_last_reload_success_timestamp_seconds", (), last.good_at / SECOND
            yield "cepd_config_files_rejected", (), sum(one.status != "active" for one in last.decision.statuses)
            for severity in ("error", "warning", "info"):
                found = sum(problem.severity == severity for problem in last.decision.problems)
                yield "cepd_config_problems", (severity,), found
        yield from _rules(machine)

    return read


def _rules(machine: Machine) -> Iterator[Sample]:
    """Samples of one name and labels are added up."""
    yield "cepd_config_info", (machine.deployment.revision,), 1
    yield "cepd_rules_unindexed", (), unindexed_count(machine.deployment.program)
    yield "cepd_rules", ("active",), 0
    yield "cepd_rules", ("inactive",), 0
    for definition in machine.deployment.generation.definitions:
        yield "cepd_rules", ("active" if definition.active else "inactive",), 1
        yield "cepd_rules_loaded", (definition.pack,), 1


def stop_samples(machine: Machine, clock: Clock) -> Source:
    """How many rules that are there are disabled at run time."""

    def read() -> Iterator[Sample]:
        now, rules = clock.now(), machine.deployment.definitions
        held = [rule_id for rule_id, stop in list(machine.engine.stops.items()) if stop.until > now]
        yield "cepd_rules_disabled", (), sum(rule_id in rules for rule_id in held)

    return read


def store_samples(counts: StoreCounts, now: Instant) -> Iterator[Sample]:
    """What the store owes and holds."""
    for severity, number in counts.unacked.items():
        yield "cepd_alerts_unacknowledged", (severity,), number
    for (target, state), number in counts.deliveries.items():
        yield "cepd_outbox_pending", (target,), number if state in OWED else 0
        yield "cepd_outbox_dead", (target,), number if state in DEAD else 0
    for target, oldest in counts.oldest_pending.items():
        yield "cepd_outbox_oldest_pending_seconds", (target,), max(now - oldest, 0) / SECOND
    for target, held in counts.held.items():
        breaker = Breaker(held.failures, held.open_until).state(now)
        yield "cepd_channel_breaker_state", (target,), BREAKERS[breaker]
        yield "cepd_channel_paused", (target,), (held.paused_until or 0) > now


def tally_samples(tally: Tally) -> Source:
    """What the outbox of this daemon came to. The copies are whole, as the loop may add to them meanwhile."""

    def read() -> Iterator[Sample]:
        yield "cepd_leases_lost_total", (), tally.leases_lost
        for ended, number in tally.outcomes.copy().items():
            yield "cepd_deliveries_total", ended, number
        for target, number in tally.fallbacks.copy().items():
            yield "cepd_fallbacks_total", (target,), number
        for target, number in tally.possible_duplicates.copy().items():
            yield "cepd_possible_duplicates_total", (target,), number

    return read


def ack_samples(counts: AckCounts, running: Container[str]) -> Iterator[Sample]:
    """How long people take, and what they think of the rules that run."""
    for severity, number in counts.overdue.items():
        yield "cepd_alerts_unacknowledged_over_sla", (severity,), number
    judged: dict[str, int] = {}
    for (rule_id, verdict), number in counts.judged.items():
        if rule_id in running:
            yield "cepd_rule_alerts_judged", (rule_id, verdict), number
            judged[rule_id] = judged.get(rule_id, 0) + number
    for rule_id, number in judged.items():
        wrong = counts.judged.get((rule_id, "false_positive"), 0)
        yield "cepd_rule_false_positive_ratio", (rule_id,), wrong / number
