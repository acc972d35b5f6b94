"""Secrets that stand in files as they are, and addresses that need leave: what must not be merged.

A value that looks like a secret is named by its place and never shown.
"""

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from cepd.config.findings import Findings
from cepd.config.pointers import Path
from cepd.config.sites import Site
from cepd.model.json import Json

_TOKEN = re.compile(
    r"""
      whsec_[A-Za-z0-9+/=_-]{16,}
    | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{16,}
    | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}
    | hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/-]{16,}
    | discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{16,}
    | (?:AKIA|ASIA)[A-Z0-9]{16}
    | (?:sk|rk)_live_[A-Za-z0-9]{16,} | sk-[A-Za-z0-9_-]{20,} | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
    | AIza[A-Za-z0-9_-]{30,} | [0-9]{8,10}:AA[A-Za-z0-9_-]{30,}
    | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----
    """,
    re.VERBOSE,
)
_FIELD = re.compile(
    r"(?:secret|password|passwd|token|authorization|api[_-]?key|routing[_-]?key|access[_-]?key|credential)s?$",
    re.IGNORECASE,
)
_FIELD_LINE = re.compile(
    r"""(?i)(?:secret|password|passwd|token|authorization|api[_-]?key|routing[_-]?key|access[_-]?key|credential)s?
        ["']?\s*:\s*(?!\{|\[)(?P<value>[^\s,}\]].*)""",
    re.VERBOSE,
)
_URL_PASSWORD = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:(?P<value>[^/\s@]+)@")
_REMEDY = "write {env: NAME} or {file: PATH}"


def mask(text: str) -> str:
    """One line of text with every character of what looks like a secret replaced, its length kept."""
    for pattern in (_TOKEN, _URL_PASSWORD, _FIELD_LINE):
        text = pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    group = "value" if "value" in found.re.groupindex else 0
    start, end = found.start(group) - found.start(), found.end(group) - found.start()
    return found[0][:start] + "*" * (end - start) + found[0][end:]


def find_secrets(findings: Findings) -> None:
    """Adds every text of the document that looks like a secret."""
    for path, value in _texts(findings.data, ()):
        if _URL_PASSWORD.search(value):
            findings.add("CEP403", path, "the address holds a password", _REMEDY + " for the whole address")
        elif _TOKEN.search(value):
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
    """A field of that name, `secret: {env: NAME}` excepted: there the text is a name."""
    return bool(path) and isinstance(path[-1], str) and _FIELD.search(path[-1]) is not None


def _is_template(value: str) -> bool:
    return "{{" in value


def find_private(site: Site, allow_private: bool, allowed: tuple[str, ...], findings: Findings) -> None:
    """Adds an address of the site that will be refused when it is called: private, and nothing allows it."""
    host, port = _host_of(site.value)
    if not host or not is_private(host) or allow_private or _is_allowed(host, port, allowed):
        return
    channel = site.path[:1] != ("rules",)
    help = "write allow_private: true" if channel else f"add {host!r} to egress: {{allow: […]}} in cepd.yaml"
    findings.add("CEP404", site.path, f"{host} is a private address, which is refused", help)


def _host_of(value: Json) -> tuple[str, int | None]:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return (parts.hostname or "", parts.port) if parts is not None else ("", None)
    except ValueError:
        return "", None


def is_private(host: str) -> bool:
    """Whether a host, taken literally, is outside the public internet. Names are not looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _is_allowed(host: str, port: int | None, allowed: tuple[str, ...]) -> bool:
    return any(entry in (host, f"{host}:{port}") or _in_network(host, entry) for entry in allowed)


def _in_network(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
