"""Rules over HTTP: read, and tried with a payload."""

from typing import Any

import msgspec
import pytest

from cepd.engine.stats import RuleStats
from tests.support.web import DEFINITION, ask, deployed, services

ITEM = {
    "rule_id": "cpu",
    "name": "CPU high",
    "active": True,
    "reason": None,
    "disabled": None,
    "severity": "critical",
    "pack": "hosts",
    "file": "packs/hosts.yaml",
    "line": 4,
}


def test_list_and_detail() -> None:
    assert ask(services(), "GET", "/cep/rules").json() == {"rules": [ITEM]}
    detail = ask(services(), "GET", "/cep/rules/cpu").json()
    written = {"id": "cpu", "when": "cpu_percent > 90"}
    assert detail == {**ITEM, "revision": "v1", "stats": None, "definition": written}


def test_the_detail_tells_what_the_engine_counted_of_this_rule() -> None:
    stats = {"cpu": RuleStats(matched=7, fired=5, alerts=2, suppressed=3, stormed=1, skipped_keys=2, errors=1)}
    stats["cpu"].last_error = "KeyError: 'host'"
    found = ask(services(rule_stats=stats.get), "GET", "/cep/rules/cpu").json()["stats"]
    assert found == {
        "matched": 7,
        "fired": 5,
        "alerts": 2,
        "suppressed": 3,
        "stormed": 1,
        "skipped_keys": 2,
        "refused_keys": 0,
        "continued": 0,
        "muted": 0,
        "errors": 1,
        "last_error": "KeyError: 'host'",
    }


def test_an_inactive_rule_says_why() -> None:
    off = msgspec.structs.replace(DEFINITION, active=False, reason="windows cannot run yet")
    (rule,) = ask(services(deployment=lambda: deployed(off)), "GET", "/cep/rules").json()["rules"]
    assert (rule["active"], rule["reason"]) == (False, "windows cannot run yet")


@pytest.mark.parametrize(("q", "found"), [("CPU", 1), ("high", 1), ("disk", 0)])
def test_the_list_is_searched_by_id_and_name(q: str, found: int) -> None:
    assert len(ask(services(), "GET", f"/cep/rules?q={q}").json()["rules"]) == found


@pytest.mark.parametrize(
    ("name", "help"), [("cpx", "did you mean 'cpu'?"), ("%00", "/cep/rules"), ("%F0%9F%98%80", "/cep/rules")]
)
def test_an_unknown_rule_is_404_and_says_where_to_look(name: str, help: str) -> None:
    answer = ask(services(), "GET", f"/cep/rules/{name}")
    assert answer.status_code == 404
    assert help in answer.json()["help"]


@pytest.mark.parametrize(
    ("payload", "matched", "extracted"),
    [
        ({"cpu_percent": 95}, True, 95),
        ({"cpu_percent": 90}, False, None),
        ({"cpu_percent": "95"}, False, None),
        ({}, False, None),
        ({"cpu_percent": 10**30}, True, 10**30),
        ({"type": "other", "cpu_percent": 95}, True, 95),
    ],
)
def test_simulate_gives_the_shape_of_the_documents(payload: dict[str, Any], matched: bool, extracted: object) -> None:
    answer = ask(services(), "POST", "/cep/rules/cpu/simulate", json={"payload": payload}).json()
    trace = answer.pop("trace")
    assert answer == {
        "matched": matched,
        "condition_evaluated": matched,
        "triggered_actions": ["notify", "webhook"] if matched else [],
        "extracted_value": extracted,
    }
    assert trace["when"]["result"] is matched


@pytest.mark.parametrize("depth", [60, 200, 500, 900, 2_000])
def test_a_deep_payload_is_simulated_or_refused_but_never_a_fault(depth: int) -> None:
    body = b'{"payload": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
    answer = ask(services(), "POST", "/cep/rules/cpu/simulate", content=body)
    assert answer.status_code in (200, 400)
