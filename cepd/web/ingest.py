"""POST /ingest: a body of events in, an answer once they are on disk."""

from starlette.responses import Response

from cepd.model.json import Json
from cepd.web.body import read_body
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.problems import problem

MAX_BODY = 8 << 20
MAX_NAMED = 1_000
"""Rejected lines that an answer names; what is beyond is counted in `rejected_more`."""

RECEIPT = {
    "type": "object",
    "required": ["accepted", "duplicates", "rejected"],
    "additionalProperties": False,
    "properties": {
        "accepted": {"type": "integer", "description": "Events taken in; they are on disk."},
        "duplicates": {"type": "integer", "description": "Events that were taken in before."},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["line", "reason"],
                "additionalProperties": False,
                "properties": {"line": {"type": "integer"}, "reason": {"type": "string"}},
            },
        },
        "rejected_more": {"type": "integer", "description": f"Rejected lines beyond the {MAX_NAMED:,} named ones."},
    },
}


async def ingest(call: Call) -> Response:
    body = await read_body(call.request, MAX_BODY, call.services.patience)
    headers = call.request.headers
    receipt = await call.services.submit(
        body, headers.get("content-type"), headers.get("content-encoding"), call.caller.source
    )
    answer: dict[str, Json] = {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [{"line": one.line, "reason": one.reason} for one in receipt.rejected[:MAX_NAMED]],
    }
    if len(receipt.rejected) > MAX_NAMED:
        answer["rejected_more"] = len(receipt.rejected) - MAX_NAMED
    if receipt.accepted or receipt.duplicates:
        return json_answer(answer, 202)
    return problem(400, "no line was accepted", help="`rejected` names each line with its reason", **answer)


OPERATIONS = (
    Operation(
        method="POST",
        path="/ingest",
        summary="Take in events: a JSON object, a JSON array, or NDJSON, gzipped or not",
        role="ingest",
        handler=ingest,
        body={
            "description": "One event, a list of events, or one event a line.",
            "type": ["object", "array", "string"],
        },
        answers={202: RECEIPT},
        problems=(408, 413, 429, 503),
    ),
)
