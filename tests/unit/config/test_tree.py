"""Which files belong to a tree. A real folder each time, links and all."""

import os
from pathlib import Path

import pytest

from cepd.config.tree import digest_of, ignored_by, read_tree, read_whole_tree


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")


def codes(root: Path) -> list[tuple[str, str]]:
    return [(problem.code, problem.file) for problem in read_tree(root).problems]


def test_takes_yaml_and_json_sorted_and_nothing_hidden(tmp_path: Path) -> None:
    write(
        tmp_path,
        "b.yml",
        "a/z.json",
        "a.yaml",
        "README.md",
        ".hidden.yaml",
        ".git/config.yaml",
        "c/.d/e.yaml",
        "x.yaml~",
    )
    tree = read_tree(tmp_path)
    assert list(tree.files) == ["a.yaml", "a/z.json", "b.yml"]
    assert tree.files["b.yml"] == b"# b.yml\n"
    assert tree.problems == ()


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ("[drafts]", ["a.yaml", "a/b.yaml", "cepd.yaml"]),
        ("[drafts/]", ["a.yaml", "a/b.yaml", "cepd.yaml"]),
        ("['*.yaml']", ["cepd.yaml"]),
        ("[a/b.yaml]", ["a.yaml", "a/drafts/c.yaml", "cepd.yaml", "drafts/d.yaml"]),
        ("['a/*']", ["a.yaml", "cepd.yaml", "drafts/d.yaml"]),
        ("drafts", ["a.yaml", "a/b.yaml", "a/drafts/c.yaml", "cepd.yaml", "drafts/d.yaml"]),
    ],
)
def test_leaves_out_what_the_settings_ignore(tmp_path: Path, ignore: str, left: list[str]) -> None:
    write(tmp_path, "a.yaml", "a/b.yaml", "a/drafts/c.yaml", "drafts/d.yaml")
    (tmp_path / "cepd.yaml").write_text(f"ignore: {ignore}\n")
    tree, whole = read_tree(tmp_path), read_whole_tree(tmp_path)
    assert list(tree.files) == left
    assert list(whole.files) == ["a.yaml", "a/b.yaml", "a/drafts/c.yaml", "cepd.yaml", "drafts/d.yaml"]
    ignored = ignored_by(tree.files["cepd.yaml"])
    assert [path for path in whole.files if not ignored(path)] == left


def test_a_missing_root_is_an_empty_tree(tmp_path: Path) -> None:
    tree = read_tree(tmp_path / "nowhere")
    assert (tree.files, tree.problems) == ({}, ())


def test_follows_links_inside_the_root(tmp_path: Path) -> None:
    write(tmp_path, "..2026/a.yaml", "real/b.yaml")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "again").symlink_to("real")
    tree = read_tree(tmp_path)
    assert list(tree.files) == ["a.yaml", "again/b.yaml", "real/b.yaml"]
    assert tree.problems == ()


def test_the_root_may_be_a_link_itself(tmp_path: Path) -> None:
    write(tmp_path, "releases/1/a.yaml")
    (tmp_path / "current").symlink_to("releases/1")
    assert list(read_tree(tmp_path / "current").files) == ["a.yaml"]


def test_links_out_of_the_tree_are_findings(tmp_path: Path) -> None:
    write(tmp_path, "outside.yaml", "elsewhere/a.yaml", "root/a.yaml", "root-too/b.yaml")
    (tmp_path / "root/out.yaml").symlink_to(tmp_path / "outside.yaml")
    (tmp_path / "root/folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/beside").symlink_to(tmp_path / "root-too")
    assert list(read_tree(tmp_path / "root").files) == ["a.yaml"]
    assert codes(tmp_path / "root") == [("CEP010", "beside"), ("CEP010", "folder"), ("CEP010", "out.yaml")]


def test_links_in_circles_end(tmp_path: Path) -> None:
    write(tmp_path, "a/b.yaml")
    (tmp_path / "a/up").symlink_to("..")
    (tmp_path / "a/self").symlink_to(".")
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    tree = read_tree(tmp_path)
    assert list(tree.files) == ["a/b.yaml"]
    assert {problem.file for problem in tree.problems} == {"a/up", "a/self", "self.yaml"}


def test_a_name_that_is_not_utf_8_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "b/c.yaml")
    for name in (b"\xff\xfe.yaml", b"b/\xe9.json", b"\xe9.txt"):
        (tmp_path / os.fsdecode(name)).write_text("kind: RulePack\n")
    (tmp_path / os.fsdecode(b"d\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"d\xe9/e.yaml")).write_text("kind: RulePack\n")
    tree = read_tree(tmp_path)
    assert list(tree.files) == ["a.yaml", "b/c.yaml"]
    assert sorted(codes(tmp_path)) == [("CEP010", "\\xff\\xfe.yaml"), ("CEP010", "b/\\xe9.json"), ("CEP010", "d\\xe9")]
    assert digest_of(tree.files) == digest_of({path: tree.files[path] for path in tree.files})


def test_what_is_no_file_is_a_finding_and_never_waits(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to("nothing.yaml")
    assert codes(tmp_path) == [("CEP010", "gone.yaml"), ("CEP010", "pipe.yaml")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    (tmp_path / "a.yaml").chmod(0)
    assert codes(tmp_path) == [("CEP010", "a.yaml")]
    assert list(read_tree(tmp_path).files) == ["b.yaml"]


def test_the_digest_is_of_paths_and_bytes() -> None:
    first = digest_of({"a": b"1", "b": b"2"})
    assert first == digest_of({"b": b"2", "a": b"1"})
    others = [{"a": b"1"}, {"a": b"2", "b": b"1"}, {"a": b"1b", "": b"2"}, {"ab": b"1", "c": b"2"}, {}]
    assert len({first, *map(digest_of, others)}) == 6
