"""The canonical form: one order, one-line conditions, no defaults; reading it back changes nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.config.canonical import canonical, to_yaml
from cepd.config.parse import parse
from cepd.engine.trees import read_condition
from cepd.model.errors import ConditionError
from tests.support.dialect import trees_of

HOOK = {"type": "webhook", "endpoint": "https://hooks.example.com/x"}


def pack(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "RulePack",
        "name": "p",
        "rules": [{"id": "r", "trigger": {"type": "event"}, **fields, "actions": [HOOK]}],
    }


def read(text: str) -> Any:
    [document] = parse("pack.yaml", text.encode()).documents
    assert document.faults == []
    return document.data


def test_every_field_has_its_place() -> None:
    shuffled = {
        "rules": [
            {
                "actions": [{"fallback_channel": "b", "message": "m", "channels": ["a"], "type": "notify"}],
                "suppress": "1h",
                "having": "n > 1",
                "for": "1m",
                "aggregate": {"n": {"fn": "count"}},
                "window": {"type": "tumbling", "size": "5m"},
                "group_by": ["host"],
                "when": "a == 1",
                "trigger": {"type": "event"},
                "enabled": False,
                "tags": ["t"],
                "severity": "high",
                "description": "d",
                "name": "N",
                "id": "r",
            }
        ],
        "owner": "o",
        "name": "p",
        "kind": "RulePack",
    }
    assert to_yaml(shuffled) == (
        "kind: RulePack\n"
        "name: p\n"
        "owner: o\n"
        "rules:\n"
        "  - id: r\n"
        "    name: N\n"
        "    description: d\n"
        "    severity: high\n"
        "    tags: [t]\n"
        "    enabled: false\n"
        "    trigger: {type: event}\n"
        "    when: a == 1\n"
        "    group_by: [host]\n"
        "    window: {type: tumbling, size: 5m}\n"
        "    aggregate:\n"
        "      n: {fn: count}\n"
        "    having: n > 1\n"
        "    for: 1m\n"
        "    suppress: 1h\n"
        "    actions:\n"
        "      - {type: notify, channels: [a], message: m, fallback_channel: b}\n"
    )


def test_fields_that_it_does_not_know_are_kept_behind() -> None:
    assert list(canonical(pack(zeta=1))["rules"][0]) == ["id", "trigger", "actions", "zeta"]


@pytest.mark.parametrize(
    "defaults",
    [
        {"enabled": True},
        {"name": "r"},
        {"concurrency": "queue"},
        {"timeout": "5s"},
        {"max_alerts": 100},
        {"time": "event"},
    ],
)
def test_defaults_are_left_out(defaults: dict[str, Any]) -> None:
    assert canonical(pack(**defaults)) == pack()


@pytest.mark.parametrize(
    "given",
    [{"enabled": False}, {"name": "R"}, {"concurrency": "skip"}, {"timeout": "6s"}, {"max_alerts": 1}, {"enabled": 1}],
)
def test_what_is_no_default_stays(given: dict[str, Any]) -> None:
    assert canonical(pack(**given)) == pack(**given)


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ({"field": "cpu", "op": ">", "value": 85}, "cpu > 85"),
        ([{"field": "a", "op": "==", "value": "x"}, {"field": "b", "op": "exists"}], 'a == "x" and exists(b)'),
        ({"conditions": [{"field": "a", "op": "==", "value": 1}], "logic": "NOT"}, "not (a == 1)"),
        ("a>1   and\n b<2", "a > 1 and b < 2"),
        ({"field": "서버", "op": "in", "value": ["하나", "둘"]}, '서버 in ["하나", "둘"]'),
    ],
)
def test_conditions_are_one_line(condition: Any, line: str) -> None:
    assert canonical(pack(when=condition, having=condition))["rules"][0]["when"] == line
    assert canonical(pack(when=condition, having=condition))["rules"][0]["having"] == line


def test_conditions_of_steps_are_lines_too() -> None:
    leaf = {"field": "a", "op": "==", "value": 1}
    steps = [{"id": "x", "when": leaf}, {"not": {"when": leaf}}, {"absent": {"event_type": "t"}}]
    trigger = canonical(pack(trigger={"type": "sequence", "within": "1m", "steps": steps}))["rules"][0]["trigger"]
    assert trigger["steps"] == [
        {"id": "x", "when": "a == 1"},
        {"not": {"when": "a == 1"}},
        {"absent": {"event_type": "t"}},
    ]


def test_a_condition_too_long_for_a_line_stays_a_tree() -> None:
    leaves = [{"field": f"field_{number}", "op": "==", "value": "x" * 50} for number in range(100)]
    tree = {"conditions": leaves, "logic": "OR"}
    assert canonical(pack(when=tree)) == pack(when=tree)
    assert read(to_yaml(pack(when=tree))) == pack(when=tree)


def test_a_condition_that_is_none_is_an_error() -> None:
    with pytest.raises(ConditionError):
        to_yaml(pack(when={"field": "a", "op": "~", "value": 1}))


def test_members_of_a_multi_action_have_lines_and_an_order() -> None:
    steps = [{"message": "m", "type": "notify", "channels": ["a"]}, HOOK]
    document = pack()
    document["rules"][0]["actions"] = [{"actions": steps, "type": "multi_action"}]
    assert to_yaml(document).endswith(
        "    actions:\n"
        "      - type: multi_action\n"
        "        actions:\n"
        "          - {type: notify, channels: [a], message: m}\n"
        '          - {type: webhook, endpoint: "https://hooks.example.com/x"}\n'
    )


NAMES = st.sampled_from(["cpu", "host.name", "서버", "in", "cpu-percent", "class"])
SCALARS = st.integers(-9, 9) | st.floats(-1, 1) | st.booleans() | st.none() | st.text("ab\"'\\ :#{}\n서😀", max_size=6)
LEAVES = (
    st.builds(lambda field, value: {"field": field, "op": "==", "value": value}, NAMES, SCALARS)
    | st.builds(lambda field, value: {"field": field, "op": "<", "value": value}, NAMES, st.integers(-9, 9))
    | st.builds(lambda field: {"field": field, "op": "exists"}, NAMES)
)
TREES = trees_of(LEAVES)
TEXTS = st.text("ab서😀:#{}[]\"'\n \\0", min_size=1, max_size=20)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "when": TREES,
        "having": TREES,
        "description": TEXTS,
        "tags": st.lists(TEXTS, max_size=3),
        "enabled": st.booleans(),
        "window": st.sampled_from([{"type": "tumbling", "size": "5m"}, {"type": "session", "timeout": "1h"}]),
        "aggregate": st.dictionaries(st.sampled_from(["n", "avg_cpu"]), st.just({"fn": "count"}), max_size=2),
        "max_alerts": st.integers(1, 200),
    },
)


@settings(max_examples=150, deadline=None)
@given(FIELDS)
def test_the_text_reads_back_as_the_canonical_document(fields: dict[str, Any]) -> None:
    document = pack(**fields)
    form = canonical(document)
    assert read(to_yaml(document)) == form
    assert canonical(form) == form
    assert to_yaml(form) == to_yaml(document)
    for name in ("when", "having"):
        if name in fields:
            assert read_condition(form["rules"][0][name]) == read_condition(fields[name])
