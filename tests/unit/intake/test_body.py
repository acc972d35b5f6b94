import gzip
import json
import os
import sys

import pytest

from cepd.intake.body import PART_BYTES, PART_LINES, read_body, read_parts
from cepd.intake.limits import Limits
from cepd.model.errors import InputError, TooLargeError

NDJSON = "application/x-ndjson"
JSON = "application/json"


def lines(body: bytes, content_type: str | None = None, **more: object) -> list[tuple[int, bytes]]:
    return [(line.number, line.data) for line in read_body(body, content_type=content_type, **more).lines]


def refused(body: bytes, content_type: str | None = None) -> dict[int, str]:
    return {one.line: one.reason for one in read_body(body, content_type=content_type).rejected}


@pytest.mark.parametrize("content_type", [NDJSON, "application/jsonl; charset=utf-8", None, "text/plain"])
def test_lines_keep_their_numbers_over_blank_and_bad_ones(content_type: str | None) -> None:
    parsed = read_body(b'{"a":1}\r\n\n  \t\nnope\n {"a":2} \n[1]', content_type=content_type)
    assert [(line.number, line.data) for line in parsed.lines] == [(1, b'{"a":1}'), (5, b'{"a":2}')]
    assert [one.line for one in parsed.rejected] == [4, 6]


@pytest.mark.parametrize("content_type", [JSON, "Application/JSON; charset=utf-8", "application/vnd.x+json"])
def test_a_json_document_may_span_lines(content_type: str) -> None:
    assert lines(b'{\n  "a": 1\r\n}\n', content_type) == [(1, b'{   "a": 1  }')]


@pytest.mark.parametrize("content_type", [JSON, None, "application/octet-stream", "application/x-www-form-urlencoded"])
def test_an_array_is_read_by_element(content_type: str | None) -> None:
    parsed = read_body(b' [{"a":\n1}, 7, {"b":"\\n"}, null]', content_type=content_type)
    assert [(line.number, line.data) for line in parsed.lines] == [(1, b'{"a": 1}'), (3, b'{"b":"\\n"}')]
    assert [(one.line, one.reason) for one in parsed.rejected] == [
        (2, "not an object but a number"),
        (4, "not an object but null"),
    ]


def test_an_array_under_an_ndjson_type_is_one_bad_line() -> None:
    assert refused(b'[{"a":1}]', NDJSON) == {1: "not an object but an array"}


def test_a_broken_document_names_its_place() -> None:
    with pytest.raises(InputError, match=r"invalid character near line 2, byte (7|8|9)$"):
        read_body(b'[{"a":1},\n {"b": nil}]', content_type=JSON)
    with pytest.raises(InputError, match="it ends early"):
        read_body(b'[{"a":1},', content_type=None)
    with pytest.raises(InputError, match=r"trailing characters near line 2, byte [12]$") as caught:
        read_body(b'{"a":1}\n{"a":2}', content_type=JSON)
    assert "x-ndjson" in caught.value.help


