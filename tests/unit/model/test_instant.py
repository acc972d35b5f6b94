"""Points in time: what is read from events, and the text form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.model import instant as instants
from cepd.model.duration import DAY
from cepd.model.instant import format_instant, read_instant
from tests.support.instants import instant_of

NEW_YEAR = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
LATEST = 253_402_300_800_000_000 - 1


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("2026-01-01 00:00:00Z", NEW_YEAR),
        ("2026-01-01T00:00:00-00:00", NEW_YEAR),
        ("2026-01-01T09:00:00+09:00", NEW_YEAR),
        ("2025-12-31T18:30:00-05:30", NEW_YEAR),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + 500_000),
        ("2026-01-01T00:00:00.123456789Z", NEW_YEAR + 123_456),
        ("2025-12-31T23:59:60Z", NEW_YEAR),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999999Z", LATEST),
        (0, 0),
        (1_767_225_600, NEW_YEAR),
        (1_767_225_600.25, NEW_YEAR + 250_000),
        (1_767_225_600_000, NEW_YEAR),
        (1_767_225_600_000.5, NEW_YEAR + 500),
        (100_000_000_000, 100_000_000_000_000_000),
        (100_000_000_001, 100_000_000_001_000),
        (-0.0, 0),
    ],
)
def test_read(value, instant):
    assert read_instant(value) == instant


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        {},
        "",
        "now",
        "1767225600",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00Z\n",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+05:60",
        "2026-01-01T00:00:61Z",
        "٢026-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:60Z",
        -1,
        -0.5,
        10**17,
        10**500,
        1e18,
        float("inf"),
        float("nan"),
    ],
)
def test_what_is_no_time(value):
    assert read_instant(value) is None


@given(st.integers(0, LATEST))
def test_text_is_the_inverse(instant):
    assert read_instant(format_instant(instant)) == instant


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)),
    st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_any_zone_means_the_same_moment(moment, zone):
    expected = (moment.replace(tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read_instant(moment.replace(tzinfo=zone).isoformat()) == expected


def two_digits(*unusual: str) -> st.SearchStrategy[str]:
    return st.one_of(st.integers(0, 99).map("{:02d}".format), st.sampled_from(["00", "01", "12", "23", "59", *unusual]))


seconds = st.builds(
    "{}-{}-{}{}{}:{}:{}".format,
    st.sampled_from(["0000", "0001", "1969", "1970", "2024", "2026", "9999", "٢026", "026"]),
    st.sampled_from(["00", "01", "02", "12", "13", "1"]),
    st.sampled_from(["00", "01", "28", "29", "30", "31", "32"]),
    st.sampled_from(["T", "t", " ", "_"]),
    two_digits("24"),
    two_digits("60"),
    two_digits("60", "61", "٢0", "6"),
)
fractions = st.one_of(
    st.just(""), st.sampled_from([".", ".٢", "..1", ".5.5", ",5", ". 1"]), st.from_regex(r"\A\.[0-9]{1,9}\Z")
)
zones = st.one_of(
    st.sampled_from(["Z", "z", "", "ZZ", "Z\n", "+0900", "+9:00", "+00:60", "+24:00", "-24:00", "+٢0:00", "+23:59"]),
    st.builds("{}{}:{}".format, st.sampled_from("+-"), two_digits("24"), two_digits("60")),
)
times = st.builds("{}{}{}".format, seconds, fractions, zones)


@given(st.lists(times, min_size=1, max_size=10))
@settings(max_examples=500)
def test_any_text_means_what_it_means_read_at_once_however_often_its_parts_were_seen(texts):
    for text in texts * 2:
        assert read_instant(text) == instant_of(text)


@given(seconds, st.lists(st.tuples(fractions, zones), max_size=10))
def test_one_second_with_many_ends(second, ends):
    for fraction, zone in ends * 2:
        assert read_instant(second + fraction + zone) == instant_of(second + fraction + zone)


def test_a_zone_leads_a_known_second_out_of_the_years():
    for text in ("1970-01-01T12:00:00", "9999-12-31T12:00:00"):
        assert read_instant(f"{text}Z") is not None
    assert read_instant("1970-01-01T12:00:00+13:00") is None
    assert read_instant("9999-12-31T12:00:00-12:00") is None


def test_what_was_read_lately_is_all_that_is_remembered():
    for second in range(10_000):
        for part in (f"{second % 1000:03d}Z", f"{second:06d}Z"):
            assert read_instant(format_instant(second * 1_000_000)[:-1] + f".{part}") is not None
    assert 0 < len(instants._seconds) <= 4096
    assert 0 < len(instants._shifts) <= 4096


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NEW_YEAR, "2026-01-01T00:00:00Z"),
        (NEW_YEAR + 250_000, "2026-01-01T00:00:00.25Z"),
        (NEW_YEAR + 1, "2026-01-01T00:00:00.000001Z"),
        (LATEST, "9999-12-31T23:59:59.999999Z"),
        (LATEST + 1, "9999-12-31T23:59:59.999999Z"),
        (LATEST + 3660 * DAY, "9999-12-31T23:59:59.999999Z"),
        (-3660 * DAY, "1959-12-25T00:00:00Z"),
    ],
)
def test_format(instant, text):
    assert format_instant(instant) == text
