"""/cep/events/stream: what happens to alerts, as server-sent events (https://html.spec.whatwg.org/#server-sent-events).

A client that goes away and comes back with the last id it has seen loses nothing and sees nothing twice: the ids are
the store's. Pings carry an id too, so that also a client to which nothing was told, or nothing of its rule, comes back
to where it stood. A client that does not read is waited for, and then cut off; it comes back to where it was as well.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cepd.model.delivery import Delivery
from cepd.model.errors import InputError, RefusedError, RetryLaterError
from cepd.model.instant import format_instant
from cepd.model.json import Json
from cepd.model.rule import SEVERITIES, SEVERITY_ALIASES, severity_of
from cepd.ports import Notice
from cepd.runtime.stream import Line, Stream
from cepd.web.auth import identify, require
from cepd.web.operation import Call, Operation
from cepd.web.query import choice
from cepd.web.shapes import TEXT, item

log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
RETRY = 3_000
"""Milliseconds after which a client that was cut off comes back."""
PING = 15.0
"""Seconds without a word after which there is one, and after which it is asked whether the token still holds."""
PATIENCE = 60.0
"""Seconds within which a client must take what it is sent."""
PIECE = 16 << 10
"""Bytes that are sent before the client must have taken those before."""
AWAY = 1.0
"""Seconds until the store is asked again after it was away."""

_SEVERITIES = (*SEVERITIES, *SEVERITY_ALIASES)
_ID = re.compile(r"\d{1,18}", re.ASCII)


def line_of(notice: Notice) -> Line:
    """A notice as one event of the stream."""
    alert = notice.alert
    data = item(alert, notice.channels)
    if notice.delivery is not None:
        data["delivery"] = _delivery(notice.delivery)
    return Line(alert.rule_id, alert.severity, _event(notice.kind, data, notice.seq))


async def follow_events(call: Call) -> Response:
    stream = call.services.stream
    rule_id, severity = call.query.get("rule_id"), severity_of(choice(call.query, "severity", _SEVERITIES))
    after = _last_event_id(call)
    stream.refuse_more()
    end = await stream.look()

    def wanted(line: Line) -> bool:
        return rule_id in (None, line.rule_id) and severity in (None, line.severity)

    return EventStream(stream, _texts(call, wanted, after, end), call.services.drain)


class EventStream(Response):
    """Sends what `texts` gives, as fast as the client takes it, until the client leaves or `texts` ends.
    OverloadedError, before anything is sent, where as many watch as may."""

    def __init__(self, stream: Stream, texts: AsyncGenerator[bytes, None], drain: asyncio.Event) -> None:
        super().__init__(None, 200, {"Content-Type": MEDIA_TYPE, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream = stream
        self._texts = texts
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        if scope["method"] == "HEAD":
            await self._texts.aclose()
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        with self._stream.watching():
            await send(start)
            await self._follow(scope, receive, send)

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        telling = asyncio.create_task(self._tell(send, scope.get("extensions", {}).get("cepd", {}).get("cut")))
        leaving = asyncio.create_task(_left(receive))
        stopping = asyncio.create_task(self._stop())
        try:
            await self._over(telling, leaving)
        finally:
            for part in (telling, leaving, stopping):
                part.cancel()
            await asyncio.wait((telling, leaving, stopping))
        if not telling.cancelled():
            telling.result()

    async def _over(self, *parts: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not self._drain.is_set():
                raise
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)  # who does not read now is cut off next

    async def _tell(self, send: Send, cut: Callable[[], None] | None) -> None:
        async with aclosing(self._texts) as texts:
            try:
                async for text in texts:
                    async with asyncio.timeout(PATIENCE):
                        await send({"type": "http.response.body", "body": text, "more_body": True})
            except TimeoutError:
                log.warning("a client of the stream does not read", extra={"seconds": PATIENCE})
                if cut is None:
                    raise
                cut()
                await send({"type": "http.response.body", "body": b"", "more_body": True})
                return
        await send({"type": "http.response.body", "body": b""})

    async def _stop(self) -> None:
        await self._drain.wait()
        self._stream.stir()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _texts(
    call: Call, wanted: Callable[[Line], bool], after: int | None, end: int
) -> AsyncGenerator[bytes, None]:
    """Everything behind `after`; without it, what comes from now on. `end` is the end of the stream by now."""
    stream, drain, clock = call.services.stream, call.services.drain, asyncio.get_running_loop().time
    at = end if after is None else min(after, end)
    reason = "the daemon is stopping"
    yield f"retry: {RETRY}\nid: {at}\n\n".encode()
    if after is not None and after > end:
        stream.missed()
        yield _gap(after, end + 1)
    told = checked = clock()
    while not drain.is_set():
        if clock() - checked >= PING:
            checked = clock()
            if not _admitted(call):
                reason = "the token does not hold any more"
                break
        if clock() - told >= PING:
            told = clock()
            yield f": ping\nid: {at}\n\n".encode()
        if not await stream.beyond(at, max(told + PING - clock(), 0)):
            continue
        try:
            page = await stream.page(at)
        except RetryLaterError:
            await stream.beyond(stream.end, AWAY)
            continue
        if page.oldest is not None:
            stream.missed()
            yield _gap(at, page.oldest)
        at = page.last
        for piece in _pieces([line.text for line in page.lines if wanted(line)]):
            yield piece
            told = clock()
    yield _event("bye", {"reason": reason})


def _pieces(texts: Sequence[bytes]) -> Iterator[bytes]:
    piece: list[bytes] = []
    size = 0
    for text in texts:
        piece.append(text)
        size += len(text)
        if size >= PIECE:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


def _event(kind: str, data: Mapping[str, Json], seq: int | None = None) -> bytes:
    """One event; its JSON holds no line break."""
    number = b"" if seq is None else b"id: %d\n" % seq
    return b"%sevent: %s\ndata: %s\n\n" % (number, kind.encode(), msgspec.json.encode(data))


def _gap(asked: int, oldest: int) -> bytes:
    """What came behind `asked` and before `oldest` is kept no more, or never was of this store."""
    return _event("gap", {"last_event_id": asked, "oldest_id": oldest}, oldest - 1)


def _delivery(delivery: Delivery) -> dict[str, Json]:
    return {
        "delivery_id": delivery.id,
        "kind": delivery.kind,
        "action": delivery.action,
        "type": delivery.type,
        "target": delivery.target,
        "state": delivery.state,
        "reason": delivery.reason,
        "tries": delivery.tries,
        "settled_at": None if delivery.settled_at is None else format_instant(delivery.settled_at),
    }


def _last_event_id(call: Call) -> int | None:
    """The header is what the client has seen since it began with the parameter, so it counts before that."""
    header = call.request.headers.get("last-event-id")
    text = call.query.get("last_event_id") if header is None else header
    if text is None:
        return None
    if not _ID.fullmatch(text):
        raise InputError(f"{text[:50]!r} is not an id of the stream", help="give the last id that was seen, or none")
    return int(text)


def _admitted(call: Call) -> bool:
    """Whether the caller would be let in now."""
    tokens = call.services.tokens
    if tokens is None:
        return True
    try:
        require(identify(call.request.headers.get("authorization"), tokens), "read")
    except (HTTPException, RefusedError):
        return False
    return True


OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/events/stream",
        summary="What happens to alerts, as server-sent events, from the header Last-Event-ID on",
        role="read",
        handler=follow_events,
        query={
            "rule_id": TEXT,
            "severity": {"type": "string", "enum": list(_SEVERITIES)},
            "last_event_id": {
                "type": "string",
                "description": "Tells what comes behind this id, where there is no header Last-Event-ID. "
                "Without both it begins now.",
            },
        },
        answers={
            200: {
                "type": "string",
                "description": "Events `fired updated acked unacked resolved noted judged` with the alert as in "
                "/cep/events, as it is by then; `delivery` when a delivery has ended, with `delivery` beside the "
                "alert; `gap` with `oldest_id` where some were missed that are kept no more; `bye` as the last one "
                "when cepd ends the stream. A comment each 15 s without an event.",
            }
        },
        problems=(429, 503),
        media_type=MEDIA_TYPE,
    ),
)
