"""Generations on disk: as they were, whole or not at all, and never a changed one."""

from pathlib import Path

import pytest

from cepd.config.tree import digest_of
from cepd.model.errors import RetryLaterError, StartError
from cepd.runtime.generations import Generations

FILES = {"cepd.yaml": b"ignore: [x]\n", "packs/deep/a.yaml": b"a: 1\n", "b.json": b"{}"}
DIGEST = digest_of(FILES)


def test_a_kept_generation_is_read_back_by_another_process(tmp_path: Path) -> None:
    Generations(tmp_path).keep(DIGEST, FILES, "v1")
    tree, revision = Generations(tmp_path).read(DIGEST)
    assert dict(tree.files) == FILES
    assert revision == "v1"


def test_files_that_its_settings_ignore_are_of_it_where_they_were_chosen(tmp_path: Path) -> None:
    files = {"cepd.yaml": b"ignore: [drafts]\n", "drafts/a.yaml": b"a: 1\n"}
    Generations(tmp_path).keep(digest_of(files), files, "v1")
    assert dict(Generations(tmp_path).read(digest_of(files))[0].files) == files


def test_keeping_it_again_changes_nothing(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    generations.keep(DIGEST, FILES, "v1")
    generations.keep(DIGEST, FILES, "v2")
    assert generations.read(DIGEST)[1] == "v1"
    assert [entry.name for entry in tmp_path.iterdir()] == [DIGEST]


@pytest.mark.parametrize("harm", ["edit", "remove", "add", "revision", "spoilt revision", "all"])
def test_a_changed_generation_is_refused(tmp_path: Path, harm: str) -> None:
    generations = Generations(tmp_path)
    generations.keep(DIGEST, FILES, "v1")
    file = tmp_path / DIGEST / "packs/deep/a.yaml"
    if harm == "edit":
        file.write_bytes(b"a: 2\n")
    elif harm == "remove":
        file.unlink()
    elif harm == "add":
        (tmp_path / DIGEST / "c.yaml").write_bytes(b"")
    elif harm == "revision":
        (tmp_path / DIGEST / ".revision").unlink()
    elif harm == "spoilt revision":
        (tmp_path / DIGEST / ".revision").write_bytes(b"\xff")
    else:
        (tmp_path / DIGEST).rename(tmp_path / "elsewhere")
    with pytest.raises(StartError, match=DIGEST) as refused:
        generations.read(DIGEST)
    assert refused.value.help


def test_the_rest_of_an_interrupted_write_is_not_a_generation(tmp_path: Path) -> None:
    rest = tmp_path / ".new-abc"
    rest.mkdir()
    (rest / "a.yaml").write_bytes(b"a: 1\n")
    generations = Generations(tmp_path)
    assert list(tmp_path.iterdir()) == []
    generations.keep(DIGEST, FILES, "v1")
    assert dict(generations.read(DIGEST)[0].files) == FILES


def test_a_disk_that_takes_no_folder_is_told_as_one(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "generations")
    (tmp_path / "generations").rmdir()
    with pytest.raises(RetryLaterError, match="cannot be kept") as refused:
        generations.keep(DIGEST, FILES, "v1")
    assert refused.value.help


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    too_long = {"x" * 300 + ".yaml": b""}
    with pytest.raises(RetryLaterError, match="cannot be kept"):
        generations.keep(digest_of(too_long), too_long, "v1")
    assert list(tmp_path.iterdir()) == []


def test_pruning_leaves_what_is_needed_and_what_was_kept_last(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    trees = [{"a.yaml": b"a: %d\n" % number} for number in range(4)]
    digests = [digest_of(files) for files in trees]
    for digest, files in zip(digests, trees, strict=True):
        generations.keep(digest, files, "v")
    generations.prune({digests[1], "of nobody"})
    assert {entry.name for entry in tmp_path.iterdir()} == {digests[1], digests[3]}, "the last may be about to run"
    generations.keep(digests[1], trees[1], "v")
    generations.prune(set())
    assert {entry.name for entry in tmp_path.iterdir()} == {digests[1]}


def test_the_rest_of_an_interrupted_pruning_goes_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / ".old-abc").mkdir()
    (tmp_path / ".old-abc" / "a.yaml").write_bytes(b"a: 1\n")
    Generations(tmp_path)
    assert list(tmp_path.iterdir()) == []
