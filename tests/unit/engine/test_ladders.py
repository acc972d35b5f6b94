"""What ladders find against the conditions themselves: nothing true is missed, and a sure ladder finds no more."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.conditions import compile_condition
from cepd.engine.expressions import parse_expression
from cepd.engine.ladders import ladders, rungs, threshold_of
from cepd.engine.paths import MISSING
from cepd.engine.running import Running
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.engine.stepping import finished
from cepd.model.rule import Aggregate, Rule, Window
from tests.support.rows import S, program, rule

AGGREGATES = {"m": Aggregate("max", "v"), "n": Aggregate("count"), "l": Aggregate("last", "v")}

limits = st.sampled_from([-2, -1.5, 0, 1, 1.0, 2, 2.5, 2**53 + 1, 10**30])
comparisons = st.builds("{0} {1} {2}".format, st.sampled_from("mnl"), st.sampled_from([">", ">=", "<", "<="]), limits)
mirrored = st.builds("{2} {1} {0}".format, st.sampled_from("mnl"), st.sampled_from([">", ">=", "<", "<="]), limits)
others = st.sampled_from(["m == 1", "l == 'a'", "m + n > 2", "not (m > 1)", "m > n", "m > 1 or n > 2", "exists(l)"])
single = st.one_of(comparisons, mirrored, others)
havings = st.one_of(
    single, st.builds("{} and {}".format, single, single), st.builds("({}) or {}".format, single, single)
)
numbers = st.sampled_from([-3, -2, -1.5, 0, 0.5, 1, 1.0, 2, 2.5, 3, 2**53, 2.0**53, 2**53 + 1, 2**53 + 2, 10**30, 1e30])
values = st.one_of(numbers, st.sampled_from([MISSING, None, True, "a", "2", [3]]))


def windowed(name: str, having: str | None, **parts: object) -> Rule:
    condition = None if having is None else parse_expression(having)
    given = {"window": Window("tumbling", size=10 * S), "aggregate": AGGREGATES, "having": condition}
    return rule(name, **{**given, **parts})


def members_of(*rules: Rule) -> list[Running]:
    compiled = program(*rules).compiled
    return [
        Running(found, place, RuleState(found.state, found.episode), RuleStats(), set())
        for place, found in enumerate(compiled.values())
    ]


@given(st.lists(havings, min_size=1, max_size=8), st.lists(values, min_size=3, max_size=3))
@settings(max_examples=300, deadline=None)
def test_no_member_that_is_true_is_missed(texts: list[str], found: list[object]) -> None:
    members = members_of(*(windowed(f"r{number}", text) for number, text in enumerate(texts)))
    given_values = dict(zip("mnl", found, strict=True))
    there = {name: value for name, value in given_values.items() if value is not MISSING}
    made, rest = ladders(members)
    named = {member.rule.id: member for ladder in made for member in ladder.members}
    assert sorted([*named, *(member.rule.id for member in rest)]) == [member.rule.id for member in members]
    for ladder in made:
        output = next(name for name, aggregate in AGGREGATES.items() if aggregate == ladder.aggregate)
        height = ladder.height(given_values[output])
        for place, (limit, member) in enumerate(zip(ladder.limits, ladder.members, strict=True)):
            true = compile_condition(member.rule.having)(there)
            assert not true or place < height
            assert (place < height) == ladder.crosses(given_values[output], limit)
            assert not ladder.sure or true == (place < height)


@given(st.sampled_from([">", ">=", "<", "<="]), st.lists(limits, min_size=1, max_size=5), st.lists(values, max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_values_beyond_each_limit_are_those_that_the_condition_says(
    op: str, given_limits: list[float], found: list[object]
) -> None:
    rules = [windowed(f"r{number}", f"m {op} {limit}") for number, limit in enumerate(given_limits)]
    members = members_of(*rules)
    for member in members:
        ladder, limit = rungs(members)[member.rule.id]
        holds = compile_condition(member.rule.having)
        expected = {f"k{place}" for place, value in enumerate(found) if value is not MISSING and holds({"m": value})}
        crossing = finished(ladder.crossing([f"k{place}" for place in range(len(found))], found))
        assert sorted(crossing.beyond(limit)) == sorted(expected)
        crossing.beyond(ladder.limits[-1])
        assert sorted(crossing.beyond(limit)) == sorted(expected), "the same once the keys are in another order"


def test_what_stands_on_no_ladder() -> None:
    plain = ["m == 1", "not (m > 1)", "m > 1 or n > 1", "m > n", "host > 1", "length(m) > 1", "m * 2 > 1"]
    assert [threshold_of(windowed("r", text)) for text in plain] == [None] * len(plain)
    assert threshold_of(windowed("r", None)) is None


def test_a_name_that_may_mean_something_else_is_not_compared_ahead() -> None:
    aggregates = {
        "host": Aggregate("avg", "v"),
        "p_approximate": Aggregate("count"),
        "p": Aggregate("percentile", "v", 5),
    }
    assert threshold_of(windowed("r", "host > 1", aggregate=aggregates, group_by=("host.name",))) is None
    assert threshold_of(windowed("r", "p_approximate > 1", aggregate=aggregates)) is None
    found = threshold_of(windowed("r", "p_approximate > 1 and (host == 2 and 3 >= p)", aggregate=aggregates))
    assert found == ("p", "<=", 3, False)


def test_a_rule_that_holds_is_never_sure_to_have_fired() -> None:
    made, _ = ladders(members_of(windowed("a", "m > 1"), windowed("b", "m > 1", hold=5 * S)))
    assert [(ladder.sure, [member.rule.id for member in ladder.members]) for ladder in made] == [
        (True, ["a"]),
        (False, ["b"]),
    ]
