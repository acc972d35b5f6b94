"""Files of lines: whole ones, each once, in files that do not grow for ever."""

import asyncio
import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cepd.model.errors import InputError, RetryLaterError
from cepd.stores.shelf import FileShelf


def line(number: int, size: int = 0) -> bytes:
    return json.dumps({"id": f"d{number}", "pad": "x" * size}, separators=(",", ":")).encode()


def keep(shelf: FileShelf, *numbers: int, again: bool = False, size: int = 0, name: str = "a.ndjson") -> list[bool]:
    async def run() -> list[bool]:
        kept = (shelf.keep(name, f"d{number}", line(number, size), again=again) for number in numbers)
        return await asyncio.gather(*kept)

    return asyncio.run(run())


def ids(path: Path) -> list[str]:
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(each)["id"] for each in text.splitlines()]


def test_lines_are_kept_whole_by_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "stored"
    assert keep(FileShelf(folder), *range(20)) == [True] * 20
    assert sorted(ids(folder / "a.ndjson")) == sorted(f"d{number}" for number in range(20))
    assert (folder.stat().st_mode & 0o777, (folder / "a.ndjson").stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_is_kept_again_is_there_once(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    keep(shelf, 1, 2)
    assert keep(FileShelf(tmp_path), 1, 3, again=True) == [False, True]
    assert keep(shelf, 1, again=True, name="b.ndjson") == [True], "each file for itself"
    assert ids(tmp_path / "a.ndjson") == ["d1", "d2", "d3"]


def test_an_id_that_is_only_mentioned_is_not_there(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    told = b'{"id":"d1","payload":{"id":"d2"}}'
    asyncio.run(shelf.keep("a.ndjson", "d1", told, again=False))
    assert keep(shelf, 2, again=True) == [True]


@pytest.mark.parametrize("rest", [b'{"id":"d3","pa', b"x" * 3_000_000])
def test_what_a_crash_left_of_a_line_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    keep(FileShelf(tmp_path), 1, 2)
    with (tmp_path / "a.ndjson").open("ab") as file:
        file.write(rest)
    assert keep(FileShelf(tmp_path), 3, again=True) == [True], "half of it is not it"
    assert ids(tmp_path / "a.ndjson") == ["d1", "d2", "d3"]


def test_a_file_that_is_full_gets_a_number_and_is_left_alone(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path, full=350)
    for number in range(10):
        keep(shelf, number, size=60)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.1.ndjson", "a.2.ndjson", "a.ndjson"]
    assert [ids(tmp_path / name) for name in names] == [
        ["d0", "d1", "d2", "d3"],
        ["d4", "d5", "d6", "d7"],
        ["d8", "d9"],
    ]
    assert keep(shelf, 7, again=True, size=60) == [False], "the file before is looked into, too"
    (tmp_path / "a.10.ndjson").touch()
    for number in range(10, 13):
        keep(shelf, number, size=60)
    assert (tmp_path / "a.11.ndjson").exists()


def test_a_line_that_is_larger_than_a_file_may_be_has_one_of_its_own(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path, full=50)
    keep(shelf, 1, size=500)
    keep(shelf, 2, size=500)
    assert ids(tmp_path / "a.1.ndjson") == ["d1"]
    assert ids(tmp_path / "a.ndjson") == ["d2"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, told)


def test_a_disk_that_takes_half_a_line_has_taken_none(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    keep(shelf, 1, size=100)
    with files_of_at_most(180), pytest.raises(RetryLaterError, match="takes no line"):
        keep(shelf, 2, size=100)
    assert ids(tmp_path / "a.ndjson") == ["d1"]
    assert keep(shelf, 2, again=True, size=100) == [True]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "stored").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "stored/a.ndjson")
    with pytest.raises(RetryLaterError):
        keep(FileShelf(tmp_path / "stored"), 1)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["../a.ndjson", "a.1.ndjson", "a"])
def test_a_name_that_is_none_is_refused_here_too(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        keep(FileShelf(tmp_path / "stored"), 1, name=name)
    assert not (tmp_path / "stored").exists()
