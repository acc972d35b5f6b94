"""The revision of a folder, from git's own files as git writes them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cepd.runtime.revision import revision_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "repo/rules").mkdir(parents=True)
    (tmp_path / "repo/rules/a.yaml").write_text("a: 1\n")
    git(tmp_path / "repo", "init", "-q", "-b", "main")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-q", "-m", "one")
    return tmp_path / "repo"


def test_a_commit_hash_in_the_path_wins(tmp_path: Path) -> None:
    assert revision_of(tmp_path / COMMIT, "digest") == COMMIT
    assert revision_of(tmp_path / COMMIT / "rules", "digest") == COMMIT


@pytest.mark.parametrize("name", ["v1", COMMIT[:39], COMMIT.upper(), COMMIT + "0"])
def test_other_names_are_no_commit(tmp_path: Path, name: str) -> None:
    assert revision_of(tmp_path / name, "digest") == "digest"


@needs_git
def test_the_head_of_a_branch_loose_packed_and_from_below(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert revision_of(repository, "digest") == head
    assert revision_of(repository / "rules", "digest") == head
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists()
    assert revision_of(repository, "digest") == head


@needs_git
def test_a_detached_head_and_a_worktree(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    git(tmp_path / "side", "commit", "-q", "--allow-empty", "-m", "two")
    side = git(tmp_path / "side", "rev-parse", "HEAD")
    assert side != first
    assert revision_of(tmp_path / "side", "digest") == side
    git(repository, "checkout", "-q", "--detach")
    assert revision_of(repository, "digest") == first


def test_a_broken_git_folder_falls_back_to_the_digest(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all")
    assert revision_of(tmp_path, "digest") == "digest"
