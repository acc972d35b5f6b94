"""The reconcile table: trees whose files say what they define and need, and what must run afterwards."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cepd.config.tree import Tree, digest_of
from cepd.model.generation import Generation
from cepd.model.problem import Problem
from cepd.model.settings import Settings
from cepd.runtime.reconcile import reconcile


def problem(file: str, message: str, severity: str = "error", code: str = "CEP101") -> Problem:
    return Problem(code=code, severity=severity, message=message, help="mend it", file=file, line=3, column=1)


def load(tree: Tree) -> Generation:
    """A tree in small: `bad`, `warn`, or words that define (`+name`) and need (`name`) something of another file."""
    words = [(path, word) for path, content in tree.files.items() for word in content.decode().split()]
    defined = {word[1:]: path for path, word in reversed(words) if word.startswith("+")}
    found = [problem for path, word in words if (problem := fault(path, word, defined)) is not None]
    return Generation(
        digest=digest_of(tree.files), settings=Settings(), definitions=(), channels={}, files=(), problems=tuple(found)
    )


def fault(path: str, word: str, defined: Mapping[str, str]) -> Problem | None:
    if word in ("bad", "warn"):
        return problem(path, word, "error" if word == "bad" else "warning")
    if word.endswith(":") or word.startswith("["):
        return None
    if word.startswith("+"):
        return problem(path, f"{word} is there twice", code="CEP201") if defined[word[1:]] != path else None
    return None if word.startswith("v") or word in defined else problem(path, f"no {word}", code="CEP202")


def tree_of(files: Mapping[str, str], *unreadable: str) -> Tree:
    return Tree(
        root=Path("rules"),
        files={path: text.encode() for path, text in sorted(files.items())},
        problems=tuple(problem(path, "cannot be read") for path in unreadable),
    )


# (what runs, the new tree, what must run then, outcome, status of each file)
CASES: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str], str, dict[str, str]]] = {
    "first good tree": ({}, {"a": "v1"}, {"a": "v1"}, "applied", {"a": "active"}),
    "an edit": ({"a": "v1"}, {"a": "v2"}, {"a": "v2"}, "applied", {"a": "active"}),
    "nothing new": ({"a": "v1"}, {"a": "v1"}, {"a": "v1"}, "unchanged", {"a": "active"}),
    "a file goes": ({"a": "v1", "b": "v1"}, {"a": "v1"}, {"a": "v1"}, "applied", {"a": "active"}),
    "a warning is no error": ({}, {"a": "warn"}, {"a": "warn"}, "applied", {"a": "active"}),
    "a file breaks, another moves on": (
        {"a": "v1", "b": "v1"},
        {"a": "bad", "b": "v2"},
        {"a": "v1", "b": "v2"},
        "partial",
        {"a": "last_good", "b": "active"},
    ),
    "a file breaks alone": ({"a": "v1"}, {"a": "bad"}, {"a": "v1"}, "partial", {"a": "last_good"}),
    "a file that never was good is left out": (
        {"a": "v1"},
        {"a": "v2", "b": "bad"},
        {"a": "v2"},
        "partial",
        {"a": "active", "b": "rejected"},
    ),
    "a first tree with one bad file": (
        {},
        {"a": "v1", "b": "bad"},
        {"a": "v1"},
        "partial",
        {"a": "active", "b": "rejected"},
    ),
    "nothing but bad files at first": ({}, {"a": "bad"}, {}, "refused", {"a": "rejected"}),
    "what needs a rejected file falls with it": (
        {"b": "v1"},
        {"a": "bad +ops", "b": "v2 ops", "c": "v1"},
        {"b": "v1", "c": "v1"},
        "partial",
        {"a": "rejected", "b": "last_good", "c": "active"},
    ),
    "a chain of files falls one after the other": (
        {"z": "v1"},
        {"a": "bad +x", "b": "x +y", "c": "y", "z": "v2"},
        {"z": "v2"},
        "partial",
        {"a": "rejected", "b": "rejected", "c": "rejected", "z": "active"},
    ),
    "a bad file's last good content still serves": (
        {"a": "+ops", "b": "ops v1"},
        {"a": "+ops bad", "b": "ops v2"},
        {"a": "+ops", "b": "ops v2"},
        "partial",
        {"a": "last_good", "b": "active"},
    ),
    "a new file needs what a bad file's last good content still gives": (
        {"a": "+ops", "b": "v1"},
        {"a": "bad", "b": "ops v2", "c": "ops"},
        {"a": "+ops", "b": "ops v2", "c": "ops"},
        "partial",
        {"a": "last_good", "b": "active", "c": "active"},
    ),
    "broken settings ignore nothing": (
        {"cepd.yaml": "x: v1\nignore: [drafts]", "b": "v1"},
        {"cepd.yaml": "bad", "drafts/a": "v1", "drafts/worse": "bad", "b": "v2"},
        {"cepd.yaml": "x: v1\nignore: [drafts]", "b": "v2"},
        "partial",
        {"cepd.yaml": "last_good", "b": "active"},
    ),
    "broken settings ignore what runs": (
        {"cepd.yaml": "v1", "packs/a": "v1", "b": "v1"},
        {"cepd.yaml": "x: bad\nignore: [packs]", "b": "v2"},
        {"cepd.yaml": "v1", "packs/a": "v1", "b": "v2"},
        "partial",
        {"cepd.yaml": "last_good", "packs/a": "last_good", "b": "active"},
    ),
    "a new need that only the bad content would meet": (
        {"a": "+ops", "b": "ops v1"},
        {"a": "+ops +hook bad", "b": "ops hook"},
        {"a": "+ops", "b": "ops v1"},
        "partial",
        {"a": "last_good", "b": "last_good"},
    ),
    "an unchanged file loses what it needs": (
        {"a": "+ops", "b": "ops"},
        {"a": "v2", "b": "ops"},
        {"a": "+ops", "b": "ops"},
        "refused",
        {"a": "last_good", "b": "active"},
    ),
    "a last good content that does not fit the rest": (
        {"a": "+ops", "b": "ops"},
        {"a": "+hook", "b": "hook bad"},
        {"a": "+ops", "b": "ops"},
        "refused",
        {"a": "last_good", "b": "last_good"},
    ),
    "a last good content that would fit if yet another file fell": (
        {"a": "ops", "c": "+ops v1", "d": "v1"},
        {"a": "+hook bad", "c": "hook", "d": "v2"},
        {"a": "ops", "c": "+ops v1", "d": "v1"},
        "refused",
        {"a": "last_good", "c": "last_good", "d": "last_good"},
    ),
    "a removed file that a last good content needs": (
        {"a": "+ops", "b": "ops"},
        {"b": "bad"},
        {"a": "+ops", "b": "ops"},
        "refused",
        {"a": "last_good", "b": "last_good"},
    ),
    "all good files gone and a bad one new": (
        {"a": "v1"},
        {"b": "bad"},
        {"a": "v1"},
        "refused",
        {"a": "last_good", "b": "rejected"},
    ),
    "a definition moves into a file that is bad": (
        {"a": "+r", "b": "v1"},
        {"a": "v2", "b": "+r bad"},
        {"a": "v2", "b": "v1"},
        "partial",
        {"a": "active", "b": "last_good"},
    ),
    "a definition moves out of a file that is bad": (
        {"a": "+r", "b": "v1"},
        {"a": "bad", "b": "+r v2"},
        {"a": "+r", "b": "v1"},
        "partial",
        {"a": "last_good", "b": "last_good"},
    ),
    "an empty folder is no deletion": ({"a": "v1"}, {}, {"a": "v1"}, "missing", {"a": "last_good"}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_runs_after_a_change(name: str) -> None:
    last, new, runs, outcome, statuses = CASES[name]
    running = {path: text.encode() for path, text in last.items()}
    decision = reconcile(tree_of(new), running, load)
    assert decision.outcome == outcome
    assert {path: content.decode() for path, content in decision.files.items()} == runs
    assert {file.path: file.status for file in decision.statuses} == statuses
    assert (decision.generation is None) == (runs == last)
    if decision.generation is not None:
        assert decision.generation.digest == digest_of(decision.files)
        assert not [one for one in load(tree_of(runs)).problems if one.severity == "error"]
    assert bool([one for one in decision.problems if one.severity == "error"]) == (
        outcome not in ("applied", "unchanged")
    )
    again = reconcile(tree_of(new), decision.files, load)
    assert again.files == decision.files, "the same tree again changes nothing"
    assert again.generation is None


def test_every_finding_of_the_tree_as_it_stands_is_told() -> None:
    decision = reconcile(tree_of({"a": "bad", "b": "bad warn", "c": "nothing"}), {"a": b"v1"}, load)
    assert {(one.file, one.message) for one in decision.problems} >= {
        ("a", "bad"),
        ("b", "bad"),
        ("b", "warn"),
        ("c", "no nothing"),
    }


def test_no_reference_is_told_that_the_last_good_content_meets() -> None:
    running = {"a": b"+ops", "b": b"v1"}
    decision = reconcile(tree_of({"a": "bad", "b": "ops warn"}), running, load)
    assert [(one.file, one.message) for one in decision.problems] == [("a", "bad"), ("b", "warn")]


def test_settings_that_cannot_be_read_ignore_what_they_did() -> None:
    running = {"cepd.yaml": b"ignore: [drafts]", "b": b"v1"}
    decision = reconcile(tree_of({"drafts/a": "v1", "b": "v2"}, "cepd.yaml", "drafts/b"), running, load)
    assert set(decision.files) == {"cepd.yaml", "b"}
    assert {one.file for one in decision.problems} == {"cepd.yaml"}


def test_a_refusal_says_which_last_good_content_does_not_fit_without_a_position_in_it() -> None:
    running = {"a": b"+ops", "b": b"ops"}
    decision = reconcile(tree_of({"a": "+hook", "b": "hook bad"}), running, load)
    told = [one for one in decision.problems if "last good" in one.message]
    assert [(one.file, one.line, one.column) for one in told] == [("b", 0, 0)]
    assert "no ops" in told[0].message


@pytest.mark.parametrize(("place", "kept"), [("packs", {"packs/a", "packs/b"}), ("packs/a", {"packs/a"}), (".", None)])
def test_what_cannot_be_read_is_not_deleted(place: str, kept: set[str] | None) -> None:
    running = {"packs/a": b"v1", "packs/b": b"v1", "packs2": b"v1"}
    decision = reconcile(tree_of({"new": "v1"}, place), running, load)
    assert decision.outcome == "partial"
    assert set(decision.files) == {"new"} | (kept if kept is not None else set(running))
    assert any(one.message == "cannot be read" for one in decision.problems)


def test_a_missing_root_is_named() -> None:
    decision = reconcile(tree_of({}), {"a": b"v1"}, load)
    assert "rules" in decision.problems[0].message
    assert decision.problems[0].help
