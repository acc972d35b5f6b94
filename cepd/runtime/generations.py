"""Good generations on disk, as their files, by digest: what swap rows of the journal name and a restart runs on.

Layout: `<directory>/<digest>/` holds the files at their relative paths, and `.revision` the revision they came from.
A folder appears whole or not at all. What else stands in the directory is the rest of an interrupted write.
"""

import os
import shutil
import threading
from collections.abc import Collection, Mapping
from pathlib import Path

from cepd.config.tree import Tree, digest_of, read_whole_tree
from cepd.model.errors import RetryLaterError, StartError

_REVISION = ".revision"


class Generations:
    """Blocking: call it in a thread where a loop waits."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._turn = threading.Lock()
        self._newest = ""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for rest in (*directory.glob(".new-*"), *directory.glob(".old-*")):
            shutil.rmtree(rest, ignore_errors=True)

    def keep(self, digest: str, files: Mapping[str, bytes], revision: str) -> None:
        """Writes a generation to the disk, where it is not there yet. RetryLaterError where the disk refuses."""
        with self._turn:
            self._newest = digest
            if not (self._directory / digest).is_dir():
                self._write(digest, files, revision)

    def prune(self, needed: Collection[str]) -> None:
        """Removes all but these and the one that was kept last, which may be about to run. RetryLaterError where the
        disk refuses."""
        with self._turn:
            for folder in [found for found in self._directory.iterdir() if not found.name.startswith(".")]:
                if folder.name not in needed and folder.name != self._newest:
                    try:
                        shutil.rmtree(folder.rename(self._directory / f".old-{folder.name}"))
                    except OSError as error:
                        raise RetryLaterError(
                            f"the generation {folder.name[:12]} cannot be removed: {error}", help="see to the disk"
                        ) from error

    def _write(self, digest: str, files: Mapping[str, bytes], revision: str) -> None:
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
        return read_generation(self._directory, digest)


def read_generation(directory: Path, digest: str) -> tuple[Tree, str]:
    """As `Generations.read`, beside a daemon that runs."""
    folder = directory / digest
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
