"""The stream of alerts on a real socket and a real store: what a client is told, and how each of its lives ends."""

import asyncio
import logging
from hashlib import sha256
from pathlib import Path

import pytest

from cepd.model.alert import Fold
from cepd.ports import Recording
from cepd.ports.retention import Trim
from cepd.web import stream as module
from cepd.web.auth import TokenFile
from tests.support.acknowledging import acknowledge
from tests.support.alerts import alert, draft, ended
from tests.support.sse import Event
from tests.support.streaming import Client, House, visiting

TOKEN = "reader-token"


def test_it_begins_now_and_tells_each_thing_that_happens(tmp_path: Path) -> None:
    async def visit(house: House) -> None:
        await house.fire("before")
        client = await house.open()
        assert client.status == 200
        named = dict(client.headers)
        assert named["content-type"] == "text/event-stream"
        assert named["x-accel-buffering"] == "no"
        assert [value for name, value in client.headers if name == "cache-control"] == ["no-store"]
        assert "content-length" not in named
        await client.begun()
        assert (client.parsed.retry, client.parsed.last_id) == (3_000, 1)
        await house.store.record(Recording(seq=1, alerts=[alert("a")], drafts=[draft("d", "a")]))
        await client.sees("fired a")
        await house.store.record(Recording(seq=2, folds=[Fold("a", 2, 20)]))
        await acknowledge(house.store, "a", by="alice", at=5, note=None, steal=False)
        (delivery,) = await house.store.claim(now=1_000, per_target=1)
        await ended(house.store, delivery)
        await house.store.record(Recording(seq=3, folds=[Fold("a", 3, 30, resolved=True)]))
        await client.sees("fired a", "updated a", "acked a", "delivery a", "resolved a")
        assert [event.id for event in client.events] == [2, 3, 4, 5, 6]
        fired, _, _, sent, resolved = (event.data for event in client.events)
        assert (fired["state"], fired["summary"], fired["channels"]) == ("open", "summary of a", {"ops": "pending"})
        assert (resolved["state"], resolved["count"], resolved["acked_by"]) == ("resolved", 3, "alice")
        assert sent["delivery"] == {
            "delivery_id": "d",
            "kind": "fired",
            "action": 0,
            "type": "notify",
            "target": "ops",
            "state": "sent",
            "reason": None,
            "tries": 1,
            "settled_at": "1970-01-01T00:00:00.002Z",
        }

    visiting(tmp_path, visit)


def test_whoever_comes_back_goes_on_behind_the_last_id(tmp_path: Path) -> None:
    async def visit(house: House) -> None:
        await house.fire("a", "b", "c")
        for query, header, wanted in (
            ("?last_event_id=0", (), ["a", "b", "c"]),
            ("?last_event_id=1", (), ["b", "c"]),
            ("", ("Last-Event-ID: 2",), ["c"]),
            ("?last_event_id=0", ("Last-Event-ID: 2",), ["c"]),
        ):
            client = await house.open(query, *header)
            await client.sees(*(f"fired {name}" for name in wanted))
            client.leave()
        await house.watched(by=0)

    visiting(tmp_path, visit)


def test_who_was_told_nothing_knows_where_to_go_on(tmp_path: Path) -> None:
    async def visit(house: House) -> None:
        await house.fire("old")
        client = await house.open()
        await client.begun()
        client.leave()
        await house.watched(by=0)
        await house.fire("a")
        again = await house.open("", f"Last-Event-ID: {client.parsed.last_id}")
        await again.sees("fired a")

    visiting(tmp_path, visit)


def test_a_client_that_missed_what_is_kept_no_more_is_told_and_goes_on(tmp_path: Path) -> None:
    async def visit(house: House) -> None:
        await house.fire("a", "b", "c", "d")
        await house.store.trim(Trim(table="stream", most=9, before=0, excess=2))
        client = await house.open("?last_event_id=1")
        await client.sees("gap", "fired c", "fired d")
        assert client.events[0] == Event(2, "gap", {"last_event_id": 1, "oldest_id": 3})
        again = await house.open("?last_event_id=2")
        await again.sees("fired c", "fired d")
        assert "cepd_stream_gaps_total 1.0" in house.metrics.render().decode()

    visiting(tmp_path, visit)


def test_an_id_that_this_store_never_gave_begins_now_after_a_gap(tmp_path: Path) -> None:
    async def visit(house: House) -> None:
        await house.fire("a")
        client = await house.open("?last_event_id=99")
        await client.sees("gap")
        assert client.events[0] == Event(1, "gap", {"last_event_id": 99, "oldest_id": 2})
        await house.fire("b")
        await client.sees("gap", "fired b")

    visiting(tmp_path, visit)


def test_filters_leave_out_the_rest_and_a_ping_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING", 0.05)

    async def visit(house: House) -> None:
        of_disk = await house.open("?rule_id=disk")
        severe = await house.open("?severity=warning&rule_id=cpu")
        for client in (of_disk, severe):
            await client.begun()
        await house.fire("a", severity="medium")
        await house.fire("b", "c", severity="low")
        await severe.sees("fired a")
        while of_disk.parsed.last_id != 3 or not of_disk.parsed.comments:
            assert await of_disk.more()
        assert of_disk.events == []
        assert set(of_disk.parsed.comments) == {"ping"}

    visiting(tmp_path, visit)


