"""Which rules no index serves: what a linter hears before anything is compiled, and what the running program counts."""

import random

from cepd.engine.costs import unindexed, unindexed_count
from cepd.engine.matching import MANY
from cepd.model.rule import EventTrigger, Rule
from tests.support.rows import program, rule

CONDITIONS = (
    'host == "h{n}"',
    "cpu > {n}",
    "cpu != {n}",
    'host == "h" and cpu != {n}',
    'contains(message, "error {n}")',
    'matches(message, "error {n}")',
    "a{n} == 1 or cpu == {n}",
)
SEARCHES = ('matches(message, "[0-9]{3}")', 'cpu > 3 and matches(message, "[0-9]{3}")')


def typed(rule_id: str, when: str | None, *types: str) -> Rule:
    return rule(rule_id, when, trigger=EventTrigger(types or None))


def random_rules(seed: int) -> list[Rule]:
    rng = random.Random(seed)
    made = []
    for number in range(400):
        common = rng.choices(CONDITIONS, [3, 3, 2, 2, 2, 2, 1])[0].replace("{n}", str(number % 90))
        when = rng.choice(SEARCHES) if rng.random() < 0.02 else common
        made.append(typed(f"r{number}", when, *rng.sample("abc", rng.choice([1, 1, 2]))))
    return [*made, *(typed(f"all{number}", f"cpu != {number}") for number in range(rng.choice([20, 60])))]


def test_the_linter_and_the_running_program_agree() -> None:
    counts = set()
    for seed in range(6):
        rules = random_rules(seed)
        told = {found.rule_id for found in unindexed(rules)}
        assert len(told) == unindexed_count(program(*rules))
        assert {one.id for one in rules if one.when is not None and one.id in told} == told
        counts.add(len(told) > 60)
    assert True in counts


def test_a_crowd_costs_what_its_tests_cost_together() -> None:
    found = unindexed([typed(f"r{number}", f"not (a == {number}) and b * 2 > 1", "x") for number in range(MANY + 1)])
    assert {(one.event_type, one.cost.nanoseconds, one.together) for one in found} == {("x", 320, 320 * (MANY + 1))}


def test_types_are_told_apart_and_every_event_is_a_type_of_its_own() -> None:
    rules = [typed(f"r{number}", f"cpu != {number}", "x") for number in range(MANY)]
    rules += [typed(f"all{number}", f"cpu != {number}") for number in range(MANY)]
    assert unindexed(rules) == []
    rules.append(typed("one-more", "cpu != 0"))
    assert {one.event_type for one in unindexed(rules)} == {None}
    assert len(unindexed(rules)) == unindexed_count(program(*rules)) == MANY + 1


def test_a_guarded_search_is_not_told() -> None:
    rules = [typed("bare", SEARCHES[0]), typed("guarded", SEARCHES[1])]
    assert [one.rule_id for one in unindexed(rules)] == ["bare"]
    assert unindexed_count(program(*rules)) == 1
