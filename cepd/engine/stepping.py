"""Long work in steps: a generator that gives a turn to others now and then, and returns what came of it."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[None, None, T]


def finished(steps: Steps[T]) -> T:
    """What comes of it, at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: T = done.value
            return found
