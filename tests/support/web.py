"""The HTTP application without sockets: a request in, its answer out, held against the OpenAPI document."""

import asyncio
from collections.abc import AsyncIterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx2
from jsonschema import Draft202012Validator

from cepd.config.tree import Tree
from cepd.engine.program import compile_program
from cepd.model.condition import Field, Literally, Test
from cepd.model.errors import NotFoundError
from cepd.model.execution import Asked, Execution
from cepd.model.generation import Definition, Generation, SourceFile
from cepd.model.problem import Problem
from cepd.model.rule import ActionSpec, EventTrigger, Rule
from cepd.model.settings import Settings
from cepd.ports import Directory, Store, Tools
from cepd.runtime.deployment import Deployment
from cepd.runtime.inbox import Receipt
from cepd.runtime.reading import Reading
from cepd.runtime.reconcile import Decision, Outcome
from cepd.runtime.reloader import Reloaded
from cepd.runtime.stream import Stream
from cepd.web.app import OPERATIONS, create_app
from cepd.web.openapi import PROBLEM, openapi
from cepd.web.services import Services

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z

RULE = Rule(
    id="cpu",
    name="CPU high",
    trigger=EventTrigger(event_type=("host.cpu",)),
    when=Test(">", Field("cpu_percent"), Literally(90)),
    actions=(ActionSpec("notify", {"channels": ["ops"]}), ActionSpec("webhook", {"endpoint": "https://example.com/"})),
    severity="critical",
)
DEFINITION = Definition(
    rule=RULE, document={"id": "cpu", "when": "cpu_percent > 90"}, pack="hosts", file="packs/hosts.yaml", line=4
)
FILES = (SourceFile(path="packs/hosts.yaml", digest="f" * 64),)
READING = Reading(tree=Tree(root=Path("rules"), files={}), digest="d" * 64, revision="v2")


def deployed(*definitions: Definition) -> Deployment:
    generation = Generation(digest="a" * 64, settings=Settings(), definitions=definitions, channels={}, files=FILES)
    return Deployment(
        generation=generation,
        revision="v1",
        program=compile_program([one.rule for one in definitions if one.active]),
        definitions={one.rule.id: one for one in definitions},
        directory=Directory(specs={}, connected={}),
        tools=cast(Tools, None),
        plans={},
    )


def reloaded(outcome: Outcome, *problems: Problem, files: tuple[SourceFile, ...] = FILES) -> Reloaded:
    decision = Decision(outcome=outcome, generation=None, files={}, statuses=files, problems=problems)
    return Reloaded(READING, decision, at=NOW, good_at=None)


class FixedClock:
    def now(self) -> int:
        return NOW


async def take_nothing(body: bytes, content_type: str | None, content_encoding: str | None, source: str) -> Receipt:
    return Receipt(accepted=1, duplicates=0, rejected=[])


async def forget_nothing(rule_id: str, key: str) -> None:
    return


async def change_nothing(*_: object) -> None:
    return


async def run_nothing(asked: Asked, within: int) -> Execution:
    raise NotFoundError(f"Target rule not found: there is no rule {asked.rule_id!r}")


async def nothing_changed() -> Reloaded:
    return reloaded("unchanged")


BASE = Services(
    submit=take_nothing,
    store=cast(Store, None),
    stream=cast(Stream, None),
    deployment=lambda: deployed(DEFINITION),
    rule_stats=lambda rule_id: None,
    standing=lambda rule_id: None,
    baselines=lambda rule_id, limit: [],
    reset=forget_nothing,
    stops=dict,
    disable=change_nothing,
    enable=change_nothing,
    run=run_nothing,
    last_reload=lambda: reloaded("applied"),
    reload=nothing_changed,
    wake_dispatcher=lambda: None,
    unready=lambda: None,
    unhealthy=lambda: None,
    acknowledged=lambda source, severity, waited: None,
    render_metrics=lambda: b"cepd_up 1\n",
    clock=FixedClock(),
    drain=asyncio.Event(),
)


def services(**changes: Any) -> Services:
    """Services that work and have nothing to tell, but for the changes."""
    return replace(BASE, **{"drain": asyncio.Event(), **changes})


async def asking(
    given: Services,
    method: str,
    path: str,
    *,
    json: Any = None,
    content: bytes | AsyncIterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=create_app(given))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        answer = await client.request(method, path, json=json, content=content, headers=headers)
    check_shape(method, path, answer)
    return answer


def ask(given: Services, method: str, path: str, **request: Any) -> httpx2.Response:
    return asyncio.run(asking(given, method, path, **request))


def check_shape(method: str, path: str, answer: httpx2.Response) -> None:
    """Every answer is one that the OpenAPI document promises, to the letter."""
    described = _described(method, path.partition("?")[0])
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        Draft202012Validator(PROBLEM).validate(answer.json())
        assert answer.json()["status"] == answer.status_code
        assert described is None or str(answer.status_code) in described["responses"], answer.status_code
        return
    if method == "HEAD":
        return
    assert described is not None
    ((media_type, content),) = described["responses"][str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == media_type
    if media_type == "application/json":
        checker = Draft202012Validator.FORMAT_CHECKER
        Draft202012Validator(content["schema"], format_checker=checker).validate(answer.json())


def _described(method: str, path: str) -> dict[str, Any] | None:
    parts = path.split("/")
    for template, operations in openapi(OPERATIONS)["paths"].items():
        names = template.split("/")
        fits = all(name.startswith("{") or name == part for name, part in zip(names, parts, strict=False))
        if fits and len(names) == len(parts) and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    return None
