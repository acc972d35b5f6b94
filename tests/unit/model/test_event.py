"""How an envelope is read from plain JSON, and what makes an event the same event again."""

import pytest

from cepd.model.event import given_id, given_source, given_time, given_type, identity_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (" ", " "),
        (1, "1"),
        (1.0, "1.0"),
        (-3, "-3"),
        (True, "true"),
        (False, "false"),
        (2**64, "18446744073709551616"),
        (10**400, "1" + "0" * 400),
        ("", None),
        (None, None),
        ([], None),
        ({"a": 1}, None),
    ],
)
def test_id(value, text):
    assert given_id(value) == text


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"type": "a", "event_type": "b"}, "a"),
        ({"event_type": "b"}, "b"),
        ({"type": 5, "event_type": "b"}, "b"),
        ({"type": None}, None),
        ({}, None),
    ],
)
def test_type(fields, name):
    assert given_type(fields) == name


@pytest.mark.parametrize(
    ("fields", "source"),
    [({"source": "a"}, "a"), ({"source": ""}, "token"), ({"source": 5}, "token"), ({}, "token")],
)
def test_source(fields, source):
    assert given_source(fields, "token") == source


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({}, (None, False)),
        ({"time": None}, (None, False)),
        ({"time": None, "ts": 1}, (1_000_000, True)),
        ({"time": 1, "timestamp": 2, "ts": 3}, (1_000_000, True)),
        ({"timestamp": 2, "ts": 3}, (2_000_000, True)),
        ({"time": "yesterday", "timestamp": 2}, (None, True)),
        ({"time": True}, (None, True)),
        ({"time": 0}, (0, True)),
    ],
)
def test_time(fields, time):
    assert given_time(fields) == time


def test_identity_of_a_given_id_is_source_id_and_bytes():
    same = identity_of("s", "1", b'{"id": 1}', "journal", 7)
    assert identity_of("s", "1", b'{"id": 1}', "other", 8) == same
    others = {
        identity_of("t", "1", b'{"id": 1}', "journal", 7),
        identity_of("s", "2", b'{"id": 1}', "journal", 7),
        identity_of("s", "1", b'{"id": 1 }', "journal", 7),
        identity_of("s", "1", b'{"id": "1"}', "journal", 7),
    }
    assert len(others | {same}) == 5


def test_identity_without_an_id_is_origin_and_number():
    same = identity_of("s", None, b"{}", "journal", 7)
    assert identity_of("t", None, b'{"a": 1}', "journal", 7) == same
    assert identity_of("s", None, b"{}", "journal", 8) != same
    assert identity_of("s", None, b"{}", "other", 7) != same


def test_the_parts_of_an_identity_cannot_run_into_each_other():
    assert identity_of("", None, b"", "a", 11) != identity_of("", None, b"", "a#1", 1)
    assert identity_of("ab", "c", b"x", "", 0) != identity_of("a", "bc", b"x", "", 0)
