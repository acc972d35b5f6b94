"""Bodies of requests, within limits of size and time.

A body over its limit is refused as soon as that is known, once what the client is still writing has been taken in and
dropped (up to MOST_DROPPED): most clients write all before they read, and would see a reset instead of the answer.
"""

import asyncio
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from cepd.model.errors import InputError, TooLargeError
from cepd.web.query import refuse_unknown

MAX_DOCUMENT = 64 << 10
"""Bytes of a JSON body that is not a body of events."""

MOST_DROPPED = 64 << 20
"""Bytes that are read for nothing; a body declared larger is answered at once."""

T = TypeVar("T", bound=msgspec.Struct)


async def read_body(request: Request, limit: int, patience: float) -> bytes:
    """The whole body. TooLargeError over `limit` bytes; HTTPException 408 after `patience` seconds."""
    declared = request.headers.get("content-length", "")
    expected = int(declared) if declared.isdigit() else 0
    waits = "expect" in request.headers
    if expected > MOST_DROPPED or (waits and expected > limit):
        raise _too_large(limit)
    chunks: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(patience):
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk, more = message.get("body", b""), message.get("more_body", False)
                size += len(chunk)
                if size > MOST_DROPPED:
                    raise _too_large(limit)
                if size <= limit:
                    chunks.append(chunk)
                else:
                    chunks.clear()
    except TimeoutError:
        detail = f"the body did not arrive within {patience:g} seconds"
        raise HTTPException(408, detail, {"Connection": "close"}) from None
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


async def read_fields(request: Request, kind: type[T], patience: float) -> T:
    """The body's JSON object as a struct; an empty body is an empty object. InputError naming what does not fit."""
    body = await read_body(request, MAX_DOCUMENT, patience)
    try:
        document = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is not JSON that can be read: {error}") from None
    if not isinstance(document, dict):
        raise InputError(
            "the body must be a JSON object", help=f"its fields are {', '.join(kind.__struct_encode_fields__)}"
        )
    refuse_unknown(document, kind.__struct_encode_fields__, "field")
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"the body does not fit: {error}") from None


def _too_large(limit: int) -> TooLargeError:
    size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
    return TooLargeError(f"the body is over {size}", help="send it in parts")
