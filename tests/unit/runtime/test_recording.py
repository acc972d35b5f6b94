"""Recordings: what is in them, where they begin, and that their replay fires exactly what was fired."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.config.tree import Tree
from cepd.engine.engine import Engine
from cepd.engine.program import Program
from cepd.model.duration import HOUR
from cepd.model.errors import StartError
from cepd.model.firing import Firing
from cepd.model.frame import Frame
from cepd.model.rule import Suppress
from cepd.model.stop import Wish
from cepd.ports import Snapshot
from cepd.runtime.machine import Machine
from cepd.runtime.recording import FORMAT, Header, KeptGeneration, read_header, read_items, record
from cepd.runtime.replay import rows_of
from tests.support.pipeline import deployment_of
from tests.support.rows import START, S, line, rule

FOLDING = rule("folding", "n > 0", group_by=("host",), suppress=Suppress(HOUR))
FIRST = deployment_of(FOLDING, rule("each", "n > 2"))
SECOND = deployment_of(FOLDING, rule("each", "n > 1"), name="two", previous=FIRST)
DEPLOYMENTS = {FIRST.digest: FIRST, SECOND.digest: SECOND}
ODD = [b'{"n": 3, "big": 1e999, "text": "\\ud800 \\u0000"}', '{"n": 3, "é": "\u2028", "time": 1}'.encode(), b'{"n":3}']


def frame(seq: int, kind: str, *lines: bytes, first: int = 0, **parts: Any) -> Frame:
    body = b"\n".join(lines)
    given = {"input": "http", "source": "token"} if lines else {}
    parts = {**given, **parts}
    return Frame(
        seq=seq, clock=START + seq * S, kind=kind, first=first, origin="j", count=len(lines), body=body, **parts
    )


WISH = msgspec.json.encode(Wish(START + 900 * S, "kim", 'too "loud"'))


def journal() -> list[Frame]:
    """A swap, batches, a tick, odd lines, a target, a second swap, a stop and more."""
    frames = [frame(1, "swap", digest=FIRST.digest)]
    number = 1
    for seq in range(2, 12):
        lines = [line(n=(seq + n) % 4, host=f"h{n}") for n in range(3)]
        frames.append(frame(seq, "batch", *lines, first=number))
        number += 3
    frames += [
        frame(12, "tick", first=number),
        frame(13, "batch", *ODD, first=number),
        frame(14, "target", b'{"n": 9}', first=number + 3, rule_id="each", run="x", by="ada", depth=2),
        frame(15, "swap", digest=SECOND.digest),
        frame(16, "resume"),
        frame(17, "batch", line(n=2, host="h0"), first=number + 4),
        msgspec.structs.replace(frame(18, "reset", rule_id="each"), body='["é"]'.encode()),
        frame(19, "batch", line(n=2, host="new"), first=number + 5),
        msgspec.structs.replace(frame(20, "disable", rule_id="each"), body=WISH),
        frame(21, "batch", line(n=2, host="new"), first=number + 6),
        frame(22, "enable", rule_id="each"),
        frame(23, "batch", line(n=2, host="new"), first=number + 7),
    ]
    return frames


FRAMES = journal()


def read(digest: str) -> tuple[Tree, str]:
    return Tree(root=Path("."), files={"a.yaml": b"\xff of " + digest.encode()}), f"revision of {digest}"


def lived(upto: int | None = None) -> tuple[Machine, list[Firing]]:
    """A machine that was fed the frames up to a row, and all that fired."""
    machine = Machine(deployment_of())
    fired: list[Firing] = []
    for one in FRAMES[:upto]:
        fired += machine.apply(one, DEPLOYMENTS.get(one.digest)).firings
    return machine, fired


def snapshot(seq: int) -> Snapshot:
    machine, _ = lived(seq)
    return Snapshot(
        seq=seq,
        clock=machine.clock,
        next_event=0,
        digest=machine.deployment.digest,
        engine=machine.engine.snapshot(),
        horizon=(),
    )


def recorded(frames: Sequence[Frame] = FRAMES, snapshots: Sequence[Snapshot] = (), **options: Any) -> list[bytes]:
    return list(record(frames, snapshots, read, version="1.2", **options))


def compile(kept: KeptGeneration, previous: Program) -> Program:
    return DEPLOYMENTS[kept.digest].program


def test_what_is_written_is_read_back_to_the_byte() -> None:
    header, *lines = recorded()
    assert read_header(header) == Header(version="1.2", begins="start")
    items = list(read_items(lines))
    assert [item for item in items if isinstance(item, Frame)] == FRAMES
    kept = [item for item in items if isinstance(item, KeptGeneration)]
    assert [(one.digest, one.revision) for one in kept] == [
        (digest, f"revision of {digest}") for digest in (FIRST.digest, SECOND.digest)
    ]
    assert kept[0].files == {"a.yaml": b"\xff of " + FIRST.digest.encode()}
    assert items.index(kept[1]) == items.index(FRAMES[14]) - 1, "before the swap that needs it"


def test_its_replay_as_recorded_fires_what_was_fired() -> None:
    machine, fired = lived()
    assert {firing.rule_id for firing in fired} == {"folding", "each"}
    engine = Engine(deployment_of().program)
    rows = rows_of(read_items(recorded()[1:]), deployment_of().program, None, compile)
    assert [firing for row in rows for firing in engine.apply(row)] == fired
    assert engine.snapshot() == machine.engine.snapshot()


@pytest.mark.parametrize("seq", [1, 5, 12, 15, 18, 20, 22])
def test_its_replay_from_a_snapshot_fires_what_was_fired_since(seq: int) -> None:
    _, before = lived(seq)
    machine, fired = lived()
    header_line, *lines = (
        recorded(FRAMES[seq - 1 :], [snapshot(seq)]) if seq > 1 else recorded(FRAMES[1:], [snapshot(1)])
    )
    header = read_header(header_line)
    assert (header.begins, header.clock) == ("snapshot", START + seq * S)
    items = read_items(lines)
    generation = next(items)
    assert isinstance(generation, KeptGeneration)
    assert generation.digest == header.generation
    program = DEPLOYMENTS[header.generation].program
    engine = Engine.restore(program, header.engine)
    rows = rows_of(items, program, {generation.digest: generation}, compile)
    assert [firing for row in rows for firing in engine.apply(row)] == fired[len(before) :]
    assert engine.snapshot() == machine.engine.snapshot()


def test_under_one_program_a_swap_is_time_that_passes() -> None:
    rows = list(rows_of(read_items(recorded()[1:]), FIRST.program))
    assert [type(row).__name__ for row in rows] == [
        *["Tick"], *["Lines"] * 10, "Tick", "Lines", "Target", "Tick", "Resume", "Lines", "Reset", "Lines",
        "Disable", "Lines", "Enable", "Lines"
    ]  # fmt: skip
    assert [row.clock for row in rows] == [one.clock for one in FRAMES]


def seqs(lines: list[bytes]) -> list[int]:
    return [item.seq for item in read_items(lines[1:]) if isinstance(item, Frame)]


def begins(lines: list[bytes]) -> str:
    return read_header(lines[0]).begins


def test_where_it_begins() -> None:
    at: Callable[[int], int] = lambda seq: START + seq * S  # noqa: E731
    both = [snapshot(12), snapshot(6)]
    cases: list[tuple[list[bytes], str, list[int]]] = [
        (recorded(snapshots=both), "start", list(range(1, 24))),
        (recorded(FRAMES[4:], both), "snapshot", list(range(7, 24))),
        (recorded(FRAMES[6:], both), "snapshot", list(range(7, 24))),
        (recorded(FRAMES[7:], both), "snapshot", list(range(13, 24))),
        (recorded(since=at(0)), "start", list(range(1, 24))),
        (recorded(since=at(9)), "middle", list(range(9, 24))),
        (recorded(since=at(9), snapshots=both), "snapshot", list(range(7, 24))),
        (recorded(since=at(12), snapshots=both), "snapshot", list(range(13, 24))),
        (recorded(FRAMES[4:], since=at(0)), "middle", list(range(5, 24))),
        (recorded(until=at(4)), "start", [1, 2, 3, 4]),
    ]
    for lines, expected, rows in cases:
        assert (begins(lines), seqs(lines)) == (expected, rows)


def test_what_cannot_be_recorded_is_told() -> None:
    with pytest.raises(StartError, match="no rows") as refused:
        recorded([])
    assert refused.value.help
    with pytest.raises(StartError, match="begins with row 5") as refused:
        recorded(FRAMES[4:])
    assert "--since" in refused.value.help


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(StartError, match=f"format {FORMAT + 1}") as refused:
        read_header(recorded()[0].replace(b'recording":1', b'recording":2'))
    assert "1.2" in refused.value.help
    with pytest.raises(StartError, match="first line"):
        read_header(recorded()[0][:-5])
    with pytest.raises(StartError, match="line 3 of"):
        list(read_items([recorded()[1], b'{"kind": "batch"}']))
    with pytest.raises(StartError, match="does not hold"):
        list(rows_of([FRAMES[0]], FIRST.program, None, compile))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def tear(directory: Path) -> dict[str, bytes]:
    """The last frame as it is while it is written: without its last byte. What the directory then holds."""
    (segment,) = directory.glob("*.journal")
    segment.write_bytes(segment.read_bytes().rstrip(b"\0")[:-1] + bytes(8))
    return contents(directory)


def test_a_recording_of_a_journal_that_is_written_ends_with_the_last_whole_frame(tmp_path: Path) -> None:
    from cepd.stores.journal import open_journal, read_journal

    async def scenario() -> None:
        journal = open_journal(tmp_path, segment_size=4096)
        for one in FRAMES:
            await journal.append(one)
        assert list(read_journal(tmp_path)) == FRAMES, "beside the process that holds its lock"
        before = tear(tmp_path)
        assert list(read_journal(tmp_path)) == FRAMES[:-1]
        assert contents(tmp_path) == before
        await journal.close()

    asyncio.run(scenario())
    with pytest.raises(StartError, match="no journal"):
        next(iter(read_journal(tmp_path / "elsewhere")))
