"""Calls of a running daemon, for the verbs that operate one.

The token goes into the Authorization header and nowhere else: no message holds it. A refusal that concerns what was
named (404, 409) is an error of the input; everything else, from an address that does not answer to a role that is
missing, ends the command.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import typer

from cepd.model.errors import ConflictError, NotFoundError, StartError

DEFAULT_URL = "http://127.0.0.1:8080"
PATIENCE = 30.0
"""Seconds that an answer may take."""

Url = Annotated[str, typer.Option("--url", envvar="CEPD_URL", help="Where the daemon listens.")]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="CEPD_TOKEN",
        help="Who is asking. Safer in the variable than on the line, where others can see it.",
        show_default=False,
    ),
]


class Remote(NamedTuple):
    url: str
    token: str | None


def remote_of(url: str, token: str | None) -> Remote:
    """StartError where no request could be made of them."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise StartError("--url is not the address of a daemon", help=f"write it as {DEFAULT_URL}")
    if parts.username is not None or parts.query or parts.fragment:
        help = f"write it as {DEFAULT_URL}; who is asking goes into --token"
        raise StartError("--url holds more than an address", help=help)
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise StartError("--token holds characters that no token has", help="give it without blanks and line ends")
    return Remote(url.rstrip("/"), token)


def call(
    remote: Remote, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
) -> dict[str, Any]:
    """The JSON object that the daemon answers. NotFoundError, ConflictError as it says them; else StartError."""
    import httpx2

    headers = {"Authorization": f"Bearer {remote.token}"} if remote.token else {}
    given = {name: value for name, value in (params or {}).items() if value is not None}
    direct: dict[str, None] = {f"all://{host}": None for host in ("127.0.0.1", "localhost", "[::1]")}
    try:
        with httpx2.Client(timeout=PATIENCE, mounts=direct) as client:
            answer = client.request(method, remote.url + path, params=given, json=body, headers=headers)
    except httpx2.HTTPError as error:
        help = "see that it runs, and give its address as --url or CEPD_URL"
        raise StartError(f"no answer from {remote.url}: {error or type(error).__name__}", help=help) from None
    try:
        document = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        help = "another server may run there; give the daemon's address as --url or CEPD_URL"
        raise StartError(f"{remote.url} does not answer as cepd does: HTTP {answer.status_code}", help=help) from None
    if answer.is_success:
        return document
    detail, help = str(document.get("detail", f"HTTP {answer.status_code}")), str(document.get("help", ""))
    if answer.status_code == 404:
        raise NotFoundError(detail, help=help)
    if answer.status_code == 409:
        raise ConflictError(detail, help=help)
    raise StartError(detail, help=help)
