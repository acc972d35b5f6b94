"""Undoing a body's `Content-Encoding`, never past the limit: a bomb is left after its first bytes too many."""

import gzip
import io
import zlib

from cepd.intake.limits import Limits
from cepd.model.errors import InputError, TooLargeError

_IDENTITY = ("", "identity")
_GZIP = ("gzip", "x-gzip")


def inflate(body: bytes, content_encoding: str | None, limits: Limits) -> bytes:
    """The body as it was before its encoding; gzip of several members is one body.

    Raises TooLargeError over `limits.body` on either side, InputError for another encoding and for broken gzip.
    """
    _check_size(len(body), limits)
    encoding = (content_encoding or "").strip().lower()
    if encoding in _IDENTITY:
        return body
    if encoding not in _GZIP:
        raise InputError(f"content encoding {encoding!r} is not supported", help="send gzip, or no Content-Encoding")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
            inflated = stream.read(limits.body + 1)
    except EOFError as error:
        raise InputError("the gzip body ends early", help="send the whole of it") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"the body is not gzip: {error}", help="send it without Content-Encoding: gzip") from error
    _check_size(len(inflated), limits)
    return inflated


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.body:
        raise TooLargeError(f"the body is over {limits.body} bytes", help="send it in several requests")
