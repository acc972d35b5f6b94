"""/-/healthy and /-/ready. Neither needs a token; neither fails because of a bad configuration."""

from starlette.responses import Response

from cepd.web.operation import Call, Operation, json_answer
from cepd.web.problems import problem
from cepd.web.shapes import TEXT, closed

STATUS = {200: closed({"status": TEXT})}


async def healthy(call: Call) -> Response:
    reason = call.services.unhealthy()
    return json_answer({"status": "healthy"}) if reason is None else problem(503, reason)


async def ready(call: Call) -> Response:
    reason = "the daemon is stopping" if call.services.drain.is_set() else call.services.unready()
    return json_answer({"status": "ready"}) if reason is None else problem(503, reason, headers={"Retry-After": "1"})


OPERATIONS = (
    Operation(
        method="GET",
        path="/-/healthy",
        summary="200 while the daemon works; otherwise it should be restarted",
        role=None,
        handler=healthy,
        answers=STATUS,
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/-/ready",
        summary="200 while the daemon takes requests",
        role=None,
        handler=ready,
        answers=STATUS,
        problems=(503,),
    ),
)
