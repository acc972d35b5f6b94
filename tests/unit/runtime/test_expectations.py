"""Expected firings against those that came, on firings made by hand."""

from typing import Any

import pytest

from cepd.model.firing import Firing
from cepd.model.ruletest import Expectation
from cepd.runtime.expectations import Fact, covers, differences, equal, judge


def fact(user: str = "a", time: int = 0, *, actions: tuple[str, ...] = (), **more: Any) -> Fact:
    made = {"kind": "fired", "rule_id": "r", "key": {"user": user}, "time": time, "last_at": time, **more}
    return Fact(made.pop("clock", time), Firing(id=f"{user}{time}", alert_id="x", count=1, **made), actions)


def wanted(**fields: Any) -> Expectation:
    return Expectation(rule="r", **fields)


@pytest.mark.parametrize(
    ("expected", "facts", "missing", "unexpected"),
    [
        ([], [], 0, 0),
        ([], [fact()], 0, 1),
        ([wanted()], [], 1, 0),
        ([wanted()], [fact()], 0, 0),
        ([wanted()], [fact(), fact(time=1)], 0, 1),
        ([wanted(times=2)], [fact()], 1, 0),
        ([wanted(times=2)], [fact(), fact(time=1)], 0, 0),
        ([wanted(key={"user": "b"})], [fact()], 1, 1),
    ],
)
def test_each_expectation_takes_exactly_its_number(
    expected: list[Expectation], facts: list[Fact], missing: int, unexpected: int
) -> None:
    verdict = judge(expected, facts, exact=True)
    assert (len(verdict.missing), len(verdict.unexpected)) == (missing, unexpected)
    assert verdict.holds == (missing == unexpected == 0)
    lax = judge(expected, facts, exact=False)
    assert (len(lax.missing), lax.unexpected) == (missing, ())


def test_a_wide_expectation_leaves_a_narrow_one_what_only_it_can_take() -> None:
    facts = [fact("a"), fact("b"), fact("c")]
    wide, narrow, narrower = wanted(), wanted(key={"user": "a"}), wanted(time=(0, 0), key={"user": "b"})
    for expected in ([wide, narrow, narrower], [narrower, wide, narrow], [narrow, narrower, wide]):
        assert judge(expected, facts, exact=True).holds


def test_a_chain_of_exchanges_is_found() -> None:
    """Each firing fits two neighbours, so placing the last one moves all the others."""
    count = 300
    facts = [fact(time=time) for time in range(count)]
    expected = [wanted(time=(time, time + 1)) for time in range(-1, count - 1)]
    assert judge(expected, facts, exact=True).holds
    assert len(judge(expected, [*facts, fact(time=count)], exact=True).unexpected) == 1


def test_times_0_forbids_whatever_else_is_allowed() -> None:
    expected = [wanted(), wanted(key={"user": "b"}, times=0)]
    verdict = judge(expected, [fact("a"), fact("b")], exact=False)
    assert [found.firing.key["user"] for found in verdict.forbidden] == ["b"]
    assert not verdict.missing
    assert not verdict.holds


def test_the_nearest_is_the_one_with_the_fewest_differences() -> None:
    (missing,) = judge([wanted(key={"user": "a"}, time=(5, 5))], [fact("b", 4), fact("a", 4)], exact=True).missing
    assert missing.nearest is not None
    assert missing.nearest.firing.key == {"user": "a"}


@pytest.mark.parametrize(
    ("expectation", "found", "differs"),
    [
        (wanted(kind="resolved"), fact(), ("kind",)),
        (wanted(time=(1, 3)), fact(time=1), ()),
        (wanted(time=(1, 3)), fact(time=3), ()),
        (wanted(time=(1, 3)), fact(time=4), ("at",)),
        (wanted(clock=5), fact(clock=6), ("clock",)),
        (wanted(key={}), fact(), ("key",)),
        (wanted(window=(0, 5)), fact(window=(0, 5)), ()),
        (wanted(window=(0, 5)), fact(window=(0, 6)), ("window",)),
        (wanted(window=(0, 5)), fact(), ("window",)),
        (wanted(event_ids=("a", "b")), fact(event_ids=("b", "a")), ("event_ids",)),
        (wanted(reason="cleared"), fact(reason="no_data"), ("reason",)),
        (wanted(values={"n": 1, "m": None}), fact(values={"n": 1}), ()),
        (wanted(values={"n": 1, "m": None}), fact(values={"n": 2, "m": 0}), ("values.n", "values.m")),
        (wanted(actions=()), fact(), ()),
        (wanted(actions=()), fact(actions=("webhook x",)), ("actions",)),
        (wanted(actions=("webhook", "notify a")), fact(actions=("notify a", "webhook x")), ()),
        (wanted(actions=("notify", "notify a")), fact(actions=("notify a", "notify b")), ()),
        (wanted(actions=("notify",)), fact(actions=("notify a", "notify b")), ("actions",)),
        (wanted(actions=("notify b",)), fact(actions=("notify a",)), ("actions",)),
        (wanted(actions=("webhook", "webhook")), fact(actions=("webhook x",)), ("actions",)),
    ],
)
def test_what_differs(expectation: Expectation, found: Fact, differs: tuple[str, ...]) -> None:
    assert differences(expectation, found) == differs


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (1.0, 1.0 + 1e-8, False),
        (0, 1e-12, False),
        (True, 1, False),
        (False, False, True),
        ("1", 1, False),
        (None, 0, False),
        ([1, [2]], [1.0, [2]], True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (10**400, 10**400, True),
        (10**400, 10**400 + 1, False),
        (10**400, 0.5, False),
        (10**12, 10**12 + 1, False),
        (10.0**12, 10**12 + 1, True),
    ],
)
def test_values_are_equal_as_json_is(one: object, other: object, same: bool) -> None:
    assert equal(one, other) is same
    assert equal(other, one) is same


def test_a_mapping_among_values_may_hold_more() -> None:
    verdict = {"expected": {"low": 1.0, "high": 2.0}, "method": "iqr"}
    assert covers({"expected": {"high": 2}}, verdict)
    assert not covers({"expected": {"high": 3}}, verdict)
    assert not covers({"expected": {"middle": 3}}, verdict)
