"""The order of start and stop, with all the real parts but the web server."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cepd.model.duration import HOUR, SECOND
from cepd.model.errors import RetryLaterError, StartError
from cepd.net import GuardedClient
from cepd.ports import AlertQuery
from cepd.runtime.daemon import Daemon
from cepd.secrets import ProcessSecrets
from cepd.stores.journal import open_journal
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from cepd.telemetry.metrics import Metrics
from cepd.wiring import RunOptions, build

PACK = """
kind: RulePack
name: hosts
rules:
  - id: {id}
    trigger: {{type: event}}
    when: n > 0
    actions: [{{type: notify, channels: [ops]}}]
---
{{kind: Channel, name: ops, type: webhook, url: "http://127.0.0.1:9/", allow_private: true}}
"""
EVENT = b'{"id": "a", "n": 1}'

Scenario = Callable[[Daemon, Metrics], Coroutine[Any, Any, None]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "hosts.yaml").write_text(PACK.format(id="cpu"))
    return folder


def live(root: Path, scenario: Scenario, *, drain: int = SECOND, poll: int = HOUR) -> None:
    """One life of a daemon over `root` and a data directory beside it, which ends in good order after the scenario."""

    async def life() -> None:
        http = GuardedClient()
        options = RunOptions(root=root, data_dir=root.parent / "data", poll_interval=poll, drain=drain)
        journal = open_journal(options.data_dir / "journal")
        store = open_store(options.data_dir / "cepd.db")
        daemon, metrics = build(options, http, ProcessSecrets(), None, journal, store)
        stop = asyncio.Event()

        async def serve() -> None:
            try:
                await scenario(daemon, metrics)
            finally:
                stop.set()

        await daemon.run(stop, serve)
        await http.aclose()

    asyncio.run(life())


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110  the daemon has no event for it: outside, only its answers tell
            await asyncio.sleep(0.005)


async def until_ready(daemon: Daemon) -> None:
    await until(lambda: daemon.unready() is None)


async def submit(daemon: Daemon, body: bytes = EVENT) -> tuple[int, int]:
    receipt = await daemon.inbox.submit(body, None, None, "http")
    return receipt.accepted, receipt.duplicates


def test_nothing_is_taken_and_nothing_reloaded_before_the_journal_is_replayed(root: Path) -> None:
    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        assert daemon.unready() is not None
        with pytest.raises(RetryLaterError, match="starting"):
            await submit(daemon)
        with pytest.raises(RetryLaterError, match="starting"):
            await daemon.reload()
        await until_ready(daemon)
        assert await submit(daemon) == (1, 0)

    live(root, scenario)


def test_a_stop_works_off_what_was_accepted_and_the_next_start_knows_it(root: Path) -> None:
    async def first(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        assert await submit(daemon) == (1, 0)

    async def second(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        assert [alert.rule_id for alert in (await daemon.store.alerts(AlertQuery())).alerts] == ["cpu"]
        assert await submit(daemon) == (0, 1)

    live(root, first)
    live(root, second)


def test_a_store_that_goes_away_while_the_daemon_starts_is_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away_once(name: str) -> None:
        call, tries = getattr(SqlStore, name), iter([True])

        async def wrapped(store: SqlStore, *arguments: Any) -> Any:
            if next(tries, False):
                raise RetryLaterError("the database does not answer")
            return await call(store, *arguments)

        monkeypatch.setattr(SqlStore, name, wrapped)

    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        assert await submit(daemon) == (1, 0)

    for name in ("recorded", "reclaim"):
        away_once(name)
    live(root, scenario)
    assert [record.message for record in caplog.records].count("store away") == 2


def test_the_last_good_rules_run_without_the_folder(root: Path) -> None:
    async def first(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)

    async def second(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        assert list(daemon.machine.deployment.program.rules) == ["cpu"]
        assert "cepd_config_last_reload_successful 0.0" in await asyncio.to_thread(text_of, metrics)
        await submit(daemon)

    live(root, first)
    shutil.rmtree(root)
    live(root, second)


def test_without_folder_and_last_good_rules_it_does_not_start(tmp_path: Path) -> None:
    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await asyncio.Event().wait()

    with pytest.raises(StartError, match="none") as refused:
        live(tmp_path / "none", scenario)
    assert refused.value.help


def test_a_folder_that_was_never_good_is_unready_until_it_is(root: Path) -> None:
    (root / "hosts.yaml").write_text("kind: RulePak\n")

    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until(lambda: daemon.inbox.closed is None)
        reason = daemon.unready()
        assert reason is not None
        assert "no rules" in reason
        (root / "hosts.yaml").write_text(PACK.format(id="cpu"))
        await until_ready(daemon)

    live(root, scenario)


def test_a_full_disk_at_the_first_start_is_the_reason_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RetryLaterError("no space left on the device")

    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until(lambda: daemon.inbox.closed is None)
        assert "no space left" in (daemon.unready() or "")
        monkeypatch.undo()
        await daemon.reload()
        assert daemon.unready() is None

    monkeypatch.setattr("cepd.runtime.generations.Generations.keep", full)
    live(root, scenario)


def test_it_is_unready_while_the_journal_refuses_and_ready_without_an_event(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cepd.stores import segment

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        with monkeypatch.context() as broken:
            broken.setattr(segment.Segment, "write", refuse)
            with pytest.raises(RetryLaterError):
                await submit(daemon)
            assert "No space left" in (daemon.unready() or "")
        await until_ready(daemon)

    live(root, scenario)


def test_a_part_that_ends_ends_the_daemon(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        monkeypatch.setattr(daemon.machine, "steps", lambda *_: 1 / 0)
        await submit(daemon)
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as ended:
        live(root, scenario)
    assert ended.group_contains(ZeroDivisionError)


def test_a_stop_during_the_replay_does_not_wait_for_its_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("cepd.runtime.daemon.replay", never)
    live(root, scenario)


def test_a_store_that_stays_away_does_not_hold_up_the_stop(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: object) -> None:
        raise RetryLaterError("the disk is full")

    async def first(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        monkeypatch.setattr(daemon.store, "record", away)
        assert await submit(daemon) == (1, 0)

    async def second(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        assert len((await daemon.store.alerts(AlertQuery())).alerts) == 1

    with caplog.at_level(logging.WARNING):
        live(root, first, drain=SECOND // 10)
    assert "the next start does it" in caplog.text
    live(root, second)


def test_looking_for_changes_ends_before_the_drain_and_does_not_break_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise RetryLaterError("the disk is full")

    looks: list[int] = []

    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        monkeypatch.setattr(daemon.store, "record", away)
        assert await submit(daemon) == (1, 0)
        close = daemon.watcher.close

        def look_once_more() -> None:
            close()
            monkeypatch.setattr(daemon, "reload", lambda: looks.append(1))

        monkeypatch.setattr(daemon.watcher, "close", look_once_more)

    live(root, scenario, drain=SECOND // 2, poll=SECOND // 100)
    assert looks == []


def test_a_scrape_reads_every_part(root: Path) -> None:
    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        await submit(daemon, EVENT + b'\n{"n": 0}\n{bad')
        await daemon.feed.drained()
        await daemon.recorder.drained()
        lines = (await asyncio.to_thread(text_of, metrics)).splitlines()
        assert {
            "cepd_events_received_total 2.0",
            "cepd_events_applied_total 2.0",
            'cepd_events_rejected_total{reason="line"} 1.0',
            'cepd_rule_matches_total{rule="cpu"} 1.0',
            'cepd_alerts_total{rule="cpu"} 1.0',
            'cepd_alerts_unacknowledged{severity="medium"} 1.0',
            'cepd_rules{state="active"} 1.0',
            'cepd_rules_loaded{pack="hosts"} 1.0',
            'cepd_config_reloads_total{outcome="applied"} 1.0',
            "cepd_config_last_reload_successful 1.0",
            "cepd_event_queue_length 0.0",
            "cepd_stream_clients 0.0",
            'cepd_retention_deleted_total{table="stream"} 0.0',
        } <= set(lines)
        (root / "hosts.yaml").write_text(PACK.format(id="other"))
        await daemon.reload()
        text = await asyncio.to_thread(text_of, metrics)
        assert 'rule="cpu"' not in text
        assert 'cepd_rule_matches_total{rule="other"} 0.0' in text

    live(root, scenario)


def test_a_scrape_counts_the_rules_that_run_and_that_no_index_serves(root: Path) -> None:
    async def scenario(daemon: Daemon, metrics: Metrics) -> None:
        await until_ready(daemon)
        assert "\ncepd_rules_unindexed 0.0\n" in await asyncio.to_thread(text_of, metrics)
        texts = PACK.format(id="seek").partition("---")[0].replace("name: hosts", "name: texts")
        (root / "texts.yaml").write_text(texts.replace("n > 0", "matches(text, '[0-9]+')"))
        await daemon.reload()
        assert "\ncepd_rules_unindexed 1.0\n" in await asyncio.to_thread(text_of, metrics)

    live(root, scenario)


def text_of(metrics: Metrics) -> str:
    return metrics.render().decode()
