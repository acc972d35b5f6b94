"""Rule tests from text to struct: every word of a step and of an expectation, times made absolute."""

import pytest

from cepd.model.duration import MINUTE, SECOND
from cepd.model.instant import read_instant
from cepd.model.ruletest import Case, EventStep, Expectation, ReloadStep, RestartStep, RuleTest, TickStep
from tests.support.trees import codes, loaded

PACK = """kind: RulePack
name: p
rules:
  - {id: a, trigger: {type: event}, group_by: [host], actions: [{endpoint: "https://a.example.com"}]}
"""
VERSION = PACK.replace("name: p", "name: q").replace("event}", "event, event_type: x}")
HEAD = "kind: RuleTest\nrules: [a]\ncases:\n"
START = 1_767_225_600 * SECOND


def built(**files: str) -> RuleTest:
    generation = loaded(pack=PACK, **files)
    assert codes(generation) == []
    (test,) = generation.tests
    return test


def test_every_word_of_a_step() -> None:
    case = """  - name: all
    events:
      - {at: 1s, event: x, host: h, fields: {at: 5}, repeat: 3, every: 10s, late: 2s, input: kafka}
      - {at: 1m, event: null, each: {n: [1, 2]}, time: 2m}
      - {at: 3s, tick: true}
      - {at: 4s, restart: true}
      - {at: 5s, restart: 5m}
      - {at: 6s, reload: ../v/new.reload.yaml}
    until: 1h
    expect: []
"""
    test = built(t__some=HEAD + case, **{"v__new.reload": VERSION})
    assert test == RuleTest(
        file="t/some.yaml",
        rules=("a",),
        start=START,
        cases=(
            Case(
                name="all",
                line=4,
                steps=(
                    EventStep(
                        clock=START + SECOND,
                        fields={"type": "x", "host": "h", "at": 5},
                        each={},
                        count=3,
                        every=10 * SECOND,
                        lag=2 * SECOND,
                        input="kafka",
                    ),
                    EventStep(clock=START + MINUTE, fields={}, each={"n": (1, 2)}, count=2, lag=-MINUTE, input="test"),
                    TickStep(clock=START + 3 * SECOND),
                    RestartStep(clock=START + 4 * SECOND),
                    RestartStep(clock=START + 5 * SECOND, downtime=5 * MINUTE),
                    ReloadStep(clock=START + 6 * SECOND, file="v/new.reload.yaml"),
                ),
                until=START + 60 * MINUTE,
                expect=(),
                exact=True,
            ),
        ),
    )


def test_every_word_of_an_expectation() -> None:
    case = """  - name: all
    events: []
    expect:
      - {}
      - {rule: a, kind: summary, times: 0, at: 2027-01-01T01:00:00+01:00, clock: 5s, key: {host: 1}, values: {v: null}}
      - {between: [1s, 2s], window: [0s, 2027-01-01T00:00:00Z], event_ids: [e], reason: suppress, actions: []}
    extra: allow
"""
    (found,) = built(t=HEAD.replace("cases", "start: 2027-01-01T00:00:00Z\ncases") + case).cases
    start = read_instant("2027-01-01T00:00:00Z")
    assert start is not None
    assert not found.exact
    assert found.until is None
    assert found.expect == (
        Expectation(rule="a"),
        Expectation(
            rule="a",
            kind="summary",
            times=0,
            time=(start, start),
            clock=start + 5 * SECOND,
            key={"host": 1},
            values={"v": None},
        ),
        Expectation(
            rule="a",
            time=(start + SECOND, start + 2 * SECOND),
            window=(start, start),
            event_ids=("e",),
            reason="suppress",
            actions=(),
        ),
    )


def test_a_version_is_checked_and_never_runs() -> None:
    generation = loaded(pack=PACK, **{"new.reload": VERSION})
    assert codes(generation) == []
    assert [found.rule.trigger.event_type for found in generation.definitions] == [None]
    assert [found.rule.trigger.event_type for found in generation.versions["new.reload.yaml"]] == [("x",)]
    broken = loaded(pack=PACK, **{"new.reload": VERSION.replace("endpoint", "endpiont")})
    assert codes(broken) == ["CEP101"]
    assert broken.versions["new.reload.yaml"] == ()


