"""A unit's state as one text."""

from cepd.engine.unit import Unit


def save(unit: Unit) -> bytes:
    return b"".join(unit.saving())
