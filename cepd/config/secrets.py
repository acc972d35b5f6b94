"""Secrets that stand in files as they are, and addresses that need leave: what must not be merged.

A value that looks like a secret is named by its place and never shown.
"""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from cepd.config.findings import Findings
from cepd.config.masking import SECRET_FIELD, TOKEN, URL_PASSWORD
from cepd.config.pointers import Path
from cepd.config.sites import Site
from cepd.model.json import Json
from cepd.policies.egress import SPECIAL, Address, Allowance, plain_address, reach_of

_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")

_REMEDY = "write {env: NAME} or {file: PATH}"


def find_secrets(findings: Findings) -> None:
    """Adds every text of the document that looks like a secret."""
    for path, value in _texts(findings.data, ()):
        if URL_PASSWORD.search(value):
            findings.add("CEP403", path, "the address holds a password", _REMEDY + " for the whole address")
        elif TOKEN.search(value):
            findings.add("CEP401", path, f"this looks like a secret: {_named(path)}", _REMEDY)
        elif _is_secret_field(path) and not _is_template(value):
            findings.add("CEP402", path, f"{_named(path)} is given as it is", _REMEDY)


def _named(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "the value")


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _texts(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _is_secret_field(path: Path) -> bool:
    """A field of that name, or an item of its list. In `secret: {env: NAME}` the text is a name."""
    name = path[-2] if len(path) > 1 and isinstance(path[-1], int) else path[-1] if path else ""
    return isinstance(name, str) and SECRET_FIELD.search(name) is not None


def _is_template(value: str) -> bool:
    return "{{" in value


def find_private(site: Site, allow_private: bool, allowed: tuple[str, ...], findings: Findings) -> None:
    """Adds an address of the site that will be refused when it is called, because nothing allows it."""
    host, port = _place_of(site.value)
    address = literal_address(host)
    if address is None or Allowance(allowed, allow_private).admits(host, port, address):
        return
    channel = site.path[:1] != ("rules",)
    if reach_of(address) == "special":
        said = f"{host} is refused, as all {SPECIAL} are"
        help = "no channel reaches such an address: write the receiver's own"
    else:
        said = f"{host} is a private address, which is refused"
        help = "write allow_private: true"
    entry = host if host.endswith("localhost") else str(plain_address(address))
    findings.add(
        "CEP404", site.path, said, help if channel else f"add {entry!r} to egress: {{allow: […]}} in cepd.yaml"
    )


def _place_of(value: Json) -> tuple[str, int]:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        return (parts.hostname or "").removesuffix("."), parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return "", 0


def literal_address(host: str) -> Address | None:
    """The address that a host is without a look-up; None for any other name."""
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
