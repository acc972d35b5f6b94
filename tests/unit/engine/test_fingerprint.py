"""Which edits change State, which Episode, which neither: a table of edits, and forms of equal meaning."""

import hashlib

import msgspec
import pytest

from cepd.engine.expressions import parse_expression
from cepd.engine.fingerprint import episode_fingerprint, state_fingerprint
from cepd.model.condition import All, AnyOf, Field, Literally, Test
from cepd.model.duration import HOUR, MINUTE, SECOND
from cepd.model.rule import (
    AbsenceTrigger,
    ActionSpec,
    Aggregate,
    AnomalyTrigger,
    Enrichment,
    EventTrigger,
    MetricTrigger,
    NewValueTrigger,
    Resolve,
    Rule,
    ScheduleTrigger,
    SequenceTrigger,
    Step,
    Suppress,
    Window,
)
from tests.support.rows import rule

BASE = rule(
    when="cpu > 50",
    trigger=EventTrigger(("b", "a"), ("web",)),
    group_by=("host",),
    window=Window("sliding", size=HOUR, slide=MINUTE),
    aggregate={"avg_cpu": Aggregate("avg", "cpu"), "n": Aggregate("count")},
    having=parse_expression("avg_cpu > 80"),
    enrich=(Enrichment("lookup", {"source": "assets"}),),
)
METRIC = rule(trigger=MetricTrigger("cpu", ">", 90, ("a",)))
ANOMALY = rule(trigger=AnomalyTrigger("ms", "ema", parameters={"alpha": 0.3, "threshold": 6, "sensitivity": "low"}))
SEQUENCE = rule(trigger=SequenceTrigger(HOUR, (Step("x", event_type=("a",)), Step("y", when=BASE.when))))
ABSENCE = rule(trigger=AbsenceTrigger(HOUR, ("a",)))
NEW = rule(trigger=NewValueTrigger("user"))
CRON = rule(trigger=ScheduleTrigger("* * * * *"))


def edited(base: Rule, **fields: object) -> Rule:
    return msgspec.structs.replace(base, **fields)


def triggered(base: Rule, **fields: object) -> Rule:
    return edited(base, trigger=msgspec.structs.replace(base.trigger, **fields))


def windowed(**fields: object) -> Rule:
    return edited(BASE, window=msgspec.structs.replace(BASE.window, **fields))


IN_STATE = [
    triggered(BASE, event_type=("a",)),
    triggered(BASE, event_type=None),
    triggered(BASE, source=None),
    edited(BASE, trigger=MetricTrigger(None, None, None, ("b", "a"), ("web",))),
    edited(BASE, time="arrival"),
    edited(BASE, when=parse_expression("cpu > 51")),
    edited(BASE, when=None),
    edited(BASE, group_by=("host", "zone")),
    edited(BASE, group_by=()),
    edited(BASE, enrich=()),
    windowed(size=2 * HOUR),
    windowed(slide=2 * MINUTE),
    windowed(type="tumbling"),
    windowed(emit="eager"),
    windowed(timezone="Asia/Seoul"),
    windowed(align="calendar"),
    windowed(timeout=MINUTE),
    triggered(ANOMALY, parameters={"alpha": 0.3, "window": 500}),
    triggered(ANOMALY, parameters={"alpha": 0.3, "season": HOUR}),
    triggered(ABSENCE, source=("web",)),
    triggered(CRON, timezone="Asia/Seoul"),
    edited(BASE, window=None),
    edited(BASE, aggregate={"avg_cpu": Aggregate("avg", "load"), "n": Aggregate("count")}),
    edited(BASE, aggregate={"avg_cpu": Aggregate("max", "cpu"), "n": Aggregate("count")}),
    triggered(METRIC, metric="load"),
    triggered(METRIC, poll={"url": "https://example.com"}),
    triggered(ANOMALY, value="s"),
    triggered(ANOMALY, method="zscore"),
    triggered(ANOMALY, parameters={"alpha": 0.2}),
    triggered(SEQUENCE, within=MINUTE),
    triggered(SEQUENCE, order="any"),
    triggered(SEQUENCE, runs="all"),
    triggered(SEQUENCE, steps=(Step("x", event_type=("a",)),)),
    triggered(ABSENCE, timeout=MINUTE),
    triggered(NEW, field="ip"),
    triggered(CRON, cron="5 * * * *"),
]
IN_EPISODE = [
    edited(BASE, having=parse_expression("avg_cpu > 81")),
    edited(BASE, having=None),
    edited(BASE, hold=MINUTE),
    edited(BASE, resolve=Resolve()),
    triggered(METRIC, threshold=91),
    triggered(METRIC, op=">="),
]
IN_NEITHER = [
    edited(
        BASE,
        id="other",
        name="n",
        description="d",
        severity="critical",
        priority="P1",
        owner="o",
        runbook="r",
        tags=("t",),
        actions=(ActionSpec("webhook", {}),),
        suppress=Suppress(HOUR),
        concurrency="skip",
        timeout=SECOND,
        max_keys=5,
        max_alerts=5,
        carries=("zone",),
    ),
    triggered(ANOMALY, parameters={"alpha": 0.3, "threshold": 7, "direction": "up", "cooldown": HOUR, "min_change": 1}),
    triggered(SEQUENCE, max_runs=5),
    triggered(ABSENCE, forget=HOUR),
    triggered(NEW, ttl=HOUR, learn=MINUTE),
    triggered(CRON, jitter=SECOND, catchup="none", overlap="queue"),
]
BASES = {type(base.trigger): base for base in (METRIC, ANOMALY, SEQUENCE, ABSENCE, NEW, CRON, BASE)}


