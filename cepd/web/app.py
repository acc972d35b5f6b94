"""The application: one route per path, made from the operations, and every error as a problem document."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cepd.model.errors import CepdError
from cepd.model.spelling import did_you_mean
from cepd.web import (
    acks,
    config,
    deliveries,
    events,
    executions,
    health,
    ingest,
    many_acks,
    metrics,
    rule_status,
    rule_stops,
    rules,
    stream,
)
from cepd.web.openapi import with_index
from cepd.web.operation import Operation, perform
from cepd.web.problems import problem, problem_of
from cepd.web.services import Services

OPERATIONS = with_index(
    [
        *ingest.OPERATIONS,
        *stream.OPERATIONS,  # before the events, of which one could be called `stream`
        *events.OPERATIONS,
        *many_acks.OPERATIONS,
        *acks.OPERATIONS,
        *deliveries.OPERATIONS,
        *rules.OPERATIONS,
        *rule_status.OPERATIONS,
        *rule_stops.OPERATIONS,
        *executions.OPERATIONS,
        *config.OPERATIONS,
        *health.OPERATIONS,
        *metrics.OPERATIONS,
    ]
)


def create_app(services: Services) -> Starlette:
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    routes = [
        Route(path, _endpoint(operations, services), methods=list(operations)) for path, operations in by_path.items()
    ]
    app = Starlette(routes=routes, exception_handlers={CepdError: _told, HTTPException: _refused})
    app.router.redirect_slashes = False
    return app


def _endpoint(operations: Mapping[str, Operation], services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await perform(operations[method], request, services)

    return endpoint


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, CepdError)
    answer = problem_of(error)
    assert answer is not None, "operations let no other error through"
    return _parting(request, answer)


async def _refused(request: Request, error: Exception) -> Response:
    """What the framework refuses: a path, a method, a caller, a body that does not come."""
    assert isinstance(error, HTTPException)
    detail, help, headers = error.detail, "", dict(error.headers or {})
    path = request.url.path
    if error.status_code == 404:
        detail, help = f"there is no {path[:200]}", did_you_mean(path, _known_paths())
    elif error.status_code == 405:
        allowed = sorted(headers["Allow"].split(", "))
        headers["Allow"] = ", ".join(allowed)
        detail = f"{path} cannot take {request.method}"
        help = f"it takes {', '.join(allowed)}"
        if path.startswith("/cep/rules"):
            help = "rules come from git: edit the files, and the daemon takes them up"
    return _parting(request, problem(error.status_code, detail, help=help, headers=headers))


def _parting(request: Request, answer: Response) -> Response:
    """A client that waits for leave to send its body (Expect: 100-continue) gets none: the connection ends here."""
    if "expect" in request.headers:
        answer.headers["Connection"] = "close"
    return answer


def _known_paths() -> Sequence[str]:
    return [operation.path for operation in OPERATIONS]
