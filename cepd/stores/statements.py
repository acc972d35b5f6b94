"""SQL lives in `.sql` files: statements by name in `sql/`, numbered migrations in `migrations/`. This reads both.

The statements are written once, in SQLite's words. What PostgreSQL needs beside them stands in comments that begin
with `postgresql:`; the rest of the difference is mechanical: how parameters are marked, and how a list comes in.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, TypeAlias

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

STEMS = ("record", "alerts", "acks", "deliveries", "redrive", "stream", "retention", "executions")

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_MIGRATION = re.compile(r"(\d{4})_(\w+)\.sql")
_COMMENT = re.compile(r"--[^\n]*")
_OTHERS = re.compile(r"/\*postgresql: (.*?) \*/")
_LIST = re.compile(r"json_each\((:\w+)\)")
_PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")


class Migration(NamedTuple):
    number: int
    name: str
    script: str


class Numbered(NamedTuple):
    """A statement as PostgreSQL takes it, and the names of its parameters $1, $2 and so on."""

    text: str
    parameters: tuple[str, ...]


@cache
def load_statements(*stems: str) -> Mapping[str, str]:
    """The statements of `sql/<stem>.sql`, each under its line `-- name: NAME`."""
    found: dict[str, str] = {}
    for stem in stems:
        text = files("cepd.stores").joinpath("sql", f"{stem}.sql").read_text("utf-8")
        for name, statement in split_statements(text).items():
            assert name not in found, f"two statements are called {name}"
            found[name] = statement
    return found


def filled(statements: Mapping[str, str], name: str, filters: Sequence[str]) -> str:
    """A statement with the conditions of those names in the place of `{filters}`."""
    text = statements[name]
    return text.format(filters=" ".join(statements[each] for each in filters)) if "{filters}" in text else text


def split_statements(text: str) -> dict[str, str]:
    before, *parts = _NAME.split(text)
    assert not before.strip(), "a statement without a name"
    return {name: statement.strip() for name, statement in zip(parts[::2], parts[1::2], strict=True)}


def numbered(statement: str) -> Numbered:
    """A statement in PostgreSQL's words."""
    text = _OTHERS.sub(r"\1", _COMMENT.sub("", statement))
    text = _LIST.sub(r"json_array_elements_text(\1::json)", text)
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return Numbered(_PARAMETER.sub(place, text), tuple(names))


def load_migrations(dialect: Dialect) -> list[Migration]:
    """In order of their numbers, which are 1, 2, 3 and so on."""
    found = sorted(
        Migration(int(parts[1]), parts[2], file.read_text("utf-8"))
        for file in files("cepd.stores").joinpath("migrations", dialect).iterdir()
        if (parts := _MIGRATION.fullmatch(file.name))
    )
    assert [migration.number for migration in found] == list(range(1, len(found) + 1)), "a migration is missing"
    return found
