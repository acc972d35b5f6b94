"""Warnings about windows and what is asked of them: which names are known where."""

import pytest

from tests.support.trees import codes, loaded

HEAD = "kind: RulePack\nname: p\nrules:\n  - id: a\n    trigger: {type: event}\n    group_by: [host, user.id]\n"
WINDOW = "    window: {type: tumbling, size: 5m, emit: %s}\n"
AGGREGATE = "    aggregate: {cpu: {fn: avg, field: cpu}, load: {fn: last, field: load1}, n: {fn: count}}\n"
ACTION = "    actions: [{endpoint: 'https://a.example.com'}]\n"


def found(*lines: str, emit: str = "close") -> list[str]:
    fields = "".join(f"    {line}\n" for line in lines)
    return codes(loaded(p=HEAD + WINDOW % emit + AGGREGATE + fields + ACTION))


@pytest.mark.parametrize(
    "condition",
    ["cpu > 1 and n > 2", "host != 'a'", "user.id == 5", "load.one > 5", "not exists(n_approximate)", "cpu * 2 > n"],
)
def test_having_sees_aggregates_and_keys(condition: str) -> None:
    assert [code for code in found(f"having: {condition}") if code != "CEP304"] == []


@pytest.mark.parametrize("condition", ["cpo > 1", "cpu > 1 or load1 > 2", "user.name == 'a'", "cpu_approximat == 1"])
def test_having_does_not_see_other_names(condition: str) -> None:
    assert found(f"having: {condition}") == ["CEP321"]


def test_each_name_without_a_value_is_told() -> None:
    assert found("having: a > 1 and b > 2 and a < 9") == ["CEP321", "CEP321"]


@pytest.mark.parametrize(("condition", "codes_found"), [("n > 1", ["CEP322"]), ("load > 1", ["CEP322"])])
def test_when_does_not_see_aggregates(condition: str, codes_found: list[str]) -> None:
    assert found(f"when: {condition}") == codes_found


def test_when_sees_the_field_that_an_aggregate_is_named_after() -> None:
    assert found("when: cpu > 1 and load1 > 2") == []


def test_an_eager_window_wants_a_condition() -> None:
    assert found(emit="eager") == ["CEP320"]
    assert found("having: n > 1", emit="eager") == []
    assert found() == []
