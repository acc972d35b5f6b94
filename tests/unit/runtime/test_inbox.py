"""Intake: what a sender is told is true. Accepted is on disk, a duplicate's original too, the rest is named."""

import asyncio
import gzip
from pathlib import Path

import msgspec
import pytest

from cepd.model.errors import InputError, OverloadedError, RetryLaterError, TooLargeError
from cepd.model.frame import Frame
from cepd.model.stop import Wish
from tests.support.pipeline import Pipeline, deployment_of, pipeline
from tests.support.rows import line, rule

RULES = deployment_of(rule("r", "n > 0"))


def frames(data: Path) -> list[Frame]:
    from cepd.stores.journal import open_journal

    async def read() -> list[Frame]:
        journal = open_journal(data / "journal")
        found = list(journal.read())
        await journal.close()
        return found

    return asyncio.run(read())


def test_what_was_accepted_is_in_the_journal_in_order_with_running_numbers(tmp_path: Path) -> None:
    lines = [line(id=f"e{number}", n=0) for number in range(5_000)]

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            receipt = await running.send(*lines, source="token-a")
            assert (receipt.accepted, receipt.duplicates, list(receipt.rejected)) == (5_000, 0, [])

    asyncio.run(scenario())
    found = [frame for frame in frames(tmp_path) if frame.kind == "batch"]
    assert [frame.count for frame in found] == [2_000, 2_000, 1_000]
    assert b"\n".join(frame.body for frame in found).split(b"\n") == lines
    assert [frame.first for frame in found] == [found[0].first, found[0].first + 2_000, found[0].first + 4_000]
    assert {(frame.input, frame.source) for frame in found} == {("http", "token-a")}


def test_accepted_duplicates_and_rejected_add_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            first = await running.send(line(id="a"), b"{bad", line(id="b"), line(id="a"), line(), line())
            assert (first.accepted, first.duplicates) == (4, 1)
            assert [one.line for one in first.rejected] == [2]
            again = await running.send(line(id="a"), line(id="b"))
            assert (again.accepted, again.duplicates) == (0, 2)
            other = await running.send(line(id="a", n=1))
            assert (other.accepted, other.duplicates) == (1, 0), "the same id with other bytes is another event"
            assert running.horizon.id_reused == 1
            elsewhere = await running.send(line(id="b"), source="another token")
            assert elsewhere.accepted == 1, "the same id from another source is another event"
            text = running.metrics.render().decode()
            assert "cepd_events_received_total 6.0" in text
            assert "cepd_events_duplicates_total 3.0" in text
            assert 'cepd_events_rejected_total{reason="line"} 1.0' in text

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "encoding", "error", "reason"),
    [
        (b"", None, InputError, "body"),
        (b"\xff\xfe", None, InputError, "body"),
        (b"not gzip", "gzip", InputError, "body"),
        (b" " * (8 * 1024 * 1024 + 1), None, TooLargeError, "too_large"),
        (gzip.compress(b" " * (8 * 1024 * 1024 + 1)), "gzip", TooLargeError, "too_large"),
    ],
)
def test_a_bad_body_is_an_error_counted_and_holds_no_room(
    tmp_path: Path, body: bytes, encoding: str | None, error: type[InputError], reason: str
) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            with pytest.raises(error):
                await running.inbox.submit(body, None, encoding, "http")
            assert (running.feed.length, running.feed.size) == (0, 0)
            assert f'cepd_events_rejected_total{{reason="{reason}"}} 1.0' in running.metrics.render().decode()

    asyncio.run(scenario())


def test_a_full_queue_refuses_whole_bodies_and_takes_them_once_there_is_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, running=("recorder",), capacity_events=5) as running:
            await running.send(line(id="a"), line(id="b"), line(id="c"))
            with pytest.raises(OverloadedError) as refused:
                await running.send(line(id="d"), line(id="e"), line(id="f"))
            assert refused.value.after > 0
            assert running.feed.length == 3
            await running.send(line(id="d"), line(id="e"))
            working = asyncio.create_task(running.processor.run())
            await running.feed.drained()
            assert (running.feed.length, running.feed.size) == (0, 0)
            receipt = await running.send(line(id="d"), line(id="e"), line(id="f"))
            assert (receipt.accepted, receipt.duplicates) == (1, 2), "what was refused was not remembered"
            await running.feed.drained()
            working.cancel()

    asyncio.run(scenario())


def test_one_body_larger_than_the_queue_is_taken_where_nothing_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, capacity_events=1, capacity_bytes=1) as running:
            assert (await running.send(line(), line(), line())).accepted == 3
            await running.feed.drained()
            assert (running.feed.length, running.feed.size) == (0, 0)

    asyncio.run(scenario())


def test_a_closed_inbox_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            running.inbox.closed = "the daemon is stopping"
            with pytest.raises(RetryLaterError, match="stopping"):
                await running.send(line())

    asyncio.run(scenario())


