"""Reads a tree that may be replaced while it is read: git-sync and ConfigMap swap links and remove the old folder."""

import os
from pathlib import Path

import msgspec

from cepd.config.tree import Tree, digest_of, read_tree
from cepd.model.errors import RetryLaterError
from cepd.runtime.revision import revision_of

_TRIES = 20
_CONFIG_MAP_LINK = "..data"


class Reading(msgspec.Struct, frozen=True):
    """A tree as it was at one moment."""

    tree: Tree
    digest: str
    revision: str


def read_settled(root: Path) -> Reading:
    """Resolves the links once, reads all below, and again from the start where they moved meanwhile.

    Blocking. RetryLaterError where they never stop moving.
    """
    for _ in range(_TRIES):
        before = _leads_to(root)
        tree = read_tree(before[0])
        if _leads_to(root) == before:
            digest = digest_of(tree.files)
            return Reading(msgspec.structs.replace(tree, root=root), digest, revision_of(before[0], digest))
    raise RetryLaterError(f"{root} was replaced {_TRIES} times while it was read", help="let it rest for a moment")


def _leads_to(root: Path) -> tuple[Path, str]:
    return Path(os.path.realpath(root)), os.path.realpath(root / _CONFIG_MAP_LINK)
