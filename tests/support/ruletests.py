"""Rule tests from texts, for tests of their runner: no disk."""

from cepd.runtime.ruletest import CaseResult, run_case
from tests.support.trees import loaded

PACK = """kind: RulePack
name: auth
rules:
  - id: login-burst
    trigger: {type: event, event_type: auth.failed}
    when: attempts >= 3
    group_by: [user]
    window: {type: tumbling, size: 1m}
    aggregate: {failures: {fn: count}}
    having: failures > 1
    actions:
      - {type: notify, channels: [ops]}
      - {type: webhook, endpoint: "https://a.example.com"}
---
kind: Channel
name: ops
type: webhook
url: https://b.example.com
"""

TEST = """kind: RuleTest
rules: [login-burst]
cases:
  - name: two heavy failures of one user within a minute
    events:
      - {at: 0s, event: auth.failed, user: a, attempts: 3, repeat: 2, every: 59s}
      - {at: 10s, event: auth.failed, user: b, attempts: 9}
      - {at: 20s, event: auth.failed, user: c, attempts: 2, repeat: 2}
      - {at: 40s, event: auth.failed, user: d, attempts: 3}
      - {at: 60s, event: auth.failed, user: d, attempts: 3}
    until: 10m
    expect:
      - at: 1m
        key: {user: a}
        window: [0s, 1m]
        values: {failures: 2}
        actions: [notify ops, webhook]
"""


def results(test: str = TEST, pack: str = PACK, **files: str) -> list[CaseResult]:
    """Every case of a test, with the rules of a pack. Further files by stem, as `loaded` takes them."""
    generation = loaded(pack=pack, test=test, **files)
    problems = [problem for problem in generation.problems if problem.severity == "error"]
    assert not problems, problems
    return [run_case(found, case, generation) for found in generation.tests for case in found.cases]


def case_of(events: str, expect: str, more: str = "") -> str:
    """A test of login-burst with one case; events and expectations in flow style."""
    return f"kind: RuleTest\nrules: [login-burst]\ncases:\n  - {{name: a, events: {events}, expect: {expect}{more}}}\n"
