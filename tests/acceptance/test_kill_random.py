"""`kill -9` at random, twenty times, under load, with windows, holds and snapshots: the alerts are those of one
uninterrupted run over the recording."""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.error import URLError

import msgspec
import pytest

from cepd.cli.recordings import open_recording
from cepd.cli.replay import Replay
from cepd.model.alert import Alert
from cepd.model.firing import Firing
from cepd.ports import AlertQuery
from cepd.runtime.simulate import Simulation
from cepd.stores.sqlite import open_store
from tests.support.command import cepd
from tests.support.daemon import Daemon
from tests.support.ops_tree import CHANNEL, SECRET, write_tree

KILLS = 20
RULES = {
    "tumbling": "window: {type: tumbling, size: 1s}\n    aggregate: {mean: {fn: avg, field: n}}\n    having: mean > 49",
    "sliding": "window: {type: sliding, size: 2s, slide: 1s}\n    aggregate: {high: {fn: max, field: n}}\n"
    "    having: high > 97",
    "session": "when: n > 90\n    window: {type: session, timeout: 300ms}\n    aggregate: {all: {fn: count}}\n"
    "    having: all > 1",
    "held": "when: level == 1\n    for: 100ms\n    resolve: true",
    "folding": "when: n > 80\n    suppress: 5s",
}
ACTION = "actions: [{type: notify, channels: [ops]}]"
PACK = "kind: RulePack\nname: hosts\nrules:\n" + "".join(
    f"  - id: {name}\n    trigger: {{type: event, event_type: host}}\n    group_by: [host]\n    {body}\n    {ACTION}\n"
    for name, body in RULES.items()
)


class Load:
    """Events with ids of their own, sent again where there was no answer."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._number = 0
        self._unanswered: list[dict[str, Any]] = []

    def send(self, daemon: Daemon) -> None:
        """One body. URLError or ConnectionError where the daemon dies."""
        if not self._unanswered:
            self._unanswered = [self._event() for _ in range(self._dice.randrange(1, 40))]
        assert daemon.ingest(*self._unanswered).status == 202
        self._unanswered = []

    def _event(self) -> dict[str, Any]:
        self._number += 1
        host, level = f"h{self._dice.randrange(5)}", self._number // 400 % 2
        return {"type": "host", "id": self._number, "host": host, "n": self._dice.randrange(100), "level": level}


def uninterrupted(recording: Path) -> list[Firing]:
    with open_recording(recording) as lines:
        replay = Replay(Simulation((), flush=False), {}, as_recorded=True)
        return list(replay.run(next(lines), lines))


async def alerts_in(data: Path) -> list[Alert]:
    """Of a store that no daemon has open."""
    store = open_store(data / "cepd.db")
    found: list[Alert] = []
    query = AlertQuery(limit=1000)
    while True:
        page = await store.alerts(query)
        found += page.alerts
        if page.next_cursor is None:
            await store.close()
            return found
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


@pytest.mark.timeout(600)
def test_the_alerts_are_those_of_an_uninterrupted_run(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "tree", {"cepd.yaml": "lateness: 100ms\n", "channels.yaml": CHANNEL, "packs/hosts.yaml": PACK}
    )
    environment = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
    options = ("--snapshot-interval", "50ms", "--retain", "1h")
    dice, load = random.Random(11), Load(12)
    restored = 0
    for _ in range(KILLS):
        with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
            restored += bool(daemon.events("recovered")[0]["snapshot"])
            end = time.monotonic() + dice.uniform(0.1, 1.5)
            while time.monotonic() < end:
                load.send(daemon)
            daemon.kill()
            with pytest.raises((URLError, ConnectionError)):
                load.send(daemon)
    assert restored > KILLS // 2, "most starts begin from a snapshot"
    recording = tmp_path / "recording.ndjson.gz"
    with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
        load.send(daemon)
        assert daemon.stop() == 0
    assert cepd("record", "--data-dir", tmp_path / "data", "-o", recording).returncode == 0
    firings = uninterrupted(recording)
    found = asyncio.run(alerts_in(tmp_path / "data"))
    assert {one.rule_id for one in found} == set(RULES)
    stored = {one.event_id: (one.rule_id, one.key, one.time) for one in found}
    expected = {one.id: (one.rule_id, one.key, one.time) for one in firings if one.opens}
    assert {event_id: expected.get(event_id) for event_id in stored} == stored, "no alert that should not be"
    assert {event_id: stored.get(event_id) for event_id in expected} == expected, "no alert is missing"
    folded = Counter(one.alert_id for one in firings if one.kind == "fired" and one.rule_id == "folding")
    assert {one.event_id: one.count for one in found if one.rule_id == "folding"} == folded
