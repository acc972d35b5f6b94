"""/openapi.json and the index at /: both made from the operations themselves."""

import re
from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response

from cepd import __version__
from cepd.model.json import Json
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.problems import MEDIA_TYPE as PROBLEM_TYPE
from cepd.web.shapes import MAP, TEXT, closed

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "help": {**TEXT, "description": "What to do about it."},
    },
}

_PARAMETER = re.compile(r"\{(\w+)\}")


def with_index(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations, and the two that tell of them all."""

    async def show_openapi(call: Call) -> Response:
        return json_answer(document)

    async def show_index(call: Call) -> Response:
        links = {one.summary: one.path for one in complete if one.method == "GET" and "{" not in one.path}
        return json_answer({"name": "cepd", "version": __version__, "links": links})

    complete = (
        *operations,
        Operation(
            method="GET",
            path="/openapi.json",
            summary="This interface as an OpenAPI document",
            role="read",
            handler=show_openapi,
            answers={200: MAP},
        ),
        Operation(
            method="GET",
            path="/",
            summary="Where to go from here",
            role="read",
            handler=show_index,
            answers={200: closed({"name": TEXT, "version": TEXT, "links": {**MAP, "additionalProperties": TEXT}})},
        ),
    )
    document = openapi(complete)
    return complete


def openapi(operations: Sequence[Operation]) -> dict[str, Json]:
    """The OpenAPI 3.1 document of the operations (https://spec.openapis.org/oas/v3.1.0)."""
    paths: dict[str, dict[str, Json]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "cepd", "version": __version__, "description": "Rules as code: events in, alerts out."},
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Json]:
    described: dict[str, Json] = {"summary": operation.summary, "operationId": operation.handler.__name__}
    parameters = [
        *(
            {"name": name, "in": "path", "required": True, "schema": TEXT}
            for name in _PARAMETER.findall(operation.path)
        ),
        *({"name": name, "in": "query", "schema": dict(schema)} for name, schema in operation.query.items()),
        *({"name": name, "in": "header", "schema": dict(schema)} for name, schema in operation.headers.items()),
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": dict(operation.body)}}}
    described["responses"] = {str(status): answer for status, answer in sorted(_answers(operation).items())}
    if operation.role is not None:
        described["description"] = f"Needs the role `{operation.role}` where the daemon asks for tokens."
        described["security"] = [{"token": []}, {}]
    return described


def _answers(operation: Operation) -> dict[int, Json]:
    any_may = {400, 500} if operation.role is None else {400, 401, 403, 500}
    problems = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers: dict[int, Json] = {
        status: {"description": HTTPStatus(status).phrase, "content": problems}
        for status in any_may.union(operation.problems)
    }
    for status, schema in operation.answers.items():
        content = {operation.media_type: {"schema": dict(schema)}}
        answers[status] = {"description": HTTPStatus(status).phrase, "content": content}
    return answers
