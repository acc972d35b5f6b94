"""Nothing that a file can hold makes the loader raise, and every finding has a place in its file."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.config.load import load
from cepd.config.places import lines_of
from cepd.config.render import render_github, render_text
from cepd.config.tree import Tree
from tests.support.trees import CATALOG, tree_of
from tests.unit.config.test_corpus import CORPUS

TEXTS = [
    path.read_text("utf-8", "replace") for path in sorted(CORPUS.rglob("*.*")) if path.suffix in (".yaml", ".json")
]

PACK: dict[str, Any] = {
    "kind": "RulePack",
    "name": "p",
    "rules": [
        {
            "id": "a",
            "severity": "high",
            "priority": "P1",
            "trigger": {"type": "event", "event_type": ["x"], "source": "y"},
            "enrich": [{"type": "lookup", "source": "s", "key": "k", "output": "o"}],
            "when": {
                "logic": "AND",
                "conditions": [{"field": "cpu", "op": ">", "value": 5}, {"field": "e", "op": "exists"}],
            },
            "group_by": ["host"],
            "window": {"type": "sliding", "size": "5m", "slide": "1m"},
            "aggregate": {"n": {"fn": "count"}, "p": {"fn": "percentile", "field": "ms", "p": 95}},
            "having": "n > 5",
            "for": "5m",
            "resolve": {"after": "5m"},
            "suppress": {"window": "1h"},
            "actions": [
                {"type": "notify", "channels": ["c"], "message": "{{ host }}"},
                {
                    "type": "multi_action",
                    "actions": [{"type": "trigger_rule", "rule_id": "b", "payload": {"x": "{{ y }}"}}],
                },
            ],
        },
        {
            "id": "b",
            "trigger": {
                "type": "sequence",
                "within": "5m",
                "steps": [{"id": "s", "when": "a > 1"}, {"not": {"event_type": "z"}}, {"absent": {"event_type": "q"}}],
            },
            "actions": [{"endpoint": "https://a.example.com", "headers": {"A": {"env": "B"}}}],
        },
    ],
}
CHANNEL: dict[str, Any] = {
    "kind": "Channel",
    "name": "c",
    "type": "webhook",
    "url": {"env": "U"},
    "secret": {"file": "/s"},
    "retry": {"delays": ["1s"]},
    "circuit_breaker": {"failure_threshold": 3},
}
ALT: dict[str, Any] = {"kind": "Channel", "name": "alt", "type": "email", "fallback": "c", "default": True}
BARE_METRIC: dict[str, Any] = {
    "rule_id": "m",
    "trigger_type": "metric",
    "trigger_spec": {
        "metric_name": "cpu",
        "op": ">",
        "threshold": "85",
        "aggregation": [{"fn": "avg", "outputAlias": "load", "groupBy": "a,b"}, {"fn": "percentile", "p": 95}, "count"],
        "duration": "5m",
    },
    "composite_condition": {
        "logic": "AND",
        "conditions": [
            {"logic": "OR", "conditions": [{"field": "cpu", "op": ">", "value": 85}, {"field": "cpu", "op": "exists"}]},
            {"field": "disk", "operator": ">", "value": "9"},
            [{"field": "cpu", "op": "<", "value": 3}],
        ],
    },
    "window_config": {"type": "sliding", "size": "5m", "slide": "1m", "groupBy": ["a", "b"]},
    "aggregation": {"type": "avg", "field": "cpu"},
    "having": "load > 3",
    "timeout_seconds": 3,
    "action_config": {"action": "webhook", "circuit_breaker": {"failure_threshold": 3}},
    "actions": [
        {"type": "trigger", "rule_id": "a"},
        {"type": "multi_action", "actions": [{"endpoint": "https://a.example.com", "timeout_seconds": 4}]},
    ],
}
BARE_ANOMALY: dict[str, Any] = {
    "rule_name": "Outlier",
    "trigger_type": "anomaly",
    "trigger_spec": {
        "value_path": "cpu",
        "anomaly_method": "ema",
        "threshold": "3",
        "conditions": [{"field": "a", "op": "==", "value": 1}],
        "logic": "NOT",
    },
    "suppression": "5m",
    "action_spec": {"type": "notify", "channels": ["c"]},
}
BARE_HOOK: dict[str, Any] = {
    "rule_id": "h",
    "trigger_spec": {"field": "a", "op": ">", "value": 1},
    "action_spec": {"endpoint": "https://a.example.com", "params": {"x": "{{ z }}"}},
}
BARE_API: dict[str, Any] = {
    "api_name": "Double",
    "logic_type": "script",
    "logic_body": "def main(params, input_payload):\n    return {}\n",
    "param_schema": {"x": {"type": "integer", "default": 0}},
}
SETTINGS: dict[str, Any] = {
    "lateness": "5s",
    "ack_sla": "1h",
    "egress": {"allow": ["h"]},
    "lint": {"CEP303": "off"},
    "ignore": ["x"],
}

_TEXTS = ["", "x", "5m", "{{ x", "{{ x }}", "a > ", "c", "a", "b", "event", "metric", "cpu", "avg", "AND", ">", "85"]
_KEYS = ["type", "id", "kind", "field", "op", "value", "conditions", "logic", "actions", "fn", "", "x~/y", "\x85", "😀"]
VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1, 5, 1.5, 2**64 - 1, "😀", *_TEXTS]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), below, max_size=3),
    max_leaves=5,
)


def spots(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, member in members for spot in spots(member, (*path, key)))]


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return value


def check(tree: Tree) -> None:
    generation = load(tree, CATALOG)
    for problem in generation.problems:
        assert problem.message
        assert problem.help
        assert render_text(problem, tree, colour=False)
        assert render_github(problem, tree)
        lines = lines_of(tree.files[problem.file].decode("utf-8-sig", "replace"))
        assert problem.line <= len(lines) + 1
        assert problem.code == "CEP011" or problem.line >= 1
        if problem.end_line == problem.line and problem.line <= len(lines):
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    for definition in generation.definitions:
        json.dumps(definition.document)


DOCUMENTS = {"a": PACK, "b": CHANNEL, "cepd": SETTINGS, "m": BARE_METRIC, "o": BARE_ANOMALY, "d": BARE_API}


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_a_document_with_any_values_anywhere(data: st.DataObject) -> None:
    documents = dict(DOCUMENTS)
    name = data.draw(st.sampled_from(sorted(documents)))
    for _ in range(data.draw(st.integers(1, 3))):
        spot = data.draw(st.sampled_from(spots(documents[name])))
        documents[name] = put(documents[name], spot, data.draw(VALUES))
    check(tree_of(**{name: json.dumps(document, indent=1) for name, document in documents.items()}))


_NAMES = st.sampled_from(["a", "b", "c", "alt", "😀", None, 5, True, ["c"], {"c": 1}, [], {}])
_REFERENCES = frozenset(("name", "id", "rule_id", "type", "kind", "fallback", "fallback_channel", "channels", "api_id"))


@st.composite
def _drawn(draw: st.DrawFn) -> Any:
    """A document whose names and references are of any kind, and whose keys may be any others."""
    document = draw(st.sampled_from([PACK, CHANNEL, ALT, SETTINGS, BARE_METRIC, BARE_ANOMALY, BARE_API, BARE_HOOK]))
    for _ in range(draw(st.integers(0, 3))):
        named = [spot for spot in spots(document) if spot and spot[-1] in _REFERENCES]
        document = put(document, draw(st.sampled_from(named or spots(document))), draw(_NAMES))
        if not isinstance(document, dict):
            return document
    if draw(st.booleans()):
        mappings = [spot for spot in spots(document) if isinstance(at(document, spot), dict)]
        where = draw(st.sampled_from(mappings))
        document = put(document, where, at(document, where) | {draw(st.sampled_from(_KEYS)): draw(VALUES)})
    return document


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_tree_of_any_documents(data: st.DataObject) -> None:
    whole = "\n---\n".join(json.dumps(one) for one in (PACK, CHANNEL, ALT))
    files = {"z.yaml": whole.encode(), "cepd.yaml": json.dumps(data.draw(st.just(SETTINGS) | _drawn())).encode()}
    for number in range(data.draw(st.integers(1, 4))):
        escaped = data.draw(st.booleans())
        documents = data.draw(st.lists(_drawn(), min_size=1, max_size=1 if escaped else 3))
        text = "\n---\n".join(json.dumps(one, ensure_ascii=escaped, indent=1) for one in documents)
        files[f"{number}.{'json' if escaped else 'yaml'}"] = text.encode()
    check(Tree(root=Path("/nowhere"), files=files))


@pytest.mark.parametrize("name", [["alt"], {"a": 1}, None, 5])
def test_a_channel_whose_name_is_no_text_falls_back(name: Any) -> None:
    texts = (json.dumps(CHANNEL | {"name": name, "fallback": "alt"}), json.dumps(ALT))
    check(tree_of(a="\n---\n".join(texts)))


def test_a_key_that_json_writes_as_two_escapes() -> None:
    rule = put(BARE_HOOK, ("action_spec", "params"), {"😀": "{{ z }}"})
    tree = Tree(root=Path("/nowhere"), files={"r.json": json.dumps(rule).encode()})
    check(tree)
    (problem,) = [problem for problem in load(tree, CATALOG).problems if problem.code == "CEP303"]
    assert problem.column == json.dumps(rule).index("z }}") + 1


@pytest.mark.parametrize("name", ["cpu", ["cpu"], {"field": "cpu"}, None, 5])
@pytest.mark.parametrize("conditions", [[{"field": "cpu", "op": ">", "value": 1}], {"field": "cpu"}, "cpu > 1", [{}]])
def test_a_metric_and_conditions_of_any_shape(name: Any, conditions: Any) -> None:
    bare = put(BARE_METRIC, ("trigger_spec", "metric_name"), name)
    bare = put(bare, ("composite_condition",), {"logic": "OR", "conditions": conditions})
    check(tree_of(m=json.dumps(bare)))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_text_with_any_change(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 8))
    new = data.draw(st.text("{}[]:,-#&*!|>'\"%@` \n\t\r\\aé한😀\u2028\x00?=0", max_size=4))
    check(tree_of(a=text[:at] + new + text[at + length :], b=json.dumps(PACK)))


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes(content: bytes) -> None:
    tree = tree_of()
    load(Tree(root=tree.root, files={"a.yaml": content, "b.json": content, "cepd.yaml": content}), CATALOG)