@pytest.mark.parametrize("body", [b"", b"\n \r\n", b"[]", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
@pytest.mark.parametrize("content_type", [JSON, NDJSON, None])
def test_an_empty_body_is_an_error(body: bytes, content_type: str | None) -> None:
    encoding = "gzip" if body.startswith(b"\x1f") else None
    if (body, content_type) == (b"[]", NDJSON):
        assert refused(body, content_type) == {1: "not an object but an array"}
        return
    with pytest.raises(InputError, match="no event"):
        read_body(body, content_type=content_type, content_encoding=encoding)


def test_a_byte_order_mark_is_dropped() -> None:
    assert lines(b'\xef\xbb\xbf{"a":1}\n{"a":2}') == [(1, b'{"a":1}'), (2, b'{"a":2}')]
    assert lines(b'\xef\xbb\xbf[{"a":1}]') == [(1, b'{"a":1}')]


def test_bytes_that_are_not_utf8_name_the_first_bad_line() -> None:
    body = '{"a":"é"}\n'.encode() * 3 + b'{"a":"\xff"}\n{"b":"\xfe"}'
    with pytest.raises(InputError, match=r"line 4, byte 7 is 0xff"):
        read_body(body, content_type=NDJSON)


def test_cloudevents_are_refused_by_name() -> None:
    for media in ("application/cloudevents+json", "application/cloudevents-batch+json; charset=utf-8"):
        with pytest.raises(InputError, match=r"cloudevents.*not supported"):
            read_body(b"{}", content_type=media)


def test_gzip_of_several_members_is_one_body() -> None:
    body = gzip.compress(b'{"a":1}\n{"a"') + gzip.compress(b":2}\n") + b"\0\0\0"
    for encoding in ("gzip", "X-Gzip"):
        assert lines(body, NDJSON, content_encoding=encoding) == [(1, b'{"a":1}'), (2, b'{"a":2}')]


def test_broken_gzip_is_an_error_wherever_it_breaks() -> None:
    whole = gzip.compress(b'{"a":1}\n' * 50 + os.urandom(64).hex().encode())
    for end in range(len(whole)):
        if end:
            with pytest.raises(InputError):
                read_body(whole[:end], content_encoding="gzip", content_type=NDJSON)
    flipped = bytearray(whole)
    flipped[-6] ^= 1
    for bad in (b"{}", bytes(flipped), whole + b"rubbish"):
        with pytest.raises(InputError, match="gzip"):
            read_body(bad, content_encoding="gzip", content_type=NDJSON)
    with pytest.raises(InputError, match="'br' is not supported"):
        read_body(b"{}", content_encoding="br")


def test_the_limits_hold_on_both_sides_of_compression() -> None:
    event = b'{"a":1}'
    at_the_limit = b"\n" * (8 * 1024 * 1024 - len(event)) + event
    assert len(lines(at_the_limit)) == 1
    assert len(lines(gzip.compress(at_the_limit, 1), content_encoding="gzip")) == 1
    for body, encoding in ((at_the_limit + b" ", None), (gzip.compress(at_the_limit + b" ", 1), "gzip")):
        with pytest.raises(TooLargeError):
            read_body(body, content_encoding=encoding)


def test_a_gzip_bomb_is_left_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted at the decompressor: it is asked for little more than the limit of a body of 100 MiB."""
    asked = 0
    real = gzip.GzipFile.read

    def counted(self: gzip.GzipFile, size: int = -1) -> bytes:
        nonlocal asked
        found = real(self, size)
        asked += len(found)
        return found

    bomb = gzip.compress(b" " * 100 * 1024 * 1024, 1)
    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(TooLargeError):
        read_body(bomb, content_encoding="gzip", limits=Limits(body=1024 * 1024))
    assert asked == 1024 * 1024 + 1


@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_an_element_too_deep_is_rejected_alone_however_deep(bracket: str) -> None:
    left, right = (b"[", b"]") if bracket == "[]" else (b'{"x":', b"}")

    def event(depth: int) -> bytes:
        """`depth` brackets, the event's own included."""
        return b'{"a":' + left * (depth - 1) + b"0" + right * (depth - 1) + b"}"

    for depth in (65, 66, sys.getrecursionlimit() * 2, 100_000):
        parsed = read_body(b"[" + event(64) + b", " + event(depth) + b', {"b": "]]"}]', content_type=JSON)
        assert [line.number for line in parsed.lines] == [1, 3]
        assert [json.loads(line.data).keys() for line in parsed.lines] == [{"a"}, {"b"}]
        assert [(one.line, one.reason) for one in parsed.rejected] == [(2, "nested deeper than 64")]
        assert refused(event(depth), JSON) == {1: "nested deeper than 64"}
        assert refused(event(depth), NDJSON) == {1: "nested deeper than 64"}


def test_a_thousand_lines_with_ten_bad_ones() -> None:
    body = [b'{"n":%d}' % number for number in range(1, 1001)]
    for number in range(100, 1001, 100):
        body[number - 1] = b'{"n":'
    parsed = read_body(b"\n".join(body), content_type=NDJSON)
    assert len(parsed.lines) == 990
    assert [one.line for one in parsed.rejected] == list(range(100, 1001, 100))


def test_parts_are_of_limited_lines_and_bytes_and_number_on() -> None:
    lines = [b'{"n":%d,"text":"%s"}' % (number, b"x" * (number % 500)) for number in range(6_000)]
    lines[10] = lines[4_000] = b"nope"
    lines[20] = lines[5_000] = b""
    lines[30] = b'{"text":"' + b"x" * 2 * PART_BYTES + b'"}'
    good = [(number, line) for number, line in enumerate(lines, 1) if line.startswith(b"{")]
    for body, media in ((b"\n".join(lines), NDJSON), (b"[" + b",\n".join(line for _, line in good) + b"]", JSON)):
        parts = list(read_parts(body, media))
        assert len(parts) > 3
        for part in parts:
            assert len(part.data) <= PART_LINES
            assert len(part.body) <= PART_BYTES or len(part.data) == 1 or media == JSON
            assert part.body.split(b"\n") == part.data
            assert [one.id for one in part.given] == [None] * len(part.data)
        found = [(line.number, line.data) for part in parts for line in part.lines]
        if media == JSON:
            assert found == [(number, line) for number, (_, line) in enumerate(good, 1)]
        else:
            assert found == good
            assert [one.line for part in parts for one in part.rejected] == [11, 4_001]


def test_a_line_with_something_amiss_changes_nothing_for_those_beside_it() -> None:
    body = b"\n".join(
        (
            b'{"id":1,"source":"s"}',
            b'{"id":1e999,"source":"s"}',
            b'{"id":2,"source":' + b"9" * 5_000 + b"}",
            b'{"id":[1e999]}',
            b'{"id":"a","source":"t"',
            b'{"source":"u","id":"b"} ',
        )
    )
    (part,) = read_parts(body, NDJSON)
    assert [(one.id, one.source) for one in part.given] == [(1, "s"), (None, "s"), (2, None), (None, None), ("b", "u")]
    assert [line.number for line in part.lines] == [1, 2, 3, 4, 6]
    assert [one.line for one in part.rejected] == [5]


def test_two_objects_on_a_line_and_an_object_over_two_lines_are_no_events() -> None:
    assert refused(b'{"a":1}{"b":2}\n{"c":\n3}', NDJSON).keys() == {1, 2, 3}
