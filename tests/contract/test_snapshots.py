"""What the port Snapshots promises, over its implementation in files."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from cepd.model.errors import RetryLaterError, StartError
from cepd.ports import Snapshot
from cepd.stores.snapshots import FORMAT, FileSnapshots


def snapshot(seq: int, engine: bytes = b'{"a": "\n\x00\xff"}') -> Snapshot:
    return Snapshot(
        seq=seq,
        clock=10 * seq,
        next_event=3 * seq,
        digest="d" * 64,
        engine=engine,
        horizon=[(f"s\x00{number}\x00digest", ("s", str(number))) for number in range(3)],
    )


@pytest.mark.parametrize("engine", [b"", b"\n", bytes(range(256)) * 100])
def test_it_is_read_back_by_another_process_as_it_was(tmp_path: Path, engine: bytes) -> None:
    size = FileSnapshots(tmp_path / "s").write(snapshot(7, engine))
    assert FileSnapshots(tmp_path / "s").read(7) == snapshot(7, engine)
    assert FileSnapshots(tmp_path / "s").rows() == [7]
    (path,) = (tmp_path / "s").iterdir()
    assert path.stat().st_size == size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700


def test_rows_are_newest_first_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    for seq in (9, 100, 11):
        snapshots.write(snapshot(seq))
    assert snapshots.rows() == [100, 11, 9]
    assert snapshots.keep(2) == [100, 11]
    assert snapshots.keep(2) == [100, 11]
    assert snapshots.rows() == [100, 11]


def test_the_same_row_again_replaces_it(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    snapshots.write(snapshot(1, b"first"))
    snapshots.write(snapshot(1, b"second"))
    assert snapshots.read(1).engine == b"second"


def test_each_flipped_byte_is_noticed(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    snapshots.write(snapshot(1))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for offset in range(len(whole)):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0x40]) + whole[offset + 1 :])
        with pytest.raises(StartError, match=path.name):
            snapshots.read(1)


def test_each_cut_is_noticed(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    snapshots.write(snapshot(1))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StartError, match=path.name):
            snapshots.read(1)


def test_another_format_is_told_as_one(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    snapshots.write(snapshot(1))
    (path,) = tmp_path.iterdir()
    path.write_bytes(msgspec.json.encode({"format": FORMAT + 1, "what": "is new"}) + b"\n")
    with pytest.raises(StartError, match=f"format {FORMAT + 1}") as refused:
        snapshots.read(1)
    assert refused.value.help


def test_one_under_the_name_of_another_row_is_noticed(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    snapshots.write(snapshot(1))
    (path,) = tmp_path.iterdir()
    path.rename(path.with_name(f"{2:020d}.snapshot"))
    with pytest.raises(StartError):
        snapshots.read(2)


def test_one_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be read"):
        FileSnapshots(tmp_path).read(5)


def test_one_that_was_set_aside_is_in_nobodys_way(tmp_path: Path) -> None:
    snapshots = FileSnapshots(tmp_path)
    for seq in (1, 2):
        snapshots.write(snapshot(seq))
    snapshots.set_aside(2)
    assert snapshots.rows() == [1]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_rest_of_an_interrupted_write_goes_at_the_next_start(tmp_path: Path) -> None:
    rest = tmp_path / f"{3:020d}.new"
    rest.write_bytes(b"half of it")
    FileSnapshots(tmp_path, writes=False)
    assert rest.exists(), "another process may be writing it"
    assert FileSnapshots(tmp_path).rows() == []
    assert not rest.exists()


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = FileSnapshots(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("cepd.stores.snapshots.os.fsync", full)
    with pytest.raises(RetryLaterError, match="No space left"):
        snapshots.write(snapshot(1))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"a file")
    with pytest.raises(StartError, match="cannot be had"):
        FileSnapshots(tmp_path / "s")
