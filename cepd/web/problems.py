"""Errors as problem documents (RFC 9457), with `help` as an extension member: what to do about it."""

import math
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from cepd.model.errors import (
    CepdError,
    ConflictError,
    GoneError,
    InputError,
    NotFoundError,
    OverloadedError,
    RefusedError,
    RetryLaterError,
    TooLargeError,
)
from cepd.model.json import Json

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[CepdError], int], ...] = (
    (TooLargeError, 413),
    (NotFoundError, 404),
    (GoneError, 410),
    (ConflictError, 409),
    (InputError, 400),
    (OverloadedError, 429),
    (RetryLaterError, 503),
    (RefusedError, 403),
)
"""The first class that fits decides. Any other error of ours has no place in an answer: it is a bug."""


def problem(
    status: int, detail: str, *, help: str = "", headers: Mapping[str, str] | None = None, **members: Json
) -> Response:
    """A problem document; `members` are its extension members."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if help:
        document["help"] = help
    return Response(msgspec.json.encode({**document, **members}), status, headers, MEDIA_TYPE)


def problem_of(error: CepdError, **members: Json) -> Response | None:
    """The answer to an error that a caller can do something about; None for a bug."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    if status is None:
        return None
    headers = {"Retry-After": str(max(1, math.ceil(error.after)))} if isinstance(error, RetryLaterError) else None
    return problem(status, error.message, help=error.help, headers=headers, **members)
