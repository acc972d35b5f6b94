"""Opens the store that an address names: `sqlite:///FILE` (four slashes for an absolute path) or `postgresql://…`.

A driver is imported when its store is opened.
"""

import os
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from cepd.model.errors import StartError
from cepd.stores.store import SqlStore

_ADDRESSES = "write sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE"

DEFAULT = "cepd.db"
"""The file in the data directory that is taken without an address."""


async def open_store(address: str | None, data_dir: Path) -> SqlStore:
    """Raises StartError where the address is wrong, or the store cannot be opened or is newer than this cepd."""
    if address is None:
        from cepd.stores import sqlite

        return sqlite.open_store(data_dir / DEFAULT)
    scheme = _scheme(address)
    if scheme == "sqlite":
        from cepd.stores import sqlite

        return sqlite.open_store(_file(address))
    if scheme in ("postgresql", "postgres"):
        from cepd.stores import postgresql

        return await postgresql.open_store(address, instance_of(data_dir))
    raise StartError(
        f"--store has the scheme {scheme!r}, which is no store" if scheme else "--store has no scheme",
        help=_ADDRESSES,
    )


def is_shared(address: str | None) -> bool:
    """Whether other daemons may work off the same deliveries."""
    return address is not None and _scheme(address) != "sqlite"


def instance_of(data_dir: Path) -> str:
    """The name of the daemon with this data directory among those that share a store: made once, and kept there."""
    path = data_dir / "instance"
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(uuid.uuid4().hex, encoding="ascii")
            draft.replace(path)
        name = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise StartError(f"{path} cannot be used: {error}", help="see to the disk and its permissions") from error
    if not name:
        raise StartError(f"{path} is empty", help="restore the data directory from one backup, as a whole")
    return name


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme
    except ValueError as error:
        raise StartError(f"--store cannot be read: {error}", help=_ADDRESSES) from None


def _file(address: str) -> Path:
    prefix, _, path = address.partition("///")
    if prefix != "sqlite:" or not path:
        raise StartError("--store does not name a file", help="write sqlite:///FILE, or sqlite:////FILE from the root")
    return Path(path)
