"""Every error is a problem document that says what to do; every bug is a 500 that tells nothing of its insides."""

import asyncio
import logging

import pytest

from cepd.model.errors import (
    CepdError,
    InputError,
    OverloadedError,
    RefusedError,
    RetryLaterError,
    TooLargeError,
)
from tests.support.web import ask, asking, services

ERRORS: list[tuple[CepdError, int, str | None]] = [
    (InputError("bad", help="mend it"), 400, None),
    (TooLargeError("big", help="mend it"), 413, None),
    (OverloadedError("slow down", after=2.1, help="mend it"), 429, "3"),
    (RetryLaterError("away", after=0.2, help="mend it"), 503, "1"),
    (RefusedError("no", help="mend it"), 403, None),
]


@pytest.mark.parametrize(("error", "status", "retry_after"), ERRORS)
def test_an_error_becomes_a_problem_document(error: CepdError, status: int, retry_after: str | None) -> None:
    async def submit(*_: object) -> None:
        raise error

    answer = ask(services(submit=submit), "POST", "/ingest", content=b"{}")
    assert answer.status_code == status
    assert answer.json()["detail"] == error.message
    assert answer.json()["help"] == "mend it"
    assert answer.headers.get("retry-after") == retry_after


def test_a_bug_is_logged_with_its_traceback_and_told_without(caplog: pytest.LogCaptureFixture) -> None:
    async def submit(*_: object) -> None:
        raise KeyError("inside")

    with caplog.at_level(logging.ERROR):
        answer = ask(services(submit=submit), "POST", "/ingest", content=b"{}")
    assert answer.status_code == 500
    assert "inside" not in answer.text
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError
    assert vars(record)["path"] == "/ingest"


def test_an_unknown_path_names_the_nearest_one() -> None:
    answer = ask(services(), "GET", "/cep/event")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no /cep/event"
    assert "/cep/events" in answer.json()["help"]


@pytest.mark.parametrize("path", ["/ingest/", "//ingest", "/cep/events/", "/cep/events/a/b", "/cep/rules/%2e%2e/x"])
def test_a_path_that_is_nearly_right_is_not_right(path: str) -> None:
    assert ask(services(), "POST", path, content=b"{}").status_code in (404, 405)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/cep/rules", "/cep/rules/cpu"])
def test_rules_are_not_written_over_http(method: str, path: str) -> None:
    answer = ask(services(), method, path, json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "git" in answer.json()["help"]


def test_a_wrong_method_names_the_right_one() -> None:
    answer = ask(services(), "GET", "/ingest")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["help"] == "it takes POST"


def test_head_is_get_without_the_body() -> None:
    assert ask(services(), "HEAD", "/-/healthy").status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [("?x=1", "'x'"), ("?q=a&q=b", "twice"), ("?q=", "empty"), ("?Q=a", "did you mean 'q'")],
)
def test_query_parameters_are_known_single_and_full(query: str, words: str) -> None:
    answer = ask(services(), "GET", f"/cep/rules{query}")
    assert answer.status_code == 400
    assert words in answer.text


def test_a_path_without_parameters_takes_none() -> None:
    assert ask(services(), "GET", "/metrics?token=secret").status_code == 400


def test_a_request_that_is_cut_off_by_the_end_of_the_daemon_may_come_again() -> None:
    started = asyncio.Event()

    async def submit(*_: object) -> None:
        started.set()
        await asyncio.Event().wait()

    async def scenario() -> int:
        given = services(submit=submit)
        request = asyncio.create_task(asking(given, "POST", "/ingest", content=b"{}"))
        await started.wait()
        given.drain.set()
        request.cancel()
        return (await request).status_code

    assert asyncio.run(scenario()) == 503
