"""Bodies: limits of size and time, and JSON objects that hold what they should."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cepd.runtime.inbox import Receipt
from cepd.web.body import MOST_DROPPED
from cepd.web.ingest import MAX_BODY
from tests.support.web import ask, services


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    taken: list[int] = []

    async def submit(body: bytes, *_: object) -> Receipt:
        taken.append(len(body))
        return Receipt(accepted=1, duplicates=0, rejected=[])

    given = services(submit=submit)
    assert ask(given, "POST", "/ingest", content=b" " * MAX_BODY).status_code == 202
    answer = ask(given, "POST", "/ingest", content=b" " * (MAX_BODY + 1))
    assert answer.status_code == 413
    assert "8 MiB" in answer.json()["detail"]
    assert taken == [MAX_BODY]


def test_a_declared_length_far_over_the_limit_is_refused_before_anything_is_read() -> None:
    async def content() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    answer = ask(services(), "POST", "/ingest", content=content(), headers={"Content-Length": str(MOST_DROPPED + 1)})
    assert answer.status_code == 413


def test_an_undeclared_length_is_counted() -> None:
    sent = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b" " * (1 << 20)

    assert ask(services(), "POST", "/ingest", content=content()).status_code == 413
    assert sent == MOST_DROPPED + (1 << 20), "it stops at the first piece that is over what is read for nothing"


def test_what_a_client_writes_before_it_reads_is_taken_in_and_dropped() -> None:
    sent = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(20):
            sent += 1 << 20
            yield b" " * (1 << 20)

    assert ask(services(), "POST", "/ingest", content=content()).status_code == 413
    assert sent == 20 << 20


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = ask(services(patience=0.05), "POST", "/ingest", content=content())
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"


def test_a_client_that_waits_for_leave_to_send_is_told_to_go() -> None:
    headers = {"Content-Length": str(MAX_BODY + 1), "Expect": "100-continue"}
    answer = ask(services(), "POST", "/ingest", content=b"", headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


BODIES = {
    "not JSON": (b"{", "JSON"),
    "not UTF-8": (b'{"payload": {"a": "\xff"}}', "JSON"),
    "an array": (b"[]", "object"),
    "no payload": (b"{}", "payload"),
    "nothing": (b"", "payload"),
    "a typo": (b'{"payloda": {}}', "did you mean 'payload'"),
    "a wrong type": (b'{"payload": []}', "payload"),
    "out of range": (b'{"payload": {"a": 1e999}}', "range"),
    "deep": (b'{"payload": ' + b"[" * 30_000, "JSON"),
    "NaN": (b'{"payload": {"a": NaN}}', "JSON"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_does_not_fit_is_told_why(name: str) -> None:
    body, words = BODIES[name]
    answer = ask(services(), "POST", "/cep/rules/cpu/simulate", content=body)
    assert answer.status_code == 400
    assert words in answer.text


def test_a_document_is_smaller_than_a_body_of_events() -> None:
    body = b'{"payload": {"a": "' + b"x" * (64 << 10) + b'"}}'
    answer = ask(services(), "POST", "/cep/rules/cpu/simulate", content=body)
    assert answer.status_code == 413
    assert "64 KiB" in answer.json()["detail"]
