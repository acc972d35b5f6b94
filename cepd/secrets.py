"""Reads secrets at the moment of use and keeps them out of texts.

A value is never stored; what is kept is the list of values that were read, so that logs and stored details can be
cleaned of them.
"""

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote, quote_plus

from cepd.model.errors import RefusedError
from cepd.model.secret import SecretRef

_SHORTEST = 4
"""A shorter value cannot be taken out of a text without tearing the text apart."""
_LARGEST = 65_536

_HIDDEN = "***"


class ProcessSecrets:
    """Secrets of this process: its environment and the files it can read (port Secrets)."""

    def __init__(self) -> None:
        self._spellings: tuple[str, ...] = ()

    def read(self, reference: SecretRef) -> str:
        value = _from_environment(reference.env) if reference.env is not None else _from_file(reference.file or "")
        if len(value) < _SHORTEST:
            raise RefusedError(
                f"the secret {reference} is empty or shorter than {_SHORTEST} characters",
                help="a value that short cannot be kept out of logs; use a longer one",
            )
        if value not in self._spellings:
            known = {*self._spellings, *_spellings_of(value)}
            self._spellings = tuple(sorted(known, key=lambda spelling: (-len(spelling), spelling)))
        return value

    def redact(self, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling, _HIDDEN)
        return text


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise RefusedError(f"the secret env:{name} is not set", help=f"set {name} in the environment of the daemon")
    return value.rstrip("\r\n")


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise RefusedError(f"the secret file:{path} is larger than {_LARGEST} bytes")
        return data.decode().rstrip("\r\n")
    except OSError as error:
        raise RefusedError(
            f"the secret file:{path} cannot be read: {error.strerror}", help="mount it and let the daemon read it"
        ) from error
    except UnicodeDecodeError:
        raise RefusedError(f"the secret file:{path} is not UTF-8 text") from None


def _spellings_of(value: str) -> set[str]:
    """The value as it is, in URLs, in base64 and in JSON."""
    data = value.encode(errors="surrogateescape")
    encoded = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    return {
        value,
        quote(data, safe=""),
        quote(data),
        quote_plus(data),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        *encoded,
        *(text.rstrip("=") for text in encoded),
    }
