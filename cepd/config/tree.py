"""The files of a tree: which ones belong to it, and their bytes. The only part of `cepd.config` that reads disks."""

import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from cepd.config.parse import MAX_BYTES, parse
from cepd.model.problem import Problem

SETTINGS_FILE = "cepd.yaml"
_SUFFIXES = (".yaml", ".yml", ".json")


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """`files`: relative path, with forward slashes, to bytes; sorted by path."""

    root: Path
    files: Mapping[str, bytes]
    problems: tuple[Problem, ...] = ()
    """Files that belong to the tree and could not be read."""


def read_tree(root: Path) -> Tree:
    """Every YAML and JSON file under `root`, hidden ones and those that the settings ignore excepted.

    A symbolic link counts as what it leads to, as long as that lies under the root (which may be a link itself).
    What cannot be read is a problem of the tree; the rest goes on. A missing root is an empty tree.
    """
    return _read_tree(root, _patterns)


def read_whole_tree(root: Path) -> Tree:
    """As `read_tree`, with the files that the settings ignore: of a folder that holds what was chosen before."""
    return _read_tree(root, lambda settings: ())


def ignored_by(settings: bytes) -> Callable[[str], bool]:
    """Whether a relative path is one that this text of the settings ignores, itself or with a folder above it."""
    patterns = _patterns(settings)

    def ignored(path: str) -> bool:
        parts = path.split("/")
        ways = ("/".join(parts[: depth + 1]) for depth in range(len(parts)))
        return path != SETTINGS_FILE and any(_is_ignored(way, patterns) for way in ways)

    return ignored


def _read_tree(root: Path, patterns_of: Callable[[bytes], Sequence[str]]) -> Tree:
    real_root = os.path.realpath(root)
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    settings = _read(real_root, SETTINGS_FILE, files, problems)
    ignore = patterns_of(settings) if settings is not None else ()
    for relative in sorted(_names(real_root, "", ignore, frozenset(), problems)):
        if relative != SETTINGS_FILE:
            _read(real_root, relative, files, problems)
    return Tree(root=Path(root), files=dict(sorted(files.items())), problems=tuple(problems))


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted paths and bytes, each with its length before it."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _names(
    root: str, folder: str, ignore: Sequence[str], above: frozenset[str], problems: list[Problem]
) -> Iterator[str]:
    """Relative paths of the files; `above` holds the real folders on the way, so that links cannot go in circles."""
    try:
        entries = sorted(os.listdir(os.path.join(root, folder)))
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(_unreadable(folder or ".", error))
        return
    for name in entries:
        relative = f"{folder}/{name}" if folder else name
        if name.startswith(".") or _is_ignored(relative, ignore):
            continue
        target = os.path.realpath(os.path.join(root, relative))
        if not _is_text(name):
            if os.path.isdir(target) or name.endswith(_SUFFIXES):
                problems.append(_problem(_shown(relative), "its name is not UTF-8", "rename it"))
            continue
        if not target.startswith(root.rstrip(os.sep) + os.sep):
            if os.path.isdir(target) or name.endswith(_SUFFIXES):
                problems.append(
                    _leads_away(relative, "leads out of the tree" if target != root else "goes in a circle")
                )
        elif os.path.isdir(target):
            if target in above:
                problems.append(_leads_away(relative, "goes in a circle"))
            else:
                yield from _names(root, relative, ignore, above | {target}, problems)
        elif name.endswith(_SUFFIXES):
            yield relative


def _read(root: str, relative: str, files: dict[str, bytes], problems: list[Problem]) -> bytes | None:
    """The bytes, kept in `files`; one byte over the limit is enough to tell that a file is too large."""
    path = os.path.join(root, relative)
    try:
        if not os.path.isfile(path):
            if relative != SETTINGS_FILE:
                problems.append(_problem(relative, "it is not a regular file", "replace it by one, or ignore it"))
            return None
        with open(path, "rb") as file:
            files[relative] = file.read(MAX_BYTES + 1)
    except OSError as error:
        problems.append(_unreadable(relative, error))
        return None
    return files[relative]


def _patterns(settings: bytes) -> tuple[str, ...]:
    for document in parse(SETTINGS_FILE, settings).documents:
        patterns = document.data.get("ignore") if isinstance(document.data, dict) else None
        if isinstance(patterns, list):
            return tuple(pattern.strip("/") for pattern in patterns if isinstance(pattern, str) and pattern.strip("/"))
    return ()


def _is_ignored(relative: str, patterns: Sequence[str]) -> bool:
    """A pattern without a slash means any file or folder of that name, one with a slash a path from the root."""
    name = relative.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(relative if "/" in pattern else name, pattern) for pattern in patterns)


def _is_text(name: str) -> bool:
    """Python gives bytes of a name that are not UTF-8 as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _unreadable(relative: str, error: OSError) -> Problem:
    return _problem(relative, f"it cannot be read: {error.strerror}", "mend its permissions, or ignore it in cepd.yaml")


def _leads_away(relative: str, what: str) -> Problem:
    return _problem(relative, f"the link {what}", "keep files inside the tree; ignore the link in cepd.yaml")


def _problem(relative: str, message: str, help: str) -> Problem:
    return Problem(code="CEP010", severity="error", message=message, help=help, file=relative)
