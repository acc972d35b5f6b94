"""What the engine counts reaches the scrape."""

import asyncio
from pathlib import Path

from cepd.engine.rows import Target
from cepd.ports import AckCounts
from cepd.runtime.heartbeat import Heartbeat
from cepd.runtime.status import ack_samples, part_samples
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
