"""Calendar windows on the days on which clocks are set, worked out from the zones' published changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.calendar import Calendar, calendar_fault
from cepd.model.duration import DAY, HOUR, MINUTE, SECOND

WEEK = 7 * DAY


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text):
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("size", "zone", "time", "start", "end"),
    [
        (DAY, None, "2026-03-01T23:59:59.999999Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
        (DAY, None, "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"),
        (DAY, "Asia/Seoul", "2026-03-01T15:00:00Z", "2026-03-01T15:00:00Z", "2026-03-02T15:00:00Z"),
        (DAY, "Asia/Seoul", "2026-03-01T14:59:59.999999Z", "2026-02-28T15:00:00Z", "2026-03-01T15:00:00Z"),
        # 23 hours: clocks go from 02:00 to 03:00 on 2026-03-29; 25 hours: from 03:00 to 02:00 on 2026-10-25
        (DAY, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (DAY, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        # no midnight: 2018-11-04 begins at 01:00 at -02:00
        (DAY, "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        (DAY, "America/Sao_Paulo", "2018-11-04T02:59:59.999999Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"),
        (DAY, "Asia/Beirut", "2026-03-29T05:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        # 2018-10-27 has its last hour twice: the clock goes from 24:00 to 23:00
        (DAY, "Asia/Beirut", "2018-10-27T21:30:00Z", "2018-10-26T21:00:00Z", "2018-10-27T22:00:00Z"),
        # 2018-11-04 has its first hour twice, so midnight too: the clock goes from 01:00 to 00:00
        (DAY, "America/Havana", "2018-11-04T05:30:00Z", "2018-11-04T04:00:00Z", "2018-11-05T05:00:00Z"),
        # one minute of 2010-11-07, then 59 of the day before again: 00:01 goes to 23:01
        (DAY, "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        (DAY, "America/St_Johns", "2010-11-07T02:29:59Z", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z"),
        # from 23:30 to 00:30: 1919-03-31 begins inside the jump
        (DAY, "America/Toronto", "1919-03-31T04:30:00Z", "1919-03-31T04:30:00Z", "1919-04-01T04:00:00Z"),
        # the date 2011-12-30 does not exist
        (DAY, "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        (DAY, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        # 2026-03-02 is a Monday; the week with the change of clocks has 167 hours
        (WEEK, None, "2026-03-08T23:59:59Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
        (WEEK, None, "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"),
        (WEEK, "Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
        # parts of a day follow the clock: the one in which it is set is shorter or longer
        (6 * HOUR, "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z"),
        (6 * HOUR, "Europe/Berlin", "2026-03-29T04:00:00Z", "2026-03-29T04:00:00Z", "2026-03-29T10:00:00Z"),
        (6 * HOUR, "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T05:00:00Z"),
        (HOUR, "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
        (HOUR, "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
        # half an hour: the clock of Lord Howe goes from 02:00 to 01:30
        (HOUR, "Australia/Lord_Howe", "2026-04-04T15:15:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z"),
        # quarters of an hour off UTC
        (HOUR, "Asia/Kathmandu", "2026-01-01T00:20:00Z", "2026-01-01T00:15:00Z", "2026-01-01T01:15:00Z"),
    ],
)
def test_bounds(size, zone, time, start, end):
    assert Calendar(size, zone).bounds(at(time)) == (at(start), at(end))


@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Beirut", "America/Havana", "Pacific/Apia", None]),
    st.sampled_from([HOUR, 3 * HOUR, 12 * HOUR, DAY, WEEK]),
    st.integers(at("2009-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")),
)
@settings(max_examples=150, deadline=None)
def test_windows_hold_their_times_and_leave_no_gap(zone, size, time):
    calendar = Calendar(size, zone)
    start, end = calendar.bounds(time)
    assert start <= time < end
    assert size - DAY < end - start < size + DAY + MINUTE
    assert Calendar(size, zone).bounds(start) == Calendar(size, zone).bounds(end - 1) == (start, end)
    assert calendar.bounds(end)[0] == end
    assert calendar.bounds(start - 1)[1] == start
    assert calendar.bounds(time) == (start, end)


@pytest.mark.parametrize("time", [-(10**17), -1, 253_402_300_800 * SECOND - 1])
@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/Sao_Paulo"])
def test_times_at_the_ends_of_what_datetime_holds(zone, time):
    start, end = Calendar(DAY, zone).bounds(time)
    assert start <= time < end


def test_sizes_that_fit_no_calendar():
    assert calendar_fault(DAY) is calendar_fault(WEEK) is calendar_fault(6 * HOUR) is None
    for size in (2 * DAY, 14 * DAY, 5 * HOUR, 30 * MINUTE, 25 * HOUR, 1):
        assert "1d and 7d" in (calendar_fault(size) or "")


def test_a_zone_that_is_not_known():
    with pytest.raises(ZoneInfoNotFoundError):
        Calendar(DAY, "Mars/Olympus")
