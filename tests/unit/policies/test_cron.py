"""Cron expressions: what is taken means what crontab(5) says, and what is refused is refused by name."""

from datetime import UTC, datetime

import pytest
from croniter import croniter

from cepd.model.errors import InputError
from cepd.policies.cron import check_cron

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * *", "Mon 2024-01-01 00:01"),
        ("*/15 * * * *", "Mon 2024-01-01 00:15"),
        ("30 6 * * *", "Mon 2024-01-01 06:30"),
        ("0 9-17/4 * * *", "Mon 2024-01-01 09:00"),
        ("0 0 * * 0", "Sun 2024-01-07 00:00"),
        ("0 0 * * 7", "Sun 2024-01-07 00:00"),
        ("0 0 * * SUN", "Sun 2024-01-07 00:00"),
        ("0 0 * * Fri-Sun", "Fri 2024-01-05 00:00"),
        ("0 0 * * 6-7", "Sat 2024-01-06 00:00"),
        ("0 0 * * sat,SUN", "Sat 2024-01-06 00:00"),
        ("0 0 1 feb,MAR *", "Thu 2024-02-01 00:00"),
        ("0 0 1 3-5 *", "Fri 2024-03-01 00:00"),
        ("0 0 29 2 *", "Thu 2024-02-29 00:00"),
        ("0 0 31 2,4 1", "Mon 2024-02-05 00:00"),
        ("  05 \t 04 * * * ", "Mon 2024-01-01 04:05"),
    ],
)
def test_taken(text, due):
    check_cron(text)
    assert croniter(" ".join(text.split()), NEW_YEAR).get_next(datetime).strftime("%a %Y-%m-%d %H:%M") == due


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        ("", "five fields", "*/5 * * * *"),
        ("* * * *", "five fields", "*/5 * * * *"),
        ("* * * * * *", "five fields", "leave out the seconds"),
        ("* * * * * * *", "five fields", "minute, hour"),
        ("@daily", "@daily", "0 0 * * *"),
        ("@reboot", "@reboot", "five fields"),
        ("60 * * * *", "minute: 60", "0 to 59"),
        ("* 24 * * *", "hour: 24", "0 to 23"),
        ("* * 0 * *", "day of month: 0", "1 to 31"),
        ("* * * 13 *", "month: 13", "1 to 12"),
        ("* * * * 8", "day of week: 8", "0 to 7"),
        ("-1 * * * *", "minute: '-1'", "a range"),
        ("1.5 * * * *", "minute: '1.5'", "a range"),
        ("sun * * * *", "minute: 'sun'", "0 to 59"),
        ("* * * sun *", "month: 'sun'", "jan"),
        ("* * * * january", "day of week: 'january'", "sun"),
        ("*/0 * * * *", "minute: the step 0", "1 to 59"),
        ("*/60 * * * *", "minute: the step 60", "1 to 59"),
        ("*/-5 * * * *", "minute: '*/-5'", "a step"),
        ("5/10 * * * *", "minute: '5/10'", "5-59/10"),
        ("0 22-2 * * *", "hour: '22-2'", "list"),
        ("0 0 * * 7-7", "day of week: '7-7'", "list"),
        ("0 0 * * sat-mon", "day of week: 'sat-mon'", "list"),
        ("1,,2 * * * *", "minute: ''", "a list"),
        ("1, * * * *", "minute: ''", "a list"),
        ("٣ * * * *", "minute: '٣'", "a value"),
        ("0 0 L * *", "day of month: 'L'", "1 to 31"),
        ("0 0 ? * *", "day of month: '?'", "*"),
        ("0 0 * * mon#2", "day of week: 'mon#2'", "a value"),
        ("H * * * *", "minute: 'H'", "0 to 59"),
        ("R * * * *", "minute: 'R'", "0 to 59"),
        ("9" * 5000 + " * * * *", "minute: 9", "0 to 59"),
        ("*/" + "9" * 5000 + " * * * *", "minute: the step", "1 to 59"),
        ("0 0 30 2 *", "never comes due", "no month"),
        ("0 0 31 4,6,9,11 *", "never comes due", "no month"),
    ],
)
def test_refused(text, reason, remedy):
    with pytest.raises(InputError) as caught:
        check_cron(text)
    assert reason in caught.value.message
    assert remedy in caught.value.help
