"""What fits together and what does not, at the edges: the broken corpus shows where a finding stands."""

import pytest

from tests.support.trees import codes, loaded

SEQUENCE = "trigger: {type: sequence, within: 1m, steps: [{event_type: a}, {event_type: b}]}"
ABSENCE = "trigger: {type: absence, event_type: a, timeout: 5m}"
NEW = "trigger: {type: new_value, field: user}"
ANOMALY = "trigger: {type: anomaly, value: ms%s}"
EVENT = "trigger: {type: event}"
WINDOW = (
    EVENT + "\nwindow: {type: tumbling, size: 5m}\naggregate: {n: {fn: count}, p: {fn: percentile, field: ms, p: %s}}"
)
KEYED = EVENT + "\ngroup_by: %s"
SIZED = EVENT + "\nwindow: {type: tumbling, size: %s, align: calendar, timezone: Asia/Seoul}"
SLIDING = EVENT + "\nwindow: {type: sliding, size: 5m, slide: %s}"


def found(body: str) -> list[str]:
    """The codes of a rule with these fields."""
    fields = "".join(f"    {line}\n" for line in body.split("\n"))
    action = "    actions: [{endpoint: 'https://a.example.com'}]\n"
    return codes(loaded(p=f"kind: RulePack\nname: p\nrules:\n  - id: a\n{fields}{action}"))


@pytest.mark.parametrize(
    "body",
    [
        SLIDING % "5m",
        SLIDING % "1s",
        SLIDING % "15ms",
        SEQUENCE.replace("1m", "1m, runs: all, max_runs: 3"),
        SEQUENCE.replace("{event_type: b}", "{id: b, when: x == 1 and b > 2}"),
        SEQUENCE.replace("{event_type: a}", "{when: x == b.x}")
        .replace("{event_type: b}", "{id: b}")
        .replace("1m", "1m, order: any"),
        EVENT + "\nfor: 5m\nresolve: {after: 15m}",
        WINDOW % "50" + "\nresolve: true",
        WINDOW % "0.1",
        WINDOW % "100",
        *(SIZED % size for size in ("1h", "12h", "1d", "24h", "7d", "1w")),
        EVENT + "\nwindow: {type: session, timeout: 1us}",
        KEYED % "[a-b, request.user, 서버, http status]",
        KEYED % "'host, use of memory'",
        ABSENCE + "\nresolve: true",
        ABSENCE.replace("5m", "23h59m59s"),
        ABSENCE.replace("5m", "5m, forget: 5m1us"),
        ABSENCE.replace("5m", "2d, forget: 3d"),
        SEQUENCE + "\nresolve: {after: 15m}",
        NEW + "\nresolve: {after: 15m}",
        NEW.replace("user", "user, learn: 0s"),
        EVENT + "\nwhen: cpu > 1\nfor: 5m\nresolve: true",
        ANOMALY % "" + "\nfor: 5m\nresolve: true",
        ANOMALY % ", cooldown: 0s, min_baseline: 100, direction: up, consecutive: 2, min_change: 3",
        ANOMALY % ", sensitivity: high, season: 7d",
        ANOMALY % ", method: zscore, window: 300, threshold: 3",
        ANOMALY % ", method: iqr, window: 3, multiplier: 1.5",
        ANOMALY % ", method: ema, alpha: 1, threshold: 3",
        *(ANOMALY % f", method: {name}, threshold: 3" for name in ("level_shift", "extreme", "seasonal", "volatility")),
    ],
)
def test_what_fits_together_is_not_told(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (SLIDING % "5m1us", "CEP122"),
        (SLIDING % "0s", "CEP107"),
        (SLIDING.replace("5m", "20001ms") % "1ms", "CEP122"),
        (SEQUENCE.replace("1m", "1m, max_runs: 3"), "CEP126"),
        (SEQUENCE.replace("1m", "1m, runs: one, max_runs: 3"), "CEP126"),
        *((SEQUENCE.replace("{event_type: a}", f"{{id: {name}}}"), "CEP136") for name in ("key", "alert", "or")),
        *((WINDOW.replace("p:", f"{name}:", 1) % "50", "CEP136") for name in ("rule", "values", "not")),
        (SEQUENCE.replace("{event_type: b}", "{id: b, when: b.x == 1}"), "CEP324"),
        (EVENT + "\nfor: 5m\nresolve: true", "CEP325"),
        (WINDOW % "100.1", "CEP106"),
        (WINDOW % "-1", "CEP106"),
        *((SIZED % size, "CEP122") for size in ("30m", "5h", "23h", "2d", "30d", "1h1us")),
        (KEYED % "[cpu + 1]", "CEP105"),
        (KEYED % "[a == b]", "CEP105"),
        (KEYED % "[true]", "CEP102"),
        (KEYED % "'host, host'", "CEP105"),
        (ABSENCE.replace("5m", "1d"), "CEP135"),
        (ABSENCE.replace("5m", "5m, forget: 4m"), "CEP135"),
        (ABSENCE + "\nhaving: n > 1", "CEP133"),
        (SEQUENCE + "\naggregate: {n: {fn: count}}\nhaving: n > 1", "CEP133"),
        (EVENT + "\naggregate: {n: {fn: count}}", "CEP123"),
        *((ANOMALY % f", method: {name}, window: 1000", "CEP134") for name in ("ema", "extreme", "auto")),
        (ANOMALY % ", method: iqr, threshold: 3", "CEP134"),
        (ANOMALY % ", threshold: 3", "CEP134"),
        (ANOMALY % ", method: ema, alpha: 0", "CEP106"),
        (ANOMALY % ", min_baseline: 29", "CEP106"),
        (ANOMALY % ", min_baseline: 30", "CEP323"),
        (ANOMALY % ", method: zscore, window: 299", "CEP323"),
        (SEQUENCE.replace("1m", "0s"), "CEP107"),
        (NEW.replace("user", "user, ttl: 0s"), "CEP107"),
    ],
)
def test_what_does_not_is_told_once(body: str, code: str) -> None:
    assert found(body) == [code]


@pytest.mark.parametrize("kind", ["[event]", "{a: 1}", "5", "null", "~"])
def test_a_trigger_without_a_type_in_words_is_no_reason_for_more(kind: str) -> None:
    body = f"trigger: {{type: {kind}, timeout: 0s}}\nfor: 5m\nresolve: true\nwindow: {{type: tumbling, size: 5m}}"
    assert all(code in ("CEP102", "CEP103") for code in found(body))
