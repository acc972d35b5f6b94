"""Acknowledgements end when their time has come, also where the store was away or others had given them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from cepd.model.duration import SECOND
from cepd.ports import Store
from cepd.runtime.lapses import LONGEST_SLEEP, PAUSE, end_acknowledgements
from cepd.stores.sqlite import open_store
from tests.support.acts import act, lines, opened
from tests.support.dispatching import FlakyStore
from tests.support.virtual import VirtualClock, leap, run_virtually

START = 1_000 * SECOND


def at_work(tmp_path: Path, scenario: Callable[[FlakyStore], Awaitable[None]], **failures: int) -> None:
    """Runs the scenario from START on beside what ends acknowledgements, over a store that fails as often as said."""

    async def run() -> None:
        store = open_store(tmp_path / "cepd.db")
        flaky: Any = FlakyStore(store, **failures)
        await opened(store, "a1")
        task = asyncio.create_task(end_acknowledgements(cast(Store, flaky), VirtualClock(START)))
        try:
            await scenario(flaky)
        finally:
            task.cancel()
            await asyncio.wait({task})
            await store.close()

    run_virtually(run())


async def looks(store: FlakyStore, number: int) -> None:
    async with asyncio.timeout(20):
        while store.calls.get("lapse", 0) < number:  # noqa: ASYNC110  it looks in its own time
            await asyncio.sleep(0.001)
    await store.alert("a1")


async def state(store: FlakyStore) -> str:
    return str((await store.alert("a1")).alert.state)


async def until_open(store: FlakyStore) -> None:
    async with asyncio.timeout(20):
        while await state(store) != "open":  # noqa: ASYNC110  it ends in its own time
            await asyncio.sleep(0.001)


def test_it_ends_at_its_end_and_not_before(tmp_path: Path) -> None:
    async def scenario(store: FlakyStore) -> None:
        end = START + 100 * SECOND
        await store.change("a1", act("ack", at=START, until=end))
        await looks(store, 1)
        for _ in range(5):
            number = store.calls["lapse"]
            await leap(LONGEST_SLEEP)
            await looks(store, number + 1)
            assert await state(store) == "acked"
        await leap(100)
        await until_open(store)
        assert (await lines(cast(Store, store)))[-1] == (end, "lapse", "cepd", "acked", "open")

    at_work(tmp_path, scenario)


def test_a_store_that_is_away_is_told_of_and_asked_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(store: FlakyStore) -> None:
        await store.change("a1", act("ack", at=START, until=START + 1))
        await looks(store, 1)
        assert await state(store) == "acked"
        await leap(PAUSE)
        await until_open(store)

    with caplog.at_level(logging.WARNING):
        at_work(tmp_path, scenario, lapse=1)
    assert "acknowledgements not ended" in caplog.text
