"""What a failed case says: all of it, and short where a thousand events say the same."""

from cepd.runtime.timeline import render_failure
from tests.support.ruletests import PACK, case_of, results

SIMPLE = """kind: RulePack
name: auth
rules:
  - id: login-burst
    trigger: {type: event, event_type: auth.failed, source: web}
    when: attempts >= 3
    actions: [{endpoint: "https://a.example.com"}]
"""


def failure(test: str, pack: str = SIMPLE) -> str:
    (result,) = results(test, pack)
    assert not result.passed
    return "\n".join(render_failure(result))


def test_the_whole_of_a_small_one() -> None:
    events = "[{at: 5s, event: auth.failed, source: web, attempts: 3, late: 1s}]"
    assert failure(case_of(events, "[{at: 5s, values: {n: 1}}]")).splitlines() == [
        "expected, and did not come:",
        '  - login-burst fired at 5s, values {"n": 1}',
        "      nearest: login-burst fired at 4s, clock 5s -> webhook https://a.example.com",
        "        differs in at, values.n",
        "came, and was not expected:",
        "  + login-burst fired at 4s, clock 5s -> webhook https://a.example.com",
        "",
        "what happened:",
        '  5s       {"type":"auth.failed","source":"web","attempts":3,"time":"2026-01-01T00:00:04Z"}',
        "           its own time is 4s",
        "           2026-01-01T00:00:04Z login-burst: fired and opened an alert",
        "             when:",
        "               true   attempts >= 3  (attempts is 3)",
        "           => login-burst fired at 4s, clock 5s -> webhook https://a.example.com",
    ]


def test_what_the_rule_does_not_hear_is_said() -> None:
    events = "[{at: 0s, event: auth.ok}, {at: 0s, event: auth.failed, source: app}]"
    text = failure(case_of(events, "[{}]"))
    assert "login-burst: did not fire: it does not listen to events of type 'auth.ok'" in text
    assert "login-burst: did not fire: it does not listen to the source 'app'" in text


def test_a_thousand_quiet_events_are_three_and_a_count() -> None:
    text = failure(case_of("[{at: 0s, event: auth.failed, source: web, attempts: 1, repeat: 1000}]", "[{}]"))
    assert text.count('"attempts":1') == 3
    assert "(997 more of step 1, of which nothing came, are not shown)" in text


def test_a_firing_among_them_is_shown() -> None:
    values = ", ".join(["1"] * 50 + ["3"])
    text = failure(case_of(f"[{{at: 0s, event: auth.failed, source: web, each: {{attempts: [{values}]}}}}]", "[]"))
    assert text.count('"attempts":3') == 1
    assert text.count("=> login-burst fired") == 1


def test_windows_say_what_they_held_and_why_that_was_not_enough() -> None:
    text = failure(case_of("[{at: 0s, event: auth.failed, user: a, attempts: 3}]", "[{}]", ", until: 5m"), PACK)
    assert "windows that closed:" in text
    assert 'key {"user": "a"}, window [0s, 1m], values {"failures": 1}' in text
    assert "false  failures > 1  (failures is 1)" in text


def test_what_was_counted_is_said_once_for_all_lives_of_the_engine() -> None:
    late = "{at: 2m, event: auth.failed, user: a, attempts: 3, late: 2m}"
    events = f"[{{at: 2m, event: auth.failed, user: a, attempts: 3}}, {late}, {{at: 2m, restart: true}}, {late}]"
    text = failure(case_of(events, "[{}]"), PACK)
    assert "login-burst: 2 late" in text
    assert "no event had" not in text


SEQUENCE = """kind: RulePack
name: auth
rules:
  - id: login-burst
    trigger:
      type: sequence
      within: 1m
      steps: [{id: fail, event_type: no, when: n > 1}, {event_type: yes, when: user == fail.user}]
    actions: [{endpoint: "https://a.example.com"}]
  - {id: quiet, trigger: {type: event, event_type: other}, actions: [{endpoint: "https://a.example.com"}]}
"""


def test_steps_of_a_sequence_show_what_they_ask_and_rules_that_did_well_say_nothing() -> None:
    events = "[{at: 0s, event: 'no', n: 1}, {at: 1s, event: 'yes'}]"
    test = case_of(events, "[{rule: login-burst}]").replace("[login-burst]", "[login-burst, quiet]")
    text = failure(test, SEQUENCE)
    assert "step fail (event) when:\n               false  n > 1  (n is 1)" in text
    assert "step 2 (event) takes it where user == fail.user" in text
    assert "quiet" not in text


def test_a_hold_says_how_far_it_has_come() -> None:
    pack = SIMPLE.replace("    actions", "    for: 5m\n    actions")
    text = failure(
        case_of("[{at: 1m, event: auth.failed, source: web, attempts: 3, repeat: 2, every: 4m}]", "[{}]"), pack
    )
    assert "did not fire: it has to hold until 2026-01-01T00:06:00Z" in text


def test_a_window_says_what_it_holds_so_far() -> None:
    text = failure(
        case_of("[{at: 0s, event: auth.failed, user: a, attempts: 3, repeat: 2}]", "[]", ", until: 5m"), PACK
    )
    assert "did not fire yet: the window is evaluated when it closes" in text
    assert '"events":2,"values":{"count":2}' in text.split("what happened:")[1].split("=>")[0]
