"""What the engine remembers of a rule, over HTTP: from engines that saw events."""

from typing import Any

import pytest

from cepd.engine.engine import Engine
from cepd.engine.expressions import parse_expression
from cepd.engine.rows import Reset
from cepd.model.duration import HOUR, MINUTE
from cepd.model.generation import Definition
from cepd.model.rule import Aggregate, AnomalyTrigger, Resolve, Rule, Window
from cepd.web.services import Services
from tests.support.rows import START, line, program, rule, run, stream
from tests.support.web import ask, deployed, services

ANOMALY = rule(
    "spike", trigger=AnomalyTrigger("ms", "zscore", parameters={"min_baseline": 30}), group_by=("host", "u.id")
)
WINDOWED = rule(
    "busy",
    when="cpu > 10 and zone != 'test'",
    group_by=("host",),
    window=Window("tumbling", size=MINUTE),
    aggregate={"n": Aggregate("count")},
    having=parse_expression("n > 1"),
    resolve=Resolve(),
)


def knowing(the_rule: Rule, *events: tuple[float, bytes], **changes: Any) -> Services:
    """Services over an engine that saw the events, and that takes resets at once."""
    of = program(the_rule)
    engine = Engine(of)
    run(engine, stream(of, *events))

    async def reset(rule_id: str, key: str) -> None:
        engine.apply(Reset(START + HOUR, rule_id, key))

    definition = Definition(rule=the_rule, document={}, pack="p", file="p.yaml", line=1)
    known = {"standing": engine.standing, "baselines": engine.baselines, "reset": reset, **changes}
    return services(deployment=lambda: deployed(definition), **known)


def samples(count: int) -> list[tuple[float, bytes]]:
    """One value a second of a host: 10 and 11 by turns."""
    return [(at, line(at, host="a", u={"id": 7.0}, ms=10 + at % 2)) for at in range(count)]


def test_a_rule_shows_what_it_holds_and_what_it_never_saw() -> None:
    events = [(at, line(at, host=host, cpu=50)) for at, host in enumerate("aab")]
    later = [(at + 63, line(at + 63, host="c", cpu=5)) for at in range(10)]
    found = ask(knowing(WINDOWED, *events, *later), "GET", "/cep/rules/busy/status").json()
    assert (found["rule_id"], found["active"], found["reason"]) == ("busy", True, None)
    standing = found["standing"]
    assert standing["never_seen"] == ["zone"]
    assert standing["stats"]["matched"] == 0, "zone is missing, so the condition holds for no event"
    assert (standing["keys"], standing["open_windows"], standing["last_firing"]) == (0, 0, None)


def test_a_rule_shows_its_open_windows_and_episodes_and_when_it_fired() -> None:
    both = [(at, line(at, host=host, cpu=50, zone="eu")) for at, host in enumerate("aab")]
    later = [(66, line(66, host="c", cpu=50, zone="eu"))]
    standing = ask(knowing(WINDOWED, *both, *later), "GET", "/cep/rules/busy/status").json()["standing"]
    assert standing["never_seen"] == []
    assert standing["last_firing"] == "2026-01-01T00:01:00Z", "the end of the window in which a had two events"
    assert (standing["open_episodes"], standing["holds"], standing["suppressed_keys"]) == (1, 0, 0)
    assert standing["stats"]["fired"] == 1
    assert standing["open_windows"] == 1, "the one that c is in"


def test_a_rule_that_does_not_run_has_no_standing() -> None:
    off = Definition(rule=ANOMALY, document={}, pack="p", file="p.yaml", line=1, active=False, reason="disabled")
    idle = services(deployment=lambda: deployed(off))
    assert ask(idle, "GET", "/cep/rules/spike/status").json() == {
        "rule_id": "spike",
        "active": False,
        "reason": "disabled",
        "disabled": None,
        "standing": None,
    }
    assert ask(idle, "GET", "/cep/rules/spike/anomaly-status").json()["baselines"] == []


@pytest.mark.parametrize(("count", "status"), [(29, "warming_up"), (31, "ready")])
def test_a_baseline_shows_how_it_stands(count: int, status: str) -> None:
    found = ask(knowing(ANOMALY, *samples(count)), "GET", "/cep/rules/spike/anomaly-status").json()
    assert (found["method"], found["value"], found["keys"]) == ("zscore", "ms", 1)
    (baseline,) = found["baselines"]
    assert baseline["key"] == {"host": "a", "u.id": 7}
    assert (baseline["status"], baseline["samples"], baseline["needed"]) == (status, count, 30)
    assert (baseline["since"], baseline["last_value"]) == ("2026-01-01T00:00:00Z", 10.0)
    assert (baseline["expected"] is None) == (status == "warming_up")


def test_the_keys_are_counted_where_not_all_are_shown() -> None:
    events = [(at, line(at, host=f"h{at}", ms=1)) for at in range(5)]
    found = ask(knowing(ANOMALY, *events), "GET", "/cep/rules/spike/anomaly-status?limit=2").json()
    assert (found["keys"], [one["key"]["host"] for one in found["baselines"]]) == (5, ["h0", "h1"])
    assert ask(knowing(ANOMALY), "GET", "/cep/rules/spike/anomaly-status?limit=1001").status_code == 400


def test_a_reset_names_the_key_as_the_engine_does() -> None:
    asked: list[tuple[str, str]] = []

    async def reset(rule_id: str, key: str) -> None:
        asked.append((rule_id, key))

    given = knowing(ANOMALY, reset=reset)
    body = {"key": {"u.id": 7.0, "host": "a"}}
    answer = ask(given, "POST", "/cep/rules/spike/anomaly-status/reset", json=body)
    assert (answer.status_code, answer.json()) == (202, {"rule_id": "spike", **body})
    assert asked == [("spike", '["a",7]')], "the order is that of group_by"


def test_a_reset_forgets_the_key_as_it_is_shown() -> None:
    name = "host-" + "x" * 300
    given = knowing(ANOMALY, *samples(3), (4, line(4, host=name, u={"id": None}, ms=1)))
    shown = ask(given, "GET", "/cep/rules/spike/anomaly-status").json()["baselines"]
    assert [one["key"]["host"][:7] for one in shown] == ["a", "sha256:"], "a long text is a digest"
    for one in shown:
        assert ask(given, "POST", "/cep/rules/spike/anomaly-status/reset", json={"key": one["key"]}).status_code == 202
    assert ask(given, "GET", "/cep/rules/spike/anomaly-status").json()["baselines"] == []


@pytest.mark.parametrize("key", [{"host": "a"}, {"host": "a", "u.id": 7, "x": 1}, {"host": ["a"], "u.id": 7}, {}, None])
def test_a_key_that_is_none_is_refused(key: object) -> None:
    answer = ask(knowing(ANOMALY), "POST", "/cep/rules/spike/anomaly-status/reset", json={"key": key})
    assert answer.status_code == 400


def test_other_rules_have_no_baseline() -> None:
    for method, path in (("GET", "anomaly-status"), ("POST", "anomaly-status/reset")):
        answer = ask(knowing(WINDOWED), method, f"/cep/rules/busy/{path}")
        assert answer.status_code == 404
        assert "trigger anomaly" in answer.json()["help"]
    assert ask(knowing(WINDOWED), "GET", "/cep/rules/bussy/status").json()["help"] == "did you mean 'busy'?"
