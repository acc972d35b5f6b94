"""What keeps web pages out of a daemon that asks for no token.

A browser on the same machine can be sent here by any page. So without tokens a request must be addressed to a
loopback name (a page that rebinds its own name to 127.0.0.1 still sends that name), and one that changes something
must not come from a page of another origin.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from cepd.model.errors import RefusedError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone, without asking a resolver."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_foreign(method: str, headers: Mapping[str, str]) -> None:
    """RefusedError for a request without a token that a foreign page may have made."""
    host = headers.get("host")
    if host is not None and not is_loopback(_name(host)):
        raise RefusedError(
            f"the request is addressed to {host!r}, and without tokens only loopback names are served",
            help="use http://localhost or http://127.0.0.1, or start the daemon with --tokens",
        )
    origin = headers.get("origin")
    if origin is not None and method not in SAFE_METHODS and urlsplit(origin).netloc != host:
        raise RefusedError(
            f"a page of {origin} may not change anything here",
            help="call from outside a browser, or start the daemon with --tokens",
        )


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
