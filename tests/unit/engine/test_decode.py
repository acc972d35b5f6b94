import hashlib

import msgspec
import pytest

from cepd.engine.decode import DecodeCounts, decode_fields
from cepd.engine.program import compile_program
from cepd.model.event import Event
from cepd.model.json import Json

CLOCK = 1_767_225_600_000_000


def decoded(text: str) -> tuple[dict[str, Json], DecodeCounts]:
    counts = DecodeCounts()
    return decode_fields(text.encode(), counts), counts


def event(text: str, clock: int = CLOCK) -> tuple[Event, DecodeCounts]:
    program = compile_program([])
    (found,) = program.decode([text.encode()], clock, source="token", origin="journal", first=7)
    return found, program.counts


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"a":1e999,"b":2}', {"b": 2}),
        ('{"a":-1e999}', {}),
        ('{"a":' + "9" * 5000 + ',"b":[1.5,true,null,"x"]}', {"b": [1.5, True, None, "x"]}),
        ('{"a":{"b":1e999,"c":1}}', {"a": {"c": 1}}),
        ('{"a":[1,1e999,[2,1e999],{"b":1e999}]}', {"a": [1, None, [2, None], {}]}),
        ('{"a":1e999,"b":1,"b":2}', {"b": 2}),
        ('{"a":1e999,"b":"\\u00e9\\ud83d\\ude00"}', {"b": "é😀"}),
    ],
)
def test_only_the_numbers_out_of_range_are_missing(text: str, fields: dict[str, Json]) -> None:
    found, counts = decoded(text)
    assert found == fields
    assert counts == DecodeCounts(out_of_range=1)


def test_large_numbers_that_fit_stay_exact() -> None:
    digits = "1" * 400
    assert decoded(f'{{"a":{digits},"b":1e308,"c":18446744073709551616}}') == (
        {"a": int(digits), "b": 1e308, "c": 2**64},
        DecodeCounts(),
    )


def test_a_line_that_does_not_decode_is_an_event_without_fields() -> None:
    assert decoded('{"a":') == ({}, DecodeCounts(undecodable=1))


def test_the_envelope_of_a_full_event() -> None:
    text = '{"id":"e1","type":"host.cpu","source":"web-1","time":"2026-01-01T00:00:00Z","v":1}'
    found, counts = event(text, CLOCK + 99)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    assert (found.id, found.type, found.source, found.time) == ("e1", "host.cpu", "web-1", CLOCK)
    assert found.identity == f"web-1\x00e1\x00{digest}"
    assert found.fields == msgspec.json.decode(text)
    assert found.line == text.encode()
    assert counts == DecodeCounts()


def test_an_event_that_says_nothing_of_itself() -> None:
    found, counts = event('{"v":1}')
    assert (found.id, found.identity) == ("journal#7", "#journal#7")
    assert (found.type, found.source, found.time) == (None, "token", CLOCK)
    assert found.fields == {"v": 1, "source": "token"}
    assert counts == DecodeCounts()


def test_conditions_see_the_type_of_the_envelope() -> None:
    assert event('{"event_type":"a.b"}')[0].fields["type"] == "a.b"
    assert event('{"event_type":"a.b","type":5}')[0].fields["type"] == 5
    assert event('{"event_type":"a.b","type":5}')[0].type == "a.b"


def test_running_numbers_follow_the_lines() -> None:
    events = compile_program([]).decode([b"{}", b'{"id":1}', b"{}"], CLOCK, source="s", origin="o", first=40)
    assert [found.id for found in events] == ["o#40", "1", "o#42"]


@pytest.mark.parametrize(
    ("time", "expected", "counts"),
    [
        ('"2026-01-01T00:05:00Z"', CLOCK + 300_000_000, DecodeCounts()),
        ('"2026-01-01T00:05:00.000001Z"', CLOCK, DecodeCounts(future_times=1)),
        ('"soon"', CLOCK, DecodeCounts(unreadable_times=1)),
        ("true", CLOCK, DecodeCounts(unreadable_times=1)),
        ("-5", CLOCK, DecodeCounts(unreadable_times=1)),
        ("null", CLOCK, DecodeCounts()),
        ("0", 0, DecodeCounts()),
    ],
)
def test_times(time: str, expected: int, counts: DecodeCounts) -> None:
    found, seen = event(f'{{"time":{time}}}')
    assert (found.time, seen) == (expected, counts)
