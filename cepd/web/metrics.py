"""/metrics: the Prometheus text form, rendered off the loop."""

import asyncio

from starlette.responses import Response

from cepd.web.operation import Call, Operation

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(call: Call) -> Response:
    return Response(await asyncio.to_thread(call.services.render_metrics), media_type=MEDIA_TYPE)


OPERATIONS = (
    Operation(
        method="GET",
        path="/metrics",
        summary="Metrics in the Prometheus text form",
        role="read",
        handler=metrics,
        answers={200: {"type": "string"}},
        media_type=MEDIA_TYPE,
    ),
)
