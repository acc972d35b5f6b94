"""Runs over HTTP: asked for with a key, and read."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cepd.model.errors import OverloadedError, RetryLaterError
from cepd.model.execution import Asked, Execution
from cepd.web.auth import TokenFile
from tests.support.running import Running, arrives, on_call, running
from tests.support.web import ask, asking, services

NOTIFY = {"type": "notify", "channels": ["ops"]}
Ask = Callable[..., Awaitable[httpx2.Response]]


def over(tmp_path: Path, work: Callable[[Ask, Running], Awaitable[None]], tokens: TokenFile | None = None) -> None:
    async def main() -> None:
        rules = on_call("cpu", NOTIFY, when="n > 1"), on_call("other", NOTIFY)
        async with running(tmp_path, *rules, send=arrives) as found:
            machine = found.parts.machine
            given = replace(
                services(run=found.runs.run, store=found.parts.store, tokens=tokens),
                deployment=lambda: machine.deployment,
            )

            async def call(method: str, path: str, **request: Any) -> httpx2.Response:
                return await asking(given, method, path, **request)

            await work(call, found)

    asyncio.run(main())


def test_a_rule_is_run_and_its_runs_are_listed(tmp_path: Path) -> None:
    async def work(call: Ask, found: Running) -> None:
        first = await call("POST", "/cep/rules/cpu/trigger", json={"payload": {"n": 5}, "by": "ada"})
        assert first.status_code == 200
        run = first.json()
        assert (run["status"], run["condition_met"], run["executed_by"]) == ("success", True, "ada")
        assert run["references"]["trigger"]["payload"] == {"n": 5}
        assert run["references"]["action"]["action_type"] == "notify"
        assert run["revision"] == "revision-one"
        second = (await call("POST", "/cep/rules/cpu/trigger")).json()
        assert (second["status"], second["executed_by"]) == ("dry_run", "local"), "without a body the payload is empty"
        listed = (await call("GET", "/cep/rules/cpu/executions")).json()["executions"]
        assert [one["exec_id"] for one in listed] == [second["exec_id"], run["exec_id"]]
        assert listed[1] == run
        assert len((await call("GET", "/cep/rules/cpu/executions?limit=1")).json()["executions"]) == 1
        assert (await call("GET", "/cep/rules/other/executions")).json() == {"executions": []}

    over(tmp_path, work)


def test_a_key_is_of_a_rule_and_runs_once(tmp_path: Path) -> None:
    async def work(call: Ask, found: Running) -> None:
        async def run(rule_id: str, payload: Any, key: str) -> httpx2.Response:
            body = {"payload": payload}
            return await call("POST", f"/cep/rules/{rule_id}/trigger", json=body, headers={"Idempotency-Key": key})

        first = await run("cpu", {"n": 5}, "k")
        assert (await run("cpu", {"n": 5}, "k")).content == first.content
        assert (await run("other", {"n": 5}, "k")).json()["exec_id"] != first.json()["exec_id"]
        clash = await run("cpu", {"n": 6}, "k")
        assert clash.status_code == 409
        assert "another payload" in clash.json()["detail"]
        assert len(found.tried) == 2

    over(tmp_path, work)


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "é"])
def test_a_key_that_cannot_be_read_is_refused(key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = ask(services(), "POST", "/cep/rules/cpu/trigger", headers=headers)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


def test_two_keys_are_refused() -> None:
    headers = [(b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")]
    assert ask(services(), "POST", "/cep/rules/cpu/trigger", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"payload": []}, "payload"),
        ({"payload": {}, "wait": 1}, "'wait' is not known"),
        ({"by": " "}, "by"),
        ([], "JSON object"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(body: Any, words: str) -> None:
    answer = ask(services(), "POST", "/cep/rules/cpu/trigger", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("error", "status"), [(OverloadedError("too much waits"), 429), (RetryLaterError("no disk"), 503)]
)
def test_what_cannot_run_now_is_told(error: Exception, status: int) -> None:
    async def refuse(asked: Asked, within: int) -> Execution:
        raise error

    assert ask(services(run=refuse), "POST", "/cep/rules/cpu/trigger").status_code == status


def test_a_rule_that_is_not_there_is_told() -> None:
    answer = ask(services(), "POST", "/cep/rules/nobody/trigger")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Target rule not found: there is no rule 'nobody'")
    assert ask(services(), "GET", "/cep/rules/nobody/executions").status_code == 404
    assert ask(services(), "GET", "/cep/rules/cpu/executions?limit=0").status_code == 400
    assert ask(services(), "GET", "/cep/rules/cpu/executions?limit=201").status_code == 400


@pytest.mark.parametrize(("token", "status"), [("reader", 403), ("starter", 200), ("chief", 200)])
def test_who_may_run_rules_and_for_whom(tmp_path: Path, token: str, status: int) -> None:
    roles = {"reader": "read", "starter": "trigger", "chief": "admin"}
    path = tmp_path / "tokens.yaml"
    listed = "".join(
        f"  - {{name: {name}, sha256: {hashlib.sha256(name.encode()).hexdigest()}, roles: [{role}]}}\n"
        for name, role in roles.items()
    )
    path.write_text(f"tokens:\n{listed}")

    async def work(call: Ask, found: Running) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await call("POST", "/cep/rules/cpu/trigger", json={"by": "ada"}, headers=headers)
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["executed_by"] == ("ada" if token == "chief" else token)

    over(tmp_path / "data", work, TokenFile(path))
