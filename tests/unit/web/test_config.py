"""/cep/config and the reload."""

import pytest

from cepd.model.generation import SourceFile
from cepd.model.problem import Problem
from cepd.runtime.reconcile import Outcome
from cepd.runtime.reloader import Reloaded
from tests.support.web import ask, reloaded, services

PROBLEM = Problem(
    code="CEP101",
    severity="error",
    message="unknown field 'whne'",
    help="did you mean 'when'?",
    file="packs/hosts.yaml",
    line=8,
    column=5,
    end_line=8,
    end_column=9,
)
TOLD = {
    "code": "CEP101",
    "severity": "error",
    "message": "unknown field 'whne'",
    "help": "did you mean 'when'?",
    "file": "packs/hosts.yaml",
    "line": 8,
    "column": 5,
    "endLine": 8,
    "endColumn": 9,
    "pointer": "",
    "rule": None,
    "pack": None,
}


def test_the_configuration_tells_what_runs_and_what_does_not() -> None:
    file = SourceFile(path="packs/hosts.yaml", digest="e" * 64, status="last_good")
    given = services(last_reload=lambda: reloaded("partial", PROBLEM, files=(file,)))
    assert ask(given, "GET", "/cep/config").json() == {
        "revision": "v2",
        "digest": "d" * 64,
        "generation": "a" * 64,
        "files": [{"path": "packs/hosts.yaml", "digest": "e" * 64, "status": "last_good"}],
        "problems": [TOLD],
        "last_reload": {"at": "2026-01-01T00:00:00Z", "outcome": "partial"},
        "tokens": None,
    }


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("applied", 200), ("unchanged", 200), ("partial", 422), ("refused", 422), ("missing", 422)],
)
def test_a_reload_answers_with_every_problem(outcome: Outcome, status: int) -> None:
    async def reload() -> Reloaded:
        return reloaded(outcome, PROBLEM, PROBLEM)

    answer = ask(services(reload=reload), "POST", "/-/reload")
    assert answer.status_code == status
    assert answer.json()["problems"] == [TOLD, TOLD]
    assert answer.json()["outcome"] == outcome


def test_before_the_first_reading_there_is_nothing_to_tell() -> None:
    answer = ask(services(last_reload=lambda: None), "GET", "/cep/config")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
