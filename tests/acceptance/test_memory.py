"""What `cepd simulate` holds in memory: little for each key of a window, and nothing more for each further event."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import pytest
import yaml

from tests.support.ops_tree import write_tree
from tests.support.simulating import Simulating, Took

MB = 1_000_000
CHANNEL = "kind: Channel\nname: ops\ntype: webhook\nurl: https://ops.example.com/in\n"
START = 1_763_596_800

EVERY_KIND = Path(__file__).with_name("every_kind.yaml").read_text(encoding="utf-8")
AVERAGE = """
kind: RulePack
name: hosts
rules:
  - id: average
    trigger: {type: event, event_type: host.cpu}
    group_by: [host]
    window: {type: tumbling, size: 1h}
    aggregate: {mean: {fn: avg, field: cpu}}
    having: mean > 99.9
    max_keys: 1000000
    actions: [{type: notify, channels: [ops], message: "{{ host }}"}]
"""


def cpu_of(number: int) -> float:
    return number * 7_919 % 10_007 / 100


def one_each(keys: int, *, ids: bool) -> Iterator[str]:
    """One event for each of so many keys, within 1,000 s."""
    for number in range(keys):
        given = f'"id":"{number:08x}",' if ids else ""
        yield (
            f'{{{given}"type":"host.cpu","host":"host-{number:07}",'
            f'"cpu":{cpu_of(number)},"ts":{START + 1_000 * number / keys:.3f}}}'
        )


def busy(events: int, keys: int) -> Iterator[str]:
    """Events of three types, over so many keys with about one a second each; a version holds for 50 s, and comes again
    after it is forgotten. None has an id: the table of known ids is bounded, and made anew at times."""
    dice = random.Random(7)
    for number in range(events):
        kind = "host.cpu" if (luck := dice.random()) < 0.6 else "host.disk" if luck < 0.9 else "host.restart"
        yield (
            f'{{"type":"{kind}","host":"host-{int(keys * dice.random()):04}","cpu":{100 * dice.random():.2f},'
            f'"version":"v{number // (50 * keys) % 20}","ts":{START + number / keys:.3f}}}'
        )


def took(folder: Path, name: str, lines: Iterator[str]) -> Took:
    root = write_tree(folder / "tree", {"channels.yaml": CHANNEL, "pack.yaml": AVERAGE})
    with Simulating(root, folder / f"{name}.json") as running:
        running.feed(lines)
        return running.finish()


def above_one_event(folder: Path, keys: int, *, ids: bool) -> int:
    """Bytes of peak memory that a window with so many keys takes, beyond what a run with one event takes."""
    alone = took(folder, "alone", one_each(1, ids=ids))
    found = took(folder, "all", one_each(keys, ids=ids))
    expected = sum(cpu_of(number) > 99.9 for number in range(keys))
    assert found.report["firings"] == expected, "no key was refused, and the window closed"
    print(f"{keys:,} keys: {(found.peak - alone.peak) / MB:.0f} MB above one event's, {found.cpu:.0f} s of CPU")
    return found.peak - alone.peak


def test_a_key_of_a_window_takes_some_300_bytes(tmp_path: Path) -> None:
    assert above_one_event(tmp_path, 100_000, ids=False) < 100_000 * 320


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_million_keys_in_one_average(tmp_path: Path) -> None:
    assert above_one_event(tmp_path, 1_000_000, ids=True) < 350 * MB


def growth(folder: Path, keys: int, stops: Sequence[int]) -> int:
    """Bytes of memory after the last of so many events above those after the first. Rules of every kind run."""
    root = write_tree(folder / "tree", {"channels.yaml": CHANNEL, "pack.yaml": EVERY_KIND})
    lines = busy(stops[-1], keys)
    resident: list[int] = []
    with Simulating(root, folder / "told.json") as running:
        for first, last in pairwise((0, *stops)):
            running.feed(islice(lines, last - first))
            resident.append(running.resident())
        found = running.finish()
    print(f"{', '.join(f'{one / MB:.1f} MB' for one in resident)}; {found.cpu:.0f} s of CPU; {found.report['rules']}")
    assert found.report["events"] == stops[-1]
    fired = {name for name, counts in found.report["rules"].items() if counts["firings"]}
    assert fired == {rule["id"] for rule in yaml.safe_load(EVERY_KIND)["rules"]}
    return resident[-1] - resident[0]


def test_what_was_seen_is_forgotten(tmp_path: Path) -> None:
    """A hundred bytes kept of each event would be 4 MB."""
    assert growth(tmp_path, 50, (20_000, 60_000)) < 1 * MB


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_million_events_take_no_more_than_two(tmp_path: Path) -> None:
    assert growth(tmp_path, 1_000, range(2_000_000, 10_000_001, 1_000_000)) < 4 * MB
