"""Rule tests through the real engine: what passes, what a broken rule gives away, and what is no fault of the rule."""

import pytest
from msgspec import structs

from cepd.engine.panes import PaneUnit
from cepd.runtime.ruletest import CaseResult, run_case
from cepd.runtime.timeline import render_failure
from tests.support.ruletests import PACK, TEST, case_of, results
from tests.support.trees import loaded


def only(found: list[CaseResult]) -> CaseResult:
    (result,) = found
    return result


def test_a_sound_rule_passes() -> None:
    assert only(results()).passed


@pytest.mark.parametrize(
    ("sound", "broken", "shown"),
    [
        ("attempts >= 3", "attempts > 3", "false  attempts > 3  (attempts is 3)"),
        ("attempts >= 3", "attempts <= 3", "true   attempts <= 3  (attempts is 2)"),
        ("attempts >= 3", "attempts >= 2", "true   attempts >= 2  (attempts is 2)"),
        ("failures > 1", "failures > 2", "false  failures > 2  (failures is 2)"),
        ("failures > 1", "failures > 0", "true   failures > 0  (failures is 1)"),
        ("size: 1m", "size: 2m", "differs in at, window"),
        ("type: tumbling, size: 1m", "type: session, timeout: 1m", "window [0s, 59s]"),
        ("group_by: [user]", "group_by: [attempts]", 'key {"attempts": 3}'),
        ("fn: count", "fn: sum, field: attempts", 'values {"failures": 6}'),
        ("event_type: auth.failed", "event_type: auth.ok", "it does not listen to events of type 'auth.failed'"),
        ("when: attempts", "when: atempts", "login-burst: no event had the field atempts"),
        ("- {type: notify, channels: [ops]}\n", "\n", "differs in actions"),
        ("channels: [ops]}", 'channels: [ops]}\n      - {endpoint: "https://c.example.com"}', "c.example.com"),
        ("channels: [ops]}", "channels: [night]}", "-> notify night, webhook https://a.example.com"),
    ],
)
def test_a_broken_rule_fails_and_the_timeline_shows_where(sound: str, broken: str, shown: str) -> None:
    assert PACK.count(sound) == 1
    night = "kind: Channel\nname: night\ntype: webhook\nurl: https://n.example.com\n"
    result = only(results(pack=PACK.replace(sound, broken), night=night))
    assert not result.passed
    text = "\n".join(render_failure(result))
    assert shown in text
    assert '0s       {"type":"auth.failed","user":"a","attempts":3}' in text


def test_a_rule_that_is_not_there_is_a_fault_and_not_silence() -> None:
    generation = loaded(test=TEST)
    (test,) = generation.tests
    result = run_case(test, test.cases[0], generation)
    assert not result.passed
    assert "the rule login-burst is not there" in result.faults[0]


def test_a_disabled_rule_is_tested_all_the_same() -> None:
    assert only(results(pack=PACK.replace("    when:", "    enabled: false\n    when:"))).passed


def test_what_cepd_cannot_run_is_said() -> None:
    pack = PACK.replace("    when:", "    enrich: [{type: lookup, source: a, key: user, output: b}]\n    when:")
    assert only(results(pack=pack)).faults == ("login-burst: cepd cannot run this yet: enrich",)


def test_a_fault_within_the_engine_fails_the_case_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, *arguments: object) -> None:
        raise ArithmeticError("by the test")

    monkeypatch.setattr(PaneUnit, "feed", fails)
    result = only(results(case_of("[{at: 0s, event: auth.failed, user: a, attempts: 3}]", "[]")))
    assert result.faults == ("login-burst failed within cepd: ArithmeticError: by the test",)


def test_other_rules_of_the_tree_do_not_run() -> None:
    other = "kind: RulePack\nname: other\nrules:\n  - {id: all, trigger: {type: event}, actions: [{endpoint: 'https://a.example.com'}]}\n"
    result = only(results(other=other))
    assert result.passed
    assert {rule for happening in result.happenings for rule in happening.rules} == {"login-burst"}


def test_a_restart_at_every_step_changes_nothing() -> None:
    restarts = "".join(f"      - {{at: {second}s, restart: true}}\n" for second in range(0, 120, 7))
    assert only(results(TEST.replace("    until:", restarts + "    until:"))).passed


def test_a_version_replaces_the_rules_of_the_same_ids_and_only_when_it_is_reloaded() -> None:
    version = PACK.partition("---")[0].replace("failures > 1", "failures > 5").replace("name: auth", "name: new")
    step = "      - {at: 30s, reload: strict.reload.yaml}\n"
    assert only(results(**{"strict.reload": version})).passed
    result = only(results(TEST.replace("    until:", step + "    until:"), **{"strict.reload": version}))
    assert not result.passed
    assert "reload strict.reload.yaml: login-burst kept" in "\n".join(render_failure(result))


def test_a_version_may_bring_a_rule_that_the_tree_does_not_have() -> None:
    version = PACK.partition("---")[0].replace("login-burst", "login-new").replace("name: auth", "name: new")
    test = """kind: RuleTest
rules: [login-burst, login-new]
cases:
  - name: only what comes after it
    events:
      - {at: 0s, event: auth.failed, user: a, attempts: 3, repeat: 2}
      - {at: 2m, reload: more.reload.yaml}
      - {at: 3m, event: auth.failed, user: a, attempts: 3, repeat: 2}
    until: 10m
    expect:
      - {rule: login-burst, at: 1m}
      - {rule: login-burst, at: 4m}
      - {rule: login-new, at: 4m}
"""
    assert only(results(test, **{"more.reload": version})).passed


def test_cases_do_not_see_each_other() -> None:
    test = TEST + TEST.partition("cases:\n")[2].replace("within a minute", "again")
    assert [result.passed for result in results(test)] == [True, True]


def test_an_event_that_intake_would_refuse_is_told_and_not_fed() -> None:
    generation = loaded(pack=PACK, test=case_of("[{at: 0s, event: auth.failed, user: a, attempts: 3}]", "[]"))
    (test,) = generation.tests
    (step,) = test.cases[0].steps
    long = structs.replace(step, fields={**step.fields, "text": "x" * (1 << 20)})
    result = run_case(test, structs.replace(test.cases[0], steps=(long,)), generation)
    (told,) = [found for found in result.happenings if found.step == 0]
    assert ": rejected: " in told.said[-80:]
    assert told.event is None
