"""Rules disabled at run time, over HTTP."""

from typing import Any

import pytest

from cepd.model.stop import Stop, Wish
from cepd.web.services import Services
from tests.support.web import NOW, ask, services

MINUTE = 60_000_000
STOP = Stop(NOW - MINUTE, NOW + MINUTE, "kim", "too loud")


def noting(**changes: Any) -> tuple[Services, list[tuple[Any, ...]]]:
    noted: list[tuple[Any, ...]] = []

    async def note(*asked: Any) -> None:
        noted.append(asked)

    return services(disable=note, enable=note, **changes), noted


def test_a_rule_is_disabled_for_a_while_with_a_reason() -> None:
    given, noted = noting()
    answer = ask(given, "POST", "/cep/rules/cpu/disable", json={"for": "1h30m", "reason": "storm", "by": "kim"})
    assert answer.status_code == 202
    disabled = {"until": "2026-01-01T01:30:00Z", "by": "kim", "reason": "storm"}
    assert answer.json() == {"rule_id": "cpu", "disabled": disabled}
    ask(given, "POST", "/cep/rules/cpu/disable", json={"until": "2026-01-01T09:00:00+09:30", "reason": "x"})
    ask(given, "POST", "/cep/rules/cpu/disable", json={"until": NOW // 1_000_000 + 60, "reason": "x"})
    assert [asked[1] for asked in noted] == [
        Wish(NOW + 90 * MINUTE, "kim", "storm"),
        Wish(NOW + MINUTE, "local", "x"),
    ]


def test_a_rule_is_enabled_again() -> None:
    given, noted = noting()
    answer = ask(given, "POST", "/cep/rules/cpu/enable")
    assert (answer.status_code, answer.json()) == (202, {"rule_id": "cpu", "disabled": None})
    assert noted == [("cpu", "local")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"reason": "x"}, "say how long"),
        ({"reason": "x", "for": "1h", "until": NOW}, "say how long"),
        ({"for": "1h"}, "reason"),
        ({"for": "1h", "reason": " "}, "the reason is empty"),
        ({"for": "1 hour", "reason": "x"}, "is not a duration"),
        ({"for": "0s", "reason": "x"}, "over already"),
        ({"until": "2025-12-31T23:59:59Z", "reason": "x"}, "over already"),
        ({"until": "tomorrow", "reason": "x"}, "not a time"),
        ({"for": "32d", "reason": "x"}, "31d|4w3d"),
        ({"for": "1h", "reason": "x", "who": "kim"}, "'who' is not known"),
    ],
)
def test_what_cannot_be_is_refused_in_words(body: dict[str, Any], says: str) -> None:
    given, noted = noting()
    answer = ask(given, "POST", "/cep/rules/cpu/disable", json=body)
    assert answer.status_code == 400
    assert any(part in answer.json()["detail"] for part in says.split("|"))
    assert not noted


def test_an_unknown_rule_cannot_be_disabled() -> None:
    for verb in ("disable", "enable"):
        assert ask(noting()[0], "POST", f"/cep/rules/cpus/{verb}", json={}).status_code == 404


def test_it_is_seen_wherever_the_rule_is() -> None:
    given = services(stops=lambda: {"cpu": STOP})
    shown = {"since": "2025-12-31T23:59:00Z", "until": "2026-01-01T00:01:00Z", "by": "kim", "reason": "too loud"}
    assert ask(given, "GET", "/cep/rules/cpu").json()["disabled"] == shown
    assert ask(given, "GET", "/cep/rules/cpu/status").json()["disabled"] == shown
    assert [one["disabled"] for one in ask(given, "GET", "/cep/rules").json()["rules"]] == [shown]
    over = services(stops=lambda: {"cpu": Stop(NOW - MINUTE, NOW, "kim", "x")})
    assert ask(over, "GET", "/cep/rules/cpu").json()["disabled"] is None
