"""The journal in files: what a disk can do to it."""

import asyncio
import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from cepd.model.errors import StartError
from cepd.model.frame import Frame
from cepd.stores.journal import FileJournal, open_journal
from cepd.stores.segment import encode_frame
from tests.support.frames import batch
from tests.support.journals import SIZE, contents, files, fill, with_journal


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    fill(tmp_path / "j", 1)
    assert stat.S_IMODE((tmp_path / "j").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "j").iterdir()} == {0o600}


def test_segments_are_preallocated_named_by_their_first_frame_and_roll(tmp_path: Path) -> None:
    frames = fill(tmp_path / "j", 20, size=500)
    paths = files(tmp_path / "j")
    assert len(paths) > 3
    assert {path.stat().st_size for path in paths} == {500}
    per_file = 500 // len(encode_frame(frames[0]))
    assert [int(path.stem) for path in paths] == list(range(1, 21, per_file))
    assert contents(tmp_path / "j", size=500) == (frames, None)


def test_a_frame_bigger_than_a_segment_gets_its_own(tmp_path: Path) -> None:
    async def write(journal: FileJournal) -> list[Frame]:
        frames = []
        for body in (b"a", b"b" * 10_000, b"c"):
            frames.append(batch(journal, body))
            await journal.append(frames[-1])
        return frames

    frames = with_journal(tmp_path / "j", write)
    assert [int(path.stem) for path in files(tmp_path / "j")] == [1, 2, 3]
    assert contents(tmp_path / "j") == (frames, None)


@pytest.mark.parametrize("how", ["cut", "cut and zeroed", "flipped"])
def test_the_last_frame_torn_at_every_byte(tmp_path: Path, how: str) -> None:
    frames = fill(tmp_path / "whole", 3)
    start = sum(len(encode_frame(frame)) for frame in frames[:2])
    length = len(encode_frame(frames[2]))
    name = files(tmp_path / "whole")[0].name
    for offset in range(length):
        torn = tmp_path / f"torn-{offset}"
        shutil.copytree(tmp_path / "whole", torn)
        whole = bytearray((torn / name).read_bytes())
        if how == "cut":
            del whole[start + offset :]
        elif how == "cut and zeroed":
            whole[start + offset :] = bytes(SIZE - start - offset)
        else:
            whole[start + offset] ^= 0x40
        (torn / name).write_bytes(whole)
        found, damage = contents(torn)
        assert found == frames[:2]
        if offset == 0 and how != "flipped":
            assert damage is None
            continue
        assert damage is not None
        assert f"{name}, byte {start}" in damage
        kept = files(torn, "*.damaged")
        assert len(kept) == 1
        assert kept[0].read_bytes() == bytes(whole[start:]).rstrip(b"\0")
        assert f"{len(kept[0].read_bytes())} bytes" in damage
        assert contents(torn) == (frames[:2], None)


def test_after_damage_the_log_goes_on_over_clean_ground(tmp_path: Path) -> None:
    frames = fill(tmp_path / "j", 3)
    path = files(tmp_path / "j")[0]
    whole = bytearray(path.read_bytes())
    second = len(encode_frame(frames[0]))
    whole[second + 20] ^= 1
    path.write_bytes(whole)
    found, damage = contents(tmp_path / "j")
    assert found == frames[:1]
    assert damage is not None
    assert "before sequence 2" in damage
    more = fill(tmp_path / "j", 1)
    assert more[0].seq == 2
    assert contents(tmp_path / "j") == (frames[:1] + more, None)


def test_segments_behind_the_damage_are_set_aside(tmp_path: Path) -> None:
    frames = fill(tmp_path / "j", 10, size=500)
    paths = files(tmp_path / "j")
    broken = bytearray(paths[1].read_bytes())
    broken[5] ^= 1
    paths[1].write_bytes(broken)
    later = {path.name: path.read_bytes() for path in paths[2:]}
    found, damage = contents(tmp_path / "j", size=500)
    assert found == frames[: int(paths[1].stem) - 1]
    assert damage is not None
    for name, data in later.items():
        assert f"{name}.damaged" in damage
        assert (tmp_path / "j" / f"{name}.damaged").read_bytes() == data
    assert fill(tmp_path / "j", 1)[0].seq == int(paths[1].stem)


def test_a_missing_segment_ends_the_log(tmp_path: Path) -> None:
    frames = fill(tmp_path / "j", 12, size=500)
    paths = files(tmp_path / "j")
    paths[1].unlink()
    found, damage = contents(tmp_path / "j", size=500)
    assert found == frames[: int(paths[1].stem) - 1]
    assert damage is not None
    assert "the next file begins with sequence" in damage


