"""Query parameters, read with errors that name them."""

import pytest

from cepd.model.errors import InputError
from cepd.web.query import instant, number

DAY = 1_767_225_600  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T00:00:00Z", DAY),
        ("2026-01-01 00:00:00Z", DAY),
        ("2026-01-01T09:00:00+09:00", DAY),
        ("2026-01-01T09:00:00 09:00", DAY),
        (str(DAY), DAY),
        (f"{DAY}.5", DAY + 0.5),
        (f"{DAY}000", DAY),
        ("0", 0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert instant({"from": text}, "from") == round(seconds * 1_000_000)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "-1", "1e9", "9" * 5000, "٣"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(InputError, match="'from' is not a time"):
        instant({"from": text}, "from")


@pytest.mark.parametrize("text", ["0", "11", "-1", "1.0", " 1", "١", "9" * 5000, "ten"])
def test_a_number_out_of_range_is_named(text: str) -> None:
    with pytest.raises(InputError, match="'limit'"):
        number({"limit": text}, "limit", default=5, most=10)


def test_numbers() -> None:
    assert [number(given, "limit", default=5, most=10) for given in ({}, {"limit": "1"}, {"limit": "10"})] == [5, 1, 10]
