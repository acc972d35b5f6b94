"""Long work in steps: a generator that gives a turn to others now and then, and returns what came of it."""

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import TypeAlias, TypeVar

T = TypeVar("T")

MANY = 64
"""Small pieces of work, of a few microseconds each, after which others may have a turn."""

Steps: TypeAlias = Generator[None, None, T]


def finished(steps: Steps[T]) -> T:
    """What comes of it, at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: T = done.value
            return found


def chunks(items: Iterable[T], size: int = MANY) -> Iterator[list[T]]:
    """So many of them at a time."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
