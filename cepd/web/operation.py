"""One operation of the HTTP side: its method, path, role, parameters and shapes, as data beside its handler.

The routes and the OpenAPI document are both made from these, so they cannot disagree.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cepd.model.errors import CepdError, InputError, RetryLaterError
from cepd.model.json import Json
from cepd.web.auth import LOCAL, Caller, Role, identify, require
from cepd.web.loopback import refuse_foreign
from cepd.web.problems import problem, problem_of
from cepd.web.query import read_query
from cepd.web.services import Services

log = logging.getLogger(__name__)

Schema: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, after its caller and its query parameters were checked."""

    request: Request
    services: Services
    caller: Caller
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    method: Literal["GET", "POST"]
    path: str
    """With its parameters in braces."""
    summary: str
    role: Role | None
    """Which role a token needs; None: no token either."""
    handler: Callable[[Call], Awaitable[Response]]
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    """Headers that mean something to this operation and that most callers leave out."""
    body: Schema | None = None
    answers: Mapping[int, Schema] = field(default_factory=dict)
    """The JSON of each answer that is not a problem document."""
    problems: tuple[int, ...] = ()
    """The statuses of problem documents that this operation gives besides those that any may."""
    media_type: str = "application/json"

    @property
    def lists(self) -> list[str]:
        """The query parameters that may be given more than once."""
        return [name for name, schema in self.query.items() if schema.get("type") == "array"]


def json_answer(document: Json, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


async def perform(operation: Operation, request: Request, services: Services) -> Response:
    """Check the caller and the query, then run the handler. Errors that are not CepdError are logged and become 500."""
    try:
        caller = _admit(operation, request, services)
        query = (
            read_query(request.query_params, operation.query, operation.lists) if request.scope["query_string"] else {}
        )
        return await operation.handler(Call(request, services, caller, query))
    except HTTPException:
        raise
    except ClientDisconnect:
        raise InputError("the client went away before its request was complete") from None
    except asyncio.CancelledError:
        if not services.drain.is_set():
            raise
        raise RetryLaterError("the daemon is stopping", help="send it again; nothing of it is lost") from None
    except CepdError as error:
        if problem_of(error) is not None:
            raise
        return _fault(operation)
    except Exception:  # noqa: BLE001  the last door of a request: told in the log, and without internals to the caller
        return _fault(operation)


def _admit(operation: Operation, request: Request, services: Services) -> Caller:
    if operation.role is None:
        return LOCAL
    if services.tokens is None:
        refuse_foreign(request.method, request.headers)
        return LOCAL
    caller = identify(request.headers.get("authorization"), services.tokens)
    require(caller, operation.role)
    return caller


def _fault(operation: Operation) -> Response:
    log.exception("request failed", extra={"method": operation.method, "path": operation.path})
    return problem(
        500, "this is a fault of cepd itself", help="the log of the daemon has the details; please report it"
    )