def test_a_stop_ends_each_stream_with_a_last_event_and_is_not_held_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def visit(house: House) -> None:
        clients = [await house.open() for _ in range(5)]
        for client in clients:
            await client.begun()
        house.drain.set()
        await house.serving
        for client in clients:
            await client.sees("bye")
            assert not await client.more()
        assert house.stream.watchers == 0

    with caplog.at_level(logging.WARNING):
        visiting(tmp_path, visit)
    assert caplog.records == []


async def flooded(house: House) -> Client:
    """A client that reads nothing, and for which more waits than the sockets hold."""
    client = await house.open()
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]
    for first in range(0, 2_000, 500):
        await house.fire(*(f"a{n}" for n in range(first, first + 500)), summary="x" * 5_000)
    return client


def test_a_client_that_does_not_read_holds_up_nobody_and_no_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def visit(house: House) -> None:
        slow = await flooded(house)
        other = await house.open("?last_event_id=0")
        while len(other.events) < 2_000:
            assert await other.more()
        assert len(house.stream._pages) <= 32
        assert house.stream.watchers == 2
        house.drain.set()
        await house.serving
        assert house.stream.watchers == 0
        slow.leave()

    with caplog.at_level(logging.WARNING):
        visiting(tmp_path, visit)
    assert caplog.records == []


def test_a_client_that_does_not_read_for_long_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.3)

    async def visit(house: House) -> None:
        client = await flooded(house)
        await house.watched(by=0)
        client.reader._transport.resume_reading()  # type: ignore[attr-defined]
        await client.cut_off()
        seen = [event.data["event_id"] for event in client.events]
        assert seen == [f"a{n}" for n in range(len(seen))]
        rest = await house.open("", f"Last-Event-ID: {client.parsed.last_id}")
        while len(seen) + len(rest.events) < 2_000:
            assert await rest.more()
        assert seen + [event.data["event_id"] for event in rest.events] == [f"a{n}" for n in range(2_000)]

    with caplog.at_level(logging.WARNING):
        visiting(tmp_path, visit)
    assert [record.message for record in caplog.records] == ["a client of the stream does not read"]


def test_head_has_no_body_and_ends(tmp_path: Path) -> None:
    async def visit(house: House) -> None:
        client = await house.open(method="HEAD")
        assert client.status == 200
        assert house.stream.watchers == 0
        client.writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 200")

    visiting(tmp_path, visit)


def test_a_token_that_is_taken_back_ends_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING", 0.05)
    path = tmp_path / "tokens.yaml"
    entry = f"{{name: one, sha256: {sha256(TOKEN.encode()).hexdigest()}, roles: [ROLE]}}"
    path.write_text(f"tokens: [{entry.replace('ROLE', 'read')}]")
    tokens = TokenFile(path)

    async def visit(house: House) -> None:
        assert (await house.open()).status == 401
        client = await house.open("", f"Authorization: Bearer {TOKEN}")
        await client.begun()
        path.write_text(f"tokens: [{entry.replace('ROLE', 'ingest')}]")
        assert tokens.reload() is None
        await client.sees("bye")
        assert "token" in client.events[0].data["reason"]
        assert (await house.open("", f"Authorization: Bearer {TOKEN}")).status == 403

    visiting(tmp_path, visit, tokens)


@pytest.mark.parametrize(
    ("query", "header"),
    [
        ("?last_event_id=x", ()),
        ("?last_event_id=-1", ()),
        ("?last_event_id=1&last_event_id=2", ()),
        ("", ("Last-Event-ID: 1234567890123456789",)),
        ("", ("Last-Event-ID: ",)),
        ("?severity=loud", ()),
        ("?state=open", ()),
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, query: str, header: tuple[str, ...]) -> None:
    async def visit(house: House) -> None:
        client = await house.open(query, *header)
        assert client.status == 400
        assert dict(client.headers)["content-type"] == "application/problem+json"

    visiting(tmp_path, visit)


def test_who_come_at_once_do_not_get_more_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cepd.runtime.stream.MOST", 2)

    async def visit(house: House) -> None:
        asked, look, all_there = 0, house.stream.look, asyncio.Event()

        async def together() -> int:
            """All five were let past the first check before any is counted."""
            nonlocal asked
            asked += 1
            if asked == 5:
                all_there.set()
            await all_there.wait()
            return await look()

        with monkeypatch.context() as patch:
            patch.setattr(house.stream, "look", together)
            clients = await asyncio.gather(*(house.open() for _ in range(5)))
        assert sorted(client.status for client in clients) == [200, 200, 429, 429, 429]
        assert house.stream.watchers == 2

    visiting(tmp_path, visit)


def test_beyond_its_room_it_says_come_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cepd.runtime.stream.MOST", 1)

    async def visit(house: House) -> None:
        first = await house.open()
        await first.begun()
        second = await house.open()
        assert second.status == 429
        assert "retry-after" in dict(second.headers)
        first.leave()
        await house.watched(by=0)
        assert (await house.open()).status == 200

    visiting(tmp_path, visit)
