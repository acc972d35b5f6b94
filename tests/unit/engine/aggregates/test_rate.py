"""Rates: events per second of the length that the window really has."""

from cepd.engine.paths import MISSING
from cepd.model.duration import HOUR, MILLISECOND, SECOND
from tests.support.columns import aggregate, filled


def test_a_rate_is_per_second_of_the_windows_length() -> None:
    column = filled("rate", [None] * 90)
    spans = {SECOND: 90.0, 60 * SECOND: 1.5, 25 * HOUR: 0.001, 500 * MILLISECOND: 180.0}
    assert {span: column.value(0, aggregate("rate"), span) for span in spans} == spans


def test_no_length_no_rate() -> None:
    assert filled("rate", [None]).value(0, aggregate("rate"), 0) is MISSING
