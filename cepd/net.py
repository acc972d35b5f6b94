"""The HTTP client that every request of cepd to the outside goes through (port HttpClient).

It is narrow on purpose: one request, one answer, one deadline over everything. It follows no redirects, knows no
proxies and cookies, and does not unpack bodies; where it may connect to is `cepd.policies.egress`'s to decide. It is
built on httpcore2, the connection pool under httpx2, because only that lets the guard stand at the point of connecting.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import httpcore2
import httpx2

from cepd import __version__
from cepd.model.duration import SECOND, Span, format_duration
from cepd.model.errors import RefusedError
from cepd.net_guard import GuardedBackend
from cepd.net_lookup import Lookups
from cepd.policies.egress import Allowance
from cepd.ports import HttpError, HttpResponse

MAX_BODY = 65_536
"""Bytes of an answer that are read; the rest is left unread."""

_KEPT_ALIVE = 5.0
"""Seconds that an idle connection is kept."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_BROKEN = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, ssl.SSLError)
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class GuardedClient:
    """Pools connections per allowance, so that none that was opened under one serves a caller without it."""

    def __init__(self, *, trust: ssl.SSLContext | None = None) -> None:
        """`trust`: which certificates are believed; the system's where None."""
        self._trust = trust or httpx2.create_ssl_context(trust_env=False)
        self._pools: dict[Allowance, httpcore2.AsyncConnectionPool] = {}
        self._lookups = Lookups()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        deadline: Span,
        allow: Sequence[str] = (),
        allow_private: bool = False,
    ) -> HttpResponse:
        """See the port. RefusedError also for a URL or header that no request can be made of."""
        request = httpcore2.Request(
            method.encode("ascii"),
            _target(url),
            headers=_header_lines(url, headers, content),
            content=content,
        )
        pool, retired = self._choose(Allowance(tuple(allow), allow_private))
        try:
            return await _Exchange(pool, request).run(deadline)
        finally:
            for unused in retired:
                await unused.aclose()

    async def aclose(self) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    def _choose(
        self, allowance: Allowance
    ) -> tuple[httpcore2.AsyncConnectionPool, Sequence[httpcore2.AsyncConnectionPool]]:
        """The pool of an allowance, and those to close: at a new allowance, every pool with nothing under way."""
        if allowance in self._pools:
            return self._pools[allowance], ()
        unused = [old for old, pool in self._pools.items() if all(one.is_idle() for one in pool.connections)]
        retired = [self._pools.pop(old) for old in unused]
        self._pools[allowance] = httpcore2.AsyncConnectionPool(
            ssl_context=self._trust,
            max_connections=None,  # the callers bound what is under way; a limit here would let hung ones starve others
            keepalive_expiry=_KEPT_ALIVE,
            network_backend=GuardedBackend(allowance, self._lookups),
        )
        return self._pools[allowance], retired


class _Exchange:
    """One request on its way: how far it came decides what a failure means."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool, request: httpcore2.Request) -> None:
        self._pool = pool
        self._request = request
        self._request.extensions = {"trace": self._follow}
        self._sent = False
        self._answer: httpcore2.Response | None = None
        self._body = bytearray()

    async def run(self, deadline: Span) -> HttpResponse:
        whole = False
        try:
            async with asyncio.timeout(deadline / SECOND):
                whole = await self._converse()
        except TimeoutError:
            if self._answer is None:
                raise HttpError(f"no answer within {format_duration(deadline)}", sent=self._sent) from None
        except (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol) as error:
            raise RefusedError(f"the request cannot be written: {error}") from error
        except _BROKEN as error:
            if self._answer is None:
                raise HttpError(_words(error), sent=self._sent) from error
        assert self._answer is not None
        return HttpResponse(
            status=self._answer.status,
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._answer.headers},
            body=bytes(self._body[:MAX_BODY]),
            whole=whole,
        )

    async def _converse(self) -> bool:
        """Sends, and reads what comes back. Whether the body was read to its end."""
        self._answer = await self._pool.handle_async_request(self._request)
        try:
            async for piece in self._answer.aiter_stream():
                self._body += piece
                if len(self._body) > MAX_BODY:
                    return False
            return True
        finally:
            await self._answer.aclose()

    async def _follow(self, event: str, _: Mapping[str, Any]) -> None:
        """httpcore2 tells here of its steps. The request may have arrived once its last byte was handed over."""
        if event == "http11.send_request_body.complete":
            self._sent = True


def _target(url: str) -> httpcore2.URL:
    if any(character.isspace() for character in url):
        raise RefusedError("the URL holds a blank", help="write %20")
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise RefusedError("the URL cannot be read", help="write https://host/path") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise RefusedError("the URL is not one of http or https", help="write https://host/path")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise RefusedError(f"the URL has the port {parsed.port}", help="ports end at 65535")
    if parsed.userinfo:
        raise RefusedError("the URL holds a user or password", help="send it as a header that is a secret reference")
    return httpcore2.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path or b"/"
    )


def _header_lines(url: str, headers: Mapping[str, str], content: bytes | None) -> list[tuple[bytes, bytes]]:
    given = {
        "host": httpx2.URL(url).netloc.decode("ascii"),
        "user-agent": f"cepd/{__version__}",
        "accept": "*/*",
        **({"content-length": str(len(content))} if content is not None else {}),
    }
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _UNSAFE.search(value):
            raise RefusedError(f"the header {name!r} holds a line break or a character that headers cannot hold")
        if name.lower() in ("content-length", "transfer-encoding", "connection"):
            raise RefusedError(f"the header {name!r} is the connection's own and cannot be set")
        given[name.lower()] = value.strip(" \t")
    return [(name.encode("ascii"), value.encode()) for name, value in given.items()]


def _words(error: Exception) -> str:
    """Without what the other side said: a protocol error quotes it, and it may quote a secret that it was sent."""
    cause = f"{error}".strip() or type(error).__name__
    if isinstance(error, httpcore2.ProtocolError):
        cause = cause.partition(":")[0]
    return f"{type(error).__name__}: {cause}" if cause != type(error).__name__ else cause
