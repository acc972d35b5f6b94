"""Good generations on disk, as their files, by digest: what swap rows of the journal name and a restart runs on.

Layout: `<directory>/<digest>/` holds the files at their relative paths, and `.revision` the revision they came from.
A folder appears whole or not at all. What else stands in the directory is the rest of an interrupted write.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from cepd.config.tree import Tree, digest_of, read_whole_tree
from cepd.model.errors import RetryLaterError, StartError

_REVISION = ".revision"


class Generations:
    """Blocking: call it in a thread where a loop waits."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for rest in directory.glob(".new-*"):
            shutil.rmtree(rest, ignore_errors=True)

    def keep(self, digest: str, files: Mapping[str, bytes], revision: str) -> None:
        """Writes a generation to the disk, where it is not there yet. RetryLaterError where the disk refuses."""
        if (self._directory / digest).is_dir():
            return
        fresh = self._directory / f".new-{digest}"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            for name, content in {**files, _REVISION: revision.encode()}.items():
                _write(fresh / name, content)
            for folder, _, _ in os.walk(fresh):
                _sync(Path(folder))
            fresh.rename(self._directory / digest)
            _sync(self._directory)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise RetryLaterError(
                f"the generation {digest[:12]} cannot be kept in {self._directory}: {error.strerror}",
                help="free space in the data directory, or mend its permissions",
            ) from error

    def read(self, digest: str) -> tuple[Tree, str]:
        """The files of a kept generation and their revision. StartError where they are gone or were changed."""
        folder = self._directory / digest
        tree = read_whole_tree(folder)
        revision = _revision(folder)
        if tree.problems or digest_of(tree.files) != digest or revision is None:
            what = "was changed" if folder.is_dir() else "is not there"
            raise StartError(
                f"the journal runs on the generation {digest}, and its folder {folder} {what}",
                help="restore the data directory from one backup, as a whole",
            )
        return tree, revision


def _revision(folder: Path) -> str | None:
    """None where it is lost."""
    try:
        return (folder / _REVISION).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
