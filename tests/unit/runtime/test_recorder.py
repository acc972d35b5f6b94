"""What firings owe the store: alerts, folds and drafts, merged, and never lost to a fault in an action."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pytest

from cepd.model.alert import Alert
from cepd.model.delivery import Draft
from cepd.model.firing import Firing
from cepd.model.json import Json
from cepd.model.rule import ActionSpec, Rule
from cepd.ports import Recording
from cepd.runtime.alerts import recording_of
from cepd.runtime.clock import SystemClock
from cepd.runtime.deployment import Deployment
from cepd.runtime.machine import Applied
from cepd.runtime.recorder import Recorder
from cepd.telemetry.metrics import Metrics
from tests.support.pipeline import deployment_of
from tests.support.rows import START, S, rule

NOTIFY = ActionSpec("notify", {"channels": ["ops"], "message": "n is {{ n }} on {{ host }}"})
RULE = rule("r", "n > 0", actions=(NOTIFY,))


def firing(number: int, alert: int | None = None, **parts: object) -> Firing:
    """Firing `f<number>`, which opens an alert or belongs to that of firing `alert`."""
    given = {
        "id": f"f{number}",
        "kind": "fired",
        "rule_id": "r",
        "key": {"host": "a"},
        "time": START + number * S,
        "alert_id": f"f{number if alert is None else alert}",
        "count": 1,
        "last_at": START + number * S,
        "event_ids": (f"e{number}",),
        "payload": b'{"n": 1, "host": "a"}',
    }
    return Firing(**{**given, **parts})


def recorded(*firings: Firing, of: Rule = RULE, deployment: Deployment | None = None) -> Recording:
    return recording_of([Applied(7, firings, deployment or deployment_of(of))], START + 60 * S, Metrics())


def test_an_opening_firing_becomes_an_alert_with_its_context() -> None:
    recording = recorded(firing(1))
    (alert,) = recording.alerts
    assert (alert.event_id, alert.rule_id, alert.pack, alert.kind, alert.state) == ("f1", "r", "pack", "fired", "open")
    assert (alert.key, alert.payload, alert.source_event_ids) == ({"host": "a"}, {"n": 1, "host": "a"}, ("e1",))
    assert (alert.time, alert.recorded_at, alert.revision) == (START + S, START + 60 * S, "revision-one")
    assert alert.summary == "n is 1 on a"
    (draft,) = recording.drafts
    assert (draft.alert_id, draft.target, draft.due_at) == ("f1", "ops", START + 60 * S)
    assert msgspec.json.decode(draft.request)["message"] == "n is 1 on a"
    assert (recording.seq, recording.at, recording.folds) == (7, START + 60 * S, [])


def test_folds_owe_no_message_and_the_last_of_an_alert_counts() -> None:
    recording = recorded(firing(1), firing(2, 1, count=2), firing(3, 1, count=3), firing(4, 9, count=5))
    assert [alert.event_id for alert in recording.alerts] == ["f1"]
    assert [(fold.event_id, fold.count, fold.last_at) for fold in recording.folds] == [
        ("f1", 3, START + 3 * S),
        ("f9", 5, START + 4 * S),
    ]
    assert [draft.firing_id for draft in recording.drafts] == ["f1"]


@pytest.mark.parametrize(("kind", "state"), [("summary", "open"), ("resolved", "resolved")])
def test_summaries_and_resolves_speak_on_the_first_alert(kind: str, state: str) -> None:
    recording = recorded(
        firing(2, 1, kind=kind, state=state, count=4, payload=b"", event_ids=(), values={"count": 4, "folded": 3})
    )
    assert recording.alerts == []
    assert [(fold.event_id, fold.count, fold.resolved) for fold in recording.folds] == [("f1", 4, state == "resolved")]
    assert [(draft.alert_id, draft.kind) for draft in recording.drafts] == [("f1", kind)]


def test_a_storm_opens_an_alert_of_its_own_kind() -> None:
    recording = recorded(firing(1, kind="storm", key={}))
    assert [(alert.kind, alert.key) for alert in recording.alerts] == [("storm", {})]
    assert len(recording.drafts) == 1


@pytest.mark.parametrize(
    ("of_rule", "of_event", "expected"),
    [
        ("low", "critical", "low"),
        (None, "critical", "critical"),
        (None, "ERROR", "high"),
        (None, "loud", "medium"),
        (None, 7, "medium"),
        (None, None, "medium"),
    ],
)
def test_severity_is_the_rules_else_the_events_else_medium(of_rule: str | None, of_event: Json, expected: str) -> None:
    payload = msgspec.json.encode({"severity": of_event})
    assert recorded(firing(1, payload=payload), of=rule("r", severity=of_rule)).alerts[0].severity == expected


def test_a_resolve_is_as_severe_as_its_alert_not_as_the_event_that_ended_it() -> None:
    ended = firing(2, 1, kind="resolved", state="resolved", severity="critical", payload=b'{"severity": "low"}')
    notify = ActionSpec("notify", {"channels": ["ops"], "message": "{{ severity }}"})
    (draft,) = recorded(ended, of=rule("r", actions=(notify,))).drafts
    assert msgspec.json.decode(draft.request)["severity"] == "critical"


def test_a_template_that_fails_is_told_in_the_message_and_loses_nothing() -> None:
    recording = recorded(firing(1, payload=b'{"host": "a"}'))
    assert len(recording.alerts) == len(recording.drafts) == 1
    assert "'n'" in msgspec.json.decode(recording.drafts[0].request)["message"]


def test_a_fault_in_one_action_loses_neither_the_alert_nor_the_other_actions(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        raise ZeroDivisionError("a fault of the action")

    deployment = deployment_of(RULE)
    (working,) = deployment.plans["r"]
    deployment = replace(deployment, plans={"r": (broken, working)})
    metrics = Metrics()
    with caplog.at_level(logging.ERROR):
        recording = recording_of([Applied(1, [firing(1)], deployment)], START, metrics)
    assert len(recording.alerts) == len(recording.drafts) == 1
    assert "a fault of the action" in caplog.text
    assert 'cepd_action_plan_errors_total{rule="r"} 1.0' in metrics.render().decode()


def test_a_number_out_of_range_is_missing_and_the_rest_is_there() -> None:
    (alert,) = recorded(firing(1, payload=b'{"n": 1, "host": "a", "big": 1e999}')).alerts
    assert alert.payload == {"n": 1, "host": "a"}


def test_the_same_firings_owe_the_same_ids_at_every_replay() -> None:
    first, again = recorded(firing(1), firing(2)), recorded(firing(1), firing(2))
    assert [draft.id for draft in first.drafts] == [draft.id for draft in again.drafts]
    assert len({draft.id for draft in first.drafts}) == 2


def test_more_of_an_open_episode_raises_the_count_and_says_nothing() -> None:
    recording = recorded(firing(1), firing(2, 1, kind="continued", count=2), firing(3, 9, kind="continued", count=7))
    assert [alert.event_id for alert in recording.alerts] == ["f1"]
    assert [(fold.event_id, fold.count, fold.resolved) for fold in recording.folds] == [
        ("f1", 2, False),
        ("f9", 7, False),
    ]
    assert [draft.firing_id for draft in recording.drafts] == ["f1"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("cleared", "[resolved] r for host=a"),
        ("no_data", "no more data"),
        ("rule_removed", "gone"),
        ("rule_changed", None),
    ],
)
def test_a_resolve_is_told_unless_an_edit_of_the_rule_is_its_reason(reason: str, said: str | None) -> None:
    recording = recorded(firing(2, 1, kind="resolved", state="resolved", count=3, reason=reason, payload=b""))
    assert [(fold.event_id, fold.count, fold.resolved) for fold in recording.folds] == [("f1", 3, True)]
    assert recording.alerts == []
    told = [msgspec.json.decode(draft.request) for draft in recording.drafts]
    assert [one["type"] for one in told] == (["alert.resolved"] if said else [])
    assert [one["state"] for one in told] == (["resolved"] if said else [])
    assert all(said in one["message"] for one in told)


class Gated:
    """A store where each commit of alerts waits for a permit; it notes the rows that it was told are all recorded."""

    def __init__(self) -> None:
        self.permits = asyncio.Semaphore(0)
        self.told: set[int] = set()

    async def record(self, recording: Recording) -> None:
        if recording.alerts:
            await self.permits.acquire()
        else:
            self.told.add(recording.seq)


class Kept:
    """A store that keeps what it is told."""

    def __init__(self) -> None:
        self.recordings: list[Recording] = []

    async def record(self, recording: Recording) -> None:
        self.recordings.append(recording)


def test_others_have_their_turn_while_a_row_of_many_alerts_is_put_into_words() -> None:
    async def scenario() -> tuple[Kept, int]:
        store, turns = Kept(), 0
        recorder = Recorder(store, SystemClock(), Metrics(), recorded=lambda: None)
        fired = [firing(number) for number in range(500)] + [firing(number, 1, count=9) for number in range(500, 5_500)]
        await recorder.put(Applied(3, fired, deployment_of(RULE)))
        working = asyncio.create_task(recorder.run())
        while not store.recordings:
            turns += 1
            await asyncio.sleep(0)
        await recorder.drained()
        working.cancel()
        return store, turns

    store, turns = asyncio.run(scenario())
    (recording,) = store.recordings
    assert (recording.seq, len(recording.alerts), len(recording.drafts), len(recording.folds)) == (3, 500, 500, 1)
    assert 10 <= turns <= 20, "one for every fifty that open an alert; folds take no time"


def test_rows_are_recorded_in_order_and_each_can_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cepd.runtime.recorder.AT_ONCE", 1)

    async def scenario() -> None:
        store = Gated()
        recorder = Recorder(store, SystemClock(), Metrics(), recorded=lambda: None)
        await recorder.recorded(99)
        working = asyncio.create_task(recorder.run())
        for seq in (3, 5, 8):
            await recorder.put(Applied(seq, [firing(seq)], deployment_of(RULE)))
        waits = {seq: asyncio.create_task(recorder.recorded(seq)) for seq in (2, 3, 4, 5, 7, 8, 9)}
        for done in ({2}, {2, 3, 4}, {2, 3, 4, 5, 7}, {2, 3, 4, 5, 7, 8, 9}):
            for _ in range(50):
                await asyncio.sleep(0)
            assert {seq for seq, wait in waits.items() if wait.done()} == done
            assert store.told == {*done, 99}
            store.permits.release()
        working.cancel()

    asyncio.run(scenario())


def test_the_row_over_which_it_ends_is_told_and_those_before_it_are_recorded() -> None:
    class Picky(Kept):
        async def record(self, recording: Recording) -> None:
            if any(one.event_id == firing(5).id for one in recording.alerts):
                raise ValueError("not this one")
            await super().record(recording)

    async def scenario() -> tuple[list[int], list[int]]:
        store, blamed = Picky(), list[int]()
        recorder = Recorder(store, SystemClock(), Metrics(), recorded=lambda: None, blame=blamed.append)
        for seq in (3, 5, 8):
            await recorder.put(Applied(seq, [firing(seq)], deployment_of(RULE)))
        with pytest.raises(ValueError, match="not this one"):
            await recorder.run()
        return [one.seq for one in store.recordings], blamed

    assert asyncio.run(scenario()) == ([3], [5])
