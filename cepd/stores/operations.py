"""What an operation of the store is: a generator that asks for statements and gets their rows.

So each operation is written once, and is one transaction of whatever database runs it: a thread of SQLite drives it by
calls, a connection to PostgreSQL by awaiting. An operation touches nothing but what it asks for, and may be given up
at any question.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

T = TypeVar("T")


class Row(Protocol):
    """A row of any driver: columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


class One(NamedTuple):
    """A statement by name. `filters` are the names of what stands for `{filters}` in it."""

    name: str
    values: Mapping[str, Any]
    filters: tuple[str, ...] = ()


class Many(NamedTuple):
    """A statement for each set of values; gives no rows."""

    name: str
    values: Sequence[Mapping[str, Any]]


Query: TypeAlias = One | Many
Rows: TypeAlias = Sequence[Row]
Operation: TypeAlias = Generator[Query, Rows, T]


def one(name: str, /, *, filters: Iterable[str] = (), **values: Any) -> One:
    return One(name, storable(values), tuple(filters))


def many(name: str, /, values: Iterable[Mapping[str, Any]]) -> Many:
    return Many(name, [storable(each) for each in values])


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as every database takes them: truth as 0 and 1, and text without NUL, which PostgreSQL cannot hold."""
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and "\x00" in value:
        return value.replace("\x00", "\ufffd")
    return value


def perform(operation: Operation[T], execute: Callable[[Query], Rows]) -> T:
    """The result of an operation whose statements are run by `execute`."""
    try:
        query = next(operation)
        while True:
            query = operation.send(execute(query))
    except StopIteration as done:
        result: T = done.value
        return result


async def perform_async(operation: Operation[T], execute: Callable[[Query], Awaitable[Rows]]) -> T:
    try:
        query = next(operation)
        while True:
            query = operation.send(await execute(query))
    except StopIteration as done:
        result: T = done.value
        return result
