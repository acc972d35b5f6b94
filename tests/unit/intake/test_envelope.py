import pytest

from cepd.intake.envelope import Envelope, read_envelope
from cepd.model.event import given_id, given_source


@pytest.mark.parametrize(
    ("line", "event_id"),
    [
        (b'{"id": "a"}', "a"),
        (b'{"id": 1}', "1"),
        (b'{"id": "1"}', "1"),
        (b'{"id": 1.50}', "1.5"),
        (b'{"id": true}', "true"),
        (b'{"\\u0069d": "escaped name"}', "escaped name"),
        (b'{"id": "first", "id": "last"}', "last"),
        (b'{"id": ""}', None),
        (b'{"id": null}', None),
        (b'{"id": ["a"]}', None),
        (b'{"id": {"a": 1}}', None),
        (b'{"id": 1e999}', None),
        (b'{"id": ' + b"9" * 5000 + b"}", None),
        (b'{"data": {"id": "inner"}}', None),
    ],
)
def test_ids(line: bytes, event_id: str | None) -> None:
    assert read_envelope(line, "http") == Envelope(event_id, "http")


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (b'{"source": "web-1"}', "web-1"),
        (b'{"source": ""}', "http"),
        (b'{"source": 7}', "http"),
        (b'{"source": null}', "http"),
        (b"{}", "http"),
    ],
)
def test_sources(line: bytes, source: str) -> None:
    assert read_envelope(line, "http").source == source


def test_it_reads_what_the_whole_decode_would_read() -> None:
    import msgspec

    for line in (b'{"id": 7, "source": "s"}', b'{"id": false, "source": []}', b'{"x": [1, {"id": 2}]}'):
        fields = msgspec.json.decode(line)
        assert read_envelope(line, "d") == Envelope(given_id(fields.get("id")), given_source(fields, "d"))
