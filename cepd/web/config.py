"""/cep/config and /-/reload: what was read from the directory, what of it runs, and every problem."""

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from cepd.model.errors import RetryLaterError
from cepd.model.instant import format_instant
from cepd.model.json import Json
from cepd.model.problem import Problem
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.problems import problem
from cepd.web.shapes import COUNT, TEXT, TIME, closed, listed, or_null

PROBLEM = closed(
    {
        "code": TEXT,
        "severity": {"type": "string", "enum": ["error", "warning", "info"]},
        "message": TEXT,
        "help": TEXT,
        "file": TEXT,
        "line": COUNT,
        "column": COUNT,
        "endLine": COUNT,
        "endColumn": COUNT,
        "pointer": TEXT,
        "rule": or_null(TEXT),
        "pack": or_null(TEXT),
    }
)
FILE = closed({"path": TEXT, "digest": TEXT, "status": {"type": "string", "enum": ["active", "last_good", "rejected"]}})
TOKENS = {**closed({"count": COUNT, "error": or_null(TEXT)}), "type": ["object", "null"]}


async def show_config(call: Call) -> Response:
    last = call.services.last_reload()
    if last is None:
        raise RetryLaterError("the directory was not read yet")
    tokens = call.services.tokens
    return json_answer(
        {
            "revision": last.reading.revision,
            "digest": last.reading.digest,
            "generation": call.services.deployment().digest,
            "files": msgspec.to_builtins(last.decision.statuses),
            "problems": _problems(last.decision.problems),
            "last_reload": {"at": format_instant(last.at), "outcome": last.decision.outcome},
            "tokens": tokens and {"count": len(tokens.tokens), "error": tokens.error},
        }
    )


async def reload_config(call: Call) -> Response:
    done = await call.services.reload()
    answer = {"outcome": done.decision.outcome, "problems": _problems(done.decision.problems)}
    if done.ok:
        return json_answer(answer)
    if done.tokens_error is not None:
        detail = f"the token file cannot be used: {done.tokens_error}"
        help = "mend it, and the files that `problems` names; until then the last good tokens hold"
        return problem(422, detail, help=help, **answer)
    help = "mend the files that `problems` names; until then the last good ones run"
    return problem(422, "what the directory holds cannot run as it stands", help=help, **answer)


def _problems(problems: Sequence[Problem]) -> Json:
    return msgspec.to_builtins(problems)


OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/config",
        summary="Revision, files and problems of the configuration",
        role="read",
        handler=show_config,
        answers={
            200: closed(
                {
                    "revision": {**TEXT, "description": "Of the directory as it was last read."},
                    "digest": {**TEXT, "description": "Of the directory as it was last read."},
                    "generation": {**TEXT, "description": "Digest of what runs."},
                    "files": listed(FILE),
                    "problems": listed(PROBLEM),
                    "last_reload": closed({"at": TIME, "outcome": TEXT}),
                    "tokens": TOKENS,
                }
            )
        },
        problems=(503,),
    ),
    Operation(
        method="POST",
        path="/-/reload",
        summary="Read the directory and the token file again, now",
        role="admin",
        handler=reload_config,
        answers={200: closed({"outcome": TEXT, "problems": listed(PROBLEM)})},
        problems=(422, 503),
    ),
)