def test_names_within_a_version_are_unique_and_lead_somewhere() -> None:
    twice = VERSION + PACK[PACK.index("  - {id") :]
    assert codes(loaded(pack=PACK, **{"new.reload": twice})) == ["CEP201"]
    chained = VERSION.replace('{endpoint: "https://a.example.com"}', "{type: trigger_rule, rule_id: b}")
    assert "CEP205" in codes(loaded(pack=PACK, **{"new.reload": chained}))


def test_a_rule_of_the_tree_does_not_see_those_of_versions() -> None:
    calls = PACK.replace('{endpoint: "https://a.example.com"}', "{type: trigger_rule, rule_id: b}")
    assert "CEP205" in codes(loaded(pack=calls, **{"new.reload": VERSION.replace("id: a", "id: b")}))


def test_a_test_with_an_error_is_not_built() -> None:
    case = "  - {name: x, events: [{at: 0s}], expect: []}\n"
    generation = loaded(pack=PACK, t=HEAD + case)
    assert codes(generation) == ["CEP140"]
    assert generation.tests == ()


def test_nothing_of_a_test_that_is_no_test_at_all_is_lost_on_the_way() -> None:
    for text in (
        "kind: RuleTest\nrules: 5\ncases: [1, {}, {events: 3, expect: {}}]\n",
        "kind: RuleTest\nrules: [a]\ncases: [{name: 1, events: [[], {at: 1s, event: x, each: {n: 3}}], expect: [x]}]\n",
        HEAD + "  - {name: a, events: [{at: 1s, event: x, repeat: x, fields: 3}], expect: []}\n",
    ):
        generation = loaded(pack=PACK, t=text)
        assert generation.tests == ()
        assert generation.problems


def test_what_is_known_is_said_as_it_is_written() -> None:
    case = "  - {name: a, events: [{at: 0s, tick: false}], expect: []}\n"
    (problem,) = loaded(pack=PACK, t=HEAD + case).problems
    assert (problem.code, problem.help) == ("CEP103", "known are true")


WINDOWED = PACK.replace("actions", "window: {type: tumbling, size: 5m}, aggregate: {n: {fn: count}}, actions")


@pytest.mark.parametrize(
    ("expectation", "found"),
    [
        ("{times: 0, key: {hst: a}}", ["CEP142"]),
        ("{times: 0, key: {}}", ["CEP142"]),
        ("{times: 0, kind: resolved, key: {host: a, x: 1}}", ["CEP142"]),
        ("{times: 0, values: {m: 3}}", ["CEP142"]),
        ("{key: {host: a}, values: {n: 3, n_approximate: true, m: null}}", []),
        ("{kind: storm, key: {}, values: {count: 3}}", []),
        ("{kind: summary, key: {host: a}, values: {folded: 3}}", []),
    ],
)
def test_expectations_that_nothing_meets_are_told(expectation: str, found: list[str]) -> None:
    case = f"  - {{name: a, events: [], expect: [{expectation}]}}\n"
    assert codes(loaded(pack=WINDOWED, t=HEAD + case)) == found


def test_a_reloaded_version_may_have_another_key() -> None:
    case = "  - {name: a, events: [{at: 0s, reload: new.reload.yaml}], expect: [{key: {user: u}}]}\n"
    version = {"new.reload": VERSION.replace("host", "user")}
    assert codes(loaded(pack=PACK, t=HEAD + case, **version)) == []
    assert codes(loaded(pack=PACK, t=HEAD + case, **{"new.reload": VERSION})) == ["CEP142"]


@pytest.mark.parametrize("word", ["repat", "Repeat", "evry", "restrt", "ticks"])
def test_a_field_that_is_nearly_a_word_is_told_unless_it_stands_in_fields(word: str) -> None:
    case = "  - {name: a, events: [{at: 0s, event: x, %s}], expect: []}\n"
    assert codes(loaded(pack=PACK, t=HEAD + case % f"{word}: 3")) == ["CEP143"]
    assert codes(loaded(pack=PACK, t=HEAD + case % f"fields: {{{word}: 3}}")) == []


def test_ordinary_fields_are_not() -> None:
    fields = "host: a, rate: 1, latency: 2, state: s, status: 3, user: u, email: e, ms: 4, ts: 5"
    case = f"  - {{name: a, events: [{{at: 0s, event: x, {fields}}}], expect: []}}\n"
    assert codes(loaded(pack=PACK, t=HEAD + case)) == []
