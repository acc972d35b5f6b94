import asyncio

import msgspec
import pytest

from cepd.actions import notify
from cepd.channels.webhook import connect
from cepd.model.channel import ChannelSpec
from cepd.model.duration import SECOND
from cepd.model.errors import TemplateError
from cepd.model.rule import ActionSpec
from cepd.model.terms import Terms
from cepd.ports import Directory
from cepd.templating.names import names_of
from tests.support.deliveries import a_delivery
from tests.support.firings import a_definition, a_firing, an_alert
from tests.support.tools import real_tools

OPS = ChannelSpec(name="ops", type="webhook", options={"url": "https://ops.example/in"}, terms=Terms((5 * SECOND,)))
CHAT = ChannelSpec(name="chat", type="slack", options={})
DIRECTORY = Directory(specs={"ops": OPS, "chat": CHAT}, connected={"ops": connect(OPS, real_tools())})


def drafts(channels: list[str], message: str | None = None, **firing: object) -> list:
    options = {"channels": channels} | ({} if message is None else {"message": message})
    definition = a_definition(ActionSpec("notify", options))
    fired, alert = a_firing(**firing), an_alert()
    return notify.prepare(definition, 0, DIRECTORY)(fired, alert, names_of(fired, alert, definition))


def test_one_draft_for_each_channel_with_its_own_schedule() -> None:
    ops, chat = drafts(["ops", "chat"], "CPU {{ cpu }} on {{ host }}")
    assert (ops.target, ops.terms.delays, ops.type, ops.action) == ("ops", (5 * SECOND,), "notify", 0)
    assert (chat.target, chat.terms.delays) == ("chat", (SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND))
    assert ops.id != chat.id
    assert "." not in ops.id
    assert ops.order_key == 'notify:ops:cpu-high:["web-1"]'
    assert (ops.alert_id, ops.firing_id, ops.kind, ops.due_at) == ("f1", "f1", "fired", an_alert().recorded_at)
    assert msgspec.json.decode(ops.request) == {
        "type": "alert.fired",
        "event_id": "f1",
        "rule_id": "cpu-high",
        "rule_name": "CPU high",
        "severity": "critical",
        "state": "open",
        "message": "CPU 97.5 on web-1",
        "key": {"host": "web-1"},
        "values": {},
        "time": "2026-01-01T12:00:00Z",
        "payload": {"host": "web-1", "cpu": 97.5},
    }
    assert chat.request == ops.request


def test_the_same_firing_owes_the_same_and_another_owes_another() -> None:
    assert drafts(["ops"], "x") == drafts(["ops"], "x")
    assert drafts(["ops"], "x")[0].id != drafts(["ops"], "x", id="f2")[0].id


def test_two_references_to_one_channel_make_one_delivery() -> None:
    assert [draft.target for draft in drafts(["ops", "Webhook", "SLACK", "ops"])] == ["ops", "chat"]


@pytest.mark.parametrize(
    ("kind", "type", "word"),
    [
        ("fired", "alert.fired", "CPU high on web-1"),
        ("storm", "alert.fired", "[storm]"),
        ("summary", "alert.summary", "[summary]"),
        ("resolved", "alert.resolved", "[resolved]"),
    ],
)
def test_every_kind_of_firing_is_told(kind: str, type: str, word: str) -> None:
    told = msgspec.json.decode(drafts(["ops"], None, kind=kind)[0].request)
    assert told["type"] == type
    assert told["message"].startswith(word)


def test_a_failing_template_still_sends() -> None:
    told = msgspec.json.decode(drafts(["ops"], "{{ zone }}")[0].request)
    assert told["message"] == "CPU high fired for host=web-1 (its own text failed: 'zone' is undefined)"


def test_a_template_that_does_not_compile_is_told_at_once() -> None:
    with pytest.raises(TemplateError):
        drafts(["ops"], "{{ zone")


@pytest.mark.parametrize(
    ("target", "detail"),
    [("gone", "channel gone is no longer defined"), ("chat", "channel chat is of type slack, which cannot be sent to")],
)
def test_a_channel_that_cannot_be_sent_to_gets_a_delivery_that_says_so(target: str, detail: str) -> None:
    draft = drafts([target])[0]
    delivery = a_delivery(target=draft.target, request=draft.request)
    outcome = asyncio.run(notify.perform(delivery, real_tools(), DIRECTORY))
    assert (outcome.result, outcome.detail) == ("permanent", detail)
