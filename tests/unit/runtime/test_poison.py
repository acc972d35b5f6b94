"""Rows over which the process died: in pieces they make fire the same, and what is left out is left out for good."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.engine.program import Program
from cepd.model.duration import HOUR
from cepd.model.errors import StartError
from cepd.model.frame import Frame
from cepd.model.rule import EventTrigger, Suppress, Window
from cepd.ports import LeftOut
from cepd.runtime.deployment import Deployment
from cepd.runtime.machine import Machine
from cepd.runtime.poison import pieces, singly
from cepd.stores.journal import read_journal
from cepd.stores.progress import open_progress
from cepd.stores.quarantine import FileQuarantine
from tests.support.pipeline import deployment_of, pipeline, replayed
from tests.support.rows import START, line, rule

RULES = deployment_of(
    rule("each", "n > 2"),
    rule("folding", "n > 0", group_by=("host",), suppress=Suppress(HOUR)),
    rule("counted", "n > 0", group_by=("host",), window=Window("tumbling", size=HOUR), trigger=EventTrigger()),
)
EMPTY = deployment_of()
LINES = [line(n=n % 4, host=f"h{n % 3}", number=n) for n in range(8)]
BATCH = Frame(
    seq=5, clock=START, kind="batch", input="http", first=41, origin="j", count=8, source="s", body=b"\n".join(LINES)
)
TICK = Frame(seq=5, clock=START, kind="tick", origin="j")
TARGET = Frame(seq=5, clock=START, kind="target", rule_id="each", count=1, first=41, origin="j", body=LINES[3])


def batch(data: Path) -> Frame:
    (found,) = (frame for frame in read_journal(data / "journal") if frame.kind == "batch")
    return found


def restore(digest: str, before: Program | None) -> Deployment:
    return {RULES.digest: RULES}[digest]


@given(left_out=st.sets(st.integers(0, 7)))
def test_pieces_hold_the_other_events_under_their_own_numbers(left_out: set[int]) -> None:
    found = pieces(BATCH, left_out)
    numbered = [
        (frame.first + place, text)
        for frame in found
        if frame.kind == "batch"
        for place, text in enumerate(frame.body.split(b"\n"))
    ]
    assert numbered == [(41 + place, text) for place, text in enumerate(LINES) if place not in left_out]
    assert all(frame.count == len(frame.body.split(b"\n")) for frame in found if frame.kind == "batch")
    assert {(frame.seq, frame.clock, frame.origin) for frame in found} == {(5, START, "j")}
    single = [frame for number, frame in singly(BATCH, left_out) if number]
    assert [frame.first for frame in single] == [number for number, _ in numbered]


@pytest.mark.parametrize(("frame", "left_out"), [(BATCH, set(range(8))), (TARGET, {0})])
def test_where_no_event_is_left_time_passes(frame: Frame, left_out: set[int]) -> None:
    assert pieces(frame, left_out) == [TICK]
    assert list(singly(frame, left_out)) == [(0, TICK)]


def test_a_row_without_events_stays_whole() -> None:
    assert pieces(TICK, ()) == [TICK]
    assert list(singly(TICK, ())) == [(0, TICK)]
    assert list(singly(TARGET, ())) == [(0, TICK), (1, TARGET)]


def test_a_row_fires_the_same_event_by_event() -> None:
    whole, apart = Machine(RULES), Machine(RULES)
    expected = whole.apply(BATCH).firings
    assert expected
    assert [one for _, piece in singly(BATCH, ()) for one in apart.apply(piece).firings] == expected
    assert apart.engine.snapshot() == whole.engine.snapshot()
    assert (apart.seq, apart.clock) == (whole.seq, whole.clock)


def test_what_is_left_out_is_left_out_of_every_replay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY) as running:
            running.feed.swap(RULES)
            await running.send(*LINES)
            await running.settled()
            frame = batch(tmp_path)
        (tmp_path / "cepd.db").unlink()
        FileQuarantine(tmp_path / "quarantine").add(
            LeftOut(
                origin=frame.origin,
                seq=frame.seq,
                event=3,
                deaths=2,
                clock=frame.clock,
                source="http",
                rule_id="",
                line=LINES[3].decode(),
            )
        )
        for _ in range(2):
            async with pipeline(tmp_path, EMPTY) as running:
                await replayed(running, restore)
                told = [alert.payload["number"] for alert in await running.settled() if alert.rule_id == "each"]
                assert told == [7], "the events 3 and 7 have n = 3"
                assert len(running.quarantine) == 1

    asyncio.run(scenario())


def test_a_row_that_killed_twice_is_taken_apart_and_its_event_left_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY) as running:
            running.feed.swap(RULES)
            await running.send(*LINES)
            await running.settled()
            frame = batch(tmp_path)
        for number in (0, 0, 4):  # killed twice over the row, and then over its fourth event
            open_progress(tmp_path).begin(frame.seq, number)
        async with pipeline(tmp_path, EMPTY) as running:
            await replayed(running, restore)
            assert list(running.quarantine.of(frame)) == [3]
            assert running.progress.suspect is None
        (path,) = (tmp_path / "quarantine").iterdir()
        assert LINES[3] in path.read_bytes().replace(b"\\", b"")

    asyncio.run(scenario())


def test_a_file_of_the_quarantine_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "1-2.json").write_text("{}")
    with pytest.raises(StartError, match=r"1-2\.json cannot be read"):
        FileQuarantine(tmp_path)
