"""uvicorn inside the daemon's own loop: the daemon owns the signals and says when to stop.

Access logs and the Server header are off; proxies' headers are not trusted. Responses carry the same headers
whoever wrote them, this application or the server itself.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sized

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cepd.model.errors import StartError
from cepd.web.loopback import is_loopback

GRACE = 0.5
"""Seconds that requests in flight get once the daemon stops; then they are told to come again."""
FAREWELL = 0.2
"""Seconds for those answers to be read; then what is still open is cut."""

MAX_HEAD = 64 << 10
"""Bytes of a request line with its headers that may come in pieces."""

HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]


def check_listen(host: str, *, with_tokens: bool) -> None:
    """StartError where anyone on the network could call a daemon that asks for no token."""
    if not with_tokens and not is_loopback(host):
        raise StartError(
            f"--listen {host} is not loopback, and there is no token file",
            help="give --tokens FILE, or listen on 127.0.0.1",
        )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Clients that come before `serve` wait. StartError where the address
    cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        help = "another daemon may run there; give --listen another port" if port else ""
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}", help=help) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Where it is reached: `http://127.0.0.1:8080`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with a limit on the head of a request: neither it nor its parser has one."""

    _head: int | None = 0
    """Bytes of the head so far; None once it is complete."""

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()
        self.scope["extensions"] = {"cepd": {"cut": self.transport.abort}}  # for who finds that its client hangs

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is None or self.transport.is_closing():
            return
        self._head += len(data)
        if self._head > MAX_HEAD:
            self.send_400_response(f"the head of the request is over {MAX_HEAD >> 10} KiB")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


async def serve(app: ASGIApp, listener: socket.socket, drain: asyncio.Event) -> None:
    """Serve until `drain` is set; then take no connection more, end what is in flight within GRACE, and return."""
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=HEADERS,
            timeout_graceful_shutdown=1,
        )
    )
    stopping = asyncio.create_task(_stop(server, drain))
    try:
        await server.serve(sockets=[listener])
    finally:
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


async def _stop(server: uvicorn.Server, drain: asyncio.Event) -> None:
    await drain.wait()
    server.should_exit = True
    state = server.server_state
    await _emptied(state.connections, GRACE)
    for task in list(state.tasks):
        task.cancel()
    await _emptied(state.connections, FAREWELL)
    for connection in list(state.connections):
        connection.transport.abort()


async def _emptied(connections: Sized, within: float) -> None:
    """Ends when no connection is left, or after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while connections and loop.time() < deadline:  # noqa: ASYNC110  uvicorn keeps a set and tells nobody
        await asyncio.sleep(0.02)
