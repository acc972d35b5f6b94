"""Durations: exact in both directions, and refused where they would be something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.model.duration import DAY, HOUR, MINUTE, SECOND, format_duration, parse_duration
from cepd.model.errors import InputError


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", 0),
        ("1us", 1),
        ("250ms", 250_000),
        ("30s", 30 * SECOND),
        ("5m", 5 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("0.1s", 100_000),
        ("2.675s", 2_675_000),
        ("2d", 2 * DAY),
        ("1w", 7 * DAY),
        ("1m1ms", MINUTE + 1_000),
        ("3660d", 3_660 * DAY),
        ("0.3h0.7h", HOUR),
    ],
)
def test_parse(text, span):
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "5 m", " 5m", "5m\n", "-5m", "+5m", "5M", "1.d", ".5h", "1e3s", "٣m", "5 minutes", "1h,5m", "5mm"],
)
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match="is not a duration") as caught:
        parse_duration(text)
    assert "1h30m" in caught.value.help


@pytest.mark.parametrize("text", ["3660d1us", "9999999w", "9" * 60 + "s"])
def test_too_long(text):
    with pytest.raises(InputError, match="longer than ten years"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9" * 5000 + "s", "1s" * 1000])
def test_endless_texts_are_refused_and_not_computed(text):
    with pytest.raises(InputError):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0.5us", "0.0000001s", "1.0000015s"])
def test_nothing_is_rounded_away(text):
    with pytest.raises(InputError, match="whole number of microseconds"):
        parse_duration(text)


@given(st.integers(0, 3_660 * DAY))
def test_format_is_the_inverse(span):
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize(
    ("span", "text"),
    [(0, "0s"), (90 * SECOND, "1m30s"), (DAY + 1, "1d1us"), (1_000, "1ms"), (8 * DAY, "1w1d")],
)
def test_format(span, text):
    assert format_duration(span) == text
