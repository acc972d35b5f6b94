import pytest

from cepd.model.delivery import Outcome, Result
from cepd.model.duration import HOUR, MINUTE, SECOND
from cepd.model.terms import Terms
from cepd.policies.retry import Step, next_step, result_of, retry_after
from tests.support.deliveries import a_delivery

NOW = 1_767_268_800_000_000  # Thu, 01 Jan 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("result", "statuses"),
    [
        ("sent", [200, 201, 202, 204, 299]),
        ("retryable", [408, 425, 500, 502, 503, 504, 599]),
        ("rate_limited", [429]),
        ("auth", [401, 403]),
        ("permanent", [301, 302, 304, 307, 308, 400, 402, 404, 409, 410, 413, 422, 499]),
    ],
)
def test_the_cause_of_every_status(result: Result, statuses: list[int]) -> None:
    assert {result_of(status) for status in statuses} == {result}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("7", 7 * SECOND),
        (" 120 ", 2 * MINUTE),
        ("9" * 500, HOUR),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30 * SECOND),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 14:00:30 +0200", 30 * SECOND),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30 * SECOND),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Thu, 99 Jan 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected: int | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == expected


def test_no_retry_after() -> None:
    assert retry_after({}, NOW) is None


@pytest.mark.parametrize("result", ["retryable", "unknown"])
def test_five_tries_with_the_schedule_between_them(result: Result) -> None:
    delivery, waits, now = a_delivery(), [], NOW
    while True:
        step = next_step(delivery, Outcome(result=result), now, 1.0)
        if step.state == "dead":
            break
        assert step.state == "pending"
        waits.append(step.next_at - now)
        delivery, now = a_delivery(attempts=step.attempts), step.next_at
    assert waits == [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert step.attempts == 5


@pytest.mark.parametrize(("jitter", "wait"), [(0.9, 3_600_000), (1.1, 4_400_000)])
def test_jitter_moves_the_wait(jitter: float, wait: int) -> None:
    step = next_step(a_delivery(attempts=2), Outcome(result="retryable"), NOW, jitter)
    assert step == Step(state="pending", attempts=3, next_at=NOW + wait)


@pytest.mark.parametrize("result", ["auth", "permanent"])
def test_what_will_not_change_is_dead_at_once(result: Result) -> None:
    assert next_step(a_delivery(), Outcome(result=result), NOW, 1.0) == Step(
        state="dead", attempts=1, next_at=NOW, falls_back=True
    )


def test_sent() -> None:
    step = next_step(a_delivery(attempts=3), Outcome(result="sent"), NOW, 1.0)
    assert step == Step(state="sent", attempts=4, next_at=NOW)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(None, 2 * SECOND), (0, SECOND), (SECOND // 2, SECOND), (MINUTE, MINUTE), (9 * HOUR, HOUR)],
)
def test_being_rate_limited_uses_up_no_try(asked: int | None, wait: int) -> None:
    step = next_step(a_delivery(attempts=1), Outcome(result="rate_limited", retry_after=asked), NOW, 1.0)
    assert step == Step(state="pending", attempts=1, next_at=NOW + wait)


def test_being_rate_limited_after_the_last_wait_and_without_waits() -> None:
    limited = Outcome(result="rate_limited")
    assert next_step(a_delivery(attempts=4), limited, NOW, 1.0).next_at == NOW + 8 * SECOND
    assert next_step(a_delivery(delays=()), limited, NOW, 1.0).next_at == NOW + SECOND


def test_a_wait_that_the_receiver_asks_for_wins_and_still_counts() -> None:
    outcome = Outcome(result="retryable", retry_after=MINUTE)
    assert next_step(a_delivery(), outcome, NOW, 0.9) == Step(state="pending", attempts=1, next_at=NOW + MINUTE)
    assert next_step(a_delivery(attempts=4), outcome, NOW, 1.0).state == "dead"


def test_no_waits_mean_one_try() -> None:
    assert next_step(a_delivery(delays=()), Outcome(result="retryable"), NOW, 1.0).state == "dead"


def test_what_may_have_arrived_is_left_to_a_person_where_the_terms_say_so() -> None:
    held = a_delivery(attempts=2, terms=Terms(on_unknown="hold"))
    assert next_step(held, Outcome(result="unknown"), NOW, 1.0) == Step(state="unknown", attempts=3, next_at=NOW)
    assert next_step(held, Outcome(result="retryable"), NOW, 1.0).state == "pending"


def test_what_keeps_trying_falls_back_and_goes_on_with_the_last_wait() -> None:
    delivery = a_delivery(attempts=3, terms=Terms(keep_trying=HOUR), deadline=NOW + HOUR)
    assert not next_step(delivery, Outcome(result="retryable"), NOW, 1.0).falls_back
    for attempts in (4, 5, 50):
        delivery = a_delivery(attempts=attempts, terms=Terms(keep_trying=HOUR), deadline=NOW + HOUR)
        assert next_step(delivery, Outcome(result="retryable"), NOW, 0.9) == Step(
            state="pending", attempts=attempts + 1, next_at=NOW + round(0.9 * 8 * SECOND), falls_back=True
        )


def test_what_keeps_trying_without_waits_tries_each_second() -> None:
    delivery = a_delivery(terms=Terms(delays=(), keep_trying=HOUR), deadline=NOW + HOUR)
    step = next_step(delivery, Outcome(result="unknown"), NOW, 1.0)
    assert step == Step(state="pending", attempts=1, next_at=NOW + SECOND, falls_back=True)


def test_what_a_person_sent_again_has_no_deadline_and_ends_with_its_schedule() -> None:
    delivery = a_delivery(attempts=4, terms=Terms(keep_trying=HOUR), deadline=None)
    assert next_step(delivery, Outcome(result="retryable"), NOW, 1.0).state == "dead"


@pytest.mark.parametrize("result", ["auth", "permanent"])
def test_what_is_refused_for_good_is_not_kept_trying(result: Result) -> None:
    delivery = a_delivery(terms=Terms(keep_trying=HOUR), deadline=NOW + HOUR)
    assert next_step(delivery, Outcome(result=result), NOW, 1.0) == Step(
        state="dead", attempts=1, next_at=NOW, falls_back=True
    )
