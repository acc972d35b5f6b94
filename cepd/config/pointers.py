"""JSON pointers (RFC 6901) as text, and the paths of keys and indexes that they stand for."""

from collections.abc import Sequence
from typing import TypeAlias

from cepd.model.json import Json

Path: TypeAlias = tuple[str | int, ...]


def pointer_of(path: Sequence[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def path_of(pointer: str, document: Json) -> Path:
    """The path a pointer means in a document: a part that names a place in a list becomes an index."""
    path: list[str | int] = []
    here = document
    for part in pointer.split("/")[1:]:
        key: str | int = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and part.isdecimal():
            key = int(part)
        here = value_at(here, (key,))
        path.append(key)
    return tuple(path)


def value_at(document: Json, path: Sequence[str | int]) -> Json:
    """The value at a path; None where there is none."""
    for part in path:
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        else:
            return None
    return document
