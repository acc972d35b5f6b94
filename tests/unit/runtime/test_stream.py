"""Following the stream: who is told, when the store is asked, and how often."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.model.errors import OverloadedError
from cepd.ports import Notice, Recording
from cepd.runtime import stream as module
from cepd.runtime.stream import Line, Stream
from cepd.stores.store import SqlStore
from cepd.telemetry.metrics import Metrics
from tests.support.alerts import alert
from tests.support.dispatching import FlakyStore, until, with_store

Scenario = Callable[[SqlStore, FlakyStore, Stream], Awaitable[None]]


def encode(notice: Notice) -> Line:
    return Line(notice.alert.rule_id, notice.alert.severity, notice.alert.event_id.encode())


def following(path: Path, scenario: Scenario, look_every: float | None = None) -> None:
    """With the stream's task running. What is written to the first store is not told to the stream by itself."""

    async def test(store: SqlStore) -> None:
        counted = FlakyStore(store)
        stream = Stream(counted, Metrics(), encode, look_every)  # type: ignore[arg-type]
        running = asyncio.create_task(stream.run())
        try:
            async with asyncio.timeout(20):
                await scenario(store, counted, stream)
        finally:
            running.cancel()
            await asyncio.wait({running})
        assert running.cancelled()

    with_store(path, test)


async def fire(store: SqlStore, *names: str) -> None:
    await store.record(Recording(seq=1, alerts=[alert(name) for name in names]))


def looks(counted: FlakyStore) -> int:
    return counted.calls.get("stream_end", 0)


def test_while_nobody_watches_the_store_is_not_asked(tmp_path: Path) -> None:
    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        store.watch(stream.wake)
        await fire(store, "a")
        await asyncio.sleep(0.05)
        assert looks(counted) == 0
        with stream.watching():
            assert await stream.beyond(0, 10)
        await until(lambda: idle(counted))
        before = looks(counted)
        await fire(store, "b")
        await asyncio.sleep(0.05)
        assert looks(counted) == before

    following(tmp_path, scenario, look_every=0.01)


async def idle(counted: FlakyStore) -> bool:
    before = looks(counted)
    await asyncio.sleep(0.05)
    return looks(counted) == before


def test_a_write_wakes_all_who_wait_and_each_page_is_read_once(tmp_path: Path) -> None:
    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        store.watch(stream.wake)

        async def follow() -> list[bytes]:
            with stream.watching():
                seen: list[bytes] = []
                at = 0
                while len(seen) < 500:
                    if await stream.beyond(at, 10):
                        page = await stream.page(at)
                        seen += [line.text for line in page.lines]
                        at = page.last
                return seen

        followers = [asyncio.create_task(follow()) for _ in range(20)]
        await asyncio.sleep(0)
        names = [f"a{n}" for n in range(500)]
        await fire(store, *names)
        for follower in followers:
            assert await follower == [name.encode() for name in names]
        assert counted.calls["stream_page"] == 3

    following(tmp_path, scenario)


def test_who_comes_later_is_given_the_page_that_was_read_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGES", 2)

    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        await fire(store, "a", "b", "c")
        end = await stream.look()
        for after in (end - 1, end - 2, end - 1, end - 3):
            assert (await stream.page(after)).last == end
        assert counted.calls["stream_page"] == 3
        await stream.page(end - 1)
        assert counted.calls["stream_page"] == 3
        await stream.page(end - 2)
        assert counted.calls["stream_page"] == 4

    following(tmp_path, scenario)


def test_without_a_word_from_others_it_looks_by_itself(tmp_path: Path) -> None:
    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        with stream.watching():
            assert not await stream.beyond(0, 0.05)
            await fire(store, "a")
            assert await stream.beyond(0, 10)

    following(tmp_path, scenario, look_every=0.01)


def test_it_goes_on_when_the_store_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.01)

    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        counted.failures["stream_end"] = 3
        await fire(store, "a")
        with stream.watching():
            assert await stream.beyond(0, 10)
        assert looks(counted) == 4

    following(tmp_path, scenario)


def test_a_reader_that_leaves_does_not_take_the_page_from_the_others(tmp_path: Path) -> None:
    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        await fire(store, "a")
        await stream.look()
        first, second = (asyncio.create_task(stream.page(0)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert [line.text for line in (await second).lines] == [b"a"]
        assert counted.calls["stream_page"] == 1

    following(tmp_path, scenario)


def test_no_more_may_watch_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)

    async def scenario(store: SqlStore, counted: FlakyStore, stream: Stream) -> None:
        stream.refuse_more()
        with stream.watching():
            with pytest.raises(OverloadedError):
                stream.refuse_more()
            with pytest.raises(OverloadedError), stream.watching():
                pass
            assert list(stream.samples()) == [("cepd_stream_clients", (), 1)]
        stream.refuse_more()

    following(tmp_path, scenario)
