"""From the paths on a command line to the trees they stand in."""

from collections.abc import Iterable
from pathlib import Path

from cepd.model.errors import StartError


def root_of(path: Path) -> Path:
    """The nearest folder at or above `path` that holds `cepd.yaml`; else the folder itself, or the file's.

    StartError where the path does not exist.
    """
    from cepd.config.tree import SETTINGS_FILE

    if not path.exists():
        raise StartError(f"{path} does not exist", help="name a folder with rule packs, or one of its files")
    folder = path if path.is_dir() else path.parent
    for candidate in (folder.absolute(), *folder.absolute().parents):
        if (candidate / SETTINGS_FILE).is_file():
            return candidate
    return folder


def relative_to_root(path: Path, root: Path) -> str:
    """`path` as the tree names it: relative to the root, with forward slashes; empty for the root itself."""
    name = path.absolute().relative_to(root.absolute()).as_posix()
    return "" if name == "." else name


def roots_of(paths: Iterable[Path]) -> dict[Path, list[str]]:
    """The trees that the paths stand in, each with the names of what is wanted of it. StartError as `root_of`."""
    wanted: dict[Path, list[str]] = {}
    for path in paths:
        root = root_of(path)
        wanted.setdefault(root, []).append(relative_to_root(path, root))
    return wanted


def under(name: str, wanted: Iterable[str]) -> bool:
    """Whether a file of the tree is one of the wanted names, or lies below one; the empty name is the root."""
    return any(not prefix or name == prefix or name.startswith(prefix + "/") for prefix in wanted)
