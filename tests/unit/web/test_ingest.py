"""POST /ingest: what is handed on, and what is answered."""

import pytest

from cepd.intake.body import Rejected
from cepd.runtime.inbox import Receipt
from cepd.web.auth import Caller
from tests.support.web import ask, services

BAD = Rejected(line=7, reason="not JSON")


@pytest.mark.parametrize(
    ("accepted", "duplicates", "rejected", "status"),
    [(990, 0, [BAD], 202), (0, 3, [], 202), (0, 3, [BAD], 202), (1, 0, [], 202), (0, 0, [BAD], 400)],
)
def test_the_answer_counts_every_line(accepted: int, duplicates: int, rejected: list[Rejected], status: int) -> None:
    async def submit(*_: object) -> Receipt:
        return Receipt(accepted=accepted, duplicates=duplicates, rejected=rejected)

    answer = ask(services(submit=submit), "POST", "/ingest", content=b"x")
    assert answer.status_code == status
    told = {name: answer.json()[name] for name in ("accepted", "duplicates", "rejected")}
    lines = [{"line": 7, "reason": "not JSON"}] if rejected else []
    assert told == {"accepted": accepted, "duplicates": duplicates, "rejected": lines}


def test_a_body_of_bad_lines_does_not_make_an_answer_larger_than_itself() -> None:
    async def submit(*_: object) -> Receipt:
        return Receipt(accepted=1, duplicates=0, rejected=[BAD] * 1_500)

    answer = ask(services(submit=submit), "POST", "/ingest", content=b"x").json()
    assert (len(answer["rejected"]), answer["rejected_more"]) == (1_000, 500)


def test_body_headers_and_source_are_handed_on() -> None:
    seen: list[object] = []

    async def submit(*given: object) -> Receipt:
        seen.append(given)
        return Receipt(accepted=1, duplicates=0, rejected=[])

    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    ask(services(submit=submit), "POST", "/ingest", content=b"abc", headers=headers)

    class Tokens:
        def caller(self, token: bytes) -> Caller:
            return Caller(name="shop", roles=frozenset({"ingest"}), source="shop")

    given = services(submit=submit, tokens=Tokens())
    ask(given, "POST", "/ingest", content=b"{}", headers={"Authorization": "Bearer x"})
    assert seen == [(b"abc", "application/x-ndjson", "gzip", "http"), (b"{}", None, None, "shop")]
