"""Bare rules as packs: what is taken for one, its id, its fields and actions, and what is said of what is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.config.codes.dialect import DIALECT_CODES
from cepd.config.dialect import api_names, is_dialect, translate
from cepd.config.parse import parse
from cepd.config.pointers import path_of, value_at
from tests.support.dialect import AVERAGE, HOOK, bare, found, rule


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"rule_name": "a", "action_spec": {}}, "rule"),
        ({"rule_id": "a"}, "rule"),
        ({"id": "a", "trigger": {"type": "event"}, "actions": []}, "rule"),
        ({"api_name": "a", "logic_type": "sql"}, "api"),
        ({"logic_type": "sql", "logic_body": "SELECT 1", "description": "d"}, "api"),
        ({"rule_id": "a", "api_id": "misplaced"}, "rule"),
        ({"kind": "RulePack", "rules": [{"rule_id": "a"}], "rule_name": "a"}, None),
        ({"name": "pack", "rules": []}, None),
        ({"name": "hook", "type": "webhook", "url": "https://x.example.com"}, None),
        ([{"rule_id": "a"}], None),
        ("rule_id", None),
        (None, None),
        ({}, None),
    ],
)
def test_what_is_taken_for_the_dialect(document: Any, expected: str | None) -> None:
    assert is_dialect(document) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rule_id": "disk", "rule_name": "Disk full"}, "disk"),
        ({"rule_name": "CPU Spike Alert"}, "CPU-Spike-Alert"),
        ({"rule_name": "CPU  /  Memory!"}, "CPU-Memory"),
        ({"rule_name": "서버 CPU 경보"}, "CPU"),
        ({"rule_name": "서버 경보"}, "stem"),
        ({"rule_name": "._-"}, "stem"),
        ({"rule_name": "cpu-"}, "cpu-"),
        ({"rule_name": "a" * 200}, "a" * 128),
        ({"rule_name": None}, "stem"),
        ({}, "stem"),
    ],
)
def test_the_id_comes_from_the_name_or_else_the_file(fields: dict[str, Any], expected: str) -> None:
    translation = translate({**fields, "action_spec": HOOK}, "stem")
    assert rule(translation)["id"] == expected
    assert translation.document["name"] == expected
    assert found(translation) == []


def test_an_id_that_is_no_name_stays_for_the_schema_to_find_once() -> None:
    translation = translate({"rule_id": "a b", "action_spec": HOOK}, "stem")
    assert rule(translation)["id"] == "a b"
    assert translation.document["name"] == "a-b"


def test_actions() -> None:
    breaker = {"failure_threshold": 3, "timeout_seconds": 30, "half_open_max_requests": 1}
    translation = translate(
        {
            "rule_id": "r",
            "action_spec": {"endpoint": "https://a.example.com", "timeout_seconds": 7},
            "actions": [
                {"type": "trigger", "rule_id": "next"},
                {
                    "type": "multi_action",
                    "description": "both",
                    "actions": [HOOK, {"type": "notify", "channels": ["Slack"]}],
                },
                {**HOOK, "circuit_breaker": {"failure_threshold": 9}},
            ],
            "action_config": {"action": "webhook", "circuit_breaker": breaker},
        },
        "s",
    )
    assert rule(translation)["actions"] == [
        {"type": "webhook", "endpoint": "https://a.example.com", "timeout": "7s", "circuit_breaker": breaker},
        {"type": "trigger_rule", "rule_id": "next"},
        {
            "type": "multi_action",
            "description": "both",
            "actions": [{**HOOK, "circuit_breaker": breaker}, {"type": "notify", "channels": ["Slack"]}],
        },
        {**HOOK, "circuit_breaker": {"failure_threshold": 9}},
    ]
    assert translation.origins["/rules/0/actions/1/type"] == "/actions/0/type"
    assert translation.origins["/rules/0/actions/0/type"] == "/action_spec"
    assert translation.origins["/rules/0/actions/2/actions/0/circuit_breaker"] == "/action_config/circuit_breaker"


def test_fields_of_people_move_under_their_canonical_names() -> None:
    translation = bare(
        "event",
        {},
        rule_name="R",
        rule_description="d",
        is_active=False,
        severity="warning",
        priority="P1",
        owner="a",
        backup_owner="b",
        rollback_strategy="restart",
        suppression="1h",
        timeout_seconds=3,
    )
    assert rule(translation) == {
        "id": "r",
        "name": "R",
        "description": "d",
        "severity": "warning",
        "priority": "P1",
        "owner": "a",
        "backup_owner": "b",
        "rollback": "restart",
        "enabled": False,
        "trigger": {"type": "event"},
        "suppress": "1h",
        "timeout": "3s",
        "actions": [HOOK],
    }
    assert list(rule(translation)) == [
        *("id", "name", "description", "severity", "priority", "owner", "backup_owner", "rollback", "enabled"),
        *("trigger", "suppress", "timeout", "actions"),
    ]


def test_a_canonical_rule_without_a_pack_is_a_pack_of_one() -> None:
    one = {"id": "cpu", "trigger": {"type": "event"}, "when": "cpu > 85", "actions": [HOOK]}
    translation = translate(one, "stem")
    assert translation.document == {"kind": "RulePack", "name": "cpu", "rules": [one]}
    assert translation.origins["/rules/0/when"] == "/when"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"rule_id": "r", "actoin_spec": HOOK}, [("CEP110", "/actoin_spec")]),
        ({"rule_id": "r", "trigger_spec": {"feild": "a", "op": ">", "value": 1}}, [("CEP110", "/trigger_spec/feild")]),
        ({"rule_id": "r", "trigger_spec": "cpu > 1"}, [("CEP111", "/trigger_spec")]),
        ({"rule_id": "r", "actions": HOOK}, [("CEP111", "/actions")]),
        ({"rule_id": "r", "action_config": []}, [("CEP111", "/action_config")]),
        ({"rule_id": "r", "aggregation": 5}, [("CEP111", "/aggregation")]),
        ({"rule_id": "r", "id": "s"}, [("CEP112", "/id")]),
        (
            {"rule_id": "r", "when": [{"field": "a", "op": "==", "operator": "==", "value": 1}]},
            [("CEP112", "/when/0/operator")],
        ),
        (
            {"rule_id": "r", "group_by": "a", "window_config": {"group_by": "b"}},
            [("CEP112", "/window_config/group_by")],
        ),
        (
            {
                "rule_id": "r",
                "aggregation": [{"type": "max", "field": "a", "name": "n"}, {"type": "min", "field": "a", "name": "n"}],
            },
            [("CEP112", "/aggregation/1")],
        ),
        (
            {
                "rule_id": "r",
                "trigger_type": "metric",
                "trigger_spec": {"field": "a", "op": ">", "value": 1, "aggregation": "avg"},
            },
            [("CEP113", "/trigger_spec/aggregation")],
        ),
        ({"rule_id": "r", "action_config": {"action": "webhook"}}, [("CEP113", "/action_config")]),
        (
            {"rule_id": "r", "action_spec": HOOK, "action_config": {"action": "notify", "circuit_breaker": {}}},
            [("CEP312", "/action_config/action")],
        ),
        (
            {
                "rule_id": "r",
                "trigger_type": "metric",
                "trigger_spec": AVERAGE,
                "window_config": {"type": "tumbling", "size": "10m"},
            },
            [("CEP314", "/trigger_spec/duration")],
        ),
        (
            {
                "rule_id": "r",
                "trigger_type": "metric",
                "trigger_spec": AVERAGE,
                "window_config": {"type": "tumbling", "size": "300s"},
            },
            [],
        ),
        ({"api_name": "Double", "logic_type": "script"}, [("CEP311", "")]),
    ],
)
def test_what_is_wrong_is_named_at_its_place(document: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert found(translate(document, "stem")) == expected


def test_an_unknown_field_comes_with_the_word_that_was_meant() -> None:
    [finding] = translate({"rule_id": "r", "actoin_spec": HOOK}, "stem").findings
    assert finding.message == "unknown field 'actoin_spec' in rule r"
    assert finding.help == "did you mean 'action_spec'?"
    assert finding.at == "key"


def test_names_by_which_an_action_may_call_an_api() -> None:
    assert api_names({"api_id": "7", "api_name": "Get Users"}) == ["7", "Get Users", "Get-Users"]
    assert api_names({"logic_type": "sql", "api_name": 5}) == []


KEYS = st.sampled_from(
    [
        "rule_id",
        "rule_name",
        "trigger_type",
        "trigger_spec",
        "composite_condition",
        "window_config",
        "aggregation",
        "action_spec",
        "actions",
        "action_config",
        "is_active",
        "field",
        "op",
        "value",
        "threshold",
        "duration",
        "type",
        "conditions",
        "logic",
        "action",
        "circuit_breaker",
        "group_by",
        "timeout_seconds",
        "trigger",
        "outputAlias",
        "x",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        [
            "event",
            "metric",
            "schedule",
            "anomaly",
            "webhook",
            "avg",
            "count",
            "AND",
            "OR",
            ">",
            "==",
            "5m",
            "85",
            "cpu",
            "",
        ]
    )
)
DOCUMENTS = st.recursive(SCALARS, lambda some: st.lists(some, max_size=3) | st.dictionaries(KEYS, some, max_size=6))


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=9))
def test_no_content_makes_it_fail_and_every_origin_exists(content: dict[str, Any]) -> None:
    document = {"rule_id": "r", **content}
    translation = translate(document, "stem")
    assert translation.document["kind"] == "RulePack"
    for pointer, origin in translation.origins.items():
        path_of(pointer, translation.document)
        *above, last = path_of(origin, document) or ("",)
        assert not origin or last in value_at(document, above) or isinstance(last, int)
    for finding in translation.findings:
        path = path_of(finding.pointer, document)
        assert not path or (path[-1] in value_at(document, path[:-1]) or isinstance(path[-1], int))


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=9))
def test_every_place_of_the_translation_has_an_origin(content: dict[str, Any]) -> None:
    translation = translate({"rule_id": "r", **content}, "stem")

    def pointers(value: Any, pointer: str) -> list[str]:
        steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [pointer, *(deep for step, item in steps for deep in pointers(item, f"{pointer}/{step}"))]

    assert set(pointers(translation.document, "")) == set(translation.origins)


@pytest.mark.parametrize("code", DIALECT_CODES, ids=lambda code: code.code)
def test_the_examples_of_a_code_show_it(code: Any) -> None:
    def codes(text: str) -> list[str]:
        parsed = parse("example.yaml", text.encode())
        assert not parsed.faults
        return [finding.code for document in parsed.documents for finding in translate(document.data, "s").findings]

    assert codes(code.bad) == [code.code]
    assert codes(code.good) == []
