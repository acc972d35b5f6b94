"""What the engine counts reaches the scrape."""

import asyncio
from pathlib import Path

from cepd.engine.rows import Target
from cepd.model.duration import SECOND
from cepd.ports import AckCounts, StoreCounts, Tally
from cepd.ports.store import Held
from cepd.runtime.heartbeat import Heartbeat
from cepd.runtime.status import ack_samples, part_samples, store_samples, tally_samples
from tests.support.pipeline import deployment_of, pipeline
from tests.support.rows import line, rule


def test_what_could_not_be_read_or_found_is_counted(tmp_path: Path) -> None:
    async def scenario() -> dict[tuple[str, tuple[str, ...]], float]:
        async with pipeline(tmp_path, deployment_of(rule("r", "n > 0"))) as running:
            await running.send(line(n=1), b'{"n": 1e999}', b'{"n": 2e999}')
            await running.settled()
            program, engine = running.machine.deployment.program, running.machine.engine
            clock = running.clock.now()
            (event,) = program.decode([b"\xff"], clock, source="s", origin="o", first=9)
            engine.apply(Target(clock, "gone", event))
            read = part_samples(running.feed, running.recorder, running.machine, Heartbeat(), lambda: 0)
            return {(name, labels): value for name, labels, value in read()}

    found = asyncio.run(scenario())
    assert found["cepd_events_out_of_range_total", ()] == 2
    assert found["cepd_events_undecodable_total", ()] == 1
    assert found["cepd_events_unknown_targets_total", ()] == 1
    assert found["cepd_events_applied_total", ()] == 3
    assert found["cepd_rule_matches_total", ("r",)] == 1


def test_breakers_pauses_and_the_age_of_what_is_owed_show_by_channel() -> None:
    now = 100 * SECOND
    counts = StoreCounts(
        unacked={},
        deliveries={},
        oldest_pending={"ops": 40 * SECOND, "ahead": now + SECOND},
        held={
            "closed": Held(None, 2, None),
            "open": Held(None, 3, now + 1),
            "trial": Held(now, 3, now),
            "asked": Held(now + 1, 0, None),
        },
    )
    found = {(name, labels): value for name, labels, value in store_samples(counts, now)}
    age, breaker, paused = "cepd_outbox_oldest_pending_seconds", "cepd_channel_breaker_state", "cepd_channel_paused"
    assert (found[age, ("ops",)], found[age, ("ahead",)]) == (60, 0)
    assert [found[breaker, (name,)] for name in ("closed", "trial", "open")] == [0, 1, 2]
    assert [found[paused, (name,)] for name in ("closed", "trial", "asked")] == [0, 0, 1]


def test_what_the_outbox_came_to_shows_by_channel() -> None:
    tally = Tally()
    read = tally_samples(tally)
    assert list(read()) == [("cepd_leases_lost_total", (), 0)]
    tally.ended("dead", [{"id": "d1", "target": "ops"}, {"id": "d2", "target": "ops"}])
    tally.fallbacks["ops"] += 1
    tally.possible_duplicates["mail"] += 1
    tally.leases_lost += 1
    assert {(name, labels): value for name, labels, value in read()} == {
        ("cepd_leases_lost_total", ()): 1,
        ("cepd_deliveries_total", ("ops", "dead")): 2,
        ("cepd_fallbacks_total", ("ops",)): 1,
        ("cepd_possible_duplicates_total", ("mail",)): 1,
    }


def test_the_share_of_false_positives_is_of_what_was_judged_and_of_rules_that_run() -> None:
    judged = {("a", "false_positive"): 1, ("a", "true_positive"): 3, ("b", "true_positive"): 2}
    counts = AckCounts(overdue={"high": 4}, judged={**judged, ("gone", "false_positive"): 9})
    assert {(name, labels): value for name, labels, value in ack_samples(counts, {"a", "b", "unjudged"})} == {
        ("cepd_alerts_unacknowledged_over_sla", ("high",)): 4,
        ("cepd_rule_alerts_judged", ("a", "false_positive")): 1,
        ("cepd_rule_alerts_judged", ("a", "true_positive")): 3,
        ("cepd_rule_alerts_judged", ("b", "true_positive")): 2,
        ("cepd_rule_false_positive_ratio", ("a",)): 0.25,
        ("cepd_rule_false_positive_ratio", ("b",)): 0,
    }
