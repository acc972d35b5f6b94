"""Which revision a folder is at: the commit hash in its path (git-sync), else git's HEAD, else the digest.

Reads git's files and starts no process. Formats: gitrepository-layout(5).
"""

import re
from pathlib import Path

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def revision_of(folder: Path, digest: str) -> str:
    """`folder` is where the links lead: the resolved root."""
    named = [part for part in folder.parts if _HASH.fullmatch(part)]
    return named[-1] if named else _head(folder) or digest


def _head(folder: Path) -> str | None:
    for place in (folder, *folder.parents):
        dot_git = place / ".git"
        if dot_git.exists():
            try:
                return _commit(_git_directory(dot_git))
            except (OSError, UnicodeDecodeError):
                return None
    return None


def _git_directory(dot_git: Path) -> Path:
    """`.git`, or where the file `.git` of a worktree points."""
    if dot_git.is_dir():
        return dot_git
    return dot_git.parent / dot_git.read_text().removeprefix("gitdir:").strip()


def _commit(git: Path) -> str | None:
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head if _HASH.fullmatch(head) else None
    reference = head.removeprefix("ref:").strip()
    shared = git / "commondir"
    common = git / shared.read_text().strip() if shared.exists() else git
    for loose in (git / reference, common / reference):
        if loose.is_file():
            return loose.read_text().strip()
    return _packed(common / "packed-refs", reference)


def _packed(packed: Path, reference: str) -> str | None:
    if not packed.is_file():
        return None
    for line in packed.read_text().splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    return None
