"""Which fields a rule keeps for its texts, by hand."""

import pytest

from tests.support.trees import loaded

WINDOW = """trigger: {type: event}
    window: {type: tumbling, size: 5m}
    aggregate: {n: {fn: count}}
    group_by: [host, a.b]"""
ABSENCE = "trigger: {type: absence, event_type: beat, timeout: 5m}\n    group_by: [host]"
STEPS = "{id: fail, event_type: f}, {event_type: o}"
SEQUENCE = f"trigger: {{type: sequence, within: 5m, steps: [{STEPS}]}}"
ENDED = f"trigger: {{type: sequence, within: 5m, steps: [{STEPS}, {{absent: {{event_type: x}}}}]}}"


def carried(body: str, *texts: str) -> tuple[str, ...]:
    """Of a rule whose texts stand in a message, in a body and inside another action, by turns."""
    places = [
        "{endpoint: 'https://a.example.com', body: {deep: ['%s']}}",
        "{endpoint: 'https://a.example.com', params: {q: '%s'}}",
        "{type: multi_action, actions: [{endpoint: 'https://a.example.com', headers: {X-A: '%s'}}]}",
    ]
    actions = ", ".join(places[index % len(places)] % text for index, text in enumerate(texts))
    generation = loaded(p=f"kind: RulePack\nname: p\nrules:\n  - id: a\n    {body}\n    actions: [{actions}]\n")
    assert [found.message for found in generation.problems if found.severity == "error"] == []
    return generation.definitions[0].rule.carries


@pytest.mark.parametrize(
    ("body", "texts", "kept"),
    [
        ("trigger: {type: event}", ["{{ cpu }} {{ event.load }}"], ()),
        (WINDOW, ["{{ host }} {{ n }} {{ values.n }} {{ key.host }} {{ rule.name }} {{ alert.count }}"], ()),
        (WINDOW, ["{{ zone }}", "{{ event.cpu.user }}", "{{ app.name }}"], ("app", "cpu", "zone")),
        (WINDOW, ["{{ event.host }} {{ event.key }} {{ event }}"], ("host", "key")),
        (WINDOW, ["{{ a.b }}"], ("a",)),
        (WINDOW, ["{{ severity }} {{ summary }}"], ("severity", "summary")),
        ("severity: high\n    " + WINDOW, ["{{ severity }}"], ()),
        ("severity: high\n    " + WINDOW, ["{{ event.severity }}"], ("severity",)),
        (ABSENCE, ["{{ host }} {{ rack }}"], ("rack",)),
        (SEQUENCE, ["{{ fail.user.name }} {{ fail.ip }} {{ now }} {{ event.fail.ip }}"], ("fail.ip", "fail.user.name")),
        (ENDED, ["{{ fail.ip.upper() }} {{ now }} {{ fail }}"], ("fail.ip", "now")),
        ("trigger: {type: anomaly, value: ms}", ["{{ host }}"], ()),
        ("trigger: {type: new_value, field: ms}", ["{{ host }}"], ()),
    ],
)
def test_what_a_firing_brings_of_events_that_are_gone(body: str, texts: list[str], kept: tuple[str, ...]) -> None:
    assert carried(body, *texts) == kept


def test_two_texts_that_read_the_same_keep_it_once() -> None:
    assert carried(WINDOW, "{{ zone }}", "{{ zone.name }}", "{{ event.zone }}") == ("zone",)
