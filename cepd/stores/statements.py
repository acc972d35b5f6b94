"""SQL lives in `.sql` files: statements by name in `sql/`, numbered migrations in `migrations/`. This reads both."""

import re
from importlib.resources import files
from typing import NamedTuple

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_MIGRATION = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(NamedTuple):
    number: int
    name: str
    script: str


def load_statements(*stems: str) -> dict[str, str]:
    """The statements of `sql/<stem>.sql`, each under its line `-- name: NAME`."""
    found: dict[str, str] = {}
    for stem in stems:
        text = files("cepd.stores").joinpath("sql", f"{stem}.sql").read_text("utf-8")
        for name, statement in split_statements(text).items():
            assert name not in found, f"two statements are called {name}"
            found[name] = statement
    return found


def split_statements(text: str) -> dict[str, str]:
    before, *parts = _NAME.split(text)
    assert not before.strip(), "a statement without a name"
    return {name: statement.strip() for name, statement in zip(parts[::2], parts[1::2], strict=True)}


def load_migrations() -> list[Migration]:
    """In order of their numbers, which are 1, 2, 3 and so on."""
    found = sorted(
        Migration(int(parts[1]), parts[2], file.read_text("utf-8"))
        for file in files("cepd.stores").joinpath("migrations").iterdir()
        if (parts := _MIGRATION.fullmatch(file.name))
    )
    assert [migration.number for migration in found] == list(range(1, len(found) + 1)), "a migration is missing"
    return found
