"""Action trigger_rule: what it asks for, and what each way in which that ends makes of the delivery."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.actions import trigger_rule
from cepd.model.delivery import Delivery, Draft
from cepd.model.duration import SECOND
from cepd.model.errors import InputError, TemplateError
from cepd.model.rule import ActionSpec
from cepd.ports import Directory
from cepd.templating.names import names_of
from tests.support.deliveries import a_delivery
from tests.support.firings import a_definition, a_firing, an_alert
from tests.support.running import Running, arrives, on_call, with_running

DIRECTORY = Directory(specs={}, connected={})
NOTIFY = {"type": "notify", "channels": ["ops"]}


def drafts(options: dict[str, Any], alert: dict[str, Any] | None = None, **firing: Any) -> list[Draft]:
    definition = a_definition(ActionSpec("trigger_rule", options), timeout=7 * SECOND)
    fired, told = a_firing(**firing), an_alert(**(alert or {}))
    return trigger_rule.prepare(definition, 0, DIRECTORY)(fired, told, names_of(fired, told, definition))


def asked(request: bytes, **more: Any) -> Delivery:
    return a_delivery(id="x1", type="trigger_rule", request=request, rule_id="a", **more)


def test_it_owes_a_run_of_the_rule_on_its_payload() -> None:
    [draft] = drafts({"rule_id": "next", "payload": {"level": "{{ cpu * 2 }}", "host": "on {{ host }}"}})
    assert msgspec.json.decode(draft.request) == {
        "rule_id": "next",
        "payload": {"level": 195.0, "host": "on web-1"},
        "fault": "",
    }
    assert (draft.type, draft.target, draft.terms.timeout) == ("trigger_rule", "rule next", 7 * SECOND)
    assert draft.order_key == f"trigger_rule:{draft.id}", "it waits for no other: a circle would wait for itself"


def test_without_a_payload_the_rule_is_given_the_event() -> None:
    [draft] = drafts({"rule_id": "next"})
    assert msgspec.json.decode(draft.request)["payload"] == {"host": "web-1", "cpu": 97.5}
    [draft] = drafts({"rule_id": "next"}, {"payload": "no object"})
    assert msgspec.json.decode(draft.request)["payload"] == {}


@pytest.mark.parametrize("kind", ["resolved", "summary", "storm"])
def test_only_what_fires_runs_another_rule(kind: str) -> None:
    assert drafts({"rule_id": "next"}, kind=kind) == []


def test_a_rule_is_required_and_its_payload_must_compile() -> None:
    with pytest.raises(InputError, match="rule_id is required"):
        drafts({})
    with pytest.raises(TemplateError):
        drafts({"rule_id": "next", "payload": {"n": "{{ n"}})


def test_a_payload_that_fails_to_render_is_told_and_runs_nothing(tmp_path: Path) -> None:
    [draft] = drafts({"rule_id": "next", "payload": {"n": "{{ nothing.here }}"}})

    async def work(running: Running) -> None:
        outcome = await running.try_it(asked(draft.request))
        assert outcome.result == "permanent"
        assert "nothing" in outcome.detail

    with_running(tmp_path, work, on_call("next", NOTIFY), send=arrives)


def test_the_run_is_of_the_delivery_and_one_link_deeper(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        request = b'{"rule_id": "next", "payload": {"n": 1}}'
        outcome = await running.try_it(asked(request, depth=2))
        assert outcome.result == "sent"
        result = outcome.references["trigger_result"]
        assert isinstance(result, dict)
        assert {name: result[name] for name in ("status", "condition_met")} == {
            "status": "success",
            "condition_met": True,
        }
        execution = await running.parts.store.execution("x1")
        assert execution is not None
        assert (execution.executed_by, execution.trigger["depth"]) == ("rule a", 3)
        again = await running.try_it(asked(request, depth=2))
        assert again.references == outcome.references
        assert len(await running.parts.settled()) == 1

    with_running(tmp_path, work, on_call("next", NOTIFY), send=arrives)


@pytest.mark.parametrize(
    ("rule_id", "depth", "words"),
    [("nobody", 0, "Target rule not found"), ("next", 5, "rule chain too deep")],
)
def test_what_can_never_run_is_given_up_by_name(tmp_path: Path, rule_id: str, depth: int, words: str) -> None:
    async def work(running: Running) -> None:
        outcome = await running.try_it(asked(b'{"rule_id": "%s"}' % rule_id.encode(), depth=depth))
        assert outcome.result == "permanent"
        assert outcome.detail.startswith(words)

    with_running(tmp_path, work, on_call("next", NOTIFY), send=arrives)


def test_what_cannot_run_now_is_tried_again(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        running.parts.feed.reserve(1, 1)
        assert (await running.try_it(asked(b'{"rule_id": "next"}'))).result == "retryable"

    with_running(tmp_path, work, on_call("next", NOTIFY), capacity_events=1)