def test_what_an_earlier_damage_left_is_kept_beside_that_of_a_later_one(tmp_path: Path) -> None:
    kept: list[bytes] = []
    for turn in range(3):
        frames = fill(tmp_path / "j", 10, size=500)
        paths = [path for path in files(tmp_path / "j") if int(path.stem) > 1]
        (tmp_path / "j" / f"{1:020d}.journal").write_bytes(b"damage number %d" % turn)
        kept += [b"damage number %d" % turn, *(path.read_bytes() for path in paths)]
        found, damage = contents(tmp_path / "j", size=500)
        assert found == []
        assert damage is not None
        assert frames[0].seq == 1
        left = files(tmp_path / "j", "*.damaged")
        assert sorted(path.read_bytes() for path in left) == sorted(kept)
        assert sum(path.name in damage for path in left) >= 1 + len(paths)


def test_the_id_changes_with_a_cut_and_with_nothing_else(tmp_path: Path) -> None:
    async def name(journal: FileJournal) -> str:
        return journal.id

    fill(tmp_path / "j", 3)
    first = with_journal(tmp_path / "j", name)
    assert with_journal(tmp_path / "j", name) == first
    path = files(tmp_path / "j")[0]
    whole = bytearray(path.read_bytes())
    whole[whole.index(b'{"n":2}')] ^= 1
    path.write_bytes(whole)
    second = with_journal(tmp_path / "j", name)
    assert second != first
    assert with_journal(tmp_path / "j", name) == second


def test_a_death_between_the_new_id_and_the_cut_leaves_no_old_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "j", 2)
    old = (tmp_path / "j" / "id").read_text()
    path = files(tmp_path / "j")[0]
    whole = bytearray(path.read_bytes())
    whole[whole.index(b'{"n":1}')] ^= 1
    path.write_bytes(whole)

    def dies(damage: object) -> str:
        raise OSError(errno.EIO, "here it ended")

    with monkeypatch.context() as patch:
        patch.setattr("cepd.stores.journal.cut", dies)
        with pytest.raises(StartError, match="here it ended"):
            open_journal(tmp_path / "j")
    assert path.read_bytes() == whole
    assert (tmp_path / "j" / "id").read_text() != old


def test_an_id_that_cannot_be_renewed_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "the disk is full")

    async def renew(journal: FileJournal) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StartError, match=r"cannot get a new id: .*the disk is full"):
                journal.renew()

    fill(tmp_path / "j", 1)
    old = (tmp_path / "j" / "id").read_text()
    with_journal(tmp_path / "j", renew)
    assert (tmp_path / "j" / "id").read_text() == old


def test_zeros_over_a_frame_in_the_middle_are_damage_not_the_end(tmp_path: Path) -> None:
    frames = fill(tmp_path / "j", 3)
    path = files(tmp_path / "j")[0]
    whole = bytearray(path.read_bytes())
    length = len(encode_frame(frames[0]))
    whole[length : 2 * length] = bytes(length)
    path.write_bytes(whole)
    found, damage = contents(tmp_path / "j")
    assert found == frames[:1]
    assert damage is not None
    assert "zeros stand where a record should begin" in damage


def test_an_intact_frame_of_another_version_is_not_cut_off(tmp_path: Path) -> None:
    fill(tmp_path / "j", 1)
    path = files(tmp_path / "j")[0]
    data = encode_frame(Frame(seq=2, clock=1, kind="later-invention"))  # type: ignore[arg-type]
    whole = path.read_bytes().rstrip(b"\0") + data
    path.write_bytes(whole)
    with pytest.raises(StartError, match="this version of cepd cannot read it"):
        open_journal(tmp_path / "j")
    assert path.read_bytes() == whole


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    frames = fill(tmp_path / "j", 1)
    for name in ("copy.journal", "00000000000000000001.journal.bak", "1.journal"):
        (tmp_path / "j" / name).write_text("not ours")
    assert contents(tmp_path / "j") == (frames, None)


def test_a_lost_or_foreign_id_is_told_not_replaced(tmp_path: Path) -> None:
    fill(tmp_path / "j", 1)
    path = tmp_path / "j" / "id"
    path.write_text("something else")
    with pytest.raises(StartError, match="does not hold a journal's id"):
        open_journal(tmp_path / "j")
    path.unlink()
    with pytest.raises(StartError, match="id is missing"):
        open_journal(tmp_path / "j")


def test_a_place_that_cannot_be_a_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be opened"):
        open_journal(tmp_path / "file")


def test_a_limit_below_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be kept below 127MiB") as refused:
        open_journal(tmp_path / "j", limit=127 << 20)
    assert refused.value.help == "give --journal-limit 128MiB at least"
    assert not (tmp_path / "j").exists()
    asyncio.run(open_journal(tmp_path / "j", limit=128 << 20).close())
