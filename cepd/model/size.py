"""Amounts of bytes, as people write them: `512MiB`, `16GiB`."""

import re

from cepd.model.errors import InputError

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40

UNITS: dict[str, int] = {"KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}

_SIZE = re.compile(r"([1-9]\d{0,8})(KiB|MiB|GiB|TiB)", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes. Raises InputError with the remedy."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise InputError(f"{text!r} is not a size", help="write a whole number and a unit: 512MiB, 16GiB")
    return int(found[1]) * UNITS[found[2]]


def format_size(size: int) -> str:
    """In the largest unit that leaves a whole number below 10,000, rounded down."""
    return next((f"{size // unit}{name}" for name, unit in UNITS.items() if size // unit < 10_000), f"{size // TIB}TiB")
