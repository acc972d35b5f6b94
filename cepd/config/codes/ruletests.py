"""CEP140 to CEP149: findings about rule tests."""

from cepd.config.codes.code import Code
from cepd.config.codes.samples import PACK

TESTED = (
    PACK
    + """---
kind: RuleTest
rules: [cpu-high]
start: 2026-01-01T00:00:00Z
cases:
  - name: one sample above the limit
    events:
      - {at: 0s, event: host.cpu, cpu_percent: 97}
    expect:
      - {at: 0s}
"""
)

RULETEST_CODES: tuple[Code, ...] = (
    Code(
        code="CEP140",
        severity="error",
        title="a test that does not fit together",
        explanation="A step is one thing (an event, a tick, a restart or a reload) and has the fields of that. An "
        "expectation is about a rule that the test runs. What contradicts itself would test something else than it "
        "says.",
        bad=TESTED.replace("- {at: 0s}", "- {at: 0s, rule: cpu-low}"),
        good=TESTED,
    ),
    Code(
        code="CEP141",
        severity="error",
        title="not a time",
        explanation="A time in a test is a duration since its start, such as 1m30s, or RFC 3339 with a zone.",
        bad=TESTED.replace("2026-01-01T00:00:00Z", "2026-01-01"),
        good=TESTED,
    ),
    Code(
        code="CEP142",
        severity="warning",
        title="an expectation that nothing meets",
        explanation="The key of a firing has the fields of the rule's group_by, all of them; the values of a window "
        "are its aggregates. With `times: 0` an expectation of other names would hold whatever the rule does.",
        bad=TESTED.replace("- {at: 0s}", "- {times: 0, key: {host: a}}"),
        good=TESTED.replace("- {at: 0s}", "- {at: 0s, key: {}}"),
    ),
    Code(
        code="CEP143",
        severity="warning",
        title="a field that is nearly a word of a step",
        explanation="What is no word of a step (event, repeat, every, late, …) is a field of its event. A field whose "
        "name is nearly such a word stands in `fields`, so that a slip of the pen is not taken for one.",
        bad=TESTED.replace("cpu_percent: 97", "cpu_percent: 97, repat: 3"),
        good=TESTED.replace("cpu_percent: 97", "cpu_percent: 97, fields: {repat: 3}"),
    ),
)