def base_of(edit: Rule) -> Rule:
    return METRIC if edit.trigger.__class__ is MetricTrigger and edit.window is None else BASES[type(edit.trigger)]


@pytest.mark.parametrize("edit", IN_STATE)
def test_edits_of_what_is_remembered_change_both(edit: Rule) -> None:
    base = BASE if edit.window is not None else base_of(edit)
    assert state_fingerprint(edit) != state_fingerprint(base)
    assert episode_fingerprint(edit) != episode_fingerprint(base)


@pytest.mark.parametrize("edit", IN_EPISODE)
def test_edits_of_the_verdict_change_the_episode_alone(edit: Rule) -> None:
    assert state_fingerprint(edit) == state_fingerprint(base_of(edit))
    assert episode_fingerprint(edit) != episode_fingerprint(base_of(edit))


@pytest.mark.parametrize("edit", IN_NEITHER)
def test_other_edits_change_nothing(edit: Rule) -> None:
    assert edit != base_of(edit)
    assert state_fingerprint(edit) == state_fingerprint(base_of(edit))
    assert episode_fingerprint(edit) == episode_fingerprint(base_of(edit))


def test_equal_meaning_gives_equal_fingerprints() -> None:
    a, b, c = (Test("==", Field(name), Literally(1)) for name in "abc")
    same = [
        (BASE, triggered(BASE, event_type=("a", "b", "a"))),
        (rule(when="cpu > 50"), rule(when="cpu > 50.0")),
        (triggered(METRIC, threshold=90), triggered(METRIC, threshold=90.0)),
        (edited(METRIC, when=All((a, b, c))), edited(METRIC, when=All((All((a, All((b,)))), c)))),
        (edited(METRIC, when=a), edited(METRIC, when=AnyOf((All((a,)),)))),
        (rule(group_by=("a",), description="x"), rule(group_by=("a",))),
    ]
    for one, other in same:
        assert state_fingerprint(one) == state_fingerprint(other)
        assert episode_fingerprint(one) == episode_fingerprint(other)


def test_other_meaning_gives_other_fingerprints() -> None:
    a, b, c = (Test("==", Field(name), Literally(1)) for name in "abc")
    conditions = [All((a, b, c)), AnyOf((a, b, c)), All((a, AnyOf((b, c)))), All((b, a, c)), a]
    conditions += [Test("==", Field("a"), Literally(value)) for value in (True, "1", None, [1])]
    assert len({state_fingerprint(edited(METRIC, when=condition)) for condition in conditions}) == len(conditions)


def test_renaming_an_aggregate_keeps_state_and_what_its_name_means_to_having_is_of_the_episode() -> None:
    aggregates = {"avg_cpu": Aggregate("count"), "n": Aggregate("avg", "cpu")}
    assert state_fingerprint(edited(BASE, aggregate=aggregates)) == state_fingerprint(BASE)
    assert episode_fingerprint(edited(BASE, aggregate=aggregates)) != episode_fingerprint(BASE)


def test_fingerprints_are_stable_over_releases() -> None:
    """Ids of firings stand in stores and on pagers: a change here makes every open alert a new one."""
    canonical = (
        '{"aggregate":[],"enrich":[],"group_by":["host"],"time":"event","trigger.event_type":null,'
        '"trigger.source":null,"trigger.type":"event","when":{"ignore_case":false,"left":{"path":"cpu","type":"field"},'
        '"op":">","right":{"type":"literal","value":50},"type":"test"},"window":null}'
    )
    expected = hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
    assert state_fingerprint(rule(when="cpu > 50", group_by=("host",))) == expected
