"""Stateless rules in six mixes, from what an index serves best to what none can serve. Rules hardly ever match."""

import random
from collections.abc import Callable
from typing import NamedTuple

from cepd.model.rule import EventTrigger, Rule
from tests.bench.events import TYPES
from tests.support.rows import rule


class Mix(NamedTuple):
    name: str
    about: str
    make: Callable[[int, random.Random], Rule]
    """The rule of a number."""
    types: int = len(TYPES)
    """Event types of the stream."""
    indexable: bool = True

    def rules(self, count: int) -> list[Rule]:
        dice = random.Random(5)
        return [self.make(number, dice) for number in range(count)]


def typed(number: int, when: str, types: int = len(TYPES)) -> Rule:
    return rule(f"r{number}", when, trigger=EventTrigger((TYPES[number % types],)))


def realistic(number: int, dice: random.Random) -> Rule:
    high = round(dice.uniform(99, 100), 3)
    kind = dice.random()
    if kind < 0.55:
        when = f"value > {high}"
    elif kind < 0.75:
        when = f'host == "web-{dice.randrange(1000):04d}" and data.cpu > {round(dice.uniform(80, 100), 1)}'
    elif kind < 0.85:
        least = round(dice.uniform(97, 100), 2)
        when = f'severity in ["critical"] and service == "billing" and value > {least}'
    elif kind < 0.93:
        when = f'contains(data.msg, "needle-{number} ") and value > 50'
    else:
        when = f'(value > {high} or data.cpu < 0.3) and not service == "login"'
    return typed(number, when)


def by_host(number: int, dice: random.Random) -> Rule:
    return typed(number, f'host == "web-{number % 1000:04d}" and value > {round(dice.uniform(90, 100), 2)}', types=1)


def by_threshold(number: int, dice: random.Random) -> Rule:
    return typed(number, f"value > {round(dice.uniform(99.9, 100), 6)}", types=1)


def by_text(number: int, dice: random.Random) -> Rule:
    return rule(f"r{number}", f'contains(data.msg, "{dice.choice(("error", "refused", "timeout"))} code {number}")')


def by_either(number: int, dice: random.Random) -> Rule:
    return typed(number, f"value > {99.5 + number / 1e6:.6f} or data.cpu < 0.3")


def by_nothing(number: int, dice: random.Random) -> Rule:
    return rule(f"r{number}", f"value > 99.99 or data.cpu < {0.01 * (number % 3):.2f} or not exists(host)")


MIXES = (
    Mix("M1", "realistic, 200 types", realistic),
    Mix("M2", "one type, host and threshold", by_host, types=1),
    Mix("M3", "one type, thresholds on one field", by_threshold, types=1),
    Mix("M4", "texts, no type", by_text),
    Mix("M5", "200 types, either of two fields", by_either),
    Mix("M6", "nothing to index, no type", by_nothing, indexable=False),
)
