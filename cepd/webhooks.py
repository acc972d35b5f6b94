"""One delivery over HTTP: signs the stored bytes, sends them, says how it ended. Channels and actions share it.

Signatures follow Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks): `webhook-id` is the
delivery's id and stays the same over retries, `webhook-timestamp` is this attempt's, and with a secret
`webhook-signature` is HMAC-SHA256 over `id.timestamp.body`.

What a receiver answers to a call that used a secret (as URL, in a header, to sign) is never stored or shown, its status
alone is: receivers quote what they were sent, a path or the token after `Bearer`, and no redaction knows every part of
a secret. Answers to calls without secrets are kept, cut, and cleaned of all secrets before they are cut.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from cepd.model.delivery import Outcome
from cepd.model.duration import SECOND, Span
from cepd.model.errors import InputError, RefusedError
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.secret import SecretRef, read_reference
from cepd.policies.retry import result_of, retry_after
from cepd.ports import HttpError, Secrets, Tools

Concealed: TypeAlias = str | SecretRef
"""Text, or where to read it at the moment of use."""

_DETAIL_LENGTH = 300
_BLANKS = 4 * _DETAIL_LENGTH
"""Characters of an answer that are kept before its blanks are drawn together."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is stored: secrets are references, everything else is final."""

    method: str
    url: Concealed
    query: str = ""
    """Encoded; added to the URL's own."""
    headers: dict[str, Concealed] = {}
    body: str | None = None
    secrets: tuple[SecretRef, ...] = ()
    """Keys to sign with; several while one replaces another."""
    deadline: Span = 10 * SECOND
    fault: str = ""
    """Why no request could be made; then nothing is sent."""


async def deliver(
    call: Call, delivery_id: str, tools: Tools, *, allow: Sequence[str] = (), allow_private: bool = False
) -> Outcome:
    """One try. Never raises for what a receiver does, nor for a secret that is missing."""
    if call.fault:
        return Outcome(result="permanent", detail=_detail(call.fault, tools.secrets))
    content = None if call.body is None else call.body.encode()
    try:
        headers = {name: read(value, tools.secrets) for name, value in call.headers.items()}
        if content is not None:
            headers = {"content-type": "application/json", **headers}
        headers |= _signature(delivery_id, tools.clock.now(), content or b"", call.secrets, tools.secrets)
        answer = await tools.http.request(
            call.method,
            _with_query(read(call.url, tools.secrets), call.query),
            headers=headers,
            content=content,
            deadline=call.deadline,
            allow=allow,
            allow_private=allow_private,
        )
    except RefusedError as error:
        said = f"{error.message}; {error.help}" if error.help else error.message
        return Outcome(result="permanent", detail=_detail(said, tools.secrets))
    except HttpError as error:
        return Outcome(result="unknown" if error.sent else "retryable", detail=_detail(error.detail, tools.secrets))
    untold = result_of(answer.status) == "sent" or _uses_secrets(call)
    said = "" if untold else answer.body.decode(errors="replace")
    return Outcome(
        result=result_of(answer.status),
        detail=_detail(f"HTTP {answer.status}: {said}" if said else f"HTTP {answer.status}", tools.secrets),
        status=answer.status,
        retry_after=retry_after(answer.headers, tools.clock.now()),
    )


def concealed(value: Json, what: str) -> Concealed:
    """A document's value that is text or a secret reference. InputError, naming `what` it is, for anything else."""
    if isinstance(value, str):
        return value
    reference = read_reference(value)
    if reference is None:
        raise InputError(f"{what} is neither text nor a secret reference", help="write {env: NAME} or {file: PATH}")
    return reference


def signing_secrets(value: Json) -> tuple[SecretRef, ...]:
    """The references in an option `secret`: none, one, or a list of them. InputError for a literal."""
    given = value if isinstance(value, list | tuple) else [] if value is None else [value]
    references = [read_reference(item) for item in given]
    known = tuple(reference for reference in references if reference is not None)
    if len(known) != len(references):
        raise InputError("secret is not a secret reference", help="write {env: NAME} or {file: PATH}")
    return known


def read(value: Concealed, secrets: Secrets) -> str:
    return secrets.read(value) if isinstance(value, SecretRef) else value


def _uses_secrets(call: Call) -> bool:
    return bool(call.secrets) or any(isinstance(value, SecretRef) for value in (call.url, *call.headers.values()))


def _signature(
    delivery_id: str, now: Instant, content: bytes, references: Sequence[SecretRef], secrets: Secrets
) -> Mapping[str, str]:
    timestamp = str(now // SECOND)
    headers = {"webhook-id": delivery_id, "webhook-timestamp": timestamp}
    signed = f"{delivery_id}.{timestamp}.".encode() + content
    signatures = [
        "v1," + base64.b64encode(hmac.digest(_key(reference, secrets), signed, hashlib.sha256)).decode()
        for reference in references
    ]
    return {**headers, "webhook-signature": " ".join(signatures)} if signatures else headers


def _key(reference: SecretRef, secrets: Secrets) -> bytes:
    prefix, _, encoded = secrets.read(reference).strip().partition("_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if prefix != "whsec" or not 24 <= len(key) <= 64:
        raise RefusedError(f"the secret {reference} is not whsec_ and 24 to 64 bytes in base64")
    return key


def _with_query(url: str, query: str) -> str:
    if not query:
        return url
    place, hash_mark, fragment = url.partition("#")
    return f"{place}{'&' if '?' in place else '?'}{query}{hash_mark}{fragment}"


def _detail(text: str, secrets: Secrets) -> str:
    line = " ".join(secrets.redact(text)[:_BLANKS].split())
    return line if len(line) <= _DETAIL_LENGTH else line[: _DETAIL_LENGTH - 1] + "…"
