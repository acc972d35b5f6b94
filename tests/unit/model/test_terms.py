import pytest

from cepd.model.duration import HOUR, MILLISECOND, SECOND
from cepd.model.json import Json
from cepd.model.terms import BreakerSpec, Terms, terms_of

CHANNEL = Terms(
    delays=(SECOND,), timeout=3 * SECOND, keep_trying=HOUR, on_unknown="hold", breaker=BreakerSpec(5, 60 * SECOND, 2)
)


def test_without_a_word_it_is_the_schedule_of_the_documents() -> None:
    terms = terms_of({})
    assert terms == Terms()
    assert terms.delays == (1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND)
    assert (terms.timeout, terms.keep_trying, terms.on_unknown) == (10 * SECOND, None, "resend")
    assert terms.breaker == BreakerSpec(3, 30 * SECOND, 1)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, CHANNEL),
        ({"timeout": "500ms"}, {"timeout": 500 * MILLISECOND}),
        ({"on_unknown": "resend"}, {"on_unknown": "resend"}),
        ({"retry": {}}, CHANNEL),
        ({"retry": {"delays": []}}, {"delays": ()}),
        ({"retry": {"delays": ["1s", "250ms"]}}, {"delays": (SECOND, 250 * MILLISECOND)}),
        ({"retry": {"keep_trying_until": "5s"}}, {"keep_trying": 5 * SECOND}),
        ({"retry": {"keep_trying_until": None}}, {"keep_trying": None}),
        ({"circuit_breaker": {}}, CHANNEL),
        ({"circuit_breaker": {"failure_threshold": 9}}, {"breaker": BreakerSpec(9, 60 * SECOND, 2)}),
        ({"circuit_breaker": {"timeout_seconds": 1.5}}, {"breaker": BreakerSpec(5, 1_500 * MILLISECOND, 2)}),
        ({"circuit_breaker": {"half_open_max_requests": 1}}, {"breaker": BreakerSpec(5, 60 * SECOND, 1)}),
    ],
)
def test_what_is_written_wins_over_what_was_and_the_rest_stays(document: Json, expected: object) -> None:
    if isinstance(expected, dict):
        values = {name: getattr(CHANNEL, name) for name in Terms.__struct_fields__} | expected
        expected = Terms(**values)
    assert terms_of(document, CHANNEL) == expected


@pytest.mark.parametrize("timeout", [1, SECOND, 10 * SECOND, HOUR])
def test_a_try_has_all_its_time_within_its_lease_even_where_it_begins_late(timeout: int) -> None:
    terms = Terms(timeout=timeout)
    assert terms.timeout < terms.patience < terms.lease
    assert terms.patience - terms.timeout >= 4 * SECOND, "how late it may begin"
    assert terms.lease == 2 * timeout + 5 * SECOND
