"""Lines of recordings: bounded where they are anybody's events, whole where they are rows of ours."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.cli import recordings
from cepd.cli.recordings import LONGEST, read_lines
from cepd.runtime.recording import MARK

LONG = b"x" * (3 * LONGEST)


def lines(data: bytes) -> list[bytes]:
    return list(read_lines(io.BytesIO(data)))


def test_a_line_that_is_too_long_is_cut_and_the_next_is_whole() -> None:
    first, second, third = lines(b"{}\r\n" + LONG + b"\n{}")
    assert (first, third) == (b"{}", b"{}")
    assert LONGEST < len(second) < len(LONG)


def test_the_first_may_be_too_long_as_well() -> None:
    first, second = lines(LONG + b"\n{}\n")
    assert LONGEST < len(first) < len(LONG)
    assert second == b"{}"


def test_rows_of_a_recording_and_its_header_are_as_long_as_they_are() -> None:
    header, row = MARK + LONG, b'{"seq":1' + LONG
    assert lines(b"\n".join((header, row, row)) + b"\n") == [header, row, row]
    assert lines(b"\xef\xbb\xbf" + header) == [header]


def test_nothing_has_no_lines() -> None:
    assert lines(b"") == []
    assert lines(b"\xef\xbb\xbf") == []
    assert lines(b"\n\n") == [b"", b""]


@given(st.lists(st.sampled_from((b"", b"{}", b"line", b"ended\r", b"\xef\xbb\xbf"))), st.integers(1, 9), st.booleans())
def test_wherever_a_block_ends_the_lines_are_the_same(expected: list[bytes], size: int, ended: bool) -> None:
    data = b"\n".join(expected) + b"\n" * ended
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recordings, "_AT_ONCE", size)
        found = lines(data)
    plain = [line.rstrip(b"\r\n") for line in io.BytesIO(data.removeprefix(b"\xef\xbb\xbf"))]
    assert found == plain
