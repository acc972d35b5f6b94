"""What the fields of a rule mean, by hand."""

from cepd.model.condition import Field, Literally, Test
from cepd.model.duration import DAY, HOUR, MINUTE, SECOND
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
from tests.support.trees import loaded


def rule(body: str, owner: str = "") -> Rule:
    action = "" if "actions:" in body else "    actions: [{endpoint: 'https://a.example.com'}]\n"
    text = f"kind: RulePack\nname: p\n{owner}rules:\n  - id: a\n{body}{action}"
    generation = loaded(p=text)
    errors = [problem for problem in generation.problems if problem.severity == "error"]
    assert errors == []
    return generation.definitions[0].rule


def trigger(flow: str) -> object:
    return rule(f"    trigger: {flow}\n    when: x > 1\n").trigger


def test_the_least_rule_has_every_default() -> None:
    assert rule("    trigger: {type: event}\n") == Rule(
        id="a",
        name="a",
        trigger=EventTrigger(),
        actions=(ActionSpec(type="webhook", options={"endpoint": "https://a.example.com"}),),
    )


def test_a_rule_with_everything() -> None:
    assert rule(
        """    name: CPU
    description: busy
    severity: warning
    priority: P1
    backup_owner: sre@example.com
    runbook: https://wiki.example.com
    rollback: restart
    tags: [cpu]
    enabled: false
    trigger: {type: event, event_type: [b, a], source: agent}
    enrich: [{type: lookup, source: assets, key: host, output: asset, ttl: 5m}]
    when: cpu > 85
    time: arrival
    group_by: host, dc
    window: {type: sliding, size: 5m, slide: 1m, emit: eager}
    aggregate: {p95: {fn: percentile, field: ms, p: 95}, n: {fn: count}}
    having: [{field: n, op: ">=", value: 3}]
    for: 1h30m
    resolve: {after: 15m}
    suppress: {window: 1h, summary: false}
    concurrency: skip
    timeout: 250ms
    max_keys: 10
    max_alerts: 5
    actions:
      - {type: notify, channels: [], message: "{{ host }}"}
""".replace("channels: []", "channels: [hook]")
        + "---\nkind: Channel\nname: hook\ntype: webhook\nurl: https://a.example.com\n",
        owner="owner: ops@example.com\n",
    ) == Rule(
        id="a",
        name="CPU",
        description="busy",
        severity="medium",
        priority="P1",
        owner="ops@example.com",
        backup_owner="sre@example.com",
        runbook="https://wiki.example.com",
        rollback="restart",
        tags=("cpu",),
        enabled=False,
        trigger=EventTrigger(event_type=("b", "a"), source=("agent",)),
        enrich=(
            Enrichment(type="lookup", options={"source": "assets", "key": "host", "output": "asset", "ttl": "5m"}),
        ),
        when=Test(">", Field("cpu"), Literally(85)),
        time="arrival",
        group_by=("host", "dc"),
        window=Window(type="sliding", size=5 * MINUTE, slide=MINUTE, emit="eager"),
        aggregate={"p95": Aggregate(fn="percentile", field="ms", p=95), "n": Aggregate(fn="count")},
        having=Test(">=", Field("n"), Literally(3)),
        hold=90 * MINUTE,
        resolve=Resolve(after=15 * MINUTE),
        suppress=Suppress(window=HOUR, summary=False),
        concurrency="skip",
        timeout=SECOND // 4,
        max_keys=10,
        max_alerts=5,
        actions=(ActionSpec(type="notify", options={"channels": ["hook"], "message": "{{ host }}"}),),
    )


def test_short_forms() -> None:
    short = rule(
        "    trigger: {type: event, event_type: []}\n    suppress: 1h\n    resolve: true\n    severity: error\n"
    )
    assert short.trigger == EventTrigger(event_type=())
    assert short.suppress == Suppress(window=HOUR)
    assert short.resolve == Resolve()
    assert short.severity == "high"
    assert rule("    trigger: {type: event}\n    resolve: false\n").resolve is None


def test_every_trigger() -> None:
    assert trigger("{type: metric, metric: a.b, op: '<', threshold: 1.5, event_type: m}") == MetricTrigger(
        metric="a.b", op="<", threshold=1.5, event_type=("m",)
    )
    assert trigger("{type: metric, poll: {url: 'https://m.example.com', every: 30s}}") == MetricTrigger(
        poll={"url": "https://m.example.com", "every": 30 * SECOND}
    )
    assert trigger("{type: schedule, cron: '0 9 * * 1', timezone: Asia/Seoul, jitter: 5s}") == ScheduleTrigger(
        cron="0 9 * * 1", timezone="Asia/Seoul", jitter=5 * SECOND
    )
    assert trigger("{type: anomaly, value: ms, method: zscore, threshold: 3, cooldown: 1h}") == AnomalyTrigger(
        value="ms", method="zscore", parameters={"threshold": 3, "cooldown": HOUR}
    )
    assert trigger("{type: absence, event_type: beat, timeout: 5m}") == AbsenceTrigger(
        timeout=5 * MINUTE, event_type=("beat",), forget=DAY
    )
    assert trigger("{type: new_value, field: user.country, learn: 1d}") == NewValueTrigger(
        field="user.country", learn=DAY
    )


def test_the_steps_of_a_sequence() -> None:
    first = "{id: fail, event_type: f, count: 5}, {not: {event_type: r}}"
    steps = f"[{first}, {{when: user == fail.user}}, {{absent: {{event_type: o}}}}]"
    assert trigger(f"{{type: sequence, within: 10m, runs: all, steps: {steps}}}") == SequenceTrigger(
        within=10 * MINUTE,
        runs="all",
        steps=(
            Step(id="fail", event_type=("f",), count=5),
            Step(role="not", event_type=("r",)),
            Step(when=Test("==", Field("user"), Field("fail.user"))),
            Step(role="absent", event_type=("o",)),
        ),
    )
