"""Lines of a file to rows of the engine: however many there are in a row, they say the same."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cepd.engine.program import compile_program
from cepd.engine.rows import Recorded
from cepd.model.event import given_time
from cepd.runtime.recorded import RecordedLines

START = 1_000_000

LINE = st.one_of(
    st.builds(b'{"id":"%d","ts":%d}'.__mod__, st.tuples(st.integers(0, 9), st.integers(0, 5))),
    st.builds(b'{"time":"1970-01-01T00:00:0%dZ"}'.__mod__, st.integers(0, 5)),
    st.builds(b'{"time":null,"ts":%d.5}'.__mod__, st.integers(0, 5)),
    st.sampled_from((b"{}", b" {} ", b"", b"no event", b'{"ts":"unreadable"}', b'{"ts":1e999}', b'{"a":"\xff"}')),
)


def plainly(lines: list[bytes]) -> list[tuple[bytes, int, int, int]]:
    """(line, time, clock, number) of each event."""
    clock, seen, found = START, set[bytes](), list[tuple[bytes, int, int, int]]()
    for number, line in enumerate(map(bytes.strip, lines), 1):
        if not line.startswith(b"{") or b"\xff" in line or (line.startswith(b'{"id"') and line in seen):
            continue
        seen.add(line)
        fields = {} if b"1e999" in line else json.loads(line)
        time, _ = given_time(fields)
        clock = clock if time is None else max(clock, time)
        found.append((line, clock if time is None else time, clock, number))
    return found


def told(row: Recorded) -> list[tuple[bytes, int, int, int]]:
    assert row.clock == row.clocks[0]
    return list(zip(row.lines, row.times, row.clocks, row.numbers, strict=True))


@given(st.lists(LINE, max_size=30), st.integers(1, 7))
def test_times_clocks_and_numbers_against_a_plain_loop(lines: list[bytes], at_once: int) -> None:
    recorded = RecordedLines(compile_program(()), "input", START)
    found = [event for row in recorded.rows(lines, at_once) for event in told(row)]
    expected = plainly(lines)
    assert found == expected
    assert recorded.events == len(expected)
    assert recorded.clock == max([START, *(time for _, time, *_ in expected)])
