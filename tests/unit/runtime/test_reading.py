"""Reading a tree that is replaced meanwhile: never a mixture, never the empty rest of a removed one."""

import itertools
import os
import shutil
import threading
from pathlib import Path

import pytest

from cepd.model.errors import RetryLaterError
from cepd.runtime import reading
from cepd.runtime.reading import read_settled

FILES = 5


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"{number}.yaml").write_text(text)


def swap(link: Path, target: str) -> None:
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.rename(link)


def test_swaps_under_way_never_show(tmp_path: Path) -> None:
    link = tmp_path / "current"
    write(tmp_path / "0", "0")
    swap(link, "0")
    stop = threading.Event()

    def publish() -> None:
        for number in itertools.count(1):
            write(tmp_path / str(number), str(number))
            swap(link, str(number))
            shutil.rmtree(tmp_path / str(number - 1))
            if stop.wait(0.002):
                return

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(100):
            files = read_settled(link).tree.files
            assert len(files) == FILES
            assert len(set(files.values())) == 1
    finally:
        stop.set()
        publisher.join()


def test_a_config_map_swap_in_the_middle_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("a", "b"):
        write(tmp_path / f"..{version}", version)
    (tmp_path / "..data").symlink_to("..a")
    for number in range(FILES):
        (tmp_path / f"{number}.yaml").symlink_to(f"..data/{number}.yaml")
    real = reading.read_tree
    reads = []

    def swapping(root: Path) -> object:
        tree = real(root)
        reads.append(root)
        if len(reads) == 1:
            swap(tmp_path / "..data", "..b")
        return tree

    monkeypatch.setattr(reading, "read_tree", swapping)
    assert set(read_settled(tmp_path).tree.files.values()) == {b"b"}
    assert len(reads) == 2


def test_a_tree_that_never_rests_is_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "current"
    for name in ("0", "1"):
        write(tmp_path / name, name)
    swap(link, "0")
    real = reading.read_tree

    def swapping(root: Path) -> object:
        swap(link, "1" if os.readlink(link) == "0" else "0")
        return real(root)

    monkeypatch.setattr(reading, "read_tree", swapping)
    with pytest.raises(RetryLaterError, match="replaced"):
        read_settled(link)


def test_a_missing_root_is_an_empty_tree_under_its_own_name(tmp_path: Path) -> None:
    found = read_settled(tmp_path / "none").tree
    assert not found.files
    assert found.root == tmp_path / "none"
