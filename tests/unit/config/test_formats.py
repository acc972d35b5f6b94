"""What texts with a meaning of their own mean, and every fault of one value in one run."""

import pytest

from cepd.config.formats import FORMATS
from cepd.model.errors import InputError
from tests.support.trees import loaded

SEVERAL = """kind: RulePack
name: hosts
rules:
  - id: cpu-high
    trigger: {type: event, event_type: host.cpu}
    when:
      - {field: cpu..percent, op: ">", value: 85}
      - {field: env, op: "=>", valeu: 1}
      - cpu > 5
      - disk > "90"
    actions:
      - type: webhook
        endpoint: https://alerts.example.com
        headers: {X-Host: "{{ host }", X-Team: "{{ team }}"}
        body: {load: ["{{ load", "{{ fine }}", "{% if x %}"]}
"""


def test_every_fault_of_one_value_has_its_place() -> None:
    found = [(problem.code, problem.line, problem.column, problem.pointer) for problem in loaded(a=SEVERAL).problems]
    action = "/rules/0/actions/0"
    assert found == [
        ("CEP108", 7, 17, "/rules/0/when/0/field"),
        ("CEP108", 8, 26, "/rules/0/when/1/op"),
        ("CEP108", 8, 32, "/rules/0/when/1/valeu"),
        ("CEP108", 10, 16, "/rules/0/when/3"),
        ("CEP109", 14, 28, f"{action}/headers/X-Host"),
        ("CEP109", 15, 24, f"{action}/body/load/0"),
        ("CEP109", 15, 49, f"{action}/body/load/2"),
    ]


def test_a_text_in_many_places_means_one_thing() -> None:
    rule = '  - {id: %s, trigger: {type: event}, when: cpu > 97.25, actions: [{endpoint: "https://a.example.com"}]}\n'
    one, two = loaded(a="kind: RulePack\nname: p\nrules:\n" + rule % "a" + rule % "b").definitions
    assert one.rule.when is two.rule.when


@pytest.mark.parametrize(
    ("text", "action", "poll"),
    [
        ("https://a.example.com/x?y=1", True, True),
        ("http://10.0.0.1:8080", True, True),
        ("http://[::1]/x", True, True),
        ("/metrics/cpu", False, True),
        ("//a.example.com/cpu", False, False),
        ("metrics/cpu", False, False),
        ("/metrics/cpu load", False, False),
        ("/metrics/{{ host }}", False, False),
        ("/metrics/{{host}}", False, False),
        ("https://a.example.com/{{host}}", False, False),
        ("https://a.example.com/a b", False, False),
        ("https://a.example.com:99999", False, False),
        ("https://", False, False),
        ("ftp://a.example.com", False, False),
        ("http://[::1", False, False),
    ],
)
def test_addresses(text: str, action: bool, poll: bool) -> None:
    for name, whole in (("url", action), ("poll-url", poll)):
        if whole:
            assert FORMATS[name].read(text) == text
        else:
            with pytest.raises(InputError) as caught:
                FORMATS[name].read(text)
            assert caught.value.help