class BrokenDisk:
    """Makes the journal's writes fail at the boundary to the operating system, from now until mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from cepd.stores import segment

        self.broken = True
        real = segment.Segment.write

        def write(own: object, data: bytes) -> None:
            if self.broken:
                raise OSError(28, "No space left on device")
            real(own, data)

        monkeypatch.setattr(segment.Segment, "write", write)


def test_what_the_disk_refuses_is_not_accepted_not_applied_and_new_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = line(id="a", n=1)

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            disk = BrokenDisk(monkeypatch)
            with pytest.raises(RetryLaterError, match="No space left"):
                await running.send(event, line(n=1))
            assert await running.settled() == []
            assert (running.feed.length, running.feed.size) == (0, 0)
            disk.broken = False
            receipt = await running.send(event)
            assert (receipt.accepted, receipt.duplicates) == (1, 0)
            assert [alert.source_event_ids for alert in await running.settled()] == [("a",)]

    asyncio.run(scenario())
    assert [(frame.seq, frame.first, frame.body) for frame in frames(tmp_path)] == [
        (frames(tmp_path)[0].seq, frames(tmp_path)[0].first, event)
    ]


def test_no_duplicate_is_told_before_its_original_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many senders of the same event at once, on a disk that refuses: all hear of it, none is told `duplicate`."""
    event = line(id="a", n=1)

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            disk = BrokenDisk(monkeypatch)
            told = await asyncio.gather(*(running.send(event) for _ in range(5)), return_exceptions=True)
            assert [type(one) for one in told] == [RetryLaterError] * 5
            disk.broken = False
            receipts = await asyncio.gather(*(running.send(event) for _ in range(5)))
            assert sorted((one.accepted, one.duplicates) for one in receipts) == [(0, 1)] * 4 + [(1, 0)]

    asyncio.run(scenario())


def test_a_sender_that_goes_away_leaves_no_room_taken_and_no_false_memory(tmp_path: Path) -> None:
    event = line(id="a", n=1)

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            sending = asyncio.create_task(running.send(event))
            await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            assert [alert.count for alert in await running.settled()] == [1], "it was journaled, so it counts"
            assert (running.feed.length, running.feed.size) == (0, 0)
            assert (await running.send(event)).duplicates == 1

    asyncio.run(scenario())


def test_the_loop_has_its_turn_between_slices(tmp_path: Path) -> None:
    async def turns_during(running: Pipeline, body: bytes) -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.create_task(count())
        await running.inbox.submit(body, "application/x-ndjson", None, "http")
        counting.cancel()
        return turns

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, running=()) as running:
            parts_before = running.journal.next_seq
            assert await turns_during(running, b"\n".join(line(id=str(n)) for n in range(10_000))) >= 4
            assert running.journal.next_seq - parts_before == 5
            assert await turns_during(running, b"\n".join(line(id=str(n)) for n in range(10_000))) >= 7, "duplicates"
            assert running.journal.next_seq - parts_before == 5

    asyncio.run(scenario())


def test_long_lines_leave_the_loop_its_turns_too(tmp_path: Path) -> None:
    lines = [line(id=str(number), n=0, text="x" * 50_000) for number in range(40)]

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            assert (await running.send(*lines)).accepted == 40
            assert (await running.send(*lines[:39], line(id="new"))).duplicates == 39

    asyncio.run(scenario())
    found = [frame for frame in frames(tmp_path) if frame.kind == "batch"]
    assert [frame.count for frame in found] == [5] * 8 + [1]
    assert b"\n".join(frame.body for frame in found).split(b"\n") == [*lines, line(id="new")]


def test_a_reset_of_a_baseline_is_on_disk_when_it_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            await running.inbox.reset("r", '["é",1]')
            running.inbox.closed = "the daemon is stopping"
            with pytest.raises(RetryLaterError, match="stopping"):
                await running.inbox.reset("r", "[]")

    asyncio.run(scenario())
    found = [frame for frame in frames(tmp_path) if frame.kind == "reset"]
    assert [(frame.rule_id, frame.body.decode()) for frame in found] == [("r", '["é",1]')]


def test_what_disables_a_rule_is_on_disk_when_it_is_answered_and_holds_then(tmp_path: Path) -> None:
    wish = Wish(1 << 60, "kim", "too loud")

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES) as running:
            await running.inbox.disable("r", wish)
            await running.send(line(id="1", n=9))
            assert await running.settled() == []
            assert running.machine.engine.stops["r"].reason == "too loud"
            await running.inbox.enable("r", "kim")
            await running.send(line(id="2", n=9))
            assert len(await running.settled()) == 1
            running.inbox.closed = "the daemon is stopping"
            for refused in (running.inbox.disable("r", wish), running.inbox.enable("r", "kim")):
                with pytest.raises(RetryLaterError, match="stopping"):
                    await refused

    asyncio.run(scenario())
    found = [frame for frame in frames(tmp_path) if frame.kind in ("disable", "enable")]
    assert [(frame.kind, frame.rule_id) for frame in found] == [("disable", "r"), ("enable", "r")]
    assert msgspec.json.decode(found[0].body, type=Wish) == wish
