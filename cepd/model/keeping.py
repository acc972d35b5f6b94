"""Where the action `store` keeps things: `file:NAME.ndjson` in the data directory, or `DATASOURCE/TABLE`."""

import re

import msgspec

from cepd.model.errors import InputError

FILE_PREFIX = "file:"
SUFFIX = ".ndjson"

_STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_TABLE = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,127})/([A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_]\w{0,62})?)", re.ASCII
)


class FileTarget(msgspec.Struct, frozen=True):
    name: str
    """With its suffix, and without a folder or another dot: files that are full have a number before the suffix."""


class TableTarget(msgspec.Struct, frozen=True):
    datasource: str
    table: str


def read_target(text: str) -> FileTarget | TableTarget:
    """InputError where it is neither, with the remedy."""
    if text.startswith(FILE_PREFIX):
        return FileTarget(checked_name(text.removeprefix(FILE_PREFIX)))
    found = _TABLE.fullmatch(text)
    if found is None:
        message = f"{text!r} says neither a file nor a table of a datasource"
        raise InputError(message, help="write file:NAME.ndjson, or DATASOURCE/TABLE")
    return TableTarget(found[1], found[2])


def checked_name(name: str) -> str:
    """The name of a file that may be kept. InputError for any other: it could lie elsewhere, or be in another's way."""
    if not name.endswith(SUFFIX) or not _STEM.fullmatch(name.removesuffix(SUFFIX)):
        help = "write file:NAME.ndjson, NAME of up to 64 letters, digits, - and _; it is kept in the data directory"
        raise InputError(f"{name!r} is not a name that a file can be kept under", help=help)
    return name
